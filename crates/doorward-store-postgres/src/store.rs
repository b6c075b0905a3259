//! The store.

use core::time::Duration;
use std::sync::Arc;

use doorward_core::UnixTime;
use doorward_core::ports::{
    BoxFuture, Cursor, IndexKey, Loaded, Page, SessionStore, StoreError, StoreErrorKind, StoreFeed, StoreKey, Write,
    Written,
};
use sqlx::postgres::PgConnectOptions;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::address;
use crate::builder::{PostgresStoreBuilder, PostgresStoreError};
use crate::calls::{List, Load, Migration, Put, Question};
use crate::failure::{self, Done};
use crate::feed;
use crate::migrations::{self, MigrationError};
use crate::pool::{Lease, Pool};
use crate::removal::Removal;
use crate::statements::{Names, Statements};

/// A [`SessionStore`] in PostgreSQL. Clones share their connections.
///
/// # Example
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use doorward_store_postgres::PostgresStore;
///
/// let store = PostgresStore::connect("postgres://app:secret@db.example.com/sessions").await?;
/// store.migrate().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) pool: Arc<Pool>,
    pub(crate) statements: Statements,
    names: Names,
    server: PgConnectOptions,
    feed_server: PgConnectOptions,
    calls: Semaphore,
    deadline: Duration,
    removal: Removal,
}

impl PostgresStore {
    /// Makes a store from a URL, with the settings as they are; see [`PostgresStoreBuilder::connect`].
    ///
    /// # Errors
    /// [`PostgresStoreError`] for a URL that cannot be used. A server that does not answer is none: it is told in the log, and
    /// calls fail until it does. Whoever wants to start only with it asks [`check`](Self::check).
    pub async fn connect(url: &str) -> Result<Self, PostgresStoreError> {
        Self::builder(url).connect().await
    }

    /// Begins with a URL, in libpq's form: `postgres://user:password@host:port/database?sslmode=verify-full`.
    pub fn builder(url: &str) -> PostgresStoreBuilder {
        PostgresStoreBuilder::new(url)
    }

    pub(crate) fn new(settings: PostgresStoreBuilder) -> Result<Self, PostgresStoreError> {
        settings.check()?;
        let server = address::judge(&settings.url)?;
        let feed_server = match &settings.feed_url {
            Some(url) => address::judge(url)?,
            None => server.clone(),
        };
        if [&server, &feed_server].into_iter().any(address::is_unverified) {
            tracing::warn!(
                hint = "sslmode=verify-full, and sslrootcert where the authority is a private one",
                "the session store's server is not verified: whoever stands between can read and change what it answers"
            );
        }
        let names = Names::of(&settings);
        let statements = Statements::new(&names);
        let prepared = [
            &statements.load,
            &statements.create,
            &statements.replace,
            &statements.list,
        ];
        let prepared = prepared.map(Clone::clone).to_vec();
        Ok(Self(Arc::new(Inner {
            pool: Pool::new(server.clone(), prepared, settings.pool_size),
            statements,
            names,
            server,
            feed_server,
            calls: Semaphore::new(settings.max_concurrent_calls.min(Semaphore::MAX_PERMITS)),
            deadline: settings.deadline,
            removal: Removal::new(settings.removal_interval),
        })))
    }

    /// Tries once whether calls will be answered, and says in the log if they will not.
    pub(crate) async fn begin(&self) {
        let Err(error) = self.check().await else {
            return;
        };
        // Its kind alone: what the error holds inside was told when it happened.
        let cause = match &error {
            MigrationError::Store(cause) => cause.to_string(),
            _ => String::new(),
        };
        tracing::warn!(%error, cause, "the session store cannot be used yet; calls fail until it can");
    }

    /// Makes the tables, or brings those of an earlier release up to date. What is up to date is left alone.
    ///
    /// Several may do this at once: one does it, the others wait. The role needs `create` on the schema, or to own the tables.
    ///
    /// # Errors
    /// [`MigrationError`]: the server is out of reach or refuses, or a newer release was here.
    pub async fn migrate(&self) -> Result<(), MigrationError> {
        migrations::apply(&self.0.server, &self.0.names).await
    }

    /// Asks whether the server can be reached and the tables are those of this release.
    ///
    /// # Errors
    /// [`MigrationError`]: it cannot, or they are not.
    pub async fn check(&self) -> Result<(), MigrationError> {
        let found = self.0.call(&Migration(&self.0.statements), self.0.deadline).await;
        migrations::judge(found)
    }

    /// Removes what has expired more than five minutes ago, as it happens in the background every minute; returns how
    /// many records and entries of lists it was.
    ///
    /// # Errors
    /// [`StoreError`] where the server could not answer; what was removed until then is gone.
    pub async fn remove_expired(&self) -> Result<u64, StoreError> {
        crate::removal::remove(&self.0).await
    }

    async fn ask<Q: Question>(&self, question: &Q) -> Result<Q::Answer, StoreError> {
        self.0.removal.begin(&self.0);
        self.0.call(question, self.0.deadline).await
    }
}

impl core::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

impl Inner {
    /// Asks a question within `deadline`, once more if it was certainly not done.
    pub(crate) async fn call<Q: Question>(&self, question: &Q, deadline: Duration) -> Result<Q::Answer, StoreError> {
        let _place = self
            .calls
            .try_acquire()
            .map_err(|_| StoreError::new(StoreErrorKind::Overloaded))?;
        match timeout(deadline, self.attempts(question)).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(StoreError::with_source(StoreErrorKind::Timeout, elapsed)),
        }
    }

    async fn attempts<Q: Question>(&self, question: &Q) -> Result<Q::Answer, StoreError> {
        let mut again = true;
        loop {
            let mut lease = self.pool.take().await?;
            let (error, was_asked) = match attempt(question, &mut lease).await {
                Ok(answer) => {
                    lease.give_back();
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            let verdict = failure::judge(&error);
            self.pool.report(&error, verdict.hint);
            lease.end(verdict.connection);
            let repeatable = match verdict.done {
                Done::NoTryAgain => true,
                Done::No => false,
                Done::Perhaps => !was_asked || Q::CHANGES_NOTHING,
            };
            if !(again && repeatable) {
                return Err(StoreError::with_source(verdict.kind, error));
            }
            again = false;
        }
    }
}

/// Asks once; with an error tells whether the question was sent.
async fn attempt<Q: Question>(question: &Q, lease: &mut Lease) -> Result<Q::Answer, (sqlx::Error, bool)> {
    if !Q::CHANGES_NOTHING && lease.may_be_dead() {
        lease.ping().await.map_err(|error| (error, false))?;
    }
    let connection = lease.connection().map_err(|error| (error, false))?;
    question.ask(connection).await.map_err(|error| (error, true))
}

impl SessionStore for PostgresStore {
    fn load<'a>(&'a self, key: &'a StoreKey, now: UnixTime) -> BoxFuture<'a, Result<Loaded, StoreError>> {
        Box::pin(async move {
            let statements = &self.0.statements;
            self.ask(&Load { statements, key, now }).await
        })
    }

    fn write<'a>(
        &'a self,
        key: &'a StoreKey,
        write: Write<'a>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        Box::pin(async move {
            let put = Put::new(&self.0.statements, key, write, now);
            let put = put.ok_or_else(|| StoreError::with_source(StoreErrorKind::Failed, "record is too large"))?;
            self.ask(&put).await
        })
    }

    fn list<'a>(
        &'a self,
        index: &'a IndexKey,
        after: Option<Cursor>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            let statements = &self.0.statements;
            let after = after.as_ref().map(Cursor::as_bytes).unwrap_or_default();
            self.ask(&List {
                statements,
                index,
                after,
                now,
            })
            .await
        })
    }

    fn feed(&self) -> BoxFuture<'_, Result<Box<dyn StoreFeed>, StoreError>> {
        Box::pin(async move {
            let feed = feed::follow(&self.0.feed_server, &self.0.names.channel).await?;
            let feed: Box<dyn StoreFeed> = Box::new(feed);
            Ok(feed)
        })
    }

    fn deadline(&self) -> Duration {
        self.0.deadline
    }
}
