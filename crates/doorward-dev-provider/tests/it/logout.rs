//! Ending the provider's session, and telling applications of it.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Request, StatusCode, header},
    routing::post,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::browser::{Answer, Browser, ISSUER, encode};

const HOME: &str = "http://localhost:6001/";

pub(crate) async fn end_session(browser: &mut Browser, pairs: &[(&str, &str)]) -> Answer {
    browser.get(&format!("/end_session?{}", encode(pairs))).await
}

async fn is_signed_in(browser: &mut Browser) -> bool {
    browser
        .authorize(&[("prompt", "none")])
        .await
        .location_param("code")
        .is_some()
}

#[tokio::test]
async fn the_id_token_of_this_session_ends_it_without_a_question() {
    let mut browser = Browser::new(|_| ());
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    browser.provider.advance_clock(7_200); // an expired hint is as good
    let hint = tokens["id_token"].as_str().unwrap();
    let pairs = [
        ("id_token_hint", hint),
        ("post_logout_redirect_uri", HOME),
        ("state", "a b"),
    ];
    let answer = end_session(&mut browser, &pairs).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.location().as_str(), "http://localhost:6001/?state=a+b");
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert!(browser.cookie.is_none());
    assert!(!is_signed_in(&mut browser).await);
    // Again, with nobody signed in: straight back.
    assert_eq!(end_session(&mut browser, &pairs).await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn without_a_fitting_id_token_the_person_is_asked() {
    let mut browser = Browser::new(|_| ());
    let old = browser.tokens("alice@acme.test", &[]).await;
    browser.tokens("bob@acme.test", &[("prompt", "login")]).await;
    for pairs in [
        vec![
            ("client_id", "doorward-dev"),
            ("post_logout_redirect_uri", HOME),
            ("state", "s"),
        ],
        vec![
            ("id_token_hint", old["id_token"].as_str().unwrap()),
            ("post_logout_redirect_uri", HOME),
            ("state", "s"),
        ],
        vec![
            ("id_token_hint", "forged"),
            ("client_id", "doorward-dev"),
            ("post_logout_redirect_uri", HOME),
        ],
        vec![],
    ] {
        // A link alone cannot confirm itself.
        let mut pairs = pairs;
        pairs.push(("confirm", "yes"));
        let page = end_session(&mut browser, &pairs).await;
        assert_eq!(page.status, StatusCode::OK, "{pairs:?}");
        assert!(page.body.contains("Sign out?") && page.body.contains("Bob Baker"));
        assert!(is_signed_in(&mut browser).await);
    }

    let mut fields = end_session(
        &mut browser,
        &[("client_id", "doorward-dev"), ("post_logout_redirect_uri", HOME)],
    )
    .await
    .hidden();
    fields.push(("confirm".into(), "yes".into()));
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let foreign = browser
        .post_with("/end_session", &fields, &[("sec-fetch-site", "cross-site")])
        .await;
    assert!(foreign.body.contains("Sign out?"));
    assert!(is_signed_in(&mut browser).await);
    let answer = browser
        .post_with("/end_session", &fields, &[("sec-fetch-site", "same-origin")])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location().as_str(), HOME);
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_the_clients() {
    let mut browser = Browser::new(|settings| settings.extra_post_logout_uris = vec!["https://app.acme.test/".into()]);
    let known = ("client_id", "doorward-dev");
    for (pairs, status) in [
        (
            vec![known, ("post_logout_redirect_uri", "https://app.acme.test/")],
            StatusCode::FOUND,
        ),
        (
            vec![known, ("post_logout_redirect_uri", "https://evil.test/")],
            StatusCode::BAD_REQUEST,
        ),
        (
            vec![known, ("post_logout_redirect_uri", "//localhost/")],
            StatusCode::BAD_REQUEST,
        ),
        (
            vec![("client_id", "stranger"), ("post_logout_redirect_uri", HOME)],
            StatusCode::BAD_REQUEST,
        ),
        (vec![known, known], StatusCode::BAD_REQUEST),
        // Nobody known asks: the session ends, and the browser stays.
        (vec![("post_logout_redirect_uri", HOME)], StatusCode::OK),
    ] {
        let answer = end_session(&mut browser, &pairs).await;
        assert_eq!(answer.status, status, "{pairs:?}");
        assert_eq!(answer.headers.contains_key("location"), status == StatusCode::FOUND);
    }
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    let mixed = [
        ("id_token_hint", tokens["id_token"].as_str().unwrap()),
        ("client_id", "other"),
    ];
    assert_eq!(end_session(&mut browser, &mixed).await.status, StatusCode::BAD_REQUEST);
    assert!(is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn auto_login_asks_nothing_at_logout_either() {
    let mut browser = Browser::new(|settings| settings.auto_login = Some("alice@acme.test".into()));
    browser.authorize(&[]).await;
    let answer = end_session(
        &mut browser,
        &[("client_id", "doorward-dev"), ("post_logout_redirect_uri", HOME)],
    )
    .await;
    assert_eq!(answer.location().as_str(), HOME);
}

/// An application that notes the logout tokens it is sent.
pub(crate) async fn application() -> (String, mpsc::UnboundedReceiver<String>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let router = Router::new()
        .route(
            "/auth/backchannel-logout",
            post(
                |State(sender): State<mpsc::UnboundedSender<String>>, body: String| async move {
                    sender.send(body).unwrap();
                    StatusCode::OK
                },
            ),
        )
        .with_state(sender);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/auth/backchannel-logout", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (uri, receiver)
}

pub(crate) async fn control(browser: &mut Browser, body: Value) -> Answer {
    let request = Request::post("/_control/backchannel-logout")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    browser.send(request).await
}

#[tokio::test]
async fn a_logout_token_is_sent_when_a_session_ends() {
    let (uri, mut received) = application().await;
    let mut browser = Browser::new(|settings| settings.backchannel_logout_uri = Some(uri));
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    let id_token = tokens["id_token"].as_str().unwrap();
    end_session(&mut browser, &[("id_token_hint", id_token)]).await;
    let body = received.recv().await.unwrap();
    let claims = browser
        .verified(body.strip_prefix("logout_token=").unwrap(), "logout+jwt")
        .await;
    let id_claims = browser.verified(id_token, "JWT").await;
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["aud"], "doorward-dev");
    assert_eq!(claims["sub"], id_claims["sub"]);
    assert_eq!(claims["sid"], id_claims["sid"]);
    assert_eq!(
        claims["events"],
        json!({ "http://schemas.openid.net/event/backchannel-logout": {} })
    );
    assert!(claims["jti"].is_string() && claims["exp"].is_u64() && claims.get("nonce").is_none());
}

#[tokio::test]
async fn logout_tokens_are_sent_on_demand() {
    let (uri, mut received) = application().await;
    let mut browser = Browser::new(|_| ());
    let answer = control(&mut browser, json!({ "sub": "bob@acme.test", "uri": uri }))
        .await
        .json();
    assert_eq!(answer["sent"][0]["status"], 200);
    let body = received.recv().await.unwrap();
    let claims = browser
        .verified(body.strip_prefix("logout_token=").unwrap(), "logout+jwt")
        .await;
    let bob = browser
        .provider
        .users()
        .into_iter()
        .find(|user| user.email == "bob@acme.test")
        .unwrap();
    assert_eq!(claims["sub"], bob.subject);
    assert!(claims.get("sid").is_none());

    let tokens = browser.tokens("bob@acme.test", &[]).await;
    let sid = browser.verified(tokens["id_token"].as_str().unwrap(), "JWT").await["sid"].clone();
    control(&mut browser, json!({ "sid": sid, "uri": uri })).await;
    let body = received.recv().await.unwrap();
    let claims = browser
        .verified(body.strip_prefix("logout_token=").unwrap(), "logout+jwt")
        .await;
    assert_eq!(
        (&claims["sid"], claims["sub"].as_str()),
        (&sid, Some(bob.subject.as_str()))
    );
}

#[tokio::test]
async fn senseless_logout_orders_are_refused() {
    let mut browser = Browser::new(|_| ());
    for body in [
        json!({}),
        json!({ "sub": "bob@acme.test" }),
        json!({ "sub": 7, "uri": "http://localhost/" }),
        json!({ "sub": "bob@acme.test", "uri": "file:///etc/passwd" }),
        json!({ "sub": "bob@acme.test", "uri": "http://localhost/", "other": 1 }),
    ] {
        assert_eq!(
            control(&mut browser, body.clone()).await.status,
            StatusCode::BAD_REQUEST,
            "{body}"
        );
    }
    // Where nobody listens, the answer says so.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = Arc::new(Mutex::new(listener.local_addr().unwrap()));
    drop(listener);
    let uri = format!("http://{}/", closed.lock().unwrap());
    let answer = control(&mut browser, json!({ "sub": "bob@acme.test", "uri": uri }))
        .await
        .json();
    assert!(answer["sent"][0]["status"].is_null() && answer["sent"][0]["error"].is_string());
}
