//! Several providers whose logins end at one host, one of them dishonest, none of them sending `iss` (RFC 9700 §4.4).

use doorward::{Doorward, Provider, Sessions, Tenant};
use doorward_testkit::{Answer, Browser, CLIENT_ID, CLIENT_SECRET, Endpoint, Page, ScriptedProvider};
use http::StatusCode;
use url::Url;

use crate::support::{APP, PROVIDER, SECRET, World, application};

const EVIL: &str = "https://sso.globex.com";

/// acme signs in with an honest provider, globex with one that its own administrator runs.
struct Shared {
    browser: Browser,
    honest: ScriptedProvider,
    evil: ScriptedProvider,
}

impl Shared {
    fn new() -> Self {
        let world = World::new();
        let honest = world.provider.clone();
        let evil = ScriptedProvider::new(EVIL, world.clock.clone());
        let fetch = world.fetch.clone().mount("sso.globex.com", evil.router());
        let auth = Doorward::builder()
            .public_url(APP)
            .provider(Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET))
            .named_provider("globex", Provider::oidc(EVIL, CLIENT_ID, CLIENT_SECRET))
            .tenants([Tenant::new("acme"), Tenant::new("globex").provider("globex")])
            .session(Sessions::cookie(SECRET))
            .fetch(fetch)
            .tasks(world.tasks.clone())
            .clock(world.clock.clone())
            .build()
            .unwrap();
        for (provider, tenant) in [(&honest, "acme"), (&evil, "globex")] {
            provider.script(|script| {
                script.discovery = Answer::correct().with("authorization_response_iss_parameter_supported", false);
                script
                    .authorization
                    .edit(|pairs| pairs.retain(|(name, _)| name != "iss"));
                script.token.id_token.claim("tenant", tenant);
            });
        }
        let browser = Browser::new(APP)
            .mount(APP, application(&auth, &world.calls))
            .mount(PROVIDER, honest.router())
            .mount(EVIL, evil.router())
            .with_clock(world.clock.clone());
        Self { browser, honest, evil }
    }
}

fn query(url: &Url, name: &str) -> String {
    let value = url.query_pairs().find(|(found, _)| found == name);
    value.unwrap_or_else(|| panic!("{url} has no {name}")).1.into_owned()
}

fn location(page: &Page) -> Url {
    page.location().expect("a redirect")
}

fn with(url: &Url, name: &str, value: &str) -> Url {
    let pairs: Vec<_> = url
        .query_pairs()
        .into_owned()
        .map(|(found, old)| {
            if found == name {
                (found, value.to_owned())
            } else {
                (found, old)
            }
        })
        .collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url
}

// attacks: B14, B15
#[tokio::test]
async fn code_of_an_honest_provider_never_reaches_a_dishonest_one_at_the_same_host() {
    let shared = Shared::new();
    let attacker = shared.browser.stranger();
    // The attacker begins a login at the honest provider; the victim is lured into one at the attacker's.
    let attackers = location(&attacker.visit("/auth/login?tenant_name=acme&return_url=/home").await);
    let victims = location(
        &shared
            .browser
            .visit("/auth/login?tenant_name=globex&return_url=/home")
            .await,
    );
    // The dishonest provider sends the victim on to the honest one, with the attacker's challenge and nonce. The redirect URI is
    // the one that the honest provider knows: it accepts no other.
    let mixed = with(&attackers, "state", &query(&victims, "state"));
    let callback = location(&shared.browser.visit(mixed.as_str()).await);
    let page = shared.browser.visit(callback.as_str()).await;
    assert_eq!(shared.evil.count(Endpoint::Token), 0, "the code went to the attacker");
    assert_eq!(
        (page.status, page.text().contains("issuer_mismatch")),
        (StatusCode::BAD_REQUEST, true),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn each_provider_at_one_host_has_a_callback_of_its_own() {
    let shared = Shared::new();
    for (name, callback) in [("acme", "/auth/callback"), ("globex", "/auth/callback/globex")] {
        let asked = location(&shared.browser.visit(&format!("/auth/login?tenant_name={name}")).await);
        assert_eq!(query(&asked, "redirect_uri"), format!("{APP}{callback}"), "{name}");
        let page = shared
            .browser
            .visit_following(&format!("/auth/login?return_url=/home&tenant_name={name}"))
            .await;
        assert_eq!(page.url.path(), "/home", "{name}: {}", page.text());
    }
    assert_eq!(shared.honest.count(Endpoint::Token), 1);
    assert_eq!(shared.evil.count(Endpoint::Token), 1);
}

#[tokio::test]
async fn answer_at_another_providers_callback_is_refused_before_any_call() {
    for (name, path) in [
        ("acme", "/auth/callback/globex"),
        ("acme", "/auth/callback/main"),
        ("acme", "/auth/callback/initech"),
        ("globex", "/auth/callback"),
        ("globex", "/auth/callback/main"),
    ] {
        let shared = Shared::new();
        let asked = location(&shared.browser.visit(&format!("/auth/login?tenant_name={name}")).await);
        let mut callback = location(&shared.browser.visit(asked.as_str()).await);
        callback.set_path(path);
        let page = shared.browser.visit(callback.as_str()).await;
        assert!(page.status.is_client_error(), "{name} {path}: {}", page.text());
        assert_eq!(shared.honest.count(Endpoint::Token), 0, "{name} {path}");
        assert_eq!(shared.evil.count(Endpoint::Token), 0, "{name} {path}");
    }
}

#[test]
fn name_that_cannot_end_a_redirect_uri_stops_the_start() {
    let build = |name: &str| {
        Doorward::builder()
            .public_url(APP)
            .named_provider("the first/one", Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET))
            .named_provider(name, Provider::oidc(EVIL, CLIENT_ID, CLIENT_SECRET))
            .session(Sessions::cookie(SECRET))
            .fetch(doorward_testkit::RouterFetch::unreachable())
            .tasks(doorward_testkit::TokioTestTasks::new())
            .build()
            .map(|_| ())
            .map_err(|error| error.key())
    };
    assert_eq!(build("globex-id_2.x"), Ok(()));
    for name in ["", "a/b", "a b", "{x}", "..", "ä", "callback"] {
        assert_eq!(build(name), Err("providers.name"), "{name}");
    }
}
