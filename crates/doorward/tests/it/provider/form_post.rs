//! The provider's answer as a form that posts itself (OAuth 2.0 Form Post Response Mode).

use doorward::{Code, Provider, ResponseMode};
use doorward_testkit::{Browser, CLIENT_ID, CLIENT_SECRET, Delivery, Endpoint, Page, Script};
use http::{Method, StatusCode};

use super::harness::*;
use crate::support::{APP, PROVIDER, World};

fn world() -> World {
    World::with(|builder| {
        let provider = Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET);
        builder.provider(provider.response_mode(ResponseMode::FormPost))
    })
}

/// The provider's page with the form in it.
async fn form(browser: &Browser) -> Page {
    let begun = browser.visit("/auth/login?return_url=/home").await;
    let page = browser.follow(&begun).await;
    assert!(page.form().is_some(), "{} {}", page.status, page.text());
    page
}

/// Posts to the callback from the provider's page.
async fn post(browser: &Browser, content_type: &str, body: impl Into<bytes::Bytes>) -> Page {
    let request = browser.request(Method::POST, "/auth/callback").navigation();
    request.from(PROVIDER).body(content_type, body).send().await
}

fn encoded(page: &Page) -> String {
    let fields = page.form().unwrap().fields;
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

// attacks: B17; oidcc-client-formpost-basic
#[tokio::test]
async fn a_posted_answer_signs_in_across_sites() {
    let world = world();
    let begun = world.browser.visit("/auth/login?return_url=/home").await;
    assert_eq!(
        query(&begun.location().unwrap(), "response_mode").as_deref(),
        Some("form_post")
    );
    let cookie = begun.set_cookies()[0];
    assert!(cookie.starts_with("__Host-login.") && cookie.contains("SameSite=None") && cookie.contains("Secure"));
    let page = world.browser.follow(&begun).await;
    let page = world.browser.submit(&page).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "a POST is answered by a GET");
    for cookie in page
        .set_cookies()
        .iter()
        .filter(|cookie| cookie.starts_with("__Host-session"))
    {
        assert!(cookie.contains("SameSite=Lax"), "{cookie}");
    }
    let page = world.browser.follow_all(page).await;
    assert_signed_in(&world, &page, "form_post").await;
    assert_eq!(labels(&world), COMPLETE);
}

// attacks: B17
#[tokio::test]
async fn a_posted_answer_without_the_login_cookie_is_refused() {
    let world = world();
    let page = form(&world.browser).await;
    let without = world.browser.stranger();
    let answer = without.submit(&page).await;
    assert_refusal_page(&world, &answer, Code::LoginMissing, "without cookie");
    assert_no_session(&world, &without, "without cookie").await;
    assert_eq!(world.provider.count(Endpoint::Token), 0);
}

// attacks: B16
#[tokio::test]
async fn an_answer_by_another_way_than_asked_is_refused() {
    let world = world();
    world.provider.script(|s| s.authorization.delivery = Delivery::Query);
    let answer = log_in(&world.browser).await;
    assert_refused(&world, &answer, Code::RequestMalformed, "GET for form_post").await;

    // Asked for a redirect, the login cookie is Lax: another site's form comes without it.
    let world = World::new();
    world.provider.script(|s| s.authorization.delivery = Delivery::FormPost);
    let answer = log_in(&world.browser).await;
    assert_refused(&world, &answer, Code::LoginMissing, "POST for query").await;
    // And one that comes with it is refused all the same.
    let page = form(&world.browser).await;
    let request = world.browser.request(Method::POST, "/auth/callback").navigation();
    let answer = request.form(&page.form().unwrap().fields).send().await;
    assert_refused(&world, &answer, Code::RequestMalformed, "POST for query, same site").await;
    assert_eq!(labels(&world), ["discovery"]);
}

// oidcc-client-test-form-post-error; attacks: B10
#[tokio::test]
async fn a_posted_error_ends_on_a_page_that_repeats_nothing_of_it() {
    let world = world();
    world.provider.script(|s| {
        s.authorization.edit(|params| {
            params.retain(|(name, _)| name != "code");
            params.push(("error".into(), "access_denied\"><script>alert(1)</script>".into()));
            params.push(("error_description".into(), "<img src=x onerror=alert(2)>".into()));
        });
    });
    let answer = log_in(&world.browser).await;
    assert_refused(&world, &answer, Code::LoginDenied, "posted error").await;
    for text in ["<script", "onerror", "alert("] {
        assert!(!answer.text().contains(text));
    }
    assert_eq!(labels(&world), ["discovery"]);
}

#[tokio::test]
async fn the_rules_of_an_answer_hold_for_a_posted_one() {
    let change = |change: fn(&mut Script)| {
        let world = world();
        world.provider.script(change);
        world
    };
    type Case = (&'static str, fn(&mut Script), Code);
    let cases: [Case; 6] = [
        ("no state", |s| s.authorization.remove("state"), Code::StateMismatch),
        (
            "other state",
            |s| s.authorization.set("state", "AAAA"),
            Code::StateMismatch,
        ),
        (
            "state twice",
            |s| s.authorization.repeat("state", "AAAA", true),
            Code::RequestMalformed,
        ),
        ("no iss", |s| s.authorization.remove("iss"), Code::IssuerMismatch),
        (
            "other iss",
            |s| s.authorization.set("iss", "https://evil.example.org"),
            Code::IssuerMismatch,
        ),
        (
            "error and code",
            |s| s.authorization.repeat("error", "access_denied", false),
            Code::LoginDenied,
        ),
    ];
    for (name, script, code) in cases {
        let world = change(script);
        let answer = log_in(&world.browser).await;
        assert_refused(&world, &answer, code, name).await;
        assert_eq!(labels(&world), ["discovery"], "{name}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused() {
    let world = world();
    let page = form(&world.browser).await;
    let right = encoded(&page);
    let form_type = "application/x-www-form-urlencoded";
    let json = serde_json::json!({"state": "x", "code": "y"}).to_string();
    for (name, content_type, body, code) in [
        ("JSON", "application/json", json.into_bytes(), Code::RequestMalformed),
        ("text", "text/plain", right.clone().into_bytes(), Code::RequestMalformed),
        (
            "multipart",
            "multipart/form-data; boundary=x",
            right.clone().into_bytes(),
            Code::RequestMalformed,
        ),
        ("no type", "", right.clone().into_bytes(), Code::RequestMalformed),
        (
            "no UTF-8",
            form_type,
            b"state=\xff\xfe".to_vec(),
            Code::RequestMalformed,
        ),
        ("a bad escape", form_type, b"state=%zz".to_vec(), Code::RequestMalformed),
        (
            "64 KB and one",
            form_type,
            vec![b'a'; 64 * 1024 + 1],
            Code::RequestTooLarge,
        ),
        ("1 MB", form_type, vec![b'a'; 1 << 20], Code::RequestTooLarge),
        ("empty", form_type, Vec::new(), Code::StateMismatch),
    ] {
        let answer = post(&world.browser, content_type, body).await;
        assert_refused(&world, &answer, code, name).await;
    }
    assert_eq!(world.provider.count(Endpoint::Token), 0);
    // None of this has used the login up; a charset behind the type is fine.
    let answer = post(
        &world.browser,
        "application/x-www-form-urlencoded; charset=UTF-8",
        right,
    )
    .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_is(&world.browser, "alice", "in the end").await;
}

#[tokio::test]
async fn what_stands_in_the_query_of_a_post_is_not_read() {
    let world = world();
    let page = form(&world.browser).await;
    let request = world
        .browser
        .request(Method::POST, &format!("/auth/callback?{}", encoded(&page)));
    let form_type = "application/x-www-form-urlencoded";
    let answer = request.navigation().from(PROVIDER).body(form_type, "").send().await;
    assert_refused(&world, &answer, Code::StateMismatch, "query of a post").await;
    let request = world
        .browser
        .request(Method::POST, "/auth/callback?state=AAAA&error=access_denied");
    let answer = request
        .navigation()
        .from(PROVIDER)
        .body(form_type, encoded(&page))
        .send()
        .await;
    assert_eq!(answer.location().unwrap().as_str(), format!("{APP}/home"));
}

#[tokio::test]
async fn a_posted_answer_that_comes_again_makes_no_token_call() {
    let world = world();
    let page = form(&world.browser).await;
    let twin = world.browser.thief();
    world.browser.submit(&page).await;
    let again = twin.submit(&page).await;
    assert_refusal_page(&world, &again, Code::LoginMissing, "again");
    assert_no_session(&world, &twin, "again").await;
    assert_eq!(world.provider.count(Endpoint::Token), 1);
}

#[tokio::test]
async fn form_post_needs_https() {
    let build = |url: &str| {
        doorward::Doorward::builder()
            .public_url(url)
            .provider(Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET).response_mode(ResponseMode::FormPost))
            .session(doorward::Sessions::cookie(crate::support::SECRET))
            .build()
    };
    assert_eq!(
        build("http://localhost:3000").unwrap_err().key(),
        "provider.response_mode"
    );
    assert!(build(APP).is_ok());
}
