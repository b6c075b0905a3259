//! The Wristband platform as provider, played by the development provider.

mod bearer;
mod configuration;
mod domains;
mod login;
mod logout;
mod refresh;
mod weaknesses_login;
mod weaknesses_session;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use axum::Router;
use axum::body::Body;
use doorward::{Builder, Doorward, Provider, Sessions, Tenant, Wristband};
use doorward_dev_provider::{DevProvider, PlatformSettings, ProviderSettings};
use doorward_testkit::{Browser, Page, RouterFetch, SeededRandom, TokioTestTasks};
use http::{Method, Request};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::support::{SECRET, application};

const APP: &str = "http://localhost:6001";
const PLATFORM: &str = "app.localhost:6002";
const ACME: &str = "http://acme-app.localhost:6002";
const GLOBEX: &str = "http://globex-app.localhost:6002";
/// A domain of acme's own at the platform.
const ACME_DOMAIN: &str = "http://login-acme.localhost:6002";
const CONTROL: &str = "http://localhost:6002";

/// An application on the platform, and a browser that knows its hosts and the platform's.
struct Shop {
    auth: Doorward,
    browser: Browser,
    fetch: RouterFetch,
    platform: DevProvider,
    app: Router,
}

impl Shop {
    fn new() -> Self {
        Self::with(|_| (), |provider| provider, |builder| builder)
    }

    /// Every tenant at a host of its own.
    fn by_host() -> Self {
        Self::by_host_with(|builder| builder.tenants([Tenant::new("acme"), Tenant::new("globex")]))
    }

    /// The same, with other settings of the application: its tenants at least.
    fn by_host_with(change: impl FnOnce(Builder) -> Builder) -> Self {
        let placeholder = "http://{tenant_name}.shop.localhost:6001";
        Self::with(
            |platform| {
                platform.login_url = format!("{placeholder}/auth/login");
                platform.redirect_uri = Some(format!("{placeholder}/auth/callback"));
                platform.login_url_tenant_domain_suffix = Some("shop.localhost".into());
            },
            |provider| provider,
            |builder| {
                change(
                    builder
                        .public_url("http://{tenant}.shop.localhost:6001")
                        .public_url_without_tenant("http://shop.localhost:6001"),
                )
            },
        )
    }

    /// With other settings of the platform, of the provider and of the application.
    fn with(
        platform: impl FnOnce(&mut PlatformSettings),
        provider: impl FnOnce(Wristband) -> Wristband,
        change: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let mut settings = PlatformSettings::default();
        platform(&mut settings);
        let settings = ProviderSettings::new(CONTROL).unwrap().platform(settings);
        let platform = DevProvider::new(settings).unwrap();
        let fetch = RouterFetch::unreachable()
            .mount(PLATFORM, platform.router())
            .mount("localhost:6002", platform.router());
        let wristband = Provider::wristband(PLATFORM, platform.client_id(), platform.client_secret().clone());
        let builder = Doorward::builder()
            .public_url(APP)
            .provider(provider(wristband.http_on_loopback()))
            .session(Sessions::cookie(SECRET))
            .fetch(fetch.clone())
            .tasks(TokioTestTasks::new())
            .danger_random(SeededRandom::new(11));
        let auth = change(builder).build().unwrap();
        let app = application(&auth, &Arc::new(AtomicUsize::new(0)));
        let hosts = [
            ACME,
            GLOBEX,
            ACME_DOMAIN,
            CONTROL,
            "http://app.localhost:6002",
            "http://login-globex.localhost:6002",
            "http://initech-app.localhost:6002",
        ];
        let browser = hosts.iter().fold(Browser::new(APP), |browser, host| {
            browser.mount(host, platform.router())
        });
        let ours = [
            APP,
            "http://acme.shop.localhost:6001",
            "http://globex.shop.localhost:6001",
            "http://shop.localhost:6001",
        ];
        let browser = ours
            .iter()
            .fold(browser, |browser, host| browser.mount(host, app.clone()));
        Self {
            auth,
            browser,
            fetch,
            platform,
            app,
        }
    }

    /// Goes to login with this query and on to the first page of the platform.
    async fn login_page(&self, query: &str) -> Page {
        self.browser.visit_following(&format!("/auth/login?{query}")).await
    }

    /// Presses the button of the first user on a page of the platform.
    async fn choose(&self, page: &Page) -> Page {
        let form = page.form().expect("a page with users");
        let user = form.fields.iter().find(|(name, _)| name == "user");
        let hidden = form
            .fields
            .iter()
            .filter(|(name, _)| !name.is_empty() && name != "user" && name != "action");
        let fields: Vec<_> = hidden.chain(user).cloned().collect();
        self.browser
            .request(Method::POST, form.action.as_str())
            .navigation()
            .from(&page.url.origin().ascii_serialization())
            .form(&fields)
            .send()
            .await
    }

    /// Signs in as the first user of the tenant whose page it is.
    async fn press(&self, page: &Page) -> Page {
        let page = self.choose(page).await;
        self.browser.follow_all(page).await
    }

    async fn sign_in(&self, query: &str) -> Page {
        let page = self.login_page(query).await;
        self.press(&page).await
    }

    async fn me(&self) -> Page {
        self.browser.get("/api/me").await
    }

    async fn session(&self) -> Value {
        let page = self.browser.get("/auth/session").await;
        serde_json::from_str(page.text()).unwrap()
    }

    /// Turns a knob of the platform.
    async fn set(&self, settings: Value) {
        let request = Request::post("/_control/settings")
            .header("host", "localhost:6002")
            .header("content-type", "application/json")
            .body(Body::from(settings.to_string()))
            .unwrap();
        let answer = self.platform.router().oneshot(request).await.unwrap();
        assert!(answer.status().is_success(), "{settings}: {}", answer.status());
    }
}

/// The address that a page sends the browser to.
fn location(page: &Page) -> String {
    page.location().map(String::from).unwrap_or_default()
}

fn problem(page: &Page) -> (http::StatusCode, String) {
    (page.status, page.problem_code())
}
