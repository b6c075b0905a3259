//! What must hold when many write at once.

use std::sync::Arc;

use doorward_core::ports::{CreateError, Loaded, Replaced, SessionStore};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::{NOW, after, create, end, fresh_key, load, replace};

const WRITERS: usize = 200;

pub(super) async fn of_replacements_have_one_winner_per_version<S: SessionStore>(store: Arc<S>) {
    let key = fresh_key();
    create(&*store, &key, b"1", after(60)).await;
    for version in 1..=3 {
        let mut writers = JoinSet::new();
        let start = Arc::new(Barrier::new(WRITERS));
        for writer in 0..WRITERS {
            let (store, start) = (store.clone(), start.clone());
            writers.spawn(async move {
                let payload = format!("{version} by {writer}").into_bytes();
                start.wait().await;
                (replace(&*store, &key, version, &payload, after(60), NOW).await, payload)
            });
        }
        let mut winners = Vec::new();
        for (outcome, payload) in writers.join_all().await {
            match outcome {
                Replaced::Done { version: made } => {
                    assert_eq!(made, version + 1, "the winner learns the version it made");
                    winners.push(payload);
                }
                other => assert_eq!(other, Replaced::Conflict, "who comes second learns of the conflict"),
            }
        }
        assert_eq!(winners.len(), 1, "exactly one of many replacements of one version wins");
        let Loaded::Live(stored) = load(&*store, &key, NOW).await else {
            panic!("a session survives a race of replacements")
        };
        assert_eq!(stored.version, version + 1, "a race counts the version up once");
        assert_eq!(stored.payload, winners[0], "the winner's payload is what is stored");
    }
}

pub(super) async fn of_creations_have_one_winner<S: SessionStore>(store: Arc<S>) {
    let key = fresh_key();
    let mut writers = JoinSet::new();
    let start = Arc::new(Barrier::new(WRITERS));
    for _ in 0..WRITERS {
        let (store, start) = (store.clone(), start.clone());
        writers.spawn(async move {
            start.wait().await;
            store.create(&key, b"x".to_vec(), after(60), NOW).await
        });
    }
    let mut winners = 0;
    for outcome in writers.join_all().await {
        match outcome {
            Ok(()) => winners += 1,
            Err(CreateError::AlreadyExists) => {}
            Err(_) => panic!("who comes second learns that the key is taken"),
        }
    }
    assert_eq!(winners, 1, "exactly one of many creations under one key wins");
}

pub(super) async fn against_the_end_are_lost<S: SessionStore>(store: Arc<S>) {
    for _ in 0..20 {
        let key = fresh_key();
        create(&*store, &key, b"1", after(60)).await;
        let mut writers = JoinSet::new();
        let start = Arc::new(Barrier::new(9));
        for _ in 0..8 {
            let (store, start) = (store.clone(), start.clone());
            writers.spawn(async move {
                start.wait().await;
                for version in 1..=5 {
                    replace(&*store, &key, version, b"late", after(60), NOW).await;
                }
            });
        }
        let (ender, start) = (store.clone(), start.clone());
        writers.spawn(async move {
            start.wait().await;
            end(&*ender, &key, after(300), NOW).await;
        });
        writers.join_all().await;
        let loaded = load(&*store, &key, NOW).await;
        assert_eq!(
            loaded,
            Loaded::Ended,
            "a session that was ended is ended, whoever wrote at the same time"
        );
    }
}
