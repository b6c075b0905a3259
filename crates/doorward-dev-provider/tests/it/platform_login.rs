//! Signing in and out at the platform's hosts.

use axum::http::StatusCode;
use serde_json::json;

use crate::{
    browser::REDIRECT_URI,
    platform_browser::{ACME, ACME_DOMAIN, APPLICATION, AUTHORIZE, GLOBEX, PlatformBrowser, place},
};

#[tokio::test]
async fn a_user_signs_in_at_the_host_of_the_tenant_and_the_callback_names_it() {
    let mut browser = PlatformBrowser::new(|_| ());
    let answer = browser.authorize(ACME, &[]).await;
    let login = answer.location();
    assert_eq!(place(&login), format!("http://{ACME}/login"));
    let page = browser.follow(&answer).await;
    assert!(page.body.contains("alice@acme.test") && page.body.contains("bob@acme.test"));
    assert!(!page.body.contains("carol@globex.test"));
    assert!(!page.body.contains("<script"));

    let answer = browser.press(ACME, &page, "alice@acme.test").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(place(&answer.location()), REDIRECT_URI);
    assert_eq!(answer.location_param("state").as_deref(), Some("the state & <more>"));
    assert_eq!(answer.location_param("tenant_name").as_deref(), Some("acme"));
    assert!(answer.location_param("code").is_some());
    for absent in ["iss", "tenant_custom_domain"] {
        assert_eq!(answer.location_param(absent), None, "{absent}");
    }
    // With a session there is no page.
    let answer = browser.authorize(ACME, &[]).await;
    assert!(answer.location_param("code").is_some());
}

#[tokio::test]
async fn the_own_domain_of_a_tenant_is_named_in_the_callback() {
    let mut browser = PlatformBrowser::new(|_| ());
    let answer = browser.sign_in(ACME_DOMAIN, "bob@acme.test", &[]).await;
    assert_eq!(answer.location_param("tenant_name").as_deref(), Some("acme"));
    assert_eq!(
        answer.location_param("tenant_custom_domain").as_deref(),
        Some(ACME_DOMAIN)
    );
}

#[tokio::test]
async fn a_user_of_one_tenant_cannot_sign_in_at_the_host_of_another() {
    let mut browser = PlatformBrowser::new(|_| ());
    let page = browser.login_page(GLOBEX, &[("login_hint", "alice@acme.test")]).await;
    assert!(!page.body.contains("name=\"user\" value=\"alice@acme.test\""));
    let answer = browser.press(GLOBEX, &page, "alice@acme.test").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(browser.cookies.is_empty());
    // Not even where everybody is signed in without a page.
    browser.set(json!({ "auto_login": "alice@acme.test" })).await;
    assert!(browser.authorize(ACME, &[]).await.location_param("code").is_some());
    assert_eq!(browser.authorize(GLOBEX, &[]).await.location().path(), "/login");
}

#[tokio::test]
async fn a_session_of_one_host_counts_at_no_other() {
    let mut browser = PlatformBrowser::new(|_| ());
    browser.sign_in(ACME, "alice@acme.test", &[]).await;
    let stolen = browser.cookies[ACME].clone();
    for host in [GLOBEX, ACME_DOMAIN] {
        browser.cookies.insert(host.to_owned(), stolen.clone());
        assert_eq!(browser.authorize(host, &[]).await.location().path(), "/login", "{host}");
    }
    // Both tenants side by side, each with its own.
    browser.sign_in(GLOBEX, "carol@globex.test", &[]).await;
    for (host, tenant) in [(ACME, "acme"), (GLOBEX, "globex")] {
        let answer = browser.authorize(host, &[("prompt", "none")]).await;
        assert_eq!(answer.location_param("tenant_name").as_deref(), Some(tenant));
        assert!(answer.location_param("code").is_some());
    }
}

#[tokio::test]
async fn a_place_for_the_tenant_is_taken_verbatim_and_filled_on_the_way_out() {
    let mut browser = PlatformBrowser::new(|_| ());
    for placeholder in ["{tenant_name}", "{tenant_domain}"] {
        let redirect_uri = format!("http://{placeholder}.shop.localhost:6001/auth/callback");
        let changes = [("redirect_uri", redirect_uri.as_str()), ("prompt", "login")];
        let answer = browser.sign_in(ACME, "alice@acme.test", &changes).await;
        assert_eq!(
            place(&answer.location()),
            "http://acme.shop.localhost:6001/auth/callback"
        );
        assert_eq!(answer.location_param("tenant_name"), None);
        let code = answer.location_param("code").unwrap();
        let filled = browser
            .redeem(&code, "http://acme.shop.localhost:6001/auth/callback")
            .await;
        assert_eq!(filled.error(), "invalid_grant");
        let changes = [("redirect_uri", redirect_uri.as_str())];
        let code = browser.authorize(ACME, &changes).await.location_param("code").unwrap();
        assert_eq!(browser.redeem(&code, &redirect_uri).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_the_clients() {
    let mut browser = PlatformBrowser::new(|_| ());
    for (name, value) in [
        ("client_id", "unknown"),
        ("client_id", ""),
        ("redirect_uri", ""),
        ("redirect_uri", "https://evil.test/cb"),
        ("redirect_uri", "https://{tenant_name}.evil.test/cb"),
        ("redirect_uri", "http://{tenant_name}@evil.test/cb"),
        ("redirect_uri", "http://evil.test/{tenant_name}.localhost"),
        ("redirect_uri", "javascript:{tenant_name}"),
    ] {
        let answer = browser.authorize(ACME, &[(name, value)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}={value}");
        assert!(answer.headers.get("location").is_none());
    }
    // The rest is told to the client, with its state and the tenant.
    for (name, value, expected) in [
        ("response_type", "token", "unsupported_response_type"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("scope", "\"", "invalid_scope"),
        ("prompt", "none login", "invalid_request"),
        ("max_age", "-1", "invalid_request"),
        ("prompt", "none", "login_required"),
    ] {
        let answer = browser.authorize(ACME, &[(name, value)]).await;
        assert_eq!(
            answer.location_param("error").as_deref(),
            Some(expected),
            "{name}={value}"
        );
        assert!(answer.location_param("error_description").is_some());
        assert_eq!(answer.location_param("state").as_deref(), Some("the state & <more>"));
        assert_eq!(answer.location_param("tenant_name").as_deref(), Some("acme"));
    }
}

#[tokio::test]
async fn prompt_age_and_hints_are_heeded() {
    let mut browser = PlatformBrowser::new(|_| ());
    let page = browser.login_page(ACME, &[("login_hint", "bob@acme.test")]).await;
    assert!(page.body.contains("autofocus"));
    browser.press(ACME, &page, "bob@acme.test").await;
    assert_eq!(
        browser.authorize(ACME, &[("prompt", "login")]).await.location().path(),
        "/login"
    );
    browser.provider.advance_clock(100);
    let answer = browser.authorize(ACME, &[("max_age", "200")]).await;
    assert!(answer.location_param("code").is_some());
    let answer = browser.authorize(ACME, &[("max_age", "60")]).await;
    assert_eq!(answer.location_param("error").as_deref(), Some("login_required"));
    browser
        .set(json!({ "platform": { "max_age_exceeded": "sign_in" } }))
        .await;
    assert_eq!(
        browser.authorize(ACME, &[("max_age", "60")]).await.location().path(),
        "/login"
    );
    for (hint, expected) in [
        ("google", "google"),
        ("wristband", "Wristband"),
        ("nonsense", "Wristband"),
    ] {
        let tokens = browser
            .tokens(ACME, "bob@acme.test", &[("idp_hint", hint), ("prompt", "login")])
            .await;
        let claims = browser.verified(&tokens["id_token"], "id+jwt").await;
        assert_eq!(claims["idp_name"], expected, "{hint}");
    }
    // A stronger sign-in is done and told.
    let tokens = browser.tokens(ACME, "bob@acme.test", &[("acr_values", "mfa")]).await;
    let claims = browser.verified(&tokens["id_token"], "id+jwt").await;
    assert_eq!(
        (&claims["acr"], &claims["amr"]),
        (&json!("mfa"), &json!(["pwd", "otp"]))
    );
}

#[tokio::test]
async fn a_login_request_in_the_address_is_judged_like_any_other() {
    let mut browser = PlatformBrowser::new(|_| ());
    let seal = |query: &str| doorward_crypto::base64url_encode(query.as_bytes());
    for request in [
        seal("client_id=unknown"),
        seal("client_id=doorward-dev&redirect_uri=https%3A%2F%2Fevil.test%2F"),
        "%2B".to_owned(),
        "!".to_owned(),
        seal(&"a=b&".repeat(100)),
    ] {
        let answer = browser.get(ACME, &format!("/login?req={request}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{request}");
        assert!(answer.headers.get("location").is_none());
    }
    let page = browser.login_page(ACME, &[]).await;
    let pairs = page.hidden();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let foreign = browser
        .post(
            ACME,
            "/login",
            &pairs,
            &[("origin", "http://globex-app.localhost:6002")],
        )
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_application_page_finds_the_tenant_and_sends_on_to_the_applications_login() {
    let mut browser = PlatformBrowser::new(|_| ());
    let page = browser
        .get(
            APPLICATION,
            "/login?client_id=doorward-dev&state=http%3A%2F%2Flocalhost%3A6001%2Fa%3Fb%26c",
        )
        .await;
    assert_eq!(page.status, StatusCode::OK);
    for text in ["value=\"acme\"", "value=\"globex\"", "name=\"login_hint\"", "<form"] {
        assert!(page.body.contains(text), "{text}");
    }
    assert!(!page.body.contains("<script"));
    assert!(
        page.hidden()
            .contains(&("state".into(), "http://localhost:6001/a?b&c".into()))
    );

    let base = "http://localhost:6001/auth/login";
    for (query, expected) in [
        (
            "client_id=doorward-dev&tenant_name=acme",
            format!("{base}?tenant_name=acme"),
        ),
        (
            "client_id=doorward-dev&tenant_name=globex&state=%2Fa%3Fb%26c",
            format!("{base}?tenant_name=globex&return_url=%2Fa%3Fb%26c"),
        ),
        (
            "client_id=doorward-dev&login_hint=carol%40globex.test&state=%2F",
            format!("{base}?tenant_name=globex&login_hint=carol%40globex.test&return_url=%2F"),
        ),
    ] {
        let answer = browser.get(APPLICATION, &format!("/login?{query}")).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{query}");
        assert_eq!(answer.header("location"), expected);
    }
    for query in [
        "",
        "client_id=unknown",
        "client_id=doorward-dev&tenant_name=evil.test%2F",
        "client_id=doorward-dev&client_id=doorward-dev",
    ] {
        let answer = browser.get(APPLICATION, &format!("/login?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let unknown = browser
        .get(APPLICATION, "/login?client_id=doorward-dev&login_hint=%3Cb%3Emallory")
        .await;
    assert!(unknown.body.contains("&lt;b&gt;mallory") && !unknown.body.contains("<b>"));

    browser
        .set(json!({ "platform": { "hand_over_custom_domain": true } }))
        .await;
    let answer = browser
        .get(APPLICATION, "/login?client_id=doorward-dev&tenant_name=acme")
        .await;
    assert_eq!(
        answer.location_param("tenant_custom_domain").as_deref(),
        Some(ACME_DOMAIN)
    );
    let placed = json!({ "loginUrl": "http://{tenant_name}.localhost:6001/auth/login?x=1" });
    browser
        .set(json!({ "platform": { "sdk_configuration": placed, "hand_over_custom_domain": false } }))
        .await;
    let answer = browser
        .get(APPLICATION, "/login?client_id=doorward-dev&tenant_name=acme")
        .await;
    assert_eq!(answer.header("location"), "http://acme.localhost:6001/auth/login?x=1");
}

#[tokio::test]
async fn a_login_begun_at_the_tenants_host_goes_to_the_application_first() {
    let mut browser = PlatformBrowser::new(|_| ());
    let answer = browser.get(ACME, "/login").await;
    assert_eq!(
        answer.header("location"),
        "http://localhost:6001/auth/login?tenant_name=acme"
    );
    let answer = browser.get(ACME_DOMAIN, "/login").await;
    assert_eq!(
        answer.location_param("tenant_custom_domain").as_deref(),
        Some(ACME_DOMAIN)
    );
    // Whatever an SDK is told to try it, no browser goes there.
    for wrong in [json!("javascript:alert(1)"), json!(5), json!(null)] {
        browser
            .set(json!({ "platform": { "sdk_configuration": { "loginUrl": wrong } } }))
            .await;
        let answer = browser.get(ACME, "/login").await;
        assert!(
            answer
                .header("location")
                .starts_with("http://localhost:6001/auth/login?")
        );
    }
}

#[tokio::test]
async fn authorization_without_a_tenant_offers_everybody_where_it_is_switched_on() {
    let mut browser = PlatformBrowser::new(|_| ());
    assert_eq!(browser.authorize(APPLICATION, &[]).await.status, StatusCode::NOT_FOUND);
    let switched_on = json!({ "applicationAuthorizationRequestsEnabled": true });
    browser
        .set(json!({ "platform": { "sdk_configuration": switched_on } }))
        .await;
    let page = browser.login_page(APPLICATION, &[]).await;
    assert!(page.body.contains("alice@acme.test") && page.body.contains("carol@globex.test"));
    let answer = browser.press(APPLICATION, &page, "carol@globex.test").await;
    assert_eq!(answer.location_param("tenant_name").as_deref(), Some("globex"));
    // A place for the tenant can be filled once somebody has signed in, not before.
    let redirect_uri = [("redirect_uri", "http://{tenant_name}.localhost:6001/cb")];
    let answer = browser.authorize(APPLICATION, &redirect_uri).await;
    assert_eq!(place(&answer.location()), "http://globex.localhost:6001/cb");
    browser.cookies.clear();
    let silent = [redirect_uri[0], ("prompt", "none")];
    let answer = browser.authorize(APPLICATION, &silent).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.headers.get("location").is_none());
}

#[tokio::test]
async fn logout_ends_the_session_of_that_host_and_goes_where_it_may() {
    let base = "/api/v1/logout?client_id=doorward-dev";
    let mut browser = PlatformBrowser::new(|_| ());
    for (query, expected) in [
        ("", "http://localhost:6001/auth/login?tenant_name=acme".to_owned()),
        (
            "&state=a%26b",
            "http://localhost:6001/auth/login?tenant_name=acme&state=a%26b".to_owned(),
        ),
        (
            "&redirect_url=http%3A%2F%2Flocalhost%3A6001%2Fbye%3Fa%3D1%26b%3D2&state=s",
            "http://localhost:6001/bye?a=1&b=2&state=s".to_owned(),
        ),
    ] {
        browser
            .sign_in(GLOBEX, "carol@globex.test", &[("prompt", "login")])
            .await;
        browser.sign_in(ACME, "alice@acme.test", &[]).await;
        let old_cookie = browser.cookies[ACME].clone();
        let answer = browser.get(ACME, &format!("{base}{query}")).await;
        assert_eq!(answer.header("location"), expected);
        assert!(!browser.cookies.contains_key(ACME));
        browser.cookies.insert(ACME.to_owned(), old_cookie);
        assert_eq!(browser.authorize(ACME, &[]).await.location().path(), "/login");
        assert!(browser.authorize(GLOBEX, &[]).await.location_param("code").is_some());
        browser.cookies.remove(ACME);
    }
    let long = format!("&state={}", "s".repeat(513));
    for query in [
        "?client_id=unknown",
        "?",
        "?client_id=doorward-dev&redirect_url=https%3A%2F%2Fevil.test%2F",
        "?client_id=doorward-dev&redirect_url=%2F%2Fevil.test",
        &format!("?client_id=doorward-dev{long}"),
        "?client_id=doorward-dev&state=a&state=b",
    ] {
        let answer = browser.get(GLOBEX, &format!("/api/v1/logout{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(browser.cookies.contains_key(GLOBEX), "{query}");
    }
}

#[tokio::test]
async fn each_host_serves_its_own_paths_and_no_others() {
    let mut browser = PlatformBrowser::new(|_| ());
    let standard = "localhost:6002";
    for (host, path, expected) in [
        (standard, "/.well-known/openid-configuration", StatusCode::OK),
        (standard, AUTHORIZE, StatusCode::NOT_FOUND),
        (standard, "/api/v1/oauth2/jwks", StatusCode::NOT_FOUND),
        (APPLICATION, "/.well-known/openid-configuration", StatusCode::OK),
        (APPLICATION, "/api/v1/oauth2/jwks", StatusCode::OK),
        (APPLICATION, "/authorize", StatusCode::NOT_FOUND),
        (APPLICATION, "/", StatusCode::OK),
        (APPLICATION, "/_control/platform", StatusCode::OK),
        (ACME, "/api/v1/oauth2/jwks", StatusCode::NOT_FOUND),
        (ACME, "/token", StatusCode::NOT_FOUND),
        (ACME, "/_control/stats", StatusCode::NOT_FOUND),
        (ACME, "/", StatusCode::SEE_OTHER),
        ("initech-app.localhost:6002", "/login", StatusCode::NOT_FOUND),
        ("acme.app.localhost:6002", "/login", StatusCode::NOT_FOUND),
        ("app.localhost.evil.test", "/", StatusCode::MISDIRECTED_REQUEST),
        ("acme-app.evil.test:6002", "/login", StatusCode::MISDIRECTED_REQUEST),
    ] {
        assert_eq!(browser.get(host, path).await.status, expected, "{host} {path}");
    }
    let active = json!({ "isApplicationCustomDomainActive": true });
    browser
        .set(json!({ "platform": { "sdk_configuration": active } }))
        .await;
    assert_eq!(
        browser.get("acme.app.localhost:6002", "/login").await.status,
        StatusCode::FOUND
    );
    assert_eq!(browser.get(ACME, "/login").await.status, StatusCode::NOT_FOUND);
    // Without the platform, those hosts are names like any other.
    let mut browser = crate::browser::Browser::new(|_| ());
    assert_eq!(browser.get("/_control/platform").await.status, StatusCode::NOT_FOUND);
    let refused = browser
        .settings(json!({ "platform": { "special_characters": true } }))
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}
