//! Starting needs no server, and says what is missing.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward_core::ports::StoreErrorKind;
use doorward_store_postgres::PostgresStore;
use doorward_testkit::servers::PostgresServer;
use tokio::time::Instant;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

use super::{LATE, PATIENCE, create, done, fresh_key, load, patient, started, until_answered};

const CONNECTIONS: &str = "select count(*) from pg_stat_activity where application_name = 'doorward'";

/// What the store says in the log, a line an event, as far as it says it on the test's own thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn begin() -> (Self, DefaultGuard) {
        let log = Self::default();
        let guard = tracing::subscriber::set_default(log.clone());
        (log, guard)
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("doorward_store_postgres")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        let mut text = self.0.lock().unwrap();
        text.push_str(&line.0);
        text.push('\n');
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

#[tokio::test]
async fn connecting_to_a_server_that_is_away_is_no_error_and_told_in_the_log() {
    let (server, first) = started().await;
    drop(first);
    server.kill();
    let (log, _guard) = Log::begin();
    let began = Instant::now();
    let store = PostgresStore::connect(&server.url()).await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(250) + LATE);
    let said = log.text();
    assert!(said.contains("cannot be used yet"), "{said}");
    assert!(said.contains("out of reach"), "{said}");
    assert!(!said.contains("testkit"), "no password: {said}");
    assert_eq!(
        load(&store, &fresh_key()).await.unwrap_err().kind(),
        StoreErrorKind::Unreachable
    );
    server.restart().await;
    until_answered(PATIENCE, &store, &fresh_key()).await;
}

#[tokio::test]
async fn connecting_to_a_frozen_server_waits_as_long_as_a_call_and_goes_on() {
    let server = PostgresServer::start().await;
    server.freeze();
    let (log, _guard) = Log::begin();
    let began = Instant::now();
    let builder = PostgresStore::builder(&server.url()).deadline(Duration::from_millis(100));
    builder.connect().await.unwrap();
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(100), "{took:?}");
    assert!(took < Duration::from_millis(100) + LATE, "{took:?}");
    let said = log.text();
    assert!(said.contains("did not answer in time"), "{said}");
}

#[tokio::test]
async fn connecting_to_a_database_without_tables_says_which_command_makes_them() {
    let server = PostgresServer::start().await;
    let (log, _guard) = Log::begin();
    let store = patient(&server.url()).connect().await.unwrap();
    let said = log.text();
    assert!(said.contains("cannot be used yet"), "{said}");
    assert!(said.contains("doorward migrate"), "{said}");
    store.migrate().await.unwrap();
    assert_eq!(create(&store, &fresh_key()).await.unwrap(), done(1));
}

#[tokio::test]
async fn connecting_opens_a_connection_and_says_nothing_where_all_is_well_and_building_opens_none() {
    let (server, first) = started().await;
    first.check().await.unwrap();
    drop(first);
    let began = Instant::now();
    while server.query(CONNECTIONS).await.unwrap() != "0" {
        assert!(began.elapsed() < PATIENCE, "the first store's connections stay");
    }
    let built = patient(&server.url()).build().unwrap();
    assert_eq!(server.query(CONNECTIONS).await.as_deref(), Ok("0"));
    let (log, _guard) = Log::begin();
    let connected = patient(&server.url()).connect().await.unwrap();
    assert_eq!(server.query(CONNECTIONS).await.as_deref(), Ok("1"));
    assert_eq!(log.text(), "");
    drop((built, connected));
}
