//! Where a login may end, and under which name we speak to the provider.

use doorward_testkit::{Endpoint, Page};
use http::StatusCode;

use super::support::Raw;
use crate::support::{APP, PROVIDER, World};

/// Where a stranger's login with this query ends: the callback's answer.
async fn callback_after(world: &World, query: &str) -> Page {
    let browser = world.browser.stranger();
    let login = browser.visit(&format!("/auth/login?{query}")).await;
    assert_eq!(login.status, StatusCode::FOUND, "{query}: {}", login.text());
    let provider = browser.follow(&login).await;
    browser.follow(&provider).await
}

async fn landing(world: &World, query: &str) -> String {
    let page = callback_after(world, query).await;
    assert_eq!(page.status, StatusCode::FOUND, "{query}: {}", page.text());
    page.header("location").unwrap().to_owned()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

// weakness: R1
#[tokio::test]
async fn an_unsafe_return_url_is_dropped_and_the_login_ends_at_home() {
    // attacks: A5, A7, A8
    let world = World::new();
    let long = format!("/{}", "a".repeat(3_000));
    for unsafe_url in [
        "https://app.example.com.evil.test/",
        "https://evilapp.example.com",
        "https://app.example.com@evil.test",
        "https://user@app.example.com/",
        "https://app.example.com:444/",
        "http://app.example.com/",
        "//app.example.com",
        "//evil.test/x",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/a\\b",
        "https:evil.test",
        "https:///evil.test",
        "https:/\\evil.test",
        "evil.test",
        "?x",
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "\u{1}javascript:alert(1)",
        " /home",
        "/a\tb",
        "/a\rb",
        "/a\nb",
        "/\u{2028}x",
        "/\u{200b}/evil.test",
        "/.//evil.test",
        "/x\r\nSet-Cookie: x=y",
        &long,
        "",
    ] {
        let location = landing(&world, &format!("return_url={}", encoded(unsafe_url))).await;
        assert_eq!(location, "https://app.example.com/", "{unsafe_url:?}");
    }
}

#[tokio::test]
async fn a_safe_return_url_keeps_path_query_and_fragment() {
    // attacks: A13
    let world = World::new();
    for (given, expected) in [
        ("/home", "https://app.example.com/home"),
        ("/a?b=c&d=%2F#top", "https://app.example.com/a?b=c&d=%2F#top"),
        ("/a#//evil", "https://app.example.com/a#//evil"),
        (
            "/a?next=https://evil.test/",
            "https://app.example.com/a?next=https://evil.test/",
        ),
        ("https://app.example.com/x", "https://app.example.com/x"),
        ("HTTPS://APP.EXAMPLE.COM:443/x", "https://app.example.com/x"),
        ("/a/../b", "https://app.example.com/b"),
        ("/ä", "https://app.example.com/%C3%A4"),
    ] {
        let location = landing(&world, &format!("return_url={}", encoded(given))).await;
        assert_eq!(location, expected, "{given}");
    }
}

#[tokio::test]
async fn every_spelling_of_return_url_is_read_and_two_are_refused() {
    // attacks: A7
    let world = World::new();
    let names = [
        "return_url",
        "returnTo",
        "return_to",
        "returnUrl",
        "rd",
        "target_link_uri",
    ];
    for name in names {
        assert_eq!(
            landing(&world, &format!("{name}=/x")).await,
            format!("{APP}/x"),
            "{name}"
        );
        for second in names {
            let page = world
                .browser
                .stranger()
                .visit(&format!("/auth/login?{name}=/x&{second}=/y"))
                .await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name} and {second}");
            assert!(page.text().contains("request_malformed"));
        }
    }
    // A spelling that is none counts for nothing.
    assert_eq!(landing(&world, "return_url[]=/x").await, format!("{APP}/"));
    assert_eq!(landing(&world, "Return_Url=/x").await, format!("{APP}/"));
}

// weakness: L11
#[tokio::test]
async fn a_login_parameter_given_twice_or_malformed_is_refused_and_nothing_is_sent() {
    // attacks: A7
    let world = World::new();
    for name in [
        "login_hint",
        "idp_hint",
        "prompt",
        "max_age",
        "acr_values",
        "ui_locales",
        "iss",
    ] {
        let page = world.browser.visit(&format!("/auth/login?{name}=1&{name}=1")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name}");
        assert_eq!(page.set_cookies(), Vec::<&str>::new());
    }
    for query in [
        "max_age=-1",
        "max_age=x",
        "prompt=evil",
        "return_url=%zz",
        "a=%00",
        "login_hint=a%0d%0ab",
    ] {
        let page = world.browser.visit(&format!("/auth/login?{query}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(page.location().is_none());
    }
}

#[tokio::test]
async fn nothing_of_the_return_url_reaches_the_authorization_request() {
    // attacks: A9
    let world = World::new();
    let browser = world.browser.stranger();
    let evil = encoded("/x?client_id=evil&scope=admin&state=1&redirect_uri=https://evil.test#frag");
    let login = browser
        .visit(&format!(
            "/auth/login?return_url={evil}&client_id=evil&scope=admin&redirect_uri=https://evil.test&state=1"
        ))
        .await;
    let asked = login.location().unwrap();
    let value = |name: &str| {
        let all: Vec<String> = asked
            .query_pairs()
            .filter(|(n, _)| n == name)
            .map(|(_, v)| v.into_owned())
            .collect();
        assert_eq!(all.len(), 1, "{name} stands there once");
        all[0].clone()
    };
    assert_eq!(value("client_id"), "app");
    assert_eq!(value("redirect_uri"), "https://app.example.com/auth/callback");
    assert_eq!(value("scope"), "openid offline_access email");
    assert_ne!(value("state"), "1");
    assert!(!asked.as_str().contains("evil") && !asked.as_str().contains("frag"));
}

#[tokio::test]
async fn a_third_party_may_begin_a_login_only_to_our_provider_and_our_pages() {
    // attacks: A11
    let world = World::new();
    let ours = encoded(PROVIDER);
    assert_eq!(
        landing(&world, &format!("iss={ours}&target_link_uri=/x")).await,
        format!("{APP}/x")
    );
    let off_site = format!("iss={ours}&target_link_uri={}", encoded("https://evil.test/x"));
    assert_eq!(landing(&world, &off_site).await, format!("{APP}/"));
    for other in [
        "https://evil.test",
        "https://id.example.net/",
        "http://id.example.net",
        "",
    ] {
        let page = world
            .browser
            .visit(&format!("/auth/login?iss={}", encoded(other)))
            .await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{other}");
        assert!(page.text().contains("issuer_mismatch"));
    }
}

#[tokio::test]
async fn a_tampered_login_cookie_fails_closed() {
    // attacks: A12
    let world = World::new();
    let browser = &world.browser;
    let login = browser.visit("/auth/login?return_url=/home").await;
    let answer = browser.follow(&login).await;
    let callback = answer.location().unwrap();
    let name = browser
        .cookies()
        .into_iter()
        .find(|cookie| cookie.name.starts_with("__Host-login."))
        .unwrap();
    for position in [1, name.value.len() / 2, name.value.len() - 2] {
        let mut bytes = name.value.clone().into_bytes();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        let cookie = format!("{}={}", name.name, String::from_utf8(bytes).unwrap());
        let target = format!("{}?{}", callback.path(), callback.query().unwrap());
        let answer = Raw::get(&target).header("cookie", &cookie).send(&world.app).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.header("location"), None);
        assert!(
            answer
                .all("set-cookie")
                .iter()
                .all(|cookie| cookie.contains("Max-Age=0"))
        );
    }
    assert_eq!(world.provider.count(Endpoint::Token), 0);
    // The untouched one still works.
    assert_eq!(browser.follow(&answer).await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn wildcard_origins_match_whole_labels_only() {
    // attacks: A6
    let world = World::with(|builder| {
        builder
            .app_origin("https://*.apps.example.com")
            .app_origin("https://spa.example.org")
    });
    for (given, passes) in [
        ("https://a.apps.example.com/x", true),
        ("https://a.b.apps.example.com/x", true),
        ("https://spa.example.org/x?y#z", true),
        ("https://apps.example.com/x", false),
        ("https://badapps.example.com/x", false),
        ("https://a.apps.example.com.evil.test/x", false),
        ("https://a.apps.example.com./x", false),
        ("https://.apps.example.com/x", false),
        ("http://a.apps.example.com/x", false),
        ("https://a.apps.example.com:444/x", false),
        ("https://sub.spa.example.org/x", false),
        ("https://spa.example.org@evil.test/x", false),
    ] {
        let location = landing(&world, &format!("return_url={}", encoded(given))).await;
        let expected = if passes { given } else { "https://app.example.com/" };
        assert_eq!(location, expected, "{given}");
    }
}

#[tokio::test]
async fn a_navigation_to_a_network_path_is_not_followed_off_site() {
    let world = World::new();
    for target in ["//evil.test/page", "/page//evil.test", "///evil.test"] {
        let answer = Raw::get(target).header("accept", "text/html").send(&world.app).await;
        for location in answer.all("location") {
            let login: url::Url = location.parse().unwrap();
            let query = login.query().unwrap().to_owned();
            assert_eq!(landing(&world, &query).await, format!("{APP}/"), "{target}");
        }
    }
}

#[tokio::test]
async fn a_login_for_a_page_of_64_kb_of_url_still_leads_to_the_provider() {
    let world = World::new();
    let target = format!("/page?{}", "x".repeat(60_000));
    let answer = Raw::get(&target).header("accept", "text/html").send(&world.app).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    let location = answer.header("location").unwrap();
    assert!(location.len() < 8_000, "{} bytes of Location", location.len());
    let page = world.browser.visit(location).await;
    assert!(page.location().unwrap().as_str().starts_with(PROVIDER));
}
