//! What has expired goes, and nothing else does.

use std::time::Duration;

use doorward_core::ports::{IndexKey, ListChange, SessionStore as _, StoreKey, Write};
use doorward_store_postgres::PostgresStore;
use doorward_testkit::servers::PostgresServer;

use super::{HOUR, Holder, create, fresh_index, fresh_key, now, patient, started};

async fn expired(store: &PostgresStore, key: &StoreKey, index: IndexKey, ago: Duration) {
    let then = now().saturating_sub(ago);
    let lists = [ListChange {
        index,
        until: Some(then),
    }];
    let write = Write {
        expected: None,
        bytes: b"record",
        keep_until: then,
        lists: &lists,
        announce: false,
    };
    store.write(key, write, then.saturating_sub(HOUR)).await.unwrap();
}

async fn counts(server: &PostgresServer) -> String {
    let sql = "select (select count(*) from doorward_sessions), (select count(*) from doorward_lists)";
    server.query(sql).await.unwrap()
}

#[tokio::test]
async fn what_expired_is_removed_and_what_lives_or_expired_just_now_stays() {
    let (server, store) = started().await;
    let (live, index) = (fresh_key(), fresh_index());
    create(&store, &live).await.unwrap();
    let lists = [ListChange {
        index,
        until: Some(now().saturating_add(HOUR)),
    }];
    let write = Write {
        lists: &lists,
        ..super::put(Some(1), b"record")
    };
    store.write(&live, write, now()).await.unwrap();
    for _ in 0..20 {
        expired(&store, &fresh_key(), index, 2 * HOUR).await;
        expired(&store, &fresh_key(), index, Duration::from_secs(600)).await;
    }
    // Another instance's clock may say that it lives.
    expired(&store, &fresh_key(), index, Duration::from_secs(60)).await;
    assert_eq!(counts(&server).await, "42|42");
    assert_eq!(store.remove_expired().await.unwrap(), 80);
    assert_eq!(counts(&server).await, "2|2");
    assert_eq!(store.remove_expired().await.unwrap(), 0);
    assert!(super::load(&store, &live).await.unwrap().is_some());
    assert_eq!(store.list(&index, None, now()).await.unwrap().keys, [live]);
}

#[tokio::test]
async fn an_instance_whose_clock_is_ahead_takes_nothing_from_the_lists_of_others() {
    let (server, store) = started().await;
    let index = fresh_index();
    let mut all = Vec::new();
    for ahead in [Duration::ZERO, 24 * HOUR, 300_000 * HOUR, Duration::ZERO] {
        let then = now().saturating_add(ahead);
        let (key, until) = (fresh_key(), then.saturating_add(HOUR));
        let lists = [ListChange {
            index,
            until: Some(until),
        }];
        let write = Write {
            keep_until: until,
            lists: &lists,
            ..super::put(None, b"record")
        };
        store.write(&key, write, then).await.unwrap();
        // What such an instance removes goes by the server's clock.
        assert_eq!(store.remove_expired().await.unwrap(), 0);
        all.push(key);
    }
    assert_eq!(counts(&server).await, "4|4");
    let mut listed = store.list(&index, None, now()).await.unwrap().keys;
    listed.sort();
    all.sort();
    assert_eq!(listed, all);
    for key in &all {
        assert!(super::load(&store, key).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn many_are_removed_in_several_batches() {
    let (server, store) = started().await;
    let fill = "insert into doorward_sessions select sha256(n::text::bytea), 1, 'x', now() - interval '2 hours', \
                extract(epoch from now() - interval '2 hours')::bigint / 3600 from generate_series(1, 2500) as n";
    server.query(fill).await.unwrap();
    assert_eq!(store.remove_expired().await.unwrap(), 2_500);
    assert_eq!(counts(&server).await, "0|0");
}

#[tokio::test]
async fn a_row_that_somebody_holds_is_left_and_holds_up_nobody() {
    let (server, store) = started().await;
    let index = fresh_index();
    expired(&store, &fresh_key(), index, 2 * HOUR).await;
    let holder = Holder::begin(&server).await;
    let removed = store.remove_expired().await.expect("a removal that waits for nobody");
    assert_eq!(removed, 1, "the list's entry alone");
    holder.let_go().await;
    assert_eq!(store.remove_expired().await.unwrap(), 1);
}

#[tokio::test]
async fn a_store_removes_by_itself_until_it_is_dropped() {
    let (server, _patient) = started().await;
    let store = patient(&server.url())
        .removal_interval(Duration::from_millis(50))
        .build()
        .unwrap();
    let index = fresh_index();
    expired(&store, &fresh_key(), index, 2 * HOUR).await;
    let began = tokio::time::Instant::now();
    while counts(&server).await != "0|0" {
        assert!(began.elapsed() < Duration::from_secs(20), "nothing was removed");
    }
    let connections = "select count(*) from pg_stat_activity where application_name = 'doorward'";
    let before: u32 = server.query(connections).await.unwrap().parse().unwrap();
    drop(store);
    while server.query(connections).await.unwrap().parse::<u32>().unwrap() >= before {
        assert!(began.elapsed() < Duration::from_secs(20), "the connections stay");
    }
}
