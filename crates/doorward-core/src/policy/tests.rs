//! Rules and decisions, as tables.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod callers;
mod step_up;

use std::time::Duration;

use doorward_oidc::UnixTime;
use http::{HeaderMap, HeaderName, Method, Uri};

use super::{Caller, Denied, Rule, SubjectKind, Unauthenticated, decide_at};
use crate::{
    code::Code,
    csrf::{CsrfMode, CsrfPassed, CsrfTokens, check, check_origin},
    origin::{AllowedOrigins, Origin},
    request::RequestView,
    session::{Identity, Lifetimes, LiveSession, OpenedIdentity, check as check_lifetime},
    tenant::{TenantId, TenantScope},
    test_support::{at, identity, keys},
};

fn session(identity: &Identity) -> (LiveSession, CsrfPassed) {
    let origins = AllowedOrigins::new(&Origin::parse("https://app.test").unwrap(), Vec::<String>::new()).unwrap();
    let (uri, headers) = (Uri::from_static("/"), HeaderMap::new());
    let view = RequestView {
        method: &Method::GET,
        uri: &uri,
        headers: &headers,
    };
    let passed = check_origin(view, &origins, CsrfMode::Token).unwrap();
    let header = HeaderName::from_static("x-csrf-token");
    let csrf = check(
        passed,
        view,
        &CsrfTokens::new(&keys(&[1])),
        &identity.id,
        &header,
        CsrfMode::Token,
    )
    .unwrap();
    let opened = OpenedIdentity::from_identity(identity).unwrap();
    (check_lifetime(opened, &Lifetimes::default(), at(1)).unwrap(), csrf)
}

/// Decides at the end of time, when every sign-in is too old.
fn decided(rule: &Rule, caller: Caller<'_>, scope: &TenantScope) -> Result<(), Denied> {
    decide_at(rule, caller, scope, || UnixTime::from_seconds(u64::MAX)).map(|_| ())
}

#[test]
fn rule_and_caller_give_the_decision_of_the_table() {
    // alice of acme: roles admin and member, scopes openid and orders:read.
    let (alice, csrf) = session(&identity(1));
    let alice = Caller::Session(&alice, &csrf);
    let scopes = |list: &[&str]| Denied::InsufficientScope {
        scopes: list.iter().map(|s| (*s).to_owned()).collect(),
    };
    let table: Vec<(Rule, Result<(), Denied>)> = vec![
        (Rule::Public, Ok(())),
        (Rule::Session, Ok(())),
        (Rule::role("admin"), Ok(())),
        (Rule::role("Admin"), Err(Denied::RoleMissing)),
        (Rule::role("adm"), Err(Denied::RoleMissing)),
        (Rule::role("admin member"), Err(Denied::RoleMissing)),
        (Rule::role(""), Err(Denied::RoleMissing)),
        (Rule::any_role(["owner", "member"]), Ok(())),
        (Rule::any_role(["owner", "auditor"]), Err(Denied::RoleMissing)),
        // attacks: N6: an empty list of roles admits nobody.
        (Rule::any_role(Vec::<String>::new()), Err(Denied::RoleMissing)),
        (Rule::role("admin").with_role("member"), Ok(())),
        (Rule::role("admin").with_role("owner"), Err(Denied::RoleMissing)),
        (Rule::scope("orders:read"), Ok(())),
        (Rule::scope("orders"), Err(scopes(&["orders"]))),
        (
            Rule::scope("orders:read").with_scope("orders:write"),
            Err(scopes(&["orders:read", "orders:write"])),
        ),
        (Rule::role("owner").with_scope("orders:write"), Err(Denied::RoleMissing)),
        (Rule::role("admin").and(Rule::scope("orders:read")), Ok(())),
        (Rule::Public.and(Rule::role("owner")), Err(Denied::RoleMissing)),
    ];
    for (rule, expected) in table {
        assert_eq!(decided(&rule, alice, &TenantScope::Any), expected, "{rule}");
        let anonymous = if rule.is_public() {
            Ok(())
        } else {
            Err(Denied::SessionMissing)
        };
        assert_eq!(
            decided(&rule, Caller::Anonymous, &TenantScope::Any),
            anonymous,
            "{rule} without a session"
        );
    }
}

#[test]
fn session_of_another_tenant_is_denied_before_its_roles_are_looked_at() {
    // attacks: E3, M1
    let (alice, csrf) = session(&identity(1));
    let alice = Caller::Session(&alice, &csrf);
    let globex = TenantScope::One(TenantId::from_claim("globex").unwrap());
    let acme = TenantScope::One(TenantId::from_claim("acme").unwrap());
    for rule in [Rule::Session, Rule::role("admin"), Rule::role("owner")] {
        assert_eq!(decided(&rule, alice, &globex), Err(Denied::TenantMismatch), "{rule}");
    }
    assert_eq!(decided(&Rule::role("admin"), alice, &acme), Ok(()));
    assert_eq!(decided(&Rule::Public, alice, &globex), Ok(()));
    assert_eq!(
        decided(&Rule::Session, Caller::Anonymous, &globex),
        Err(Denied::SessionMissing)
    );
}

#[test]
fn user_without_roles_has_none() {
    let mut plain = identity(2);
    plain.user.roles.clear();
    plain.scopes.clear();
    let (live, csrf) = session(&plain);
    let caller = Caller::Session(&live, &csrf);
    assert_eq!(decided(&Rule::Session, caller, &TenantScope::Any), Ok(()));
    assert_eq!(
        decided(&Rule::role("member"), caller, &TenantScope::Any),
        Err(Denied::RoleMissing)
    );
    assert!(decided(&Rule::scope("openid"), caller, &TenantScope::Any).is_err());
}

#[test]
fn asking_for_more_never_leaves_a_route_public() {
    for rule in [
        Rule::Public.with_role("a"),
        Rule::Public.with_scope("s"),
        Rule::Public.and(Rule::Session),
        Rule::Session.and(Rule::Public),
    ] {
        assert!(!rule.is_public(), "{rule}");
    }
    assert!(Rule::Public.or_login().is_public());
}

#[test]
fn combined_rules_take_the_stricter_answer() {
    let page = Rule::Session.or_login().csrf_origin();
    assert_eq!(
        (page.unauthenticated(), page.csrf_mode()),
        (Unauthenticated::Login, CsrfMode::Origin)
    );
    let both = page.clone().and(Rule::role("admin"));
    assert_eq!(
        (both.unauthenticated(), both.csrf_mode()),
        (Unauthenticated::Refuse, CsrfMode::Token)
    );
    let pages = page.clone().and(page);
    assert_eq!(
        (pages.unauthenticated(), pages.csrf_mode()),
        (Unauthenticated::Login, CsrfMode::Origin)
    );
}

#[test]
fn rules_say_what_they_ask_for() {
    let table = [
        (Rule::Public, "public"),
        (Rule::Session, "session"),
        (Rule::role("admin"), "role admin"),
        (Rule::any_role(["a", "b"]), "any role of a b"),
        (Rule::any_role(Vec::<String>::new()), "nobody"),
        (Rule::Session.with_scope("x").with_scope("y"), "session, scope x y"),
        (
            Rule::role("admin").csrf_origin().or_login(),
            "role admin, csrf by origin, or login",
        ),
        (Rule::bearer(), "bearer"),
        (Rule::session_or_bearer(), "session or bearer"),
        (Rule::role("admin").or_bearer(), "session or bearer, role admin"),
        (Rule::bearer().and(Rule::Session), "nobody"),
        (
            Rule::bearer()
                .with_clients(["worker", "cron"])
                .with_clients(["worker"])
                .with_subject_kind(SubjectKind::Client),
            "bearer, any client of worker cron, client worker, client only",
        ),
        (
            Rule::max_auth_age(Duration::from_secs(300)).with_acr(["urn:mfa"]),
            "session, signed in within 300 s, acr urn:mfa",
        ),
        (Rule::acr(Vec::<String>::new()), "session, no acr"),
    ];
    for (rule, text) in table {
        assert_eq!(rule.to_string(), text);
    }
}

#[test]
fn denials_carry_their_codes() {
    let table = [
        (Denied::SessionMissing, Code::SessionMissing),
        (Denied::TenantMismatch, Code::TenantMismatch),
        (Denied::TokenMissing, Code::TokenMissing),
        (Denied::RoleMissing, Code::RoleMissing),
        (Denied::ClientRefused, Code::RoleMissing),
        (Denied::SubjectKindRefused, Code::RoleMissing),
        (
            Denied::StepUpRequired {
                max_age: None,
                acr_values: Vec::new(),
            },
            Code::StepUpRequired,
        ),
        (
            Denied::InsufficientScope { scopes: Vec::new() },
            Code::InsufficientScope,
        ),
    ];
    for (denied, code) in table {
        assert_eq!(denied.code(), code);
    }
}
