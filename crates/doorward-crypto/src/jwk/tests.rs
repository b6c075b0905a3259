use serde_json::json;

use super::*;
use crate::SigningKey;

fn parse(keys: &Value) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn key(algorithm: Algorithm) -> Value {
    SigningKey::generate(algorithm).unwrap().public_jwk()
}

fn with(key: &Value, changes: &Value) -> Value {
    let mut key = key.clone();
    for (name, value) in changes.as_object().unwrap() {
        if value == "(remove)" {
            key.as_object_mut().unwrap().remove(name);
        } else {
            key[name] = value.clone();
        }
    }
    key
}

#[test]
fn keys_of_every_algorithm_are_taken() {
    let keys: Vec<_> = Algorithm::ALL.iter().map(|&algorithm| key(algorithm)).collect();
    let set = parse(&json!(keys));
    assert_eq!(set.len(), Algorithm::ALL.len());
    assert!(!set.is_empty());
    for (key, &algorithm) in keys.iter().zip(Algorithm::ALL) {
        assert_eq!(
            set.candidates(algorithm, key["kid"].as_str()).count(),
            1,
            "{algorithm:?}"
        );
        assert_eq!(set.candidates(algorithm, Some("other")).count(), 0, "{algorithm:?}");
    }
    assert!(KeySet::empty().is_empty());
}

#[test]
fn a_key_we_cannot_use_is_passed_over() {
    let (rsa, ec, ed) = (key(Algorithm::Rs256), key(Algorithm::Es256), key(Algorithm::EdDsa));
    let p384 = key(Algorithm::Es384);
    for unusable in [
        json!("a string"),
        json!(null),
        json!([]),
        json!({}),
        json!({ "kty": "oct", "k": "c2VjcmV0" }),
        json!({ "kty": "oct", "alg": "HS256", "kid": "a" }),
        with(&rsa, &json!({ "use": "enc" })),
        with(&rsa, &json!({ "use": null })),
        with(&rsa, &json!({ "use": ["sig"] })),
        with(&rsa, &json!({ "key_ops": ["sign"] })),
        with(&rsa, &json!({ "key_ops": [] })),
        with(&rsa, &json!({ "key_ops": "verify" })),
        with(&rsa, &json!({ "alg": "RS512" })),
        with(&rsa, &json!({ "alg": "RSA-OAEP" })),
        with(&rsa, &json!({ "alg": "rs256" })),
        with(&rsa, &json!({ "alg": "none" })),
        with(&rsa, &json!({ "alg": "ES256" })),
        with(&rsa, &json!({ "alg": 256 })),
        with(&rsa, &json!({ "kty": "rsa" })),
        with(&rsa, &json!({ "kid": 7 })),
        with(&rsa, &json!({ "kid": null })),
        with(&rsa, &json!({ "kid": "k".repeat(257) })),
        with(&rsa, &json!({ "d": "AQAB" })),
        with(&rsa, &json!({ "p": null })),
        with(&rsa, &json!({ "e": "AQ" })),
        with(&rsa, &json!({ "e": "Ag" })),
        with(&rsa, &json!({ "e": "" })),
        with(&rsa, &json!({ "e": "AQAB=" })),
        with(&rsa, &json!({ "e": 65537 })),
        with(&rsa, &json!({ "e": "(remove)" })),
        with(&rsa, &json!({ "n": "(remove)" })),
        with(&rsa, &json!({ "n": base64(64) })),
        with(&rsa, &json!({ "n": base64(128) })),
        with(&rsa, &json!({ "n": base64(2048) })),
        with(&rsa, &json!({ "n": "not base64" })),
        with(&ec, &json!({ "crv": "P-384" })),
        with(&ec, &json!({ "crv": "secp256k1" })),
        with(&ec, &json!({ "crv": "(remove)" })),
        with(&ec, &json!({ "alg": "ES384" })),
        with(&ec, &json!({ "x": ec["y"], "y": ec["x"] })),
        with(&ec, &json!({ "y": "(remove)" })),
        with(&ec, &json!({ "x": "AAAA" })),
        with(&ec, &json!({ "d": "AAAA" })),
        with(&ec, &json!({ "kty": "OKP" })),
        with(&p384, &json!({ "crv": "P-256" })),
        with(&ed, &json!({ "crv": "X25519" })),
        with(&ed, &json!({ "crv": "Ed448" })),
        with(&ed, &json!({ "x": "AAAA" })),
        with(&ed, &json!({ "d": "AAAA" })),
    ] {
        let set = parse(&json!([unusable, ec]));
        assert_eq!(set.len(), 1, "{unusable}");
    }
}

fn base64(bytes: usize) -> String {
    crate::base64url_encode(&vec![0xff; bytes])
}

#[test]
fn members_that_do_not_matter_do_not_matter() {
    let rsa = key(Algorithm::Rs256);
    for usable in [
        with(
            &rsa,
            &json!({ "use": "(remove)", "alg": "(remove)", "kid": "(remove)" }),
        ),
        with(&rsa, &json!({ "key_ops": ["verify", "sign"] })),
        with(
            &rsa,
            &json!({ "x5c": ["garbage"], "x5u": "https://evil.example/", "x5t": 1, "crv": "P-256" }),
        ),
        with(&rsa, &json!({ "alg": "PS256" })),
        with(&rsa, &json!({ "kid": "k".repeat(256) })),
    ] {
        assert_eq!(parse(&json!([usable])).len(), 1, "{usable}");
    }
}

#[test]
fn a_set_of_64_keys_is_read_and_of_65_refused() {
    let body = |count: usize| json!({ "keys": vec![json!({}); count] }).to_string();
    assert_eq!(KeySet::parse(body(64).as_bytes()).unwrap().len(), 0);
    assert_eq!(
        KeySet::parse(body(65).as_bytes()).unwrap_err(),
        KeySetError::TooManyKeys { found: 65 }
    );
    assert_eq!(
        KeySet::parse(body(10_000).as_bytes()).unwrap_err(),
        KeySetError::TooManyKeys { found: 10_000 }
    );
}

#[test]
fn a_body_that_is_no_key_set_is_refused() {
    for (body, expected) in [
        ("{}", KeySetError::NoKeys),
        (r#"{"keys":{}}"#, KeySetError::NoKeys),
        (r#"{"keys":null}"#, KeySetError::NoKeys),
        ("[]", KeySetError::Json(JsonError::NotAnObject)),
        ("<html>", KeySetError::Json(JsonError::Malformed)),
        ("", KeySetError::Json(JsonError::Malformed)),
        (
            r#"{"keys":[],"keys":[]}"#,
            KeySetError::Json(JsonError::DuplicateMember),
        ),
        (
            r#"{"keys":[{"kid":"a","kid":"b"}]}"#,
            KeySetError::Json(JsonError::DuplicateMember),
        ),
        (&" ".repeat(MAX_BYTES + 1), KeySetError::Json(JsonError::TooLarge)),
    ] {
        assert_eq!(KeySet::parse(body.as_bytes()).unwrap_err(), expected);
    }
    assert!(KeySet::parse(br#"{"keys":[]}"#).unwrap().is_empty());
}

#[test]
fn debug_output_lists_key_ids() {
    let set = parse(&json!([with(&key(Algorithm::EdDsa), &json!({ "kid": "one" }))]));
    assert_eq!(format!("{set:?}"), r#"KeySet["one"]"#);
}

#[test]
fn a_set_read_anew_is_another_one() {
    let read = || KeySet::parse(br#"{"keys":[]}"#).unwrap();
    let (first, second) = (read(), read());
    assert!(first.is_same(&first.clone()));
    assert!(!first.is_same(&second));
}
