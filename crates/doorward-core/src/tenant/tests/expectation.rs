//! The tenant at login is the tenant after login.

use crate::tenant::{Tenant, TenantExpectation, TenantId, TenantMismatch, TenantName};

fn id(text: &str) -> TenantId {
    TenantId::from_claim(text).unwrap()
}

fn name(text: &str) -> TenantName {
    TenantName::parse(text).unwrap()
}

#[test]
fn login_for_one_tenant_never_ends_with_a_user_of_another() {
    // weakness: L2
    let configured = Tenant {
        id: id("org_Acme"),
        ..Tenant::named(name("acme"))
    };
    for (expectation, verified, fits) in [
        (TenantExpectation::any(), "acme", true),
        (TenantExpectation::any(), "globex", true),
        (TenantExpectation::any(), "default", true),
        (TenantExpectation::id(id("acme")), "acme", true),
        (TenantExpectation::id(id("acme")), "Acme", false),
        (TenantExpectation::id(id("acme")), "acme-2", false),
        (TenantExpectation::id(id("acme")), "globex", false),
        (TenantExpectation::id(id("acme")), "default", false),
        (TenantExpectation::of(&configured), "org_Acme", true),
        // The name is not the ID where an ID is configured.
        (TenantExpectation::of(&configured), "acme", false),
        (TenantExpectation::of(&configured), "org_acme", false),
        (TenantExpectation::named(name("acme")), "acme", true),
        (TenantExpectation::named(name("acme")), "Acme", false),
        (TenantExpectation::named(name("acme")), "t1", false),
    ] {
        let expected = if fits { Ok(()) } else { Err(TenantMismatch) };
        assert_eq!(expectation.check(&id(verified)), expected, "{expectation:?} {verified}");
    }
}

#[test]
fn verified_name_decides_only_where_no_id_is_known() {
    let opaque = id("t1");
    let (acme, globex) = (name("acme"), name("globex"));
    for (expectation, verified_name, fits) in [
        (TenantExpectation::named(acme.clone()), Some(&acme), true),
        (TenantExpectation::named(acme.clone()), Some(&globex), false),
        (TenantExpectation::named(acme.clone()), None, false),
        (TenantExpectation::id(id("t1")), Some(&globex), true),
        (TenantExpectation::id(id("t2")), Some(&acme), false),
        (TenantExpectation::any(), Some(&globex), true),
    ] {
        let expected = if fits { Ok(()) } else { Err(TenantMismatch) };
        assert_eq!(
            expectation.check_named(&opaque, verified_name),
            expected,
            "{expectation:?}"
        );
    }
    // A claim that reads like the name does not outweigh the verified name.
    let claimed = id("acme");
    assert!(
        TenantExpectation::named(acme)
            .check_named(&claimed, Some(&globex))
            .is_err()
    );
}
