//! What must hold when many write at once.

use std::sync::Arc;

use doorward_core::ports::{StoreKey, Write, Written};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::{Handle, entered, fresh_index, fresh_key, kept, listed, put, write, written};

const WRITERS: usize = 200;

pub(super) async fn of_writes_have_one_winner_per_version(store: &Handle, other: &Handle) {
    let key = fresh_key();
    written(store, &key, put(None, b"1")).await;
    for version in 1..=3 {
        let winner = race(store, other, key, Some(version)).await;
        let (made, bytes) = winner.expect("exactly one of many writes of one version wins");
        assert_eq!(made, version + 1, "the winner learns the version it made");
        let entry = kept(store, &key).await.expect("a record survives a race");
        assert_eq!(entry.version, version + 1, "a race counts the version up once");
        assert_eq!(entry.bytes, bytes, "the winner's bytes are what is kept");
    }
}

pub(super) async fn of_creations_have_one_winner(store: &Handle, other: &Handle) {
    let key = fresh_key();
    let winner = race(store, other, key, None).await;
    let (made, bytes) = winner.expect("exactly one of many creations under one key wins");
    assert_eq!(made, 1, "a record begins at version 1, however many want to begin it");
    let entry = kept(other, &key).await.expect("a record survives a race");
    assert_eq!(
        (entry.version, entry.bytes),
        (1, bytes),
        "the winner's bytes are what is kept"
    );
}

pub(super) async fn of_many_keys_lose_no_entry_of_a_list(store: &Handle, other: &Handle) {
    let index = fresh_index();
    let mut writers = JoinSet::new();
    let start = Arc::new(Barrier::new(WRITERS));
    for handle in [store, other].into_iter().cycle().take(WRITERS) {
        let (handle, start) = (handle.clone(), start.clone());
        writers.spawn(async move {
            let key = fresh_key();
            let lists = [entered(index)];
            let entry = Write {
                lists: &lists,
                ..put(None, b"x")
            };
            start.wait().await;
            written(&handle, &key, entry).await;
            key
        });
    }
    let keys: Vec<StoreKey> = writers.join_all().await;
    assert!(
        listed(store, &index).await == keys.into_iter().collect(),
        "of many that are entered at once none is lost"
    );
}

/// Lets many write at once; the winner's version and bytes, if exactly one has won.
async fn race(store: &Handle, other: &Handle, key: StoreKey, expected: Option<u64>) -> Option<(u64, Vec<u8>)> {
    let mut writers = JoinSet::new();
    let start = Arc::new(Barrier::new(WRITERS));
    for (writer, handle) in [store, other].into_iter().cycle().take(WRITERS).enumerate() {
        let (handle, start) = (handle.clone(), start.clone());
        writers.spawn(async move {
            let bytes = format!("{expected:?} by {writer}").into_bytes();
            start.wait().await;
            (write(&handle, &key, put(expected, &bytes)).await, bytes)
        });
    }
    let mut winners = Vec::new();
    for (outcome, bytes) in writers.join_all().await {
        if let Written::Done { version } = outcome {
            winners.push((version, bytes));
        }
    }
    (winners.len() == 1).then(|| winners.remove(0))
}
