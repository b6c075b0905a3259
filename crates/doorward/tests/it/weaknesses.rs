//! Weaknesses of the platform's own SDKs that no provider is needed for: what must never happen with any of ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get;
use doorward::{BearerTokens, Builder, Doorward, Provider, Rule, Sessions};
use doorward_testkit::{Browser, CLIENT_ID, CLIENT_SECRET, Page};
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::{APP, PROVIDER, SECRET, World, application};

/// Another secret that nobody uses.
const NEWER_SECRET: &str = "Hq3Zr8vK1nTgXw5yBdLfPc7mJsUaEoRi4WtYkVxN2bQ";
const OURS: &str = "https://api.example.com";
const THEIRS: &str = "https://other.example.com";

/// Another application over the same provider, clock and network.
fn beside(world: &World, sessions: Sessions, change: impl FnOnce(Builder) -> Builder) -> Doorward {
    let builder = Doorward::builder()
        .public_url(APP)
        .provider(Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET))
        .session(sessions)
        .fetch(world.fetch.clone())
        .tasks(world.tasks.clone())
        .clock(world.clock.clone());
    change(builder).build().unwrap()
}

fn token(world: &World, audience: &str) -> String {
    let now = world.clock.seconds();
    let claims = json!({
        "iss": PROVIDER, "aud": audience, "sub": "svc", "client_id": "worker", "jti": "t-1", "iat": now, "exp": now + 600,
    });
    world.provider.sign("at+jwt", &claims)
}

async fn with_token(browser: &Browser, url: &str, token: &str) -> Page {
    let request = browser.request(Method::GET, url);
    request.header("authorization", &format!("Bearer {token}")).send().await
}

// weakness: L5, L18
#[tokio::test]
async fn change_of_secrets_or_a_restart_never_breaks_a_login_under_way() {
    let world = World::new();
    let begun = world.browser.visit("/auth/login?return_url=/home").await;
    let answer = world.browser.follow(&begun).await;
    // Another process, started with a newer secret that seals and the old one that still opens.
    let rotated = beside(
        &world,
        Sessions::cookie(NEWER_SECRET).also_open_with(SECRET),
        |builder| builder,
    );
    let app = application(&rotated, &Arc::new(AtomicUsize::new(0)));
    let browser = world.browser.clone().mount(APP, app);
    let page = browser.follow(&answer).await;
    let home = browser.follow_all(page).await;
    assert_eq!(home.url.path(), "/home", "{}", home.text());
    assert_eq!(browser.get("/api/me").await.status, StatusCode::OK);
    // What the new secret sealed opens nothing where only the old one is known.
    let before = browser.clone().mount(APP, world.app.clone());
    assert_eq!(before.get("/api/me").await.problem_code(), "session_invalid");
}

// weakness: M18
#[tokio::test]
async fn header_of_a_framework_never_opens_a_route() {
    let world = World::new();
    for (name, value) in [
        ("next-action", "c0ffee"),
        ("rsc", "1"),
        ("next-router-prefetch", "1"),
        (
            "x-middleware-subrequest",
            "middleware:middleware:middleware:middleware:middleware",
        ),
        ("x-requested-with", "XMLHttpRequest"),
        ("x-original-url", "/home"),
        ("x-rewrite-url", "/home"),
        ("x-http-method-override", "OPTIONS"),
        ("x-auth-user", "alice"),
        ("x-forwarded-user", "alice"),
        ("user-agent", "kube-probe/1.30"),
    ] {
        for method in [Method::GET, Method::POST] {
            for path in ["/api/me", "/page", "/open/layer", "/open/extractor"] {
                let request = world.browser.request(method.clone(), path).header(name, value);
                let page = request.send().await;
                assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{method} {path} {name}");
            }
        }
    }
    assert_eq!(world.handled(), 0);
}

// weakness: M19
#[tokio::test]
async fn dot_in_a_route_never_stands_for_any_character_and_what_is_not_listed_is_never_public() {
    let world = World::new();
    let app = world
        .auth
        .router()
        .route("/api/v1.0/open", Rule::Public, get(|| async { "open" }))
        .route("/api/v1.0/shut", Rule::Session, get(|| async { "shut" }))
        .build();
    let browser = world.browser.clone().mount(APP, app);
    assert_eq!(browser.get("/api/v1.0/open").await.status, StatusCode::OK);
    assert_eq!(browser.get("/api/v1.0/shut").await.status, StatusCode::UNAUTHORIZED);
    for path in [
        "/api/v1x0/open",
        "/api/v1.0/opened",
        "/api/v1.0/open/",
        "/api",
        "/api/v1.0/unlisted",
    ] {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

// weakness: M21
#[tokio::test]
async fn failure_of_a_handler_is_never_taken_for_a_refusal_and_never_runs_it_again() {
    let world = World::with(|builder| builder.bearer(BearerTokens::new().audience(OURS)));
    let calls = Arc::new(AtomicUsize::new(0));
    let failing = |status: StatusCode| {
        let calls = Arc::clone(&calls);
        get(move || async move {
            calls.fetch_add(1, Ordering::SeqCst);
            (status, "the handler's own words")
        })
    };
    let app = world
        .auth
        .router()
        .route("/home", Rule::Public, get(|| async { "home" }))
        .route(
            "/500",
            Rule::session_or_bearer(),
            failing(StatusCode::INTERNAL_SERVER_ERROR),
        )
        .route("/401", Rule::session_or_bearer(), failing(StatusCode::UNAUTHORIZED))
        .route("/403", Rule::session_or_bearer(), failing(StatusCode::FORBIDDEN))
        .build();
    let browser = world.browser.clone().mount(APP, app);
    let page = browser.visit_following("/auth/login?return_url=/home").await;
    assert_eq!(page.url.path(), "/home");
    let token = token(&world, OURS);
    let mut ran = 0;
    for path in ["/500", "/401", "/403"] {
        for by_token in [false, true] {
            let page = if by_token {
                with_token(&browser, path, &token).await
            } else {
                browser.get(path).await
            };
            ran += 1;
            assert_eq!(page.status.as_str(), &path[1..]);
            assert_eq!(page.text(), "the handler's own words");
            assert_eq!(calls.load(Ordering::SeqCst), ran, "{path}: once and no more");
        }
    }
}

// weakness: M22
#[tokio::test]
async fn settings_of_one_application_never_count_in_another() {
    let world = World::new();
    let protected = |audience: &str, header: &str| -> Router {
        let sessions = Sessions::cookie(SECRET).csrf_header_name(header);
        let auth = beside(&world, sessions, |builder| {
            builder.bearer(BearerTokens::new().audience(audience))
        });
        let handler = || get(|| async { "in" }).post(|| async { "in" });
        auth.router()
            .route("/home", Rule::Public, get(|| async { "home" }))
            .route("/either", Rule::session_or_bearer(), handler())
            .build()
    };
    // The order in which they are made and first asked does not matter.
    let apps = [(OURS, "x-one"), (THEIRS, "x-two")].map(|(audience, header)| (audience, protected(audience, header)));
    for (own, app) in &apps {
        let browser = world.browser.stranger().mount(APP, app.clone());
        for audience in [OURS, THEIRS] {
            let expected = if audience == *own {
                StatusCode::OK
            } else {
                StatusCode::UNAUTHORIZED
            };
            let page = with_token(&browser, "/either", &token(&world, audience)).await;
            assert_eq!(page.status, expected, "{own} {audience}: {}", page.text());
        }
    }
    let browser = world.browser.clone().mount(APP, apps[1].1.clone());
    browser.visit_following("/auth/login?return_url=/home").await;
    let csrf = browser.script_cookie("CSRF-TOKEN").expect("a CSRF cookie");
    for (header, expected) in [("x-one", StatusCode::FORBIDDEN), ("x-two", StatusCode::OK)] {
        let request = browser.request(Method::POST, "/either").header(header, &csrf);
        assert_eq!(request.send().await.status, expected, "{header}");
    }
}

// weakness: M26
#[tokio::test]
async fn access_token_at_the_session_endpoint_is_never_a_500_nor_a_session() {
    let world = World::with(|builder| builder.bearer(BearerTokens::new().audience(OURS)).token_endpoint(true));
    let token = token(&world, OURS);
    for path in ["/auth/session", "/auth/token"] {
        for token in [token.as_str(), "rubbish"] {
            let page = with_token(&world.browser, path, token).await;
            assert_eq!(page.problem_code(), "session_missing", "{path}: {}", page.status);
        }
    }
    world.sign_in().await;
    let page = with_token(&world.browser, "/auth/session", &token).await;
    assert_eq!(page.json::<serde_json::Value>()["userId"], "alice");
}

// attacks: I11, I12
#[tokio::test]
async fn token_bound_to_a_key_or_certificate_is_never_taken_without_the_proof_that_nobody_checks() {
    let world = World::with(|builder| builder.bearer(BearerTokens::new().audience(OURS)));
    let app = world
        .auth
        .router()
        .route("/bearer", Rule::bearer(), get(|| async { "in" }));
    let browser = world.browser.clone().mount(APP, app.build());
    let now = world.clock.seconds();
    let mut claims = json!({
        "iss": PROVIDER, "aud": OURS, "sub": "svc", "client_id": "worker", "jti": "t-1", "iat": now, "exp": now + 600,
    });
    let free = world.provider.sign("at+jwt", &claims);
    assert_eq!(with_token(&browser, "/bearer", &free).await.status, StatusCode::OK);
    for binding in ["jkt", "x5t#S256"] {
        claims["cnf"] = json!({ binding: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" });
        let bound = world.provider.sign("at+jwt", &claims);
        for scheme in ["Bearer", "DPoP"] {
            let page = browser
                .request(Method::GET, "/bearer")
                .header("authorization", &format!("{scheme} {bound}"))
                .header("dpop", "eyJ0eXAiOiJkcG9wK2p3dCJ9.e30.AA")
                .header("x-forwarded-client-cert", "Hash=0ZcOCORZNYy")
                .header("x-ssl-client-cert", "MIIB")
                .send()
                .await;
            assert_eq!(page.problem_code(), "token_invalid", "{binding} {scheme}");
        }
    }
}

// weakness: M14, M15
#[tokio::test]
async fn provider_that_hangs_never_holds_up_who_needs_nothing_of_it() {
    let world = World::new();
    world.sign_in().await;
    let gate = doorward_testkit::Gate::closed();
    world.fetch.hold(None, &gate);
    let waiting = world.browser.stranger();
    let late = tokio::spawn(async move { waiting.visit_following("/auth/login").await });
    gate.arrived(1).await;
    for _ in 0..50 {
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
        let page = world.browser.stranger().get("/api/me").await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    }
    gate.open();
    assert_ne!(late.await.unwrap().status, StatusCode::INTERNAL_SERVER_ERROR);
}
