//! A server that is frozen, thawed, killed, restarted, emptied.

use std::time::Duration;

use doorward_core::ports::StoreErrorKind as Kind;
use doorward_store_redis::RedisStore;
use doorward_testkit::servers::{RedisOptions, RedisServer};
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::support::{connect, create, entry, eventually, failed, key, load, put};

const DEADLINE: Duration = Duration::from_millis(250);
/// What a call may take beyond the deadline.
const TOLERANCE: Duration = Duration::from_millis(50);
/// The same where the machine does not give the time: five other programs may be running on two processors.
const BUSY: Duration = Duration::from_millis(750);

/// Runs `count` calls at once and answers with the longest.
async fn storm(store: &RedisStore, count: u64) -> (Duration, Vec<Kind>) {
    let calls = (0..count).map(|number| async move {
        let began = Instant::now();
        let result = if number % 4 == 0 {
            put(store, &key(number), None, &[7; 4_000], &[]).await.map(|_| ())
        } else {
            load(store, &key(number)).await.map(|_| ())
        };
        (began.elapsed(), result.err().map(|error| error.kind()))
    });
    let done = join_all(calls).await;
    let longest = done.iter().map(|(took, _)| *took).max().unwrap_or_default();
    (longest, done.into_iter().filter_map(|(_, kind)| kind).collect())
}

/// The memory that this process has now, in mebibytes.
fn memory() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let resident: usize = pages.split(' ').nth(1).unwrap().parse().unwrap();
    resident * 4 / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_to_a_frozen_server_end_in_time_and_a_thawed_one_serves_at_once() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = connect(&server.url()).await;
    create(&store, &key(1_000_000), b"x").await;
    server.freeze();
    storm(&store, 200).await;
    let before = memory();
    let (mut rounds, mut waited, mut in_time) = (0, 0, 0);
    let mut longest_of_all = Duration::ZERO;
    // Most rounds fall into the moments in which nobody tries to connect, and take no time.
    while waited < 12 {
        let (longest, kinds) = storm(&store, 200).await;
        assert_eq!(kinds.len(), 200);
        assert!(
            kinds
                .iter()
                .all(|kind| matches!(kind, Kind::Timeout | Kind::Unreachable)),
            "{kinds:?}"
        );
        assert!(longest < DEADLINE + BUSY, "{longest:?}");
        rounds += 1;
        if kinds.contains(&Kind::Timeout) {
            waited += 1;
            in_time += usize::from(longest < DEADLINE + TOLERANCE);
            longest_of_all = longest_of_all.max(longest);
        }
    }
    println!("{rounds} rounds of 200 calls to a frozen server, {waited} of them waited, {longest_of_all:?} at most");
    assert!(
        in_time * 2 > waited,
        "{in_time} of {waited} rounds within {:?}",
        DEADLINE + TOLERANCE
    );
    let grown = memory().saturating_sub(before);
    assert!(grown < 32, "{rounds} rounds left {grown} MiB");
    println!("memory after them: +{grown} MiB");
    server.thaw();
    let took = eventually("a thawed server that serves", async || {
        load(&store, &key(1_000_000)).await.is_ok()
    })
    .await;
    println!("served {took:?} after the thaw");
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(load(&store, &key(1_000_000)).await.unwrap(), entry(1, b"x"));
}

#[tokio::test]
async fn a_killed_server_is_unreachable_at_once_and_serves_again_when_it_is_back() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = connect(&server.url()).await;
    create(&store, &key(1), b"x").await;
    server.kill();
    let (longest, kinds) = storm(&store, 100).await;
    assert!(kinds.iter().all(|kind| *kind == Kind::Unreachable), "{kinds:?}");
    assert_eq!(kinds.len(), 100);
    println!("100 calls to a killed server, the longest {longest:?}");
    assert!(
        longest < DEADLINE,
        "nobody waits for a server that is not there: {longest:?}"
    );
    server.restart().await;
    let took = eventually("a server that is back", async || load(&store, &key(1)).await.is_ok()).await;
    println!("served {took:?} after the restart");
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(load(&store, &key(1)).await.unwrap(), entry(1, b"x"));
}

#[tokio::test]
async fn a_restart_in_the_middle_is_one_new_connection_and_not_one_failure_after_the_other() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = connect(&server.url()).await;
    storm(&store, 200).await;
    for _ in 0..3 {
        server.restart().await;
        // The connection from before is known to be dead, or found to be so by the first read, which is repeated.
        assert_eq!(load(&store, &key(1_000)).await.expect("the first call"), None);
        let clients = server.command(&["CLIENT", "LIST", "TYPE", "normal"]).await.unwrap();
        assert_eq!(
            clients.lines().filter(|line| !line.contains("cmd=client")).count(),
            1,
            "{clients}"
        );
    }
}

#[tokio::test]
async fn a_server_that_comes_back_empty_has_nothing_and_works() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = connect(&server.url()).await;
    create(&store, &key(1), b"x").await;
    server.restart_empty().await;
    assert_eq!(load(&store, &key(1)).await.expect("an answer"), None);
    assert_eq!(
        put(&store, &key(1), Some(1), b"y", &[]).await.expect("an answer"),
        doorward_core::ports::Written::Conflict,
        "what is gone is not written over"
    );
    create(&store, &key(1), b"z").await;
}

#[tokio::test]
async fn a_full_server_refuses_writes_by_name_and_serves_reads() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = connect(&server.url()).await;
    create(&store, &key(1), b"x").await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await.unwrap();
    let (kind, source) = failed(put(&store, &key(2), None, b"x", &[]).await);
    assert_eq!((kind, source.contains("OOM")), (Kind::Failed, true), "{source}");
    assert_eq!(load(&store, &key(1)).await.unwrap(), entry(1, b"x"));
    assert_eq!(load(&store, &key(2)).await.unwrap(), None);
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await.unwrap();
    create(&store, &key(2), b"x").await;
}

#[tokio::test]
async fn a_script_that_does_not_end_keeps_nobody_waiting() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = connect(&server.url()).await;
    server
        .command(&["CONFIG", "SET", "lua-time-limit", "100"])
        .await
        .unwrap();
    let endless = server.command(&["EVAL", "while true do end", "0"]);
    let asked = async {
        let mut kinds = Vec::new();
        while !kinds.contains(&Kind::Failed) && kinds.len() < 1_000 {
            match load(&store, &key(1)).await {
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => kinds.push(error.kind()),
            }
        }
        server.command(&["SCRIPT", "KILL"]).await.unwrap();
        kinds
    };
    let (_, kinds) = tokio::join!(endless, asked);
    assert!(kinds.contains(&Kind::Failed), "{kinds:?}");
    eventually("answers after the script", async || load(&store, &key(1)).await.is_ok()).await;
}

#[tokio::test]
async fn a_primary_that_becomes_a_replica_is_left_and_taken_again_when_it_is_one_no_more() {
    let primary = RedisServer::start(RedisOptions::default()).await;
    let other = RedisServer::start(RedisOptions::default()).await;
    let store = connect(&primary.url()).await;
    create(&store, &key(1), b"x").await;
    let port = other.port().to_string();
    primary.command(&["REPLICAOF", "127.0.0.1", &port]).await.unwrap();
    let (kind, source) = failed(put(&store, &key(2), None, b"x", &[]).await);
    assert_eq!(kind, Kind::Unreachable, "{source}");
    assert!(source.contains("replica"), "{source}");
    assert_eq!(
        failed(load(&store, &key(1)).await).0,
        Kind::Unreachable,
        "what a replica has may be old"
    );
    primary.command(&["REPLICAOF", "NO", "ONE"]).await.unwrap();
    let took = eventually("a primary again", async || load(&store, &key(1)).await.is_ok()).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    create(&store, &key(3), b"x").await;
}
