//! What a store that is down means where `serve_stale` is chosen, and where it is not.

use std::time::Duration;

use doorward::Sessions;
use http::{Method, StatusCode};
use serde_json::json;

use super::support::{Meddled, SESSION, assert_refused};
use crate::support::{SECRET, World};

/// One instance that serves what it saw within a minute.
fn stale_world(store: &Meddled) -> World {
    let sessions = Sessions::stored(SECRET, store.clone()).serve_stale(Duration::from_secs(60));
    World::build(sessions, |builder| builder)
}

#[tokio::test]
async fn session_seen_lately_is_served_while_the_store_is_down_and_not_for_longer() {
    let store = Meddled::default();
    let world = stale_world(&store);
    world.sign_in().await;
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    store.fail(true);
    for _ in 0..59 {
        world.advance(1);
        let answer = world.browser.get("/api/me").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.set_cookie(SESSION).is_empty(), "an outage changes no cookie");
    }
    world.advance(1);
    assert_refused(
        &world.browser.get("/api/me").await,
        StatusCode::SERVICE_UNAVAILABLE,
        "store_unavailable",
    );
    store.fail(false);
    world.advance(1);
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_has_to_be_written_is_503_while_the_store_is_down() {
    let store = Meddled::default();
    let world = stale_world(&store);
    world.sign_in().await;
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    store.fail(true);
    let data = world
        .browser
        .request(Method::POST, "/api/data")
        .header("x-csrf-token", &world.csrf())
        .json(&json!({"note": "kept?"}));
    assert_refused(&data.send().await, StatusCode::SERVICE_UNAVAILABLE, "store_unavailable");
    let logout = world.browser.request(Method::POST, "/auth/logout").send().await;
    assert_refused(&logout, StatusCode::SERVICE_UNAVAILABLE, "store_unavailable");
    let stranger = world.browser.stranger().visit_following("/auth/login").await;
    assert_eq!(
        stranger.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "{} {}",
        stranger.url,
        stranger.text()
    );
    // The session that could not be ended still counts, as everybody was told.
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    store.fail(false);
    world.advance(1);
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn session_that_was_ended_is_not_served_from_memory() {
    let store = Meddled::default();
    let world = stale_world(&store);
    world.sign_in().await;
    let copy = world.browser.thief();
    assert_eq!(copy.get("/api/me").await.status, StatusCode::OK);
    let logout = world.browser.request(Method::POST, "/auth/logout").send().await;
    assert_eq!(logout.status, StatusCode::OK);
    store.fail(true);
    assert_refused(
        &copy.get("/api/me").await,
        StatusCode::SERVICE_UNAVAILABLE,
        "store_unavailable",
    );
}

#[tokio::test]
async fn session_that_expires_meanwhile_is_over_even_from_memory() {
    let store = Meddled::default();
    let sessions = Sessions::stored(SECRET, store.clone())
        .idle_timeout(Duration::from_secs(30))
        .serve_stale(Duration::from_secs(60));
    let world = World::build(sessions, |builder| builder);
    world.sign_in().await;
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    // A copy that does not go by Max-Age, as the browser's own jar does.
    let handle = world.browser.cookie(SESSION).unwrap();
    let copy = world.browser.stranger();
    let attributes = "Secure; Path=/; HttpOnly; SameSite=Lax";
    copy.set_cookie(&format!("{SESSION}={handle}; {attributes}")).unwrap();
    store.fail(true);
    world.advance(31);
    let answer = copy.get("/api/me").await;
    assert_refused(&answer, StatusCode::UNAUTHORIZED, "session_expired");
}

#[tokio::test]
async fn stranger_is_served_nothing_whatever_was_seen_lately() {
    let store = Meddled::default();
    let world = stale_world(&store);
    world.sign_in().await;
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    store.fail(true);
    let mut forged = world.browser.cookie(SESSION).unwrap();
    forged.replace_range(40..41, if &forged[40..41] == "A" { "B" } else { "A" });
    let stranger = world.browser.stranger();
    stranger
        .set_cookie(&format!("{SESSION}={forged}; Secure; Path=/; HttpOnly; SameSite=Lax"))
        .unwrap();
    assert_refused(
        &stranger.get("/api/me").await,
        StatusCode::SERVICE_UNAVAILABLE,
        "store_unavailable",
    );
}

#[test]
fn limits_that_make_no_sense_are_refused_by_name() {
    let refused = |sessions: Sessions| {
        let built = doorward::Doorward::builder()
            .public_url("https://app.example.com")
            .provider(doorward::Provider::oidc("https://id.example.net", "app", "secret"))
            .session(sessions)
            .build();
        built.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let stored = || Sessions::memory(SECRET);
    assert!(refused(Sessions::cookie(SECRET).serve_stale(Duration::from_secs(60))).contains("session.serve_stale"));
    assert!(refused(stored().serve_stale(Duration::from_secs(301))).contains("session.serve_stale"));
    assert!(refused(stored().serve_stale(Duration::ZERO)).contains("session.serve_stale"));
    assert_eq!(refused(stored().serve_stale(Duration::from_secs(300))), "");
}
