//! Which key verifies a token.

use super::*;

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
