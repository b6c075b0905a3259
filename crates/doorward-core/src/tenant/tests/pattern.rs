//! One host per tenant: one label before the root, and nothing else.

use proptest::prelude::*;
use url::Url;

use crate::{
    origin::{Origin, PublicUrl, PublicUrlError},
    tenant::{HostName, HostNameError, PublicUrlPattern, PublicUrlPatternError, TenantName},
};

fn pattern(text: &str) -> PublicUrlPattern {
    PublicUrlPattern::parse(text).unwrap()
}

fn name(text: &str) -> TenantName {
    TenantName::parse(text).unwrap()
}

/// The tenant that a `Host` header names.
fn tenant_of(pattern: &PublicUrlPattern, header: &str) -> Option<String> {
    let (host, port) = HostName::host_and_port(header).unwrap();
    pattern.tenant_of(&host, port).map(String::from)
}

#[test]
fn pattern_is_a_public_url_with_one_label_left_open() {
    for (text, root, acme) in [
        (
            "https://{tenant}.app.example.com",
            "app.example.com",
            "https://acme.app.example.com",
        ),
        (
            "https://{tenant}.app.example.com/",
            "app.example.com",
            "https://acme.app.example.com",
        ),
        (
            "https://{tenant}.app.example.com:443",
            "app.example.com",
            "https://acme.app.example.com",
        ),
        (
            "https://{tenant}.app.example.com:8443",
            "app.example.com",
            "https://acme.app.example.com:8443",
        ),
        (
            "HTTPS://{tenant}.APP.Example.com.",
            "app.example.com",
            "https://acme.app.example.com",
        ),
        (
            "http://{tenant}.localhost:6001",
            "localhost",
            "http://acme.localhost:6001",
        ),
        (
            "http://{tenant}.app.localhost",
            "app.localhost",
            "http://acme.app.localhost",
        ),
        (
            "https://{tenant}.b\u{fc}cher.example",
            "xn--bcher-kva.example",
            "https://acme.xn--bcher-kva.example",
        ),
    ] {
        let pattern = pattern(text);
        assert!(pattern.has_tenants());
        assert_eq!(pattern.root_host().as_str(), root, "{text}");
        let url = pattern.for_tenant(&name("Acme"));
        assert_eq!(url.to_string(), acme, "{text}");
        assert_eq!(PublicUrl::parse(acme).as_ref(), Ok(&url));
        assert_eq!(url.origin(), &Origin::parse(acme).unwrap());
        assert_eq!(pattern.is_https(), url.is_https());
        assert_eq!(pattern.is_loopback(), url.is_loopback());
        assert_eq!(pattern.without_tenant(), None);
        assert_eq!(pattern.to_string(), acme.replace("acme", "{tenant}"));
        assert_eq!(PublicUrlPattern::parse(&pattern.to_string()).as_ref(), Ok(&pattern));
    }
}

#[test]
fn url_without_placeholder_is_the_url_of_everyone() {
    let plain = pattern("https://app.example.com:8443");
    let url = PublicUrl::parse("https://app.example.com:8443").unwrap();
    assert!(!plain.has_tenants() && plain.is_https() && !plain.is_loopback());
    assert_eq!(plain.for_tenant(&name("acme")), url);
    assert_eq!(plain.without_tenant(), Some(url.clone()));
    assert_eq!(plain.root_host().as_str(), "app.example.com");
    assert_eq!(plain.to_string(), "https://app.example.com:8443");
    assert!(!plain.reserves(&name("app")));
    for host in ["app.example.com:8443", "acme.app.example.com:8443"] {
        assert_eq!(tenant_of(&plain, host), None);
    }
    assert_eq!(plain.with_fallback(url), Err(PublicUrlPatternError::FallbackUnneeded));
}

#[test]
fn everything_that_is_not_one_leading_label_is_refused() {
    use PublicUrlPatternError::{Host, Placeholder, Root, RootTooLong, Url};
    let long = format!("https://{{tenant}}.{}aaaa.test", "a.".repeat(91));
    let longest = format!("https://{{tenant}}.{}aaa.test", "a.".repeat(90) + "a");
    assert_eq!(pattern(&longest).root_host().as_str().len(), 189);
    for (text, expected) in [
        ("https://{tenant}", Placeholder),
        ("https://{tenant}app.example.com", Placeholder),
        ("https://{tenant}-app.example.com", Placeholder),
        ("https://x{tenant}.app.example.com", Placeholder),
        ("https://www.{tenant}.app.example.com", Placeholder),
        ("https://{tenant}.{tenant}.example.com", Placeholder),
        ("https://{tenant}.app.example.com/{tenant}", Placeholder),
        ("https://app.example.com/{tenant}", Placeholder),
        ("https://{TENANT}.app.example.com", Placeholder),
        ("https://{tenant_name}.app.example.com", Placeholder),
        ("https://{}.app.example.com", Placeholder),
        ("{tenant}.app.example.com", Placeholder),
        ("https://user@{tenant}.app.example.com", Placeholder),
        ("https://{tenant}.127.0.0.1", Root),
        ("https://{tenant}.com", Root),
        ("https://{tenant}..example.com", Host(HostNameError::Label)),
        ("https://{tenant}.[::1]", Root),
        (long.as_str(), RootTooLong),
        ("http://{tenant}.app.example.com", Url(PublicUrlError::InsecureHttp)),
        (
            "http://{tenant}.localhost.example.com",
            Url(PublicUrlError::InsecureHttp),
        ),
        ("https://{tenant}.app.example.com/path", Url(PublicUrlError::Path)),
        ("https://{tenant}.app.example.com?a=b", Url(PublicUrlError::Unexpected)),
        ("https://{tenant}.app.example.com#a", Url(PublicUrlError::Unexpected)),
        ("https://{tenant}.user@example.com", Url(PublicUrlError::Unexpected)),
        ("ftp://{tenant}.app.example.com", Url(PublicUrlError::Malformed)),
        ("https://{tenant}.app.example.com:99999", Url(PublicUrlError::Malformed)),
        ("https://{tenant}.", Url(PublicUrlError::Malformed)),
        ("app.example.com", Url(PublicUrlError::Malformed)),
        ("https://a!b.example.com", Host(HostNameError::Character)),
    ] {
        assert_eq!(PublicUrlPattern::parse(text), Err(expected), "{text:.60}");
    }
}

#[test]
fn foreign_host_that_merely_ends_like_ours_is_never_a_tenant() {
    // weakness: R7
    let pattern = pattern("https://{tenant}.app.example.com");
    for (host, tenant) in [
        ("acme.app.example.com", Some("acme")),
        ("ACME.App.Example.Com", Some("acme")),
        ("acme.app.example.com.", Some("acme")),
        ("acme.app.example.com:443", Some("acme")),
        ("b\u{fc}cher.app.example.com", Some("xn--bcher-kva")),
        // The bare root is no tenant.
        ("app.example.com", None),
        ("evilapp.example.com", None),
        ("a.b.app.example.com", None),
        ("app.example.com.evil.test", None),
        ("acme.app.example.com.evil.test", None),
        ("example.com", None),
        ("evil.test", None),
        ("127.0.0.1", None),
        ("[::1]", None),
        ("a_b.app.example.com", None),
        ("acme.app.example.com:8443", None),
        ("acme.app.example.com:80", None),
    ] {
        assert_eq!(tenant_of(&pattern, host).as_deref(), tenant, "{host}");
    }
}

#[test]
fn port_belongs_to_the_tenants_hosts() {
    let dev = pattern("http://{tenant}.localhost:6001");
    for (host, tenant) in [
        ("acme.localhost:6001", Some("acme")),
        ("acme.localhost", None),
        ("acme.localhost:6002", None),
        ("localhost:6001", None),
        ("evillocalhost:6001", None),
        ("127.0.0.1:6001", None),
    ] {
        assert_eq!(tenant_of(&dev, host).as_deref(), tenant, "{host}");
    }
    assert_eq!(
        tenant_of(&pattern("http://{tenant}.localhost"), "acme.localhost:80").as_deref(),
        Some("acme")
    );
}

#[test]
fn host_that_stands_for_no_tenant_is_nobodys() {
    let root = PublicUrl::parse("https://app.example.com").unwrap();
    let with_root = pattern("https://{tenant}.app.example.com")
        .with_fallback(root.clone())
        .unwrap();
    assert_eq!(with_root.without_tenant(), Some(root));
    assert_eq!(tenant_of(&with_root, "app.example.com"), None);
    assert!(!with_root.reserves(&name("app")));

    let login = PublicUrl::parse("https://login.app.example.com").unwrap();
    let with_login = pattern("https://{tenant}.app.example.com")
        .with_fallback(login)
        .unwrap();
    assert_eq!(tenant_of(&with_login, "login.app.example.com"), None);
    assert_eq!(tenant_of(&with_login, "acme.app.example.com").as_deref(), Some("acme"));
    assert!(with_login.reserves(&name("login")) && !with_login.reserves(&name("acme")));

    let http = PublicUrl::parse("http://localhost:6001").unwrap();
    assert_eq!(
        pattern("https://{tenant}.app.example.com").with_fallback(http.clone()),
        Err(PublicUrlPatternError::FallbackScheme)
    );
    assert!(pattern("http://{tenant}.localhost:6001").with_fallback(http).is_ok());
    let odd = PublicUrl::parse("https://a!b.example.com").unwrap();
    assert_eq!(
        pattern("https://{tenant}.app.example.com").with_fallback(odd),
        Err(PublicUrlPatternError::Host(HostNameError::Character))
    );
}

#[test]
fn name_that_cannot_stand_before_the_root_leads_nowhere() {
    let digits = pattern("https://{tenant}.3app.example");
    let hebrew = name("\u{5d0}\u{5d1}");
    let url = digits.for_tenant(&hebrew).to_string();
    assert!(Url::parse(&url).is_err(), "{url}");
    assert!(HostName::parse(&format!("{hebrew}.3app.example")).is_err());
    assert!(Url::parse(&digits.for_tenant(&name("acme")).to_string()).is_ok());
    let letters = pattern("https://{tenant}.app.example");
    assert!(Url::parse(&letters.for_tenant(&hebrew).to_string()).is_ok());
}

fn check_host_is_the_tenants(text: &str) {
    let Ok(name) = TenantName::parse(text) else { return };
    for (pattern, root) in [
        ("https://{tenant}.app.example.com", "app.example.com"),
        ("http://{tenant}.localhost:6001", "localhost"),
    ] {
        let pattern = PublicUrlPattern::parse(pattern).unwrap();
        let expected = format!("{name}.{root}");
        let url = Url::parse(&pattern.for_tenant(&name).join("/auth/callback?a=b")).unwrap();
        assert_eq!(url.host_str(), Some(expected.as_str()), "{text:?}");
        assert_eq!((url.username(), url.password()), ("", None), "{text:?}");
        assert_eq!((url.path(), url.query()), ("/auth/callback", Some("a=b")), "{text:?}");
        // And the way back: the URL's host is this tenant's and no other's.
        let host = HostName::parse(&expected).unwrap();
        assert_eq!(pattern.tenant_of(&host, url.port()), Some(name.clone()), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    // attacks: M3; weakness: R3
    #[test]
    fn no_tenant_name_at_all_moves_a_url_off_its_host(text in any::<String>()) {
        check_host_is_the_tenants(&text);
    }

    #[test]
    fn no_tenant_name_made_of_what_confuses_parsers_moves_a_url_off_its_host(
        parts in proptest::collection::vec(prop::sample::select(vec![
            "/", "\\", ":", "@", "?", "#", ".", "..", "%2f", "\t", "\n", " ", "\u{2028}", "-", "--", "a", "B", "0", "0x",
            "evil.test", "acme", "xn--", "bcher-kva", "\u{fc}", "\u{ff0f}", "\u{3002}", "\u{ff20}", "\u{ad}", "\u{200d}",
            "\u{5d0}", "\u{660}", "\u{df}", "\u{130}", "\u{ff11}", "e\u{301}",
        ]), 0..7),
    ) {
        check_host_is_the_tenants(&parts.concat());
    }
}

#[test]
fn pattern_says_whose_its_own_hosts_are_whatever_the_port() {
    let plain = pattern("https://app.example.com");
    let tenants = pattern("https://{tenant}.app.example.com");
    let fallback = PublicUrl::parse("https://www.app.example.com").unwrap();
    let with_fallback = tenants.clone().with_fallback(fallback).unwrap();
    // Of each pattern: is it no tenant's, and which tenant's is it?
    let acme = Some("acme");
    let www = Some("www");
    for (host, by_plain, by_tenants, by_fallback) in [
        ("app.example.com", (true, None), (true, None), (true, None)),
        ("APP.example.com.", (true, None), (true, None), (true, None)),
        ("acme.app.example.com", (false, None), (false, acme), (false, acme)),
        ("ACME.app.example.com.", (false, None), (false, acme), (false, acme)),
        ("www.app.example.com", (false, None), (false, www), (true, None)),
        ("a_b.app.example.com", (false, None), (false, None), (false, None)),
        ("a.b.app.example.com", (false, None), (false, None), (false, None)),
        ("evilapp.example.com", (false, None), (false, None), (false, None)),
        ("portal.globex.com", (false, None), (false, None), (false, None)),
    ] {
        let parsed = HostName::parse(host).unwrap();
        for (pattern, (no_tenants, name)) in [
            (&plain, by_plain),
            (&tenants, by_tenants),
            (&with_fallback, by_fallback),
        ] {
            assert_eq!(pattern.is_no_tenants(&parsed), no_tenants, "{pattern} {host}");
            let found = pattern.name_at(&parsed);
            assert_eq!(found.as_ref().map(TenantName::as_str), name, "{pattern} {host}");
        }
    }
}
