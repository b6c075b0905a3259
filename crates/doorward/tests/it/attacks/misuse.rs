//! What a developer may forget or put in the wrong order.

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use doorward::{Doorward, Rule, Session};
use futures_util::stream;
use http::{Method, StatusCode};

use super::support::{Place, Raw, SESSION, with_app};
use crate::support::World;

async fn with_session(session: Session) -> String {
    session.user().subject.clone()
}

async fn perhaps(session: Option<Session>) -> String {
    session.map_or_else(|| "nobody".into(), |session| session.user().subject.clone())
}

async fn verdict(app: &Router, world: &World, target: &str) -> (u16, String) {
    Raw::get(target).cookies_of(&world.browser).send(app).await.verdict()
}

#[tokio::test]
async fn without_the_layer_every_way_to_protect_is_500_and_never_a_pass() {
    // attacks: N1, N2
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let auth = &world.auth;
        let app = Router::new()
            .route("/extractor", get(with_session))
            .route("/optional", get(perhaps))
            .route("/layer", get(|| async { "in" }).layer(auth.require_session()))
            .route("/role", get(|| async { "in" }).layer(auth.require(Rule::role("admin"))))
            .merge(auth.routes());
        for target in [
            "/extractor",
            "/optional",
            "/layer",
            "/role",
            "/auth/session",
            "/auth/login",
            "/auth/logout",
            "/auth/callback",
        ] {
            let answer = Raw::get(target).cookies_of(&world.browser).send(&app).await;
            assert_eq!(answer.verdict(), (500, "not_configured".to_owned()), "{target}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let problem = answer.json();
            for member in ["type", "title", "status", "code", "request_id", "error"] {
                assert!(!problem[member].is_null(), "{target}: {member}");
            }
        }
    }
}

#[tokio::test]
async fn layers_in_the_wrong_order_are_500_and_never_a_pass() {
    // attacks: N1
    let world = Place::Sealed.signed_in().await;
    let auth = &world.auth;
    // The guard outside of the layer that it needs.
    let app = Router::new()
        .route("/in", get(|| async { "in" }))
        .layer(auth.layer())
        .layer(auth.require_session());
    assert_eq!(verdict(&app, &world, "/in").await, (500, "not_configured".to_owned()));
    // Half of the routes outside of the layer.
    let app = Router::new()
        .route("/inside", get(with_session))
        .layer(auth.layer())
        .route("/outside", get(with_session))
        .route("/perhaps", get(perhaps));
    assert_eq!(verdict(&app, &world, "/inside").await.0, 200);
    assert_eq!(
        verdict(&app, &world, "/outside").await,
        (500, "not_configured".to_owned())
    );
    assert_eq!(
        verdict(&app, &world, "/perhaps").await,
        (500, "not_configured".to_owned())
    );
}

#[tokio::test]
async fn the_layer_twice_is_no_harm() {
    // attacks: N1
    for place in Place::BOTH {
        let world = with_app(
            place.world_with(|builder| builder.app_origin("https://spa.example.com")),
            |auth| {
                let inner = auth
                    .router()
                    .route("/home", Rule::Public, get(|| async { "home" }))
                    .route("/me", Rule::Session, get(with_session));
                inner.build().layer(auth.layer())
            },
        );
        world.sign_in().await;
        world.advance(400);
        let answer = Raw::get("/me")
            .cookies_of(&world.browser)
            .header("origin", "https://spa.example.com")
            .send(&world.app)
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.all("access-control-allow-origin").len(), 1);
        assert_eq!(answer.all("cache-control"), ["no-store"]);
        let sessions = answer
            .all("set-cookie")
            .into_iter()
            .filter(|cookie| cookie.starts_with(&format!("{SESSION}=")))
            .count();
        assert_eq!(sessions, 1);
    }
}

// weakness: M8
#[tokio::test]
async fn the_extractor_alone_protects_csrf_included() {
    // attacks: N1
    for place in Place::BOTH {
        let world = with_app(place.world(), |auth| {
            Router::new()
                .route("/home", get(|| async { "home" }))
                .route("/me", get(with_session).post(with_session))
                .route("/perhaps", get(perhaps).post(perhaps))
                .merge(auth.routes())
                .layer(auth.layer())
        });
        assert_eq!(
            verdict(&world.app, &world, "/me").await,
            (401, "session_missing".to_owned())
        );
        assert_eq!(Raw::get("/perhaps").send(&world.app).await.body, "nobody");
        assert_eq!(Raw::post("/perhaps").send(&world.app).await.body, "nobody");
        world.sign_in().await;
        assert_eq!(verdict(&world.app, &world, "/me").await.0, 200);
        for target in ["/me", "/perhaps"] {
            let bare = Raw::post(target).cookies_of(&world.browser).send(&world.app).await;
            assert_eq!(
                bare.verdict(),
                (403, "csrf_missing".to_owned()),
                "{target}: not taken for nobody"
            );
            let forged = Raw::post(target)
                .cookies_of(&world.browser)
                .header("origin", "https://evil.test")
                .send(&world.app)
                .await;
            assert_eq!(forged.verdict(), (403, "cross_origin".to_owned()));
            let passed = Raw::post(target)
                .cookies_of(&world.browser)
                .header("x-csrf-token", &world.csrf())
                .send(&world.app)
                .await;
            assert_eq!(passed.body, "alice");
        }
    }
}

#[tokio::test]
async fn an_optional_session_is_none_exactly_where_there_is_no_live_session() {
    // attacks: N2
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let optional = |cookie: String| Raw::get("/open/optional").header("cookie", &cookie);
        let live = world.browser.cookie_header("/");
        assert_eq!(optional(live.clone()).send(&world.app).await.json()["subject"], "alice");
        for none in ["a=b".to_owned(), format!("{SESSION}=garbage"), format!("{SESSION}=")] {
            let answer = optional(none).send(&world.app).await;
            assert_eq!(
                (answer.status, answer.json()["subject"].is_null()),
                (StatusCode::OK, true)
            );
        }
        // A provider that cannot be asked is an outage, not an absent user.
        let copy = live.clone();
        world.advance(301);
        world
            .fetch
            .fail_next_of("token", 1, || doorward::ports::FetchError::Timeout);
        let answer = optional(copy).send(&world.app).await;
        assert_eq!(answer.verdict(), (503, "provider_unavailable".to_owned()), "{place:?}");
        world.advance(4_000);
        let answer = optional(live.clone()).send(&world.app).await;
        assert_eq!(
            (answer.status, answer.json()["subject"].is_null()),
            (StatusCode::OK, true),
            "expired"
        );
    }
}

#[tokio::test]
async fn a_streamed_body_comes_with_the_sessions_cookies_before_it() {
    // attacks: N3
    for place in Place::BOTH {
        let world = with_app(place.world(), |auth| {
            async fn streamed(session: Session) -> Body {
                session.insert("note", &"written before the first byte").unwrap();
                let chunks = (0..3).map(move |part| {
                    // Too late for a header; refused instead of lost.
                    let late = part > 0 && session.insert("note", &part).is_ok();
                    Ok::<_, std::convert::Infallible>(format!("{part}{late};"))
                });
                Body::from_stream(stream::iter(chunks))
            }
            async fn note(session: Session) -> String {
                session.get::<String>("note").unwrap().unwrap_or_default()
            }
            auth.router()
                .route("/home", Rule::Public, get(|| async { "home" }))
                .route("/stream", Rule::Session, get(streamed))
                .route("/note", Rule::Session, get(note))
                .build()
        });
        world.sign_in().await;
        let page = world.browser.get("/stream").await;
        assert_eq!(page.text(), "0false;1false;2false;");
        assert_eq!(
            world.browser.get("/note").await.text(),
            "written before the first byte",
            "{place:?}"
        );
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_before_the_store_was_written_keeps_its_session() {
    // attacks: N8
    let store = super::support::Meddled::default();
    let world = store.world();
    world.sign_in().await;
    let gate = doorward_testkit::Gate::closed();
    store.hold_replacements(&gate);
    let request = Raw::post("/api/data")
        .cookies_of(&world.browser)
        .header("x-csrf-token", &world.csrf())
        .body("application/json", "{\"note\":\"x\"}");
    let app = world.app.clone();
    let impatient = tokio::spawn(async move { request.send(&app).await.status });
    gate.arrived(1).await;
    impatient.abort();
    let _ = impatient.await;
    gate.open();
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    let write = world
        .browser
        .request(Method::POST, "/api/data")
        .header("x-csrf-token", &world.csrf());
    assert_eq!(
        write.json(&serde_json::json!({"note": "y"})).send().await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn secrets_do_not_show_in_debug_output() {
    // attacks: N5
    let world = Place::Sealed.signed_in().await;
    let shown = format!(
        "{:?} {:?} {:?}",
        world.auth,
        world.auth.layer(),
        world.auth.require_session()
    );
    assert!(!shown.contains(crate::support::SECRET) && !shown.contains(doorward_testkit::CLIENT_SECRET));
    let world = with_app(Place::Sealed.world(), |auth: &Doorward| {
        async fn debug(session: Session) -> String {
            let token = session.access_token().unwrap();
            format!("{session:?} {:?} {token:?}", session.user())
        }
        auth.router()
            .route("/home", Rule::Public, get(|| async { "home" }))
            .route("/debug", Rule::Session, get(debug))
            .route("/post", Rule::Session, post(debug))
            .build()
    });
    world.sign_in().await;
    let page = world.browser.get("/debug").await;
    for secret in world.provider.minted_secrets() {
        assert!(!page.text().contains(&secret), "{}", page.text());
    }
    assert!(
        !page.text().contains("alice@acme.test"),
        "personal data stays out of logs too"
    );
}
