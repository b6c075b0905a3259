//! Where the platform's own SDKs are weak at login and callback, and what must never happen here.

use doorward_testkit::Page;
use http::StatusCode;
use serde_json::{Value, json};

use super::{ACME, APP, GLOBEX, Shop, location, problem};

/// The query's value in the address that a page sends the browser to.
fn sent(page: &Page, name: &str) -> Option<String> {
    let location = page.location().expect("a redirect");
    let mut found = location.query_pairs().filter(|(other, _)| other == name);
    let value = found.next().map(|(_, value)| value.into_owned());
    assert!(found.next().is_none(), "{name} stands twice in {location}");
    value
}

fn pending(shop: &Shop) -> usize {
    let cookies = shop.browser.cookies();
    let logins = cookies
        .iter()
        .filter(|cookie| cookie.name.starts_with("doorward-login."));
    logins.count()
}

async fn assert_nobody(shop: &Shop, name: &str) {
    assert_eq!(
        problem(&shop.me().await),
        (StatusCode::UNAUTHORIZED, "session_missing".into()),
        "{name}"
    );
}

/// Goes as far as the callback that the platform answers with.
async fn callback(shop: &Shop, query: &str) -> String {
    let page = shop.login_page(query).await;
    location(&shop.choose(&page).await)
}

// weakness: R1
#[tokio::test]
async fn return_url_of_another_site_is_never_followed_nor_carried_over_the_choice_of_a_tenant() {
    let shop = Shop::new();
    for url in [
        "https%3A%2F%2Fevil.example%2F",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "http%3A%2F%2Flocalhost%3A6001%40evil.example%2F",
        "javascript%3Aalert(1)",
        "http%3A%2F%2Facme-app.localhost%3A6002%2F",
    ] {
        let choice = shop.browser.visit(&format!("/auth/login?return_url={url}")).await;
        assert_eq!(sent(&choice, "state"), None, "{url}: {}", location(&choice));
        assert!(!location(&choice).contains("evil"), "{url}");
        let home = shop.sign_in(&format!("tenant_name=acme&return_url={url}")).await;
        assert_eq!(home.url.as_str(), format!("{APP}/"), "{url}");
        shop.browser.clear_cookies();
    }
}

// weakness: F4
#[tokio::test]
async fn return_url_that_a_frontend_encoded_twice_never_leads_elsewhere() {
    let shop = Shop::new();
    for (sent, arrives) in [
        // As the platform's frontend writes `/orders?q=a%20b`: the percent sign once more, the rest once.
        (
            "http%3A%2F%2Flocalhost%3A6001%2Forders%3Fq%3Da%252520b",
            "/orders?q=a%2520b",
        ),
        ("http%3A%2F%2Flocalhost%3A6001%2Fhome", "/home"),
        ("https%253A%252F%252Fevil.example", "/"),
        ("%252F%252Fevil.example", "/"),
        ("%2F%252Fevil.example", "/%2Fevil.example"),
    ] {
        let callback = callback(&shop, &format!("tenant_name=acme&return_url={sent}")).await;
        let end = shop.browser.visit(&callback).await;
        assert_eq!(location(&end), format!("{APP}{arrives}"), "{sent}");
        shop.browser.clear_cookies();
    }
}

// weakness: R6
#[tokio::test]
async fn parameter_that_is_empty_never_counts_as_a_tenant() {
    let shop = Shop::new();
    for query in [
        "tenant_custom_domain=&tenant_name=acme",
        "tenant_name=acme&tenant_custom_domain=",
    ] {
        let page = shop.browser.visit(&format!("/auth/login?{query}")).await;
        assert!(location(&page).starts_with(&format!("{ACME}/api/v1/")), "{query}");
    }
    for query in ["tenant_custom_domain=", "tenant_name=", "tenant_domain="] {
        let page = shop.browser.visit(&format!("/auth/login?{query}")).await;
        assert_eq!(
            page.location().unwrap().path(),
            "/login",
            "{query}: the choice of a tenant"
        );
    }
    assert_eq!(shop.fetch.count("custom-domain"), 0);
}

// weakness: R7
#[tokio::test]
async fn host_that_merely_ends_like_the_root_domain_never_names_a_tenant() {
    let shop = Shop::by_host();
    for host in [
        "http://evilshop.localhost:6001",
        "http://a.b.shop.localhost:6001",
        "http://shop.localhost.evil.localhost:6001",
        "http://-.shop.localhost:6001",
    ] {
        let browser = shop.browser.stranger().mount(host, shop.app.clone());
        let page = browser.visit(&format!("{host}/auth/login")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{host}: {}", location(&page));
        assert!(page.text().contains("tenant_unknown"), "{host}");
    }
    // The domain itself is no tenant of its own.
    let page = shop.browser.visit("http://shop.localhost:6001/auth/login").await;
    assert_eq!(page.location().unwrap().path(), "/login");
    let page = shop.browser.visit("http://GLOBEX.shop.localhost:6001/auth/login").await;
    assert!(location(&page).starts_with(GLOBEX), "{}", location(&page));
}

// weakness: L1
#[tokio::test]
async fn id_token_that_does_not_verify_never_makes_a_session() {
    for (claim, value) in [
        ("nonce", json!("of another login")),
        ("nonce", Value::Null),
        ("aud", json!("another client")),
        ("iss", json!("https://evil.example")),
        ("exp", json!(1_000)),
        ("sub", json!("somebody-else")),
        ("tnt_id", json!("another-tenant")),
    ] {
        let shop = Shop::new();
        shop.set(json!({ "platform": { "claims": { "id_token": { claim: value } } } }))
            .await;
        let end = shop.sign_in("tenant_name=acme&return_url=/home").await;
        assert_eq!(end.url.path(), "/auth/callback", "{claim}: {}", end.url);
        assert!(!end.status.is_success() && !end.status.is_redirection(), "{claim}");
        assert_nobody(&shop, claim).await;
    }
}

// weakness: L3
#[tokio::test]
async fn userinfo_that_contradicts_the_id_token_never_makes_a_session() {
    for (place, claim) in [("userinfo", "sub"), ("userinfo", "tnt_id"), ("access_token", "tnt_id")] {
        let shop = Shop::new();
        shop.set(json!({ "platform": { "claims": { place: { claim: "somebody-else" } } } }))
            .await;
        let end = shop.sign_in("tenant_name=acme&return_url=/home").await;
        assert_eq!(end.url.path(), "/auth/callback", "{place} {claim}: {}", end.url);
        assert_nobody(&shop, claim).await;
    }
    let shop = Shop::new();
    shop.set(json!({ "errors": { "token": { "omit": ["token_type"] } } }))
        .await;
    let end = shop.sign_in("tenant_name=acme&return_url=/home").await;
    assert_eq!(end.url.path(), "/auth/callback", "{}", end.url);
    assert_nobody(&shop, "token_type").await;
}

// weakness: L4, L9, L16
#[tokio::test]
async fn callback_that_fails_is_never_a_500_and_never_leaves_its_login_behind() {
    let table: [(&str, Value, StatusCode); 4] = [
        (
            "invalid_grant",
            json!({ "token": { "status": 400, "error": "invalid_grant" } }),
            StatusCode::BAD_GATEWAY,
        ),
        (
            "outage",
            json!({ "token": { "status": 503 } }),
            StatusCode::SERVICE_UNAVAILABLE,
        ),
        (
            "no userinfo",
            json!({ "userinfo": { "status": 401 } }),
            StatusCode::BAD_GATEWAY,
        ),
        (
            "broken off",
            json!({ "token": { "body": "reset" } }),
            StatusCode::SERVICE_UNAVAILABLE,
        ),
    ];
    for (name, errors, status) in table {
        let shop = Shop::new();
        shop.set(json!({ "errors": errors })).await;
        let end = shop.sign_in("tenant_name=acme&return_url=/home").await;
        assert_eq!(end.status, status, "{name}: {}", end.text());
        assert!(end.text().contains("Sign in again"), "{name}");
        assert_eq!(pending(&shop), 0, "{name}");
        assert_nobody(&shop, name).await;
    }
    // The platform's own refusals, and a login that cannot be opened any more.
    for error in ["access_denied", "LOGIN_REQUIRED"] {
        let shop = Shop::new();
        let answer = callback(&shop, "tenant_name=acme").await;
        let (front, _) = answer.split_once("code=").unwrap();
        let state = answer.split_once("state=").unwrap().1.split('&').next().unwrap();
        let end = shop.browser.visit(&format!("{front}error={error}&state={state}")).await;
        assert_eq!(end.status, StatusCode::FORBIDDEN, "{error}: {}", end.text());
        assert_eq!(pending(&shop), 0, "{error}");
    }
    // A sign-in that the platform asks for is asked for.
    let shop = Shop::new();
    let answer = callback(&shop, "tenant_name=acme").await;
    let (front, _) = answer.split_once("code=").unwrap();
    let state = answer.split_once("state=").unwrap().1.split('&').next().unwrap();
    let again = shop
        .browser
        .visit(&format!("{front}error=login_required&state={state}"))
        .await;
    assert!(
        location(&again).starts_with(&format!("{ACME}/api/v1/oauth2/authorize?")),
        "{}",
        again.text()
    );
    assert_eq!(sent(&again, "prompt").as_deref(), Some("login"));
    assert_eq!(pending(&shop), 1);
    let shop = Shop::new();
    let answer = callback(&shop, "tenant_name=acme").await;
    let cookies = shop.browser.cookies();
    let ticket = cookies
        .into_iter()
        .find(|cookie| cookie.name.starts_with("doorward-login."));
    let mut ticket = ticket.expect("a login under way");
    shop.browser.forget(&ticket.name);
    ticket.value = "Fe26.2**of*another*program".to_owned();
    shop.browser.plant(ticket);
    let end = shop.browser.visit(&answer).await;
    assert_eq!(end.status, StatusCode::BAD_REQUEST, "{}", end.text());
    assert!(end.text().contains("login_missing"));
    assert_eq!(shop.fetch.count("token"), 0);
}

// weakness: L10
#[tokio::test]
async fn malformed_cookie_of_somebody_else_never_breaks_a_login() {
    let shop = Shop::new();
    for foreign in [
        "theirs=%zz",
        "more=%",
        "login#x#1=%E0%A4%A",
        "odd=\"a",
        "doorward-login.x=%zz",
    ] {
        shop.browser.set_cookie(&format!("{foreign}; Path=/")).unwrap();
    }
    let home = shop.sign_in("tenant_name=acme&return_url=/home").await;
    assert_eq!(home.url.path(), "/home", "{}", home.text());
    assert_eq!(shop.me().await.status, StatusCode::OK);
}

// weakness: L11, L23, F10
#[tokio::test]
async fn parameter_given_twice_is_never_a_500_and_never_the_first_or_the_last() {
    let shop = Shop::new();
    for name in [
        "tenant_name",
        "tenant_domain",
        "tenant_custom_domain",
        "login_hint",
        "idp_hint",
        "return_url",
    ] {
        for query in [
            format!("{name}=acme.localhost&{name}=globex.localhost"),
            format!("{name}=acme&tenant_name=acme&{name}=acme"),
        ] {
            let page = shop.browser.visit(&format!("/auth/login?{query}")).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}: {}", location(&page));
        }
    }
    // A comma is no second value, nor part of any name.
    let page = shop.browser.visit("/auth/login?tenant_name=acme,globex").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    let page = shop.browser.visit("/auth/login?tenant_name=acme&login_hint=a,b").await;
    assert_eq!(sent(&page, "login_hint").as_deref(), Some("a,b"));
    // At the callback neither is.
    let answer = callback(&shop, "tenant_name=acme").await;
    let end = shop.browser.visit(&format!("{answer}&code=another")).await;
    assert_eq!(end.status, StatusCode::BAD_REQUEST, "{}", end.text());
    assert_eq!(shop.fetch.count("token"), 0);
}

// weakness: L14
#[tokio::test]
async fn login_without_offline_access_never_fails_for_the_missing_refresh_token() {
    let shop = Shop::with(
        |_| (),
        |provider| provider.scopes(["openid", "email"]),
        |builder| builder,
    );
    let home = shop.sign_in("tenant_name=acme&return_url=/home").await;
    assert_eq!(home.url.path(), "/home", "{}", home.text());
    assert_eq!(shop.me().await.status, StatusCode::OK);
    let logout = shop.browser.request(http::Method::POST, "/auth/logout").send().await;
    assert_eq!(logout.status, StatusCode::OK);
    assert_eq!(shop.fetch.count("revoke"), 0, "there is nothing to take back");
}

// weakness: L15
#[tokio::test]
async fn buffer_longer_than_the_tokens_life_never_refreshes_at_every_request() {
    let shop = Shop::with(
        |_| (),
        |provider| provider.token_expiration_buffer(std::time::Duration::from_secs(36_000)),
        |builder| builder,
    );
    shop.sign_in("tenant_name=acme&return_url=/home").await;
    for _ in 0..20 {
        assert_eq!(shop.me().await.status, StatusCode::OK);
    }
    assert_eq!(shop.fetch.count("token"), 1, "the login's own");
}

// weakness: L21
#[tokio::test]
async fn what_the_application_configured_is_never_replaced_at_login() {
    let shop = Shop::with(
        |_| (),
        |provider| provider.scopes(["openid", "offline_access", "roles"]),
        |builder| builder,
    );
    let link = "tenant_name=acme&scope=openid&nonce=n&state=s&redirect_uri=https%3A%2F%2Fevil.example&client_id=x";
    let page = shop.browser.visit(&format!("/auth/login?{link}")).await;
    assert_eq!(sent(&page, "scope").as_deref(), Some("openid offline_access roles"));
    assert_eq!(sent(&page, "redirect_uri"), Some(format!("{APP}/auth/callback")));
    assert_eq!(sent(&page, "client_id").as_deref(), Some(shop.platform.client_id()));
    assert_eq!(sent(&page, "nonce").map(|nonce| nonce.len()), Some(43));
    assert_eq!(sent(&page, "state").map(|state| state.len()), Some(43));
}
