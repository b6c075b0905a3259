//! Claims of a logout token, each absent, null, foreign, empty, huge and of the wrong type.

use std::collections::HashSet;
use std::time::Duration;

use doorward_crypto::{Algorithm, KeySet};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::*;
use crate::logout_token::{LOGOUT_EVENT, verify};
use crate::{ExpectedLogoutToken, LogoutScope, LogoutTokenError, UnixTime, UnverifiedAddress, VerifiedLogoutToken};

pub(super) const EXPECTED: ExpectedLogoutToken<'static> = ExpectedLogoutToken {
    issuer: ISSUER,
    client_id: CLIENT_ID,
    algorithms: &[Algorithm::Es256],
};

pub(super) fn logout_claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "iat": NOW.seconds(),
        "exp": NOW.seconds() + 120,
        "jti": "logout-1",
        "sub": SUBJECT,
        "sid": "session-1",
        "events": { LOGOUT_EVENT: {} },
    })
}

pub(super) fn logout_header(key: &Key) -> Value {
    patched(key.header(), &json!({"typ": "logout+jwt"}))
}

pub(super) fn verify_logout(raw: &str, keys: &KeySet) -> Result<VerifiedLogoutToken, LogoutTokenError> {
    verify(raw, &EXPECTED, keys, NOW)
}

/// Verifies the honest claims with this patch.
fn verified(patch: &Value) -> Result<VerifiedLogoutToken, LogoutTokenError> {
    let key = Key::ec();
    let claims = patched(logout_claims(), patch);
    let raw = key.token(&logout_header(&key), claims.to_string().as_bytes());
    verify_logout(raw.expose(), &keys_of(&key))
}

fn check(patch: Value, expected: &str) {
    assert_eq!(shown(&verified(&patch)), expected, "{patch}");
}

#[test]
fn an_honest_logout_token_is_verified() {
    let token = verified(&json!({})).unwrap();
    assert_eq!(token.issuer(), ISSUER);
    assert_eq!(token.client_id(), CLIENT_ID);
    assert_eq!(token.subject(), Some(SUBJECT));
    assert_eq!(token.session_id(), Some("session-1"));
    assert_eq!(token.token_id(), "logout-1");
    assert_eq!(token.issued_at(), NOW);
    assert_eq!(token.expires_at(), UnixTime::from_seconds(NOW.seconds() + 180));
    check(json!({"aud": [CLIENT_ID]}), "accepted");
    check(
        json!({"typ": "Logout", "x": null, "trace": {"id": 1}, "sub_id": {}}),
        "accepted",
    );
}

// attacks: J4
#[test]
fn a_token_names_one_session_or_every_session_of_a_subject() {
    let scope = |patch: Value| verified(&patch).unwrap().scope().clone();
    let session = |subject: Option<&str>| LogoutScope::Session {
        session_id: "session-1".to_owned(),
        subject: subject.map(str::to_owned),
    };
    assert!(scope(json!({})) == session(Some(SUBJECT)));
    assert!(scope(json!({"sub": "(absent)"})) == session(None));
    let every = LogoutScope::Subject {
        subject: SUBJECT.to_owned(),
    };
    assert!(scope(json!({"sid": "(absent)"})) == every);
    let by_session = verified(&json!({"sub": "(absent)"})).unwrap();
    assert_eq!(
        (by_session.subject(), by_session.session_id()),
        (None, Some("session-1"))
    );
    let by_subject = verified(&json!({"sid": "(absent)"})).unwrap();
    assert_eq!((by_subject.subject(), by_subject.session_id()), (Some(SUBJECT), None));
    check(json!({"sub": "(absent)", "sid": "(absent)"}), "NobodyNamed");
}

#[test]
fn a_required_claim_that_is_absent_or_of_another_type_is_refused() {
    for name in ["iss", "aud", "iat", "jti", "events"] {
        check(json!({ name: "(absent)" }), &format!("Missing({name:?})"));
    }
    for name in ["iss", "aud", "iat", "exp", "nbf", "jti", "sub", "sid", "events"] {
        for wrong in [json!(null), json!(true)] {
            check(json!({ name: wrong }), &format!("WrongType({name:?})"));
        }
    }
    for name in ["iss", "aud", "iat", "exp", "nbf", "jti", "sub", "sid"] {
        for wrong in [json!({}), json!({"a": 1})] {
            check(json!({ name: wrong }), &format!("WrongType({name:?})"));
        }
    }
    for name in ["iss", "jti", "sub", "sid"] {
        for wrong in [json!(7), json!([]), json!(["session-1"]), json!([ISSUER])] {
            check(json!({ name: wrong }), &format!("WrongType({name:?})"));
        }
    }
    for name in ["iat", "exp", "nbf"] {
        for wrong in [
            json!(NOW.seconds().to_string()),
            json!(""),
            json!([NOW.seconds()]),
            json!(-1),
            json!(1e300),
            json!(1e17),
        ] {
            check(json!({ name: wrong }), &format!("WrongType({name:?})"));
        }
    }
    for wrong in [json!(7), json!([7]), json!([CLIENT_ID, 7]), json!([CLIENT_ID, null])] {
        check(json!({ "aud": wrong }), r#"WrongType("aud")"#);
    }
}

#[test]
fn a_text_that_is_empty_or_huge_is_refused() {
    for name in ["jti", "sid"] {
        check(json!({ name: "" }), &format!("Empty({name:?})"));
        check(json!({ name: "x" }), "accepted");
        check(json!({ name: "x".repeat(1_024) }), "accepted");
        check(json!({ name: "x".repeat(1_025) }), &format!("TooLong({name:?})"));
    }
    for accepted in ["a", "auth0|42", "a b", &"x".repeat(255)] {
        check(json!({ "sub": accepted }), "accepted");
    }
    for refused in ["", &"x".repeat(256), "é", "a\nb", "a\0", "\u{202e}"] {
        check(json!({ "sub": refused }), "SubjectMalformed");
    }
    // One that names somebody does not make up for the other.
    check(json!({"sub": "", "sid": "session-1"}), "SubjectMalformed");
    check(json!({"sub": SUBJECT, "sid": ""}), r#"Empty("sid")"#);
}

// attacks: J7
#[test]
fn a_token_of_another_issuer_or_for_another_client_is_refused() {
    for iss in [
        "",
        "https://id.example.com/acme/",
        "https://ID.example.com/acme",
        "https://evil.example",
        &"x".repeat(4_000),
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
        json!("x".repeat(4_000)),
    ] {
        check(json!({ "aud": aud }), "AudienceMismatch");
    }
    check(json!({"aud": [CLIENT_ID, "stranger"]}), "FurtherAudience");
    check(json!({"aud": [CLIENT_ID, CLIENT_ID]}), "accepted");
}

#[test]
fn a_token_is_refused_exactly_when_its_exp_has_passed_by_the_skew() {
    let now = NOW.seconds();
    for (exp, expected) in [
        (json!(0), "Expired"),
        (json!(now - 61), "Expired"),
        (json!(now - 60), "Expired"),
        (json!(now - 59), "accepted"),
        (json!(now + 86_400), "accepted"),
        (json!(9_007_199_254_740_992_u64), "accepted"),
        (json!("(absent)"), "accepted"),
    ] {
        check(json!({ "exp": exp }), expected);
    }
}

#[test]
fn a_token_issued_in_the_future_or_more_than_ten_minutes_ago_is_refused() {
    let now = NOW.seconds();
    for (iat, expected) in [
        (json!(now + 60), "accepted"),
        (json!(now + 61), "IssuedInFuture"),
        (json!(9_007_199_254_740_992_u64), "IssuedInFuture"),
        (json!(now - 600), "accepted"),
        (json!(now - 601), "TooOld"),
        (json!(0), "TooOld"),
        (json!(now as f64 + 0.25), "accepted"),
    ] {
        for exp in [json!("(absent)"), json!(now + 86_400)] {
            check(json!({ "iat": iat, "exp": exp }), expected);
        }
    }
    check(json!({"nbf": now + 60}), "accepted");
    check(json!({"nbf": now + 61}), "NotYetValid");
}

#[test]
fn a_token_passes_until_the_second_it_says_and_is_remembered_longer() {
    let key = Key::ec();
    let keys = keys_of(&key);
    let now = NOW.seconds();
    for (patch, lifetime) in [
        (json!({"exp": now + 120}), 180),
        (json!({"exp": now + 86_400}), 601),
        (json!({"exp": "(absent)"}), 601),
        (json!({"exp": "(absent)", "iat": now - 600}), 1),
        (json!({"exp": "(absent)", "iat": now + 60}), 661),
        (json!({"exp": now - 59}), 1),
    ] {
        let claims = patched(logout_claims(), &patch).to_string();
        let raw = key.token(&logout_header(&key), claims.as_bytes());
        let at = |time| verify(raw.expose(), &EXPECTED, &keys, time);
        let token = at(NOW).unwrap();
        let end = NOW.saturating_add(Duration::from_secs(lifetime));
        assert_eq!(token.expires_at(), end, "{patch}");
        assert!(at(end.saturating_sub(Duration::from_secs(1))).is_ok(), "{patch}");
        assert!(at(end).is_err(), "{patch}");
        assert_eq!(token.remember_until(), end.saturating_add(Duration::from_secs(60)));
    }
}

#[test]
fn a_token_is_known_again_by_issuer_client_and_id_together() {
    let token = verified(&json!({})).unwrap();
    let mut memory = HashSet::from([token.replay_key()]);
    // The same ID in another token is the same; what the token names does not count.
    let again = verified(&json!({"sub": "bob", "sid": "session-2", "exp": "(absent)"})).unwrap();
    assert!(!memory.insert(again.replay_key()));
    assert!(memory.insert(verified(&json!({"jti": "logout-2"})).unwrap().replay_key()));
    let key = token.replay_key();
    for (issuer, client_id) in [("https://id.example.net", CLIENT_ID), (ISSUER, "other")] {
        let mut other = key.clone();
        other.issuer = issuer.to_owned();
        other.client_id = client_id.to_owned();
        assert!(memory.insert(other));
    }
}

#[test]
fn a_token_without_the_logout_event_is_none() {
    for events in [
        json!({}),
        json!({"http://schemas.openid.net/event/backchannel-logout/": {}}),
        json!({"https://schemas.openid.net/event/backchannel-logout": {}}),
        json!({"HTTP://schemas.openid.net/event/backchannel-logout": {}}),
        json!({"http://schemas.openid.net/secevent/risc/event-type/sessions-revoked": {}}),
        json!({"backchannel-logout": {}}),
    ] {
        check(json!({ "events": events }), "EventMissing");
    }
    for wrong in [
        json!(LOGOUT_EVENT),
        json!([LOGOUT_EVENT]),
        json!([{ LOGOUT_EVENT: {} }]),
        json!(1),
        json!(""),
    ] {
        check(json!({ "events": wrong }), r#"WrongType("events")"#);
    }
    for wrong in [json!(null), json!(true), json!(""), json!("{}"), json!([]), json!(1)] {
        check(json!({"events": { LOGOUT_EVENT: wrong }}), "EventMalformed");
    }
    check(json!({"events": { LOGOUT_EVENT: {"reason": "admin"} }}), "accepted");
    check(
        json!({"events": { LOGOUT_EVENT: {}, "https://acme.test/event": null }}),
        "accepted",
    );
}

#[test]
fn a_nonce_of_any_kind_is_refused() {
    for nonce in [json!(NONCE), json!(""), json!(null), json!(7), json!({}), json!([])] {
        check(json!({ "nonce": nonce }), "NoncePresent");
    }
}

#[test]
fn the_address_of_a_token_is_read_without_believing_it() {
    let key = Key::ec();
    let address = |patch: Value| {
        let claims = patched(logout_claims(), &patch).to_string();
        let raw = key.token(&logout_header(&key), claims.as_bytes());
        UnverifiedAddress::of(raw.expose())
    };
    let one = address(json!({})).unwrap();
    assert!(one.names(ISSUER, CLIENT_ID));
    assert!(!one.names("https://id.example.com/acme/", CLIENT_ID) && !one.names(ISSUER, "other"));
    let several = address(json!({"aud": ["other", CLIENT_ID]})).unwrap();
    assert!(several.names(ISSUER, CLIENT_ID) && several.names(ISSUER, "other") && !several.names(ISSUER, ""));
    for patch in [
        json!({"iss": "(absent)"}),
        json!({"iss": null}),
        json!({"iss": [ISSUER]}),
        json!({"aud": "(absent)"}),
        json!({"aud": null}),
        json!({"aud": [1]}),
        json!({"x": "x".repeat(8_192)}),
    ] {
        assert!(address(patch.clone()).is_none(), "{patch}");
    }
    for raw in ["", "..", "a.b.c", "a.b", "e30.e30.e30", "....."] {
        assert!(UnverifiedAddress::of(raw).is_none(), "{raw}");
    }
}

#[test]
fn debug_output_and_errors_hide_whom_a_token_names() {
    let token = verified(&json!({"sid": "session-of-alice", "jti": "secret-id"})).unwrap();
    let shown = format!("{token:?} {:?} {:?}", token.scope(), token.replay_key());
    for hidden in [SUBJECT, "session-of-alice", "secret-id"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    for patch in [
        json!({"sub": "alice\n"}),
        json!({"iss": "alice"}),
        json!({"aud": "alice"}),
        json!({"jti": ["alice"]}),
        json!({"sid": "alice".repeat(300)}),
    ] {
        let error = verified(&patch).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("alice"), "{error:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_token_with_another_text_in_an_identity_claim_is_never_accepted(
        name in prop_oneof![Just("iss"), Just("aud")],
        text in ".{0,40}",
    ) {
        let right = if name == "iss" { ISSUER } else { CLIENT_ID };
        prop_assume!(text != right);
        let patch = json!({ name: text });
        prop_assert!(verified(&patch).is_err());
    }

    #[test]
    fn any_text_is_refused_as_a_token_without_panic(text in ".{0,300}") {
        prop_assert!(verify_logout(&text, &keys_of(&Key::ec())).is_err());
        prop_assert!(UnverifiedAddress::of(&text).is_none());
    }
}
