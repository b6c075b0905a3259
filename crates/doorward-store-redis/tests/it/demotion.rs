//! A server that is the primary no more and goes on answering: what it has is old, and nobody of us may stay with it.

use std::time::Duration;

use doorward_core::ports::{SessionStore as _, StoreErrorKind as Kind, StoreKey, Written};
use doorward_store_redis::RedisStore;
use doorward_testkit::servers::{RedisOptions, RedisServer, RedisUser};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::fake::{Fake, Reply};
use crate::sentinel::trio;
use crate::support::{connect, create, entry, eventually, failed, joined, key, load, put};

/// A name for both servers that may do everything, so that one can be turned against the sentinels.
fn everything() -> RedisUser {
    RedisUser {
        name: "all".to_owned(),
        password: "all".to_owned(),
        rules: "~* &* +@all".to_owned(),
    }
}

/// Refuses the sentinels and the replica from now on, and nobody else: the server goes on as a primary that does not know
/// of its end. Nor can the testkit command it any more.
async fn refuse_sentinels(server: &RedisServer) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    let commands = "AUTH all all\r\nACL SETUSER testkit resetpass >other\r\nCLIENT KILL USER testkit\r\n";
    stream.write_all(commands.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    for expected in ["+OK", "+OK", ":"] {
        let line = lines.next_line().await.unwrap().unwrap();
        assert!(line.starts_with(expected), "{line}");
    }
}

/// Reads until what was written later is read, and says for how long after `since` the record from before was seen.
async fn seen_alive(store: &RedisStore, key: &StoreKey, since: Instant) -> Duration {
    let mut last = Duration::ZERO;
    eventually("the session's end", async || match load(store, key).await {
        Ok(found) if found == entry(1, b"alive") => {
            last = since.elapsed();
            false
        }
        Ok(found) => {
            assert_eq!(found, entry(2, b"ended"));
            true
        }
        Err(_) => false,
    })
    .await;
    last
}

#[tokio::test]
async fn a_primary_that_was_replaced_and_does_not_know_it_is_left_within_three_seconds() {
    let (primary, replica, sentinels) = trio(RedisOptions {
        users: vec![everything()],
        ..RedisOptions::default()
    })
    .await;
    let store = connect(&joined("redis+sentinel", "all:all@", &sentinels.urls(), "/doorward")).await;
    create(&store, &key(1), b"alive").await;
    primary.command(&["WAIT", "1", "5000"]).await.unwrap();
    let mut feed = store.feed().await.expect("a feed");
    refuse_sentinels(&primary).await;
    let aside = connect(&replica.url()).await;
    eventually("an end on the new primary", async || {
        matches!(
            put(&aside, &key(1), Some(1), b"ended", &[]).await,
            Ok(Written::Done { version: 2 })
        )
    })
    .await;
    // The old one is a primary to whoever asks it, and has the session alive.
    let old = connect(&primary.url()).await;
    assert_eq!(load(&old, &key(1)).await.unwrap(), entry(1, b"alive"));
    let ended = Instant::now();
    sentinels.promoted(primary.port()).await;
    let named = ended.elapsed();
    let seen = seen_alive(&store, &key(1), ended).await;
    println!("sentinels agreed {named:?} after the end; seen alive until {seen:?} after it");
    assert!(seen < named + Duration::from_secs(3), "{seen:?}");
    assert_eq!(
        load(&old, &key(1)).await.unwrap(),
        entry(1, b"alive"),
        "it would have gone on"
    );
    // Who listened there would hear nothing any more, and is told.
    let lost = timeout(Duration::from_secs(10), feed.next()).await;
    assert!(lost.expect("a word in time").is_err());
    // Nor does a new connection lead there, whichever of the two is asked first.
    let another = connect(&joined("redis+sentinel", "all:all@", &sentinels.urls(), "/doorward")).await;
    assert_eq!(load(&another, &key(1)).await.unwrap(), entry(2, b"ended"));
}

#[tokio::test]
async fn a_replica_with_old_data_behind_a_busy_connection_is_left_within_three_seconds() {
    let primary = RedisServer::start(RedisOptions::default()).await;
    let store = connect(&primary.url()).await;
    create(&store, &key(1), b"alive").await;
    let mut feed = store.feed().await.expect("a feed");
    // Of a primary that does not answer, so that nothing newer comes.
    primary.command(&["REPLICAOF", "127.0.0.1", "1"]).await.unwrap();
    let demoted = Instant::now();
    let mut last = Duration::ZERO;
    eventually("a replica that is refused", async || {
        match load(&store, &key(1)).await {
            Ok(_) => {
                last = demoted.elapsed();
                false
            }
            Err(error) => {
                assert_eq!(error.kind(), Kind::Unreachable);
                true
            }
        }
    })
    .await;
    println!("a replica was read until {last:?} after it had become one");
    assert!(last < Duration::from_secs(3), "{last:?}");
    let (kind, source) = failed(load(&store, &key(1)).await);
    assert_eq!(
        (kind, source.contains("replica")),
        (Kind::Unreachable, true),
        "{source}"
    );
    let lost = timeout(Duration::from_secs(10), feed.next()).await;
    assert!(lost.expect("a word in time").is_err());
}

/// A sentinel that names a port, after a while.
fn naming(port: u16, after: Duration) -> impl Fn(&str) -> Option<Reply> + Send + Sync + 'static {
    let port = port.to_string();
    let named = format!("*2\r\n$9\r\n127.0.0.1\r\n${}\r\n{port}\r\n", port.len());
    move |command| (command == "SENTINEL").then(|| Reply::Later(after, named.clone().into_bytes()))
}

/// Which connections of ours a server has, by their numbers.
async fn connections(server: &RedisServer) -> Vec<String> {
    let clients = server.command(&["CLIENT", "LIST", "TYPE", "normal"]).await.unwrap();
    let ours = clients.lines().filter(|line| !line.contains("cmd=client"));
    ours.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_sentinel_that_is_behind_neither_wins_by_being_first_nor_takes_a_connection_away() {
    let (new, old) = (
        RedisServer::start(RedisOptions::default()).await,
        RedisServer::start(RedisOptions::default()).await,
    );
    create(&connect(&new.url()).await, &key(1), b"new").await;
    create(&connect(&old.url()).await, &key(1), b"old").await;
    let (behind, one, two) = (Fake::start().await, Fake::start().await, Fake::start().await);
    behind.behave(naming(old.port(), Duration::ZERO));
    for sentinel in [&one, &two] {
        sentinel.behave(naming(new.port(), Duration::from_millis(20)));
    }
    let urls: Vec<String> = [&behind, &one, &two].map(Fake::url).to_vec();
    let store = connect(&joined("redis+sentinel", "", &urls, "/doorward")).await;
    assert_eq!(load(&store, &key(1)).await.unwrap(), entry(1, b"new"));
    // Asked again and again, the one that is behind changes nothing.
    let (asked, connected) = (behind.heard("SENTINEL"), connections(&new).await);
    eventually("more questions", async || behind.heard("SENTINEL") > asked + 2).await;
    assert_eq!(load(&store, &key(1)).await.unwrap(), entry(1, b"new"));
    assert_eq!(connections(&new).await, connected);
    // Two of three name the other, and neither server knows of it.
    one.behave(naming(old.port(), Duration::ZERO));
    let took = eventually("the other", async || {
        load(&store, &key(1)).await.is_ok_and(|found| found == entry(1, b"old"))
    })
    .await;
    println!("followed {took:?} after two of three sentinels named another");
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
async fn what_is_named_and_is_no_primary_takes_no_connection_away() {
    let primary = RedisServer::start(RedisOptions::default()).await;
    let replica = primary.start_replica().await;
    let sentinel = Fake::start().await;
    sentinel.behave(naming(primary.port(), Duration::ZERO));
    let store = connect(&joined("redis+sentinel", "", &[sentinel.url()], "/doorward")).await;
    create(&store, &key(1), b"x").await;
    sentinel.behave(naming(replica.port(), Duration::ZERO));
    let asked = sentinel.heard("SENTINEL");
    eventually("more questions", async || {
        assert_eq!(load(&store, &key(1)).await.unwrap(), entry(1, b"x"));
        sentinel.heard("SENTINEL") > asked + 2
    })
    .await;
}

#[tokio::test]
async fn most_sentinels_are_waited_for_and_few_take_no_connection_away() {
    let (new, old) = (
        RedisServer::start(RedisOptions::default()).await,
        RedisServer::start(RedisOptions::default()).await,
    );
    create(&connect(&new.url()).await, &key(1), b"new").await;
    create(&connect(&old.url()).await, &key(1), b"old").await;
    let (behind, one, two) = (Fake::start().await, Fake::start().await, Fake::start().await);
    behind.behave(naming(old.port(), Duration::ZERO));
    // Farther away than the one that has not heard of the failover.
    for sentinel in [&one, &two] {
        sentinel.behave(naming(new.port(), Duration::from_millis(300)));
    }
    let urls: Vec<String> = [&behind, &one, &two].map(Fake::url).to_vec();
    let store = connect(&joined("redis+sentinel", "", &urls, "/doorward")).await;
    let found = eventually("the new primary", async || match load(&store, &key(1)).await {
        Ok(found) => {
            assert_eq!(found, entry(1, b"new"), "never the old one's");
            true
        }
        Err(_) => false,
    });
    println!("the new primary was found after {:?}", found.await);
    // The two that know fall silent, and the one that does not goes on.
    for sentinel in [&one, &two] {
        sentinel.behave(naming(new.port(), Duration::from_secs(600)));
    }
    let (asked, connected) = (behind.heard("SENTINEL"), connections(&new).await);
    eventually("more questions", async || behind.heard("SENTINEL") > asked + 2).await;
    assert_eq!(load(&store, &key(1)).await.unwrap(), entry(1, b"new"));
    assert_eq!(connections(&new).await, connected);
}
