//! Garbage of every kind: a clear refusal, never a server error, never a panic, never a pass.

use std::sync::OnceLock;

use http::StatusCode;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::runtime::Runtime;

use super::support::{Place, Raw};
use crate::support::World;

const TARGETS: &[&str] = &[
    "/",
    "/home",
    "/api/me",
    "/api/admin",
    "/page",
    "/form",
    "/open/optional",
    "/open/extractor",
    "/open/layer",
    "/nested/leaf",
    "/unknown",
    "/auth/login",
    "/auth/callback",
    "/auth/logout",
    "/auth/session",
    "/auth/token",
];
const PROTECTED: &[&str] = &[
    "/api/me",
    "/api/admin",
    "/page",
    "/form",
    "/open/extractor",
    "/open/layer",
    "/nested/leaf",
    "/auth/session",
    "/auth/token",
];
const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "FOO",
];
const HEADERS: &[&str] = &[
    "cookie",
    "origin",
    "host",
    "referer",
    "accept",
    "authorization",
    "content-type",
    "content-length",
    "x-csrf-token",
    "sec-fetch-site",
    "sec-fetch-mode",
    "sec-fetch-dest",
    "sec-purpose",
    "sec-websocket-key",
    "upgrade",
    "connection",
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-proto",
    "access-control-request-method",
    "access-control-request-headers",
    "cache-control",
    "range",
    "expect",
    "te",
];
/// Beginnings that lead further in than noise does.
const STARTS: &[&str] = &[
    "",
    "__Host-session=",
    "__Host-session.0=",
    "CSRF-TOKEN=",
    "__Host-login.",
    "__Host-login.x=",
    "https://",
    "https://app.example.com",
    "same-origin",
    "navigate",
    "document",
    "text/html",
    "Bearer ",
    "application/x-www-form-urlencoded",
    "websocket",
    ";",
    "\t",
];
const QUERIES: &[&str] = &[
    "",
    "?",
    "?return_url=",
    "?state=",
    "?code=x&state=",
    "?error=",
    "?slide=",
    "?iss=",
    "?max_age=",
    "?prompt=",
    "?%",
    "?&&&=",
    "?login_hint=",
];

/// Bytes that a header may carry on the wire.
fn header_value() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![0x20_u8..0x7f, 0x80_u8..=0xff, Just(b'\t')];
    (select(STARTS), vec(byte, 0..200)).prop_map(|(start, noise)| [start.as_bytes(), &noise].concat())
}

/// What hyper would hand on as a target.
fn target() -> impl Strategy<Value = (String, String)> {
    let character = prop_oneof![
        proptest::char::range('!', '~').prop_filter("not in a target", |c| !"#<>\"`{}|^\\".contains(*c)),
        Just('ä'),
        Just('\u{2028}'),
        Just('%'),
    ];
    (select(TARGETS), select(QUERIES), vec(character, 0..60)).prop_map(|(path, query, noise)| {
        let noise: String = noise.into_iter().collect();
        (
            path.to_owned(),
            format!("{path}{query}{}", if query.is_empty() { String::new() } else { noise }),
        )
    })
}

struct Fixture {
    runtime: Runtime,
    worlds: [World; 2],
}

impl Fixture {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let worlds = runtime.block_on(async {
            let worlds = Place::BOTH.map(|place| {
                place.world_with(|builder| builder.token_endpoint(true).app_origin("https://spa.example.com"))
            });
            for world in &worlds {
                world.sign_in().await;
            }
            worlds
        });
        Self { runtime, worlds }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_combination_of_headers_is_a_server_error_or_a_way_in(
        (path, target) in target(),
        method in select(METHODS),
        headers in vec((select(HEADERS), header_value()), 0..6),
        body in vec(any::<u8>(), 0..300),
    ) {
        static FIXTURE: OnceLock<Fixture> = OnceLock::new();
        let fixture = FIXTURE.get_or_init(Fixture::new);
        for world in &fixture.worlds {
            let Ok(uri) = target.parse::<http::Uri>() else { return Ok(()) };
            let mut request = Raw::new(method, &uri.to_string());
            for (name, value) in &headers {
                request = request.bytes(name, value);
            }
            let content_type = "application/x-www-form-urlencoded";
            let has_type = headers.iter().any(|(name, _)| *name == "content-type");
            let request = if has_type { request } else { request.body(content_type, body.clone()) };
            let answer = fixture.runtime.block_on(request.send(&world.app));
            prop_assert!(!answer.status.is_server_error(), "{} {}: {}", method, target, answer.status);
            let protected = PROTECTED.contains(&path.as_str());
            let preflight = method == "OPTIONS" && answer.status == StatusCode::NO_CONTENT;
            prop_assert!(!protected || !answer.status.is_success() || preflight, "{} {}: {}", method, target, answer.status);
            for location in answer.all("location") {
                let ours = location.starts_with("https://app.example.com/") || location.starts_with("https://id.example.net/");
                prop_assert!(ours, "{}", location);
            }
        }
        prop_assert_eq!(fixture.worlds[0].handled(), 0);
    }

    #[test]
    fn beside_a_live_session_garbage_changes_nobody_into_somebody_else(
        headers in vec((select(HEADERS), header_value()), 0..5),
        method in select(METHODS),
    ) {
        static FIXTURE: OnceLock<Fixture> = OnceLock::new();
        let fixture = FIXTURE.get_or_init(Fixture::new);
        for world in &fixture.worlds {
            let cookies = world.browser.cookie_header("/");
            let mut request = Raw::new(method, "/open/extractor").header("cookie", &cookies);
            for (name, value) in &headers {
                request = request.bytes(name, value);
            }
            let answer = fixture.runtime.block_on(request.send(&world.app));
            prop_assert!(!answer.status.is_server_error());
            if answer.status == StatusCode::OK && method == "GET" {
                prop_assert_eq!(&answer.json()["subject"], "alice");
            }
            // Garbage never finds the token.
            let unsafe_method = !["GET", "HEAD", "OPTIONS", "TRACE"].contains(&method);
            prop_assert!(!unsafe_method || answer.status.is_client_error());
        }
    }
}

#[tokio::test]
async fn urls_of_64_kb_are_refused_or_served_like_any_other() {
    // attacks: B19
    for place in Place::BOTH {
        let world = place.world();
        for target in TARGETS {
            for noise in [
                "x".repeat(65_000),
                "%41".repeat(21_000),
                "a=b&".repeat(16_000),
                "&".repeat(64_000),
                "return_url=/".to_owned() + &"a".repeat(60_000),
            ] {
                let answer = Raw::get(&format!("{target}?{noise}"))
                    .header("accept", "text/html")
                    .send(&world.app)
                    .await;
                assert!(!answer.status.is_server_error(), "{target}: {}", answer.status);
                assert!(!PROTECTED.contains(target) || !answer.status.is_success());
                assert!(
                    answer.all("location").iter().all(|location| location.len() < 8_192),
                    "{target}"
                );
            }
        }
        let path = format!("/api/{}", "x/".repeat(30_000));
        assert_eq!(Raw::get(&path).send(&world.app).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn too_many_or_broken_parameters_are_400() {
    // attacks: B19
    let world = World::new();
    for query in [
        "a=1&".repeat(200),
        "%".to_owned(),
        "%g0".to_owned(),
        "a=%ff".to_owned(),
        "%00".to_owned(),
        "state=%f0%28%8c%28".to_owned(),
        "state=a&state=b".to_owned(),
        "code=a&state=x&code=b".to_owned(),
        "iss=a&state=x&iss=b".to_owned(),
        "x".repeat(65_500),
    ] {
        let target = format!("/auth/callback?{query}");
        let answer = Raw::get(&target[..target.len().min(65_000)]).send(&world.app).await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{}",
            &query[..query.len().min(40)]
        );
    }
    assert_eq!(world.provider.requests().len(), 0, "the provider is not asked");
}
