//! Access tokens of the platform: they have the tenant's ID and not its name.

use axum::Router;
use axum::routing::get;
use doorward::{BearerTokens, Builder, Caller, Rule, Tenant};
use http::{Method, StatusCode};
use serde_json::Value;

use super::{Shop, problem};

const ACME: &str = "http://acme.shop.localhost:6001";
const GLOBEX: &str = "http://globex.shop.localhost:6001";

/// The platform's own ID of a tenant.
fn id_of(name: &str) -> String {
    let info = Shop::new().platform.platform_info().unwrap();
    let tenant = info.tenants.into_iter().find(|tenant| tenant.name == name);
    tenant.unwrap().id
}

fn with_bearer(builder: Builder) -> Builder {
    builder.token_endpoint(true).bearer(BearerTokens::new().no_audience())
}

/// Every tenant at a host of its own, and a route there that takes tokens.
fn shop(tenants: [Tenant; 2]) -> Shop {
    let mut shop = Shop::by_host_with(|builder| with_bearer(builder.tenants(tenants)));
    let answer = async |caller: Caller| caller.tenant().to_owned();
    let app: Router = shop
        .auth
        .router()
        .route("/bearer", Rule::bearer(), get(answer))
        .route("/home", Rule::Public, get(|| async { "home" }))
        .build();
    shop.browser = [ACME, GLOBEX]
        .into_iter()
        .fold(shop.browser, |browser, host| browser.mount(host, app.clone()));
    shop
}

/// The access token of a user who has signed in at their tenant's host.
async fn token_of_user_at(shop: &Shop, host: &str) -> String {
    let page = shop
        .browser
        .visit_following(&format!("{host}/auth/login?return_url=/home"))
        .await;
    let home = shop.press(&page).await;
    assert_eq!(home.url.as_str(), format!("{host}/home"), "{}", home.text());
    let page = shop.browser.visit(&format!("{host}/auth/token")).await;
    let body: Value = serde_json::from_str(page.text()).unwrap();
    body["accessToken"].as_str().unwrap().to_owned()
}

async fn call(shop: &Shop, host: &str, token: &str) -> doorward_testkit::Page {
    let request = shop.browser.request(Method::GET, &format!("{host}/bearer"));
    let request = request.header("authorization", &format!("Bearer {token}"));
    request.typed().send().await
}

#[tokio::test]
async fn users_own_access_token_is_good_at_their_tenants_host_and_at_no_other() {
    let ids = ["acme", "globex"].map(id_of);
    let shop = shop([Tenant::new("acme").id(&ids[0]), Tenant::new("globex").id(&ids[1])]);
    for ((own, other), id) in [(ACME, GLOBEX), (GLOBEX, ACME)].into_iter().zip(&ids) {
        let token = token_of_user_at(&shop, own).await;
        let page = call(&shop, own, &token).await;
        assert_eq!((page.status, page.text()), (StatusCode::OK, id.as_str()));
        let page = call(&shop, other, &token).await;
        assert_eq!(problem(&page), (StatusCode::FORBIDDEN, "tenant_mismatch".into()));
    }
}

#[tokio::test]
async fn access_token_is_refused_where_the_tenants_id_is_not_configured() {
    let shop = shop([Tenant::new("acme"), Tenant::new("globex")]);
    let token = token_of_user_at(&shop, ACME).await;
    let page = call(&shop, ACME, &token).await;
    assert_eq!(problem(&page), (StatusCode::FORBIDDEN, "tenant_mismatch".into()));
}

#[test]
fn tenants_whose_tokens_could_not_be_recognised_are_warned_about() {
    let told = |change: &dyn Fn(Builder) -> Builder| {
        let shop = Shop::with(|_| (), |provider| provider, change);
        let mut warnings = shop.auth.warnings().to_vec();
        warnings.retain(|warning| warning.starts_with("tenants.id"));
        warnings
    };
    let without = || {
        [
            Tenant::new("acme"),
            Tenant::new("globex"),
            Tenant::new("initech").id("i-1"),
        ]
    };
    let warnings = told(&|builder| with_bearer(builder.tenants(without())));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("acme, globex;"), "{warnings:?}");
    assert!(!warnings[0].contains("initech"), "{warnings:?}");

    let silent: [&dyn Fn(Builder) -> Builder; 4] = [
        &|builder| builder.tenants(without()),
        &|builder| with_bearer(builder.tenants([Tenant::new("acme").id("a-1")])),
        &with_bearer,
        // At another provider the claim is the name.
        &|builder| {
            let oidc = doorward::Provider::oidc("https://id.example.net", "app", "a secret of the client");
            with_bearer(builder)
                .named_provider("other", oidc)
                .tenants([Tenant::new("acme").provider("other")])
        },
    ];
    for change in silent {
        assert_eq!(told(change), Vec::<String>::new());
    }
}
