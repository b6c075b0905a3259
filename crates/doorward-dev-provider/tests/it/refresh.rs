//! Refresh tokens: off, rotating, and with reuse detection.

use axum::http::StatusCode;
use doorward_dev_provider::RefreshTokenRotation::{Off, On, ReuseDetection};

use crate::browser::Browser;

#[tokio::test]
async fn without_rotation_a_refresh_token_stays_good_and_none_is_returned() {
    let mut browser = Browser::new(|settings| settings.refresh_token_rotation = Off);
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    for _ in 0..2 {
        let answer = browser.refresh(refresh_token).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.json().get("refresh_token").is_none());
    }
}

#[tokio::test]
async fn with_rotation_a_used_refresh_token_is_refused_and_its_successor_lives() {
    let mut browser = Browser::new(|settings| settings.refresh_token_rotation = On);
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    let first = tokens["refresh_token"].as_str().unwrap();
    let second = browser.refresh(first).await.json()["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(first, second);
    assert_eq!(browser.refresh(first).await.error(), "invalid_grant");
    assert_eq!(browser.refresh(&second).await.status, StatusCode::OK);
}

#[tokio::test]
async fn with_reuse_detection_a_second_use_revokes_the_family() {
    let mut browser = Browser::new(|settings| settings.refresh_token_rotation = ReuseDetection);
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    let first = tokens["refresh_token"].as_str().unwrap();
    let renewed = browser.refresh(first).await.json();
    assert_eq!(browser.refresh(first).await.error(), "invalid_grant");
    assert_eq!(
        browser
            .refresh(renewed["refresh_token"].as_str().unwrap())
            .await
            .error(),
        "invalid_grant"
    );
    assert_eq!(
        browser.userinfo(renewed["access_token"].as_str().unwrap()).await.status,
        StatusCode::UNAUTHORIZED
    );
    // Another login of the same person is another family.
    let other = browser.tokens("alice@acme.test", &[("prompt", "login")]).await;
    assert_eq!(
        browser.refresh(other["refresh_token"].as_str().unwrap()).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_refreshed_id_token_tells_of_the_same_login() {
    let mut browser = Browser::new(|_| ());
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    let before = browser.verified(tokens["id_token"].as_str().unwrap(), "JWT").await;
    browser.provider.advance_clock(100);
    let renewed = browser.refresh(tokens["refresh_token"].as_str().unwrap()).await.json();
    let after = browser.verified(renewed["id_token"].as_str().unwrap(), "JWT").await;
    for name in ["iss", "sub", "aud", "auth_time", "sid"] {
        assert_eq!(before[name], after[name], "{name}");
    }
    assert!(after.get("nonce").is_none());
    assert!(after["iat"].as_u64() > before["iat"].as_u64());
    assert_ne!(before["at_hash"], after["at_hash"]);
}

#[tokio::test]
async fn a_refresh_may_narrow_the_scope_and_never_widen_it() {
    let mut browser = Browser::new(|_| ());
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let with_scope = |scope| {
        [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("scope", scope),
        ]
    };
    // Refusing a scope does not spend the token.
    assert_eq!(
        browser.token(&with_scope("openid admin")).await.error(),
        "invalid_scope"
    );
    assert_eq!(browser.token(&with_scope("openid")).await.json()["scope"], "openid");
}

#[tokio::test]
async fn refresh_tokens_end_and_can_be_withheld() {
    let mut browser = Browser::new(|_| ());
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    browser.provider.advance_clock(14 * 24 * 3600);
    assert_eq!(
        browser.refresh(tokens["refresh_token"].as_str().unwrap()).await.error(),
        "invalid_grant"
    );

    assert!(
        browser
            .tokens("alice@acme.test", &[("scope", "openid")])
            .await
            .get("refresh_token")
            .is_none()
    );
    browser.settings(serde_json::json!({ "refresh_token": false })).await;
    let tokens = browser.tokens("alice@acme.test", &[("prompt", "login")]).await;
    assert!(tokens.get("refresh_token").is_none());
    assert_eq!(browser.refresh("no-such-token").await.error(), "invalid_grant");
}
