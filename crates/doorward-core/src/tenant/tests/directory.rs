//! Tenants are found by exactly their names and hosts.

use std::{error::Error as _, sync::Arc};

use crate::{
    ports::{DirectoryUnavailable, Found, TenantDirectory},
    tenant::{ConfiguredTenants, ConfiguredTenantsError, HostName, OpenTenants, Tenant, TenantId, TenantName},
};

fn name(text: &str) -> TenantName {
    TenantName::parse(text).unwrap()
}

fn host(text: &str) -> HostName {
    HostName::parse(text).unwrap()
}

fn tenant(text: &str, hosts: &[&str]) -> Tenant {
    Tenant {
        hosts: hosts.iter().map(|text| host(text)).collect(),
        ..Tenant::named(name(text))
    }
}

fn ready(found: Found) -> Option<Arc<Tenant>> {
    match found {
        Found::Ready(tenant) => tenant,
        Found::Wait(_) => unreachable!("a list in memory does not wait"),
    }
}

fn two() -> ConfiguredTenants {
    let acme = Tenant {
        id: TenantId::from_claim("org_Acme").unwrap(),
        provider: Some("main".to_owned()),
        custom_domain: Some(host("auth.acme.example")),
        ..tenant("acme", &["portal.acme.example", "acme.app.test"])
    };
    ConfiguredTenants::new(vec![acme, tenant("globex", &["portal.globex.example"])]).unwrap()
}

#[test]
fn configured_tenants_are_found_by_name_and_by_each_host_without_waiting() {
    let tenants = two();
    for host in ["portal.acme.example", "ACME.app.test."] {
        let found = ready(tenants.by_host(&self::host(host))).unwrap();
        assert_eq!((found.name.as_str(), found.id.as_str()), ("acme", "org_Acme"), "{host}");
    }
    let globex = ready(tenants.by_name(&name("GLOBEX"))).unwrap();
    assert_eq!(globex.id, TenantId::from_claim("globex").unwrap());
    assert_eq!(ready(tenants.by_host(&host("portal.globex.example"))), Some(globex));
    let names: Vec<&str> = tenants.iter().map(|tenant| tenant.name.as_str()).collect();
    assert_eq!(names, ["acme", "globex"]);
    assert!(!tenants.is_empty() && ConfiguredTenants::default().is_empty());
}

#[test]
fn unknown_tenant_is_never_made_up() {
    // attacks: M4
    let tenants = two();
    for unknown in ["acm", "acmes", "org-acme", "initech", "portal"] {
        assert_eq!(ready(tenants.by_name(&name(unknown))), None, "{unknown}");
    }
    // A domain at the provider is no host of ours.
    for unknown in [
        "acme.example",
        "x.portal.acme.example",
        "auth.acme.example",
        "127.0.0.1",
    ] {
        assert_eq!(ready(tenants.by_host(&host(unknown))), None, "{unknown}");
    }
}

#[test]
fn tenants_that_could_not_be_told_apart_are_refused() {
    let acme = || tenant("acme", &["a.test"]);
    let refused = |other: Tenant| ConfiguredTenants::new(vec![acme(), other]).unwrap_err();
    assert_eq!(
        refused(tenant("ACME", &[])),
        ConfiguredTenantsError::DuplicateName(name("acme"))
    );
    let same_id = Tenant {
        id: TenantId::from_claim("acme").unwrap(),
        ..tenant("globex", &[])
    };
    assert_eq!(
        refused(same_id),
        ConfiguredTenantsError::DuplicateId {
            first: name("acme"),
            second: name("globex")
        }
    );
    assert_eq!(
        refused(tenant("globex", &["b.test", "A.test."])),
        ConfiguredTenantsError::DuplicateHost(host("a.test"))
    );
    assert_eq!(
        refused(tenant("globex", &["b.test", "b.test"])),
        ConfiguredTenantsError::DuplicateHost(host("b.test"))
    );
    let with_domain = |text: &str| Tenant {
        custom_domain: Some(host("auth.acme.example")),
        ..tenant(text, &[])
    };
    assert_eq!(
        ConfiguredTenants::new(vec![with_domain("acme"), with_domain("globex")]).unwrap_err(),
        ConfiguredTenantsError::DuplicateCustomDomain(host("auth.acme.example"))
    );
    // Claims differ in case, and are two tenants then.
    let upper = Tenant {
        id: TenantId::from_claim("ACME").unwrap(),
        ..tenant("globex", &[])
    };
    assert!(ConfiguredTenants::new(vec![acme(), upper]).is_ok());
}

#[test]
fn open_directory_knows_every_name_and_no_host() {
    let found = ready(OpenTenants.by_name(&name("Initech"))).unwrap();
    assert_eq!(*found, tenant("initech", &[]));
    assert_eq!(ready(OpenTenants.by_host(&host("initech.app.test"))), None);
}

#[test]
fn outage_of_a_directory_is_an_error_that_hides_its_cause() {
    let error = DirectoryUnavailable::with_source("postgres://app:hunter2@10.0.0.1 refused");
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("hunter2") && !text.contains("postgres"), "{text}");
    }
    assert!(error.source().is_some() && DirectoryUnavailable::new().source().is_none());
    assert_eq!(error.to_string(), "tenant directory is out of reach");
    let waiting = Found::Wait(Box::pin(async move { Err(error) }));
    assert_eq!(format!("{waiting:?}"), "Wait");
    assert_eq!(format!("{:?}", Found::Ready(None)), "Ready(None)");
}
