//! What tests turn, and who may turn it.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::json;

use crate::browser::{Browser, ISSUER};

#[tokio::test]
async fn calls_are_counted_under_their_grant() {
    let mut browser = Browser::new(|_| ());
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    browser.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    browser.refresh("garbage").await;
    browser.token(&[("grant_type", "strange")]).await;
    browser.userinfo(tokens["access_token"].as_str().unwrap()).await;
    browser.get("/jwks").await;
    let stats = browser.get("/_control/stats").await.json();
    assert_eq!(stats, browser.provider.stats());
    assert_eq!(stats["authorize"], 1);
    assert_eq!(stats["login"], 1);
    assert_eq!(stats["userinfo"], 1);
    assert_eq!(stats["jwks"], 1);
    assert_eq!(stats["revoke"], 0);
    let expected = json!({ "authorization_code": 1, "refresh_token": 2, "client_credentials": 0, "other": 1 });
    assert_eq!(stats["token"], expected);
}

#[tokio::test]
async fn foreign_pages_cannot_reach_the_controls() {
    let mut browser = Browser::new(|settings| settings.expose_minted = true);
    for (name, value) in [
        ("origin", "https://evil.test"),
        ("origin", "http://localhost:6001"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for path in ["/_control/settings", "/_control/backchannel-logout"] {
            let request = Request::post(path)
                .header(header::CONTENT_TYPE, "application/json")
                .header(name, value);
            let answer = browser.send(request.body(Body::from("{}")).unwrap()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {name}: {value}");
        }
        for path in ["/_control/stats", "/_control/settings", "/_control/minted"] {
            let answer = browser
                .send(Request::get(path).header(name, value).body(Body::empty()).unwrap())
                .await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {name}: {value}");
        }
    }
    for (name, value) in [
        ("origin", ISSUER),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
    ] {
        let request =
            Request::post("/_control/settings").header(header::CONTENT_TYPE, "application/json; charset=utf-8");
        let answer = browser
            .send(request.header(name, value).body(Body::from("{}")).unwrap())
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_control_request_that_is_not_json_is_refused() {
    let mut browser = Browser::new(|_| ());
    for path in ["/_control/settings", "/_control/backchannel-logout"] {
        for content_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
            let request = Request::post(path).header(header::CONTENT_TYPE, content_type);
            let answer = browser.send(request.body(Body::from("{}")).unwrap()).await;
            assert_eq!(
                answer.status,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "{path} {content_type}"
            );
        }
        let bare = Request::post(path).body(Body::from("{}")).unwrap();
        assert_eq!(browser.send(bare).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}

#[tokio::test]
async fn a_faulty_setting_is_named_and_nothing_changes() {
    let mut browser = Browser::new(|_| ());
    let before = browser.get("/_control/settings").await.body;
    for (settings, named) in [
        (json!({ "access_token_tll": 5 }), "access_token_tll"),
        (json!({ "access_token_ttl": "5" }), "access_token_ttl"),
        (json!({ "access_token_ttl": -5 }), "access_token_ttl"),
        (
            json!({ "refresh_token_rotation": "sometimes" }),
            "refresh_token_rotation",
        ),
        (json!({ "refresh_token": "no" }), "refresh_token"),
        (json!({ "auto_login": "mallory@acme.test" }), "auto_login"),
        (json!({ "rotate_keys": 1 }), "rotate_keys"),
        (json!({ "delays": 5 }), "delays"),
        (json!({ "delays": { "tokens": 5 } }), "delays.tokens"),
        (json!({ "delays": { "token": 1e9 } }), "delays.token"),
        (json!({ "errors": { "token": 503 } }), "errors.token"),
        (
            json!({ "errors": { "token": { "status": 200 } } }),
            "errors.token.status",
        ),
        (
            json!({ "errors": { "token": { "error": "a b" } } }),
            "errors.token.error",
        ),
        (json!({ "errors": { "token": { "count": 0 } } }), "errors.token.count"),
        (json!({ "errors": { "token": { "colour": 1 } } }), "errors.token.colour"),
        (json!({ "errors": { "jwk": {} } }), "errors.jwk"),
        (json!({ "access_token_ttl": 5, "zzz": 1 }), "zzz"),
    ] {
        let answer = browser.settings(settings.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{settings}");
        let description = answer.json()["error_description"].as_str().unwrap().to_owned();
        assert!(
            description.contains(&format!("\"{named}\"")),
            "{settings}: {description}"
        );
    }
    for body in ["", "[]", "{", "{\"auto_login\":null,\"auto_login\":null}"] {
        let request = Request::post("/_control/settings").header(header::CONTENT_TYPE, "application/json");
        let answer = browser.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(browser.get("/_control/settings").await.body, before);
}

#[tokio::test]
async fn settings_take_effect_at_once() {
    let mut browser = Browser::new(|_| ());
    let settings = json!({
        "access_token_ttl": 7, "refresh_token_rotation": "off", "auto_login": "bob@acme.test",
        "delays": { "userinfo": 20 },
    });
    let answer = browser.settings(settings).await.json();
    assert_eq!(answer["access_token_ttl"], 7);
    assert_eq!(answer["refresh_token_rotation"], "off");
    assert_eq!(answer["delays"], json!({ "userinfo": 20 }));
    let code = browser.authorize(&[]).await.location_param("code").unwrap();
    let tokens = browser.redeem(&code).await.json();
    assert_eq!(tokens["expires_in"], 7);
    let started = tokio::time::Instant::now();
    let userinfo = browser.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert!(started.elapsed().as_millis() >= 20);
    assert_eq!(userinfo.json()["email"], "bob@acme.test");
    let answer = browser
        .settings(json!({ "auto_login": null, "delays": { "userinfo": 0 } }))
        .await
        .json();
    assert_eq!((&answer["auto_login"], &answer["delays"]), (&json!(null), &json!({})));
}

#[tokio::test]
async fn errors_come_as_often_as_asked_for_and_change_nothing() {
    let mut browser = Browser::new(|_| ());
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let fault = json!({ "status": 503, "error": "temporarily_unavailable", "retry_after": 2, "count": 2 });
    browser.settings(json!({ "errors": { "token": fault } })).await;
    for _ in 0..2 {
        let answer = browser.refresh(refresh_token).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.error(), "temporarily_unavailable");
        assert_eq!(answer.header("retry-after"), "2");
    }
    assert_eq!(browser.refresh(refresh_token).await.status, StatusCode::OK);
    assert_eq!(browser.provider.stats()["token"]["refresh_token"], 3);

    browser
        .settings(json!({ "errors": { "jwks": { "status": 500 }, "userinfo": { "status": 429 } } }))
        .await;
    for _ in 0..2 {
        assert_eq!(browser.get("/jwks").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    }
    browser.settings(json!({ "errors": { "jwks": null } })).await;
    assert_eq!(browser.get("/jwks").await.status, StatusCode::OK);
    assert_eq!(browser.get("/userinfo").await.status, StatusCode::TOO_MANY_REQUESTS);
    browser.settings(json!({ "errors": null })).await;
    assert_eq!(browser.get("/userinfo").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_authorization_error_without_status_goes_back_to_the_client() {
    let mut browser = Browser::new(|_| ());
    browser
        .settings(json!({ "errors": { "authorize": { "error": "access_denied", "count": 1 } } }))
        .await;
    let answer = browser.authorize(&[]).await;
    assert_eq!(answer.location_param("error").as_deref(), Some("access_denied"));
    assert_eq!(browser.authorize(&[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_secret_of_a_run_is_known_and_shown_only_where_asked_for() {
    let mut browser = Browser::new(|_| ());
    assert_eq!(browser.get("/_control/minted").await.status, StatusCode::NOT_FOUND);
    let mut browser = Browser::new(|settings| settings.expose_minted = true);
    let code = browser
        .sign_in("alice@acme.test", &[])
        .await
        .location_param("code")
        .unwrap();
    let tokens = browser.redeem(&code).await.json();
    let minted: Vec<String> = serde_json::from_str(&browser.get("/_control/minted").await.body).unwrap();
    assert_eq!(minted, browser.provider.minted_secrets());
    let cookie = browser.cookie.as_deref().unwrap().split_once('=').unwrap().1;
    let secrets = [
        code.as_str(),
        cookie,
        browser.provider.client_secret().expose(),
        tokens["access_token"].as_str().unwrap(),
        tokens["refresh_token"].as_str().unwrap(),
        tokens["id_token"].as_str().unwrap(),
    ];
    for secret in secrets {
        assert!(minted.iter().any(|known| known == secret));
    }
}
