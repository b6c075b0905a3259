//! Nothing leads off the allowed origins.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use url::Url;

use super::ReturnUrl;
use crate::origin::{AllowedOrigins, Origin};

fn origins() -> AllowedOrigins {
    let own = Origin::parse("https://app.test").unwrap();
    AllowedOrigins::new(
        &own,
        ["https://spa.test", "https://*.wild.test", "http://dev.test:3000"],
    )
    .unwrap()
}

fn location(raw: &str) -> Option<String> {
    ReturnUrl::parse(raw, &origins()).map(|url| url.location())
}

/// Asks a browser's parser where our answer leads, as a browser on our origin reads a `Location`.
fn lands_at_home(location: &str) -> bool {
    let landed = Url::parse("https://app.test/auth/callback")
        .unwrap()
        .join(location)
        .unwrap();
    match (
        landed.scheme(),
        landed.host_str().unwrap_or_default(),
        landed.port_or_known_default(),
    ) {
        ("https", host, Some(443)) => host == "app.test" || host == "spa.test" || host.ends_with(".wild.test"),
        ("http", "dev.test", Some(3000)) => true,
        _ => false,
    }
}

#[test]
fn paths_of_ours_and_urls_of_frontends_are_followed() {
    let table = [
        ("/", "https://app.test/"),
        ("/orders?page=2#top", "https://app.test/orders?page=2#top"),
        ("/a b", ""),
        (
            "/caf\u{e9}?q=\u{e9}#\u{e9}",
            "https://app.test/caf%C3%A9?q=%C3%A9#%C3%A9",
        ),
        ("/a/../b/./c", "https://app.test/b/c"),
        ("https://app.test", "https://app.test/"),
        ("HTTPS://APP.TEST:443/x", "https://app.test/x"),
        ("https://spa.test/deep?x=1#y", "https://spa.test/deep?x=1#y"),
        ("https://a.wild.test/", "https://a.wild.test/"),
        ("http://dev.test:3000/x", "http://dev.test:3000/x"),
        // attacks: A9: a query of the return URL stays its own; the fragment stays a fragment.
        (
            "/x?client_id=evil&scope=admin&state=1#frag",
            "https://app.test/x?client_id=evil&scope=admin&state=1#frag",
        ),
        // attacks: A13
        ("/a#//evil", "https://app.test/a#//evil"),
        (
            "/login?next=https://evil.test",
            "https://app.test/login?next=https://evil.test",
        ),
        // Escapes are a path's own business once they are decoded as often as browsers do: never again.
        ("/%2f%2fevil.test", "https://app.test/%2f%2fevil.test"),
        ("/%5cevil.test", "https://app.test/%5cevil.test"),
        ("/x%0d%0aSet-Cookie:x=y", "https://app.test/x%0d%0aSet-Cookie:x=y"),
    ];
    for (raw, expected) in table {
        assert_eq!(location(raw).unwrap_or_default(), expected, "{raw}");
    }
}

// weakness: R1
#[test]
fn everything_else_is_dropped() {
    let long = format!("/{}", "a".repeat(2_000));
    let grows = format!("/{}", "\u{e9}".repeat(900));
    for raw in [
        // attacks: A5
        "https://app.test.evil.test/",
        "https://evilapp.test",
        "https://app.test@evil.test",
        "https://app.test:444/",
        "http://app.test/",
        "//app.test",
        "//evil.test",
        "https://user@app.test/",
        "https://app.test:@evil.test/",
        // attacks: A6
        "https://badwild.test",
        "https://wild.test",
        "https://a.wild.test.",
        "https://a.wild.test.evil.test",
        "https://\u{430}.wild.test\u{ff0f}.evil.test",
        // attacks: A7
        "",
        &long,
        &grows,
        "/\0",
        "/\tevil",
        "/x\r\nSet-Cookie: x=y",
        "/x\ny",
        "/x\u{2028}y",
        "/x\u{2029}y",
        "/\u{a0}",
        "/\u{feff}",
        "/\u{200b}",
        "/\u{202e}",
        "/\u{85}",
        "/\u{7f}",
        " /x",
        "/x ",
        // attacks: A8
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "\u{1}javascript:alert(1)",
        "javascript://app.test/%0aalert(1)",
        "blob:https://app.test/x",
        "ftp://app.test/",
        "file:///etc/passwd",
        "about:blank",
        // Texts that parsers read differently.
        "/\\evil.test",
        "\\\\evil.test",
        "/\\/evil.test",
        "https:\\\\evil.test",
        "https:evil.test",
        "https:/evil.test",
        "https:///evil.test",
        "https:app.test",
        "http:/evil.test",
        "/.//evil.test",
        "/x/..//evil.test",
        "/%2e//evil.test",
        "///evil.test",
        "https://app.test//evil.test",
        "orders",
        "./x",
        "../x",
        "?x",
        "#x",
        "evil.test",
        "app.test/x",
        "https://",
        "https://?",
        "https://[::1",
        "https://app.test:99999/",
        "https://app.test\u{ff20}evil.test",
        "https://evil.test#@app.test",
        "https://evil.test?@app.test",
    ] {
        assert_eq!(location(raw), None, "{raw:?}");
    }
}

#[test]
fn sealed_text_is_read_back_to_the_same_url() {
    // attacks: A12 (the other half: a changed ticket does not open)
    for raw in [
        "/",
        "/orders?page=2#top",
        "https://app.test/x",
        "https://spa.test/x",
        "https://a.wild.test/y?z",
        "/caf\u{e9}",
    ] {
        let url = ReturnUrl::parse(raw, &origins()).unwrap();
        let again = ReturnUrl::parse(url.as_str(), &origins()).unwrap();
        assert_eq!(again, url, "{raw}");
    }
    let own = ReturnUrl::parse("https://app.test/x?y#z", &origins()).unwrap();
    assert_eq!((own.as_str(), own.path(), own.is_own()), ("/x?y#z", "/x", true));
    let app = ReturnUrl::parse("https://spa.test/x?y#z", &origins()).unwrap();
    assert_eq!(
        (app.as_str(), app.path(), app.is_own()),
        ("https://spa.test/x?y#z", "/x", false)
    );
    assert_eq!(app.origin().as_str(), "https://spa.test");
}

#[test]
fn url_sealed_before_its_origin_was_removed_is_dropped() {
    let sealed = ReturnUrl::parse("https://spa.test/x", &origins()).unwrap();
    let own = Origin::parse("https://app.test").unwrap();
    let fewer = AllowedOrigins::new(&own, Vec::<String>::new()).unwrap();
    assert_eq!(ReturnUrl::parse(sealed.as_str(), &fewer), None);
}

#[test]
fn home_is_the_default_or_our_root() {
    assert_eq!(
        ReturnUrl::home("/welcome", &origins()).location(),
        "https://app.test/welcome"
    );
    for unusable in ["", "https://evil.test", "//evil.test", "\\"] {
        assert_eq!(ReturnUrl::home(unusable, &origins()).location(), "https://app.test/");
    }
}

#[test]
fn two_thousand_bytes_pass_and_one_more_does_not() {
    let fits = format!("/{}", "a".repeat(1_999));
    assert!(location(&fits).is_some());
    assert_eq!(location(&format!("{fits}a")), None);
}

#[test]
fn return_url_at_one_tenants_host_never_leads_to_anothers() {
    // attacks: M1; weakness: R1
    let acme = origins().at(Origin::parse("https://acme.app.test:8443").unwrap());
    for (raw, expected) in [
        (
            "/orders?page=2#top",
            Some("https://acme.app.test:8443/orders?page=2#top"),
        ),
        ("https://acme.app.test:8443/a", Some("https://acme.app.test:8443/a")),
        ("https://acme.app.test/a", None),
        ("https://globex.app.test:8443/a", None),
        ("https://app.test/a", None),
        ("//globex.app.test:8443/a", None),
        ("/\\globex.app.test:8443/a", None),
        (
            "/@globex.app.test/a",
            Some("https://acme.app.test:8443/@globex.app.test/a"),
        ),
        ("/:443/a", Some("https://acme.app.test:8443/:443/a")),
    ] {
        let location = ReturnUrl::parse(raw, &acme).map(|url| url.location());
        assert_eq!(location.as_deref(), expected, "{raw}");
    }
    assert_eq!(ReturnUrl::home("/", &acme).location(), "https://acme.app.test:8443/");
}

fn check_lands_at_home(raw: &str) {
    if let Some(url) = ReturnUrl::parse(raw, &origins()) {
        let location = url.location();
        assert!(lands_at_home(&location), "{raw:?} -> {location:?}");
        assert!(
            location.bytes().all(|byte| byte.is_ascii_graphic()),
            "{raw:?} -> {location:?}"
        );
        assert!(url.as_str().len() <= 2_000);
        assert_eq!(ReturnUrl::parse(url.as_str(), &origins()), Some(url), "{raw:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_at_all_leads_off_the_allowed_origins(raw in any::<String>()) {
        check_lands_at_home(&raw);
    }

    #[test]
    fn no_text_made_of_what_confuses_parsers_leads_off_the_allowed_origins(
        parts in proptest::collection::vec(prop::sample::select(vec![
            "/", "//", "\\", ":", "@", "?", "#", ".", "..", "%2f", "%5c", "%40", "%00", "\t", "\n", " ", "\u{2028}",
            "https:", "http:", "https://", "http://", "javascript:", "app.test", "spa.test", "a.wild.test", "dev.test:3000",
            "evil.test", "evilapp.test", "app.test.evil.test", ":443", ":444", "user", "[::1]", "x", "\u{ff0f}", "\u{3002}", "\u{ff20}", "xn--",
        ]), 0..9),
    ) {
        check_lands_at_home(&parts.concat());
    }
}
