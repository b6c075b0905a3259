//! The decision table of the origin rule, and the token.
#![allow(clippy::unwrap_used, reason = "tests")]

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use super::{
    CsrfMode, CsrfPassed, CsrfRefused, CsrfTokens, check, check_origin, get_logout_allowed, logout_origin_passes,
};
use crate::{
    code::Code,
    cookie::CookieName,
    origin::{AllowedOrigins, Origin},
    request::RequestView,
    session::SessionId,
    test_support::{Seeded, cookie_headers, keys},
};

const OURS: (&str, &str) = ("origin", "https://app.test");
const FRONTEND: (&str, &str) = ("origin", "https://spa.test");
const EVIL: (&str, &str) = ("origin", "https://evil.test");
const SAME_ORIGIN: (&str, &str) = ("sec-fetch-site", "same-origin");
const NO_PAGE: (&str, &str) = ("sec-fetch-site", "none");
const SAME_SITE: (&str, &str) = ("sec-fetch-site", "same-site");
const CROSS_SITE: (&str, &str) = ("sec-fetch-site", "cross-site");
const UPGRADE: (&str, &str) = ("upgrade", "websocket");

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn origins() -> AllowedOrigins {
    AllowedOrigins::new(&Origin::parse("https://app.test").unwrap(), ["https://spa.test"]).unwrap()
}

fn with<T>(method: &str, pairs: Pairs<'_>, ask: impl FnOnce(RequestView<'_>) -> T) -> T {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let uri = Uri::from_static("/api/x");
    ask(RequestView {
        method: &method,
        uri: &uri,
        headers: &headers,
    })
}

fn passes(method: &str, pairs: Pairs<'_>, mode: CsrfMode) -> bool {
    with(method, pairs, |view| match check_origin(view, &origins(), mode) {
        Ok(_) => true,
        Err(refused) => {
            assert_eq!(refused, CsrfRefused::CrossOrigin);
            false
        }
    })
}

#[test]
fn origin_rule_decides_by_the_table() {
    // attacks: F1, F2, F3, F4, F9, F17
    let table: &[(Pairs<'_>, bool)] = &[
        (&[SAME_ORIGIN], true),
        (&[SAME_ORIGIN, OURS], true),
        (&[NO_PAGE], true),
        (&[SAME_SITE], false),
        (&[SAME_SITE, OURS], false),
        (&[SAME_SITE, FRONTEND], true),
        (&[SAME_SITE, EVIL], false),
        (&[CROSS_SITE], false),
        (&[CROSS_SITE, OURS], false),
        (&[CROSS_SITE, FRONTEND], true),
        (&[CROSS_SITE, EVIL], false),
        (&[CROSS_SITE, ("origin", "null")], false),
        (&[("sec-fetch-site", "anything"), FRONTEND], true),
        (&[("sec-fetch-site", "anything")], false),
        (&[("sec-fetch-site", ""), OURS], false),
        (&[OURS], true),
        (&[("origin", "HTTPS://APP.TEST")], true),
        (&[FRONTEND], true),
        (&[EVIL], false),
        (&[("origin", "null")], false),
        (&[("origin", "")], false),
        (&[("origin", "https://app.test.evil")], false),
        (&[("origin", "http://app.test")], false),
        (&[("origin", "https://app.test:444")], false),
        (&[("origin", "http://spa.test")], false),
        (&[("origin", "https://spa.test:8443")], false),
        (&[("origin", "https://sub.spa.test")], false),
        (&[OURS, OURS], false),
        (&[OURS, EVIL], false),
        (&[SAME_ORIGIN, OURS, OURS], false),
        (&[SAME_ORIGIN, SAME_ORIGIN], false),
        (&[SAME_ORIGIN, CROSS_SITE, FRONTEND], false),
        // The host a proxy names and the page the browser names elsewhere decide nothing.
        (&[EVIL, ("host", "evil.test")], false),
        (&[EVIL, ("referer", "https://app.test/")], false),
        (&[CROSS_SITE, ("referer", "https://app.test/")], false),
    ];
    for (pairs, expected) in table {
        for method in ["POST", "PUT", "PATCH", "DELETE", "post", "PROPFIND", "CONNECT"] {
            // attacks: F7
            assert_eq!(passes(method, pairs, CsrfMode::Token), *expected, "{method} {pairs:?}");
            assert_eq!(
                passes(method, pairs, CsrfMode::Origin),
                *expected,
                "{method} {pairs:?}, by origin"
            );
        }
    }
}

#[test]
fn without_both_headers_only_a_token_can_decide() {
    // attacks: F4
    for pairs in [
        &[] as Pairs<'_>,
        &[("referer", "https://app.test/")],
        &[("referer", "https://evil.test/")],
    ] {
        assert!(passes("POST", pairs, CsrfMode::Token));
        assert!(!passes("POST", pairs, CsrfMode::Origin));
        assert_eq!(
            judged("POST", pairs, None, CsrfMode::Token),
            Err(CsrfRefused::TokenMissing)
        );
    }
}

// weakness: M7
#[test]
fn safe_methods_pass_from_anywhere_except_a_handshake() {
    // attacks: F13, E27
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        assert!(passes(method, &[CROSS_SITE, EVIL], CsrfMode::Token), "{method}");
        assert!(passes(method, &[EVIL, EVIL], CsrfMode::Origin), "{method}");
    }
    let table: &[(Pairs<'_>, bool)] = &[
        (&[UPGRADE, OURS], true),
        (&[UPGRADE, FRONTEND], true),
        (&[UPGRADE, EVIL], false),
        (&[UPGRADE, ("origin", "null")], false),
        (&[UPGRADE], false),
        (&[UPGRADE, OURS, OURS], false),
        (&[UPGRADE, SAME_ORIGIN], false),
        (&[UPGRADE, SAME_ORIGIN, EVIL], false),
        (&[("sec-websocket-key", "x"), EVIL], false),
    ];
    for (pairs, expected) in table {
        assert_eq!(passes("GET", pairs, CsrfMode::Token), *expected, "{pairs:?}");
    }
}

fn session() -> SessionId {
    SessionId::random(&Seeded::new(1)).unwrap()
}

fn tokens() -> CsrfTokens {
    CsrfTokens::new(&keys(&[1, 2]))
}

fn judged(method: &str, pairs: Pairs<'_>, token: Option<&str>, mode: CsrfMode) -> Result<(), CsrfRefused> {
    let mut pairs = pairs.to_vec();
    pairs.extend(token.map(|token| ("x-csrf-token", token)));
    let header = HeaderName::from_static("x-csrf-token");
    with(method, &pairs, |view| {
        let passed = check_origin(view, &origins(), mode)?;
        check(passed, view, &tokens(), &session(), &header, mode).map(|_: CsrfPassed| ())
    })
}

#[test]
fn token_of_the_session_passes_and_no_other() {
    // attacks: F2, F5, F18
    let right = CsrfTokens::encode(&tokens().issue(&session()));
    let other_session = SessionId::random(&Seeded::new(2)).unwrap();
    let of_other = CsrfTokens::encode(&tokens().issue(&other_session));
    let with_older_key = CsrfTokens::encode(&CsrfTokens::new(&keys(&[2])).issue(&session()));
    let with_foreign_key = CsrfTokens::encode(&CsrfTokens::new(&keys(&[3])).issue(&session()));
    let mut cut = right.clone();
    cut.pop();
    let table = [
        (Some(right.as_str()), Ok(())),
        (Some(with_older_key.as_str()), Ok(())),
        (None, Err(CsrfRefused::TokenMissing)),
        (Some(""), Err(CsrfRefused::TokenMissing)),
        (Some(of_other.as_str()), Err(CsrfRefused::TokenMismatch)),
        (Some(with_foreign_key.as_str()), Err(CsrfRefused::TokenMismatch)),
        (Some(cut.as_str()), Err(CsrfRefused::TokenMismatch)),
        (Some(&format!("{right}=")), Err(CsrfRefused::TokenMismatch)),
        (Some(&format!("{right}A")), Err(CsrfRefused::TokenMismatch)),
        (Some(&right.to_lowercase()), Err(CsrfRefused::TokenMismatch)),
        (Some("%zz"), Err(CsrfRefused::TokenMismatch)),
        (Some(&"A".repeat(43)), Err(CsrfRefused::TokenMismatch)),
        (Some(&"A".repeat(20_000)), Err(CsrfRefused::TokenMismatch)),
    ];
    for (token, expected) in table {
        for method in ["POST", "PUT", "DELETE", "post"] {
            assert_eq!(
                judged(method, &[SAME_ORIGIN], token, CsrfMode::Token),
                expected,
                "{method} {token:?}"
            );
        }
        assert_eq!(judged("GET", &[SAME_ORIGIN], token, CsrfMode::Token), Ok(()));
        assert_eq!(judged("POST", &[SAME_ORIGIN], token, CsrfMode::Origin), Ok(()));
    }
}

#[test]
fn token_given_twice_elsewhere_or_from_another_origin_does_not_pass() {
    // attacks: F1, F5, F8, F19
    let right = CsrfTokens::encode(&tokens().issue(&session()));
    let cookie = format!("CSRF-TOKEN={right}");
    assert_eq!(
        judged(
            "POST",
            &[SAME_ORIGIN, ("x-csrf-token", &right)],
            Some(&right),
            CsrfMode::Token
        ),
        Err(CsrfRefused::TokenMismatch)
    );
    assert_eq!(
        judged("POST", &[SAME_ORIGIN, ("cookie", &cookie)], None, CsrfMode::Token),
        Err(CsrfRefused::TokenMissing)
    );
    assert_eq!(
        judged("POST", &[CROSS_SITE], Some(&right), CsrfMode::Token),
        Err(CsrfRefused::CrossOrigin)
    );
    assert_eq!(
        judged("POST", &[EVIL], Some(&right), CsrfMode::Token),
        Err(CsrfRefused::CrossOrigin)
    );
    // Without either header a right token decides.
    assert_eq!(judged("POST", &[], Some(&right), CsrfMode::Token), Ok(()));
    // An override changes nothing: the method of the request line counts.
    assert_eq!(
        judged(
            "POST",
            &[SAME_ORIGIN, ("x-http-method-override", "GET")],
            None,
            CsrfMode::Token
        ),
        Err(CsrfRefused::TokenMissing)
    );
}

#[test]
fn csrf_cookie_matches_only_if_it_alone_holds_the_token() {
    let token = tokens().issue(&session());
    let encoded = CsrfTokens::encode(&token);
    let name = CookieName::new("CSRF-TOKEN").unwrap();
    let matches = |line: &str| CsrfTokens::cookie_matches(&cookie_headers([line]), &name, &token);
    assert!(matches(&format!("a=b; CSRF-TOKEN={encoded}")));
    assert!(matches(&format!("CSRF-TOKEN={encoded}; CSRF-TOKEN={encoded}")));
    for line in [
        "",
        "a=b",
        "CSRF-TOKEN=",
        "CSRF-TOKEN=x",
        &format!("CSRF-TOKEN={encoded}; CSRF-TOKEN=x"),
        &format!("CSRF-TOKEN={encoded}A"),
    ] {
        assert!(!matches(line), "{line}");
    }
}

#[test]
fn logout_takes_a_post_of_our_own_pages_only() {
    // attacks: F11
    let table: &[(Pairs<'_>, bool)] = &[
        (&[SAME_ORIGIN], true),
        (&[OURS], true),
        (&[FRONTEND], true),
        (&[SAME_SITE, FRONTEND], true),
        (&[CROSS_SITE, FRONTEND], true),
        (&[], false),
        (&[NO_PAGE], false),
        (&[SAME_SITE], false),
        (&[CROSS_SITE], false),
        (&[CROSS_SITE, EVIL], false),
        (&[EVIL], false),
        (&[("origin", "null")], false),
        (&[SAME_ORIGIN, SAME_ORIGIN], false),
        (&[OURS, OURS], false),
        (&[SAME_ORIGIN, OURS, EVIL], false),
    ];
    for (pairs, expected) in table {
        assert_eq!(
            with("POST", pairs, |view| logout_origin_passes(view, &origins())),
            *expected,
            "{pairs:?}"
        );
    }
}

#[test]
fn logout_takes_a_get_only_as_a_navigation_that_our_page_began() {
    // attacks: F11
    let navigation = [
        SAME_ORIGIN,
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    assert!(with("GET", &navigation, get_logout_allowed));
    assert!(!with("HEAD", &navigation, get_logout_allowed));
    assert!(!with("POST", &navigation, get_logout_allowed));
    for purpose in ["prefetch", "prefetch;prerender", ""] {
        let prefetch = [navigation.as_slice(), &[("sec-purpose", purpose)]].concat();
        assert!(!with("GET", &prefetch, get_logout_allowed));
    }
    for (place, value) in [
        (0, CROSS_SITE),
        (0, SAME_SITE),
        (0, NO_PAGE),
        (1, ("sec-fetch-mode", "no-cors")),
        (2, ("sec-fetch-dest", "image")),
        (2, ("sec-fetch-dest", "iframe")),
    ] {
        let mut changed = navigation;
        *changed.get_mut(place).unwrap() = value;
        assert!(!with("GET", &changed, get_logout_allowed), "{value:?}");
        let missing: Vec<_> = navigation
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != place)
            .map(|(_, pair)| *pair)
            .collect();
        assert!(!with("GET", &missing, get_logout_allowed));
    }
    assert!(!with("GET", &[], get_logout_allowed));
    assert!(!with("GET", &[OURS], get_logout_allowed));
}

// weakness: M23
#[test]
fn refusals_carry_their_codes() {
    assert_eq!(CsrfRefused::CrossOrigin.code(), Code::CrossOrigin);
    assert_eq!(CsrfRefused::TokenMissing.code(), Code::CsrfMissing);
    assert_eq!(CsrfRefused::TokenMismatch.code(), Code::CsrfMismatch);
}

#[test]
fn debug_output_hides_the_keys() {
    assert_eq!(format!("{:?}", tokens()), "CsrfTokens");
}
