//! Access tokens where tenants sign in with providers of their own: each issuer speaks for its own tenants alone.

use axum::routing::get;
use doorward::{BearerTokens, Builder, Caller, Doorward, Provider, Rule, Sessions, Tenant};
use doorward_testkit::{Browser, CLIENT_ID, CLIENT_SECRET, Page, ScriptedProvider};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{APP, PROVIDER, SECRET, World};

const AUDIENCE: &str = "https://api.example.com";
const ACME: &str = "https://acme.app.example.com";
const GLOBEX: &str = "https://globex.app.example.com";
const SECOND: &str = "https://sso.globex.com";
const METADATA: &str = "/.well-known/oauth-protected-resource";

/// acme signs in with the first provider, globex with the second.
struct TwoIssuers {
    world: World,
    browser: Browser,
    second: ScriptedProvider,
}

impl TwoIssuers {
    /// Every tenant at a host of its own.
    fn by_host() -> Self {
        Self::with(|builder| {
            builder
                .public_url("https://{tenant}.app.example.com")
                .public_url_without_tenant(APP)
        })
    }

    /// Both at one host.
    fn shared() -> Self {
        Self::with(|builder| builder.public_url(APP))
    }

    fn with(change: impl FnOnce(Builder) -> Builder) -> Self {
        let world = World::new();
        let second = ScriptedProvider::new(SECOND, world.clock.clone());
        let builder = Doorward::builder()
            .provider(Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET))
            .named_provider("globex", Provider::oidc(SECOND, CLIENT_ID, CLIENT_SECRET))
            .tenants([Tenant::new("acme"), Tenant::new("globex").provider("globex")])
            .bearer(BearerTokens::new().audience(AUDIENCE))
            .session(Sessions::cookie(SECRET))
            .fetch(world.fetch.clone().mount("sso.globex.com", second.router()))
            .tasks(world.tasks.clone())
            .clock(world.clock.clone());
        let auth = change(builder).build().unwrap();
        let answer = async |caller: Caller| json!({"tenant": caller.tenant(), "subject": caller.subject()}).to_string();
        let app = auth
            .router::<()>()
            .route("/bearer", Rule::bearer(), get(answer))
            .route("/either", Rule::session_or_bearer(), get(answer))
            .build();
        let browser = [APP, ACME, GLOBEX]
            .into_iter()
            .fold(Browser::new(APP), |browser, origin| browser.mount(origin, app.clone()));
        Self { world, browser, second }
    }

    /// A token for a user of this tenant, as one of the two providers signs it in its own name.
    fn token(&self, by: &ScriptedProvider, tenant: &str) -> String {
        let now = self.world.clock.seconds();
        let claims = json!({
            "iss": by.issuer(), "aud": AUDIENCE, "sub": "u-1", "client_id": "spa", "jti": "t-1",
            "iat": now, "exp": now + 600, "tenant": tenant,
        });
        by.sign("at+jwt", &claims)
    }

    async fn get(&self, url: &str, token: &str) -> Page {
        let request = self.browser.request(Method::GET, url);
        let request = request.header("authorization", &format!("Bearer {token}"));
        request.typed().send().await
    }

    /// The issuers that the metadata of a resource lists.
    async fn issuers_at(&self, origin: &str) -> Value {
        let page = self.browser.get(&format!("{origin}{METADATA}")).await;
        let metadata: Value = serde_json::from_str(page.text()).unwrap();
        metadata["authorization_servers"].clone()
    }
}

fn body(page: &Page) -> Value {
    serde_json::from_str(page.text()).unwrap_or_else(|_| panic!("{} {}", page.status, page.text()))
}

// attacks: I5, M5
#[tokio::test]
async fn token_that_names_a_tenant_of_another_issuer_is_refused_wherever_it_comes() {
    for (two, places) in [
        (TwoIssuers::by_host(), [("acme", ACME), ("globex", GLOBEX)]),
        (TwoIssuers::shared(), [("acme", APP), ("globex", APP)]),
    ] {
        let [acmes, globexs] = [&two.world.provider, &two.second];
        for (tenant, origin) in places {
            let (own, other) = if tenant == "acme" {
                (acmes, globexs)
            } else {
                (globexs, acmes)
            };
            for path in ["/bearer", "/either"] {
                let url = format!("{origin}{path}");
                let page = two.get(&url, &two.token(own, tenant)).await;
                assert_eq!(body(&page), json!({"tenant": tenant, "subject": "u-1"}), "{url}");
                let page = two.get(&url, &two.token(other, tenant)).await;
                assert_eq!(
                    (page.status, page.problem_code()),
                    (StatusCode::FORBIDDEN, "tenant_mismatch".into()),
                    "{tenant} at {url}"
                );
            }
        }
    }
}

// attacks: I13
#[tokio::test]
async fn metadata_at_a_tenants_host_never_lists_another_customers_issuer() {
    let two = TwoIssuers::by_host();
    assert_eq!(two.issuers_at(ACME).await, json!([PROVIDER]));
    assert_eq!(two.issuers_at(GLOBEX).await, json!([SECOND]));
    // Where all meet, all count.
    assert_eq!(two.issuers_at(APP).await, json!([PROVIDER, SECOND]));
    assert_eq!(TwoIssuers::shared().issuers_at(APP).await, json!([PROVIDER, SECOND]));
}
