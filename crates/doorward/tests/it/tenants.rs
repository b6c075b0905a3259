//! Tenants: whose host a request is met at, whose user signs in there, and that nobody else does.

use std::sync::Arc;
use std::sync::Mutex;

use doorward::ports::{Found, TenantDirectory};
use doorward::tenant::{ConfiguredTenants, HostName, Tenant as KnownTenant, TenantId, TenantName};
use doorward::{Builder, Doorward, Provider, Sessions, Tenant};
use doorward_testkit::{Browser, CLIENT_ID, CLIENT_SECRET, Endpoint, Page, ScriptedProvider};
use http::StatusCode;
use serde_json::Value;

use crate::support::{APP, PROVIDER, SECRET, World, application};

pub(crate) const ACME: &str = "https://acme.app.example.com";
pub(crate) const GLOBEX: &str = "https://globex.app.example.com";
const PORTAL: &str = "https://portal.globex.com";
const ROOT: &str = "https://www.example.com";

pub(crate) fn two_tenants(builder: Builder) -> Builder {
    builder
        .public_url("https://{tenant}.app.example.com")
        .public_url_without_tenant(ROOT)
        .tenants([Tenant::new("acme"), Tenant::new("globex").host("portal.globex.com")])
}

/// An application met at several hosts, with the browser that knows them all.
pub(crate) struct Hosted {
    pub(crate) world: World,
    pub(crate) browser: Browser,
}

impl Hosted {
    pub(crate) fn with(sessions: Sessions, change: impl FnOnce(Builder) -> Builder) -> Self {
        let world = World::build(sessions, change);
        let mut browser = Browser::new(ACME)
            .mount(PROVIDER, world.provider.router())
            .with_clock(world.clock.clone());
        for host in [
            ACME,
            GLOBEX,
            PORTAL,
            ROOT,
            APP,
            "https://unknown.app.example.com",
            "https://app.example.com.evil.test",
        ] {
            browser = browser.mount(host, world.app.clone());
        }
        Self { world, browser }
    }

    fn new() -> Self {
        Self::with(Sessions::cookie(SECRET), two_tenants)
    }

    fn both_places() -> [Self; 2] {
        [Sessions::cookie(SECRET), Sessions::memory(SECRET)].map(|sessions| Self::with(sessions, two_tenants))
    }

    /// The next user to sign in belongs to this tenant.
    fn user_of(&self, tenant: &str) {
        self.world.provider.script(|script| {
            script.token.id_token.claim("tenant", tenant);
        });
    }

    pub(crate) async fn sign_in(&self, origin: &str, tenant: &str) -> Page {
        self.user_of(tenant);
        self.browser
            .visit_following(&format!("{origin}/auth/login?return_url=/home"))
            .await
    }
}

/// The address that a page sends the browser to.
fn location(page: &Page) -> String {
    page.location().expect("a redirect").into()
}

fn json(page: &Page) -> Value {
    serde_json::from_str(page.text()).unwrap()
}

// attacks: M1
#[tokio::test]
async fn two_tenants_are_signed_in_side_by_side_and_neither_session_works_at_the_other() {
    for hosted in Hosted::both_places() {
        let browser = &hosted.browser;
        for (origin, tenant) in [(ACME, "acme"), (GLOBEX, "globex")] {
            let page = hosted.sign_in(origin, tenant).await;
            assert_eq!(page.url.as_str(), format!("{origin}/home"), "{}", page.text());
        }
        for (origin, tenant) in [(ACME, "acme"), (GLOBEX, "globex")] {
            let me = browser.get(&format!("{origin}/api/me")).await;
            assert_eq!((me.status, &json(&me)["tenant"]), (StatusCode::OK, &tenant.into()));
        }
        // The browser keeps them apart; whoever carries a cookie over by hand is told apart by us.
        let stranger = browser.stranger();
        for cookie in browser
            .cookies()
            .into_iter()
            .filter(|cookie| cookie.domain == "acme.app.example.com")
        {
            let mut planted = cookie.clone();
            planted.domain = "globex.app.example.com".to_owned();
            stranger.plant(planted);
        }
        let handled = hosted.world.handled();
        let refused = stranger.get(&format!("{GLOBEX}/api/me")).await;
        assert_eq!(
            (refused.status, refused.problem_code()),
            (StatusCode::FORBIDDEN, "tenant_mismatch".into())
        );
        assert_eq!(hosted.world.handled(), handled);
        // A host of its own is the tenant's too, and a host of another site keeps another cookie.
        let portal = browser.get(&format!("{PORTAL}/api/me")).await;
        assert_eq!(portal.problem_code(), "session_missing");
        assert_eq!(json(&portal)["login_url"], format!("{PORTAL}/auth/login"));
        let page = hosted.sign_in(PORTAL, "globex").await;
        assert_eq!(page.url.as_str(), format!("{PORTAL}/home"), "{}", page.text());
    }
}

#[tokio::test]
async fn a_user_of_another_tenant_does_not_sign_in_at_a_tenants_host() {
    for hosted in Hosted::both_places() {
        for other in ["globex", "Acme", "acme.", "default", "initech"] {
            let page = hosted.sign_in(ACME, other).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{other}");
            assert!(page.text().contains("login_denied"), "{other}: {}", page.text());
            // The provider knows them still: without asking anew the way on would end here again.
            let way_on = format!("href=\"{ACME}/auth/login?prompt=login\"");
            assert!(page.text().contains(&way_on), "{}", page.text());
            let me = hosted.browser.get(&format!("{ACME}/api/me")).await;
            assert_eq!(me.problem_code(), "session_missing", "{other}");
        }
    }
}

// attacks: M4, G1
#[tokio::test]
async fn a_host_that_is_nobodys_is_answered_without_asking_anybody() {
    let hosted = Hosted::new();
    for origin in [
        "https://unknown.app.example.com",
        APP,
        "https://app.example.com.evil.test",
    ] {
        let page = hosted.browser.get(&format!("{origin}/api/me")).await;
        assert_eq!(
            (page.status, page.problem_code()),
            (StatusCode::NOT_FOUND, "tenant_unknown".into()),
            "{origin}"
        );
        for path in ["/auth/login", "/auth/session", "/auth/callback?code=a&state=b"] {
            let page = hosted.browser.visit(&format!("{origin}{path}")).await;
            assert_eq!(
                (page.status, page.location()),
                (StatusCode::NOT_FOUND, None),
                "{origin}{path}"
            );
        }
        // What is public stays so.
        let home = hosted.browser.get(&format!("{origin}/home")).await;
        assert_eq!(home.status, StatusCode::OK, "{origin}");
    }
    assert_eq!(hosted.world.fetch.calls().len(), 0);
}

// weakness: R4
#[tokio::test]
async fn a_login_that_names_a_tenant_goes_on_at_the_tenants_host() {
    let hosted = Hosted::new();
    let page = hosted
        .browser
        .visit(&format!(
            "{ROOT}/auth/login?tenant_name=acme&return_url=%2Fhome%3Fa%3Db%2526c&login_hint=a%2Bb"
        ))
        .await;
    assert_eq!(
        location(&page),
        format!("{ACME}/auth/login?tenant_name=acme&return_url=%2Fhome%3Fa%3Db%2526c&login_hint=a%2Bb")
    );
    // At home nobody signs in, and no session counts.
    for query in ["", "?tenant_name=", "?tenant_name=initech", "?tenant_domain=initech"] {
        let page = hosted.browser.visit(&format!("{ROOT}/auth/login{query}")).await;
        assert_eq!((page.status, page.location()), (StatusCode::NOT_FOUND, None), "{query}");
        assert!(page.text().contains("tenant_unknown"), "{query}");
    }
    // At a tenant's host another tenant's name is a mistake, not a way out.
    let page = hosted
        .browser
        .visit(&format!("{ACME}/auth/login?tenant_name=globex"))
        .await;
    assert_eq!((page.status, page.location()), (StatusCode::BAD_REQUEST, None));
    let way_on = format!("href=\"{ACME}/auth/login\"");
    assert!(page.text().contains(&way_on), "nobody was refused: {}", page.text());
    assert_eq!(hosted.world.fetch.calls().len(), 0);
}

// attacks: M3
// weakness: R3, L23
#[tokio::test]
async fn a_tenant_name_never_becomes_part_of_a_url_by_what_it_says() {
    let hosted = Hosted::new();
    let long = "a".repeat(1_000);
    let names = [
        "evil.com%2F",
        "evil.com%3F",
        "evil.com%23",
        "evil.com%5C",
        "acme%2F..%2Fx",
        "acme%40evil.com",
        "acme%3A443",
        "..",
        "%20acme",
        "acme%00",
        "%C3%A4cme",
        "acme%0d%0aLocation:%20x",
        "-acme",
        "acme-",
        long.as_str(),
    ];
    for name in names {
        for origin in [ROOT, ACME] {
            for parameter in ["tenant_name", "tenant_domain"] {
                let page = hosted
                    .browser
                    .visit(&format!("{origin}/auth/login?{parameter}={name}"))
                    .await;
                assert!(page.status.is_client_error(), "{origin} {name}: {}", page.status);
                assert_eq!(page.location(), None, "{origin} {name}");
            }
        }
    }
    for query in [
        "tenant_name=acme&tenant_name=acme",
        "tenant_name=acme&tenant_domain=acme",
    ] {
        let page = hosted.browser.visit(&format!("{ROOT}/auth/login?{query}")).await;
        assert_eq!(
            (page.status, page.location()),
            (StatusCode::BAD_REQUEST, None),
            "{query}"
        );
    }
    // Written otherwise it is the same tenant, and goes where that tenant is.
    let page = hosted
        .browser
        .visit(&format!("{ROOT}/auth/login?tenant_name=ACME"))
        .await;
    assert_eq!(location(&page), format!("{ACME}/auth/login?tenant_name=ACME"));
    assert_eq!(hosted.world.fetch.calls().len(), 0);
}

// attacks: M6
#[tokio::test]
async fn a_login_that_began_at_one_tenant_is_not_finished_at_another() {
    let hosted = Hosted::new();
    hosted.user_of("globex");
    let started = hosted.browser.visit(&format!("{ACME}/auth/login")).await;
    let at_provider = hosted.browser.visit(&location(&started)).await;
    let callback = location(&at_provider).replace("acme.app", "globex.app");
    assert!(callback.starts_with(GLOBEX), "{callback}");
    for cookie in hosted
        .browser
        .cookies()
        .into_iter()
        .filter(|cookie| cookie.name.starts_with("__Host-login."))
    {
        let mut planted = cookie.clone();
        planted.domain = "globex.app.example.com".to_owned();
        hosted.browser.plant(planted);
    }
    let page = hosted.browser.visit(&callback).await;
    assert!(page.status.is_client_error(), "{}", page.status);
    assert_eq!(hosted.world.provider.count(Endpoint::Token), 0);
    let me = hosted.browser.get(&format!("{GLOBEX}/api/me")).await;
    assert_eq!(me.problem_code(), "session_missing");
}

/// One host for everybody, two providers: each tenant's users come from its own.
fn shared_host(world: &ScriptedProvider, second: &ScriptedProvider) -> impl FnOnce(Builder) -> Builder {
    let fetch = doorward_testkit::RouterFetch::unreachable()
        .mount("id.example.net", world.router())
        .mount("sso.globex.com", second.router());
    move |builder| {
        builder
            .fetch(fetch)
            .named_provider(
                "globex",
                Provider::oidc("https://sso.globex.com", CLIENT_ID, CLIENT_SECRET),
            )
            .tenants([Tenant::new("acme"), Tenant::new("globex").provider("globex").id("G-1")])
    }
}

struct Shared {
    auth: Doorward,
    browser: Browser,
    first: ScriptedProvider,
    second: ScriptedProvider,
}

impl Shared {
    fn new() -> Self {
        let base = World::new();
        let first = base.provider.clone();
        let second = ScriptedProvider::new("https://sso.globex.com", base.clock.clone());
        let builder = Doorward::builder()
            .public_url(APP)
            .provider(Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET))
            .session(Sessions::cookie(SECRET))
            .tasks(base.tasks.clone())
            .clock(base.clock.clone());
        let auth = shared_host(&first, &second)(builder).build().unwrap();
        let browser = Browser::new(APP)
            .mount(APP, application(&auth, &base.calls))
            .mount(PROVIDER, first.router())
            .mount("https://sso.globex.com", second.router())
            .with_clock(base.clock.clone());
        Self {
            auth,
            browser,
            first,
            second,
        }
    }

    fn say(provider: &ScriptedProvider, tenant: &str) {
        provider.script(|script| {
            script.token.id_token.claim("tenant", tenant);
        });
    }
}

#[tokio::test]
async fn a_tenant_that_a_login_names_signs_in_with_its_own_provider() {
    let shared = Shared::new();
    assert!(shared.auth.warnings().iter().all(|warning| !warning.contains("tenant")));
    Shared::say(&shared.first, "acme");
    Shared::say(&shared.second, "G-1");
    for (name, provider, tenant) in [("acme", &shared.first, "acme"), ("globex", &shared.second, "G-1")] {
        let before = provider.count(Endpoint::Token);
        let page = shared
            .browser
            .visit_following(&format!("/auth/login?return_url=/home&tenant_name={name}"))
            .await;
        assert_eq!(page.url.path(), "/home", "{name}: {}", page.text());
        assert_eq!(provider.count(Endpoint::Token), before + 1, "{name}");
        assert_eq!(json(&shared.browser.get("/api/me").await)["tenant"], tenant);
        assert_eq!(json(&shared.browser.get("/auth/session").await)["tenantId"], tenant);
    }
    // Without a name the first provider asks, and the tenant is what its token says.
    let page = shared.browser.visit_following("/auth/login?return_url=/home").await;
    assert_eq!(page.url.path(), "/home", "{}", page.text());
    assert_eq!(json(&shared.browser.get("/api/me").await)["tenant"], "acme");
}

// attacks: M5, M11
#[tokio::test]
async fn one_customers_provider_cannot_name_users_of_another_customer() {
    for (name, says) in [
        ("", "G-1"),
        ("&tenant_name=acme", "G-1"),
        ("", "initech"),
        ("&tenant_name=globex", "acme"),
    ] {
        let shared = Shared::new();
        Shared::say(&shared.first, says);
        Shared::say(&shared.second, says);
        let page = shared
            .browser
            .visit_following(&format!("/auth/login?return_url=/home{name}"))
            .await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{name} {says}");
        assert!(page.text().contains("login_denied"), "{name} {says}");
        assert_eq!(
            shared.browser.get("/api/me").await.problem_code(),
            "session_missing",
            "{name} {says}"
        );
    }
}

// weakness: L2
#[tokio::test]
async fn the_tenant_of_a_session_is_never_what_the_callback_says() {
    let shared = Shared::new();
    Shared::say(&shared.first, "acme");
    let started = shared.browser.visit("/auth/login?return_url=/home").await;
    let at_provider = shared.browser.visit(&location(&started)).await;
    let callback = format!(
        "{}&tenant_name=globex&tenant_custom_domain=evil.test",
        location(&at_provider)
    );
    let page = shared.browser.visit_following(&callback).await;
    assert_eq!(page.url.path(), "/home", "{}", page.text());
    assert_eq!(json(&shared.browser.get("/api/me").await)["tenant"], "acme");
    assert_eq!(json(&shared.browser.get("/auth/session").await)["tenantId"], "acme");
}

/// A directory that answers later, as a database does, and can be told to fail.
#[derive(Clone)]
struct Later {
    list: Arc<ConfiguredTenants>,
    fails: Arc<Mutex<bool>>,
}

impl Later {
    fn later(&self, found: Found) -> Found {
        let fails = *self.fails.lock().unwrap();
        Found::Wait(Box::pin(async move {
            match found {
                Found::Ready(tenant) if !fails => Ok(tenant),
                _ => Err(doorward::ports::DirectoryUnavailable::new()),
            }
        }))
    }
}

impl TenantDirectory for Later {
    fn by_host(&self, host: &HostName) -> Found {
        self.later(self.list.by_host(host))
    }

    fn by_name(&self, name: &TenantName) -> Found {
        self.later(self.list.by_name(name))
    }

    fn by_id(&self, id: &TenantId) -> Found {
        self.later(self.list.by_id(id))
    }
}

#[tokio::test]
async fn tenants_can_be_looked_up_in_a_database_and_its_outage_is_503() {
    let names = ["acme", "globex"].map(|name| KnownTenant::named(TenantName::parse(name).unwrap()));
    let directory = Later {
        list: Arc::new(ConfiguredTenants::new(names.into()).unwrap()),
        fails: Arc::default(),
    };
    let given = directory.clone();
    for sessions in [Sessions::cookie(SECRET), Sessions::memory(SECRET)] {
        let given = given.clone();
        let hosted = Hosted::with(sessions, |builder| {
            builder
                .public_url("https://{tenant}.app.example.com")
                .tenant_directory(given)
        });
        let page = hosted.sign_in(ACME, "acme").await;
        assert_eq!(page.url.as_str(), format!("{ACME}/home"), "{}", page.text());
        assert_eq!(
            hosted.browser.get(&format!("{ACME}/api/me")).await.status,
            StatusCode::OK
        );
        let unknown = hosted.browser.get("https://unknown.app.example.com/api/me").await;
        assert_eq!(unknown.problem_code(), "tenant_unknown");
        *directory.fails.lock().unwrap() = true;
        let handled = hosted.world.handled();
        for path in ["/api/me", "/auth/session", "/auth/login"] {
            let page = hosted.browser.get(&format!("{ACME}{path}")).await;
            assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert!(page.header("retry-after").is_some(), "{path}");
            assert!(page.set_cookies().is_empty(), "{path}");
        }
        assert_eq!(hosted.world.handled(), handled);
        *directory.fails.lock().unwrap() = false;
        assert_eq!(
            hosted.browser.get(&format!("{ACME}/api/me")).await.status,
            StatusCode::OK
        );
    }
}

// weakness: S11
#[test]
fn tenants_that_cannot_be_told_apart_or_reached_stop_the_start() {
    let build = |change: &dyn Fn(Builder) -> Builder| {
        let builder = Doorward::builder()
            .public_url("https://{tenant}.app.example.com")
            .provider(Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET))
            .session(Sessions::cookie(SECRET))
            .fetch(doorward_testkit::RouterFetch::unreachable())
            .tasks(doorward_testkit::TokioTestTasks::new());
        change(builder).build().map(|_| ()).map_err(|error| error.key())
    };
    type Change = Box<dyn Fn(Builder) -> Builder>;
    let cases: Vec<(&str, Change, Result<(), &str>)> = vec![
        ("one", Box::new(|b| b.tenants([Tenant::new("acme")])), Ok(())),
        ("none", Box::new(|b| b), Err("tenants")),
        (
            "twice",
            Box::new(|b| b.tenants([Tenant::new("acme"), Tenant::new("ACME")])),
            Err("tenants"),
        ),
        (
            "one id",
            Box::new(|b| b.tenants([Tenant::new("acme"), Tenant::new("globex").id("acme")])),
            Err("tenants"),
        ),
        (
            "bad name",
            Box::new(|b| b.tenants([Tenant::new("a.b")])),
            Err("tenants.name"),
        ),
        (
            "bad host",
            Box::new(|b| b.tenants([Tenant::new("acme").host("a/b")])),
            Err("tenants.hosts"),
        ),
        (
            "host of another",
            Box::new(|b| b.tenants([Tenant::new("acme"), Tenant::new("globex").host("acme.app.example.com")])),
            Err("tenants.hosts"),
        ),
        (
            "host of nobody",
            Box::new(|b| b.tenants([Tenant::new("acme").host("app.example.com")])),
            Err("tenants.hosts"),
        ),
        (
            "further host below the root",
            Box::new(|b| b.tenants([Tenant::new("acme").host("acme-portal.app.example.com")])),
            Ok(()),
        ),
        (
            "bad provider",
            Box::new(|b| b.tenants([Tenant::new("acme").provider("x")])),
            Err("tenants.provider"),
        ),
        (
            "same client",
            Box::new(|b| {
                b.tenants([Tenant::new("acme")])
                    .named_provider("again", Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET))
            }),
            Err("providers.client_id"),
        ),
        (
            "shared cookie",
            Box::new(|b| {
                b.tenants([Tenant::new("acme")])
                    .session(Sessions::cookie(SECRET).cookie_domain("app.example.com"))
            }),
            Err("session.cookie_domain"),
        ),
        (
            "reserved",
            Box::new(|b| {
                b.tenants([Tenant::new("www")])
                    .public_url_without_tenant("https://www.app.example.com")
            }),
            Err("tenants.name"),
        ),
    ];
    for (name, change, expected) in cases {
        assert_eq!(build(&change), expected, "{name}");
    }
}

#[test]
fn a_tenant_or_a_provider_can_be_judged_alone_by_the_same_keys() {
    let key = |outcome: Result<(), doorward::BuildError>| outcome.map_err(|error| error.key());
    assert_eq!(key(Tenant::new("acme").host("portal.acme.test").check()), Ok(()));
    assert_eq!(key(Tenant::new("a.b").check()), Err("tenants.name"));
    assert_eq!(key(Tenant::new("acme").host("a/b").check()), Err("tenants.hosts"));
    assert_eq!(key(Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET).check()), Ok(()));
    assert_eq!(
        key(Provider::oidc("id.example.net", CLIENT_ID, CLIENT_SECRET).check()),
        Err("provider.issuer")
    );
    let platform = Provider::wristband("shop-acme.us.wristband.dev", "c1", "");
    assert_eq!(key(Provider::from(platform).check()), Err("provider.client_secret"));
}
