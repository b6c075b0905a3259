//! Form, header, key and signature of an ID token.

use doorward_crypto::{Algorithm, KeySet, SecretString, base64url_decode, base64url_encode};
use serde_json::{Value, json};

use super::support::*;
use crate::{IdTokenError, IdTokenRules, id_token};

fn payload() -> Vec<u8> {
    claims().to_string().into_bytes()
}

fn check_header(patch: Value, expected: &str) {
    let key = Key::ec();
    let raw = key.token(&patched(key.header(), &patch), &payload());
    let result = verify_at_login(&raw, &keys_of(&key));
    assert!(
        shown(&result).starts_with(expected),
        "{patch}: {}, expected {expected}",
        shown(&result)
    );
}

fn check_raw(raw: &str, keys: &KeySet) {
    let result = verify_at_login(&SecretString::new(raw), keys);
    assert!(matches!(result, Err(IdTokenError::Jws(_))), "{raw}: {}", shown(&result));
}

// attacks: D17, D19, D20
#[test]
fn an_algorithm_that_is_not_pinned_is_refused() {
    for name in [
        "none", "None", "nOnE", "", "HS256", "RS256", "RS512", "PS256", "ES384", "EdDSA", "es256",
    ] {
        check_header(json!({ "alg": name }), "Jws(AlgorithmRefused)");
    }
    check_header(json!({"alg": "(absent)"}), "Jws(HeaderRefused");
    check_header(json!({"alg": null}), "Jws(HeaderRefused");
    check_header(json!({"alg": ["ES256"]}), "Jws(HeaderRefused");
    check_header(json!({}), "accepted");
}

// attacks: D17, D21
#[test]
fn a_signature_that_is_none_is_refused() {
    let key = Key::ec();
    let keys = keys_of(&key);
    let good = key.id_token(&claims());
    let (message, signature) = good.expose().rsplit_once('.').unwrap();
    let bytes = base64url_decode(signature.as_bytes()).unwrap();
    let order = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
        0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51_u8,
    ];
    let with_order = [&order[..], &bytes[32..]].concat();
    let swapped = [&bytes[32..], &bytes[..32]].concat();
    let der = [&[0x30, 0x44, 0x02, 0x20][..], &bytes[..32], &[0x02, 0x20], &bytes[32..]].concat();
    let longer = [&bytes[..], &[0]].concat();
    for forged in [
        vec![],
        vec![0; 64],
        vec![0; 63],
        with_order,
        swapped,
        der,
        bytes[..63].to_vec(),
        longer,
    ] {
        check_raw(&format!("{message}.{}", base64url_encode(&forged)), &keys);
    }
    let mut flipped = bytes;
    flipped[10] ^= 1;
    check_raw(&format!("{message}.{}", base64url_encode(&flipped)), &keys);
    assert!(verify_at_login(&good, &keys).is_ok());
}

// attacks: D19
#[test]
fn the_public_key_is_no_secret_to_sign_with() {
    let key = Key::ec();
    // Whatever the signature bytes are, HS256 is not on any list; neither is a key of type oct in the set.
    let oct = json!({"kty": "oct", "k": base64url_encode(b"client-secret"), "alg": "HS256", "kid": key.signing.kid()});
    let keys = key_set(&[oct, key.signing.public_jwk()]);
    let raw = key.token(&patched(key.header(), &json!({"alg": "HS256"})), &payload());
    assert!(verify_at_login(&raw, &keys).is_err());
}

// attacks: D22
#[test]
fn a_token_without_kid_is_tried_with_the_keys_that_fit() {
    let (ours, other) = (Key::ec(), Key::ec());
    let raw = ours.token(&patched(ours.header(), &json!({"kid": "(absent)"})), &payload());
    assert!(verify_at_login(&raw, &keys_of(&ours)).is_ok());
    let several = key_set(&[other.signing.public_jwk(), ours.jwk_without_kid()]);
    assert!(verify_at_login(&raw, &several).is_ok());
    let wrong_type = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(&[7; 32])});
    assert!(verify_at_login(&raw, &key_set(&[wrong_type])).is_err());
}

// attacks: D23, D35
#[test]
fn only_an_unknown_key_asks_for_newer_keys() {
    let (held, rotated) = (Key::ec(), Key::ec());
    let named = rotated.id_token(&claims());
    let error = verify_at_login(&named, &keys_of(&held)).unwrap_err();
    assert!(error.needs_key_refetch(), "a kid that is not held");
    let unnamed = rotated.token(&patched(rotated.header(), &json!({"kid": "(absent)"})), &payload());
    let error = verify_at_login(&unnamed, &keys_of(&held)).unwrap_err();
    assert!(error.needs_key_refetch(), "no kid, and no key held made the signature");
    let error = verify_at_login(&named, &KeySet::empty()).unwrap_err();
    assert!(error.needs_key_refetch(), "no key at all");

    let header = patched(rotated.header(), &json!({"kid": held.signing.kid()}));
    let forged = rotated.token(&header, &payload());
    let error = verify_at_login(&forged, &keys_of(&held)).unwrap_err();
    assert!(
        !error.needs_key_refetch(),
        "a held kid with a wrong signature: {error:?}"
    );
    let expired = held.id_token(&patched(claims(), &json!({"exp": 1})));
    assert!(
        !verify_at_login(&expired, &keys_of(&held))
            .unwrap_err()
            .needs_key_refetch()
    );

    // After the refetch it is accepted; a key taken away no longer counts.
    assert!(verify_at_login(&named, &keys_of(&rotated)).is_ok());
    assert!(verify_at_login(&held.id_token(&claims()), &keys_of(&rotated)).is_err());
}

// attacks: D24
#[test]
fn a_kid_is_a_name_and_nothing_else() {
    for kid in [
        "../../etc/passwd",
        "' OR 1=1 --",
        "a\0b",
        "",
        "https://evil.example/key",
    ] {
        check_header(json!({ "kid": kid }), "Jws(UnknownKey)");
    }
    check_header(json!({"kid": "x".repeat(10_000)}), "Jws(");
    for kid in [json!(7), json!(null), json!(["a"]), json!({})] {
        check_header(json!({ "kid": kid }), "Jws(HeaderRefused");
    }
}

// attacks: D25
#[test]
fn keys_a_token_brings_along_are_never_used() {
    let (ours, attacker) = (Key::ec(), Key::ec());
    for patch in [
        json!({"jwk": attacker.signing.public_jwk()}),
        json!({"jku": "https://evil.example/jwks"}),
        json!({"x5u": "https://evil.example/cert"}),
        json!({"x5c": ["MIIB"]}),
    ] {
        let forged = attacker.token(&patched(attacker.header(), &patch), &payload());
        assert!(verify_at_login(&forged, &keys_of(&ours)).is_err(), "{patch}");
        let forged = attacker.token(&patched(ours.header(), &patch), &payload());
        assert!(verify_at_login(&forged, &keys_of(&ours)).is_err(), "{patch}");
    }
}

// attacks: D26
#[test]
fn header_extensions_are_refused() {
    for patch in [
        json!({"crit": ["exp"], "exp": 1}),
        json!({"crit": ["x"]}),
        json!({"crit": []}),
        json!({"b64": false}),
        json!({"b64": false, "crit": ["b64"]}),
        json!({"zip": "DEF"}),
    ] {
        check_header(patch, "Jws(HeaderRefused");
    }
}

// attacks: D27
#[test]
fn a_token_of_another_type_is_refused() {
    for typ in [
        "at+jwt",
        "rt+jwt",
        "AT+JWT",
        "application/at+jwt",
        "logout+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "client-authentication+jwt",
        "oauth-authz-req+jwt",
    ] {
        check_header(json!({ "typ": typ }), "Jws(TypeRefused)");
    }
    check_header(json!({"cty": "JWT"}), "Jws(TypeRefused)");
    check_header(json!({"typ": 7}), "Jws(HeaderRefused");
    for typ in [json!("JWT"), json!("(absent)"), json!("JOSE")] {
        check_header(json!({ "typ": typ }), "accepted");
    }
}

// attacks: D29
#[test]
fn a_payload_that_is_no_strict_object_is_refused() {
    let key = Key::ec();
    let honest = claims().to_string();
    let twice = honest.replacen('{', r#"{"sub":"mallory","#, 1);
    for payload in [
        "[]",
        "null",
        "\"x\"",
        "7",
        "",
        "{",
        &format!("{honest} {honest}"),
        &twice,
        &format!("\u{feff}{honest}"),
    ] {
        let raw = key.token(&key.header(), payload.as_bytes());
        assert!(
            matches!(verify_at_login(&raw, &keys_of(&key)), Err(IdTokenError::Jws(_))),
            "{payload}"
        );
    }
    let raw = key.token(&key.header(), b"{\"sub\":\"\xff\"}");
    assert!(verify_at_login(&raw, &keys_of(&key)).is_err());
}

// attacks: D30
#[test]
fn only_the_compact_form_is_read() {
    let key = Key::ec();
    let keys = keys_of(&key);
    let good = key.id_token(&claims());
    let good = good.expose();
    let parts: Vec<_> = good.split('.').collect();
    let last = parts[2].chars().last().unwrap();
    // 64 bytes end in a letter with four unused bits: another letter with the same two used bits is not canonical.
    let sloppy = match last {
        'A' => 'B',
        'Q' => 'R',
        'g' => 'h',
        _ => 'x',
    };
    for raw in [
        format!("{}.{}", parts[0], parts[1]),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.x"),
        format!("{good}.x.y"),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}="),
        good.replace('.', ". "),
        format!("{}.{}.{}{sloppy}", parts[0], parts[1], &parts[2][..parts[2].len() - 1]),
        format!("{}.{}.", parts[0], parts[1]),
        String::new(),
        "..".to_owned(),
        json!({"payload": parts[1], "protected": parts[0], "signature": parts[2]}).to_string(),
    ] {
        check_raw(&raw, &keys);
    }
    check_raw(&format!("{good}{}", "A".repeat(16 * 1024)), &keys);
}

// attacks: D31
#[test]
fn an_encrypted_token_is_refused_unread() {
    let keys = keys_of(&Key::ec());
    for header in [
        json!({"alg": "RSA1_5", "enc": "A128CBC-HS256"}),
        json!({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 1_000_000_000_u64, "p2s": "AAAA"}),
        json!({"alg": "dir", "enc": "A128GCM", "zip": "DEF"}),
    ] {
        let header = base64url_encode(header.to_string().as_bytes());
        check_raw(&format!("{header}.AAAA.AAAA.AAAA.AAAA"), &keys);
    }
}

#[test]
fn a_key_counts_only_under_its_own_type_and_algorithm() {
    let (ec, rsa) = (Key::ec(), Key::rsa());
    // Both keys under one kid: the type decides.
    let shared = json!({"kid": "shared"});
    let keys = key_set(&[
        patched(rsa.signing.public_jwk(), &shared),
        patched(ec.signing.public_jwk(), &shared),
    ]);
    let raw = ec.token(&patched(ec.header(), &shared), &payload());
    assert!(verify_at_login(&raw, &keys).is_ok());
    // RS256 pinned: a token by the RSA key is accepted, one by the EC key is not.
    let expected = expected();
    let rules = IdTokenRules {
        expected: &expected,
        algorithms: &[Algorithm::Rs256],
        now: NOW,
        access_token: None,
    };
    let by_rsa = rsa.token(&patched(rsa.header(), &shared), &payload());
    assert!(id_token::verify(&by_rsa, &keys, &rules).is_ok());
    assert!(matches!(
        id_token::verify(&raw, &keys, &rules),
        Err(IdTokenError::Jws(_))
    ));
    for name in ["RS512", "PS256", "RS384"] {
        let other = rsa.token(
            &patched(rsa.header(), &json!({"kid": "shared", "alg": name})),
            &payload(),
        );
        assert!(id_token::verify(&other, &keys, &rules).is_err(), "{name}");
    }
}
