//! More calls than a server answers: none waits longer than it may, nothing piles up, and nobody is run down.

use std::time::Duration;

use doorward_core::ports::StoreErrorKind as Kind;
use doorward_store_redis::RedisStore;
use tokio::time::{Instant, timeout};

use crate::fake::{Fake, Reply};
use crate::support::{connect, eventually, failed, key, load};

#[tokio::test]
async fn no_answer_is_a_timeout_and_the_next_call_works() {
    let server = Fake::start().await;
    let store = connect(&server.url()).await;
    server.behave(|_| Some(Reply::Nothing));
    let began = Instant::now();
    assert_eq!(failed(load(&store, &key(1)).await).0, Kind::Timeout);
    assert!(began.elapsed() >= Duration::from_millis(250), "{:?}", began.elapsed());
    // The attempt to connect that began meanwhile gets no answer either.
    assert_eq!(failed(load(&store, &key(1)).await).0, Kind::Timeout);
    server.behave_well();
    let took = eventually("a server that answers again", async || {
        load(&store, &key(1)).await.is_ok()
    })
    .await;
    assert!(took < Duration::from_millis(2_000), "{took:?}");
}

#[tokio::test]
async fn calls_that_are_given_up_early_do_not_pile_up_on_a_silent_connection() {
    let server = Fake::start().await;
    let store = connect(&server.url()).await;
    assert_eq!(load(&store, &key(1)).await.expect("an answer"), None);
    let greetings = server.heard("HELLO");
    server.behave(|command| (command != "HELLO").then_some(Reply::Nothing));
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(200) {
        let given_up = timeout(Duration::from_millis(20), load(&store, &key(1))).await;
        assert!(given_up.is_err(), "no answer came");
    }
    assert_eq!(server.heard("HELLO"), greetings, "twenty milliseconds say nothing");
    eventually("another connection", async || {
        let _ = timeout(Duration::from_millis(20), load(&store, &key(1))).await;
        server.heard("HELLO") > greetings
    })
    .await;
    server.behave_well();
    eventually("the next answer", async || load(&store, &key(1)).await.is_ok()).await;
}

#[tokio::test]
async fn a_server_that_is_away_is_not_run_down_with_attempts() {
    let server = Fake::start().await;
    server.answer("HELLO", Reply::Last(Vec::new()));
    let store = connect(&server.url()).await;
    let began = Instant::now();
    let mut calls = 0;
    while began.elapsed() < Duration::from_millis(500) {
        assert_eq!(failed(load(&store, &key(1)).await).0, Kind::Unreachable);
        calls += 1;
        tokio::task::yield_now().await;
    }
    let attempts = server.heard("HELLO");
    assert!(attempts <= 7, "{attempts} attempts for {calls} calls");
    assert!(
        calls > 100,
        "a call that cannot be answered fails at once, found {calls}"
    );
}

#[tokio::test]
async fn more_calls_than_may_wait_are_refused_at_once() {
    let server = Fake::start().await;
    let store = RedisStore::builder(&server.url())
        .max_concurrent_calls(3)
        .connect()
        .await
        .expect("settings");
    server.behave(|_| Some(Reply::Nothing));
    let (one, two, three) = (key(1), key(2), key(3));
    let waiting = async { tokio::join!(load(&store, &one), load(&store, &two), load(&store, &three)) };
    let refused = async {
        tokio::task::yield_now().await;
        let began = Instant::now();
        let found = failed(load(&store, &key(4)).await).0;
        (found, began.elapsed())
    };
    let ((one, two, three), (found, took)) = tokio::join!(waiting, refused);
    for waited in [one, two, three] {
        assert_eq!(failed(waited).0, Kind::Timeout);
    }
    assert_eq!(found, Kind::Overloaded);
    assert!(took < Duration::from_millis(100), "{took:?}");
    server.behave_well();
    eventually("calls again", async || load(&store, &key(4)).await.is_ok()).await;
}
