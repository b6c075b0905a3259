//! Tenants that come and go while people are signed in, and headers that would like to name one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use doorward::ports::{DirectoryUnavailable, Found, TenantDirectory};
use doorward::tenant::{ConfiguredTenants, HostName, Tenant as KnownTenant, TenantId, TenantName};
use doorward::{Builder, Provider, Sessions, Tenant};
use doorward_testkit::{CLIENT_ID, CLIENT_SECRET, ScriptedProvider};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{APP, SECRET};
use crate::tenants::{ACME, GLOBEX, Hosted, two_tenants};

/// A directory out of which tenants can be taken, and which knows how to fill a list anew.
#[derive(Clone)]
pub(crate) struct Register {
    list: Arc<Mutex<ConfiguredTenants>>,
    out_of_reach: Arc<AtomicBool>,
}

impl Register {
    pub(crate) fn of(names: &[&str]) -> Self {
        Self {
            list: Arc::new(Mutex::new(Self::list(names))),
            out_of_reach: Arc::default(),
        }
    }

    fn list(names: &[&str]) -> ConfiguredTenants {
        let known = names
            .iter()
            .map(|name| KnownTenant::named(TenantName::parse(name).unwrap()));
        ConfiguredTenants::new(known.collect()).unwrap()
    }

    pub(crate) fn now_holds(&self, names: &[&str]) {
        *self.list.lock().unwrap() = Self::list(names);
    }

    fn now_is(&self, tenant: KnownTenant) {
        *self.list.lock().unwrap() = ConfiguredTenants::new(vec![tenant]).unwrap();
    }

    pub(crate) fn is_out_of_reach(&self, is_so: bool) {
        self.out_of_reach.store(is_so, Ordering::SeqCst);
    }
}

impl TenantDirectory for Register {
    fn by_host(&self, host: &HostName) -> Found {
        self.list.lock().unwrap().by_host(host)
    }

    fn by_name(&self, name: &TenantName) -> Found {
        self.list.lock().unwrap().by_name(name)
    }

    fn by_id(&self, id: &TenantId) -> Found {
        if self.out_of_reach.load(Ordering::SeqCst) {
            return Found::Wait(Box::pin(async { Err(DirectoryUnavailable::new()) }));
        }
        self.list.lock().unwrap().by_id(id)
    }
}

// attacks: M9
#[tokio::test]
async fn sessions_of_a_tenant_that_is_taken_away_open_nothing_and_the_others_go_on() {
    for sessions in [Sessions::cookie(SECRET), Sessions::memory(SECRET)] {
        let register = Register::of(&["acme", "globex"]);
        let given = register.clone();
        let hosted = Hosted::with(sessions, |builder| {
            builder
                .public_url("https://{tenant}.app.example.com")
                .tenant_directory(given)
        });
        for (origin, tenant) in [(ACME, "acme"), (GLOBEX, "globex")] {
            let page = hosted.sign_in(origin, tenant).await;
            assert_eq!(page.url.as_str(), format!("{origin}/home"), "{}", page.text());
        }
        register.now_holds(&["globex"]);
        let handled = hosted.world.handled();
        for path in ["/api/me", "/auth/session", "/auth/login"] {
            let page = hosted.browser.get(&format!("{ACME}{path}")).await;
            assert_eq!(
                (page.status, page.problem_code()),
                (StatusCode::NOT_FOUND, "tenant_unknown".into()),
                "{path}"
            );
        }
        assert_eq!(hosted.world.handled(), handled);
        let other = hosted.browser.get(&format!("{GLOBEX}/api/me")).await;
        assert_eq!(other.status, StatusCode::OK, "{}", other.text());
        // Put back, it finds its people signed in.
        register.now_holds(&["globex", "acme"]);
        assert_eq!(
            hosted.browser.get(&format!("{ACME}/api/me")).await.status,
            StatusCode::OK
        );
    }
}

// attacks: M9
#[tokio::test]
async fn tenant_that_gets_another_id_or_provider_is_not_met_as_it_was() {
    const PORTAL: &str = "https://portal.globex.com";
    const OTHER: &str = "https://sso.globex.com";
    // At its place in the pattern, and at a host of its own.
    for origin in [ACME, PORTAL] {
        let acme = KnownTenant {
            hosts: vec![HostName::parse("portal.globex.com").unwrap()],
            ..KnownTenant::named(TenantName::parse("acme").unwrap())
        };
        let register = Register::of(&[]);
        register.now_is(acme.clone());
        let given = register.clone();
        let hosted = Hosted::with(Sessions::cookie(SECRET), |builder| {
            builder
                .public_url("https://{tenant}.app.example.com")
                .named_provider("other", Provider::oidc(OTHER, CLIENT_ID, CLIENT_SECRET))
                .tenant_directory(given)
        });
        let other = ScriptedProvider::new(OTHER, hosted.world.clock.clone());
        let _ = hosted.world.fetch.clone().mount("sso.globex.com", other.router());
        let me = async || hosted.browser.visit(&format!("{origin}/api/me")).await;
        let login = async || {
            let page = hosted.browser.visit(&format!("{origin}/auth/login")).await;
            page.location().expect("a redirect").host_str().unwrap().to_owned()
        };
        let page = hosted.sign_in(origin, "acme").await;
        assert_eq!(page.url.as_str(), format!("{origin}/home"), "{}", page.text());
        assert_eq!(me().await.status, StatusCode::OK);
        // The name is given to another customer, whose users the provider calls otherwise.
        register.now_is(KnownTenant {
            id: TenantId::from_claim("a-2").unwrap(),
            ..acme.clone()
        });
        let page = me().await;
        assert_eq!(
            (page.status, page.problem_code()),
            (StatusCode::FORBIDDEN, "tenant_mismatch".into()),
            "{origin}"
        );
        assert_eq!(login().await, "id.example.net");
        // The tenant moves to another provider: whom the old one vouched for is nobody, and the next login goes to the new one.
        register.now_is(KnownTenant {
            provider: Some("other".to_owned()),
            ..acme.clone()
        });
        assert_eq!(me().await.status, StatusCode::UNAUTHORIZED, "{origin}");
        assert_eq!(login().await, "sso.globex.com");
        register.now_is(acme);
        assert_eq!(me().await.status, StatusCode::OK, "as before, the session is good");
        assert_eq!(login().await, "id.example.net");
    }
}

// weakness: R8
// attacks: A10
#[tokio::test]
async fn header_that_anybody_can_send_never_names_the_tenant() {
    let hosted = Hosted::with(Sessions::cookie(SECRET), two_tenants);
    hosted.sign_in(ACME, "acme").await;
    for name in ["x-forwarded-host", "x-original-host", "x-host", "x-tenant", "forwarded"] {
        for value in ["globex.app.example.com", "host=globex.app.example.com", "globex"] {
            let send = async |url: String| {
                let request = hosted.browser.request(Method::GET, &url).header(name, value);
                request.typed().send().await
            };
            let me = send(format!("{ACME}/api/me")).await;
            assert_eq!(me.json::<Value>()["tenant"], "acme", "{name}: {value}");
            // A host that is nobody's stays nobody's.
            let page = send(format!("{APP}/api/me")).await;
            assert_eq!(page.problem_code(), "tenant_unknown", "{name}: {value}");
            let login = send(format!("{ACME}/auth/login")).await;
            let location: String = login.location().expect("a redirect").into();
            assert!(location.contains("acme.app.example.com"), "{location}");
            assert!(!location.contains("globex"), "{location}");
        }
    }
}

// attacks: M11
#[tokio::test]
async fn role_in_one_tenant_is_never_a_role_in_the_next_one() {
    for sessions in [Sessions::cookie(SECRET), Sessions::memory(SECRET)] {
        let hosted = Hosted::with(sessions, |builder| {
            builder.tenants([Tenant::new("acme"), Tenant::new("globex")])
        });
        hosted.sign_in(APP, "acme").await;
        let browser = &hosted.browser;
        let admin = format!("{APP}/api/admin");
        assert_eq!(browser.get(&admin).await.status, StatusCode::OK, "admin of acme");
        let before = browser.thief();
        hosted
            .world
            .provider
            .script(|script| script.claims["roles"] = json!(["member"]));
        hosted.sign_in(APP, "globex").await;
        let me = browser.get(&format!("{APP}/api/me")).await;
        assert_eq!(me.json::<Value>()["tenant"], "globex");
        assert_eq!(browser.get(&admin).await.problem_code(), "role_missing");
        // The session of before serves requests on their way as what it was, and then no more.
        let me = before.get(&format!("{APP}/api/me")).await;
        assert_eq!(me.json::<Value>()["tenant"], "acme");
        hosted.world.advance(10);
        assert_eq!(before.get(&admin).await.problem_code(), "session_revoked");
        assert_eq!(browser.get(&admin).await.problem_code(), "role_missing");
    }
}

// attacks: M9
#[tokio::test]
async fn at_a_host_that_all_share_sessions_of_a_tenant_that_is_taken_away_open_nothing() {
    tenant_that_is_taken_away_has_no_session_at_home(|builder| builder).await;
}

// attacks: M9
#[tokio::test]
async fn where_an_application_is_for_one_tenant_its_sessions_end_with_the_tenant() {
    tenant_that_is_taken_away_has_no_session_at_home(|builder| builder.tenant("acme")).await;
}

async fn tenant_that_is_taken_away_has_no_session_at_home(scope: fn(Builder) -> Builder) {
    for sessions in [Sessions::cookie(SECRET), Sessions::memory(SECRET)] {
        let register = Register::of(&["acme", "globex"]);
        let given = register.clone();
        let hosted = Hosted::with(sessions, |builder| scope(builder.tenant_directory(given)));
        let page = hosted.sign_in(APP, "acme").await;
        assert_eq!(page.url.as_str(), format!("{APP}/home"), "{}", page.text());
        let get = async |path: &str| hosted.browser.get(&format!("{APP}{path}")).await;
        assert_eq!(get("/api/me").await.status, StatusCode::OK);
        register.now_holds(&["globex"]);
        let handled = hosted.world.handled();
        for path in [
            "/api/me",
            "/auth/session",
            "/auth/session?slide=false",
            "/open/extractor",
        ] {
            let page = get(path).await;
            assert_eq!(
                (page.status, page.problem_code()),
                (StatusCode::FORBIDDEN, "tenant_mismatch".into()),
                "{path}"
            );
        }
        // An outage is none of its doing: 503, and the session goes on.
        register.is_out_of_reach(true);
        let page = get("/api/me").await;
        assert_eq!(page.problem_code(), "store_unavailable");
        assert!(page.set_cookies().is_empty());
        assert_eq!(hosted.world.handled(), handled);
        register.is_out_of_reach(false);
        register.now_holds(&["acme", "globex"]);
        assert_eq!(get("/api/me").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn user_without_a_tenant_is_nobodys_also_where_a_tenant_is_called_default() {
    let hosted = Hosted::with(Sessions::cookie(SECRET), |builder| {
        builder.tenants([Tenant::new("acme"), Tenant::new("default")])
    });
    hosted.world.provider.script(|script| script.claims.remove("tenant"));
    let page = hosted
        .browser
        .visit_following(&format!("{APP}/auth/login?return_url=/home"))
        .await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.text());
    let me = hosted.browser.get(&format!("{APP}/api/me")).await;
    assert_eq!(me.problem_code(), "session_missing");
    // Nor by a claim that says so.
    hosted
        .world
        .provider
        .script(|script| drop(script.claims.insert("tenant".to_owned(), json!("default"))));
    let page = hosted
        .browser
        .visit_following(&format!("{APP}/auth/login?return_url=/home"))
        .await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.text());
    hosted.sign_in(APP, "acme").await;
    assert_eq!(
        hosted.browser.get(&format!("{APP}/api/me")).await.status,
        StatusCode::OK
    );
}
