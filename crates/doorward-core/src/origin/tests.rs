//! Origins compare whole; wildcards compare labels.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::{AllowedOrigins, AppOrigin, Origin, OriginError, PublicUrl, PublicUrlError, is_loopback_host, same_site};

fn origin(text: &str) -> Origin {
    Origin::parse(text).unwrap()
}

fn allowed(app: &[&str]) -> AllowedOrigins {
    AllowedOrigins::new(&origin("https://app.test"), app).unwrap()
}

#[test]
fn origin_is_read_as_browsers_write_it() {
    let table = [
        ("https://app.test", "https://app.test", 443),
        ("https://app.test:443", "https://app.test", 443),
        ("HTTPS://APP.TEST", "https://app.test", 443),
        ("http://app.test", "http://app.test", 80),
        ("http://app.test:80", "http://app.test", 80),
        ("https://app.test:8443", "https://app.test:8443", 8443),
        ("http://[::1]:6001", "http://[::1]:6001", 6001),
        ("http://127.0.0.1:6001", "http://127.0.0.1:6001", 6001),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example", 443),
    ];
    for (text, serialised, port) in table {
        let parsed = origin(text);
        assert_eq!((parsed.as_str(), parsed.port()), (serialised, port), "{text}");
        assert_eq!(origin(parsed.as_str()), parsed);
    }
    assert_eq!(origin("http://[::1]:6001").host(), "[::1]");
    assert_eq!(format!("{:?}", origin("HTTPS://APP.TEST")), "Origin(https://app.test)");
}

#[test]
fn what_is_not_exactly_an_origin_is_refused() {
    // attacks: F3
    let long = format!("https://{}.test", "a".repeat(400));
    for text in [
        "",
        "null",
        "app.test",
        "https://",
        "https://app.test/",
        "https://app.test?x",
        "https://app.test#x",
        "https://user@app.test",
        "https://app.test:",
        "https://app.test:0443",
        "https://app.test:99999",
        "https:app.test",
        "https:/app.test",
        "https:///app.test",
        "https:\\\\app.test",
        "https://app.test\\",
        "https://app%2etest",
        "https://b\u{fc}cher.example",
        "https://app.test evil.test",
        " https://app.test",
        "https://app.test\n",
        "ftp://app.test",
        "javascript://app.test",
        "https://0x7f.1",
        "https://127.1",
        "https://a.test,https://b.test",
        "https://[::0001]",
        &long,
    ] {
        assert!(
            matches!(Origin::parse(text), Err(OriginError::Malformed { .. })),
            "{text:?}"
        );
    }
}

#[test]
fn own_origin_is_matched_whole() {
    // attacks: F3, F9, F17
    let origins = allowed(&["https://spa.test"]);
    for header in ["https://app.test", "HTTPS://APP.TEST", "https://app.test:443"] {
        assert!(origins.contains(header) && origins.is_own(header), "{header}");
        assert!(origins.match_app(header).is_none());
    }
    for header in [
        "null",
        "http://app.test",
        "https://app.test:444",
        "https://app.test.evil",
        "https://evil-app.test",
        "https://app.test.",
        "https://app.test/",
        "https://x@app.test",
        "https://evil.test",
        "",
        "http://spa.test",
        "https://spa.test:8443",
        "https://sub.spa.test",
        "https://spa.test.evil.test",
    ] {
        assert!(!origins.contains(header), "{header}");
    }
    assert_eq!(
        origins.match_app("https://SPA.test").unwrap().as_str(),
        "https://spa.test"
    );
    assert!(!origins.is_own("https://spa.test"));
}

#[test]
fn wildcard_matches_whole_labels_only() {
    // attacks: A6
    let origins = allowed(&["https://*.app.example"]);
    for header in [
        "https://a.app.example",
        "https://a.b.app.example",
        "https://A.APP.EXAMPLE",
        "https://xn--bcher-kva.app.example",
    ] {
        assert!(origins.contains(header), "{header}");
    }
    for header in [
        "https://badapp.example",
        "https://app.example",
        "https://a.app.example.",
        "https://.app.example",
        "https://a..app.example",
        "http://a.app.example",
        "https://a.app.example:8443",
        "https://a.app.example.evil.test",
        "https://app.example.evil",
        "https://a.app.example@evil.test",
        "https://a.xn--pp-eka.example",
    ] {
        assert!(!origins.contains(header), "{header}");
    }
    assert_eq!(origins.app().first().unwrap().to_string(), "https://*.app.example");
    assert_eq!(origins.app().first().unwrap().base().as_str(), "https://app.example");
}

#[test]
fn wildcard_over_too_much_is_refused() {
    for text in [
        "https://*.com",
        "https://*.",
        "https://*",
        "https://*.127.0.0.1",
        "https://a.*.example.com",
        "https://*.app.example/",
        "https://*.[::1]",
        "https://*.app.example.",
    ] {
        assert!(AppOrigin::parse(text).is_err(), "{text}");
    }
    for text in ["https://*.app.example:8443", "https://app.example"] {
        assert_eq!(AppOrigin::parse(text).unwrap().to_string(), text);
    }
    let error = AllowedOrigins::new(&origin("https://app.test"), ["https://ok.test", "https://*.com"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"https://*.com\" must have the form \"https://*.app.example.com\""
    );
}

#[test]
fn public_url_is_https_or_loopback_and_bare() {
    // attacks: N6
    let table: &[(&str, Result<&str, PublicUrlError>)] = &[
        ("https://app.example.com", Ok("https://app.example.com")),
        ("https://App.Example.com/", Ok("https://app.example.com")),
        ("https://app.example.com:8443", Ok("https://app.example.com:8443")),
        ("http://localhost:6001", Ok("http://localhost:6001")),
        ("http://app.localhost:6001", Ok("http://app.localhost:6001")),
        ("http://127.0.0.5", Ok("http://127.0.0.5")),
        ("http://[::1]:6001", Ok("http://[::1]:6001")),
        ("http://app.example.com", Err(PublicUrlError::InsecureHttp)),
        ("http://10.0.0.1", Err(PublicUrlError::InsecureHttp)),
        ("http://localhost.example.com", Err(PublicUrlError::InsecureHttp)),
        ("http://notlocalhost", Err(PublicUrlError::InsecureHttp)),
        ("http://0.0.0.0:6001", Err(PublicUrlError::InsecureHttp)),
        ("https://app.example.com/base", Err(PublicUrlError::Path)),
        ("https://app.example.com/?x=1", Err(PublicUrlError::Unexpected)),
        ("https://app.example.com/#x", Err(PublicUrlError::Unexpected)),
        ("https://user:pw@app.example.com", Err(PublicUrlError::Unexpected)),
        ("app.example.com", Err(PublicUrlError::Malformed)),
        ("ftp://app.example.com", Err(PublicUrlError::Malformed)),
        ("https://app.example.com\\x", Err(PublicUrlError::Malformed)),
        ("", Err(PublicUrlError::Malformed)),
    ];
    for (text, expected) in table {
        let met = PublicUrl::parse(text).map(|url| url.to_string());
        assert_eq!(met.as_deref().map_err(|error| *error), *expected, "{text}");
    }
}

#[test]
fn public_url_joins_paths_and_knows_its_scheme() {
    let url = PublicUrl::parse("http://localhost:6001/").unwrap();
    assert_eq!(url.join("/auth/callback"), "http://localhost:6001/auth/callback");
    assert_eq!(url.join("x"), "http://localhost:6001/x");
    assert!(!url.is_https() && url.is_loopback());
    assert!(PublicUrl::parse("https://app.test").unwrap().is_https());
    assert!(is_loopback_host("LOCALHOST") && !is_loopback_host("localhost.") && !is_loopback_host("128.0.0.1"));
}

#[test]
fn sites_are_told_apart_by_scheme_and_two_labels() {
    let table = [
        ("https://app.acme.test", "https://api.acme.test", true),
        ("https://acme.test", "https://api.acme.test", true),
        ("https://app.acme.test", "https://app.acme.test:8443", true),
        ("https://app.acme.test", "http://api.acme.test", false),
        ("https://app.acme.test", "https://app.globex.test", false),
        ("http://localhost:1", "http://localhost:2", true),
        ("http://127.0.0.1", "http://127.1.0.1", false),
        ("http://[::1]", "http://[::2]", false),
    ];
    for (a, b, expected) in table {
        assert_eq!(same_site(&origin(a), &origin(b)), expected, "{a} {b}");
        assert_eq!(same_site(&origin(b), &origin(a)), expected, "{b} {a}");
    }
}

#[test]
fn origin_of_another_tenants_host_is_never_our_own() {
    // attacks: M1
    let origins = allowed(&["https://spa.test", "https://*.wild.test"]);
    let at_acme = origins.at(origin("https://acme.app.test"));
    assert_eq!(at_acme.own(), &origin("https://acme.app.test"));
    assert_eq!(at_acme.app(), origins.app());
    for (header, own, contained) in [
        ("https://acme.app.test", true, true),
        ("https://globex.app.test", false, false),
        ("https://app.test", false, false),
        ("https://spa.test", false, true),
        ("https://a.wild.test", false, true),
        ("https://evil.test", false, false),
    ] {
        assert_eq!(
            (at_acme.is_own(header), at_acme.contains(header)),
            (own, contained),
            "{header}"
        );
        assert_eq!(at_acme.contains_origin(&origin(header)), contained, "{header}");
    }
    // What it was made from stays as it is.
    assert!(origins.is_own("https://app.test") && !origins.contains("https://acme.app.test"));
}
