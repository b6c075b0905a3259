//! Form, header, key and signature of an access token that somebody presents.

use doorward_crypto::{Algorithm, JwsError, KeySet, SecretString, base64url_decode, base64url_encode};
use serde_json::{Value, json};

use super::access_token::{access_claims, access_rules, header_of, plain_rules};
use super::support::*;
use crate::access_token::verify;
use crate::{AccessTokenError, AccessTokenRules};

fn payload() -> Vec<u8> {
    access_claims().to_string().into_bytes()
}

fn check_header_with(rules: &AccessTokenRules, patch: Value, expected: &str) {
    let key = Key::ec();
    let raw = key.token(&patched(header_of(&key), &patch), &payload());
    let result = verify(&raw, &keys_of(&key), rules, NOW);
    assert!(
        shown(&result).starts_with(expected),
        "{patch}: {}, expected {expected}",
        shown(&result)
    );
}

fn check_header(patch: Value, expected: &str) {
    check_header_with(&access_rules(), patch, expected);
}

fn check_raw(raw: &str, keys: &KeySet) {
    let result = verify(&SecretString::new(raw), keys, &access_rules(), NOW);
    assert!(
        matches!(result, Err(AccessTokenError::Jws(_) | AccessTokenError::TooLarge)),
        "{raw:.80}: {}",
        shown(&result)
    );
}

// attacks: D27, I5
#[test]
fn an_id_token_or_any_other_type_is_never_an_access_token() {
    // weakness: J1
    for typ in ["at+jwt", "AT+JWT", "at+JWT", "application/at+jwt", "Application/At+Jwt"] {
        check_header(json!({ "typ": typ }), "accepted");
        check_header_with(&plain_rules(), json!({ "typ": typ }), "accepted");
    }
    for typ in [json!("JWT"), json!("jwt"), json!("application/jwt"), json!("(absent)")] {
        check_header(json!({ "typ": typ }), "Jws(TypeRefused)");
        check_header_with(&plain_rules(), json!({ "typ": typ }), "accepted");
    }
    for typ in [
        "id+jwt",
        "ID+JWT",
        "application/id+jwt",
        "rt+jwt",
        "rt+JWT",
        "logout+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "token-introspection+jwt",
        "client-authentication+jwt",
        "JOSE",
        "",
        "at+jwt ",
        "at jwt",
        "application/application/at+jwt",
        "text/at+jwt",
    ] {
        check_header(json!({ "typ": typ }), "Jws(TypeRefused)");
        check_header_with(&plain_rules(), json!({ "typ": typ }), "Jws(TypeRefused)");
    }
    check_header(json!({"typ": 7}), "Jws(HeaderRefused");
    check_header(json!({"typ": null}), "Jws(HeaderRefused");
    check_header(json!({"cty": "JWT"}), "Jws(TypeRefused)");
}

// attacks: D17, D19, D20, I16
#[test]
fn an_algorithm_that_is_not_pinned_for_the_issuer_is_refused() {
    for name in [
        "none", "None", "nOnE", "", "HS256", "RS256", "RS512", "PS256", "ES384", "EdDSA", "es256",
    ] {
        check_header(json!({ "alg": name }), "Jws(AlgorithmRefused)");
    }
    check_header(json!({"alg": "(absent)"}), "Jws(HeaderRefused");
    check_header(json!({"alg": null}), "Jws(HeaderRefused");
    // One issuer signs ES256, another RS256: a token of the one is none of the other.
    let (ec, rsa) = (Key::ec(), Key::rsa());
    let keys = key_set(&[ec.signing.public_jwk(), rsa.signing.public_jwk()]);
    for (key, algorithm) in [(&ec, Algorithm::Es256), (&rsa, Algorithm::Rs256)] {
        let raw = key.token(&header_of(key), &payload());
        for pinned in Algorithm::ALL.iter().copied() {
            let rules = AccessTokenRules {
                algorithms: vec![pinned],
                ..access_rules()
            };
            let result = verify(&raw, &keys, &rules, NOW);
            assert_eq!(
                result.is_ok(),
                pinned == algorithm,
                "{algorithm} where {pinned} is pinned"
            );
        }
        let nothing = AccessTokenRules {
            algorithms: Vec::new(),
            ..access_rules()
        };
        assert!(verify(&raw, &keys, &nothing, NOW).is_err());
    }
}

// attacks: D17, D21
#[test]
fn a_signature_that_is_none_is_refused() {
    let key = Key::ec();
    let keys = keys_of(&key);
    let good = key.token(&header_of(&key), &payload());
    assert!(verify(&good, &keys, &access_rules(), NOW).is_ok());
    let (message, signature) = good.expose().rsplit_once('.').unwrap();
    let bytes = base64url_decode(signature.as_bytes()).unwrap();
    let der = [&[0x30, 0x44, 0x02, 0x20][..], &bytes[..32], &[0x02, 0x20], &bytes[32..]].concat();
    let swapped = [&bytes[32..], &bytes[..32]].concat();
    for forged in [
        vec![],
        vec![0; 64],
        swapped,
        der,
        bytes[..63].to_vec(),
        [&bytes[..], &[0]].concat(),
    ] {
        check_raw(&format!("{message}.{}", base64url_encode(&forged)), &keys);
    }
    let other = Key::ec().token(&header_of(&key), &payload());
    check_raw(other.expose(), &keys);
}

// attacks: D22, D23, D24
#[test]
fn only_an_unknown_key_asks_for_newer_keys() {
    let (held, rotated) = (Key::ec(), Key::ec());
    let error_of = |raw: &SecretString, keys: &KeySet| verify(raw, keys, &access_rules(), NOW).unwrap_err();
    let named = rotated.token(&header_of(&rotated), &payload());
    assert!(error_of(&named, &keys_of(&held)).is_unknown_key());
    assert!(error_of(&named, &KeySet::empty()).is_unknown_key());
    let unnamed = rotated.token(&patched(header_of(&rotated), &json!({"kid": "(absent)"})), &payload());
    assert!(error_of(&unnamed, &keys_of(&held)).is_unknown_key());
    assert!(verify(&unnamed, &keys_of(&rotated), &access_rules(), NOW).is_ok());
    let forged = rotated.token(&header_of(&held), &payload());
    assert_eq!(
        error_of(&forged, &keys_of(&held)),
        AccessTokenError::Jws(JwsError::SignatureInvalid)
    );
    for kid in ["../../etc/passwd", "' OR 1=1 --", "a\0b", ""] {
        check_header(json!({ "kid": kid }), "Jws(UnknownKey)");
    }
    check_header(json!({"kid": "x".repeat(1_000)}), "Jws(HeaderRefused");
    check_header(json!({"kid": 7}), "Jws(HeaderRefused");
}

// attacks: D25, D26
#[test]
fn keys_and_extensions_that_a_token_brings_along_are_refused() {
    let (ours, attacker) = (Key::ec(), Key::ec());
    for patch in [
        json!({"jwk": attacker.signing.public_jwk()}),
        json!({"jku": "https://evil.example/jwks"}),
        json!({"x5u": "https://evil.example/cert"}),
        json!({"x5c": ["MIIB"]}),
    ] {
        for header in [header_of(&ours), header_of(&attacker)] {
            let forged = attacker.token(&patched(header, &patch), &payload());
            check_raw(forged.expose(), &keys_of(&ours));
        }
    }
    for patch in [
        json!({"crit": ["exp"], "exp": 1}),
        json!({"crit": []}),
        json!({"b64": false}),
        json!({"zip": "DEF"}),
    ] {
        check_header(patch, "Jws(HeaderRefused");
    }
}

// attacks: D29, D30, D31
#[test]
fn only_the_compact_form_with_a_strict_payload_is_read() {
    let key = Key::ec();
    let keys = keys_of(&key);
    let honest = access_claims().to_string();
    for text in [
        "[]",
        "null",
        "7",
        "",
        "{",
        &format!("{honest} {honest}"),
        &honest.replacen('{', r#"{"sub":"mallory","#, 1),
        &format!("\u{feff}{honest}"),
    ] {
        check_raw(key.token(&header_of(&key), text.as_bytes()).expose(), &keys);
    }
    let good = key.token(&header_of(&key), &payload());
    let good = good.expose();
    let parts: Vec<_> = good.split('.').collect();
    let encrypted = base64url_encode(br#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":1000000000,"p2s":"AAAA"}"#);
    for raw in [
        format!("{}.{}", parts[0], parts[1]),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.x"),
        format!(" {good}"),
        format!("{good}="),
        format!("{good}\n"),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{encrypted}.AAAA.AAAA.AAAA.AAAA"),
        "..".to_owned(),
        String::new(),
    ] {
        check_raw(&raw, &keys);
    }
}

#[test]
fn a_token_has_at_most_8_kilobytes() {
    let key = Key::ec();
    let filled = |bytes: usize| {
        let claims = patched(access_claims(), &json!({ "filler": "x".repeat(bytes) }));
        key.token(&header_of(&key), claims.to_string().as_bytes())
    };
    let fits = filled(5_000);
    assert!(fits.expose().len() <= 8 * 1024);
    assert!(verify(&fits, &keys_of(&key), &access_rules(), NOW).is_ok());
    let result = verify(&filled(6_200), &keys_of(&key), &access_rules(), NOW);
    assert_eq!(shown(&result), "TooLarge");
}
