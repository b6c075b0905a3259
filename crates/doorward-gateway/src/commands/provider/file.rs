//! The file that `--config` names.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use doorward_dev_provider::ProviderFile;

use crate::failure::Failure;

/// Some thousand users and clients; more is another file.
const MAX_BYTES: u64 = 1024 * 1024;

/// Reads and parses the file.
pub(super) fn read(path: &Path) -> Result<ProviderFile, Failure> {
    let shown = path.display();
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
        .map_err(|error| Failure::unusable(format!("--config is {shown}, which cannot be read: {error}")))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Failure::unusable(format!(
            "--config is {shown}, expected at most {MAX_BYTES} bytes"
        )));
    }
    parse(&text).map_err(|why| Failure::unusable(format!("--config is {shown}, which cannot be used: {why}")))
}

/// Says where and why a file cannot be used, and quotes nothing of it: it may hold secrets.
fn parse(text: &str) -> Result<ProviderFile, String> {
    toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count() + 1);
        format!("line {line}: {}", error.message())
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_users_and_clients_as_tables() {
        let file = parse(
            r#"
            auto_login = "dora@acme.test"

            [[users]]
            email = "dora@acme.test"
            name = "Dora Dean"
            tenant = "acme"
            roles = ["admin"]

            [[clients]]
            client_id = "web"
            redirect_uris = ["https://portal.acme.test/auth/callback"]

            [platform]
            application = "shop"
            "#,
        )
        .unwrap();
        assert_eq!(file.auto_login.as_deref(), Some("dora@acme.test"));
        assert_eq!(
            (file.users.len(), file.users[0].roles.as_slice()),
            (1, &["admin".to_owned()][..])
        );
        assert_eq!(
            file.clients[0].redirect_uris,
            ["https://portal.acme.test/auth/callback"]
        );
        assert_eq!(file.platform.unwrap().application, "shop");
        assert!(parse("").is_ok());
    }

    #[test]
    fn a_faulty_file_is_refused_by_line_and_nothing_of_it_is_quoted() {
        for (text, said) in [
            ("\nisuer = 'x'", "line 2: unknown field `isuer`"),
            (
                "[[clients]]\nclient_id = 'a'\nsecret = 'very-secret'",
                "unknown field `secret`",
            ),
            ("[[clients]]\nclient_secret = 'very-secret", "line 2: "),
            ("users = 3", "line 1: "),
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.contains(said), "{text:?}: {why}");
            assert!(!why.contains("very-secret"), "{why}");
        }
    }
}
