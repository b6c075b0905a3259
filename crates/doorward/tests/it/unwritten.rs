//! Tokens that the provider has given and the store has not taken: offered again, once, and never over what is newer.

use std::time::Duration;

use doorward::Sessions;
use doorward_testkit::{Browser, Gate, Rotation};
use http::{Method, StatusCode};

use crate::attacks::support::Meddled;
use crate::support::{SECRET, World};

const ENDED: u64 = 301;
const SECOND: Duration = Duration::from_secs(1);

/// Two instances that reach the same records, each over a way of its own.
struct Pair {
    store: Meddled,
    first: World,
    second: World,
    /// The same user's browser, met by the second instance.
    beside: Browser,
}

impl Pair {
    /// Signed in, the tokens fetched by the first instance, and its write refused.
    async fn with_unwritten_tokens(rotation: Rotation) -> Self {
        let store = Meddled::default();
        let first = store.world();
        let second = World::build(Sessions::stored(SECRET, store.beside()), |builder| {
            builder.fetch(first.fetch.clone()).clock(first.clock.clone())
        });
        first.provider.script(|script| script.rotation = rotation);
        first.sign_in().await;
        let beside = second.browser.stranger();
        for cookie in first.browser.cookies() {
            beside.plant(cookie);
        }
        let pair = Self {
            store,
            first,
            second,
            beside,
        };
        pair.first.advance(ENDED);
        let gate = Gate::closed();
        pair.first.fetch.hold(Some("token"), &gate);
        let tab = pair.first.browser.clone();
        let refreshing = tokio::spawn(async move { tab.get("/api/me").await });
        gate.arrived(1).await;
        pair.store.refuse_replacements(true);
        gate.open();
        assert_eq!(refreshing.await.unwrap().problem_code(), "store_unavailable");
        assert_eq!(pair.token_calls(), 1);
        pair
    }

    fn token_calls(&self) -> usize {
        self.first.provider.token_calls("refresh_token")
    }

    /// Lets the first instance write again, and offer what it has.
    async fn heal(&self) {
        self.store.refuse_replacements(false);
        self.first.advance(1);
        tokio::time::sleep(SECOND).await;
        self.first.tasks.idle().await;
    }
}

async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn unwritten_tokens_are_offered_by_one_job_however_many_requests_come() {
    let pair = Pair::with_unwritten_tokens(Rotation::ReuseDetection).await;
    for _ in 0..100 {
        let answer = pair.first.browser.get("/api/me").await;
        assert_eq!(
            (answer.status, answer.problem_code().as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable")
        );
    }
    settle().await;
    assert_eq!(pair.first.tasks.running(), 1, "one job for the session");
    let before = pair.store.writes();
    for _ in 0..10 {
        pair.first.advance(1);
        tokio::time::sleep(SECOND).await;
    }
    let offers = pair.store.writes() - before;
    assert!((19..=21).contains(&offers), "twice a second, not {offers} in ten");
    assert_eq!(pair.first.tasks.running(), 1);
    pair.heal().await;
    assert_eq!(pair.beside.get("/api/me").await.status, StatusCode::OK);
    assert_eq!(pair.first.browser.get("/api/me").await.status, StatusCode::OK);
    assert_eq!(pair.token_calls(), 1, "what was renewed is not renewed again");
    assert_eq!(pair.first.fetch.count("revocation"), 0, "and not given away either");
}

#[tokio::test(start_paused = true)]
async fn requests_at_once_on_unwritten_tokens_add_no_job_either() {
    let pair = Pair::with_unwritten_tokens(Rotation::ReuseDetection).await;
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let tab = pair.first.browser.clone();
        requests.spawn(async move { tab.get("/api/me").await.status });
    }
    let answers = requests.join_all().await;
    assert!(answers.iter().all(|status| *status == StatusCode::SERVICE_UNAVAILABLE));
    settle().await;
    assert_eq!(pair.first.tasks.running(), 1);
    pair.heal().await;
    assert_eq!(pair.first.browser.get("/api/me").await.status, StatusCode::OK);
    assert_eq!(pair.token_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn unwritten_tokens_do_not_replace_those_that_another_instance_fetched_later() {
    // The refresh token stays good, so that the second instance can fetch tokens of its own.
    let pair = Pair::with_unwritten_tokens(Rotation::Off).await;
    // By then the first one's lease is over.
    for _ in 0..16 {
        pair.first.advance(1);
        tokio::time::sleep(SECOND).await;
    }
    let answer = pair.beside.get("/api/token").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let newest = answer.text().to_owned();
    assert_eq!(pair.token_calls(), 2);
    pair.heal().await;
    for browser in [&pair.first.browser, &pair.beside] {
        let answer = browser.get("/api/token").await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, newest.as_str()));
    }
    assert_eq!(pair.token_calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn unwritten_tokens_bring_no_session_back_that_ended_meanwhile_and_are_taken_back() {
    // attacks: J13
    let pair = Pair::with_unwritten_tokens(Rotation::ReuseDetection).await;
    let copies = [pair.first.browser.thief(), pair.beside.thief()];
    let logout = pair.beside.request(Method::POST, "/auth/logout").send().await;
    assert_eq!(logout.status, StatusCode::OK, "{}", logout.text());
    pair.second.tasks.idle().await;
    assert_eq!(pair.first.fetch.count("revocation"), 1, "what the record held");
    pair.heal().await;
    for copy in &copies {
        assert_eq!(copy.get("/api/me").await.problem_code(), "session_revoked");
    }
    assert_eq!(pair.first.fetch.count("revocation"), 2, "and what has arrived");
    assert_eq!(pair.token_calls(), 1);
    // Nobody offers them any more.
    let before = pair.store.writes();
    for _ in 0..10 {
        pair.first.advance(1);
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!((pair.store.writes(), pair.first.tasks.running()), (before, 0));
}
