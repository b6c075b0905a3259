//! Logouts that come from outside: logout tokens, framed calls, and what sessions in cookies learn of them.

mod backchannel;
mod backchannel_tokens;
mod burst;
mod frontchannel;
mod outages;
mod retiring;
mod revocation;
mod tenants;

use std::sync::atomic::{AtomicUsize, Ordering};

use doorward::{Builder, Sessions};
use doorward_testkit::{Browser, CLIENT_ID};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::attacks::support::{Answer, Meddled, Raw};
use crate::support::{PROVIDER, SECRET, World};

const BACK: &str = "/auth/backchannel-logout";
const FORM: &str = "application/x-www-form-urlencoded";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// In what a logout from outside ends sessions: what is claimed for one holds for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// Stored sessions, in their store.
    Stored,
    /// Sessions in cookies, by a revocation store.
    Revoked,
}

impl Ends {
    const BOTH: [Self; 2] = [Self::Stored, Self::Revoked];

    fn world(self) -> (World, Meddled) {
        self.world_with(|builder| builder)
    }

    fn world_with(self, change: impl FnOnce(Builder) -> Builder) -> (World, Meddled) {
        let store = Meddled::default();
        (self.over(&store, change), store)
    }

    /// An instance over a store that may be another's too.
    fn over(self, store: &Meddled, change: impl FnOnce(Builder) -> Builder) -> World {
        let sessions = match self {
            Self::Stored => Sessions::stored(SECRET, store.clone()),
            Self::Revoked => Sessions::cookie(SECRET).revocation_store(store.clone()),
        };
        World::build(sessions, |builder| {
            change(builder.backchannel_logout(true).frontchannel_logout(true))
        })
    }
}

impl Ends {
    /// Another process of the same deployment: its own memory, the same store, network and time.
    fn beside(self, first: &World, store: &Meddled) -> World {
        self.over(store, |builder| {
            builder.fetch(first.fetch.clone()).clock(first.clock.clone())
        })
    }
}

/// The claims of a logout token as it should be, but for whom it means.
fn claims(world: &World, meant: Value) -> Value {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let now = world.clock.seconds();
    let mut claims = json!({
        "iss": PROVIDER,
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + 120,
        "jti": format!("logout-{}", NUMBER.fetch_add(1, Ordering::SeqCst)),
        "events": { EVENT: {} },
    });
    let more: Map<String, Value> = meant.as_object().unwrap().clone();
    claims.as_object_mut().unwrap().extend(more);
    claims
}

pub(crate) fn token(world: &World, meant: Value) -> String {
    world.provider.sign("logout+jwt", &claims(world, meant))
}

/// Sends a logout token as a provider does.
pub(crate) async fn tell(world: &World, token: &str) -> Answer {
    let form = format!("logout_token={token}");
    let answer = Raw::post(BACK).body(FORM, form).send(&world.app).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.all("set-cookie").is_empty());
    answer
}

/// The answer to a token that is none.
#[track_caller]
fn assert_invalid(answer: &Answer, what: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}");
    assert_eq!(answer.json()["error"], "invalid_request", "{what}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
}

/// Signs somebody in with a browser of their own, and returns it with the provider's session ID.
pub(crate) async fn sign_in(world: &World, subject: &str) -> (Browser, String) {
    let subject = subject.to_owned();
    world.provider.script(|script| script.subject = subject);
    let browser = world.browser.stranger();
    let page = browser.visit_following("/auth/login?return_url=/home").await;
    assert_eq!(page.url.path(), "/home", "{}", page.text());
    let minted = world.provider.minted_secrets();
    let id_token = minted
        .iter()
        .rev()
        .find(|secret| secret.matches('.').count() == 2)
        .unwrap();
    let payload = id_token.split('.').nth(1).unwrap();
    let payload = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(payload).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    (browser, claims["sid"].as_str().unwrap().to_owned())
}

/// Lets whoever follows a feed follow it.
async fn heard() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// What another process says of a browser's cookies.
async fn stands_at(world: &World, browser: &Browser) -> String {
    let answer = Raw::get("/api/me").cookies_of(browser).send(&world.app).await;
    match answer.status {
        StatusCode::OK => "200".to_owned(),
        _ => answer.code(),
    }
}

/// What a guarded endpoint says: 200 or the code of its refusal.
async fn stands(browser: &Browser) -> String {
    let page = browser.get("/api/me").await;
    match page.status {
        StatusCode::OK => "200".to_owned(),
        _ => page.problem_code(),
    }
}

const REVOKED: &str = "session_revoked";
