//! Several issuers at one application: what one of them says counts for its own users alone.

use doorward::{Builder, Provider, Tenant};
use doorward_testkit::{Browser, CLIENT_ID, CLIENT_SECRET, ScriptedProvider};
use http::StatusCode;
use serde_json::json;

use super::{BACK, Ends, FORM, REVOKED, assert_invalid, claims, stands};
use crate::attacks::support::{Answer, Meddled, Raw};
use crate::support::{PROVIDER, World};
use crate::tenants::{ACME, GLOBEX};

const OTHER: &str = "https://sso.globex.com";

/// acme signs in with one provider, globex with another; both know us by the same client ID.
struct TwoIssuers {
    world: World,
    other: ScriptedProvider,
    alice: Browser,
    namesake: Browser,
}

fn tenants(builder: Builder) -> Builder {
    builder
        .public_url("https://{tenant}.app.example.com")
        .named_provider("globex", Provider::oidc(OTHER, CLIENT_ID, CLIENT_SECRET))
        .tenants([Tenant::new("acme"), Tenant::new("globex").provider("globex")])
}

impl TwoIssuers {
    async fn new(ends: Ends) -> Self {
        let world = ends.over(&Meddled::default(), tenants);
        let other = ScriptedProvider::new(OTHER, world.clock.clone());
        let fetch = world.fetch.clone();
        drop(fetch.mount("sso.globex.com", other.router()));
        other.script(|script| {
            script.claims["tenant"] = json!("globex");
        });
        let browser = Browser::new(ACME)
            .mount(PROVIDER, world.provider.router())
            .mount(OTHER, other.router())
            .mount(ACME, world.app.clone())
            .mount(GLOBEX, world.app.clone())
            .with_clock(world.clock.clone());
        let (alice, namesake) = (browser.stranger(), browser.stranger());
        for (browser, host) in [(&alice, ACME), (&namesake, GLOBEX)] {
            let page = browser
                .visit_following(&format!("{host}/auth/login?return_url=/home"))
                .await;
            assert_eq!(page.url.path(), "/home", "{}", page.text());
        }
        Self {
            world,
            other,
            alice,
            namesake,
        }
    }

    async fn tell(&self, host: &str, token: &str) -> Answer {
        let host = host.strip_prefix("https://").unwrap();
        let request = Raw::post(BACK).body(FORM, format!("logout_token={token}"));
        request.set("host", host).send(&self.world.app).await
    }

    async fn standing(&self) -> (String, String) {
        let of = async |browser: &Browser, host: &str| {
            let page = browser.get(&format!("{host}/api/me")).await;
            match page.status {
                StatusCode::OK => "200".to_owned(),
                _ => page.problem_code(),
            }
        };
        (of(&self.alice, ACME).await, of(&self.namesake, GLOBEX).await)
    }
}

#[tokio::test]
async fn one_issuers_logout_leaves_the_user_of_that_name_at_another_alone() {
    // attacks: J7
    for ends in Ends::BOTH {
        let both = TwoIssuers::new(ends).await;
        let mut claims = claims(&both.world, json!({"sub": "alice"}));
        claims["iss"] = json!(OTHER);
        let token = both.other.sign("logout+jwt", &claims);
        // At the other tenant's host that issuer is nobody.
        assert_invalid(&both.tell(ACME, &token).await, "another tenant's issuer");
        assert_eq!(both.standing().await, ("200".into(), "200".into()), "{ends:?}");
        assert_eq!(both.tell(GLOBEX, &token).await.status, StatusCode::OK);
        assert_eq!(both.standing().await, ("200".into(), REVOKED.into()), "{ends:?}");
    }
}

#[tokio::test]
async fn an_issuer_that_signs_in_anothers_name_is_refused() {
    // attacks: J7
    for ends in Ends::BOTH {
        let both = TwoIssuers::new(ends).await;
        let meant = json!({"sub": "alice"});
        // The one's name under the other's key, at either host.
        let forged = both.other.sign("logout+jwt", &claims(&both.world, meant));
        for host in [ACME, GLOBEX] {
            let answer = both.tell(host, &forged).await;
            assert!(matches!(answer.status.as_u16(), 400 | 503), "{host}: {}", answer.status);
        }
        assert_eq!(both.standing().await, ("200".into(), "200".into()), "{ends:?}");
    }
}

#[tokio::test]
async fn a_token_for_another_client_of_the_same_issuer_is_refused() {
    let (world, _) = Ends::Stored
        .world_with(|builder| builder.named_provider("second", Provider::oidc(PROVIDER, "second", CLIENT_SECRET)));
    let (alice, sid) = super::sign_in(&world, "alice").await;
    let mut claims = claims(&world, json!({"sub": "alice", "sid": sid}));
    // A client of ours, but not the one that alice signed in to: its sessions alone.
    claims["aud"] = json!("second");
    let answer = super::tell(&world, &world.provider.sign("logout+jwt", &claims)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(stands(&alice).await, "200");
    claims["aud"] = json!("third");
    let answer = super::tell(&world, &world.provider.sign("logout+jwt", &claims)).await;
    assert_invalid(&answer, "nobody's client");
}
