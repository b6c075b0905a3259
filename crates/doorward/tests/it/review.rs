//! What a review of the guard and of refresh found, each with the test that falls without its mend.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use doorward::ports::{
    BoxFuture, Cursor, IndexKey, Loaded, Page, SessionStore, StoreError, StoreErrorKind, StoreFeed, StoreKey, Write,
    Written,
};
use doorward::{LoginDenied, MemoryStore, Provider, Rule, Session, Sessions, UnixTime};
use doorward_testkit::{Answer, Browser, CLIENT_ID, CLIENT_SECRET, Cookie, Gate};
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::{APP, PROVIDER, SECRET, World};

/// The seconds after which a token of 300 seconds is due, and after which it has ended.
const DUE: u64 = 245;
const ENDED: u64 = 301;

/// Adds `/slow`: a handler that waits at a gate and then keeps something in the session.
fn with_slow_route(world: &World, gate: &Gate) -> Browser {
    let gate = gate.clone();
    let slow = move |session: Session| async move {
        gate.pass().await;
        session.insert("slow", &true).map_err(|error| error.to_string())
    };
    let app: Router = world
        .auth
        .router()
        .route("/slow", Rule::Session, get(slow))
        .route("/api/me", Rule::Session, get(|| async { "me" }))
        .route("/api/token", Rule::Session, get(token))
        .route("/home", Rule::Public, get(|| async { "home" }))
        .build();
    world.browser.clone().mount(APP, app)
}

async fn token(session: Session) -> Result<String, String> {
    session
        .access_token()
        .map(|token| token.expose().to_owned())
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_refused_grant_is_not_outrun_by_a_write_of_the_same_tokens() {
    let world = World::new();
    let slow_gate = Gate::closed();
    let browser = with_slow_route(&world, &slow_gate);
    world.sign_in().await;
    world.advance(DUE);
    assert_eq!(
        browser.get("/api/me").await.status,
        StatusCode::OK,
        "this process now holds the tokens"
    );

    let tab = browser.clone();
    let slow = tokio::spawn(async move { tab.get("/slow").await });
    slow_gate.arrived(1).await;
    world.advance(DUE);
    let answer_gate = Gate::closed();
    let answer = Answer::error(400, "invalid_grant").held_at(&answer_gate);
    world.provider.script(|script| script.refresh.answer = answer);
    let tab = browser.clone();
    let refused = tokio::spawn(async move { tab.get("/api/me").await });
    answer_gate.arrived(1).await;
    slow_gate.open();
    assert_eq!(
        slow.await.unwrap().status,
        StatusCode::OK,
        "a newer state, with the same tokens"
    );
    answer_gate.open();
    let refused = refused.await.unwrap();
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.problem_code(), "token_refresh_failed");
    assert_eq!(browser.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_the_provider_holds_against_one_session_stops_no_other() {
    for refusal in [
        Answer::error(400, "access_denied"),
        Answer::error(401, "invalid_client"),
        Answer::error(429, "slow_down").header("retry-after", "60"),
        Answer::instead(200, "application/json", "{}"),
    ] {
        let world = World::new();
        world.sign_in().await;
        let bob = world.browser.stranger();
        assert_eq!(bob.visit_following("/auth/login").await.status, StatusCode::OK);
        world.advance(ENDED);
        world.provider.script(|script| script.refresh.answer = refusal.times(1));
        assert_eq!(
            world.browser.get("/api/me").await.status,
            StatusCode::SERVICE_UNAVAILABLE
        );
        assert_eq!(bob.get("/api/me").await.status, StatusCode::OK);
        assert_eq!(
            world.browser.get("/api/me").await.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "its own pause"
        );
        world.advance(60);
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_response_that_overtakes_a_refresh_carries_its_tokens_too() {
    let world = World::new();
    let slow_gate = Gate::closed();
    let browser = with_slow_route(&world, &slow_gate);
    world.sign_in().await;
    let tab = browser.clone();
    let slow = tokio::spawn(async move { tab.get("/slow").await });
    slow_gate.arrived(1).await;
    world.advance(DUE);
    // The one who refreshes hangs up; its browser never sees the new cookies.
    let gate = Gate::closed();
    world.fetch.hold(Some("token"), &gate);
    let tab = browser.clone();
    let impatient = tokio::spawn(async move { tab.get("/api/me").await });
    gate.arrived(1).await;
    impatient.abort();
    assert!(impatient.await.is_err());
    gate.open();
    world.tasks.idle().await;
    slow_gate.open();
    assert_eq!(slow.await.unwrap().status, StatusCode::OK);
    assert_eq!(browser.get("/api/token").await.status, StatusCode::OK);
    world.advance(DUE);
    assert_eq!(
        browser.get("/api/me").await.status,
        StatusCode::OK,
        "and the next refresh has what it needs"
    );
    assert_eq!(world.provider.token_calls("refresh_token"), 2);
}

#[tokio::test]
async fn tokens_whose_cookies_are_late_come_from_memory_and_go_out_again() {
    let world = World::new();
    world.sign_in().await;
    let late = world.browser.cookie("__Host-session.0").unwrap();
    world.advance(DUE);
    let new = world.browser.get("/api/token").await.text().to_owned();
    let attributes = "Path=/; Secure; HttpOnly; SameSite=Lax";
    world
        .browser
        .set_cookie(&format!("__Host-session.0={late}; {attributes}"))
        .unwrap();
    let answer = world.browser.get("/api/token").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, new.as_str()));
    assert!(!answer.set_cookie("__Host-session.0").is_empty());
    assert_ne!(world.browser.cookie("__Host-session.0").unwrap(), late);
}

/// A memory store that fails to replace as often as it is told.
#[derive(Clone)]
struct Failing {
    inner: Arc<MemoryStore>,
    failures: Arc<AtomicUsize>,
}

impl SessionStore for Failing {
    fn load<'a>(&'a self, key: &'a StoreKey, now: UnixTime) -> BoxFuture<'a, Result<Loaded, StoreError>> {
        self.inner.load(key, now)
    }

    fn write<'a>(
        &'a self,
        key: &'a StoreKey,
        write: Write<'a>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        let fails = write.expected.is_some()
            && self
                .failures
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
        if fails {
            return Box::pin(async { Err(StoreError::new(StoreErrorKind::Unreachable)) });
        }
        self.inner.write(key, write, now)
    }

    fn list<'a>(
        &'a self,
        index: &'a IndexKey,
        after: Option<Cursor>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.inner.list(index, after, now)
    }

    fn feed(&self) -> BoxFuture<'_, Result<Box<dyn StoreFeed>, StoreError>> {
        self.inner.feed()
    }

    fn deadline(&self) -> Duration {
        self.inner.deadline()
    }
}

#[tokio::test]
async fn tokens_that_the_store_did_not_take_are_kept_and_written_at_the_next_try() {
    let store = Failing {
        inner: Arc::new(MemoryStore::new()),
        failures: Arc::default(),
    };
    let failures = Arc::clone(&store.failures);
    let world = World::build(Sessions::stored(SECRET, store), |builder| builder);
    world.sign_in().await;
    world.advance(ENDED);
    failures.store(2, Ordering::SeqCst);
    for _ in 0..2 {
        let answer = world.browser.get("/api/me").await;
        assert_eq!(
            (answer.status, answer.problem_code().as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable")
        );
    }
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    world.tasks.idle().await;
    assert_eq!(
        world.provider.token_calls("refresh_token"),
        1,
        "what was renewed is not renewed again"
    );
    assert_eq!(world.fetch.count("revocation"), 0, "and not given away either");
}

#[tokio::test]
async fn a_request_held_back_beyond_the_idle_end_brings_nothing_back() {
    for sessions in [Sessions::cookie(SECRET), Sessions::memory(SECRET)] {
        let world = World::build(sessions, |builder| builder);
        let gate = Gate::closed();
        let browser = with_slow_route(&world, &gate);
        world.sign_in().await;
        let tab = browser.clone();
        let held = tokio::spawn(async move { tab.get("/slow").await });
        gate.arrived(1).await;
        world.advance(3_600);
        assert_eq!(
            world.browser.thief().get("/api/me").await.status,
            StatusCode::UNAUTHORIZED
        );
        gate.open();
        let held = held.await.unwrap();
        assert!(held.set_cookie("__Host-session").is_empty(), "{:?}", held.set_cookies());
        assert_eq!(browser.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_session_of_another_provider_or_client_is_no_session_here() {
    let before = World::new();
    before.sign_in().await;
    let session = before.browser.cookie("__Host-session").unwrap();
    for provider in [
        Provider::oidc(PROVIDER, "another-client", CLIENT_SECRET),
        Provider::oidc("https://id.example.org", CLIENT_ID, CLIENT_SECRET),
    ] {
        let after = World::with(|builder| builder.provider(provider));
        let cookie = format!("__Host-session={session}; Path=/; Secure; HttpOnly");
        after.browser.set_cookie(&cookie).unwrap();
        let answer = after.browser.get("/api/me").await;
        assert_eq!(
            (answer.status, answer.problem_code().as_str()),
            (StatusCode::UNAUTHORIZED, "session_invalid")
        );
    }
    let same = World::new();
    same.browser
        .set_cookie(&format!("__Host-session={session}; Path=/; Secure; HttpOnly"))
        .unwrap();
    assert_eq!(same.browser.get("/api/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn logout_and_login_end_every_session_that_the_request_presents() {
    let places: [fn() -> Sessions; 2] = [|| Sessions::cookie(SECRET), || Sessions::memory(SECRET)];
    for sessions in places {
        for ends_by_logout in [true, false] {
            let world = World::build(sessions(), |builder| builder);
            world.sign_in().await;
            let copy = world.browser.thief();
            let mallory = world.browser.stranger();
            mallory.visit_following("/auth/login").await;
            let planted = mallory.cookie("__Host-session").unwrap();
            world
                .browser
                .plant(Cookie::planted("__Host-session", &planted, "app.example.com"));
            let conflict = world.browser.get("/api/me").await;
            assert_eq!(conflict.problem_code(), "session_invalid", "none of two is believed");
            // Login would not help while the other cookie is there: no redirect, no circle.
            assert_eq!(world.browser.visit("/page").await.status, StatusCode::UNAUTHORIZED);
            if ends_by_logout {
                let logout = world.browser.request(Method::POST, "/auth/logout").send().await;
                assert_eq!(logout.status, StatusCode::OK);
            } else {
                world.browser.visit_following("/auth/login").await;
            }
            assert_eq!(copy.get("/api/me").await.problem_code(), "session_revoked");
            assert_eq!(mallory.get("/api/me").await.problem_code(), "session_revoked");
        }
    }
}

#[tokio::test]
async fn a_guard_below_another_applications_layer_lets_nobody_through() {
    let (ours, theirs) = (World::new(), World::new());
    let mixed: Router = Router::new()
        .route("/mixed", get(|| async { "in" }))
        .route_layer(ours.auth.require_session())
        .layer(theirs.auth.layer());
    theirs.sign_in().await;
    let browser = theirs.browser.clone().mount(APP, mixed);
    let answer = browser.get("/mixed").await;
    assert_eq!(
        (answer.status, answer.problem_code().as_str()),
        (StatusCode::INTERNAL_SERVER_ERROR, "not_configured")
    );
}

#[tokio::test]
async fn a_plain_http_app_origin_beside_an_https_application_is_refused() {
    let build = |origin: &str| {
        let world = World::new();
        doorward::Doorward::builder()
            .public_url(APP)
            .app_origin(origin)
            .provider(Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET))
            .session(Sessions::cookie(SECRET))
            .fetch(world.fetch.clone())
            .tasks(world.tasks)
            .build()
    };
    assert_eq!(build("http://spa.example.com").unwrap_err().key(), "server.app_origins");
    assert!(build("https://spa.example.com").is_ok());
    assert!(build("http://localhost:5173").is_ok(), "a developer's own machine");
}

#[tokio::test]
async fn roles_that_stand_in_userinfo_are_read_there_at_a_refresh_too() {
    // attacks: E30
    let world = World::new();
    world.provider.script(|script| {
        script.token.id_token.without_claim("roles");
        script.refresh.id_token.without_claim("roles");
    });
    world.sign_in().await;
    assert_eq!(world.browser.get("/api/admin").await.status, StatusCode::OK);
    world
        .provider
        .script(|script| script.claims["roles"] = json!(["auditor"]));
    world.advance(DUE);
    assert_eq!(world.browser.get("/api/auditor").await.status, StatusCode::OK);
    assert_eq!(world.browser.get("/api/admin").await.status, StatusCode::FORBIDDEN);
    // Where userinfo does not answer, the roles stay, and nobody is logged out.
    world.provider.script(|script| {
        script.claims["roles"] = json!(["admin"]);
        script.userinfo.answer = Answer::error(503, "temporarily_unavailable");
    });
    world.advance(DUE);
    assert_eq!(world.browser.get("/api/auditor").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_login_that_the_application_refuses_leaves_no_refresh_token_behind() {
    let world = World::with(|builder| builder.on_login(|_| async { Err(LoginDenied::new("not on the list")) }));
    let page = world.browser.visit_following("/auth/login").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    world.tasks.idle().await;
    assert_eq!(world.fetch.count("revocation"), 1);
}

// weakness: L21
#[tokio::test]
async fn a_link_to_login_cannot_replace_what_the_operator_configured() {
    let world = World::with(|builder| {
        let provider = Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET);
        builder.provider(
            provider
                .authorize_param("acr_values", "mfa")
                .authorize_param("prompt", "login")
                .authorize_param("max_age", "300"),
        )
    });
    for (link, max_age) in [
        ("acr_values=pwd&prompt=none&max_age=99999", "300"),
        ("max_age=60", "60"),
    ] {
        let page = world.browser.visit(&format!("/auth/login?{link}")).await;
        let sent: Vec<(String, String)> = page.location().unwrap().query_pairs().into_owned().collect();
        let value = |name: &str| {
            let mut found = sent.iter().filter(|(sent, _)| sent == name);
            let (_, value) = found.next().unwrap();
            assert!(found.next().is_none(), "{name} is sent once");
            value.clone()
        };
        assert_eq!(value("acr_values"), "mfa");
        assert_eq!(value("prompt"), "login");
        assert_eq!(value("max_age"), max_age);
    }
}
