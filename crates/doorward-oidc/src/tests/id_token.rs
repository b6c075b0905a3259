//! Claims of an ID token, each absent, foreign, empty and of the wrong type.

use doorward_crypto::{Algorithm, SecretString, half_hash};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::*;
use crate::{IdTokenError, IdTokenRules, UnixTime, id_token};

fn check(patch: Value, expected: &str) {
    let key = Key::ec();
    let result = verify_at_login(&key.id_token(&patched(claims(), &patch)), &keys_of(&key));
    assert_eq!(shown(&result), expected, "{patch}");
}

#[test]
fn an_honest_id_token_is_verified() {
    let key = Key::ec();
    let patch = json!({
        "auth_time": NOW.seconds() - 5, "acr": "urn:acme:mfa", "sid": "session-1", "azp": CLIENT_ID, "email": "a@b.test",
    });
    let token = verify_at_login(&key.id_token(&patched(claims(), &patch)), &keys_of(&key)).unwrap();
    assert_eq!(token.issuer(), ISSUER);
    assert_eq!(token.subject(), SUBJECT);
    assert_eq!(token.audience(), CLIENT_ID);
    assert_eq!(token.issued_at(), NOW);
    assert_eq!(token.expires_at(), UnixTime::from_seconds(NOW.seconds() + 300));
    assert_eq!(token.auth_time(), Some(UnixTime::from_seconds(NOW.seconds() - 5)));
    assert_eq!(token.acr(), Some("urn:acme:mfa"));
    assert_eq!(token.session_id(), Some("session-1"));
    assert_eq!(token.claims()["email"], "a@b.test");
}

// attacks: D1–D12
#[test]
fn a_required_claim_that_is_absent_or_of_another_type_is_refused() {
    for name in ["iss", "aud", "sub", "exp", "iat", "nonce"] {
        check(json!({ name: "(absent)" }), &format!("Missing({name:?})"));
        for wrong in [json!(null), json!(true), json!({}), json!({"a": 1})] {
            check(json!({ name: wrong }), &format!("WrongType({name:?})"));
        }
    }
    for name in ["iss", "sub", "nonce"] {
        for wrong in [json!(7), json!([]), json!(["a", "b"]), json!([ISSUER])] {
            check(json!({ name: wrong }), &format!("WrongType({name:?})"));
        }
    }
    for name in ["exp", "iat"] {
        for wrong in [
            json!("1999999999"),
            json!(""),
            json!([1_999_999_999]),
            json!(-1),
            json!(1e300),
            json!(1e17),
        ] {
            check(json!({ name: wrong }), &format!("WrongType({name:?})"));
        }
    }
    check(json!({"aud": 7}), r#"WrongType("aud")"#);
    check(json!({"aud": [7]}), r#"WrongType("aud")"#);
    check(json!({"aud": [CLIENT_ID, 7]}), r#"WrongType("aud")"#);
}

// attacks: D1–D12, D42
#[test]
fn a_claim_of_somebody_else_is_refused() {
    for iss in [
        "",
        "https://id.example.com/acme/",
        "https://ID.example.com/acme",
        "https://evil.example",
    ] {
        check(json!({ "iss": iss }), "IssuerMismatch");
    }
    for aud in [
        json!(""),
        json!("other"),
        json!([]),
        json!(["other"]),
        json!(["a", "b"]),
        json!("APP"),
        json!("app "),
    ] {
        check(json!({ "aud": aud }), "AudienceMismatch");
    }
    for nonce in ["", "other", "nonce-of-this-logi", "nonce-of-this-login "] {
        check(json!({ "nonce": nonce }), "NonceMismatch");
    }
    check(json!({"aud": [CLIENT_ID]}), "accepted");
}

// attacks: D1–D12
#[test]
fn a_subject_is_1_to_255_printable_ascii_characters() {
    for accepted in ["a", "auth0|42", "a b", &"x".repeat(255)] {
        check(json!({ "sub": accepted }), "accepted");
    }
    for refused in ["", &"x".repeat(256), "é", "a\nb", "a\0", "\u{202e}"] {
        check(json!({ "sub": refused }), "SubjectMalformed");
    }
}

// attacks: D13
#[test]
fn a_further_audience_or_another_party_is_refused() {
    let two = json!([CLIENT_ID, "stranger"]);
    check(json!({ "aud": two }), "FurtherAudience");
    check(json!({ "aud": two, "azp": CLIENT_ID }), "FurtherAudience");
    check(json!({ "aud": two, "azp": "stranger" }), "FurtherAudience");
    check(json!({"aud": CLIENT_ID, "azp": "stranger"}), "AuthorizedPartyMismatch");
    check(json!({"azp": ""}), "AuthorizedPartyMismatch");
    check(json!({"azp": null}), r#"WrongType("azp")"#);
    check(json!({"azp": [CLIENT_ID]}), r#"WrongType("azp")"#);
    check(json!({"azp": CLIENT_ID}), "accepted");
}

// attacks: D14
#[test]
fn an_expired_token_is_refused_exactly_at_the_skew() {
    let now = NOW.seconds();
    for (exp, expected) in [
        (json!(now - 61), "Expired"),
        (json!(now - 60), "Expired"),
        (json!(now - 59), "accepted"),
        (json!(now + (1 << 31)), "accepted"),
        (json!((1_u64 << 31) + 1), "accepted"),
        (json!(0), "Expired"),
        (json!(1e300), r#"WrongType("exp")"#),
        (json!(-1), r#"WrongType("exp")"#),
        (json!("1999999999"), r#"WrongType("exp")"#),
        (json!(now as f64 + 0.5), "accepted"),
        (json!(1.5e9 + 0.5), "Expired"),
        (json!(9_007_199_254_740_992_u64), "accepted"),
    ] {
        check(json!({ "exp": exp }), expected);
    }
}

// attacks: D15
#[test]
fn a_token_issued_in_the_future_or_long_ago_is_refused() {
    let now = NOW.seconds();
    for (iat, expected) in [
        (json!(now + 59), "accepted"),
        (json!(now + 60), "accepted"),
        (json!(now + 61), "IssuedInFuture"),
        (json!(now - 3_600), "accepted"),
        (json!(now - 3_601), "TooOld"),
        (json!(now - 315_360_000), "TooOld"),
        (json!(now as f64 + 0.25), "accepted"),
    ] {
        check(json!({ "iat": iat }), expected);
    }
}

// attacks: D16
#[test]
fn a_token_that_is_not_valid_yet_is_refused() {
    let now = NOW.seconds();
    for (nbf, expected) in [
        (json!(now - 1), "accepted"),
        (json!(now + 60), "accepted"),
        (json!(now + 61), "NotYetValid"),
        (json!(now.to_string()), r#"WrongType("nbf")"#),
        (json!(null), r#"WrongType("nbf")"#),
        (json!(1e300), r#"WrongType("nbf")"#),
    ] {
        check(json!({ "nbf": nbf }), expected);
    }
}

// attacks: D32
#[test]
fn an_at_hash_must_match_the_access_token_that_came_along() {
    let hash = |algorithm, token: &str| half_hash(algorithm, token.as_bytes()).unwrap();
    let right = hash(Algorithm::Es256, ACCESS_TOKEN);
    check(json!({ "at_hash": right }), "accepted");
    for wrong in [
        "".to_owned(),
        right[..right.len() - 1].to_owned(),
        format!("{right}="),
        hash(Algorithm::Es384, ACCESS_TOKEN),
        hash(Algorithm::EdDsa, ACCESS_TOKEN),
        hash(Algorithm::Es256, "access-token-of-mallory"),
    ] {
        check(json!({ "at_hash": wrong }), "AccessTokenHashMismatch");
    }
    check(json!({"at_hash": null}), r#"WrongType("at_hash")"#);
    check(json!({"at_hash": [right]}), r#"WrongType("at_hash")"#);
}

#[test]
fn at_hash_is_passed_over_only_where_no_access_token_is() {
    let key = Key::ec();
    let raw = key.id_token(&patched(claims(), &json!({"at_hash": "wrong"})));
    let rules = IdTokenRules {
        expected: &expected(),
        algorithms: &[Algorithm::Es256],
        now: NOW,
        access_token: None,
    };
    assert!(id_token::verify(&raw, &keys_of(&key), &rules).is_ok());
}

fn with_max_age(max_age: u64, auth_time: Value) -> Result<(), IdTokenError> {
    let key = Key::ec();
    let raw = key.id_token(&patched(claims(), &json!({ "auth_time": auth_time })));
    let mut expected = expected();
    expected.max_age = Some(max_age);
    let rules = IdTokenRules {
        expected: &expected,
        algorithms: &[Algorithm::Es256],
        now: NOW,
        access_token: None,
    };
    id_token::verify(&raw, &keys_of(&key), &rules).map(|_| ())
}

// attacks: B25
#[test]
fn max_age_is_enforced() {
    let now = NOW.seconds();
    for (auth_time, expected) in [
        (json!(now), "accepted"),
        (json!(now - 60), "accepted"),
        (json!(now - 120), "accepted"),
        (json!(now - 121), "AuthenticationTooOld"),
        (json!(now - 600), "AuthenticationTooOld"),
        (json!("(absent)"), r#"Missing("auth_time")"#),
        (json!((now - 10).to_string()), r#"WrongType("auth_time")"#),
        (json!(null), r#"WrongType("auth_time")"#),
        (json!(now + 60), "accepted"),
        (json!(now + 61), "AuthenticatedInFuture"),
    ] {
        assert_eq!(shown(&with_max_age(60, auth_time.clone())), expected, "{auth_time}");
    }
    assert_eq!(shown(&with_max_age(u64::MAX, json!(0))), "accepted");
    // Without max_age an old authentication is fine, a future one is not.
    check(json!({"auth_time": now - 86_400}), "accepted");
    check(json!({"auth_time": now + 61}), "AuthenticatedInFuture");
    check(json!({"auth_time": "yesterday"}), r#"WrongType("auth_time")"#);
}

#[test]
fn claims_read_later_have_their_type_or_are_refused() {
    for name in ["acr", "sid"] {
        for wrong in [json!(null), json!(1), json!(["x"]), json!(""), json!("x".repeat(1_025))] {
            check(json!({ name: wrong }), &format!("WrongType({name:?})"));
        }
    }
}

#[test]
fn unknown_claims_of_any_shape_are_kept_and_ignored() {
    check(
        json!({"x": null, "https://acme.test/roles": ["admin"], "_claim_sources": {"src": {"endpoint": "http://10.0.0.1"}}}),
        "accepted",
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_token_with_another_text_in_an_identity_claim_is_never_accepted(
        name in prop_oneof![Just("iss"), Just("aud"), Just("nonce"), Just("azp")],
        text in ".{0,40}",
    ) {
        let key = Key::ec();
        let right = match name { "iss" => ISSUER, "nonce" => NONCE, _ => CLIENT_ID };
        prop_assume!(text != right);
        let raw = key.id_token(&patched(claims(), &json!({ name: text })));
        prop_assert!(verify_at_login(&raw, &keys_of(&key)).is_err());
    }

    #[test]
    fn any_text_is_refused_as_a_token_without_panic(text in ".{0,300}") {
        let key = Key::ec();
        prop_assert!(verify_at_login(&SecretString::new(text), &keys_of(&key)).is_err());
    }
}
