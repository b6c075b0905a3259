//! Freshness and strength of a sign-in (RFC 9470).

use serde_json::json;

use super::{
    callers::{context, token},
    *,
};

fn step_up(max_age: Option<u64>, acr_values: &[&str]) -> Result<(), Denied> {
    Err(Denied::StepUpRequired {
        max_age,
        acr_values: acr_values.iter().map(|value| (*value).to_owned()).collect(),
    })
}

fn within(seconds: u64) -> Rule {
    Rule::session_or_bearer().with_max_auth_age(Duration::from_secs(seconds))
}

/// Alice authenticated five seconds before the tests' zero, with `urn:mfa`, by session and by token alike.
fn check(rule: &Rule, seconds: i64, expected: &Result<(), Denied>) {
    let (alice, csrf) = session(&identity(1));
    let (token, context) = (token(&json!({})), context());
    for caller in [Caller::Session(&alice, &csrf), Caller::Bearer(&token, &context)] {
        let met = decide_at(rule, caller, &TenantScope::Any, || at(seconds)).map(|_| ());
        assert_eq!(met, *expected, "{rule} at {seconds} for {caller:?}");
    }
}

#[test]
fn sign_in_is_fresh_up_to_the_limit_and_no_second_longer() {
    // attacks: E29, I14
    check(&within(300), 0, &Ok(()));
    check(&within(300), 295, &Ok(()));
    check(&within(300), 296, &step_up(Some(300), &[]));
    check(&within(5), 0, &Ok(()));
    check(&within(4), 0, &step_up(Some(4), &[]));
    check(&within(0), 0, &step_up(Some(0), &[]));
    // The provider's clock is ahead of ours.
    check(&within(0), -10, &Ok(()));
}

#[test]
fn sign_in_of_unknown_time_is_too_old() {
    // attacks: E29, I14
    let mut unknown = identity(1);
    (unknown.auth_time, unknown.acr) = (None, None);
    let (alice, csrf) = session(&unknown);
    let (token, context) = (token(&json!({"auth_time": null, "acr": null})), context());
    for caller in [Caller::Session(&alice, &csrf), Caller::Bearer(&token, &context)] {
        let at_zero = |rule: &Rule| decide_at(rule, caller, &TenantScope::Any, || at(0)).map(|_| ());
        assert_eq!(at_zero(&within(u64::MAX)), step_up(Some(u64::MAX), &[]));
        assert_eq!(
            at_zero(&Rule::session_or_bearer().with_acr(["urn:mfa"])),
            step_up(None, &["urn:mfa"])
        );
        assert_eq!(at_zero(&Rule::session_or_bearer()), Ok(()));
    }
}

#[test]
fn context_has_to_be_one_of_those_asked_for() {
    // attacks: E29, I14
    let rule = Rule::session_or_bearer;
    check(&rule().with_acr(["urn:mfa"]), 0, &Ok(()));
    check(&rule().with_acr(["urn:hardware", "urn:mfa"]), 0, &Ok(()));
    check(&rule().with_acr(["urn:hardware"]), 0, &step_up(None, &["urn:hardware"]));
    check(&rule().with_acr(["URN:MFA"]), 0, &step_up(None, &["URN:MFA"]));
    check(&rule().with_acr(["urn:mfa "]), 0, &step_up(None, &["urn:mfa "]));
    check(&rule().with_acr(Vec::<String>::new()), 0, &step_up(None, &[]));
}

#[test]
fn demands_add_up_and_all_of_them_are_told() {
    let strong = within(300).with_acr(["urn:a", "urn:b"]);
    check(&strong, 0, &step_up(Some(300), &["urn:a", "urn:b"]));
    // The shorter age holds, and what meets both demands is asked for.
    let stricter = strong.and(within(60).with_acr(["urn:b", "urn:c"]));
    check(&stricter, 0, &step_up(Some(60), &["urn:b"]));
    assert_eq!(within(60).and(within(300)).max_age(), Some(Duration::from_secs(60)));
    assert_eq!(Rule::Session.and(within(60)).max_age(), Some(Duration::from_secs(60)));
    // No value meets both: nobody passes, and the first demand is told.
    let impossible = Rule::session_or_bearer().with_acr(["urn:mfa"]).with_acr(["urn:x"]);
    check(&impossible, 0, &step_up(None, &["urn:mfa"]));
}

#[test]
fn freshness_is_asked_before_roles_and_scopes() {
    check(
        &within(4).with_role("owner").with_scope("none"),
        0,
        &step_up(Some(4), &[]),
    );
    check(
        &within(5).with_role("owner").with_scope("none"),
        0,
        &Err(Denied::RoleMissing),
    );
    let globex = TenantScope::One(TenantId::from_claim("globex").unwrap());
    let (alice, csrf) = session(&identity(1));
    let met = decide_at(&within(4), Caller::Session(&alice, &csrf), &globex, || at(0)).map(|_| ());
    assert_eq!(
        met,
        Err(Denied::TenantMismatch),
        "another tenant's user cannot step up here"
    );
}

#[test]
fn without_a_time_every_sign_in_is_too_old() {
    let (alice, csrf) = session(&identity(1));
    let caller = Caller::Session(&alice, &csrf);
    assert_eq!(
        decided(&within(300), caller, &TenantScope::Any),
        step_up(Some(300), &[])
    );
    let untimed = decide_at(&Rule::Session, caller, &TenantScope::Any, || {
        panic!("nobody asked for the time")
    });
    assert!(untimed.is_ok());
}
