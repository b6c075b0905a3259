//! What keeps tenants and providers apart after the login.

use std::sync::{Arc, Mutex};

use doorward::ports::{Found, TenantDirectory};
use doorward::tenant::{ConfiguredTenants, HostName, Tenant as KnownTenant, TenantId, TenantName};
use doorward::{Provider, Sessions, Tenant};
use doorward_testkit::{Browser, CLIENT_ID, CLIENT_SECRET, Endpoint, ScriptedProvider};
use http::{Method, StatusCode};
use serde_json::json;

use crate::attacks::support::Raw;
use crate::support::{APP, PROVIDER, SECRET, World};

const ACME: &str = "https://acme.app.example.com";
const GLOBEX: &str = "https://globex.app.example.com";
const OTHER: &str = "https://id.other.example";
/// The seconds after which a token of 300 seconds is due.
const DUE: u64 = 245;

fn both_places() -> [Sessions; 2] {
    [Sessions::cookie(SECRET), Sessions::memory(SECRET)]
}

/// Two tenants, each with a host, and a user of acme signed in there.
async fn signed_in_at_acme(sessions: Sessions) -> World {
    let mut world = World::build(sessions, |builder| {
        builder
            .public_url("https://{tenant}.app.example.com")
            .tenants([Tenant::new("acme"), Tenant::new("globex")])
    });
    world.browser = Browser::new(ACME)
        .mount(PROVIDER, world.provider.router())
        .mount(ACME, world.app.clone())
        .mount(GLOBEX, world.app.clone())
        .with_clock(world.clock.clone());
    world.provider.script(|script| {
        script.claims["roles"] = json!(["member"]);
        script.token.id_token.claim("tenant", "acme");
    });
    let page = world.browser.visit_following("/auth/login?return_url=/home").await;
    assert_eq!(page.url.as_str(), format!("{ACME}/home"), "{}", page.text());
    world
}

#[tokio::test]
async fn roles_that_a_refresh_brings_from_another_tenant_are_never_those_of_this_one() {
    // attacks: M11
    for sessions in both_places() {
        let world = signed_in_at_acme(sessions).await;
        assert_eq!(world.browser.get("/api/admin").await.problem_code(), "role_missing");
        // The user switches to a tenant of their own, where they are the administrator.
        world.provider.script(|script| {
            script.claims["roles"] = json!(["admin"]);
            script.refresh.id_token.claim("tenant", "globex");
        });
        world.advance(DUE);
        let answer = world.browser.get("/api/admin").await;
        assert_eq!(
            (answer.status, answer.problem_code().as_str()),
            (StatusCode::UNAUTHORIZED, "token_refresh_failed")
        );
        assert_eq!(world.handled(), 0);
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
        world.tasks.idle().await;
        assert_eq!(world.provider.count(Endpoint::Revocation), 1);
    }
}

#[tokio::test]
async fn refresh_that_says_the_same_tenant_or_none_goes_on() {
    for says in [Some("acme"), None] {
        for sessions in both_places() {
            let world = signed_in_at_acme(sessions).await;
            world.provider.script(|script| {
                script.claims["roles"] = json!(["admin"]);
                if let Some(tenant) = says {
                    script.refresh.id_token.claim("tenant", tenant);
                } else {
                    script.refresh.id_token.without_claim("tenant");
                }
            });
            world.advance(DUE);
            assert_eq!(world.browser.get("/api/admin").await.status, StatusCode::OK, "{says:?}");
            assert_eq!(world.provider.token_calls("refresh_token"), 1);
        }
    }
}

#[tokio::test]
async fn tokens_of_a_provider_that_is_not_configured_any_more_are_shown_to_no_other() {
    let before = World::new();
    before.sign_in().await;
    let mut after = World::with(|builder| builder.provider(Provider::oidc(OTHER, CLIENT_ID, CLIENT_SECRET)));
    let other = ScriptedProvider::new(OTHER, after.clock.clone());
    drop(after.fetch.clone().mount("id.other.example", other.router()));
    after.browser = after.browser.mount(OTHER, other.router());
    for cookie in before.browser.cookies() {
        after.browser.plant(cookie);
    }
    let page = after
        .browser
        .request(Method::POST, "/auth/logout")
        .navigation()
        .from(APP)
        .send()
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let location = page.location().unwrap();
    assert!(
        location.query_pairs().all(|(name, _)| name != "id_token_hint"),
        "{location}"
    );
    after.tasks.idle().await;
    assert_eq!(other.count(Endpoint::Revocation), 0);
    // It ended here all the same.
    assert!(after.browser.cookie("__Host-session").is_none());
}

#[tokio::test]
async fn tokens_of_a_session_that_a_login_replaces_go_back_to_its_own_provider_alone() {
    let mut world = World::new();
    let second = ScriptedProvider::new(OTHER, world.clock.clone());
    let fetch = world.fetch.clone().mount("id.other.example", second.router());
    let clock = world.clock.clone();
    let tasks = world.tasks.clone();
    let built = World::with(|builder| {
        builder
            .fetch(fetch)
            .clock(clock)
            .tasks(tasks)
            .named_provider("globex", Provider::oidc(OTHER, CLIENT_ID, CLIENT_SECRET))
            .tenants([Tenant::new("acme"), Tenant::new("globex").provider("globex")])
    });
    world.browser = Browser::new(APP)
        .mount(APP, built.app.clone())
        .mount(PROVIDER, world.provider.router())
        .mount(OTHER, second.router())
        .with_clock(world.clock.clone());
    world
        .provider
        .script(|script| script.token.id_token.claim("tenant", "acme"));
    second.script(|script| {
        script.token.id_token.claim("tenant", "globex");
        script.refresh.id_token.claim("tenant", "globex");
    });
    let page = world
        .browser
        .visit_following("/auth/login?tenant_name=globex&return_url=/home")
        .await;
    assert_eq!(page.url.path(), "/home", "{}", page.text());
    world.advance(DUE);
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    assert_eq!(second.token_calls("refresh_token"), 1);
    // The login remembers the session; its cookie is gone when the login ends.
    let started = world
        .browser
        .visit("/auth/login?tenant_name=acme&return_url=/home")
        .await;
    let tab = world.browser.stranger();
    for cookie in world.browser.cookies() {
        if !cookie.name.contains("session") {
            tab.plant(cookie);
        }
    }
    let page = tab.follow_all(started).await;
    assert_eq!(page.url.path(), "/home", "{}", page.text());
    world.tasks.idle().await;
    assert_eq!(
        world.provider.count(Endpoint::Revocation),
        0,
        "a stranger to these tokens"
    );
    assert_eq!(second.count(Endpoint::Revocation), 1);
}

#[tokio::test]
async fn request_that_names_two_hosts_is_nobodys() {
    // attacks: G15
    let world = signed_in_at_acme(Sessions::cookie(SECRET)).await;
    let ask = |target: &str, host: &str| {
        Raw::get(target)
            .set("host", host)
            .header("cookie", &world.browser.cookie_header("/"))
    };
    for (target, host, expected) in [
        ("/api/me", "acme.app.example.com", StatusCode::OK),
        (
            "https://acme.app.example.com/api/me",
            "acme.app.example.com",
            StatusCode::OK,
        ),
        (
            "https://acme.app.example.com/api/me",
            "ACME.app.example.com:443",
            StatusCode::OK,
        ),
        (
            "https://acme.app.example.com/api/me",
            "globex.app.example.com",
            StatusCode::NOT_FOUND,
        ),
        (
            "https://acme.app.example.com/api/me",
            "acme.app.example.com:8443",
            StatusCode::NOT_FOUND,
        ),
        ("https://acme.app.example.com/api/me", "a b", StatusCode::NOT_FOUND),
    ] {
        let answer = ask(target, host).send(&world.app).await;
        assert_eq!(answer.status, expected, "{target} {host}");
    }
    let two = ask("https://acme.app.example.com/api/me", "acme.app.example.com")
        .header("host", "globex.app.example.com")
        .send(&world.app)
        .await;
    assert_eq!(two.status, StatusCode::NOT_FOUND);
}

/// Tenants that can go.
#[derive(Clone)]
struct Leaving(Arc<Mutex<Arc<ConfiguredTenants>>>, bool);

impl Leaving {
    fn new(later: bool) -> Self {
        let leaving = Self(Arc::default(), later);
        leaving.set(&["acme", "globex"]);
        leaving
    }

    fn set(&self, names: &[&str]) {
        let named = |name: &&str| KnownTenant::named(TenantName::parse(name).unwrap());
        let tenants = ConfiguredTenants::new(names.iter().map(named).collect()).unwrap();
        *self.0.lock().unwrap() = Arc::new(tenants);
    }

    fn ask(&self, ask: impl Fn(&ConfiguredTenants) -> Found) -> Found {
        let list = Arc::clone(&self.0.lock().unwrap());
        match ask(&list) {
            Found::Ready(tenant) if self.1 => Found::Wait(Box::pin(async move { Ok(tenant) })),
            found => found,
        }
    }
}

impl TenantDirectory for Leaving {
    fn by_host(&self, host: &HostName) -> Found {
        self.ask(|list| list.by_host(host))
    }

    fn by_name(&self, name: &TenantName) -> Found {
        self.ask(|list| list.by_name(name))
    }

    fn by_id(&self, id: &TenantId) -> Found {
        self.ask(|list| list.by_id(id))
    }
}

#[tokio::test]
async fn sessions_of_a_tenant_that_is_gone_are_refused_at_a_host_of_everybodys() {
    // attacks: M9
    for later in [false, true] {
        for sessions in both_places() {
            let directory = Leaving::new(later);
            let given = directory.clone();
            let world = World::build(sessions, |builder| builder.tenant_directory(given));
            world
                .provider
                .script(|script| script.token.id_token.claim("tenant", "acme"));
            world.sign_in().await;
            let other = world.browser.stranger();
            world
                .provider
                .script(|script| script.token.id_token.claim("tenant", "globex"));
            other.visit_following("/auth/login?return_url=/home").await;
            for browser in [&world.browser, &other] {
                assert_eq!(browser.get("/api/me").await.status, StatusCode::OK);
            }
            directory.set(&["globex"]);
            let handled = world.handled();
            for path in [
                "/api/me",
                "/auth/session",
                "/open/layer",
                "/open/extractor",
                "/open/optional",
            ] {
                let page = world.browser.get(path).await;
                assert_eq!(
                    (page.status, page.problem_code()),
                    (StatusCode::FORBIDDEN, "tenant_mismatch".into()),
                    "{path}"
                );
            }
            assert_eq!(world.handled(), handled);
            assert_eq!(other.get("/api/me").await.status, StatusCode::OK);
        }
    }
}

/// A directory in which a tenant's administrator has entered every host for their own.
struct Greedy(ConfiguredTenants);

impl TenantDirectory for Greedy {
    fn by_host(&self, _: &HostName) -> Found {
        self.0.by_name(&TenantName::parse("globex").unwrap())
    }

    fn by_name(&self, name: &TenantName) -> Found {
        self.0.by_name(name)
    }

    fn by_id(&self, id: &TenantId) -> Found {
        self.0.by_id(id)
    }
}

#[tokio::test]
async fn host_of_ours_is_never_a_tenants_because_the_directory_says_so() {
    let greedy = || {
        let named = |name| KnownTenant::named(TenantName::parse(name).unwrap());
        Greedy(ConfiguredTenants::new(["acme", "globex"].map(named).into()).unwrap())
    };
    let login_url = async |world: &World, host: &str| {
        let answer = Raw::get("/api/me").set("host", host).send(&world.app).await;
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        (answer.status, body["login_url"].as_str().unwrap_or_default().to_owned())
    };
    let world = World::with(|builder| {
        builder
            .public_url("https://{tenant}.app.example.com")
            .public_url_without_tenant("https://www.example.com")
            .tenant_directory(greedy())
    });
    world
        .provider
        .script(|script| script.token.id_token.claim("tenant", "globex"));
    for (host, expected) in [
        ("acme.app.example.com", "https://acme.app.example.com/auth/login"),
        ("www.example.com", "https://www.example.com/auth/login"),
        ("portal.globex.com", "https://portal.globex.com/auth/login"),
    ] {
        assert_eq!(
            login_url(&world, host).await,
            (StatusCode::UNAUTHORIZED, expected.to_owned())
        );
    }
    for host in ["app.example.com", "acme.app.example.com:8443", "www.example.com:8443"] {
        assert_eq!(login_url(&world, host).await.0, StatusCode::NOT_FOUND, "{host}");
    }
    // The user of globex does not enter at acme's host by globex's entry for it.
    let browser = Browser::new(ACME)
        .mount(ACME, world.app.clone())
        .mount(PROVIDER, world.provider.router())
        .with_clock(world.clock.clone());
    let page = browser.visit_following("/auth/login?return_url=/home").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.text());
    // At one host for everybody it is everybody's: acme's users sign in there.
    let world = World::with(|builder| builder.tenant_directory(greedy()));
    world.sign_in().await;
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
}
