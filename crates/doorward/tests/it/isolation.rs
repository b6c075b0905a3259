//! What keeps tenants and providers apart after the login.

use doorward::{Sessions, Tenant};
use doorward_testkit::{Browser, Endpoint};
use http::StatusCode;
use serde_json::json;

use crate::support::{PROVIDER, SECRET, World};

const ACME: &str = "https://acme.app.example.com";
const GLOBEX: &str = "https://globex.app.example.com";
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
