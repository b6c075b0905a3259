//! The feed: what is announced is heard, what is no key is not, and a lost connection is told.

use std::time::Duration;

use doorward_core::ports::{SessionStore as _, StoreErrorKind as Kind, Write};
use doorward_testkit::servers::{RedisOptions, RedisServer};
use tokio::time::{Instant, timeout};

use crate::fake::{Fake, Reply};
use crate::support::{NOW, create, failed, key, patient, put, until};

#[tokio::test]
async fn what_is_announced_is_heard_by_each_and_what_is_not_is_not() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let (store, other) = (patient(&server.url()).await, patient(&server.url()).await);
    let (mut first, mut second) = (store.feed().await.unwrap(), other.feed().await.unwrap());
    let silent = Write {
        expected: None,
        bytes: b"x",
        keep_until: until(),
        lists: &[],
        announce: false,
    };
    store.write(&key(1), silent, NOW).await.unwrap();
    create(&store, &key(2), b"x").await;
    // Lost against another: nothing was written, nothing is told.
    put(&store, &key(2), None, b"y", &[]).await.unwrap();
    put(&other, &key(2), Some(1), b"y", &[]).await.unwrap();
    create(&store, &key(3), b"x").await;
    for feed in [&mut first, &mut second] {
        for number in [2, 2, 3] {
            assert_eq!(feed.next().await.expect("a key"), key(number));
        }
    }
}

#[tokio::test]
async fn what_is_no_key_is_passed_over() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = patient(&server.url()).await;
    let mut feed = store.feed().await.unwrap();
    for garbage in ["", "x", &"y".repeat(31), &"y".repeat(33), &"y".repeat(1_000_000)] {
        server.command(&["PUBLISH", "doorward:changes", garbage]).await.unwrap();
    }
    server
        .command(&["PUBLISH", "other:changes", &"y".repeat(32)])
        .await
        .unwrap();
    create(&store, &key(1), b"x").await;
    assert_eq!(feed.next().await.expect("a key"), key(1));
}

#[tokio::test]
async fn a_lost_connection_is_told_and_a_new_feed_hears_again() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = patient(&server.url()).await;
    let mut feed = store.feed().await.unwrap();
    create(&store, &key(1), b"x").await;
    server.restart().await;
    assert_eq!(feed.next().await.expect("what came before is not lost"), key(1));
    let lost = timeout(Duration::from_secs(5), feed.next())
        .await
        .expect("a word in time");
    assert_eq!(failed(lost).0, Kind::Unreachable);
    assert_eq!(failed(feed.next().await).0, Kind::Unreachable, "and again");
    let mut feed = store.feed().await.unwrap();
    put(&store, &key(1), Some(1), b"x", &[]).await.unwrap();
    assert_eq!(feed.next().await.expect("a key"), key(1));
}

#[tokio::test]
async fn a_server_that_went_silent_is_noticed_within_ten_seconds() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = patient(&server.url()).await;
    let mut feed = store.feed().await.unwrap();
    let began = Instant::now();
    server.freeze();
    let lost = timeout(Duration::from_secs(10), feed.next())
        .await
        .expect("a word in time");
    assert_eq!(failed(lost).0, Kind::Timeout);
    println!("a frozen server was noticed by the feed after {:?}", began.elapsed());
    server.thaw();
}

#[tokio::test]
async fn a_quiet_feed_stays() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = patient(&server.url()).await;
    let mut feed = store.feed().await.unwrap();
    // Longer than between two signs of life.
    let silence = timeout(Duration::from_secs(9), feed.next()).await;
    assert!(silence.is_err(), "nothing was said");
    create(&store, &key(1), b"x").await;
    assert_eq!(feed.next().await.expect("a key"), key(1));
}

#[tokio::test]
async fn a_flood_that_nobody_takes_ends_the_feed_and_does_not_grow() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = patient(&server.url()).await;
    let mut feed = store.feed().await.unwrap();
    let flood = "for i = 1, 50000 do redis.call('PUBLISH', 'doorward:changes', string.rep('k', 32)) end return 1";
    server.command(&["EVAL", flood, "0"]).await.unwrap();
    let mut heard = 0;
    let lost = loop {
        match timeout(Duration::from_secs(5), feed.next())
            .await
            .expect("a word in time")
        {
            Ok(_) => heard += 1,
            Err(error) => break error.kind(),
        }
    };
    assert_eq!(lost, Kind::Unreachable);
    assert!((1..50_000).contains(&heard), "{heard}");
}

#[tokio::test]
async fn a_refused_subscription_is_an_error() {
    let server = Fake::start().await;
    let store = patient(&server.url()).await;
    for (reply, kind) in [
        (
            crate::fake::error("NOPERM this user has no permissions to access the channel"),
            Kind::Failed,
        ),
        (Reply::Nothing, Kind::Timeout),
        (Reply::Last(Vec::new()), Kind::Unreachable),
        (crate::fake::bytes("\0\0"), Kind::Failed),
    ] {
        server.answer("SUBSCRIBE", reply);
        assert_eq!(failed(store.feed().await).0, kind);
    }
    server.behave_well();
    assert!(store.feed().await.is_ok());
}
