//! What a header may say.

use super::*;

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
