//! What the server says it cannot do, by name.

use std::time::Duration;

use doorward_core::ports::{SessionStore as _, StoreErrorKind};

use super::{Holder, create, done, fresh_key, load, now, patient, put, started};

#[tokio::test]
async fn a_server_that_became_read_only_is_out_of_reach_and_its_connections_are_given_up() {
    let (server, store) = started().await;
    let key = fresh_key();
    create(&store, &key).await.unwrap();
    let backend = "select min(pid) from pg_stat_activity where application_name = 'doorward'";
    let before = server.query(backend).await.unwrap();
    // As a standby has it, or the old primary after a failover.
    server
        .query("alter role doorward set default_transaction_read_only = on")
        .await
        .unwrap();
    server
        .query("select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'doorward'")
        .await
        .unwrap();
    assert!(load(&store, &key).await.unwrap().is_some(), "reading goes on");
    let refused = store.write(&key, put(Some(1), b"x"), now()).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unreachable);
    server
        .query("begin read write; alter role doorward reset default_transaction_read_only; commit")
        .await
        .unwrap();
    // No connection is kept that would still refuse.
    assert_eq!(store.write(&key, put(Some(1), b"x"), now()).await.unwrap(), done(2));
    assert_ne!(server.query(backend).await.unwrap(), before);
}

#[tokio::test]
async fn a_dropped_table_fails_and_one_made_anew_serves() {
    let (server, store) = started().await;
    create(&store, &fresh_key()).await.unwrap();
    server
        .query("drop table doorward_sessions, doorward_lists, doorward_migrations")
        .await
        .unwrap();
    let key = fresh_key();
    assert_eq!(load(&store, &key).await.unwrap_err().kind(), StoreErrorKind::Failed);
    assert_eq!(create(&store, &key).await.unwrap_err().kind(), StoreErrorKind::Failed);
    store.migrate().await.unwrap();
    assert_eq!(create(&store, &key).await.unwrap(), done(1));
    assert!(load(&store, &key).await.unwrap().is_some());
}

#[tokio::test]
async fn the_servers_own_time_limits_are_timeouts_and_cost_no_connection() {
    let (server, store) = started().await;
    let key = fresh_key();
    create(&store, &key).await.unwrap();
    server
        .query("alter role doorward set lock_timeout = '100ms'")
        .await
        .unwrap();
    let impatient = super::store(&server);
    let holder = Holder::begin(&server).await;
    let refused = impatient.write(&key, put(Some(1), b"x"), now()).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Timeout);
    holder.let_go().await;
    assert_eq!(impatient.write(&key, put(Some(1), b"x"), now()).await.unwrap(), done(2));
}

#[tokio::test]
async fn a_statement_that_was_forgotten_is_prepared_again() {
    let (server, store) = started().await;
    let key = fresh_key();
    let one = patient(&server.url()).pool_size(1).build().unwrap();
    create(&one, &key).await.unwrap();
    // What a pooler does between two clients, done here by the session's own write.
    server
        .query(
            "create function forget() returns trigger language plpgsql as $$ begin execute 'deallocate all'; return new; end $$; \
             create trigger forget after update on doorward_sessions for each row execute function forget()",
        )
        .await
        .unwrap();
    assert_eq!(one.write(&key, put(Some(1), b"x"), now()).await.unwrap(), done(2));
    server.query("drop trigger forget on doorward_sessions").await.unwrap();
    assert!(load(&one, &key).await.unwrap().is_some());
    assert_eq!(one.write(&key, put(Some(2), b"x"), now()).await.unwrap(), done(3));
    drop(store);
}

#[tokio::test]
async fn a_transaction_that_lost_to_another_is_tried_once_more() {
    let (server, store) = started().await;
    let key = fresh_key();
    create(&store, &key).await.unwrap();
    // The first write meets a serialization failure, the second none; a sequence remembers past the rollback.
    server
        .query(
            "create sequence tries; \
             create function lose() returns trigger language plpgsql as $$ begin \
             if nextval('tries') = 1 then raise exception 'lost' using errcode = '40001'; end if; return new; end $$; \
             create trigger lose before update on doorward_sessions for each row execute function lose()",
        )
        .await
        .unwrap();
    assert_eq!(store.write(&key, put(Some(1), b"x"), now()).await.unwrap(), done(2));
    assert_eq!(server.query("select last_value from tries").await.as_deref(), Ok("2"));
    // Twice in a row is an error.
    server
        .query("create or replace function lose() returns trigger language plpgsql as $$ begin raise exception 'lost' using errcode = '40P01'; end $$")
        .await
        .unwrap();
    let refused = store.write(&key, put(Some(2), b"x"), now()).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Failed);
    assert_eq!(load(&store, &key).await.unwrap().unwrap().version, 2);
}

#[tokio::test]
async fn a_full_disk_fails_and_writes_nothing() {
    let (server, store) = started().await;
    let key = fresh_key();
    server
        .query(
            "create function full_disk() returns trigger language plpgsql as $$ begin \
             raise exception 'could not extend file' using errcode = '53100'; end $$; \
             create trigger full_disk before insert on doorward_sessions for each row execute function full_disk()",
        )
        .await
        .unwrap();
    let refused = create(&store, &key).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Failed);
    assert_eq!(load(&store, &key).await.unwrap(), None);
}

#[tokio::test]
async fn a_server_without_a_place_for_us_is_out_of_reach_until_there_is_one() {
    let (server, first) = started().await;
    server
        .query(
            "create role app login password 'app' connection limit 0; grant all on all tables in schema public to app",
        )
        .await
        .unwrap();
    let url = server.url().replace("doorward:testkit@", "app:app@");
    let store = patient(&url).build().unwrap();
    let refused = load(&store, &fresh_key()).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unreachable);
    server.query("alter role app connection limit 1").await.unwrap();
    // One place is enough for many calls.
    let calls = (0..20).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { load(&store, &fresh_key()).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().unwrap(), None);
    }
    drop(first);
}

#[tokio::test]
async fn a_call_beyond_those_that_may_wait_is_told_at_once() {
    let (server, _patient) = started().await;
    let store = patient(&server.url())
        .max_concurrent_calls(2)
        .pool_size(1)
        .build()
        .unwrap();
    load(&store, &fresh_key()).await.unwrap();
    server.freeze();
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { load(&store, &fresh_key()).await })
        })
        .collect();
    tokio::task::yield_now().await;
    let began = tokio::time::Instant::now();
    let refused = load(&store, &fresh_key()).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Overloaded);
    assert!(began.elapsed() < Duration::from_millis(50));
    server.thaw();
    for call in waiting {
        assert_eq!(call.await.unwrap().unwrap(), None);
    }
    assert_eq!(load(&store, &fresh_key()).await.unwrap(), None);
}
