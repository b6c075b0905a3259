//! Form, header, key and signature of a logout token, and other tokens offered in its place.

use doorward_crypto::{Algorithm, JwsError, KeySet, base64url_decode, base64url_encode};
use serde_json::{Value, json};

use super::logout_token::{EXPECTED, logout_claims, logout_header, verify_logout};
use super::support::*;
use crate::logout_token::{MAX_LOGOUT_TOKEN_BYTES, verify};
use crate::{ExpectedLogoutToken, IdTokenError, LogoutTokenError};

fn payload() -> Vec<u8> {
    logout_claims().to_string().into_bytes()
}

fn check_header(patch: Value, expected: &str) {
    let key = Key::ec();
    let raw = key.token(&patched(logout_header(&key), &patch), &payload());
    let shown = shown(&verify_logout(raw.expose(), &keys_of(&key)));
    assert!(shown.starts_with(expected), "{patch}: {shown}, expected {expected}");
}

fn check_raw(raw: &str, keys: &KeySet) {
    let result = verify_logout(raw, keys);
    assert!(
        matches!(result, Err(LogoutTokenError::Jws(_) | LogoutTokenError::TooLarge)),
        "{raw:.80}: {}",
        shown(&result)
    );
}

#[test]
fn a_type_of_another_kind_of_token_is_refused() {
    for typ in [
        json!("logout+jwt"),
        json!("LOGOUT+JWT"),
        json!("application/logout+jwt"),
        json!("Application/Logout+Jwt"),
        json!("JWT"),
        json!("jwt"),
        json!("application/jwt"),
        json!("(absent)"),
    ] {
        check_header(json!({ "typ": typ }), "accepted");
    }
    for typ in [
        "at+jwt",
        "id+jwt",
        "rt+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "token-introspection+jwt",
        "client-authentication+jwt",
        "oauth-authz-req+jwt",
        "JOSE",
        "",
        "logout+jwt ",
        "logout jwt",
        "logout",
        "text/logout+jwt",
        "application/application/logout+jwt",
    ] {
        check_header(json!({ "typ": typ }), "Jws(TypeRefused)");
    }
    check_header(json!({"typ": 7}), "Jws(HeaderRefused");
    check_header(json!({"typ": null}), "Jws(HeaderRefused");
    check_header(json!({"cty": "JWT"}), "Jws(TypeRefused)");
}

#[test]
fn an_algorithm_that_is_not_pinned_is_refused_and_none_above_all() {
    for name in [
        "none", "None", "nOnE", "", "HS256", "RS256", "RS512", "PS256", "ES384", "EdDSA", "es256",
    ] {
        check_header(json!({ "alg": name }), "Jws(AlgorithmRefused)");
    }
    check_header(json!({"alg": "(absent)"}), "Jws(HeaderRefused");
    check_header(json!({"alg": null}), "Jws(HeaderRefused");
    // Without a signature at all, whatever is pinned.
    let keys = keys_of(&Key::ec());
    for header in [json!({"alg": "none", "typ": "logout+jwt"}), json!({"alg": "none"})] {
        let unsigned = format!(
            "{}.{}.",
            base64url_encode(header.to_string().as_bytes()),
            base64url_encode(&payload())
        );
        for algorithms in [&[Algorithm::Es256][..], Algorithm::ALL, &[]] {
            let expected = ExpectedLogoutToken { algorithms, ..EXPECTED };
            assert!(matches!(
                verify(&unsigned, &expected, &keys, NOW),
                Err(LogoutTokenError::Jws(_))
            ));
        }
    }
    let (ec, rsa) = (Key::ec(), Key::rsa());
    let keys = key_set(&[ec.signing.public_jwk(), rsa.signing.public_jwk()]);
    for (key, algorithm) in [(&ec, Algorithm::Es256), (&rsa, Algorithm::Rs256)] {
        let raw = key.token(&logout_header(key), &payload());
        for pinned in Algorithm::ALL.iter().copied() {
            let expected = ExpectedLogoutToken {
                algorithms: &[pinned],
                ..EXPECTED
            };
            let result = verify(raw.expose(), &expected, &keys, NOW);
            assert_eq!(result.is_ok(), pinned == algorithm, "{algorithm}, pinned {pinned}");
        }
    }
}

#[test]
fn a_logout_token_whose_signature_is_none_is_refused() {
    let key = Key::ec();
    let keys = keys_of(&key);
    let good = key.token(&logout_header(&key), &payload());
    assert!(verify_logout(good.expose(), &keys).is_ok());
    let (message, signature) = good.expose().rsplit_once('.').unwrap();
    let bytes = base64url_decode(signature.as_bytes()).unwrap();
    let mut flipped = bytes.clone();
    flipped[10] ^= 1;
    for forged in [vec![], vec![0; 64], bytes[..63].to_vec(), flipped] {
        check_raw(&format!("{message}.{}", base64url_encode(&forged)), &keys);
    }
    // The claims of one token under the signature of another.
    let other = key.token(
        &logout_header(&key),
        patched(logout_claims(), &json!({"sub": "bob"})).to_string().as_bytes(),
    );
    let (swapped, _) = other.expose().rsplit_once('.').unwrap();
    check_raw(&format!("{swapped}.{signature}"), &keys);
}

#[test]
fn a_logout_token_asks_for_newer_keys_only_where_its_key_is_unknown() {
    let (held, rotated) = (Key::ec(), Key::ec());
    let error_of = |raw: &str, keys: &KeySet| verify_logout(raw, keys).unwrap_err();
    let named = rotated.token(&logout_header(&rotated), &payload());
    let unnamed = rotated.token(
        &patched(logout_header(&rotated), &json!({"kid": "(absent)"})),
        &payload(),
    );
    for raw in [named.expose(), unnamed.expose()] {
        assert!(error_of(raw, &keys_of(&held)).needs_key_refetch());
        assert!(error_of(raw, &KeySet::empty()).needs_key_refetch());
        assert!(verify_logout(raw, &keys_of(&rotated)).is_ok());
    }
    let forged = error_of(
        rotated.token(&logout_header(&held), &payload()).expose(),
        &keys_of(&held),
    );
    assert_eq!(forged, LogoutTokenError::Jws(JwsError::SignatureInvalid));
    assert!(!forged.needs_key_refetch());
    let expired = patched(logout_claims(), &json!({"exp": 1})).to_string();
    let expired = held.token(&logout_header(&held), expired.as_bytes());
    assert!(!error_of(expired.expose(), &keys_of(&held)).needs_key_refetch());
}

#[test]
fn keys_and_extensions_that_a_logout_token_brings_along_are_refused() {
    let (ours, attacker) = (Key::ec(), Key::ec());
    for patch in [
        json!({"jwk": attacker.signing.public_jwk()}),
        json!({"jku": "https://evil.example/jwks"}),
        json!({"x5u": "https://evil.example/cert"}),
        json!({"x5c": ["MIIB"]}),
    ] {
        for header in [logout_header(&ours), logout_header(&attacker)] {
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

#[test]
fn a_logout_token_has_the_compact_form_and_a_strict_payload() {
    let key = Key::ec();
    let keys = keys_of(&key);
    let honest = logout_claims().to_string();
    for text in [
        "[]",
        "null",
        "7",
        "",
        "{",
        &format!("{honest} {honest}"),
        &honest.replacen('{', r#"{"sub":"bob","#, 1),
        &format!("\u{feff}{honest}"),
    ] {
        check_raw(key.token(&logout_header(&key), text.as_bytes()).expose(), &keys);
    }
    let good = key.token(&logout_header(&key), &payload());
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
fn a_logout_token_has_at_most_8_kilobytes() {
    let key = Key::ec();
    let filled = |bytes: usize| {
        let claims = patched(logout_claims(), &json!({ "filler": "x".repeat(bytes) }));
        key.token(&logout_header(&key), claims.to_string().as_bytes())
    };
    let fits = filled(5_000);
    assert!(fits.expose().len() <= MAX_LOGOUT_TOKEN_BYTES);
    assert!(verify_logout(fits.expose(), &keys_of(&key)).is_ok());
    let result = verify_logout(filled(6_200).expose(), &keys_of(&key));
    assert_eq!(shown(&result), "TooLarge");
}

#[test]
fn an_id_token_is_never_a_logout_token() {
    let key = Key::ec();
    let keys = keys_of(&key);
    let check = |header: &Value, claims: &Value, expected: &str| {
        let raw = key.token(header, claims.to_string().as_bytes());
        assert_eq!(
            shown(&verify_logout(raw.expose(), &keys)),
            expected,
            "{header} {claims}"
        );
    };
    let id_token = patched(claims(), &json!({"jti": "id-1", "sid": "session-1"}));
    assert!(verify_at_login(&key.id_token(&id_token), &keys).is_ok());
    check(&key.header(), &id_token, r#"Missing("events")"#);
    check(&logout_header(&key), &id_token, r#"Missing("events")"#);
    // Even one that a provider could be talked into giving the event: its nonce tells it.
    let with_event = patched(id_token, &json!({"events": logout_claims()["events"]}));
    check(&key.header(), &with_event, "NoncePresent");
    let typed = patched(key.header(), &json!({"typ": "id+jwt"}));
    check(&typed, &with_event, "Jws(TypeRefused)");
}

#[test]
fn a_logout_token_is_never_an_id_token() {
    let key = Key::ec();
    let keys = keys_of(&key);
    let typed = key.token(&logout_header(&key), &payload());
    assert!(verify_logout(typed.expose(), &keys).is_ok());
    assert!(matches!(
        verify_at_login(&typed, &keys),
        Err(IdTokenError::Jws(JwsError::TypeRefused))
    ));
    // Without the type it still has no nonce, which every login demands.
    let untyped = key.token(&key.header(), &payload());
    assert!(verify_logout(untyped.expose(), &keys).is_ok());
    assert_eq!(shown(&verify_at_login(&untyped, &keys)), r#"Missing("nonce")"#);
}
