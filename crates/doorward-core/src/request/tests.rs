//! What headers and methods mean.
#![allow(clippy::unwrap_used, reason = "tests")]

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use super::{FetchSite, Repeated, RequestView, SEC_FETCH_SITE};

type Pairs<'a> = &'a [(&'a str, &'a [u8])];

fn with<T>(method: &str, pairs: Pairs<'_>, ask: impl Fn(RequestView<'_>) -> T) -> T {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::from_bytes(value).unwrap(),
        );
    }
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let uri = Uri::from_static("/api/orders?secret=1");
    ask(RequestView {
        method: &method,
        uri: &uri,
        headers: &headers,
    })
}

#[test]
fn header_that_stands_twice_or_is_no_text_is_refused() {
    let once = |pairs: Pairs<'_>| {
        with("GET", pairs, |view| {
            view.header_once(&SEC_FETCH_SITE).map(|v| v.map(str::to_owned))
        })
    };
    assert_eq!(once(&[]), Ok(None));
    assert_eq!(once(&[("sec-fetch-site", b"none")]), Ok(Some("none".to_owned())));
    assert_eq!(
        once(&[("sec-fetch-site", b"none"), ("sec-fetch-site", b"none")]),
        Err(Repeated)
    );
    assert_eq!(once(&[("sec-fetch-site", b"n\xf6ne")]), Err(Repeated));
}

#[test]
fn host_is_the_targets_or_the_headers_and_never_one_of_two() {
    let host = |target: &str, hosts: &[&str]| {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append("host", HeaderValue::from_bytes(host.as_bytes()).unwrap());
        }
        let uri: Uri = target.parse().unwrap();
        let (method, headers, uri) = (&Method::GET, &headers, &uri);
        RequestView { method, uri, headers }.host().map(str::to_owned)
    };
    let at = |target: &str| host(target, &[]);
    assert_eq!(host("/x", &["acme.test:8443"]).as_deref(), Some("acme.test:8443"));
    assert_eq!(at("https://acme.test/x").as_deref(), Some("acme.test"));
    let target = "https://acme.test/x";
    for same in ["acme.test", "ACME.test", "acme.test:443", "acme.test."] {
        assert_eq!(host(target, &[same]).as_deref(), Some("acme.test"), "{same}");
    }
    assert_eq!(
        host("http://acme.test/", &["acme.test:80"]).as_deref(),
        Some("acme.test")
    );
    for other in [
        "globex.test",
        "acme.test:80",
        "acme.test:8443",
        "acme.test.evil.test",
        "",
        "acme test",
    ] {
        assert_eq!(host(target, &[other]), None, "{other:?}");
    }
    assert_eq!(host("http://acme.test/", &["acme.test:443"]), None);
    for (target, hosts) in [
        ("/x", [].as_slice()),
        ("/x", &["acme.test", "acme.test"]),
        ("/x", &["ac\u{f6}me.test"]),
        (target, &["acme.test", "acme.test"]),
        ("https://user@acme.test/x", &[]),
    ] {
        assert_eq!(host(target, hosts), None, "{target} {hosts:?}");
    }
}

#[test]
fn only_the_safe_methods_in_their_exact_case_are_safe() {
    // attacks: F7, G13
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        assert!(with(method, &[], |view| view.is_safe_method()), "{method}");
    }
    for method in [
        "POST", "PUT", "PATCH", "DELETE", "CONNECT", "post", "get", "FOO", "PROPFIND",
    ] {
        assert!(!with(method, &[], |view| view.is_safe_method()), "{method}");
    }
}

#[test]
fn fetch_site_is_exact_and_anything_odd_is_other() {
    let table: &[(Pairs<'_>, FetchSite)] = &[
        (&[], FetchSite::Absent),
        (&[("sec-fetch-site", b"same-origin")], FetchSite::SameOrigin),
        (&[("sec-fetch-site", b"none")], FetchSite::None),
        (&[("sec-fetch-site", b"same-site")], FetchSite::Other),
        (&[("sec-fetch-site", b"cross-site")], FetchSite::Other),
        (&[("sec-fetch-site", b"Same-Origin")], FetchSite::Other),
        (&[("sec-fetch-site", b"")], FetchSite::Other),
        (
            &[("sec-fetch-site", b"same-origin"), ("sec-fetch-site", b"same-origin")],
            FetchSite::Other,
        ),
    ];
    for (pairs, expected) in table {
        assert_eq!(with("GET", pairs, |view| view.fetch_site()), *expected, "{pairs:?}");
    }
}

#[test]
fn navigation_is_told_by_fetch_metadata_then_by_accept() {
    let html: Pairs<'_> = &[("accept", b"text/html,application/xhtml+xml;q=0.9")];
    let table: &[(&str, Pairs<'_>, bool)] = &[
        ("GET", html, true),
        ("GET", &[("accept", b"application/json, TEXT/HTML;q=0.5")], true),
        ("GET", &[("accept", b"*/*")], false),
        ("GET", &[("accept", b"application/json")], false),
        ("GET", &[("accept", b"text/html2")], false),
        ("GET", &[], false),
        ("HEAD", html, false),
        ("POST", html, false),
        (
            "GET",
            &[("sec-fetch-mode", b"navigate"), ("sec-fetch-dest", b"document")],
            true,
        ),
        (
            "POST",
            &[("sec-fetch-mode", b"navigate"), ("sec-fetch-dest", b"document")],
            false,
        ),
        (
            "GET",
            &[("sec-fetch-mode", b"navigate"), ("sec-fetch-dest", b"iframe")],
            false,
        ),
        (
            "GET",
            &[
                ("sec-fetch-mode", b"cors"),
                ("sec-fetch-dest", b"empty"),
                ("accept", b"text/html"),
            ],
            false,
        ),
        (
            "GET",
            &[("sec-fetch-site", b"same-origin"), ("accept", b"text/html")],
            false,
        ),
    ];
    for (method, pairs, expected) in table {
        assert_eq!(
            with(method, pairs, |view| view.is_navigation()),
            *expected,
            "{method} {pairs:?}"
        );
    }
}

#[test]
fn websocket_handshake_is_recognised_however_it_is_spelled() {
    // attacks: F13
    let yes: &[Pairs<'_>] = &[
        &[("upgrade", b"websocket"), ("connection", b"Upgrade")],
        &[("upgrade", b"WebSocket")],
        &[("upgrade", b"h2c, websocket")],
        &[("upgrade", b"h2c"), ("upgrade", b"websocket/13")],
        &[("sec-websocket-key", b"x")],
    ];
    for pairs in yes {
        assert!(with("GET", pairs, |view| view.is_websocket_handshake()), "{pairs:?}");
    }
    assert!(!with("GET", &[("upgrade", b"h2c")], |view| view.is_websocket_handshake()));
    assert!(!with("GET", &[], |view| view.is_websocket_handshake()));
    // An unsafe method falls under the stricter rule anyway.
    assert!(!with("POST", &[("upgrade", b"websocket")], |view| view
        .is_websocket_handshake()));
}

#[test]
fn preflight_needs_all_its_parts() {
    let full: Pairs<'_> = &[
        ("origin", b"https://a.test"),
        ("access-control-request-method", b"POST"),
    ];
    assert!(with("OPTIONS", full, |view| view.is_preflight()));
    assert!(!with("GET", full, |view| view.is_preflight()));
    assert!(!with("OPTIONS", &[("origin", b"https://a.test")], |view| view.is_preflight()));
    assert!(!with(
        "OPTIONS",
        &[("access-control-request-method", b"POST")],
        |view| view.is_preflight()
    ));
}

#[test]
fn debug_output_hides_query_and_headers() {
    let text = with("GET", &[("cookie", b"a=hunter2")], |view| format!("{view:?}"));
    assert!(
        text.contains("/api/orders") && !text.contains("secret") && !text.contains("hunter2"),
        "{text}"
    );
}
