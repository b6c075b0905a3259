//! The stores that the binary can keep sessions in, by their URLs.

use std::time::Duration;

use doorward::Sessions;
use doorward_store_postgres::{PostgresOptions, PostgresStore};
use doorward_store_redis::RedisStore;

use crate::failure::chain;

/// What a store's URL may begin with.
const EXPECTED: &str = "redis://, rediss://, redis+sentinel://, redis+cluster:// or postgres://";

/// A store by its URL; connected on first need.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    Redis(RedisStore),
    Postgres(PostgresStore),
}

impl Store {
    /// Judges a URL; a server that is out of reach is no fault of it.
    ///
    /// # Errors
    /// What was expected; the URL itself, which may hold a password, is never named.
    pub(crate) fn of(url: &str, deadline: Option<Duration>) -> Result<Self, String> {
        match url.split_once("://").map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => {
                let mut options = PostgresOptions::new();
                if let Some(deadline) = deadline {
                    options = options.with_deadline(deadline);
                }
                let store = PostgresStore::connect_with(url, options).map_err(|error| chain(&error))?;
                Ok(Self::Postgres(store))
            }
            Some(scheme) if scheme.starts_with("redis") => {
                let mut builder = RedisStore::builder(url);
                if let Some(deadline) = deadline {
                    builder = builder.deadline(deadline);
                }
                builder.build().map(Self::Redis).map_err(|error| chain(&error))
            }
            _ => Err(format!("expected {EXPECTED}, found something else")),
        }
    }

    /// Keeps sessions in it.
    pub(crate) fn sessions(&self, secrets: Vec<doorward::SecretString>) -> Sessions {
        match self {
            Self::Redis(store) => Sessions::stored(secrets, store.clone()),
            Self::Postgres(store) => Sessions::stored(secrets, store.clone()),
        }
    }

    /// Remembers in it which sessions in cookies were ended.
    pub(crate) fn revocations(&self, sessions: Sessions) -> Sessions {
        match self {
            Self::Redis(store) => sessions.revocation_store(store.clone()),
            Self::Postgres(store) => sessions.revocation_store(store.clone()),
        }
    }

    /// Gets it ready for development: a database gets its tables.
    ///
    /// # Errors
    /// Why the tables could not be made.
    pub(crate) async fn prepare(&self) -> Result<(), String> {
        match self {
            Self::Redis(_) => Ok(()),
            Self::Postgres(store) => store.migrate().await.map_err(|error| chain(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_known_by_their_schemes_and_no_url_is_repeated() {
        for url in [
            "redis://cache",
            "rediss://user:pa55word@cache:6380/1",
            "redis+sentinel://a,b/main",
            "redis+cluster://a,b",
            "postgres://user:pa55word@db/app?sslmode=disable",
        ] {
            assert!(Store::of(url, Some(Duration::from_millis(100))).is_ok(), "{url}");
        }
        for url in [
            "",
            "pa55word",
            "mysql://user:pa55word@db",
            "redis://",
            "postgres:pa55word",
            "redis+pa55word://x",
        ] {
            let refused = Store::of(url, None).err().unwrap_or_default();
            assert!(refused.contains("expected") || !refused.is_empty(), "{url} is refused");
            assert!(!refused.contains("pa55word"), "{refused}");
        }
    }
}
