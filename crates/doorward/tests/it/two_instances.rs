//! Two processes of one deployment over one store: same secret, same provider, each with a memory of its own.

use doorward::Sessions;
use doorward_testkit::{Answer, Browser, Gate, Rotation};
use http::{Method, StatusCode};

use crate::attacks::support::Meddled;
use crate::support::{SECRET, World};

const ENDED: u64 = 301;

struct Pair {
    store: Meddled,
    first: World,
    second: World,
    /// The same user's browser, met by the second instance.
    beside: Browser,
}

impl Pair {
    async fn signed_in() -> Self {
        let store = Meddled::default();
        let first = store.world();
        let second = World::build(Sessions::stored(SECRET, store.clone()), |builder| {
            builder.fetch(first.fetch.clone()).clock(first.clock.clone())
        });
        first
            .provider
            .script(|script| script.rotation = Rotation::ReuseDetection);
        first.sign_in().await;
        let beside = second.browser.stranger();
        for name in ["__Host-session", "CSRF-TOKEN"] {
            let value = first.browser.cookie(name).unwrap();
            beside
                .set_cookie(&format!("{name}={value}; Secure; Path=/; SameSite=Lax"))
                .unwrap();
        }
        Self {
            store,
            first,
            second,
            beside,
        }
    }

    fn token_calls(&self) -> usize {
        self.first.provider.token_calls("refresh_token")
    }

    /// Half of `count` requests at each instance, all at once.
    fn storm(&self, count: usize) -> tokio::task::JoinSet<StatusCode> {
        let mut requests = tokio::task::JoinSet::new();
        for number in 0..count {
            let tab = if number % 2 == 0 {
                &self.first.browser
            } else {
                &self.beside
            }
            .clone();
            requests.spawn(async move { tab.get("/api/token").await.status });
        }
        requests
    }
}

// RL6 of the reliability targets, in one process; on real stores in `e2e/tests/replicas-refresh.test.js`.
#[tokio::test(start_paused = true)]
async fn five_hundred_requests_at_both_instances_make_one_token_call_and_five_hundred_answers() {
    let pair = Pair::signed_in().await;
    for round in 1..=3 {
        pair.first.advance(ENDED);
        let gate = Gate::closed();
        pair.first.fetch.hold(Some("token"), &gate);
        let storm = pair.storm(500);
        gate.arrived(1).await;
        // Long enough for the lease to be extended, and for whoever waits to look many times.
        tokio::time::sleep(std::time::Duration::from_secs(8)).await;
        gate.open();
        let answers = storm.join_all().await;
        assert!(answers.iter().all(|status| *status == StatusCode::OK), "{answers:?}");
        assert_eq!(pair.token_calls(), round);
    }
}

#[tokio::test(start_paused = true)]
async fn instance_that_waits_is_told_of_the_end_and_not_of_an_outage() {
    let pair = Pair::signed_in().await;
    pair.first.advance(ENDED);
    pair.first
        .provider
        .script(|script| script.refresh.answer = Answer::error(400, "invalid_grant").times(1));
    let gate = Gate::closed();
    pair.first.fetch.hold(Some("token"), &gate);
    let storm = pair.storm(20);
    gate.arrived(1).await;
    gate.open();
    let answers = storm.join_all().await;
    assert!(
        answers.iter().all(|status| *status == StatusCode::UNAUTHORIZED),
        "{answers:?}"
    );
    assert_eq!(pair.token_calls(), 1);
    assert_eq!(pair.beside.get("/api/me").await.problem_code(), "session_revoked");
}

#[tokio::test(start_paused = true)]
async fn refresh_that_fails_in_passing_at_one_instance_is_left_alone_by_the_other_too() {
    let pair = Pair::signed_in().await;
    pair.first.advance(ENDED);
    let busy = Answer::error(429, "slow_down").header("retry-after", "7").times(1);
    pair.first.provider.script(|script| script.refresh.answer = busy);
    assert_eq!(
        pair.first.browser.get("/api/me").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    for _ in 0..10 {
        let answer = pair.beside.get("/api/me").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.header("retry-after"), Some("7"));
    }
    assert_eq!(
        pair.token_calls(),
        1,
        "what the provider asked of one instance counts for both"
    );
    pair.first.advance(8);
    assert_eq!(pair.beside.get("/api/me").await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn logout_at_one_instance_wins_over_a_refresh_at_the_other_and_its_tokens_are_taken_back() {
    // attacks: J13
    let pair = Pair::signed_in().await;
    pair.first.advance(ENDED);
    let gate = Gate::closed();
    // The provider has rotated, and its answer is on the way.
    let held = Answer::correct().held_after_acting(&gate);
    pair.first.provider.script(|script| script.refresh.answer = held);
    let tab = pair.first.browser.clone();
    let refreshing = tokio::spawn(async move { tab.get("/api/me").await });
    gate.arrived(1).await;
    let logout = pair.beside.request(Method::POST, "/auth/logout").send().await;
    assert_eq!(logout.status, StatusCode::OK, "{}", logout.text());
    gate.open();
    assert_eq!(refreshing.await.unwrap().status, StatusCode::UNAUTHORIZED);
    pair.first.tasks.idle().await;
    pair.second.tasks.idle().await;
    assert_eq!(pair.first.browser.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
    assert!(
        pair.first.fetch.count("revocation") >= 2,
        "the old token and the new one"
    );
}

#[tokio::test(start_paused = true)]
async fn store_that_fails_after_the_provider_rotated_gets_the_tokens_without_a_request_asking() {
    let pair = Pair::signed_in().await;
    pair.first.advance(ENDED);
    let gate = Gate::closed();
    pair.first.fetch.hold(Some("token"), &gate);
    let tab = pair.first.browser.clone();
    let refreshing = tokio::spawn(async move { tab.get("/api/me").await });
    gate.arrived(1).await;
    pair.store.fail(true);
    gate.open();
    let answer = refreshing.await.unwrap();
    assert_eq!(
        (answer.status, answer.problem_code().as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable")
    );
    pair.store.fail(false);
    pair.first.advance(1);
    pair.first.tasks.idle().await;
    assert_eq!(
        pair.beside.get("/api/me").await.status,
        StatusCode::OK,
        "the other instance has them"
    );
    assert_eq!(pair.token_calls(), 1);
}
