//! The store against real PostgreSQL servers, each a test's own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests, some of which print their figures"
)]

mod connect;
mod failures;
mod feed;
mod foreign;
mod migrations;
mod outage;
mod removal;
mod rights;
mod suite;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use doorward_core::UnixTime;
use doorward_core::ports::{Entry, IndexKey, Loaded, SessionStore as _, StoreError, StoreKey, Write, Written};
use doorward_store_postgres::{PostgresStore, PostgresStoreBuilder};
use doorward_testkit::servers::{PostgresServer, certificate_authority};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

/// What a test waits for comes by then, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(3_600);
/// What is added to a deadline until its answer counts as late.
const LATE: Duration = Duration::from_millis(50);

/// A server with the tables, and a store on it that waits for long.
async fn started() -> (PostgresServer, PostgresStore) {
    let server = PostgresServer::start().await;
    let store = store(&server);
    store.migrate().await.expect("tables that can be made");
    (server, store)
}

fn store(server: &PostgresServer) -> PostgresStore {
    patient(&server.url()).build().expect("a URL of a server")
}

/// For what is not about deadlines: the machine that runs the tests may be busy.
fn patient(url: &str) -> PostgresStoreBuilder {
    PostgresStore::builder(url).deadline(PATIENCE)
}

#[allow(
    clippy::disallowed_methods,
    reason = "the servers have clocks of their own, so that the tests go by the real time too"
)]
fn now() -> UnixTime {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock that is set");
    UnixTime::from_seconds(since.as_secs())
}

/// What nobody else on the test's own server has.
fn fresh() -> [u8; 32] {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    std::array::from_fn(|at| number.to_be_bytes()[at % 8] ^ at as u8)
}

fn fresh_key() -> StoreKey {
    StoreKey::from_bytes(fresh())
}

fn fresh_index() -> IndexKey {
    IndexKey::from_bytes(fresh())
}

fn put(expected: Option<u64>, bytes: &[u8]) -> Write<'_> {
    Write {
        expected,
        bytes,
        keep_until: now().saturating_add(HOUR),
        lists: &[],
        announce: false,
    }
}

async fn create(store: &PostgresStore, key: &StoreKey) -> Result<Written, StoreError> {
    store.write(key, put(None, b"record"), now()).await
}

async fn load(store: &PostgresStore, key: &StoreKey) -> Result<Option<Entry>, StoreError> {
    store.load(key, now()).await.map(|Loaded { entry, .. }| entry)
}

fn done(version: u64) -> Written {
    Written::Done { version }
}

/// Somebody else who holds every session's row until told to let go.
struct Holder(PgConnection);

impl Holder {
    /// Returns once the rows are held.
    async fn begin(server: &PostgresServer) -> Self {
        let held = async {
            let mut connection = PgConnection::connect(&server.url()).await?;
            let begin = "begin; select key from doorward_sessions for update";
            sqlx::raw_sql(begin).execute(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        };
        let held = tokio::time::timeout(PATIENCE, held).await;
        let held = held.expect("rows that are held in time: nobody else holds them");
        Self(held.expect("a server that lets the rows be held"))
    }

    async fn let_go(mut self) {
        let ended = tokio::time::timeout(PATIENCE, sqlx::raw_sql("rollback").execute(&mut self.0)).await;
        ended.expect("an answer in time").expect("a transaction that ends");
    }
}

/// Asks again and again until an answer comes, at most `limit`; returns the time it took.
async fn until_answered(limit: Duration, store: &PostgresStore, key: &StoreKey) -> Duration {
    let began = tokio::time::Instant::now();
    loop {
        match load(store, key).await {
            Ok(_) => return began.elapsed(),
            Err(error) => assert!(began.elapsed() < limit, "still {error} after {limit:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The authority's certificate as a file, gone with its value.
struct Authority(PathBuf);

impl Authority {
    fn file() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("doorward-authority-{}-{number}.pem", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, certificate_authority()).expect("a temporary file");
        Self(path)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        // A file that stays is the temporary directory's matter.
        let _ = std::fs::remove_file(&self.0);
    }
}
