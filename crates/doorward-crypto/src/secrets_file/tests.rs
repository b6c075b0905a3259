use super::*;
use crate::keyring::KeyRing;
use crate::strength::WeakSecret;
use crate::testing::strong;

const NOW: u64 = 1_795_424_400; // 2026-11-23T09:00:00Z

/// The position in `file` of the secret that seals.
fn sealing_line(file: &[(&str, u8)], now: u64) -> u8 {
    let text: String = file
        .iter()
        .map(|(created, seed)| format!("{created} {}\n", strong(*seed).expose()))
        .collect();
    let secrets = secrets_of_file(&text, now).unwrap();
    assert_eq!(secrets.len(), file.len(), "all open");
    file.iter()
        .map(|(_, seed)| *seed)
        .find(|seed| secrets[0].matches(strong(*seed).expose()))
        .unwrap()
}

#[test]
fn the_newest_secret_of_ten_minutes_seals_and_all_open() {
    let (old, recent, fresh) = ("2026-01-01T00:00:00Z", "2026-11-23T08:50:00Z", "2026-11-23T08:50:01Z");
    let future = "2026-11-24T00:00:00+01:00";
    assert_eq!(sealing_line(&[(old, 1)], NOW), 1);
    assert_eq!(sealing_line(&[(old, 1), (recent, 2)], NOW), 2);
    assert_eq!(sealing_line(&[(recent, 2), (old, 1)], NOW), 2);
    assert_eq!(sealing_line(&[(old, 1), (fresh, 2)], NOW), 1);
    assert_eq!(sealing_line(&[(old, 1), (fresh, 2)], NOW + 1), 2);
    assert_eq!(sealing_line(&[(old, 1), (recent, 2), (fresh, 3), (future, 4)], NOW), 2);
    // None is settled: the oldest.
    assert_eq!(sealing_line(&[(future, 4), (fresh, 3)], NOW), 3);
    // Of one time the later line is the newer.
    assert_eq!(sealing_line(&[(old, 1), (old, 2)], NOW), 2);
}

#[test]
fn the_secrets_of_a_file_come_in_the_order_of_a_ring() {
    let file = format!(
        "2026-01-01T00:00:00Z {}\n2026-02-01T00:00:00Z {}\n2026-11-23T09:00:00Z {}\n",
        strong(1).expose(),
        strong(2).expose(),
        strong(3).expose()
    );
    let secrets = secrets_of_file(&file, NOW).unwrap();
    assert_eq!(secrets.len(), 3);
    assert!(
        secrets[0].matches(strong(2).expose()),
        "the newest that is settled seals"
    );
    assert_eq!(secrets_of_file("# none yet", NOW).unwrap_err(), KeyRingError::Empty);
}

#[test]
fn comments_and_blank_lines_of_a_secrets_file_are_skipped() {
    let text = format!(
        "# made by hand\r\n\r\n  2026-01-01T00:00:00Z\t{}  \r\n#end",
        strong(1).expose()
    );
    let secrets = secrets_of_file(&text, NOW).unwrap();
    assert!(secrets[0].matches(strong(1).expose()));
}

#[test]
fn a_faulty_secrets_file_is_refused_with_its_line_and_without_its_secret() {
    let good = format!("2026-01-01T00:00:00Z {}", strong(1).expose());
    let check = |text: &str, expected: KeyRingError| {
        let error = KeyRing::from_secrets_file(text, NOW).unwrap_err();
        assert_eq!(error, expected);
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    };
    check("", KeyRingError::Empty);
    check("# only\n\n", KeyRingError::Empty);
    check(&format!("{good}\n\nhunter2"), KeyRingError::MalformedLine { line: 3 });
    check(
        &format!("{good}\nyesterday hunter2"),
        KeyRingError::MalformedLine { line: 2 },
    );
    check("2026-01-01T00:00:00Z", KeyRingError::MalformedLine { line: 1 });
    check(
        &format!("{good}\n2026-01-01T00:00:00Z hunter2"),
        KeyRingError::WeakLine {
            line: 2,
            reason: WeakSecret::TooShort { bytes: 7 },
        },
    );
    check(&format!("{good}\n{good}"), KeyRingError::DuplicateLine { line: 2 });
    check(&"#".repeat(MAX_FILE_BYTES + 1), KeyRingError::FileTooLarge);
    let many: String = (0..33)
        .map(|seed| format!("2026-01-01T00:00:00Z {}\n", strong(seed).expose()))
        .collect();
    check(&many, KeyRingError::TooMany);
}

#[test]
fn a_file_read_once_tells_by_the_time_which_secret_seals() {
    // attacks: K10
    let line = |created: &str, seed: u8| format!("{created} {}\n", strong(seed).expose());
    let text = line("2026-01-01T00:00:00Z", 1) + &line("2026-11-23T09:00:00Z", 2) + &line("2026-11-23T09:05:00Z", 3);
    let file = DatedSecrets::parse(&text).unwrap();
    let order = |now: u64| {
        let secrets = file.secrets(now);
        let seed = |secret: &SecretString| (1..=3_u8).find(|seed| strong(*seed).matches(secret.expose()));
        secrets.iter().filter_map(seed).collect::<Vec<_>>()
    };
    assert_eq!(order(NOW), [1, 3, 2]);
    assert_eq!(order(NOW + 599), [1, 3, 2]);
    assert_eq!(order(NOW + 600), [2, 3, 1]);
    assert_eq!(order(NOW + 899), [2, 3, 1]);
    assert_eq!(order(NOW + 900), [3, 2, 1]);
    assert_eq!(order(0), [1, 3, 2], "where none is old enough, the oldest");
    assert_eq!(format!("{file:?}"), "DatedSecrets(3 secrets, redacted)");
}
