//! Several instances and one store: the feed is a hint, the reading is what counts.

use std::time::Duration;

use doorward::Ended;
use http::StatusCode;

use super::stage::{SharedStore, Stage, another_instance};

const SECOND: Duration = Duration::from_secs(1);

async fn log_out_elsewhere(stage: &Stage, store: &SharedStore) {
    let (_world, browser) = another_instance(stage, store);
    let page = browser.request(http::Method::POST, "/auth/logout").send().await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
}

#[tokio::test(start_paused = true)]
async fn an_end_at_another_instance_comes_by_the_feed() {
    let store = SharedStore::new();
    let mut stage = Stage::signed_in(store.sessions()).await;
    let ending = stage.ended().await;
    assert_eq!(store.feeds(), 1);
    log_out_elsewhere(&stage, &store).await;
    let (why, took) = ending.within(SECOND).await;
    assert_eq!(why, Ended::Revoked);
    assert!(took < Duration::from_millis(100), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_the_feed_does_not_tell_is_read_within_fifteen_seconds() {
    let store = SharedStore::new();
    let mut stage = Stage::signed_in(store.sessions()).await;
    let mut ending = stage.ended().await;
    store.falls_silent(true);
    stage.pass(20).await;
    assert_eq!(ending.now().await, None);
    log_out_elsewhere(&stage, &store).await;
    assert_eq!(ending.now().await, None, "nobody told it");
    let (why, took) = ending.within(16 * SECOND).await;
    assert_eq!(why, Ended::Revoked);
    assert!(took <= 15 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_happens_while_the_feed_is_lost_is_read_when_it_is_back() {
    let store = SharedStore::new();
    let mut stage = Stage::signed_in(store.sessions()).await;
    let mut ending = stage.ended().await;
    stage.pass(1).await;
    store.loses_its_feeds();
    stage.settle().await;
    log_out_elsewhere(&stage, &store).await;
    assert_eq!(ending.now().await, None);
    let (why, took) = ending.within(16 * SECOND).await;
    assert_eq!((why, store.feeds()), (Ended::Revoked, 2));
    assert!(took <= 1_100 * SECOND / 1_000, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_lives_on_is_read_every_fifteen_seconds_and_not_more() {
    let store = SharedStore::new();
    let mut stage = Stage::signed_in(store.sessions()).await;
    let mut ending = stage.ended().await;
    stage.pass(15).await;
    let before = store.loads();
    stage.pass(150).await;
    let reads = store.loads() - before;
    assert!((9..=11).contains(&reads), "{reads}");
    assert_eq!(ending.now().await, None);
}

#[tokio::test(start_paused = true)]
async fn an_outage_ends_nobody_and_what_was_ended_meanwhile_ends_after_it() {
    let store = SharedStore::new();
    let mut stage = Stage::signed_in(store.sessions()).await;
    let mut ending = stage.ended().await;
    store.goes_down(true);
    store.loses_its_feeds();
    stage.pass(120).await;
    assert_eq!(ending.now().await, None);
    store.goes_down(false);
    log_out_elsewhere(&stage, &store).await;
    // The feed is begun again, and the store is asked again: each within a second.
    stage.pass(3).await;
    assert_eq!(ending.now().await, Some(Ended::Revoked));
}

#[tokio::test(start_paused = true)]
async fn the_end_that_was_read_last_counts_during_an_outage() {
    let store = SharedStore::new();
    let mut stage = Stage::signed_in(store.sessions()).await;
    let mut ending = stage.ended().await;
    stage.pass(3_000).await;
    store.goes_down(true);
    stage.pass(598).await;
    assert_eq!(ending.now().await, None);
    stage.pass(4).await;
    assert_eq!(ending.now().await, Some(Ended::Expired));
}

#[tokio::test(start_paused = true)]
async fn nobody_follows_the_feed_before_and_after_the_last_connection() {
    let store = SharedStore::new();
    let mut stage = Stage::signed_in(store.sessions()).await;
    stage.world.browser.get("/json").await;
    assert_eq!(store.feeds(), 0);
    let first = stage.ended().await;
    let second = stage.ended().await;
    assert_eq!(store.feeds(), 1);
    drop((first, second));
    stage.pass(61).await;
    stage.world.tasks.idle().await;
    let _again = stage.ended().await;
    assert_eq!(store.feeds(), 2);
}
