//! Telling applications in frames that a session ended.

use axum::http::StatusCode;
use serde_json::json;

use crate::browser::{Answer, Browser, encode};
use crate::logout::end_session;

const HOME: &str = "http://localhost:6001/";
const FRAME: &str = "http://localhost:6001/auth/frontchannel-logout?app=1&x='\"";

/// A browser that is signed in at a client with a frame, its ID token and the session's ID.
async fn signed_in(frame: &str) -> (Browser, String, String) {
    let mut browser = Browser::new(|settings| settings.frontchannel_logout_uri = Some(frame.to_owned()));
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    let id_token = tokens["id_token"].as_str().unwrap().to_owned();
    let sid = browser.verified(&id_token, "JWT").await["sid"]
        .as_str()
        .unwrap()
        .to_owned();
    (browser, id_token, sid)
}

fn policy(answer: &Answer) -> Vec<String> {
    answer
        .header("content-security-policy")
        .split("; ")
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_logout_frames_the_application_with_issuer_and_session() {
    let (mut browser, id_token, sid) = signed_in(FRAME).await;
    let pairs = [
        ("id_token_hint", id_token.as_str()),
        ("post_logout_redirect_uri", HOME),
        ("state", "a&b"),
    ];
    let page = end_session(&mut browser, &pairs).await;
    assert_eq!(page.status, StatusCode::OK);
    let query = encode(&[("iss", "http://localhost:6002"), ("sid", &sid)]).replace('&', "&amp;");
    let frame = format!(
        "<iframe hidden title=\"Signing out\" \
         src=\"http://localhost:6001/auth/frontchannel-logout?app=1&amp;x=&#39;&quot;&amp;{query}\"></iframe>"
    );
    assert!(page.body.contains(&frame), "{}", page.body);
    assert!(
        page.body
            .contains("id=\"next\" href=\"http://localhost:6001/?state=a%26b\"")
    );
    assert!(page.header("set-cookie").contains("Max-Age=0"));
    let policy = policy(&page);
    assert!(
        policy.contains(&"frame-src http://localhost:6001".to_owned()),
        "{policy:?}"
    );
    assert!(policy.contains(&"frame-ancestors 'none'".to_owned()));
    assert!(policy.iter().any(|rule| rule.starts_with("script-src 'sha256-")));
    // The session has ended: nobody is to be told once more.
    let again = end_session(&mut browser, &pairs).await;
    assert_eq!(again.status, StatusCode::FOUND);
    assert_eq!(again.location().as_str(), "http://localhost:6001/?state=a%26b");
}

#[tokio::test]
async fn with_nowhere_to_go_back_to_the_page_stays() {
    let (mut browser, id_token, _) = signed_in(HOME).await;
    let page = end_session(&mut browser, &[("id_token_hint", &id_token)]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("<iframe") && !page.body.contains("<script"));
    assert!(policy(&page).contains(&"script-src 'none'".to_owned()));
}

#[tokio::test]
async fn nothing_is_framed_before_the_person_has_agreed() {
    let (mut browser, _, _) = signed_in(FRAME).await;
    let question = end_session(
        &mut browser,
        &[("client_id", "doorward-dev"), ("post_logout_redirect_uri", HOME)],
    )
    .await;
    assert!(question.body.contains("Sign out?") && !question.body.contains("<iframe"));
    assert!(policy(&question).contains(&"frame-src 'none'".to_owned()));
    let mut fields = question.hidden();
    fields.push(("confirm".into(), "yes".into()));
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let page = browser
        .post_with("/end_session", &fields, &[("sec-fetch-site", "same-origin")])
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("<iframe"));
}

#[tokio::test]
async fn a_client_that_the_session_never_saw_is_not_framed() {
    let mut browser = Browser::new(|settings| {
        settings.apply(
            serde_json::from_value(json!({ "clients": [
                { "client_id": "doorward-dev", "client_secret": settings.client_secret.expose() },
                { "client_id": "other", "frontchannel_logout_uri": FRAME },
            ]}))
            .unwrap(),
        );
    });
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let pairs = [("id_token_hint", hint), ("post_logout_redirect_uri", HOME)];
    assert_eq!(end_session(&mut browser, &pairs).await.status, StatusCode::FOUND);
}
