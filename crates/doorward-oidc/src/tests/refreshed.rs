//! ID tokens of a refresh.

use doorward_crypto::Algorithm;
use serde_json::{Value, json};

use super::support::*;
use crate::{
    ExpectedIdToken, IdTokenRules, PreviousIdentity, RefreshedIdTokenError, UnixTime, VerifiedIdToken, check_refreshed,
};

fn previous() -> PreviousIdentity {
    PreviousIdentity {
        issuer: ISSUER.to_owned(),
        subject: SUBJECT.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        auth_time: Some(UnixTime::from_seconds(NOW.seconds() - 1_000)),
    }
}

fn refresh(
    patch: &Value,
    expected: &ExpectedIdToken,
    previous: &PreviousIdentity,
) -> Result<VerifiedIdToken, RefreshedIdTokenError> {
    let key = Key::ec();
    let honest = patched(
        claims(),
        &json!({"nonce": "(absent)", "auth_time": NOW.seconds() - 1_000}),
    );
    let raw = key.id_token(&patched(honest, patch));
    let rules = IdTokenRules {
        expected,
        algorithms: &[Algorithm::Es256],
        now: NOW,
        access_token: None,
    };
    check_refreshed(&raw, &keys_of(&key), &rules, previous)
}

fn check(patch: Value, expected: &str) {
    let result = refresh(&patch, &ExpectedIdToken::after_refresh(ISSUER, CLIENT_ID), &previous());
    assert_eq!(shown(&result), expected, "{patch}");
}

#[test]
fn a_refreshed_token_of_the_same_user_is_accepted() {
    check(json!({}), "accepted");
    check(json!({"auth_time": "(absent)"}), "accepted");
    check(json!({"nonce": "nobody remembers"}), "accepted");
}

// attacks: K5
#[test]
fn a_refreshed_token_of_somebody_else_is_refused() {
    check(json!({"iss": "https://evil.example"}), "IssuerChanged");
    check(json!({"sub": "mallory"}), "SubjectChanged");
    check(json!({"aud": "other"}), "AudienceChanged");
    check(json!({"aud": [CLIENT_ID, "other"]}), "AudienceChanged");
    check(json!({"azp": "other"}), "IdToken(AuthorizedPartyMismatch)");
    check(json!({"auth_time": NOW.seconds()}), "AuthenticationTimeChanged");
    check(json!({"exp": 1}), "IdToken(Expired)");
    check(json!({"iat": NOW.seconds() - 4_000}), "IdToken(TooOld)");
    check(json!({"sub": "(absent)"}), "IdToken(Missing(\"sub\"))");
}

#[test]
fn the_identity_compared_is_the_one_of_the_login() {
    let expected = ExpectedIdToken::after_refresh(ISSUER, CLIENT_ID);
    let moved = PreviousIdentity {
        issuer: "https://id.example.com/globex".to_owned(),
        ..previous()
    };
    assert_eq!(shown(&refresh(&json!({}), &expected, &moved)), "IssuerChanged");
    let moved = PreviousIdentity {
        client_id: "other".to_owned(),
        ..previous()
    };
    assert_eq!(shown(&refresh(&json!({}), &expected, &moved)), "AudienceChanged");
    let unknown = PreviousIdentity {
        auth_time: None,
        ..previous()
    };
    assert_eq!(shown(&refresh(&json!({}), &expected, &unknown)), "accepted");
}

#[test]
fn a_nonce_that_is_remembered_is_absent_or_equal() {
    for (nonce, outcome) in [
        (json!("(absent)"), "accepted"),
        (json!(NONCE), "accepted"),
        (json!("other"), "IdToken(NonceMismatch)"),
    ] {
        let result = refresh(&json!({ "nonce": nonce }), &expected(), &previous());
        assert_eq!(shown(&result), outcome, "{nonce}");
    }
}

// attacks: K5
#[test]
fn a_refreshed_token_with_a_bad_signature_is_refused() {
    let (ours, other) = (Key::ec(), Key::ec());
    let expected = ExpectedIdToken::after_refresh(ISSUER, CLIENT_ID);
    let rules = IdTokenRules {
        expected: &expected,
        algorithms: &[Algorithm::Es256],
        now: NOW,
        access_token: None,
    };
    let header = patched(other.header(), &json!({"kid": ours.signing.kid()}));
    let forged = other.token(&header, claims().to_string().as_bytes());
    let error = check_refreshed(&forged, &keys_of(&ours), &rules, &previous()).unwrap_err();
    assert!(matches!(error, RefreshedIdTokenError::IdToken(_)));
    assert!(!error.needs_key_refetch());
    let rotated = other.id_token(&claims());
    let error = check_refreshed(&rotated, &keys_of(&ours), &rules, &previous()).unwrap_err();
    assert!(error.needs_key_refetch());
}
