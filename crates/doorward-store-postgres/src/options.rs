//! What can be set about the store.

use core::time::Duration;

/// PostgreSQL cuts names at 63 bytes; these leave room for what is put behind them and for both in the feed's channel.
const MAX_SCHEMA: usize = 30;
const MAX_PREFIX: usize = 24;

/// How a [`PostgresStore`](crate::PostgresStore) works; the default suits a server in the same data centre.
#[derive(Clone)]
pub struct PostgresOptions {
    pub(crate) schema: Option<String>,
    pub(crate) prefix: String,
    pub(crate) pool_size: usize,
    pub(crate) deadline: Duration,
    pub(crate) max_calls: usize,
    pub(crate) removal_interval: Duration,
    pub(crate) feed_url: Option<String>,
}

/// A schema or prefix that is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// The schema.
    #[error("expected a schema of at most {MAX_SCHEMA} characters a-z, 0-9 and \"_\", found {0:?}")]
    Schema(String),
    /// The prefix.
    #[error("expected a table prefix of at most {MAX_PREFIX} characters a-z, 0-9 and \"_\", found {0:?}")]
    Prefix(String),
}

impl PostgresOptions {
    /// Takes the default of everything.
    #[must_use]
    pub fn new() -> Self {
        Self {
            schema: None,
            prefix: "doorward_".to_owned(),
            pool_size: 10,
            deadline: Duration::from_millis(250),
            max_calls: 512,
            removal_interval: Duration::from_secs(60),
            feed_url: None,
        }
    }

    /// Sets the schema that holds the tables; by default the role's `search_path` says where they are.
    #[must_use]
    pub fn with_schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Sets what the names of the tables begin with, `doorward_` by default; two products in one schema need two.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how many connections there are at most, 10 by default; each feed has one more.
    ///
    /// A call takes well under a millisecond of a connection. More than a few per core of the server make it slower.
    #[must_use]
    pub fn with_pool_size(mut self, connections: usize) -> Self {
        self.pool_size = connections.max(1);
        self
    }

    /// Sets how long a call may take, the wait for a connection included, 250 ms by default.
    ///
    /// A request with a session waits that long before it is answered 503.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how many calls are made or wait at the same time at most, 512 by default.
    ///
    /// A further one fails at once: where that many wait, the server is in trouble, and one more would not be answered in time.
    #[must_use]
    pub fn with_max_calls(mut self, calls: usize) -> Self {
        self.max_calls = calls.clamp(1, tokio::sync::Semaphore::MAX_PERMITS);
        self
    }

    /// Sets the time between two removals of what has expired, one minute by default; each time a tenth more or less.
    #[must_use]
    pub fn with_removal_interval(mut self, interval: Duration) -> Self {
        self.removal_interval = interval.max(Duration::from_millis(10));
        self
    }

    /// Sets another URL for the feed, one that leads past a pooler.
    ///
    /// `LISTEN` belongs to one connection to the server, which a pooler in transaction mode does not give. Without this,
    /// behind such a pooler, the feed stays silent, and live connections end at their next look at the session instead.
    #[must_use]
    pub fn with_feed_url(mut self, url: impl Into<String>) -> Self {
        self.feed_url = Some(url.into());
        self
    }

    /// The names stand in the text of statements, so only what needs no quoting may be in them.
    pub(crate) fn check(&self) -> Result<(), NameError> {
        if let Some(schema) = self.schema.as_ref().filter(|schema| !is_name(schema, MAX_SCHEMA)) {
            return Err(NameError::Schema(schema.clone()));
        }
        if !is_name(&self.prefix, MAX_PREFIX) {
            return Err(NameError::Prefix(self.prefix.clone()));
        }
        Ok(())
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self::new()
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
    use super::*;

    #[test]
    fn names_that_would_need_quoting_are_refused_and_plain_ones_taken() {
        for good in ["doorward_", "_a1", "a"] {
            assert_eq!(PostgresOptions::new().with_prefix(good).check(), Ok(()));
            assert_eq!(PostgresOptions::new().with_schema(good).check(), Ok(()));
        }
        let long = "a".repeat(31);
        for bad in ["", "1a", "Door", "a-b", "a\"; drop table x; --", "ä", "a b", &long] {
            let prefix = PostgresOptions::new().with_prefix(bad).check();
            assert_eq!(prefix, Err(NameError::Prefix(bad.to_owned())));
            let schema = PostgresOptions::new().with_schema(bad).check();
            assert_eq!(schema, Err(NameError::Schema(bad.to_owned())));
        }
    }
}
