//! The provider's own session: silent requests, step-up, age.

use axum::http::StatusCode;

use crate::browser::{Browser, authorize_params};

#[tokio::test]
async fn prompt_none_without_session_is_login_required() {
    let mut browser = Browser::new(|_| ());
    let answer = browser.authorize(&[("prompt", "none")]).await;
    assert_eq!(answer.location_param("error").as_deref(), Some("login_required"));
    assert_eq!(answer.location_param("state").as_deref(), Some("the state & <more>"));
    browser.sign_in("alice@acme.test", &[]).await;
    assert!(
        browser
            .authorize(&[("prompt", "none")])
            .await
            .location_param("code")
            .is_some()
    );
    // A session ends by itself.
    browser.provider.advance_clock(12 * 3600);
    let answer = browser.authorize(&[("prompt", "none")]).await;
    assert_eq!(answer.location_param("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn a_step_up_gives_a_new_time_and_context_in_the_same_session() {
    let mut browser = Browser::new(|_| ());
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    let before = browser.verified(tokens["id_token"].as_str().unwrap(), "JWT").await;
    let old_cookie = browser.cookie.clone();
    browser.provider.advance_clock(100);
    let tokens = browser
        .tokens("alice@acme.test", &[("max_age", "60"), ("acr_values", "mfa")])
        .await;
    let after = browser.verified(tokens["id_token"].as_str().unwrap(), "JWT").await;
    assert_eq!(before["acr"], "pwd");
    assert_eq!(after["acr"], "mfa");
    assert!(after["auth_time"].as_u64().unwrap() >= before["auth_time"].as_u64().unwrap() + 100);
    assert_eq!(before["sid"], after["sid"]);
    assert_ne!(old_cookie, browser.cookie);
    // The session is now strong enough for either.
    assert!(
        browser
            .authorize(&[("acr_values", "mfa")])
            .await
            .location_param("code")
            .is_some()
    );
}

#[tokio::test]
async fn another_person_gets_another_session_and_the_old_cookie_is_dead() {
    let mut browser = Browser::new(|_| ());
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    let alice = browser.verified(tokens["id_token"].as_str().unwrap(), "JWT").await;
    let old_cookie = browser.cookie.clone();
    let tokens = browser.tokens("bob@acme.test", &[("prompt", "select_account")]).await;
    let bob = browser.verified(tokens["id_token"].as_str().unwrap(), "JWT").await;
    assert_ne!(alice["sid"], bob["sid"]);
    browser.cookie = old_cookie;
    assert_eq!(browser.authorize(&[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_login_form_posted_by_another_site_is_refused() {
    let mut browser = Browser::new(|_| ());
    let mut pairs = authorize_params(&[]);
    pairs.push(("user", "bob@acme.test"));
    for header in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.test"),
    ] {
        let answer = browser.post_with("/authorize/login", &pairs, &[header]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{header:?}");
        assert!(browser.cookie.is_none());
    }
    assert_eq!(
        browser.post("/authorize/login", &pairs).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_login_form_is_judged_like_the_request_it_repeats() {
    let mut browser = Browser::new(|_| ());
    let with_user = |changes: &[(&'static str, &'static str)], user| {
        let mut pairs = authorize_params(changes);
        pairs.push(("user", user));
        pairs
    };
    let evil = with_user(&[("redirect_uri", "https://evil.test/")], "bob@acme.test");
    assert_eq!(
        browser.post("/authorize/login", &evil).await.status,
        StatusCode::BAD_REQUEST
    );
    let plain = with_user(&[("code_challenge_method", "plain")], "bob@acme.test");
    let answer = browser.post("/authorize/login", &plain).await;
    assert_eq!(answer.location_param("error").as_deref(), Some("invalid_request"));
    let nobody = with_user(&[], "mallory@acme.test");
    assert_eq!(
        browser.post("/authorize/login", &nobody).await.status,
        StatusCode::BAD_REQUEST
    );
    assert!(browser.cookie.is_none());
}
