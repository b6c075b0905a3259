//! What must hold of the feed: who follows hears of what is announced.

use std::time::Duration;

use doorward_core::ports::{StoreFeed, StoreKey, Write, Written};

use super::{Handle, fresh_key, put, write, written};

/// How long an announcement may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn tells_of_announced_writes_and_of_no_others(store: &Handle, other: &Handle) {
    let (silent, announced, last) = (fresh_key(), fresh_key(), fresh_key());
    let mut feed = follow(other).await;
    written(store, &silent, put(None, b"x")).await;
    written(store, &announced, put(None, b"1")).await;
    let lost = Write {
        announce: true,
        ..put(Some(7), b"late")
    };
    assert_eq!(
        write(store, &silent, lost).await,
        Written::Conflict,
        "an announced write of a stale version is a conflict"
    );
    announce(store, announced, Some(1)).await;
    // One after the other: where keys lie on several servers, two of them may be heard in either order.
    let mut heard = heard_until(&mut *feed, announced).await;
    announce(store, last, None).await;
    heard.extend(heard_until(&mut *feed, last).await);
    assert!(
        !heard.contains(&silent),
        "neither a write that is not announced nor one that lost its race is heard"
    );
}

pub(super) async fn tells_everybody(store: &Handle, other: &Handle) {
    let mut feeds = [follow(store).await, follow(other).await, follow(other).await];
    let (first, second) = (fresh_key(), fresh_key());
    announce(store, first, None).await;
    announce(other, second, None).await;
    for feed in &mut feeds {
        let mut missing = vec![first, second];
        while !missing.is_empty() {
            let key = next(&mut **feed).await;
            missing.retain(|other| *other != key);
        }
    }
    // Who stops listening takes nothing from the others.
    let [gone, mut stays, ..] = feeds;
    drop(gone);
    let third = fresh_key();
    announce(store, third, None).await;
    heard_until(&mut *stays, third).await;
}

async fn follow(store: &Handle) -> Box<dyn StoreFeed> {
    store.feed().await.expect("a store whose feed can be followed")
}

async fn announce(store: &Handle, key: StoreKey, expected: Option<u64>) {
    let loud = Write {
        announce: true,
        ..put(expected, b"loud")
    };
    written(store, &key, loud).await;
}

/// Everything heard before a key, others' writes included.
async fn heard_until(feed: &mut dyn StoreFeed, last: StoreKey) -> Vec<StoreKey> {
    let mut heard = Vec::new();
    loop {
        let key = next(feed).await;
        if key == last {
            return heard;
        }
        heard.push(key);
    }
}

async fn next(feed: &mut dyn StoreFeed) -> StoreKey {
    let next = tokio::time::timeout(PATIENCE, feed.next()).await;
    let next = next.expect("every announced write is heard by everybody who follows");
    next.expect("a feed that is not interrupted")
}
