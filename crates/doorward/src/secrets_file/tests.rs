use std::sync::{Arc, Mutex};

use super::*;

const A: &str = "s6Vt0mJ4yQb1xW8kZpR3cNfL7uHdEaGi2oTqYvXwB5M";
const B: &str = "Jq7wXr2LkV9sBt4cMz8nHy1dGf6pKe3aUiOoTzNxWvQ";
const NOW: u64 = 1_795_424_400; // 2026-11-23T09:00:00Z

fn text(lines: &[(&str, &str)]) -> io::Result<String> {
    Ok(lines
        .iter()
        .map(|(created, secret)| format!("{created} {secret}\n"))
        .collect())
}

fn first(secrets: &[SecretString]) -> &str {
    secrets[0].expose()
}

/// A file that says what the test put there.
fn fake(says: &Arc<Mutex<Option<String>>>) -> Reader {
    let says = Arc::clone(says);
    Reader {
        path: "secrets".into(),
        read: Box::new(move || {
            let said = says.lock().unwrap().clone();
            Box::pin(async move { said.ok_or_else(|| io::ErrorKind::NotFound.into()) })
        }),
        known: Known::default(),
    }
}

#[tokio::test]
async fn a_line_that_comes_of_age_seals_without_a_change_to_the_file() {
    // attacks: K10
    let lines = [("2026-01-01T00:00:00Z", A), ("2026-11-23T09:00:00Z", B)];
    let says = Arc::new(Mutex::new(Some(text(&lines).unwrap())));
    let mut file = fake(&says);
    for (now, seals) in [(NOW, A), (NOW + 599, A), (NOW + 600, B), (NOW + 599, A)] {
        let secrets = file.read(UnixTime::from_seconds(now)).await.unwrap();
        assert_eq!((first(&secrets), secrets.len()), (seals, 2));
    }
}

#[tokio::test]
async fn a_changed_file_counts_at_the_next_reading_and_a_lost_one_is_an_error() {
    let says = Arc::new(Mutex::new(Some(text(&[("2026-01-01T00:00:00Z", A)]).unwrap())));
    let mut file = fake(&says);
    let now = UnixTime::from_seconds(NOW);
    assert_eq!(first(&file.read(now).await.unwrap()), A);
    *says.lock().unwrap() = Some(text(&[("2026-01-01T00:00:00Z", B)]).unwrap());
    assert_eq!(first(&file.read(now).await.unwrap()), B);
    *says.lock().unwrap() = None;
    let error = file.read(now).await.unwrap_err().to_string();
    assert_eq!(error, "secrets file secrets cannot be read");
    *says.lock().unwrap() = Some(text(&[("2026-01-01T00:00:00Z", A)]).unwrap());
    assert_eq!(
        first(&file.read(now).await.unwrap()),
        A,
        "nothing is remembered of an error"
    );
}

#[test]
fn errors_name_the_file_and_hold_no_secret() {
    // attacks: N5
    let check = |text: io::Result<String>, said: &str| {
        let error = Known::default()
            .secrets(Path::new("/etc/app/secrets"), text, UnixTime::from_seconds(NOW))
            .unwrap_err();
        assert_eq!(error.to_string(), said);
        assert!(!format!("{error:?}").contains("hunter2"));
    };
    check(
        Err(io::ErrorKind::PermissionDenied.into()),
        "secrets file /etc/app/secrets cannot be read",
    );
    for unfit in ["", "hunter2hunter2", "2026-01-01T00:00:00Z hunter2"] {
        check(Ok(unfit.to_owned()), "secrets file /etc/app/secrets cannot be used");
    }
}
