//! The feed says when it missed something.

use std::time::Duration;

use doorward_core::ports::{SessionStore as _, StoreErrorKind, Write};
use doorward_store_postgres::PostgresStore;
use tokio::time::{Instant, timeout};

use super::{create, fresh_key, now, put, started, store};

const SOON: Duration = Duration::from_secs(10);

async fn announce(store: &PostgresStore) -> doorward_core::ports::StoreKey {
    let key = fresh_key();
    let write = Write {
        announce: true,
        ..put(None, b"record")
    };
    store.write(&key, write, now()).await.unwrap();
    key
}

#[tokio::test]
async fn noise_on_the_channel_is_passed_over() {
    let (server, store) = started().await;
    let mut feed = store.feed().await.unwrap();
    let noise = "notify doorward_changes; notify doorward_changes, 'hello'; notify other, 'x'; \
                 select pg_notify('doorward_changes', repeat('z', 64)), pg_notify('doorward_changes', repeat('0', 7000))";
    server.query(noise).await.unwrap();
    create(&store, &fresh_key()).await.unwrap();
    let key = announce(&store).await;
    assert_eq!(timeout(SOON, feed.next()).await.unwrap().unwrap(), key);
}

#[tokio::test]
async fn a_lost_connection_is_told_and_a_new_feed_hears_again() {
    let (server, store) = started().await;
    for how in ["kill", "restart", "one backend"] {
        let mut feed = store.feed().await.unwrap();
        match how {
            "kill" => {
                server.kill();
                server.restart().await;
            }
            "restart" => server.restart().await,
            _ => {
                let sql = "select count(pg_terminate_backend(pid)) from pg_stat_activity where query like 'LISTEN%'";
                assert_eq!(server.query(sql).await.as_deref(), Ok("1"));
            }
        }
        let lost = timeout(SOON, feed.next()).await.expect(how).unwrap_err();
        assert_eq!(lost.kind(), StoreErrorKind::Unreachable, "{how}");
        let again = timeout(SOON, feed.next()).await.expect(how);
        assert!(again.is_err(), "{how}: a feed that is lost stays lost");
        let mut feed = store.feed().await.unwrap();
        super::until_answered(SOON, &store, &fresh_key()).await;
        let key = announce(&store).await;
        assert_eq!(timeout(SOON, feed.next()).await.expect(how).unwrap(), key, "{how}");
    }
}

#[tokio::test]
async fn a_server_that_stands_still_is_noticed_within_ten_seconds() {
    let (server, store) = started().await;
    let mut feed = store.feed().await.unwrap();
    server.freeze();
    let began = Instant::now();
    let lost = timeout(Duration::from_secs(12), feed.next())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(lost.kind(), StoreErrorKind::Timeout);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    server.thaw();
}

#[tokio::test]
async fn a_silent_feed_stays_and_hears_after_its_signs_of_life() {
    let (_server, store) = started().await;
    let mut feed = store.feed().await.unwrap();
    let quiet = timeout(Duration::from_secs(6), feed.next()).await;
    assert!(quiet.is_err(), "nothing was announced");
    let key = announce(&store).await;
    assert_eq!(timeout(SOON, feed.next()).await.unwrap().unwrap(), key);
}

#[tokio::test]
async fn a_feed_from_a_server_that_is_away_fails() {
    let (server, _store) = started().await;
    server.kill();
    let store = store(&server);
    let away = store.feed().await.map(|_| ()).unwrap_err();
    assert_eq!(away.kind(), StoreErrorKind::Unreachable);
}

#[tokio::test]
async fn a_dropped_feed_gives_its_connection_back() {
    let (server, store) = started().await;
    let listening = "select count(*) from pg_stat_activity where query like 'LISTEN%'";
    let feed = store.feed().await.unwrap();
    assert_eq!(server.query(listening).await.as_deref(), Ok("1"));
    drop(feed);
    let began = Instant::now();
    while server.query(listening).await.unwrap() != "0" {
        assert!(began.elapsed() < SOON, "the connection stays");
    }
}
