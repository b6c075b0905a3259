//! What the file says is what happens: each key of the first journey has another value than its default.

use std::path::Path;
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use doorward::{Doorward, Session};
use doorward_testkit::{Browser, CLIENT_ID, CLIENT_SECRET, Endpoint, FixedClock, RouterFetch, ScriptedProvider};
use http::Method;
use serde_json::{Value, json};

use super::{SECRET, base, clock, told};
use crate::config::{CheckedConfig, Environment, check};

const APP: &str = "https://app.example.com";
const PROVIDER: &str = "https://id.example.net";

const FILE: &str = r#"
[server]
public_url = "https://app.example.com"
app_origins = ["https://spa.example.com"]

[provider]
issuer = "https://id.example.net"
client_id = { CLIENT }
client_secret = { env = "CLIENT_SECRET" }
client_auth = "client_secret_post"
scopes = ["openid", "email", "orders"]
authorize_params = { audience = "orders" }
[provider.claims]
roles = "groups"
tenant = "org.name"

[session]
secrets = [{ env = "DOORWARD_SECRET" }]
idle_timeout = "10m"
absolute_timeout = "25m"
outlive_access_token = true
same_site = "Strict"
cookie_name = "__Host-sid"

[csrf]
cookie_name = "XSRF"
header_name = "X-XSRF"

[auth]
base_path = "/door"
token_endpoint = true
default_return_url = "/home"
post_logout_url = "/bye"

[[routes]]
path = "/api/admin"
upstream = "http://127.0.0.1:3000"
roles = ["admin"]

[[routes]]
path = "/api/owner"
upstream = "http://127.0.0.1:3000"
roles = ["owner"]

[[routes]]
path = "/home"
upstream = "http://127.0.0.1:3000"
access = ["public"]
"#;

struct World {
    browser: Browser,
    provider: ScriptedProvider,
    clock: FixedClock,
}

impl World {
    fn new(text: &str) -> Self {
        let clock = clock();
        let provider = ScriptedProvider::new(PROVIDER, clock.clone());
        let fetch = RouterFetch::unreachable().mount("id.example.net", provider.router());
        let base = base(&fetch).clock(clock.clone());
        let environment = Environment::of(&[("CLIENT_SECRET", CLIENT_SECRET), ("DOORWARD_SECRET", SECRET)]);
        let text = text.replace("{ CLIENT }", &format!("{CLIENT_ID:?}"));
        let config = match check(&text, Path::new(""), &environment, &base) {
            Ok(config) => config,
            Err(refused) => panic!("{}", told(&refused.faults)),
        };
        let browser = Browser::new(APP)
            .mount(APP, application(&config))
            .mount(PROVIDER, provider.router())
            .with_clock(clock.clone());
        Self {
            browser,
            provider,
            clock,
        }
    }
}

/// The routes of the file, each before a backend that says who called.
fn application(config: &CheckedConfig) -> Router {
    let auth: &Doorward = &config.auth;
    let mut router = auth.router();
    for route in &config.routes {
        router = router.route(&route.path.to_string(), route.rule.clone(), get(who).post(who));
    }
    router.build()
}

async fn who(session: Option<Session>) -> Json<Value> {
    let user = session.map(|session| session.user().clone());
    Json(json!({
        "tenant": user.as_ref().map(|user| user.tenant.clone()),
        "roles": user.map(|user| user.roles),
    }))
}

#[tokio::test]
async fn a_session_lives_as_the_file_says() {
    let world = World::new(FILE);
    world.provider.script(|script| {
        script.claims.insert("groups".to_owned(), json!(["admin"]));
        script.claims.insert("org".to_owned(), json!({ "name": "acme" }));
        script.issue_refresh_tokens = false;
        script.token.expires_in = 60;
    });
    let browser = &world.browser;
    // Strict: the callback answers a page that moves on by itself.
    let page = browser.visit_following("/door/login").await;
    assert!(browser.cookie("__Host-sid").is_some(), "{:?}", browser.cookies());
    assert!(
        page.url.path() == "/home" || page.text().contains("/home"),
        "{} {}",
        page.url,
        page.text()
    );

    let asked = world.provider.requests_to(Endpoint::Authorize).remove(0);
    assert_eq!(asked.param("scope").unwrap(), "openid email orders");
    assert_eq!(asked.param("audience").unwrap(), "orders");
    assert_eq!(
        asked.param("redirect_uri").unwrap(),
        "https://app.example.com/door/callback"
    );
    let token = world.provider.requests_to(Endpoint::Token).remove(0);
    assert_eq!(
        token.param("client_secret").unwrap(),
        CLIENT_SECRET,
        "by client_secret_post"
    );

    let admin = browser.visit("/api/admin").await;
    assert_eq!(admin.json::<Value>(), json!({ "tenant": "acme", "roles": ["admin"] }));
    assert_eq!(browser.visit("/api/owner").await.problem_code(), "role_missing");
    assert_eq!(browser.visit("/door/token").await.status, 200);

    let csrf = browser.script_cookie("XSRF").unwrap();
    let without = browser.request(Method::POST, "/api/admin").send().await;
    assert_eq!(without.problem_code(), "csrf_missing");
    let with = browser
        .request(Method::POST, "/api/admin")
        .header("x-xsrf", &csrf)
        .send()
        .await;
    assert_eq!(with.status, 200);

    // The access token ended long ago; the session goes on until it was idle for ten minutes.
    for _ in 0..2 {
        world.clock.advance(Duration::from_secs(590));
        assert_eq!(browser.visit("/api/admin").await.status, 200);
    }
    // 25 minutes after login it is over, whatever it does.
    world.clock.advance(Duration::from_secs(330));
    assert_eq!(browser.visit("/api/admin").await.status, 401);
}

#[tokio::test]
async fn an_idle_session_ends_when_the_file_says() {
    let world = World::new(FILE);
    world.provider.script(|script| {
        script.claims.insert("groups".to_owned(), json!(["admin"]));
    });
    world.browser.visit_following("/door/login").await;
    world.clock.advance(Duration::from_secs(599));
    assert_eq!(world.browser.visit("/api/admin").await.status, 200);
    world.clock.advance(Duration::from_secs(601));
    assert_eq!(world.browser.visit("/api/admin").await.status, 401);
}

#[tokio::test]
async fn a_logout_leads_where_the_file_says() {
    let world = World::new(FILE);
    world.browser.visit_following("/door/login").await;
    let page = world.browser.request(Method::POST, "/door/logout").send().await;
    let target = page.json::<Value>()["logoutUrl"].as_str().unwrap().to_owned();
    assert!(
        target.contains("post_logout_redirect_uri=https%3A%2F%2Fapp.example.com%2Fbye"),
        "{target}"
    );
}

#[tokio::test]
async fn switches_that_are_off_are_off() {
    let off = FILE
        .replace("token_endpoint = true", "")
        .replace("outlive_access_token = true", "");
    let world = World::new(&off);
    world.provider.script(|script| {
        script.claims.insert("groups".to_owned(), json!(["admin"]));
        script.issue_refresh_tokens = false;
        script.token.expires_in = 60;
    });
    world.browser.visit_following("/door/login").await;
    assert_eq!(world.browser.visit("/door/token").await.status, 404);
    assert_eq!(world.browser.visit("/api/admin").await.status, 200);
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(
        world.browser.visit("/api/admin").await.problem_code(),
        "session_expired"
    );
}
