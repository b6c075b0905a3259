//! Claims of an access token that somebody presents, each absent, foreign, empty and of the wrong type.

use std::time::Duration;

use doorward_crypto::{Algorithm, SecretString};
use serde_json::{Value, json};

use super::support::*;
use crate::access_token::verify;
use crate::{
    AccessTokenError, AccessTokenRules, AccessTokenType, AudienceRule, SubjectKind, UnixTime, VerifiedAccessToken,
    looks_like_jwt, unverified_issuer,
};

pub(super) const API: &str = "https://api.example.com";

pub(super) fn access_claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": API,
        "sub": SUBJECT,
        "client_id": CLIENT_ID,
        "exp": NOW.seconds() + 300,
        "iat": NOW.seconds(),
        "jti": "token-1",
        "scope": "orders:read orders:write",
    })
}

pub(super) fn access_rules() -> AccessTokenRules {
    AccessTokenRules {
        algorithms: vec![Algorithm::Es256],
        ..AccessTokenRules::new(ISSUER, AudienceRule::any_of([API, "orders"]).unwrap())
    }
}

/// For a provider whose header says `JWT` or nothing.
pub(super) fn plain_rules() -> AccessTokenRules {
    AccessTokenRules {
        token_type: AccessTokenType::AlsoJwt,
        ..access_rules()
    }
}

pub(super) fn header_of(key: &Key) -> Value {
    patched(key.header(), &json!({"typ": "at+jwt"}))
}

pub(super) fn judged(patch: &Value, rules: &AccessTokenRules) -> Result<VerifiedAccessToken, AccessTokenError> {
    let key = Key::ec();
    let typ = match rules.token_type {
        AccessTokenType::AtJwt => "at+jwt",
        AccessTokenType::AlsoJwt => "JWT",
    };
    let header = patched(key.header(), &json!({ "typ": typ }));
    let claims = patched(access_claims(), patch).to_string();
    verify(&key.token(&header, claims.as_bytes()), &keys_of(&key), rules, NOW)
}

pub(super) fn check_with(rules: &AccessTokenRules, patch: &Value, expected: &str) {
    assert_eq!(shown(&judged(patch, rules)), expected, "{patch}");
}

fn check(patch: Value, expected: &str) {
    check_with(&access_rules(), &patch, expected);
}

#[test]
fn an_honest_access_token_is_verified() {
    let patch = json!({"aud": ["other", API], "auth_time": NOW.seconds() - 5, "acr": "urn:acme:mfa", "tnt_id": "acme"});
    let token = judged(&patch, &access_rules()).unwrap();
    assert_eq!(token.issuer(), ISSUER);
    assert_eq!(token.subject(), SUBJECT);
    assert_eq!(token.client_id(), Some(CLIENT_ID));
    assert_eq!(token.subject_kind(), SubjectKind::User);
    assert_eq!(token.scopes(), ["orders:read", "orders:write"]);
    assert_eq!(token.audience(), ["other", API]);
    assert_eq!(token.expires_at(), UnixTime::from_seconds(NOW.seconds() + 300));
    assert_eq!(token.issued_at(), Some(NOW));
    assert_eq!(token.auth_time(), Some(UnixTime::from_seconds(NOW.seconds() - 5)));
    assert_eq!(token.acr(), Some("urn:acme:mfa"));
    assert!(token.key_id().is_some());
    assert_eq!(token.claims()["tnt_id"], "acme");
}

// attacks: D1–D12, I4
#[test]
fn a_required_claim_that_is_absent_or_of_another_type_is_refused() {
    for name in ["iss", "aud", "sub", "exp", "iat", "client_id", "jti"] {
        check(json!({ name: "(absent)" }), &format!("Missing({name:?})"));
        for wrong in [json!(null), json!(true), json!({}), json!({"a": 1})] {
            check(json!({ name: wrong }), &format!("WrongType({name:?})"));
        }
    }
    for name in ["iss", "sub", "client_id", "jti"] {
        for wrong in [json!(7), json!([]), json!(["a", "b"])] {
            check(json!({ name: wrong }), &format!("WrongType({name:?})"));
        }
    }
    for name in ["exp", "iat", "nbf", "auth_time"] {
        for wrong in [json!("1999999999"), json!(""), json!([1]), json!(-1), json!(1e300)] {
            check(json!({ name: wrong }), &format!("WrongType({name:?})"));
        }
    }
    for (name, wrong) in [
        ("aud", json!(7)),
        ("aud", json!([API, 7])),
        ("aud", json!(vec![API; 65])),
        ("acr", json!(1)),
        ("acr", json!("")),
        ("azp", json!(null)),
        ("client_id", json!("")),
        ("client_id", json!("x".repeat(256))),
        ("jti", json!("")),
        ("sub_kind", json!(1)),
    ] {
        check(json!({ name: wrong }), &format!("WrongType({name:?})"));
    }
}

// attacks: D1–D12, D13, D42, I5
#[test]
fn a_token_of_another_issuer_or_for_another_audience_is_refused() {
    for iss in [
        "",
        "https://id.example.com/acme/",
        "https://id.example.com/globex",
        "https://ID.example.com/acme",
    ] {
        check(json!({ "iss": iss }), "IssuerMismatch");
    }
    for aud in [
        json!(""),
        json!([]),
        json!("https://api.example.com/"),
        json!("https://api.example"),
        json!("HTTPS://API.EXAMPLE.COM"),
        json!(["a", "b"]),
        json!(CLIENT_ID),
        json!(format!("{API} {API}")),
    ] {
        check(json!({ "aud": aud }), "AudienceMismatch");
    }
    for aud in [
        json!([API]),
        json!("orders"),
        json!([API, "stranger"]),
        json!(["stranger", "orders"]),
    ] {
        check(json!({ "aud": aud }), "accepted");
    }
    for sub in ["", &"x".repeat(256), "é", "a\nb", "a\0"] {
        check(json!({ "sub": sub }), "SubjectMalformed");
    }
}

#[test]
fn where_no_audience_is_declared_a_token_for_somebody_is_refused() {
    let rules = AccessTokenRules {
        audience: AudienceRule::NoAudience,
        ..access_rules()
    };
    check_with(&rules, &json!({"aud": "(absent)"}), "accepted");
    for aud in [json!(API), json!([]), json!([API])] {
        check_with(&rules, &json!({ "aud": aud }), "AudienceUnexpected");
    }
    check_with(&rules, &json!({"aud": null}), r#"WrongType("aud")"#);
    assert!(AudienceRule::any_of(Vec::<String>::new()).is_err());
    assert!(AudienceRule::any_of(["a", ""]).is_err());
}

// attacks: D14, I6
#[test]
fn a_token_without_exp_is_never_accepted_and_an_exp_of_0_is_the_past() {
    // weakness: J2
    let now = NOW.seconds();
    for (exp, expected) in [
        (json!("(absent)"), r#"Missing("exp")"#),
        (json!(0), "Expired"),
        (json!(now - 61), "Expired"),
        (json!(now - 60), "Expired"),
        (json!(now - 59), "accepted"),
        (json!(now + (1 << 31)), "accepted"),
        (json!(now as f64 + 0.5), "accepted"),
        (json!(1.5e9 + 0.5), "Expired"),
        (json!(1e300), r#"WrongType("exp")"#),
        (json!(-1), r#"WrongType("exp")"#),
        (json!(null), r#"WrongType("exp")"#),
        (json!((now + 300).to_string()), r#"WrongType("exp")"#),
    ] {
        check(json!({ "exp": exp }), expected);
    }
    let expired = judged(&json!({"exp": now - 61}), &access_rules()).unwrap_err();
    assert!(expired.is_expired() && !expired.is_unknown_key());
}

// attacks: D15, D16
#[test]
fn a_clock_a_second_apart_fails_no_token() {
    // weakness: J6
    let now = NOW.seconds();
    for (name, future) in [
        ("iat", "IssuedInFuture"),
        ("nbf", "NotYetValid"),
        ("auth_time", "AuthenticatedInFuture"),
    ] {
        for (at, expected) in [(now + 1, "accepted"), (now + 60, "accepted"), (now + 61, future)] {
            check(json!({ name: at }), expected);
        }
    }
    check(json!({"iat": now - 366 * 86_400}), "accepted");
    check(json!({"iat": now - 366 * 86_400 - 1}), "TooOld");
    check(json!({"iat": now - 315_360_000}), "TooOld");
    let strict = AccessTokenRules {
        leeway: Duration::ZERO,
        ..access_rules()
    };
    check_with(&strict, &json!({"exp": now}), "Expired");
    check_with(&strict, &json!({"exp": now + 1}), "accepted");
    check_with(&strict, &json!({"iat": now + 1}), "IssuedInFuture");
}

// attacks: I11, I12
#[test]
fn a_token_bound_to_a_key_is_no_bearer_token() {
    for cnf in [
        json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
        json!({}),
        json!(null),
    ] {
        check(json!({ "cnf": cnf }), "Bound");
        check_with(&plain_rules(), &json!({ "cnf": cnf }), "Bound");
    }
}

// attacks: I7
#[test]
fn scopes_are_read_as_exact_tokens() {
    for (patch, expected) in [
        (json!({"scope": "read:x"}), vec!["read:x"]),
        (json!({"scope": "a b"}), vec!["a", "b"]),
        (json!({"scope": " a  b "}), vec!["a", "b"]),
        (json!({"scope": ""}), vec![]),
        (json!({"scope": "(absent)"}), vec![]),
        // What is no scope token is left out, so that it can be taken for none.
        (json!({"scope": "a\tb c"}), vec!["c"]),
        (json!({"scope": "a\nb"}), vec![]),
        (json!({"scope": "a\"b é \\ d"}), vec!["d"]),
        (json!({"scope": "x".repeat(257)}), vec![]),
        (json!({"scope": "(absent)", "scp": "a b"}), vec!["a", "b"]),
        (json!({"scope": "(absent)", "scp": ["a", "b c"]}), vec!["a"]),
        (json!({"scope": "a", "scp": ["b"]}), vec!["a"]),
    ] {
        assert_eq!(judged(&patch, &access_rules()).unwrap().scopes(), expected, "{patch}");
    }
    for (patch, name) in [
        (json!({"scope": ["read"]}), "scope"),
        (json!({"scope": null}), "scope"),
        (json!({"scope": {"read": true}}), "scope"),
        (json!({"scope": "(absent)", "scp": [1]}), "scp"),
        (json!({"scope": "(absent)", "scp": null}), "scp"),
    ] {
        check(patch, &format!("WrongType({name:?})"));
    }
    let many = (0..300).map(|number| number.to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(
        judged(&json!({ "scope": many }), &access_rules())
            .unwrap()
            .scopes()
            .len(),
        256
    );
}

#[test]
fn an_error_never_echoes_what_the_token_says() {
    // weakness: J8
    let key = Key::ec();
    let evil = "EVIL\"\r\nSet-Cookie: x=y";
    let mut errors = Vec::new();
    for name in ["iss", "aud", "sub", "exp", "client_id", "jti", "scope", "acr"] {
        for value in [json!(evil), json!([evil]), json!({ evil: evil })] {
            errors.extend(judged(&json!({ name: value }), &access_rules()).err());
            errors.extend(judged(&json!({ name: value }), &plain_rules()).err());
        }
    }
    for name in ["alg", "kid", "typ", "cty", "crit"] {
        let header = patched(header_of(&key), &json!({ name: evil }));
        let raw = key.token(&header, access_claims().to_string().as_bytes());
        errors.extend(verify(&raw, &keys_of(&key), &access_rules(), NOW).err());
    }
    assert!(errors.len() > 25, "{}", errors.len());
    for error in errors {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let text = format!("{error} {error:?} {source:?}");
        assert!(!text.contains("EVIL"), "{text}");
    }
}

#[test]
fn claims_outside_ascii_are_never_garbled() {
    // weakness: J7
    let name = "Žofie 李 🚪 ß";
    let token = judged(&json!({ "name": name }), &access_rules()).unwrap();
    assert_eq!(token.claims()["name"], name);
}

// attacks: N5
#[test]
fn debug_output_hides_subject_and_claims() {
    let token = judged(&json!({"email": "person@b.test"}), &access_rules()).unwrap();
    let text = format!("{token:?} {token:#?}");
    assert!(!text.contains("person@b.test") && !text.contains(SUBJECT), "{text}");
}

#[test]
fn the_issuer_a_token_names_is_read_without_belief() {
    let key = Key::ec();
    let named = |claims: Value| unverified_issuer(&key.token(&header_of(&key), claims.to_string().as_bytes()));
    assert_eq!(named(access_claims()), Some(ISSUER.to_owned()));
    assert_eq!(
        named(json!({"iss": "https://evil.example"})),
        Some("https://evil.example".to_owned())
    );
    for claims in [
        json!({}),
        json!({"iss": 7}),
        json!({"iss": null}),
        json!([ISSUER]),
        json!("x"),
    ] {
        assert_eq!(named(claims.clone()), None, "{claims}");
    }
    for raw in ["", "..", "a.b", "a.b.c", "a.%%%.c", "a.b.c.d", &"a.".repeat(9_000)] {
        assert_eq!(unverified_issuer(&SecretString::new(raw)), None, "{raw:.20}");
    }
    for (raw, expected) in [
        ("a.b.c", true),
        ("..", true),
        ("abc", false),
        ("a.b", false),
        ("a.b.c.d", false),
    ] {
        assert_eq!(looks_like_jwt(raw), expected, "{raw}");
    }
}
