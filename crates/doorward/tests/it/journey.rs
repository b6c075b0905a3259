//! Login, protected calls, refresh, logout: the everyday path.

use http::{Method, StatusCode};
use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_signed_in_browser_reaches_the_handler_and_a_stranger_does_not() {
    let world = World::new();
    let refused = world.browser.get("/api/me").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.problem_code(), "session_missing");
    assert_eq!(world.handled(), 0);

    world.sign_in().await;
    let passed = world.browser.get("/api/me").await;
    assert_eq!(passed.status, StatusCode::OK);
    assert_eq!(passed.json::<serde_json::Value>()["subject"], "alice");
    assert_eq!(
        world.browser.stranger().get("/api/me").await.status,
        StatusCode::UNAUTHORIZED
    );
}

// weakness: M4
#[tokio::test]
async fn an_unsafe_method_needs_the_csrf_token() {
    let world = World::new();
    world.sign_in().await;
    let bare = world.browser.post_json("/api/me", &json!({})).await;
    assert_eq!(
        (bare.status, bare.problem_code().as_str()),
        (StatusCode::FORBIDDEN, "csrf_missing")
    );
    assert_eq!(world.handled(), 0);
    let with_token = world
        .browser
        .request(Method::POST, "/api/me")
        .json(&json!({}))
        .header("x-csrf-token", &world.csrf())
        .send()
        .await;
    assert_eq!(with_token.status, StatusCode::OK);
}

// weakness: S1
#[tokio::test]
async fn logout_ends_the_session_here_and_the_old_cookie_stays_dead() {
    let world = World::new();
    world.sign_in().await;
    let thief = world.browser.thief();
    let answer = world.browser.request(Method::POST, "/auth/logout").send().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert!(
        answer.json::<serde_json::Value>()["logoutUrl"]
            .as_str()
            .unwrap()
            .starts_with("https://id.example.net/")
    );
    assert_eq!(world.browser.get("/api/me").await.problem_code(), "session_missing");
    // attacks: E7
    assert_eq!(thief.get("/api/me").await.problem_code(), "session_revoked");
}

// weakness: M17
#[tokio::test]
async fn tokens_are_renewed_ahead_of_their_end_and_the_handler_sees_the_new_ones() {
    let world = World::new();
    world.sign_in().await;
    let before = world.browser.get("/api/token").await.text().to_owned();
    world.advance(290);
    let after = world.browser.get("/api/token").await.text().to_owned();
    assert_ne!(before, after);
    assert_eq!(world.provider.token_calls("refresh_token"), 1);
    assert_eq!(world.browser.get("/api/token").await.text(), after);
    assert_eq!(world.provider.token_calls("refresh_token"), 1);
}
