//! Measures what a session costs: the time to look one up among 1,000 and among 100,000, bytes on disk, and the time to list a
//! user's sessions. Starts a PostgreSQL server of its own.
//!
//! `cargo run --release -p doorward-store-postgres --example postgres_sizes`
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a measurement prints its figures, and ends where something goes wrong"
)]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use doorward_core::UnixTime;
use doorward_core::ports::{IndexKey, ListChange, SessionStore as _, StoreKey, Write};
use doorward_store_postgres::PostgresStore;
use doorward_testkit::servers::PostgresServer;

/// A record with three tokens of usual size.
const RECORD: usize = 2_500;
const LOOK_UPS: u64 = 5_000;
const WRITERS: u64 = 8;
/// Sessions of each user.
const OF_A_USER: u64 = 5;

#[tokio::main]
async fn main() {
    let server = PostgresServer::start().await;
    let builder = PostgresStore::builder(&server.url()).deadline(Duration::from_secs(30));
    let store = builder.build().expect("a URL");
    store.migrate().await.expect("tables");
    let mut filled = 0;
    for count in [1_000, 100_000] {
        let began = Instant::now();
        fill(&store, filled, count).await;
        let writes = began.elapsed() / u32::try_from(count - filled).expect("a small number");
        filled = count;
        for upkeep in ["vacuum analyze", "checkpoint"] {
            server.query(upkeep).await.expect("the database kept up");
        }
        let bytes = size(&server).await;
        let loads = times(LOOK_UPS, async |at| {
            let loaded = store.load(&key(at * 7_919 % count), now()).await.expect("an answer");
            assert!(loaded.entry.is_some(), "every session is there");
        });
        let loads = loads.await;
        let absent = times(LOOK_UPS, async |at| {
            let loaded = store.load(&key(count + at), now()).await.expect("an answer");
            assert!(loaded.entry.is_none(), "nobody wrote it");
        });
        let absent = absent.await;
        let lists = times(1_000, async |at| {
            let user = index(b'u', at * 7_919 % (count / OF_A_USER));
            let page = store.list(&user, None, now()).await.expect("an answer");
            assert_eq!(page.keys.len() as u64, OF_A_USER, "a user's sessions");
        });
        let lists = lists.await;
        let updates = times(1_000, async |at| {
            let key = key(at * 104_729 % count);
            let entry = store.load(&key, now()).await.expect("an answer").entry;
            let version = entry.expect("every session is there").version;
            write(&store, key, Some(version), &[]).await;
        });
        let updates = updates.await;
        println!(
            "{count} sessions of {RECORD} bytes: look-up {loads}, of none {absent}, list of {OF_A_USER} {lists}, \
             read and write {updates}; filled by {WRITERS} at {writes:?} each; {} bytes a session on disk",
            bytes / count
        );
    }
    let hot = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'doorward_sessions'";
    println!(
        "updates | of these in their page: {}",
        server.query(hot).await.expect("an answer")
    );
    let began = Instant::now();
    let (mut all, mut after, mut pages) = (0, None, 0);
    loop {
        let page = store.list(&index(b't', 0), after, now()).await.expect("an answer");
        all += page.keys.len();
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    println!("a list of {all} in {pages} pages: {:?}", began.elapsed());
}

/// Writes the sessions `from` to `to`, each in the list of its user and that of the tenant.
async fn fill(store: &PostgresStore, from: u64, to: u64) {
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for at in (from..to).filter(|at| at % WRITERS == writer) {
                    let lists = [index(b'u', at / OF_A_USER), index(b't', 0)].map(|index| ListChange {
                        index,
                        until: Some(now().saturating_add(Duration::from_secs(43_200))),
                    });
                    write(&store, key(at), None, &lists).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("a writer that does not panic");
    }
}

async fn write(store: &PostgresStore, key: StoreKey, expected: Option<u64>, lists: &[ListChange]) {
    let write = Write {
        expected,
        bytes: &[0xA5; RECORD],
        keep_until: now().saturating_add(Duration::from_secs(43_200)),
        lists,
        announce: false,
    };
    store.write(&key, write, now()).await.expect("an answer");
}

/// Median and the slowest hundredth of what `act` takes, one after the other.
async fn times(count: u64, act: impl AsyncFn(u64)) -> String {
    for at in 0..count / 10 {
        act(at).await;
    }
    let mut times = Vec::new();
    for at in 0..count {
        let began = Instant::now();
        act(at).await;
        times.push(began.elapsed());
    }
    times.sort();
    let (median, slow) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    format!("{median:?} (p99 {slow:?})")
}

async fn size(server: &PostgresServer) -> u64 {
    let sql = "select pg_total_relation_size('doorward_sessions') + pg_total_relation_size('doorward_lists')";
    let size = server.query(sql).await.expect("an answer");
    size.parse().expect("a number")
}

fn now() -> UnixTime {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock that is set");
    UnixTime::from_seconds(since.as_secs())
}

fn key(at: u64) -> StoreKey {
    StoreKey::from_bytes(digest(b's', at))
}

fn index(kind: u8, at: u64) -> IndexKey {
    IndexKey::from_bytes(digest(kind, at))
}

/// Spread like a digest.
fn digest(kind: u8, at: u64) -> [u8; 32] {
    let mut bytes = [kind; 32];
    let mut word = at ^ u64::from(kind) << 56;
    for part in bytes.chunks_exact_mut(8) {
        word = (word ^ word >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ word.rotate_left(17);
        part.copy_from_slice(&word.to_be_bytes());
    }
    bytes
}
