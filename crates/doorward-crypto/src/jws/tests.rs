use serde_json::json;

use super::*;
use crate::{SigningKey, base64url_encode};

mod corpora;
mod header;
mod keys;

fn generate(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm).unwrap()
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn any() -> JwsPolicy<'static> {
    JwsPolicy {
        algorithms: Algorithm::ALL,
        refused_types: &[],
        required_type: None,
    }
}

/// A token with this header and payload, signed by `key` whatever the header says.
fn forge(key: &SigningKey, header: &Value, payload: &[u8]) -> String {
    forge_text(key, &header.to_string(), payload)
}

fn forge_text(key: &SigningKey, header: &str, payload: &[u8]) -> String {
    let message = format!("{}.{}", base64url_encode(header.as_bytes()), base64url_encode(payload));
    let signed = key.sign_message(message.as_bytes());
    format!("{message}.{}", base64url_encode(&signed))
}

fn check(token: &str, keys: &KeySet, policy: &JwsPolicy<'_>, expected: &JwsError) {
    assert_eq!(&verify(token, keys, policy).expect_err(token), expected, "{token}");
}

#[test]
fn special_ecdsa_signatures_are_refused() {
    // attacks: D21
    let key = generate(Algorithm::Es256);
    let keys = set(&[key.public_jwk()]);
    let good = key.sign("JWT", &json!({ "sub": "alice" })).unwrap();
    let (message, signature) = good.rsplit_once('.').unwrap();
    let signature = base64url_decode(signature.as_bytes()).unwrap();
    let order = crate::testing::hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let (r, s) = signature.split_at(32);
    for forged in [
        vec![0; 64],
        [&[0; 32], s].concat(),
        [r, &[0; 32]].concat(),
        [order.as_slice(), s].concat(),
        [r, order.as_slice()].concat(),
        [order.as_slice(), order.as_slice()].concat(),
        [s, r].concat(),
        vec![0xff; 64],
        vec![0],
        signature[..63].to_vec(),
        [&signature, &[0][..]].concat(),
        [&[0][..], &signature].concat(),
        der(r, s),
    ] {
        check(
            &format!("{message}.{}", base64url_encode(&forged)),
            &keys,
            &any(),
            &JwsError::SignatureInvalid,
        );
    }
    check(
        &format!("{message}."),
        &keys,
        &any(),
        &JwsError::Malformed("a segment is empty"),
    );
}

fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| [&[2, 33, 0], number].concat();
    [&[0x30, 70][..], &integer(r), &integer(s)].concat()
}

#[test]
fn segments_are_three_and_strict() {
    // attacks: D30, D31
    let key = generate(Algorithm::EdDsa);
    let keys = set(&[key.public_jwk()]);
    let good = key.sign("JWT", &json!({ "sub": "alice" })).unwrap();
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let three = JwsError::Malformed("expected three segments");
    for token in [
        String::new(),
        "x".to_owned(),
        format!("{header}.{payload}"),
        format!("{good}.{signature}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{header}.{payload}.{payload}.{payload}.{signature}"),
        "....".to_owned(),
    ] {
        check(&token, &keys, &any(), &three);
    }
    let empty = JwsError::Malformed("a segment is empty");
    for token in [
        "..".to_owned(),
        format!(".{payload}.{signature}"),
        format!("{header}.{payload}."),
    ] {
        check(&token, &keys, &any(), &empty);
    }
    for (token, reason) in [
        (format!(" {good}"), "header is not base64url"),
        (format!("{header}=.{payload}.{signature}"), "header is not base64url"),
        (
            format!("{header}.{payload}.{signature}=="),
            "signature is not base64url",
        ),
        (format!("{good}\n"), "signature is not base64url"),
        (
            format!("{header}.{payload}.{}", signature.replace(['-', '_'], "+")),
            "signature is not base64url",
        ),
        (
            format!("{header}.{payload}.{}", last_bit_flipped(signature)),
            "signature is not base64url",
        ),
    ] {
        // A signature by chance without either character has nothing to replace.
        if token != good {
            check(&token, &keys, &any(), &JwsError::Malformed(reason));
        }
    }
    for payload in [
        format!("{payload} "),
        format!("{payload}="),
        format!("{payload}A"),
        last_bit_flipped(payload),
    ] {
        check(
            &format!("{header}.{payload}.{signature}"),
            &keys,
            &any(),
            &JwsError::SignatureInvalid,
        );
    }
    // Signed by the right key, and still not base64url.
    let message = format!("{header}.e30=");
    let token = format!("{message}.{}", base64url_encode(&key.sign_message(message.as_bytes())));
    check(&token, &keys, &any(), &JwsError::Malformed("payload is not base64url"));
    check(&"a".repeat(MAX_TOKEN + 1), &keys, &any(), &JwsError::TooLarge);
}

/// The same text, but its last character is the next one: the same bytes to a lenient decoder.
fn last_bit_flipped(segment: &str) -> String {
    let (rest, last) = segment.split_at(segment.len() - 1);
    format!("{rest}{}", char::from(last.as_bytes()[0] + 1))
}

#[test]
fn a_payload_that_is_no_strict_json_object_is_refused() {
    // attacks: D29
    let key = generate(Algorithm::EdDsa);
    let keys = set(&[key.public_jwk()]);
    for (payload, reason) in [
        (&b"alice"[..], JsonError::Malformed),
        (b"", JsonError::Malformed),
        (b"[]", JsonError::NotAnObject),
        (b"null", JsonError::NotAnObject),
        (br#"{"sub":"a","sub":"b"}"#, JsonError::DuplicateMember),
        (b"{\"sub\":\"\xff\"}", JsonError::NotUtf8),
        (br#"{"exp":1e999}"#, JsonError::Malformed),
        (br#"{"a":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}"#, JsonError::TooDeep),
    ] {
        let token = forge(&key, &json!({ "alg": "EdDSA" }), payload);
        check(&token, &keys, &any(), &JwsError::PayloadInvalid(reason));
    }
}

#[test]
fn every_changed_character_is_refused() {
    let key = generate(Algorithm::EdDsa);
    let keys = set(&[key.public_jwk()]);
    let good = key.sign("JWT", &json!({ "sub": "alice", "exp": 1 })).unwrap();
    assert!(verify(&good, &keys, &any()).is_ok());
    for at in 0..good.len() {
        let mut altered = good.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        assert!(
            verify(std::str::from_utf8(&altered).unwrap(), &keys, &any()).is_err(),
            "character {at}"
        );
    }
}

#[test]
fn debug_output_and_errors_hide_the_claims() {
    let key = generate(Algorithm::EdDsa);
    let keys = set(&[key.public_jwk()]);
    let token = key.sign("JWT", &json!({ "email": "alice@acme.test" })).unwrap();
    let payload = verify(&token, &keys, &any()).unwrap();
    assert!(!format!("{payload:?}").contains("alice"));
    assert_eq!(payload.claims()["email"], "alice@acme.test");
    let error = verify(&token, &KeySet::empty(), &any()).unwrap_err();
    assert_eq!(error.to_string(), "no key of the key set fits the token");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(token in "[A-Za-z0-9_.{}\":,=é-]{0,80}") {
        proptest::prop_assert!(verify(&token, &KeySet::empty(), &any()).is_err());
    }
}
