//! Tenant names and scopes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod directory;
mod expectation;
mod host;
mod name;
mod pattern;
mod resolve;

use super::{TenantId, TenantIdError, TenantName, TenantScope};

#[test]
fn claims_are_kept_as_they_stand() {
    for claim in ["Acme", "org_123", "urn:tenant:Acme/1", &"x".repeat(255)] {
        assert_eq!(TenantId::from_claim(claim).unwrap().as_str(), claim);
    }
    for claim in ["", "a b", "a\r\nb", "\u{e4}", &"x".repeat(256)] {
        assert_eq!(
            TenantId::from_claim(claim),
            Err(TenantIdError::InvalidClaim),
            "{claim:?}"
        );
    }
}

#[test]
fn scope_of_one_tenant_admits_exactly_that_one() {
    let scope = TenantScope::One(TenantId::from_claim("acme").unwrap());
    assert!(scope.admits("acme"));
    for other in ["Acme", "acme ", "acm", "acmes", "", "globex"] {
        assert!(!scope.admits(other), "{other:?}");
        assert!(TenantScope::Any.admits(other));
        assert!(!TenantScope::Nobody.admits(other), "{other:?}");
    }
    assert!(TenantScope::One(TenantId::default_tenant()).admits("default"));
}

#[test]
fn host_of_one_tenant_never_admits_a_session_whose_tenant_merely_looks_like_it() {
    // attacks: M1
    let scope = TenantScope::One(TenantId::from(TenantName::parse("b\u{fc}cher").unwrap()));
    assert!(scope.admits("xn--bcher-kva"));
    for other in [
        "b\u{fc}cher",
        "bucher",
        "XN--BCHER-KVA",
        "xn--bcher-kva.",
        "xn--bcher-kva-2",
    ] {
        assert!(!scope.admits(other), "{other}");
    }
    let configured = TenantScope::One(TenantId::from_claim("org_1").unwrap());
    assert!(configured.admits("org_1"));
    for other in ["org_10", "ORG_1", "org-1", "default"] {
        assert!(!configured.admits(other), "{other}");
    }
}

#[test]
fn sealed_tenant_names_are_read_back_and_checked() {
    let written = postcard::to_allocvec(&TenantId::from_claim("Acme").unwrap()).unwrap();
    assert_eq!(postcard::from_bytes::<TenantId>(&written).unwrap().as_str(), "Acme");
    let written = postcard::to_allocvec("a b").unwrap();
    assert!(postcard::from_bytes::<TenantId>(&written).is_err());
}
