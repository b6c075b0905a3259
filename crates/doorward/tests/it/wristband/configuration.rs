//! What the platform keeps for the application: asked for once, judged before it is kept.

use doorward_testkit::{Browser, Gate};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::json;

use super::{ACME, APP, Shop, location};

const LABEL: &str = "sdk-configuration";

#[tokio::test]
async fn configuration_is_asked_for_on_first_need_and_once() {
    let shop = Shop::new();
    assert_eq!(shop.fetch.count(LABEL), 0, "starting needs nobody");
    for _ in 0..5 {
        shop.login_page("tenant_name=acme").await;
    }
    assert_eq!(shop.fetch.count(LABEL), 1);
}

// weakness: C2
#[tokio::test]
async fn hundred_logins_at_once_never_ask_a_hundred_times() {
    let shop = Shop::new();
    let gate = Gate::closed();
    shop.fetch.hold(Some(LABEL), &gate);
    let browsers: Vec<Browser> = (0..100).map(|_| shop.browser.stranger()).collect();
    let logins = join_all(
        browsers
            .iter()
            .map(|browser| browser.visit("/auth/login?tenant_name=acme")),
    );
    let open = async {
        gate.arrived(1).await;
        gate.open();
    };
    let (pages, ()) = futures_util::future::join(logins, open).await;
    assert!(pages.iter().all(|page| location(page).starts_with(ACME)));
    assert_eq!(shop.fetch.count(LABEL), 1);
}

// weakness: C1
#[tokio::test]
async fn unsound_configuration_is_never_kept() {
    let shop = Shop::new();
    shop.set(json!({ "errors": { "sdk_configuration": { "body": "invalid_json" } } }))
        .await;
    let page = shop.browser.visit("/auth/login?tenant_name=acme").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.text());
}

// weakness: C3
#[tokio::test]
async fn refused_configuration_is_asked_for_once_and_an_outage_three_times() {
    for (status, calls) in [(404, 1), (503, 3)] {
        let shop = Shop::new();
        shop.set(json!({ "errors": { "sdk_configuration": { "status": status } } }))
            .await;
        let page = shop.browser.visit("/auth/login?tenant_name=acme").await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.text());
        assert_eq!(shop.fetch.count(LABEL), calls, "{status}");
    }
    // Two failures are ridden out.
    let shop = Shop::new();
    shop.set(json!({ "errors": { "sdk_configuration": { "status": 503, "count": 2 } } }))
        .await;
    assert!(location(&shop.browser.visit("/auth/login?tenant_name=acme").await).starts_with(ACME));
}

#[tokio::test]
async fn eager_start_says_which_provider_does_not_answer() {
    let shop = Shop::new();
    shop.auth.discover().await.unwrap();
    assert_eq!(shop.fetch.count(LABEL), 1);
    shop.login_page("tenant_name=acme").await;
    assert_eq!(shop.fetch.count(LABEL), 1);

    let shop = Shop::new();
    shop.set(json!({ "errors": { "sdk_configuration": { "status": 404 } } }))
        .await;
    let error = shop.auth.discover().await.unwrap_err();
    assert_eq!(error.issuer, "http://app.localhost:6002");
    assert!(error.to_string().contains("configuration"), "{error}");
}

#[tokio::test]
async fn configuration_by_hand_asks_nobody() {
    let shop = Shop::with(
        |_| (),
        |provider| {
            provider
                .auto_configure(false)
                .login_url(format!("{APP}/auth/login"))
                .redirect_uri(format!("{APP}/auth/callback"))
        },
        |builder| builder,
    );
    let home = shop.sign_in("tenant_name=acme&return_url=/home").await;
    assert_eq!(home.url.path(), "/home", "{}", home.text());
    assert_eq!(shop.fetch.count(LABEL), 0);
}

// weakness: C5
#[test]
fn configuration_that_cannot_work_is_refused_by_the_name_of_its_key() {
    use doorward::{Doorward, Provider, Sessions, Wristband};
    type Change = fn(Wristband) -> Wristband;
    let table: [(&str, Change); 6] = [
        ("provider.login_url", |provider| provider.auto_configure(false)),
        ("provider.login_url", |provider| provider.login_url("/auth/login")),
        ("provider.redirect_uri", |provider| {
            provider.redirect_uri("http://app.example.com/cb")
        }),
        ("provider.default_tenant_name", |provider| {
            provider.default_tenant_name("a.b")
        }),
        ("provider.default_tenant_custom_domain", |provider| {
            provider.default_tenant_custom_domain("https://x.example")
        }),
        ("provider.scopes", |provider| provider.scopes(["open id"])),
    ];
    let build = |provider: Wristband| {
        let builder = Doorward::builder()
            .public_url("https://app.example.com")
            .provider(provider)
            .session(Sessions::cookie(crate::support::SECRET));
        builder.build().map(|_| ()).map_err(|error| error.key())
    };
    let provider = || Provider::wristband("shop-acme.us.wristband.dev", "client", "the client's secret");
    assert_eq!(build(provider()), Ok(()));
    for (key, change) in table {
        assert_eq!(build(change(provider())), Err(key));
    }
    for vanity in ["", "https://shop.us.wristband.dev", "shop/../x", "shop"] {
        assert_eq!(
            build(Provider::wristband(vanity, "client", "the client's secret")),
            Err("provider.vanity_domain"),
            "{vanity}"
        );
    }
}
