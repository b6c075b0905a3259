//! One order of precedence, and no link that changes whose host it leads to.

use crate::tenant::{HostName, NamesFrom, ResolvedTenant, TenantConflict, TenantHints, TenantName, resolve};

/// Bits of a combination of hints.
const CUSTOM: u8 = 1;
const SUBDOMAIN: u8 = 2;
const HOST: u8 = 4;
const QUERY: u8 = 8;
const DEFAULT_CUSTOM: u8 = 16;
const DEFAULT_NAME: u8 = 32;

fn name(text: &str) -> TenantName {
    TenantName::parse(text).unwrap()
}

fn host(text: &str) -> HostName {
    HostName::parse(text).unwrap()
}

/// Every hint names a tenant of its own, but for the query, which may agree with the host.
fn hints(bits: u8, names_from: NamesFrom, query: &str) -> TenantHints {
    let has = |bit: u8| bits & bit != 0;
    TenantHints {
        names_from,
        custom_domain: has(CUSTOM).then(|| host("custom.test")),
        subdomain: has(SUBDOMAIN).then(|| name("subdomain")),
        host_tenant: has(HOST).then(|| name("host")),
        query: has(QUERY).then(|| name(query)),
        default_custom_domain: has(DEFAULT_CUSTOM).then(|| host("default.test")),
        default_name: has(DEFAULT_NAME).then(|| name("fallback")),
    }
}

fn named(text: &str, custom_domain: Option<&str>) -> Result<ResolvedTenant, TenantConflict> {
    Ok(ResolvedTenant::Named {
        name: name(text),
        custom_domain: custom_domain.map(host),
    })
}

fn at(domain: &str) -> Result<ResolvedTenant, TenantConflict> {
    Ok(ResolvedTenant::CustomDomain(host(domain)))
}

#[test]
fn each_row_of_the_order_wins_over_those_below() {
    use NamesFrom::{Query, Subdomains};
    const DEFAULTS: u8 = DEFAULT_CUSTOM | DEFAULT_NAME;
    for (bits, names_from, expected) in [
        // One at a time.
        (0, Query, Ok(ResolvedTenant::None)),
        (0, Subdomains, Ok(ResolvedTenant::None)),
        (CUSTOM, Query, at("custom.test")),
        (SUBDOMAIN, Subdomains, named("subdomain", None)),
        (HOST, Query, named("host", None)),
        (QUERY, Query, named("query", None)),
        (QUERY, Subdomains, Ok(ResolvedTenant::None)),
        (DEFAULT_CUSTOM, Query, at("default.test")),
        (DEFAULT_NAME, Query, named("fallback", None)),
        // In pairs.
        (CUSTOM | SUBDOMAIN, Subdomains, named("subdomain", Some("custom.test"))),
        (CUSTOM | HOST, Query, named("host", Some("custom.test"))),
        (CUSTOM | QUERY, Query, named("query", Some("custom.test"))),
        (CUSTOM | QUERY, Subdomains, at("custom.test")),
        (CUSTOM | DEFAULT_CUSTOM, Query, at("custom.test")),
        (CUSTOM | DEFAULT_NAME, Query, at("custom.test")),
        (SUBDOMAIN | HOST, Subdomains, named("host", None)),
        (SUBDOMAIN | DEFAULT_CUSTOM, Subdomains, named("subdomain", None)),
        (SUBDOMAIN | DEFAULT_NAME, Subdomains, named("subdomain", None)),
        (HOST | DEFAULT_CUSTOM, Query, named("host", None)),
        (HOST | DEFAULT_NAME, Query, named("host", None)),
        (QUERY | DEFAULT_CUSTOM, Query, named("query", None)),
        (QUERY | DEFAULT_NAME, Query, named("query", None)),
        (QUERY | DEFAULT_CUSTOM, Subdomains, at("default.test")),
        (QUERY | DEFAULT_NAME, Subdomains, named("fallback", None)),
        (DEFAULTS, Query, at("default.test")),
        // With everything below.
        (CUSTOM | DEFAULTS, Query, at("custom.test")),
        (
            CUSTOM | SUBDOMAIN | HOST | DEFAULTS,
            Subdomains,
            named("host", Some("custom.test")),
        ),
        (QUERY | DEFAULTS, Query, named("query", None)),
    ] {
        assert_eq!(
            resolve(hints(bits, names_from, "query")),
            expected,
            "{bits:06b} {names_from:?}"
        );
    }
}

#[test]
fn link_that_names_another_tenant_than_the_host_is_never_followed() {
    // weakness: L2 (at login; the callback's query is not read at all)
    for names_from in [NamesFrom::Query, NamesFrom::Subdomains] {
        for others in [
            0,
            CUSTOM,
            DEFAULT_CUSTOM,
            DEFAULT_NAME,
            CUSTOM | DEFAULT_CUSTOM | DEFAULT_NAME,
        ] {
            for (owner, bit) in [("subdomain", SUBDOMAIN), ("host", HOST), ("host", HOST | SUBDOMAIN)] {
                let refused = resolve(hints(bit | QUERY | others, names_from, "globex")).unwrap_err();
                assert_eq!((refused.host, refused.query), (name(owner), name("globex")));
                // The same name says nothing new.
                let custom_domain = (others & CUSTOM != 0).then_some("custom.test");
                assert_eq!(
                    resolve(hints(bit | QUERY | others, names_from, owner)),
                    named(owner, custom_domain)
                );
            }
        }
    }
}

#[test]
fn no_combination_of_hints_leaves_the_tenant_of_the_host() {
    for bits in 0..64 {
        for names_from in [NamesFrom::Query, NamesFrom::Subdomains] {
            let owner = match bits & (HOST | SUBDOMAIN) {
                0 => continue,
                SUBDOMAIN => name("subdomain"),
                _ => name("host"),
            };
            match resolve(hints(bits, names_from, "query")) {
                Ok(ResolvedTenant::Named { name, .. }) => assert_eq!(name, owner, "{bits:06b}"),
                Ok(other) => unreachable!("{bits:06b}: {other:?}"),
                Err(TenantConflict { host, .. }) => assert!(host == owner && bits & QUERY != 0, "{bits:06b}"),
            }
        }
    }
}
