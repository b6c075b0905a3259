//! What a session costs in Redis, with 1,000 and with 100,000 of them, side by side in one run:
//! `cargo run --release -p doorward-store-redis --example redis_sizes`. It starts its own servers and prints tables.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a program that measures, reads the machine's clock and prints a table"
)]

use std::time::{Duration, Instant};

use doorward_core::UnixTime;
use doorward_core::ports::{IndexKey, ListChange, SessionStore as _, StoreKey, Write};
use doorward_store_redis::RedisStore;
use doorward_testkit::servers::{RedisOptions, RedisServer};
use futures_util::stream::{self, StreamExt as _};

/// A sealed record with an access token of a kilobyte, a refresh token and an ID token.
const RECORD: usize = 2_600;
const SESSIONS: [u64; 2] = [1_000, 100_000];
/// Sessions of one user.
const DEVICES: u64 = 5;
const LOOKUPS: u64 = 2_000;
const ROUNDS: usize = 9;
const NOW: UnixTime = UnixTime::from_seconds(1_767_225_600);

struct Filled {
    server: RedisServer,
    store: RedisStore,
    sessions: u64,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut all = Vec::new();
    for sessions in SESSIONS {
        all.push(Filled::make(sessions).await);
    }
    memory(&all).await;
    println!("\n| microseconds, {ROUNDS} rounds by turns, median (min to max) | 1,000 | 100,000 |\n|---|---|---|");
    row(&all, "a lookup, one after the other", async |filled, round| {
        let began = Instant::now();
        for number in 0..LOOKUPS {
            filled.look_up(number * 7_919 + round).await;
        }
        per(began.elapsed(), LOOKUPS)
    })
    .await;
    row(&all, "a lookup, 64 at a time", async |filled, round| {
        let began = Instant::now();
        let numbers = stream::iter(0..LOOKUPS * 4);
        numbers
            .for_each_concurrent(64, async |number| filled.look_up(number * 7_919 + round).await)
            .await;
        per(began.elapsed(), LOOKUPS * 4)
    })
    .await;
    row(
        &all,
        "a read and a write, one after the other",
        async |filled, round| {
            let began = Instant::now();
            for number in 0..500 {
                filled.write(number * 7_919 + round, &[]).await;
            }
            per(began.elapsed(), 500)
        },
    )
    .await;
    row(
        &all,
        "the list of a user with five sessions, and the five records",
        async |filled, round| {
            let began = Instant::now();
            for user in 0..100 {
                let user = (user * 31 + round) % (filled.sessions / DEVICES);
                let page = filled.store.list(&user_index(user), None, NOW).await.expect("a page");
                assert_eq!(page.keys.len(), 5);
                for key in page.keys {
                    filled.store.load(&key, NOW).await.expect("a record");
                }
            }
            per(began.elapsed(), 100)
        },
    )
    .await;
    println!("\n| the list of the tenant that everybody is in | 1,000 | 100,000 |\n|---|---|---|");
    let mut texts = Vec::new();
    for filled in &all {
        let (began, mut pages, mut keys, mut longest) = (Instant::now(), 0, 0, Duration::ZERO);
        let mut after = None;
        loop {
            let page_began = Instant::now();
            let page = filled.store.list(&tenant_index(), after, NOW).await.expect("a page");
            longest = longest.max(page_began.elapsed());
            (pages, keys, after) = (pages + 1, keys + page.keys.len(), page.next);
            if after.is_none() {
                break;
            }
        }
        texts.push(format!(
            "{keys} keys in {pages} pages, {:?}, the longest page {longest:?}",
            began.elapsed()
        ));
    }
    println!("| all pages | {} |", texts.join(" | "));
}

async fn memory(all: &[Filled]) {
    println!("records of {RECORD} bytes\n\n| bytes | 1,000 | 100,000 |\n|---|---|---|");
    let mut rows: Vec<Vec<String>> = vec![Vec::new(); 4];
    for filled in all {
        let usage = async |name: String| {
            let words = ["MEMORY", "USAGE", &name, "SAMPLES", "0"];
            filled.server.command(&words).await.expect("a key")
        };
        rows[0].push(usage(format!("doorward:{{{}}}", key(1).to_hex())).await);
        rows[1].push(usage(format!("doorward:list:{{{}}}", user_index(1).to_hex())).await);
        rows[2].push(usage(format!("doorward:list:{{{}}}", tenant_index().to_hex())).await);
        let info = filled.server.command(&["INFO", "memory"]).await.expect("figures");
        let used = info
            .lines()
            .find_map(|line| line.trim().strip_prefix("used_memory_dataset:"));
        let used: u64 = used.expect("a figure").parse().expect("a number");
        rows[3].push(format!("{}", used / filled.sessions));
    }
    let names = [
        "a record, by MEMORY USAGE",
        "the list of a user with five sessions",
        "the list of the tenant",
        "all data of the server, by session",
    ];
    for (name, row) in names.iter().zip(rows) {
        println!("| {name} | {} |", row.join(" | "));
    }
}

async fn row(all: &[Filled], name: &str, measure: impl AsyncFn(&Filled, u64) -> f64) {
    let mut measured = vec![Vec::new(); all.len()];
    for round in 0..ROUNDS {
        // The order reversed every other round.
        let mut order: Vec<usize> = (0..all.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            measured[at].push(measure(&all[at], round as u64).await);
        }
    }
    let cells: Vec<String> = measured
        .iter_mut()
        .map(|figures| {
            figures.sort_by(f64::total_cmp);
            let (least, most) = (figures[0], figures[figures.len() - 1]);
            format!("{:.1} ({least:.1} to {most:.1})", figures[figures.len() / 2])
        })
        .collect();
    println!("| {name} | {} |", cells.join(" | "));
}

fn per(time: Duration, times: u64) -> f64 {
    time.as_secs_f64() * 1e6 / times as f64
}

impl Filled {
    async fn make(sessions: u64) -> Self {
        let server = RedisServer::start(RedisOptions::default()).await;
        let builder = RedisStore::builder(&server.url()).deadline(Duration::from_secs(10));
        let store = builder.connect().await.expect("a URL that can be used");
        let filled = Self {
            server,
            store,
            sessions,
        };
        let began = Instant::now();
        stream::iter(0..sessions)
            .for_each_concurrent(64, async |number| {
                let lists = [user_index(number / DEVICES), tenant_index()].map(|index| ListChange {
                    index,
                    until: Some(until()),
                });
                filled.write(number, &lists).await;
            })
            .await;
        println!("{sessions} sessions written in {:?}, 64 at a time", began.elapsed());
        // A file that is written anew beside the measurement would be measured with it.
        let settings = ["CONFIG", "SET", "auto-aof-rewrite-percentage", "0"];
        filled.server.command(&settings).await.expect("a setting");
        while !filled.is_at_rest().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        filled
    }

    async fn is_at_rest(&self) -> bool {
        let info = self.server.command(&["INFO", "persistence"]).await.expect("figures");
        info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0")
    }

    async fn look_up(&self, number: u64) {
        let loaded = self
            .store
            .load(&key(number % self.sessions), NOW)
            .await
            .expect("an answer");
        assert_eq!(loaded.entry.expect("a record").bytes.len(), RECORD);
    }

    /// Writes the next version of a session, or its first.
    async fn write(&self, number: u64, lists: &[ListChange]) {
        let key = key(number % self.sessions);
        let expected = match lists {
            [] => self
                .store
                .load(&key, NOW)
                .await
                .expect("an answer")
                .entry
                .map(|entry| entry.version),
            _ => None,
        };
        let write = Write {
            expected,
            bytes: &[0xA5; RECORD],
            keep_until: until(),
            lists,
            announce: lists.is_empty(),
        };
        self.store.write(&key, write, NOW).await.expect("an answer");
    }
}

fn until() -> UnixTime {
    NOW.saturating_add(Duration::from_secs(12 * 3_600))
}

/// Spread like a digest.
fn digest(label: u8, number: u64) -> [u8; 32] {
    let mut digest = [label; 32];
    let spread = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    digest[..8].copy_from_slice(&spread.to_be_bytes());
    digest[8..16].copy_from_slice(&number.to_be_bytes());
    digest
}

fn key(number: u64) -> StoreKey {
    StoreKey::from_bytes(digest(1, number))
}

fn user_index(user: u64) -> IndexKey {
    IndexKey::from_bytes(digest(2, user))
}

fn tenant_index() -> IndexKey {
    IndexKey::from_bytes(digest(3, 0))
}
