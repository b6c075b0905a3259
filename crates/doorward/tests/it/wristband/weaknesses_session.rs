//! Where the platform's own SDKs are weak once somebody is signed in, and what must never happen here.

use std::time::{Duration, SystemTime};

use doorward::UnixTime;
use doorward_testkit::{FixedClock, TokioTestTasks};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{ACME, APP, Shop, location};

/// A clock that begins now, for tokens of the platform are of now, and the tasks that go with it.
#[allow(
    clippy::disallowed_methods,
    reason = "the emulated platform lives by the clock on the wall"
)]
fn clock() -> (FixedClock, TokioTestTasks) {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    (FixedClock::new(UnixTime::from_seconds(now)), TokioTestTasks::new())
}

// weakness: C2
#[tokio::test]
async fn configuration_is_never_trusted_for_ever() {
    let (clock, tasks) = clock();
    let (given, jobs) = (clock.clone(), tasks.clone());
    let shop = Shop::with(|_| (), |provider| provider, |builder| builder.clock(given).tasks(jobs));
    let path = async || {
        shop.browser
            .visit("/auth/login")
            .await
            .location()
            .unwrap()
            .path()
            .to_owned()
    };
    assert_eq!(path().await, "/login");
    shop.set(json!({ "platform": { "sdk_configuration": { "applicationAuthorizationRequestsEnabled": true } } }))
        .await;
    assert_eq!(path().await, "/login", "known for an hour");
    clock.advance(Duration::from_secs(3_600));
    // Whoever comes first is served from the old one, and has it renewed.
    path().await;
    tasks.idle().await;
    assert_eq!(path().await, "/api/v1/oauth2/authorize");
    assert_eq!(shop.fetch.count("sdk-configuration"), 2);
    // A day without an answer, and nobody is sent anywhere by it any more.
    shop.set(json!({ "errors": { "sdk_configuration": { "status": 503 } } }))
        .await;
    clock.advance(Duration::from_secs(24 * 3_600));
    let page = shop.browser.visit("/auth/login").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", location(&page));
}

// weakness: M9, M10, M28
#[tokio::test]
async fn renewal_without_a_new_refresh_token_never_loses_the_old_one() {
    let (clock, _) = clock();
    let given = clock.clone();
    let shop = Shop::with(|_| (), |provider| provider, |builder| builder.clock(given));
    shop.set(json!({ "access_token_ttl": 300, "refresh_token_rotation": "off" }))
        .await;
    let home = shop.sign_in("tenant_name=acme&return_url=/home").await;
    assert_eq!(home.url.path(), "/home", "{}", home.text());
    for round in 1..=3 {
        clock.advance(Duration::from_secs(301));
        assert_eq!(shop.me().await.status, StatusCode::OK, "round {round}");
        assert_eq!(shop.fetch.count("token"), 1 + round);
    }
    // Without one the session ends with its access token.
    shop.browser.clear_cookies();
    shop.set(json!({ "refresh_token": false })).await;
    shop.sign_in("tenant_name=acme&return_url=/home").await;
    assert_eq!(shop.me().await.status, StatusCode::OK);
    clock.advance(Duration::from_secs(301));
    assert_eq!(shop.me().await.problem_code(), "session_expired");
}

// weakness: L24
#[tokio::test]
async fn code_or_refresh_token_never_breaks_for_the_characters_in_it() {
    let (clock, _) = clock();
    let given = clock.clone();
    let shop = Shop::with(|_| (), |provider| provider, |builder| builder.clock(given));
    let special = json!({ "platform": { "special_characters": true }, "access_token_ttl": 300 });
    shop.set(special).await;
    let home = shop.sign_in("tenant_name=acme&return_url=/home").await;
    assert_eq!(home.url.path(), "/home", "{}", home.text());
    clock.advance(Duration::from_secs(301));
    assert_eq!(shop.me().await.status, StatusCode::OK);
    let logout = shop.browser.request(Method::POST, "/auth/logout").send().await;
    assert_eq!(logout.status, StatusCode::OK);
    let sent: Vec<bytes::Bytes> = shop.fetch.calls().into_iter().map(|call| call.body).collect();
    let forms = sent
        .iter()
        .filter(|body| body.windows(3).any(|three| three == b"%2B" || three == b"%26"));
    assert!(forms.count() >= 3, "code, refresh token, and the one taken back");
}

// weakness: S14
#[tokio::test]
async fn link_of_another_site_never_signs_anybody_out() {
    let shop = Shop::new();
    shop.sign_in("tenant_name=acme&return_url=/home").await;
    for method in [Method::GET, Method::POST] {
        let page = shop
            .browser
            .request(method.clone(), "/auth/logout?tenant_name=acme")
            .navigation()
            .from("https://evil.example")
            .send()
            .await;
        assert_eq!(page.location(), None, "{method}");
        assert_eq!(shop.me().await.status, StatusCode::OK, "{method}");
    }
}

// weakness: S10
#[tokio::test]
async fn access_token_is_never_handed_to_a_page_unless_the_application_said_so() {
    let shop = Shop::new();
    shop.sign_in("tenant_name=acme&return_url=/home").await;
    assert_eq!(shop.browser.get("/auth/token").await.status, StatusCode::NOT_FOUND);
    let session = shop.session().await;
    let members: Vec<&str> = session.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["expiresAt", "logoutUrl", "metadata", "tenantId", "userId"]);

    let shop = Shop::with(|_| (), |provider| provider, |builder| builder.token_endpoint(true));
    assert_eq!(shop.browser.get("/auth/token").await.problem_code(), "session_missing");
    shop.sign_in("tenant_name=acme&return_url=/home").await;
    let page = shop.browser.get("/auth/token").await;
    let token: Value = page.json();
    let members: Vec<&str> = token.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["accessToken", "expiresAt"]);
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

// weakness: L12
#[tokio::test]
async fn way_back_is_never_lost_over_the_choice_of_a_tenant() {
    let shop = Shop::new();
    let choice = shop.browser.visit("/auth/login?return_url=/home%3Fa%3Db%26c").await;
    let state = choice.location().unwrap();
    let state = state
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1
        .into_owned();
    // As the platform's page hands it back.
    let mut login: url::Url = format!("{APP}/auth/login").parse().unwrap();
    login
        .query_pairs_mut()
        .append_pair("tenant_name", "acme")
        .append_pair("return_url", &state);
    let page = shop.browser.visit_following(login.as_str()).await;
    assert_eq!(page.url.origin().ascii_serialization(), ACME);
    let home = shop.press(&page).await;
    assert_eq!(home.url.as_str(), format!("{APP}/home?a=b&c"));
}
