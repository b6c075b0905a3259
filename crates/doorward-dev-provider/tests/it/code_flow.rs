//! From the authorization endpoint to tokens.

use axum::http::StatusCode;
use doorward_dev_provider::ClientSettings;

use crate::browser::{Browser, ISSUER, REDIRECT_URI, SCOPE, VERIFIER, basic};

#[tokio::test]
async fn a_press_of_the_button_leads_to_tokens_for_that_user() {
    let mut browser = Browser::new(|_| ());
    let answer = browser.sign_in("bob@acme.test", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.location().as_str().starts_with(&format!("{REDIRECT_URI}?")));
    assert_eq!(answer.location_param("state").as_deref(), Some("the state & <more>"));
    assert_eq!(answer.location_param("iss").as_deref(), Some(ISSUER));
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("doorward-provider=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));

    let answer = browser.redeem(&answer.location_param("code").unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    let tokens = answer.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 300);
    assert_eq!(tokens["scope"], SCOPE);
    assert_eq!(tokens["refresh_token"].as_str().unwrap().len(), 43);

    let claims = browser.verified(tokens["id_token"].as_str().unwrap(), "JWT").await;
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["aud"], "doorward-dev");
    assert_eq!(claims["nonce"], "the-nonce");
    assert_eq!(claims["email"], "bob@acme.test");
    assert_eq!(claims["email_verified"], true);
    assert_eq!(claims["name"], "Bob Baker");
    assert_eq!(claims["roles"], serde_json::json!(["member"]));
    assert_eq!(claims["tenant"], "acme");
    assert_eq!(claims["acr"], "pwd");
    for name in ["auth_time", "iat", "exp"] {
        assert!(claims[name].is_u64(), "{name}");
    }
    assert!(!claims["sid"].as_str().unwrap().is_empty());
    let access_token = tokens["access_token"].as_str().unwrap();
    let hash = doorward_crypto::half_hash(doorward_crypto::Algorithm::Rs256, access_token.as_bytes()).unwrap();
    assert_eq!(claims["at_hash"], hash);

    let userinfo = browser.userinfo(access_token).await.json();
    assert_eq!(userinfo["sub"], claims["sub"]);
    assert_eq!(userinfo["roles"], claims["roles"]);
}

#[tokio::test]
async fn a_second_login_of_the_same_browser_asks_nothing() {
    let mut browser = Browser::new(|_| ());
    browser.sign_in("alice@acme.test", &[]).await;
    let answer = browser.authorize(&[]).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert!(answer.location_param("code").is_some());
    assert!(answer.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn auto_login_answers_without_a_page() {
    let mut browser = Browser::new(|settings| settings.auto_login = Some("carol@globex.test".into()));
    let code = browser.authorize(&[]).await.location_param("code").unwrap();
    let tokens = browser.redeem(&code).await.json();
    let claims = browser.verified(tokens["id_token"].as_str().unwrap(), "JWT").await;
    assert_eq!(claims["tenant"], "globex");
    browser.provider.set_auto_login(None).unwrap();
    assert_eq!(
        Browser::of(&browser.provider).authorize(&[]).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn cancelling_is_told_to_the_client() {
    let mut browser = Browser::new(|_| ());
    let mut pairs = browser.authorize(&[]).await.hidden();
    pairs.push(("action".into(), "cancel".into()));
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let answer = browser.post("/authorize/login", &pairs).await;
    assert_eq!(answer.location_param("error").as_deref(), Some("access_denied"));
    assert_eq!(answer.location_param("iss").as_deref(), Some(ISSUER));
    assert!(browser.cookie.is_none());
}

#[tokio::test]
async fn an_authorization_request_may_come_by_post() {
    let mut browser = Browser::new(|settings| settings.auto_login = Some("alice@acme.test".into()));
    let answer = browser.post("/authorize", &crate::browser::authorize_params(&[])).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.location_param("code").is_some());
}

#[tokio::test]
async fn a_wrong_or_missing_verifier_is_refused_and_spends_the_code() {
    let mut browser = Browser::new(|_| ());
    let wrong = "x".repeat(43);
    for (verifier, error) in [
        (wrong.as_str(), "invalid_grant"),
        ("short", "invalid_grant"),
        ("", "invalid_request"),
    ] {
        let code = browser
            .sign_in("alice@acme.test", &[("prompt", "login")])
            .await
            .location_param("code")
            .unwrap();
        let answer = browser
            .token(&[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", REDIRECT_URI),
                ("code_verifier", verifier),
            ])
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.error(), error, "{verifier}");
        if error == "invalid_grant" {
            assert_eq!(browser.redeem(&code).await.error(), "invalid_grant");
        }
    }
}

#[tokio::test]
async fn a_replayed_code_is_refused_and_revokes_what_it_gave() {
    let mut browser = Browser::new(|_| ());
    let code = browser
        .sign_in("alice@acme.test", &[])
        .await
        .location_param("code")
        .unwrap();
    let tokens = browser.redeem(&code).await.json();
    let access_token = tokens["access_token"].as_str().unwrap();
    assert_eq!(browser.userinfo(access_token).await.status, StatusCode::OK);
    assert_eq!(browser.redeem(&code).await.error(), "invalid_grant");
    assert_eq!(browser.userinfo(access_token).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        browser.refresh(tokens["refresh_token"].as_str().unwrap()).await.error(),
        "invalid_grant"
    );
}

#[tokio::test]
async fn a_code_lives_for_a_minute() {
    let mut browser = Browser::new(|_| ());
    for (seconds, status) in [(58, StatusCode::OK), (60, StatusCode::BAD_REQUEST)] {
        let code = browser
            .sign_in("alice@acme.test", &[("prompt", "login")])
            .await
            .location_param("code")
            .unwrap();
        browser.provider.advance_clock(seconds);
        assert_eq!(browser.redeem(&code).await.status, status, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_code_is_good_for_its_redirect_uri_and_its_client_only() {
    let mut browser = Browser::new(|settings| {
        settings.clients.push(ClientSettings {
            client_id: "other".into(),
            client_secret: Some("another-secret-of-some-length-0123456789".into()),
            keys: None,
            redirect_uris: vec![],
            post_logout_redirect_uris: vec![],
            backchannel_logout_uri: None,
            frontchannel_logout_uri: None,
        });
    });
    let code = browser
        .sign_in("alice@acme.test", &[])
        .await
        .location_param("code")
        .unwrap();
    let request = |redirect_uri| {
        [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", VERIFIER),
        ]
    };
    // A foreign client neither gets the code nor spends it.
    let foreign = basic("other", "another-secret-of-some-length-0123456789");
    let answer = browser
        .post_with("/token", &request(REDIRECT_URI), &[("authorization", &foreign)])
        .await;
    assert_eq!(answer.error(), "invalid_grant");
    assert_eq!(
        browser.token(&request("http://localhost:6001/elsewhere")).await.error(),
        "invalid_grant"
    );
    assert_eq!(browser.token(&request(REDIRECT_URI)).await.error(), "invalid_grant");
}

#[tokio::test]
async fn without_openid_there_is_no_id_token_and_no_userinfo() {
    let mut browser = Browser::new(|_| ());
    let tokens = browser.tokens("alice@acme.test", &[("scope", "orders.read")]).await;
    assert!(tokens.get("id_token").is_none() && tokens.get("refresh_token").is_none());
    let answer = browser.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.header("www-authenticate").contains("insufficient_scope"));
}

#[tokio::test]
async fn registered_redirect_uris_beyond_loopback_work() {
    let uri = "https://app.acme.test:6001/auth/callback";
    let mut browser = Browser::new(|settings| settings.extra_redirect_uris = vec![uri.to_owned()]);
    let answer = browser.sign_in("alice@acme.test", &[("redirect_uri", uri)]).await;
    assert!(answer.location().as_str().starts_with(uri));
    let refused = browser
        .authorize(&[("redirect_uri", "https://evil.test/auth/callback")])
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.headers.get("location").is_none());
}

#[tokio::test]
async fn unknown_grants_and_garbage_are_refused() {
    let mut browser = Browser::new(|_| ());
    assert_eq!(
        browser.token(&[("grant_type", "password")]).await.error(),
        "unsupported_grant_type"
    );
    assert_eq!(browser.token(&[]).await.error(), "invalid_request");
    assert_eq!(browser.redeem("no-such-code").await.error(), "invalid_grant");
    let twice = [("grant_type", "refresh_token"), ("grant_type", "refresh_token")];
    assert_eq!(browser.token(&twice).await.error(), "invalid_request");
    assert_eq!(
        browser
            .post_with("/token", &[], &[("content-type", "text/plain")])
            .await
            .error(),
        "invalid_client"
    );
    assert_eq!(browser.get("/token").await.status, StatusCode::METHOD_NOT_ALLOWED);
}
