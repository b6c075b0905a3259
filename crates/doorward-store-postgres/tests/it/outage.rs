//! A server that goes away, stands still and comes back.

use std::time::Duration;

use doorward_core::ports::{SessionStore as _, StoreErrorKind};
use doorward_store_postgres::PostgresStore;
use tokio::time::Instant;

use super::{LATE, create, done, fresh_key, load, now, put, started, until_answered};

const DEADLINE: Duration = Duration::from_millis(250);

/// Loads so many times at once; each result with the time it took.
async fn at_once(count: usize, store: &PostgresStore) -> Vec<(Result<(), StoreErrorKind>, Duration)> {
    let calls: Vec<_> = (0..count)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let began = Instant::now();
                let result = load(&store, &fresh_key()).await;
                (result.map(|_| ()).map_err(|error| error.kind()), began.elapsed())
            })
        })
        .collect();
    let mut results = Vec::new();
    for call in calls {
        results.push(call.await.expect("a call that does not panic"));
    }
    results
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_told_at_once_and_served_again_after_its_restart() {
    let (server, _patient) = started().await;
    let store = PostgresStore::builder(&server.url()).build().unwrap();
    let key = fresh_key();
    until_answered(Duration::from_secs(5), &store, &key).await;
    create(&store, &key).await.unwrap();
    // Several connections, so that each one would have to fail once.
    at_once(50, &store).await;
    server.kill();
    let mut fastest = DEADLINE;
    for _ in 0..10 {
        let began = Instant::now();
        let refused = load(&store, &key).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Unreachable);
        fastest = fastest.min(began.elapsed());
    }
    assert!(fastest < Duration::from_millis(50), "{fastest:?}");
    for (result, took) in at_once(200, &store).await {
        assert_eq!(result, Err(StoreErrorKind::Unreachable));
        assert!(took < DEADLINE + LATE, "{took:?}");
    }
    server.restart().await;
    let took = until_answered(Duration::from_secs(5), &store, &key).await;
    eprintln!("killed and restarted: served again after {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(load(&store, &key).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_two_calls_costs_no_call_not_even_a_write() {
    let (server, store) = started().await;
    let key = fresh_key();
    create(&store, &key).await.unwrap();
    at_once(50, &store).await;
    server.restart().await;
    assert!(load(&store, &key).await.unwrap().is_some(), "a read is asked again");
    server.restart().await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let written = store.write(&key, put(Some(1), b"second"), now()).await;
    assert_eq!(
        written.unwrap(),
        done(2),
        "a connection that was idle is asked before a write"
    );
    for (result, _) in at_once(50, &store).await {
        assert_eq!(result, Ok(()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_answers_each_of_200_calls_in_time_and_serves_again_after_its_thaw() {
    let (server, _patient) = started().await;
    let store = PostgresStore::builder(&server.url()).build().unwrap();
    until_answered(Duration::from_secs(5), &store, &fresh_key()).await;
    at_once(50, &store).await;
    server.freeze();
    for round in 0..3 {
        let mut slowest = Duration::ZERO;
        for (result, took) in at_once(200, &store).await {
            assert_eq!(result, Err(StoreErrorKind::Timeout), "round {round}");
            slowest = slowest.max(took);
        }
        eprintln!("frozen: the slowest of 200 calls took {slowest:?}");
        assert!(slowest < DEADLINE + LATE, "round {round}: {slowest:?}");
    }
    server.thaw();
    let took = until_answered(Duration::from_secs(5), &store, &fresh_key()).await;
    eprintln!("thawed: served again after {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    // On a busy machine new connections take their time.
    let began = Instant::now();
    while at_once(200, &store).await.iter().any(|(result, _)| result.is_err()) {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "200 calls at once are not served"
        );
    }
    let connections = "select count(*) from pg_stat_activity where application_name = 'doorward'";
    let count: u32 = server.query(connections).await.unwrap().parse().unwrap();
    assert!(count <= 12, "{count} connections");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_dropped_in_the_middle_gives_its_answer_to_nobody() {
    let (_server, store) = started().await;
    let keys: Vec<_> = (0..50).map(|_| fresh_key()).collect();
    for key in &keys {
        store.write(key, put(None, key.as_bytes()), now()).await.unwrap();
    }
    for round in 0..200_u64 {
        let (dropped, kept) = (&keys[round as usize % 50], &keys[(round as usize + 7) % 50]);
        let limit = Duration::from_micros(round * 5 % 700);
        let _ = tokio::time::timeout(limit, load(&store, dropped)).await;
        let loaded = load(&store, kept).await.unwrap().unwrap();
        assert_eq!(loaded.bytes, kept.as_bytes(), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_never_there_fails_calls_and_not_the_start() {
    let (server, _patient) = started().await;
    server.kill();
    let store = PostgresStore::connect(&server.url()).await.unwrap();
    for _ in 0..20 {
        // A call that waited until its deadline would say so.
        let refused = load(&store, &fresh_key()).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Unreachable);
    }
    server.restart().await;
    let took = until_answered(Duration::from_secs(5), &store, &fresh_key()).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_race_a_kill_are_whole_or_not_there() {
    let (server, store) = started().await;
    let key = fresh_key();
    create(&store, &key).await.unwrap();
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            let mut version = 1;
            loop {
                let bytes = [version as u8; 100];
                match store.write(&key, put(Some(version), &bytes), now()).await {
                    Ok(written) => {
                        assert_eq!(written, done(version + 1));
                        version += 1;
                    }
                    Err(_) => return version,
                }
            }
        })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.kill();
    let version = writer.await.unwrap();
    server.restart().await;
    let loaded = load(&store, &key).await.unwrap().unwrap();
    assert!(version > 1, "the writer came to write");
    assert!(
        loaded.version == version || loaded.version == version + 1,
        "{} after {version} was told",
        loaded.version
    );
    assert_eq!(loaded.bytes, [(loaded.version - 1) as u8; 100]);
}
