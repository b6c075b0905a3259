//! The platform's ID tokens pass the verifier of every provider, and its other tokens do not.

use doorward_crypto::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::tests::support::{ACCESS_TOKEN, Key, NONCE, NOW, SUBJECT, keys_of, patched, shown};
use crate::{ExpectedIdToken, IdTokenRules};

fn verify(key: &Key, header: &Value, claims: &Value) -> String {
    let expected = ExpectedIdToken {
        nonce: Some(NONCE.to_owned()),
        ..ExpectedIdToken::after_refresh(platform().issuer().as_str(), WRISTBAND_CLIENT_ID)
    };
    let metadata = platform().metadata();
    let rules = IdTokenRules {
        expected: &expected,
        algorithms: metadata.id_token_algorithms(),
        now: NOW,
        access_token: Some(&SecretString::new(ACCESS_TOKEN)),
    };
    let raw = key.token(header, claims.to_string().as_bytes());
    shown(&crate::id_token::verify(&raw, &keys_of(key), &rules))
}

fn claims() -> Value {
    json!({
        "iss": format!("https://{VANITY}"), "sub": SUBJECT, "aud": WRISTBAND_CLIENT_ID, "nonce": NONCE,
        "auth_time": NOW.seconds() - 5, "iat": NOW.seconds(), "exp": NOW.seconds() + 1_800,
        "tnt_id": "t1", "app_id": "a1", "idp_name": "Wristband", "tnt_name": "globex",
    })
}

#[test]
fn id_token_is_verified_with_nonce_audience_issuer_and_type() {
    // weakness: L1
    let (rsa, ec) = (Key::rsa(), Key::ec());
    let header = |key: &Key, typ: &str| patched(key.header(), &json!({ "typ": typ }));
    for typ in ["id+JWT", "ID+jwt", "application/id+jwt", "JWT", "(absent)"] {
        assert_eq!(verify(&rsa, &header(&rsa, typ), &claims()), "accepted", "{typ}");
    }
    for typ in ["at+JWT", "rt+JWT", "logout+jwt"] {
        assert!(verify(&rsa, &header(&rsa, typ), &claims()).starts_with("Jws("), "{typ}");
    }
    assert!(
        verify(&ec, &header(&ec, "id+JWT"), &claims()).starts_with("Jws("),
        "RS256 only"
    );
    for (patch, expected) in [
        (json!({"nonce": "another"}), "NonceMismatch"),
        (json!({"nonce": "(absent)"}), r#"Missing("nonce")"#),
        (json!({"aud": "c2"}), "AudienceMismatch"),
        (json!({"aud": "(absent)"}), r#"Missing("aud")"#),
        (json!({"iss": "https://other-acme.us.wristband.dev"}), "IssuerMismatch"),
        (json!({"iss": format!("https://globex-{VANITY}")}), "IssuerMismatch"),
        (json!({"exp": NOW.seconds() - 61}), "Expired"),
    ] {
        let result = verify(&rsa, &header(&rsa, "id+JWT"), &patched(claims(), &patch));
        assert_eq!(result, expected, "{patch}");
    }
}
