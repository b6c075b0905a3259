//! JSONTestSuite as bodies of every answer that is JSON, whole and as one member of an honest answer.

use std::path::PathBuf;

use doorward_crypto::Algorithm;
use http::StatusCode;
use serde_json::json;

use super::support::*;
use crate::{ProviderMetadata, TokenResponse, parse_jwks, parse_userinfo};

/// Returns the files of the suite, or nothing where the corpora are not beside the repository.
fn files() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/json/test_parsing");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        assert!(
            std::env::var("DOORWARD_REQUIRE_CORPORA").as_deref() != Ok("1"),
            "the corpora are required, but shared/corpora/json/test_parsing is absent"
        );
        eprintln!("skipped: shared/corpora/json/test_parsing is absent");
        return Vec::new();
    };
    let read = |entry: std::fs::DirEntry| {
        (
            entry.file_name().to_string_lossy().into_owned(),
            std::fs::read(entry.path()).unwrap(),
        )
    };
    entries.map(|entry| read(entry.unwrap())).collect()
}

/// Judges every file whole and embedded; `accepts` tells whether a body is accepted.
fn check(what: &str, honest: &serde_json::Value, accepts: impl Fn(&[u8]) -> bool) {
    let honest = honest.to_string();
    assert!(accepts(honest.as_bytes()), "{what}: the honest answer");
    let (mut refused, mut accepted) = (0, 0);
    let files = files();
    for (name, content) in &files {
        let opening = &honest.as_bytes()[..honest.len() - 1];
        let embedded = [opening, b",\"embedded\":", content, b"}"].concat();
        let verdicts = (accepts(content), accepts(&embedded));
        if name.starts_with("n_") {
            assert_eq!(verdicts, (false, false), "{what}: {name}");
            refused += 1;
        }
        accepted += usize::from(verdicts.1);
    }
    if !files.is_empty() {
        eprintln!("{what}: {refused} n_ files refused, {accepted} others accepted as a member");
        assert!(refused > 150 && accepted > 50, "{what}: the suite is read");
    }
}

// attacks: C3
#[test]
fn no_malformed_json_is_accepted_as_metadata() {
    check("metadata", &metadata_json(), |body| {
        ProviderMetadata::parse(StatusCode::OK, &content_type("application/json"), body, &issuer()).is_ok()
    });
}

// attacks: C3
#[test]
fn no_malformed_json_is_accepted_as_tokens() {
    let honest = json!({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": "a.b.c"});
    check("token", &honest, |body| {
        TokenResponse::parse(StatusCode::OK, &content_type("application/json"), body).is_ok()
    });
}

#[test]
fn no_malformed_json_is_accepted_as_keys() {
    let honest = json!({"keys": [Key::ec().signing.public_jwk()]});
    check("jwks", &honest, |body| {
        parse_jwks(StatusCode::OK, &content_type("application/json"), body).is_ok()
    });
}

#[test]
fn no_malformed_json_is_accepted_as_userinfo() {
    let key = Key::ec();
    let keys = keys_of(&key);
    let id_token = verify_at_login(&key.id_token(&claims()), &keys).unwrap();
    check("userinfo", &json!({"sub": SUBJECT}), |body| {
        let json = content_type("application/json");
        let algorithms = &[Algorithm::Es256];
        parse_userinfo(
            StatusCode::OK,
            &json,
            body,
            &keys,
            algorithms,
            CLIENT_ID,
            &issuer(),
            &id_token,
        )
        .is_ok()
    });
}

// attacks: D29
#[test]
fn no_malformed_json_is_accepted_as_an_id_token_payload() {
    let key = Key::ec();
    let keys = keys_of(&key);
    check("id token", &claims(), |body| {
        verify_at_login(&key.token(&key.header(), body), &keys).is_ok()
    });
}
