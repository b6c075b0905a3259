//! Sentinel: a primary that is killed, frozen, or sent back, with calls running all the while.

use std::time::Duration;

use doorward_core::ports::{SessionStore as _, StoreErrorKind as Kind};
use doorward_testkit::servers::{RedisOptions, RedisServer, Sentinels};
use futures_util::future::join_all;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Authority, NOW, connect, create, entry, eventually, failed, index, joined, key, load, put, user};

const SESSIONS: u64 = 200;

pub(crate) async fn trio(options: RedisOptions) -> (RedisServer, RedisServer, Sentinels) {
    let primary = RedisServer::start(options).await;
    let replica = primary.start_replica().await;
    let sentinels = Sentinels::start(&primary, 3).await;
    (primary, replica, sentinels)
}

/// The port of the primary as each sentinel has it.
async fn named_by_any(sentinels: &Sentinels) -> Vec<u16> {
    let asked = sentinels.urls().into_iter().map(|url| async move {
        let mut stream = TcpStream::connect(url.trim_start_matches("redis://")).await.ok()?;
        stream
            .write_all(b"SENTINEL GET-MASTER-ADDR-BY-NAME doorward\r\n")
            .await
            .ok()?;
        let mut lines = BufReader::new(stream).lines();
        let mut last = None;
        for _ in 0..5 {
            last = lines.next_line().await.ok()?;
        }
        last?.parse().ok()
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// Kills or freezes the primary under calls, and says how long after the promotion the store served again.
async fn fail_over(freeze: bool) {
    let (primary, replica, sentinels) = trio(RedisOptions::default()).await;
    let url = joined("redis+sentinel", "", &sentinels.urls(), "/doorward");
    let store = connect(&url).await;
    for number in 0..SESSIONS {
        create(&store, &key(number), &number.to_be_bytes()).await;
    }
    primary
        .command(&["WAIT", "1", "5000"])
        .await
        .expect("a replica that has everything");
    let mut feed = store.feed().await.expect("a feed");

    let began = Instant::now();
    if freeze {
        primary.freeze();
    } else {
        primary.kill();
    }
    // Promoted is what the first of the sentinels says, not what the replica is told a moment before that.
    let promoted = async {
        eventually("a replica that takes writes", async || {
            replica
                .command(&["ROLE"])
                .await
                .is_ok_and(|role| role.starts_with("master"))
        })
        .await;
        let taken_writes = Instant::now();
        eventually("a sentinel that names it", async || {
            named_by_any(&sentinels).await.contains(&replica.port())
        })
        .await;
        (taken_writes, Instant::now())
    };
    // One session a call, as requests would; whatever fails must fail by name and in time.
    let served = async {
        let (mut number, mut failures, mut longest) = (0, 0, Duration::ZERO);
        loop {
            let call = Instant::now();
            let loaded = load(&store, &key(number % SESSIONS)).await;
            longest = longest.max(call.elapsed());
            match loaded {
                Ok(found) => {
                    assert_eq!(found, entry(1, &(number % SESSIONS).to_be_bytes()));
                    if failures > 0 {
                        return (Instant::now(), failures, longest);
                    }
                }
                Err(error) => {
                    assert!(matches!(error.kind(), Kind::Unreachable | Kind::Timeout), "{error}");
                    failures += 1;
                }
            }
            number += 1;
            sleep(Duration::from_millis(5)).await;
        }
    };
    let ((taken_writes, promoted), (served, failures, longest)) = tokio::join!(promoted, served);
    let after = served.saturating_duration_since(promoted);
    println!(
        "frozen: {freeze}; the replica took writes after {:?}, a sentinel named it after {:?}, the store served after {:?}; \
         {failures} calls failed, the longest took {longest:?}",
        taken_writes - began,
        promoted - began,
        served - began,
    );
    assert!(after < Duration::from_secs(1), "{after:?}");
    sentinels.promoted(primary.port()).await;
    for number in 0..SESSIONS {
        assert_eq!(
            load(&store, &key(number)).await.unwrap(),
            entry(1, &number.to_be_bytes()),
            "{number}"
        );
        let written = put(&store, &key(number), Some(1), b"after", &[]).await;
        assert!(written.is_ok(), "{number}: {written:?}");
    }
    // The feed has not moved by itself; that it is lost is told.
    let lost = timeout(Duration::from_secs(10), feed.next())
        .await
        .expect("a word in time");
    assert!(lost.is_err());
    let mut feed = store.feed().await.expect("a feed of the new primary");
    put(&store, &key(1), Some(2), b"x", &[]).await.unwrap();
    assert_eq!(feed.next().await.expect("a key"), key(1));

    // The old primary comes back as what it was, and is made a replica; nobody of us takes it for more.
    if freeze {
        primary.thaw();
    } else {
        primary.restart().await;
    }
    eventually("the old primary as a replica", async || {
        primary
            .command(&["ROLE"])
            .await
            .is_ok_and(|role| role.starts_with("slave"))
    })
    .await;
    assert_eq!(load(&store, &key(0)).await.unwrap(), entry(2, b"after"));
}

#[tokio::test]
async fn a_killed_primary_costs_a_second_after_the_promotion_at_most_and_no_session() {
    fail_over(false).await;
}

#[tokio::test]
async fn a_frozen_primary_costs_a_second_after_the_promotion_at_most_and_no_session() {
    fail_over(true).await;
}

#[tokio::test]
async fn a_connection_that_stays_while_its_server_becomes_a_replica_is_left() {
    let (primary, replica, sentinels) = trio(RedisOptions::default()).await;
    let store = connect(&joined("redis+sentinel", "", &sentinels.urls(), "/doorward/0")).await;
    create(&store, &key(1), b"x").await;
    primary.command(&["WAIT", "1", "5000"]).await.unwrap();
    // What sentinels do, without their farewell to the clients: the connection stays and its server changes its role. The
    // sentinels then take seconds to see it, until when nobody is the primary that they name.
    replica.command(&["REPLICAOF", "NO", "ONE"]).await.unwrap();
    let port = replica.port().to_string();
    primary.command(&["REPLICAOF", "127.0.0.1", &port]).await.unwrap();
    let took = eventually("a write", async || put(&store, &key(2), None, b"x", &[]).await.is_ok()).await;
    println!("written {took:?} after the roles changed");
}

#[tokio::test]
async fn over_tls_with_an_account_one_frozen_and_one_dead_sentinel_hold_nobody_up() {
    let (_primary, _replica, sentinels) = trio(RedisOptions {
        tls: true,
        users: vec![user()],
        ..RedisOptions::default()
    })
    .await;
    let authority = Authority::new("sentinel");
    let account = "doorward:p%40ss%3Aw%2Frd%3F@";
    let rest = format!("/doorward?ca={}", authority.path());
    let url = joined("rediss+sentinel", account, &sentinels.urls(), &rest);
    sentinels.freeze(0);
    sentinels.kill(1);
    let store = connect(&url).await;
    store.check().await.expect("a store");
    create(&store, &key(1), b"x").await;
    assert_eq!(load(&store, &key(1)).await.unwrap(), entry(1, b"x"));
    assert!(store.list(&index(1), None, NOW).await.is_ok());
    sentinels.thaw(0);
}

#[tokio::test]
async fn a_name_that_no_sentinel_knows_is_told() {
    let (_primary, _replica, sentinels) = trio(RedisOptions::default()).await;
    let store = connect(&joined("redis+sentinel", "", &sentinels.urls(), "/other")).await;
    eventually("the reason", async || {
        let (kind, source) = failed(load(&store, &key(1)).await);
        assert!(matches!(kind, Kind::Unreachable | Kind::Timeout));
        source.contains("sentinel")
    })
    .await;
}
