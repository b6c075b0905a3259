//! Frontends on other origins: what the configured ones may do, and what all others get.

use axum::routing::get;
use axum::{Json, Router};
use doorward::{Builder, Rule, Session};
use doorward_testkit::{Blocked, Browser};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::support::{Place, Raw, with_app};
use crate::support::{APP, World};

/// A frontend of the same site, so that Lax sends the cookie along.
const SPA: &str = "https://spa.example.com";
const OTHERS: &[&str] = &[
    "https://evil.test",
    "null",
    "http://spa.example.com",
    "https://spa.example.com:8443",
    "https://sub.spa.example.com",
    "https://spa.example.com.evil.test",
    "https://blog.example.com",
];

fn with_spa(builder: Builder) -> Builder {
    builder.app_origin(SPA)
}

async fn signed_in(place: Place) -> World {
    let world = place.world_with(with_spa);
    world.sign_in().await;
    world
}

fn preflight(target: &str, origin: &str) -> Raw {
    Raw::new("OPTIONS", target)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,x-csrf-token")
}

#[tokio::test]
async fn a_preflight_of_a_frontend_is_answered_exactly_and_of_anybody_else_without_permission() {
    // attacks: F9, F10
    for place in Place::BOTH {
        let world = place.world_with(with_spa);
        for target in [
            "/api/me",
            "/page",
            "/home",
            "/auth/session",
            "/auth/logout",
            "/open/extractor",
            "/open/layer",
            "/unknown",
            "/nested/leaf",
        ] {
            let answer = preflight(target, SPA).send(&world.app).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{target}");
            assert_eq!(answer.all("access-control-allow-origin"), [SPA]);
            assert_eq!(answer.all("access-control-allow-credentials"), ["true"]);
            assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
            assert_eq!(
                answer.header("access-control-allow-headers"),
                Some("content-type,x-csrf-token")
            );
            assert!(
                answer
                    .all("vary")
                    .iter()
                    .any(|vary| vary.eq_ignore_ascii_case("origin"))
            );
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert!(answer.body.is_empty());
            for other in OTHERS {
                let answer = preflight(target, other).send(&world.app).await;
                assert!(
                    !matches!(answer.status.as_u16(), 401 | 403),
                    "{target} {other}: {}",
                    answer.status
                );
                assert!(
                    answer
                        .headers
                        .keys()
                        .all(|name| !name.as_str().starts_with("access-control-")),
                    "{target} {other}"
                );
                assert!(
                    answer
                        .all("vary")
                        .iter()
                        .any(|vary| vary.eq_ignore_ascii_case("origin"))
                );
            }
        }
        assert_eq!(world.handled(), 0);
    }
}

#[tokio::test]
async fn without_app_origins_no_preflight_is_permitted_nor_refused_as_unauthenticated() {
    // attacks: F10
    let world = World::new();
    for target in [
        "/api/me",
        "/page",
        "/auth/session",
        "/open/extractor",
        "/open/layer",
        "/nested/leaf",
        "/nested/unknown",
    ] {
        for origin in [SPA, APP, "null"] {
            let answer = preflight(target, origin).send(&world.app).await;
            assert!(
                !matches!(answer.status.as_u16(), 401 | 403),
                "{target} {origin}: {}",
                answer.status
            );
            assert!(
                answer
                    .headers
                    .keys()
                    .all(|name| !name.as_str().starts_with("access-control-"))
            );
        }
    }
    assert_eq!(world.handled(), 0);
}

#[tokio::test]
async fn an_options_request_that_is_no_preflight_passes_the_guard_like_any_other() {
    // attacks: E27
    for place in Place::BOTH {
        let world = signed_in(place).await;
        for headers in [
            &[][..],
            &[("origin", "https://evil.test")],
            &[("access-control-request-method", "GET")],
        ] {
            let mut request = Raw::new("OPTIONS", "/api/me");
            for (name, value) in headers {
                request = request.header(name, value);
            }
            assert_eq!(
                request.send(&world.app).await.status,
                StatusCode::UNAUTHORIZED,
                "{headers:?}"
            );
        }
        let answer = Raw::new("OPTIONS", "/api/me")
            .cookies_of(&world.browser)
            .send(&world.app)
            .await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert!(answer.body.is_empty(), "no identity in it");
    }
}

#[tokio::test]
async fn every_response_to_a_frontend_has_its_cors_headers_refusals_and_handlers_included() {
    // attacks: F10
    for place in Place::BOTH {
        let world = signed_in(place).await;
        for (method, target, cookies, status) in [
            ("GET", "/api/me", true, 200),
            ("GET", "/home", true, 200),
            ("GET", "/api/me", false, 401),
            ("POST", "/api/me", true, 403),
            ("GET", "/api/auditor", true, 403),
            ("GET", "/unknown", false, 404),
            ("GET", "/auth/session", true, 200),
            ("GET", "/auth/session", false, 401),
            ("PUT", "/auth/session", false, 405),
            ("GET", "/auth/login?max_age=x", false, 400),
        ] {
            for (origin, permitted) in [(SPA, true), ("https://evil.test", false), ("null", false)] {
                let mut request = Raw::new(method, target).header("origin", origin);
                if cookies {
                    request = request.cookies_of(&world.browser);
                }
                let answer = request.send(&world.app).await;
                let expected = if method == "POST" && !permitted { 403 } else { status };
                assert_eq!(answer.status.as_u16(), expected, "{method} {target} {origin}");
                let allowed: &[&str] = if permitted { &[SPA] } else { &[] };
                assert_eq!(
                    answer.all("access-control-allow-origin"),
                    allowed,
                    "{method} {target} {origin}"
                );
                let credentials: &[&str] = if permitted { &["true"] } else { &[] };
                assert_eq!(answer.all("access-control-allow-credentials"), credentials);
                let exposed: &[&str] = if permitted { &["Retry-After, Date"] } else { &[] };
                assert_eq!(answer.all("access-control-expose-headers"), exposed);
                assert!(answer.all("vary").contains(&"Origin"), "{method} {target} {origin}");
            }
        }
    }
}

#[tokio::test]
async fn what_a_handler_says_of_cors_is_overruled_for_frontends_only() {
    // attacks: F10
    let world = with_app(World::with(with_spa), |auth| {
        let open = || async {
            (
                [
                    ("access-control-allow-origin", "*"),
                    ("vary", "accept-encoding"),
                    ("x-own", "1"),
                    ("access-control-expose-headers", "x-own"),
                ],
                "open",
            )
        };
        auth.router().route("/open", Rule::Public, get(open)).build()
    });
    let answer = Raw::get("/open").header("origin", SPA).send(&world.app).await;
    assert_eq!(
        answer.all("access-control-allow-origin"),
        [SPA],
        "never a wildcard beside credentials"
    );
    assert_eq!(answer.all("vary"), ["accept-encoding", "Origin"]);
    assert_eq!(
        answer.all("access-control-expose-headers"),
        ["x-own", "Retry-After, Date"],
        "what a handler exposes stays exposed"
    );
    let answer = Raw::get("/open")
        .header("origin", "https://evil.test")
        .send(&world.app)
        .await;
    assert_eq!(answer.all("access-control-allow-origin"), ["*"]);
    assert_eq!(answer.all("access-control-allow-credentials"), Vec::<&str>::new());
}

/// A page of another origin in alice's browser.
async fn fetch(browser: &Browser, from: &str, method: Method, csrf: Option<&str>) -> (StatusCode, Option<Blocked>) {
    let mut request = browser.request(method, &format!("{APP}/api/me")).from(from);
    if let Some(csrf) = csrf {
        request = request.header("x-csrf-token", csrf);
    }
    let page = request.send().await;
    (page.status, page.blocked)
}

#[tokio::test]
async fn a_frontend_reads_and_writes_with_the_token_and_other_origins_do_neither() {
    // attacks: F9
    for place in Place::BOTH {
        let world = signed_in(place).await;
        let csrf = world.csrf();
        let browser = &world.browser;
        assert_eq!(fetch(browser, SPA, Method::GET, None).await, (StatusCode::OK, None));
        assert_eq!(
            fetch(browser, SPA, Method::POST, Some(&csrf)).await,
            (StatusCode::OK, None)
        );
        assert_eq!(
            fetch(browser, SPA, Method::POST, None).await,
            (StatusCode::FORBIDDEN, None),
            "readable, so that the page can act on it"
        );
        let handled = world.handled();
        for other in [
            "https://blog.example.com",
            "https://sub.spa.example.com",
            "https://spa.example.com:8443",
            "https://evil.test",
        ] {
            let (_, blocked) = fetch(browser, other, Method::GET, None).await;
            assert_eq!(blocked, Some(Blocked::Response), "{other}");
            let seen = world.handled();
            let (_, blocked) = fetch(browser, other, Method::POST, Some(&csrf)).await;
            assert_eq!(blocked, Some(Blocked::Preflight), "{other}");
            let (status, _) = fetch(browser, other, Method::POST, None).await;
            assert!(status.is_client_error());
            assert_eq!(world.handled(), seen, "{other}: nothing reached a handler");
        }
        assert!(world.handled() >= handled);
    }
}

#[tokio::test]
async fn a_frontend_signs_out_with_its_origin_and_nobody_else_does() {
    for place in Place::BOTH {
        let world = signed_in(place).await;
        for other in ["https://blog.example.com", "https://evil.test"] {
            let page = world
                .browser
                .request(Method::POST, "/auth/logout")
                .from(other)
                .send()
                .await;
            assert_eq!(
                (page.status, page.problem_code().as_str()),
                (StatusCode::FORBIDDEN, "cross_origin")
            );
        }
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
        let page = world
            .browser
            .request(Method::POST, "/auth/logout")
            .from(SPA)
            .send()
            .await;
        assert_eq!((page.status, page.blocked), (StatusCode::OK, None));
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn no_script_of_another_site_reads_an_endpoint_by_any_kind_of_request() {
    // attacks: F14
    async fn extracted(session: Session) -> Json<Value> {
        Json(json!({"subject": session.user().subject}))
    }
    for place in Place::BOTH {
        let world = with_app(place.world_with(with_spa), |auth| {
            let events = || async { ([("content-type", "text/event-stream")], "data: secret\n\n") };
            let own = Router::new()
                .route("/extracted", get(extracted))
                .route("/events", get(events).layer(auth.require_session()));
            auth.router()
                .nest("/x", Rule::Session, own)
                .route("/home", Rule::Public, get(|| async { "home" }))
                .build()
        });
        world.sign_in().await;
        for target in ["/x/extracted", "/x/events", "/auth/session"] {
            for from in ["https://evil.test", "https://blog.example.com"] {
                let page = world.browser.request(Method::GET, target).from(from).send().await;
                assert_eq!(page.blocked, Some(Blocked::Response), "{target} from {from}");
            }
            let image = world
                .browser
                .request(Method::GET, target)
                .kind(doorward_testkit::RequestKind::Image)
                .from("https://evil.test")
                .send()
                .await;
            assert_eq!(image.status, StatusCode::UNAUTHORIZED, "Lax keeps the cookie back");
            assert_eq!(image.header("x-content-type-options"), Some("nosniff"), "{target}");
        }
        let session = world.browser.get("/auth/session").await;
        assert_eq!(session.header("x-content-type-options"), Some("nosniff"));
    }
}

#[test]
fn origins_that_browsers_would_not_serve_are_warned_about() {
    let warnings = |origin: &str, sessions: doorward::Sessions| {
        let world = World::build(sessions, |builder| builder.app_origin(origin));
        let about = |warning: &&String| warning.starts_with("server.app_origins");
        world.auth.warnings().iter().filter(about).cloned().collect::<Vec<_>>()
    };
    let sessions = || Place::Sealed.sessions();
    assert_eq!(
        warnings("https://spa.other.test", sessions()).len(),
        2,
        "another site, and another host"
    );
    assert_eq!(warnings(SPA, sessions()).len(), 1, "another host without cookie_domain");
    assert_eq!(
        warnings(SPA, sessions().cookie_domain("example.com")),
        Vec::<String>::new()
    );
    assert_eq!(
        warnings("https://app.example.com:8443", sessions()),
        Vec::<String>::new()
    );
}
