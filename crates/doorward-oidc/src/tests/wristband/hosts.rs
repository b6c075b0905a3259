//! Labels, hosts, root domains and URLs with a place for the tenant.

use proptest::prelude::*;
use url::Url;

use super::*;
use crate::tests::support::shown;
use crate::wristband::{HostError, RootDomain, TenantSeparator, TenantUrl};

// attacks: M3
#[test]
fn tenant_name_is_one_dns_label_or_nothing() {
    let long = "a".repeat(63);
    for (text, expected) in [
        ("globex", Some("globex")),
        ("Globex", Some("globex")),
        ("g", Some("g")),
        ("42", Some("42")),
        ("a-b", Some("a-b")),
        (long.as_str(), Some(long.as_str())),
        ("xn--mnchen-3ya", Some("xn--mnchen-3ya")),
        ("", None),
        (" ", None),
        ("-a", None),
        ("a-", None),
        ("a.b", None),
        ("a..b", None),
        ("a_b", None),
        ("globex.", None),
        ("münchen", None),
        ("xn--a", None),
        ("a b", None),
        ("a\u{0}b", None),
        ("a%2f", None),
        ("a:1", None),
        ("a\\", None),
        ("ａ", None),
    ] {
        let parsed = TenantLabel::parse(text).ok();
        assert_eq!(parsed.as_ref().map(TenantLabel::as_str), expected, "{text:?}");
    }
    assert!(TenantLabel::parse(&"a".repeat(64)).is_err());
    assert!(TenantLabel::parse(&"a".repeat(1_000_000)).is_err());
}

#[test]
fn tenant_name_from_a_query_cannot_move_the_authorize_host() {
    // weakness: R3
    for text in [
        "evil.com/",
        "evil.com?",
        "evil.com#",
        "evil.com\\",
        "a@evil.com",
        "evil.com:443/",
        "//evil.com",
        "..",
        ".",
    ] {
        assert!(TenantLabel::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn vanity_domain_is_a_bare_host() {
    // weakness: C5
    let long = format!(
        "{}.test",
        ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(63)].join(".")
    );
    for (text, expected) in [
        (VANITY, "accepted"),
        ("SHOP-acme.us.wristband.dev", "accepted"),
        ("app.localhost", "accepted"),
        ("app.localhost:6002", "accepted"),
        ("localhost:6002", "accepted"),
        ("https://shop-acme.us.wristband.dev", "Scheme"),
        ("https:shop-acme.us.wristband.dev", "Scheme"),
        ("//shop-acme.us.wristband.dev", "Scheme"),
        ("shop-acme.us.wristband.dev/", "Label"),
        ("shop-acme.us.wristband.dev/api", "Label"),
        ("shop-acme.us.wristband.dev?x", "Label"),
        ("shop-acme.us.wristband.dev#x", "Label"),
        ("user@shop-acme.us.wristband.dev", "Label"),
        ("shop-acme.us.wristband.dev:443", "Port"),
        ("app.localhost:", "Port"),
        ("app.localhost:0", "Port"),
        ("app.localhost:080", "Port"),
        ("app.localhost:65536", "Port"),
        ("app.localhost:6002:1", "Port"),
        ("shop-acme.us.wristband.dev.", "Label"),
        (".wristband.dev", "Label"),
        ("shop..dev", "Label"),
        ("shop acme.dev", "Label"),
        ("intranet", "SingleLabel"),
        ("", "Empty"),
        ("  ", "Empty"),
        ("10.0.0.1", "Address"),
        ("127.0.0.1", "Address"),
        ("a.0x7f", "Address"),
        ("[::1]", "Label"),
        ("bücher.example", "Label"),
        (long.as_str(), "TooLong"),
    ] {
        let parsed = Platform::new(text, PlatformScheme::Https);
        assert_eq!(shown(&parsed), expected, "{text:?}");
    }
}

#[test]
fn platform_is_plain_http_on_loopback_only_and_only_if_asked() {
    // weakness: C7
    for (text, scheme, expected) in [
        (
            "app.localhost:6002",
            PlatformScheme::HttpOnLoopback,
            Some("http://app.localhost:6002"),
        ),
        (
            "app.localhost:80",
            PlatformScheme::HttpOnLoopback,
            Some("http://app.localhost"),
        ),
        (
            "app.localhost:6002",
            PlatformScheme::Https,
            Some("https://app.localhost:6002"),
        ),
        (
            VANITY,
            PlatformScheme::Https,
            Some("https://shop-acme.us.wristband.dev"),
        ),
        (VANITY, PlatformScheme::HttpOnLoopback, None),
        ("localhost.evil.test", PlatformScheme::HttpOnLoopback, None),
    ] {
        let platform = Platform::new(text, scheme);
        let issuer = platform.as_ref().ok().map(|platform| platform.issuer().as_str());
        assert_eq!(issuer, expected, "{text}");
        if expected.is_none() {
            assert_eq!(platform, Err(HostError::NotLoopback));
        }
    }
}

#[test]
fn root_domain_has_no_port() {
    for (text, expected) in [
        ("app.example.com", "accepted"),
        ("App.Example.com", "accepted"),
        ("localhost", "accepted"),
        ("app.example.com:443", "Port"),
        ("localhost:6001", "Port"),
        ("example", "SingleLabel"),
        (".example.com", "Label"),
        ("https://app.example.com", "Scheme"),
    ] {
        let parsed = RootDomain::parse(text);
        let parsed = parsed.as_ref().map(|_| ()).map_err(|error| *error);
        assert_eq!(shown(&parsed), expected, "{text}");
    }
    assert_eq!(
        RootDomain::parse("App.Example.com").unwrap().as_str(),
        "app.example.com"
    );
}

#[test]
fn configured_urls_are_absolute_and_https_with_the_tenant_in_front() {
    // weakness: C5
    for (text, expected) in [
        ("https://app.test/login", "accepted"),
        ("https://app.test:8443/login?x=1", "accepted"),
        ("http://localhost:6001/login", "accepted"),
        ("http://127.0.0.1:6001/login", "accepted"),
        ("https://{tenant_name}.app.test/login", "accepted"),
        ("https://{tenant_domain}.app.test/login", "accepted"),
        ("http://{tenant_name}.localhost:6001/login", "accepted"),
        ("http://app.test/login", "NotHttps"),
        ("http://{tenant_name}.app.test/login", "NotHttps"),
        ("/login", "Malformed"),
        ("//app.test/login", "Malformed"),
        ("app.test/login", "Malformed"),
        ("https:app.test", "Malformed"),
        ("https:/app.test", "Malformed"),
        ("javascript://app.test/%0aalert(1)", "Malformed"),
        ("ftp://app.test/", "Malformed"),
        ("https://", "Malformed"),
        ("https://app.test/a b", "Malformed"),
        ("https://app.test\\login", "Malformed"),
        ("https://user@app.test/", "UserInfo"),
        ("https://@app.test/", "UserInfo"),
        ("https://app.test/#x", "Fragment"),
        ("https://app.test/{tenant_name}/login", "Placeholder"),
        ("https://app.test/login?t={tenant_name}", "Placeholder"),
        ("https://x-{tenant_name}.app.test/", "Placeholder"),
        ("https://{tenant_name}-x.app.test/", "Placeholder"),
        ("https://{tenant_name}/", "Placeholder"),
        ("https://{tenant_name}.{tenant_domain}.app.test/", "Placeholder"),
        ("https://{tenant_name}.app.test/{tenant_name}", "Placeholder"),
        ("https://{tenant}.app.test/", "Malformed"),
        ("https://app.test/{x}", "Malformed"),
        ("https://{tenant_name}.0.0.1/", "Malformed"),
    ] {
        assert_eq!(shown(&TenantUrl::parse(text)), expected, "{text}");
    }
    let long = format!("https://app.test/{}", "a".repeat(2_048));
    assert!(TenantUrl::parse(&long).is_err());
}

#[test]
fn placeholder_is_known_and_the_text_stays_as_given() {
    for name in ["{tenant_name}", "{tenant_domain}"] {
        let text = format!("https://{name}.app.test:8443/login?x=1");
        let url = TenantUrl::parse(&text).unwrap();
        assert_eq!(url.as_str(), text);
        assert!(url.has_placeholder() && url.plain().is_none());
    }
    let plain = TenantUrl::parse(LOGIN_URL).unwrap();
    assert!(!plain.has_placeholder());
    assert_eq!(plain.plain().unwrap().as_str(), LOGIN_URL);
}

proptest! {
    // attacks: M3
    #[test]
    fn no_text_makes_a_tenant_host_other_than_its_own(text in "\\PC{0,40}|[a-z0-9./:@?#%\\\\-]{0,40}") {
        let platform = platform();
        if let Ok(label) = TenantLabel::parse(&text) {
            for (separator, between) in [(TenantSeparator::Hyphen, '-'), (TenantSeparator::Dot, '.')] {
                if let Ok(host) = platform.tenant_host(&label, separator) {
                    let url = Url::parse(host.authorize_endpoint().as_str()).unwrap();
                    prop_assert_eq!(url.host_str().unwrap(), format!("{label}{between}{VANITY}"));
                    prop_assert_eq!(url.path(), "/api/v1/oauth2/authorize");
                }
            }
        }
        if let Ok(domain) = platform.custom_domain(&text) {
            let host = domain.vouched_for();
            let url = Url::parse(host.logout_endpoint().as_str()).unwrap();
            prop_assert_eq!(url.host_str().unwrap(), text.to_ascii_lowercase());
            prop_assert_eq!((url.scheme(), url.port(), url.path()), ("https", None, "/api/v1/logout"));
        }
    }
}
