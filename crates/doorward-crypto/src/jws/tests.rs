use serde_json::json;

use super::*;
use crate::{SigningKey, base64url_encode};

mod corpora;

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
fn header_members_that_change_the_meaning_are_refused() {
    let key = generate(Algorithm::Es256);
    let keys = set(&[key.public_jwk()]);
    assert!(verify(&forge(&key, &json!({ "alg": "ES256" }), b"{}"), &keys, &any()).is_ok());
    // attacks: D26, D31, D24
    for (member, value, reason) in [
        ("crit", json!(["exp"]), "\"crit\" is present"),
        ("crit", json!(["x"]), "\"crit\" is present"),
        ("crit", json!([]), "\"crit\" is present"),
        ("crit", json!(null), "\"crit\" is present"),
        ("b64", json!(false), "\"b64\" is present"),
        ("b64", json!(true), "\"b64\" is present"),
        ("zip", json!("DEF"), "\"zip\" is present"),
        ("enc", json!("A128GCM"), "\"enc\" is present"),
        ("kid", json!(1), "\"kid\" is not a string"),
        ("kid", json!(null), "\"kid\" is not a string"),
        ("kid", json!(["a"]), "\"kid\" is not a string"),
        ("kid", json!("k".repeat(257)), "\"kid\" is longer than 256 characters"),
        ("typ", json!(["JWT"]), "\"typ\" is not a string"),
        ("typ", json!(null), "\"typ\" is not a string"),
        ("cty", json!(1), "\"cty\" is not a string"),
    ] {
        let token = forge(&key, &json!({ "alg": "ES256", member: value }), b"{}");
        check(&token, &keys, &any(), &JwsError::HeaderRefused(reason));
    }
    for header in [json!({}), json!({ "typ": "JWT" })] {
        check(
            &forge(&key, &header, b"{}"),
            &keys,
            &any(),
            &JwsError::HeaderRefused("\"alg\" is absent"),
        );
    }
    for alg in [json!(null), json!(["ES256"]), json!(256), json!({ "ES256": 1 })] {
        let token = forge(&key, &json!({ "alg": alg }), b"{}");
        check(
            &token,
            &keys,
            &any(),
            &JwsError::HeaderRefused("\"alg\" is not a string"),
        );
    }
    let long = forge(&key, &json!({ "alg": "ES256", "kid": "k".repeat(10_000) }), b"{}");
    check(&long, &keys, &any(), &JwsError::Malformed("header is larger than 4 KB"));
}

#[test]
fn a_header_that_is_no_strict_json_object_is_refused() {
    let key = generate(Algorithm::Es256);
    let keys = set(&[key.public_jwk()]);
    let malformed = JwsError::Malformed("header is not a strict json object");
    for header in [
        "",
        "x",
        "[]",
        "null",
        r#"{"alg":"ES256"}x"#,
        r#"{"alg":"none","alg":"ES256"}"#,
        r#"{"alg":"ES256","alg":"ES256"}"#,
    ] {
        let token = forge_text(&key, header, b"{}");
        let expected = if header.is_empty() {
            &JwsError::Malformed("a segment is empty")
        } else {
            &malformed
        };
        check(&token, &keys, &any(), expected);
    }
}

#[test]
fn only_algorithms_of_the_policy_are_accepted() {
    let key = generate(Algorithm::Es256);
    let keys = set(&[key.public_jwk()]);
    let policy = JwsPolicy {
        algorithms: &[Algorithm::Es256],
        ..any()
    };
    // attacks: D17, D19, D20
    for name in [
        "none",
        "None",
        "nOnE",
        "NONE",
        "",
        " ES256",
        "es256",
        "ES256 ",
        "HS256",
        "HS512",
        "RS256",
        "PS256",
        "RS512",
        "ES384",
        "ES512",
        "ES256K",
        "EdDSA",
        "RSA1_5",
        "dir",
        "PBES2-HS256+A128KW",
    ] {
        let token = forge(&key, &json!({ "alg": name }), b"{}");
        check(&token, &keys, &policy, &JwsError::AlgorithmRefused);
    }
    let nothing = JwsPolicy {
        algorithms: &[],
        ..any()
    };
    check(
        &forge(&key, &json!({ "alg": "ES256" }), b"{}"),
        &keys,
        &nothing,
        &JwsError::AlgorithmRefused,
    );
}

#[test]
fn a_public_key_never_serves_as_hmac_secret() {
    // attacks: D19
    let rsa = generate(Algorithm::Rs256);
    let jwk = rsa.public_jwk();
    let keys = set(std::slice::from_ref(&jwk));
    let modulus = base64url_decode(jwk["n"].as_str().unwrap().as_bytes()).unwrap();
    for secret in [
        modulus.as_slice(),
        jwk["n"].as_str().unwrap().as_bytes(),
        jwk.to_string().as_bytes(),
    ] {
        let message = format!("{}.e30", base64url_encode(br#"{"alg":"HS256"}"#));
        let tag = aws_lc_rs::hmac::sign(&crate::seal::mac_key(secret), message.as_bytes());
        let token = format!("{message}.{}", base64url_encode(tag.as_ref()));
        check(&token, &keys, &any(), &JwsError::AlgorithmRefused);
    }
}

#[test]
fn types_are_compared_without_case_and_prefix() {
    let key = generate(Algorithm::EdDsa);
    let keys = set(&[key.public_jwk()]);
    let token = |typ: &str| key.sign(typ, &json!({})).unwrap();
    let untyped = forge(&key, &json!({ "alg": "EdDSA" }), b"{}");
    // attacks: D27
    let refusing = JwsPolicy {
        refused_types: &["at+jwt", "logout+jwt", "dpop+jwt"],
        ..any()
    };
    for typ in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/Logout+jwt",
        "dpop+jwt",
    ] {
        check(&token(typ), &keys, &refusing, &JwsError::TypeRefused);
    }
    for typ in ["JWT", "jwt", "at+jwt2", "x/at+jwt", "é", "applicatioé/", ""] {
        assert!(verify(&token(typ), &keys, &refusing).is_ok(), "{typ}");
    }
    assert!(verify(&untyped, &keys, &refusing).is_ok());
    let requiring = JwsPolicy {
        required_type: Some("logout+jwt"),
        ..any()
    };
    for typ in ["logout+jwt", "LOGOUT+JWT", "application/logout+jwt"] {
        assert!(verify(&token(typ), &keys, &requiring).is_ok(), "{typ}");
    }
    for typ in ["JWT", "logout", "", "application/", "text/logout+jwt"] {
        check(&token(typ), &keys, &requiring, &JwsError::TypeRefused);
    }
    check(&untyped, &keys, &requiring, &JwsError::TypeRefused);
}

#[test]
fn a_token_inside_a_token_is_refused() {
    // attacks: D27
    let key = generate(Algorithm::EdDsa);
    let keys = set(&[key.public_jwk()]);
    for cty in ["JWT", "jwt", "application/jwt"] {
        let inner = key.sign("JWT", &json!({})).unwrap();
        let token = forge(&key, &json!({ "alg": "EdDSA", "cty": cty }), inner.as_bytes());
        check(&token, &keys, &any(), &JwsError::TypeRefused);
    }
    assert!(
        verify(
            &forge(&key, &json!({ "alg": "EdDSA", "cty": "json" }), b"{}"),
            &keys,
            &any()
        )
        .is_ok()
    );
}

#[test]
fn a_key_in_the_header_is_never_used() {
    // attacks: D25
    let (ours, theirs) = (generate(Algorithm::Es256), generate(Algorithm::Es256));
    let keys = set(&[ours.public_jwk()]);
    for (member, value) in [
        ("jwk", theirs.public_jwk()),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = json!({ "alg": "ES256", "kid": ours.kid(), member: value });
        check(
            &forge(&theirs, &header, b"{}"),
            &keys,
            &any(),
            &JwsError::SignatureInvalid,
        );
        assert!(verify(&forge(&ours, &header, b"{}"), &keys, &any()).is_ok());
    }
}

#[test]
fn the_key_is_chosen_by_kid_and_type() {
    let (a, b) = (generate(Algorithm::Es256), generate(Algorithm::Es256));
    let rsa = generate(Algorithm::Rs256);
    let keys = set(&[a.public_jwk(), b.public_jwk(), rsa.public_jwk()]);
    let token = |key: &SigningKey, kid: &str| forge(key, &json!({ "alg": key.algorithm().name(), "kid": kid }), b"{}");
    assert!(verify(&token(&a, a.kid()), &keys, &any()).is_ok());
    assert!(verify(&token(&b, b.kid()), &keys, &any()).is_ok());
    check(&token(&a, b.kid()), &keys, &any(), &JwsError::SignatureInvalid);
    check(&token(&a, rsa.kid()), &keys, &any(), &JwsError::UnknownKey);
    // attacks: D23, D24
    for kid in [
        "",
        "unknown",
        "../../etc/passwd",
        "' or 1=1 --",
        "a\0b",
        &a.kid().to_uppercase(),
    ] {
        check(&token(&a, kid), &keys, &any(), &JwsError::UnknownKey);
    }
    check(&token(&a, a.kid()), &KeySet::empty(), &any(), &JwsError::UnknownKey);
}

#[test]
fn a_key_made_for_one_algorithm_signs_by_no_other() {
    // attacks: D20
    let rsa = generate(Algorithm::Ps256);
    let mut jwk = rsa.public_jwk();
    let token = forge(&rsa, &json!({ "alg": "PS256", "kid": rsa.kid() }), b"{}");
    assert!(verify(&token, &set(std::slice::from_ref(&jwk)), &any()).is_ok());
    jwk["alg"] = json!("RS256");
    check(&token, &set(std::slice::from_ref(&jwk)), &any(), &JwsError::UnknownKey);
    jwk.as_object_mut().unwrap().remove("alg");
    assert!(verify(&token, &set(std::slice::from_ref(&jwk)), &any()).is_ok());
    // The header names the other RSA algorithm: the padding does not fit.
    let token = forge(&rsa, &json!({ "alg": "RS256", "kid": rsa.kid() }), b"{}");
    check(&token, &set(&[jwk]), &any(), &JwsError::SignatureInvalid);
}

#[test]
fn without_a_kid_every_fitting_key_is_tried_and_no_other() {
    // attacks: D22
    let keys: Vec<_> = (0..9).map(|_| generate(Algorithm::Es256)).collect();
    let jwks: Vec<_> = keys.iter().map(SigningKey::public_jwk).collect();
    let rsa = generate(Algorithm::Rs256);
    let token = |key: &SigningKey| forge(key, &json!({ "alg": "ES256" }), b"{}");
    assert!(verify(&token(&keys[0]), &set(&[rsa.public_jwk(), jwks[0].clone()]), &any()).is_ok());
    check(
        &token(&keys[0]),
        &set(&[rsa.public_jwk()]),
        &any(),
        &JwsError::UnknownKey,
    );
    check(&token(&keys[0]), &set(&jwks[1..3]), &any(), &JwsError::SignatureInvalid);
    for key in &keys[..8] {
        assert!(verify(&token(key), &set(&jwks), &any()).is_ok());
    }
    // The ninth is not tried: a token must not cost more than eight verifications.
    check(&token(&keys[8]), &set(&jwks), &any(), &JwsError::SignatureInvalid);
}

#[test]
fn a_kid_shared_by_keys_of_two_types_finds_the_one_that_fits() {
    let (ec, rsa) = (generate(Algorithm::Es256), generate(Algorithm::Rs256));
    let named = |key: &SigningKey| {
        let mut jwk = key.public_jwk();
        jwk["kid"] = json!("same");
        jwk
    };
    let keys = set(&[named(&rsa), named(&ec)]);
    for key in [&ec, &rsa] {
        let token = forge(key, &json!({ "alg": key.algorithm().name(), "kid": "same" }), b"{}");
        assert!(verify(&token, &keys, &any()).is_ok());
    }
    let token = forge(&ec, &json!({ "alg": "ES384", "kid": "same" }), b"{}");
    check(&token, &keys, &any(), &JwsError::UnknownKey);
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
