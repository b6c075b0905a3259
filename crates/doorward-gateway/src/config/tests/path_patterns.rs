//! Path patterns.

use crate::config::path_pattern::PathPattern;

#[test]
fn patterns_are_segments_names_and_a_rest() {
    for (text, shape) in [
        ("/", "/"),
        ("/api", "/api"),
        ("/api/", "/api/"),
        ("/orders/{id}", "/orders/{}"),
        ("/orders/{id}/lines/{line_no}", "/orders/{}/lines/{}"),
        ("/{*rest}", "/{*}"),
        ("/api/{version}/{*rest}", "/api/{}/{*}"),
        ("/a-b_c.d~e!$&'()*+,;=:@", "/a-b_c.d~e!$&'()*+,;=:@"),
    ] {
        let pattern = PathPattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(pattern.shape(), shape);
        assert_eq!(pattern.to_string(), text);
    }
    let long = format!("/{}", "a".repeat(2_000));
    for text in [
        "",
        "api",
        "*",
        "//",
        "/a//b",
        "/.",
        "/..",
        "/a/../b",
        "/a/./b",
        "/a%2fb",
        "/a b",
        "/a?b",
        "/a#b",
        "/a\\b",
        "/ä",
        "/a\n",
        "/{",
        "/}",
        "/{}",
        "/{*}",
        "/{a}b",
        "/a{b}",
        "/{a}{b}",
        "/{1a}",
        "/{a-b}",
        "/{*rest}/a",
        "/{a}/{a}",
        "/{a}/x/{a}",
        "/{**rest}",
        &long,
    ] {
        assert!(PathPattern::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn placeholders_of_other_routers_are_refused_with_what_they_are_here() {
    for (text, meant) in [
        ("/orders/:id", Some("/orders/{id}")),
        ("/orders/:id/lines/:line", Some("/orders/{id}/lines/{line}")),
        ("/api/*", Some("/api/{*rest}")),
        ("/api/**", Some("/api/{*rest}")),
        ("/*", Some("/{*rest}")),
        ("/api/*path", Some("/api/{*path}")),
        ("/orders/*/lines", Some("/orders/{name}/lines")),
        ("/:tenant/*", Some("/{tenant}/{*rest}")),
        // Nothing here stands for these.
        ("/api/**/x", None),
        ("/*rest/x", None),
        ("/*.js", None),
        ("/files*", None),
        ("/:", None),
        ("/:id/:id", None),
        ("/*/*/x", None),
    ] {
        let misread = PathPattern::parse(text).unwrap_err();
        assert_eq!(misread.meant.as_deref(), meant, "{text}");
        assert!(misread.expected.contains("{*rest}"), "{text}: {}", misread.expected);
    }
    // As plain text in the middle of a segment they are characters like others (RFC 3986 §3.3).
    for text in ["/a*b", "/a:b", "/a:"] {
        assert_eq!(PathPattern::parse(text).unwrap().shape(), text);
    }
}

#[test]
fn what_lies_within_a_path_is_told_by_whole_segments() {
    let within = |text: &str, path: &str| PathPattern::parse(text).unwrap().is_within(path);
    for text in ["/auth", "/auth/login", "/auth/{x}", "/auth/{*rest}", "/auth/"] {
        assert!(within(text, "/auth"), "{text}");
    }
    for text in ["/", "/authors", "/{x}", "/{x}/login", "/{*rest}", "/Auth"] {
        assert!(!within(text, "/auth"), "{text}");
    }
    assert!(within("/a/b/{c}", "/a/b"));
    assert!(!within("/a", "/a/b"));
}
