//! The farewell is said at the host of the session's tenant.

use http::Method;
use serde_json::Value;

use super::{ACME, ACME_DOMAIN, APP, GLOBEX, PLATFORM, Shop};
use crate::attacks::support::Raw;

async fn logout_url(shop: &Shop, origin: &str, query: &str) -> String {
    let page = shop
        .browser
        .request(Method::POST, &format!("{origin}/auth/logout{query}"))
        .from(origin)
        .send()
        .await;
    let body: Value = serde_json::from_str(page.text()).unwrap();
    body["logoutUrl"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn session_goes_before_whatever_the_request_names() {
    let shop = Shop::new();
    shop.sign_in("tenant_name=acme&return_url=/home").await;
    let url = logout_url(&shop, APP, "?tenant_name=globex").await;
    assert!(url.starts_with(&format!("{ACME}/api/v1/logout?client_id=")), "{url}");
    assert_eq!(shop.me().await.problem_code(), "session_missing");
    // Without a session the request decides, and without a request the choice of a tenant is left.
    assert!(logout_url(&shop, APP, "?tenant_name=globex").await.starts_with(GLOBEX));
    let url = logout_url(&shop, APP, "?tenant_custom_domain=login-acme.localhost").await;
    assert!(url.starts_with(ACME_DOMAIN), "{url}");
    let url = logout_url(&shop, APP, "").await;
    assert!(url.starts_with(&format!("http://{PLATFORM}/login?client_id=")), "{url}");
}

// weakness: R5
#[tokio::test]
async fn logout_never_leads_to_a_host_that_only_the_request_names() {
    let shop = Shop::new();
    for query in [
        "?tenant_custom_domain=evil.localhost",
        "?tenant_custom_domain=evil.example%2F",
        "?tenant_name=evil.example%2F",
        "?tenant_name=a%40b",
    ] {
        let url = logout_url(&shop, APP, query).await;
        assert!(!url.contains("evil") && !url.contains('@'), "{query}: {url}");
    }
}

#[tokio::test]
async fn custom_domain_of_the_login_is_that_of_the_logout() {
    let shop = Shop::new();
    let home = shop
        .sign_in("tenant_custom_domain=login-acme.localhost&return_url=/home")
        .await;
    assert_eq!(home.url.path(), "/home", "{}", home.text());
    let url = logout_url(&shop, APP, "").await;
    assert!(url.starts_with(&format!("{ACME_DOMAIN}/api/v1/logout?")), "{url}");
}

#[tokio::test]
async fn address_after_the_logout_is_sent_where_the_application_chose_one() {
    let shop = Shop::with(
        |_| (),
        |provider| provider,
        |builder| builder.post_logout_url("/bye?a=b&c"),
    );
    shop.sign_in("tenant_name=acme&return_url=/home").await;
    let url: url::Url = logout_url(&shop, APP, "").await.parse().unwrap();
    let sent = url.query_pairs().find(|(name, _)| name == "redirect_url").unwrap().1;
    assert_eq!(sent, "http://localhost:6001/bye?a=b&c");
}

// weakness: R5
#[tokio::test]
async fn where_hosts_name_tenants_the_name_in_a_logout_link_names_nobody() {
    let shop = Shop::by_host();
    let url = logout_url(&shop, "http://shop.localhost:6001", "?tenant_name=globex").await;
    assert!(url.starts_with(&format!("http://{PLATFORM}/login?client_id=")), "{url}");
    for query in ["", "?tenant_name=acme", "?tenant_domain=acme"] {
        let url = logout_url(&shop, "http://globex.shop.localhost:6001", query).await;
        assert!(url.starts_with(GLOBEX), "{query}: {url}");
    }
}

#[tokio::test]
async fn logout_that_names_two_hosts_is_no_tenants() {
    let shop = Shop::with(
        |platform| {
            platform.login_url = "http://{tenant_name}.shop.localhost:6001/auth/login".into();
            platform.redirect_uri = Some("http://{tenant_name}.shop.localhost:6001/auth/callback".into());
            platform.login_url_tenant_domain_suffix = Some("shop.localhost".into());
        },
        |provider| provider,
        |builder| builder,
    );
    let (acme, globex) = ("acme.shop.localhost:6001", "globex.shop.localhost:6001");
    for (target, host, leads_to) in [
        (None, globex, GLOBEX.to_owned()),
        (Some(globex), globex, GLOBEX.to_owned()),
        (Some(globex), acme, format!("http://{PLATFORM}/login?")),
    ] {
        let origin = target.map(|target| format!("http://{target}")).unwrap_or_default();
        let request = Raw::post(&format!("{origin}/auth/logout"))
            .set("host", host)
            .header("sec-fetch-site", "same-origin");
        let answer = request.send(&shop.app).await;
        let url = answer.json()["logoutUrl"].as_str().unwrap().to_owned();
        assert!(url.starts_with(&leads_to), "{target:?} {host}: {url}");
    }
}
