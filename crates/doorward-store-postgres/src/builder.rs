//! Settings of a store.

use core::time::Duration;

use crate::address::UrlError;
use crate::store::PostgresStore;

/// PostgreSQL cuts names at 63 bytes; these leave room for what is put behind them and for both in the feed's channel.
const MAX_SCHEMA: usize = 30;
const MAX_PREFIX: usize = 24;

/// Why a store cannot be set up. That the server does not answer is no such reason.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresStoreError {
    /// The URL, or the feed's, cannot be used.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The schema is empty, too long, or would have to be quoted.
    #[error("expected a schema of at most {MAX_SCHEMA} characters a-z, 0-9 and \"_\", found {0:?}")]
    Schema(String),
    /// The table prefix is empty, too long, or would have to be quoted.
    #[error("expected a table prefix of at most {MAX_PREFIX} characters a-z, 0-9 and \"_\", found {0:?}")]
    Prefix(String),
    /// A limit of zero.
    #[error("expected limits above zero, found zero")]
    Zero,
}

/// Settings of a [`PostgresStore`], from [`PostgresStore::builder`]. The defaults suit a server in the same data centre.
#[must_use]
pub struct PostgresStoreBuilder {
    pub(crate) url: String,
    pub(crate) schema: Option<String>,
    pub(crate) prefix: String,
    pub(crate) pool_size: usize,
    pub(crate) deadline: Duration,
    pub(crate) max_concurrent_calls: usize,
    pub(crate) removal_interval: Duration,
    pub(crate) feed_url: Option<String>,
}

impl PostgresStoreBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            schema: None,
            prefix: "doorward_".to_owned(),
            pool_size: 10,
            deadline: Duration::from_millis(250),
            max_concurrent_calls: 512,
            removal_interval: Duration::from_secs(60),
            feed_url: None,
        }
    }

    /// Looks for the tables in this schema; otherwise the role's `search_path` says where they are.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Begins the names of the tables with this; `doorward_` otherwise. Two products in one schema need two.
    pub fn table_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Opens this many connections at most; 10 otherwise. Each feed has one more.
    ///
    /// A call takes well under a millisecond of a connection. More than a few per core of the server make it slower.
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.pool_size = connections;
        self
    }

    /// Lets a call take this long, the wait for a connection included; 250 ms otherwise.
    ///
    /// A request with a session waits that long before it is answered 503.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Lets this many calls be made or wait at once; 512 otherwise. One more fails at once.
    ///
    /// Where that many wait, the server is in trouble, and one more would not be answered in time.
    pub fn max_concurrent_calls(mut self, calls: usize) -> Self {
        self.max_concurrent_calls = calls;
        self
    }

    /// Lets this much time pass between two removals of what has expired; one minute otherwise. Each time a tenth more or less.
    pub fn removal_interval(mut self, interval: Duration) -> Self {
        self.removal_interval = interval;
        self
    }

    /// Follows the feed at another URL, one that leads past a pooler.
    ///
    /// `LISTEN` belongs to one connection to the server, which a pooler in transaction mode does not give. Without this,
    /// behind such a pooler, the feed stays silent, and live connections end at their next look at the session instead.
    pub fn feed_url(mut self, url: impl Into<String>) -> Self {
        self.feed_url = Some(url.into());
        self
    }

    /// Makes the store and tries once to reach the server, as long as a call may take; then goes on without.
    ///
    /// # Errors
    /// [`PostgresStoreError`] for settings that cannot be used. A server that does not answer, and tables that are not those of this
    /// release, are told in the log and in [`check`](PostgresStore::check) only.
    pub async fn connect(self) -> Result<PostgresStore, PostgresStoreError> {
        let store = self.build()?;
        store.begin().await;
        Ok(store)
    }

    /// Makes the store without connecting to anything: that happens at the first call.
    ///
    /// # Errors
    /// [`PostgresStoreError`] for settings that cannot be used.
    pub fn build(self) -> Result<PostgresStore, PostgresStoreError> {
        PostgresStore::new(self)
    }

    /// The names stand in the text of statements, so only what needs no quoting may be in them.
    pub(crate) fn check(&self) -> Result<(), PostgresStoreError> {
        if let Some(schema) = self.schema.as_ref().filter(|schema| !is_name(schema, MAX_SCHEMA)) {
            return Err(PostgresStoreError::Schema(schema.clone()));
        }
        if !is_name(&self.prefix, MAX_PREFIX) {
            return Err(PostgresStoreError::Prefix(self.prefix.clone()));
        }
        let times = [self.deadline, self.removal_interval];
        let counts = [self.pool_size, self.max_concurrent_calls];
        if times.contains(&Duration::ZERO) || counts.contains(&0) {
            return Err(PostgresStoreError::Zero);
        }
        Ok(())
    }
}

fn is_name(text: &str, limit: usize) -> bool {
    let starts_well = text.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    starts_well
        && text.len() <= limit
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]

    use doorward_core::ports::SessionStore as _;

    use super::*;

    fn builder() -> PostgresStoreBuilder {
        PostgresStore::builder("postgres://app:secret@127.0.0.1:1/app")
    }

    fn refused(builder: PostgresStoreBuilder) -> Option<PostgresStoreError> {
        builder.build().err()
    }

    #[test]
    fn names_that_would_need_quoting_are_refused_and_plain_ones_taken() {
        for good in ["doorward_", "_a1", "a"] {
            assert_eq!(refused(builder().table_prefix(good)), None);
            assert_eq!(refused(builder().schema(good)), None);
        }
        let long = "a".repeat(31);
        for bad in ["", "1a", "Door", "a-b", "a\"; drop table x; --", "ä", "a b", &long] {
            let prefix = PostgresStoreError::Prefix(bad.to_owned());
            assert_eq!(refused(builder().table_prefix(bad)), Some(prefix));
            let schema = PostgresStoreError::Schema(bad.to_owned());
            assert_eq!(refused(builder().schema(bad)), Some(schema));
        }
    }

    #[test]
    fn limits_of_zero_are_refused_and_the_smallest_above_taken() {
        let tick = Duration::from_nanos(1);
        for (zero, least) in [
            (builder().pool_size(0), builder().pool_size(1)),
            (builder().max_concurrent_calls(0), builder().max_concurrent_calls(1)),
            (builder().deadline(Duration::ZERO), builder().deadline(tick)),
            (
                builder().removal_interval(Duration::ZERO),
                builder().removal_interval(tick),
            ),
        ] {
            assert_eq!(refused(zero), Some(PostgresStoreError::Zero));
            assert_eq!(refused(least), None);
        }
        assert_eq!(refused(builder().max_concurrent_calls(usize::MAX)), None);
    }

    #[test]
    fn a_feed_at_a_url_that_leads_to_no_server_is_refused_as_the_store_is() {
        let url = PostgresStoreError::Url(UrlError::Scheme("mysql".to_owned()));
        assert_eq!(refused(PostgresStore::builder("mysql://a@b/c")), Some(url.clone()));
        assert_eq!(refused(builder().feed_url("mysql://a@b/c")), Some(url));
        assert_eq!(refused(builder().feed_url("postgres://app@127.0.0.1:2/app")), None);
    }

    #[test]
    fn a_store_tells_the_deadline_that_was_set() {
        let told = |builder: PostgresStoreBuilder| builder.build().expect("settings").deadline();
        assert_eq!(told(builder()), Duration::from_millis(250));
        assert_eq!(told(builder().deadline(Duration::from_secs(3))), Duration::from_secs(3));
    }
}
