//! Logout tokens on demand, among them every kind that an application has to refuse.

use axum::http::StatusCode;
use doorward_crypto::{JwsError, JwsPolicy, KeySet, base64url_decode, verify};
use serde_json::{Map, Value, json};

use crate::browser::{Browser, ISSUER};
use crate::logout::{application, control};

const URI: &str = "http://localhost:1/auth/backchannel-logout";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Has a token made without sending it.
async fn made(browser: &mut Browser, patch: Value) -> String {
    let mut order = json!({ "sub": "alice@acme.test", "sid": "session-1", "copies": 0 });
    order
        .as_object_mut()
        .unwrap()
        .extend(patch.as_object().unwrap().clone());
    let answer = control(browser, order).await;
    assert_eq!(answer.status, StatusCode::OK, "{patch}: {}", answer.body);
    let sent = answer.json();
    assert_eq!(sent["sent"].as_array().unwrap().len(), 1);
    assert!(sent["sent"][0]["status"].is_null());
    sent["sent"][0]["token"].as_str().unwrap().to_owned()
}

async fn keys(browser: &mut Browser) -> KeySet {
    KeySet::parse(browser.get("/jwks").await.body.as_bytes()).unwrap()
}

fn segment(token: &str, index: usize) -> Map<String, Value> {
    let bytes = base64url_decode(token.split('.').nth(index).unwrap().as_bytes()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn signature_of(token: &str, keys: &KeySet) -> Result<(), JwsError> {
    let policy = JwsPolicy {
        algorithms: doorward_crypto::Algorithm::ALL,
        refused_types: &[],
        required_type: None,
    };
    verify(token, keys, &policy).map(|_| ())
}

#[tokio::test]
async fn an_order_without_changes_makes_an_honest_token() {
    let mut browser = Browser::new(|_| ());
    let token = made(&mut browser, json!({})).await;
    let claims = browser.verified(&token, "logout+jwt").await;
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["aud"], "doorward-dev");
    assert_eq!(claims["sid"], "session-1");
    assert_eq!(claims["events"], json!({ EVENT: {} }));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 120);
    let other = made(&mut browser, json!({})).await;
    assert_ne!(segment(&token, 1)["jti"], segment(&other, 1)["jti"]);
    let stats = browser.get("/_control/stats").await.json();
    assert_eq!(stats["backchannel_logout"], 0, "a token that is only made is not sent");
}

#[tokio::test]
async fn a_token_names_a_user_a_session_or_both() {
    let mut browser = Browser::new(|_| ());
    let tokens = browser.tokens("bob@acme.test", &[]).await;
    let bob = browser.verified(tokens["id_token"].as_str().unwrap(), "JWT").await;
    for (order, sub, sid) in [
        (json!({"sub": "bob@acme.test"}), Some(&bob["sub"]), None),
        (json!({"sub": bob["sub"]}), Some(&bob["sub"]), None),
        (
            json!({"sub": "bob@acme.test", "sid": bob["sid"]}),
            Some(&bob["sub"]),
            Some(&bob["sid"]),
        ),
        (json!({"sid": bob["sid"]}), Some(&bob["sub"]), Some(&bob["sid"])),
        (json!({"sid": bob["sid"], "sub": null}), None, Some(&bob["sid"])),
        (json!({"sid": "unknown"}), None, Some(&json!("unknown"))),
        (json!({"sub": "nobody"}), Some(&json!("nobody")), None),
    ] {
        let mut order = order;
        order["copies"] = json!(0);
        let answer = control(&mut browser, order.clone()).await.json();
        let claims = segment(answer["sent"][0]["token"].as_str().unwrap(), 1);
        assert_eq!((claims.get("sub"), claims.get("sid")), (sub, sid), "{order}");
        assert_eq!(answer["sent"][0]["sub"], json!(sub), "{order}");
        assert_eq!(answer["sent"][0]["sid"], json!(sid), "{order}");
    }
}

#[tokio::test]
async fn every_claim_can_be_changed_or_left_out() {
    let mut browser = Browser::new(|_| ());
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!(["doorward-dev", "stranger"])),
        ("nonce", json!(null)),
        ("events", json!({})),
        ("jti", json!("the-same-again")),
        ("exp", json!("soon")),
    ] {
        let token = made(&mut browser, json!({"claims": { name: value }})).await;
        let claims = browser.verified(&token, "logout+jwt").await;
        assert_eq!(claims[name], value);
    }
    for name in ["iss", "aud", "iat", "exp", "jti", "events", "sub", "sid"] {
        let token = made(&mut browser, json!({ "omit": [name] })).await;
        let claims = browser.verified(&token, "logout+jwt").await;
        assert!(claims.get(name).is_none(), "{name}");
    }
    let token = made(&mut browser, json!({"omit": ["sub", "sid"]})).await;
    let claims = segment(&token, 1);
    assert!(!claims.contains_key("sub") && !claims.contains_key("sid"));
}

#[tokio::test]
async fn a_token_can_be_as_old_as_asked() {
    let mut browser = Browser::new(|_| ());
    let now = segment(&made(&mut browser, json!({})).await, 1)["iat"]
        .as_u64()
        .unwrap();
    let old = segment(&made(&mut browser, json!({"age": 700})).await, 1);
    let issued_at = old["iat"].as_u64().unwrap();
    assert!((now - 700..now - 690).contains(&issued_at), "{issued_at} at {now}");
    assert_eq!(old["exp"], issued_at + 120);
}

#[tokio::test]
async fn type_and_signature_can_be_wrong() {
    let mut browser = Browser::new(|_| ());
    let keys = keys(&mut browser).await;
    for typ in ["at+jwt", "JWT"] {
        let token = made(&mut browser, json!({ "typ": typ })).await;
        assert_eq!(segment(&token, 0)["typ"], typ);
        assert_eq!(signature_of(&token, &keys), Ok(()));
    }
    let honest = made(&mut browser, json!({"signature": "valid"})).await;
    assert_eq!(signature_of(&honest, &keys), Ok(()));

    let unsigned = made(&mut browser, json!({"signature": "none"})).await;
    assert_eq!(segment(&unsigned, 0)["alg"], "none");
    assert!(unsigned.ends_with('.') && segment(&unsigned, 1)["events"].is_object());

    let broken = made(&mut browser, json!({"signature": "broken"})).await;
    assert_eq!(segment(&broken, 0), segment(&honest, 0));
    assert_eq!(signature_of(&broken, &keys), Err(JwsError::SignatureInvalid));

    let foreign = made(&mut browser, json!({"signature": "foreign_key"})).await;
    assert_eq!(segment(&foreign, 0)["alg"], "RS256");
    assert_eq!(signature_of(&foreign, &keys), Err(JwsError::UnknownKey));
}

#[tokio::test]
async fn one_token_can_be_sent_several_times() {
    let (uri, mut received) = application().await;
    let mut browser = Browser::new(|_| ());
    let order = json!({ "sub": "bob@acme.test", "uri": uri, "copies": 3 });
    let answer = control(&mut browser, order).await.json();
    assert_eq!(answer["sent"].as_array().unwrap().len(), 3);
    for entry in answer["sent"].as_array().unwrap() {
        assert_eq!(entry["status"], 200);
        let body = received.recv().await.unwrap();
        assert_eq!(body, format!("logout_token={}", entry["token"].as_str().unwrap()));
        assert_eq!(entry["token"], answer["sent"][0]["token"]);
    }
    let stats = browser.get("/_control/stats").await.json();
    assert_eq!(stats["backchannel_logout"], 3);
}

#[tokio::test]
async fn the_client_named_is_the_audience_and_the_one_that_is_told() {
    let (uri, mut received) = application().await;
    let mut browser = Browser::new(|settings| settings.backchannel_logout_uri = Some(uri));
    let order = json!({ "sub": "bob@acme.test", "client_id": "doorward-dev" });
    assert_eq!(control(&mut browser, order).await.json()["sent"][0]["status"], 200);
    assert!(received.recv().await.is_some());
    let stranger = json!({ "sub": "bob@acme.test", "client_id": "stranger" });
    assert_eq!(control(&mut browser, stranger).await.status, StatusCode::BAD_REQUEST);
    let token = made(&mut browser, json!({"client_id": "stranger"})).await;
    assert_eq!(segment(&token, 1)["aud"], "stranger");
}

#[tokio::test]
async fn senseless_changes_are_refused() {
    let mut browser = Browser::new(|_| ());
    for patch in [
        json!({"typ": ""}),
        json!({"typ": 7}),
        json!({"client_id": null}),
        json!({"signature": "hmac"}),
        json!({"signature": null}),
        json!({"claims": []}),
        json!({"claims": null}),
        json!({"omit": "jti"}),
        json!({"omit": [7]}),
        json!({"age": -1}),
        json!({"copies": 101}),
        json!({"copies": "2"}),
        json!({"sub": null, "sid": ""}),
        json!({"sub": null}),
    ] {
        let mut order = json!({ "sub": "bob@acme.test", "uri": URI });
        order
            .as_object_mut()
            .unwrap()
            .extend(patch.as_object().unwrap().clone());
        assert_eq!(
            control(&mut browser, order).await.status,
            StatusCode::BAD_REQUEST,
            "{patch}"
        );
    }
}
