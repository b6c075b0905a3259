//! The stores that the binary can keep sessions in, by their URLs.

use std::time::Duration;

use doorward::Sessions;
use doorward_store_postgres::PostgresStore;
use doorward_store_redis::RedisStore;

use crate::failure::chain;

/// What a store's URL may begin with; with `rediss` for `redis` over TLS, and `postgresql` for `postgres`.
const EXPECTED: &str = "redis://, rediss://, redis+sentinel://, redis+cluster:// or postgres://";

/// A store by its URL; connected on first need.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    Redis(RedisStore),
    Postgres(PostgresStore),
}

impl Store {
    /// Judges a URL; a server that is out of reach is no fault of it. `others` is what may stand in its place.
    ///
    /// # Errors
    /// What was expected; the URL itself, which may hold a password, is never named.
    pub(crate) fn of(url: &str, others: &str, deadline: Option<Duration>) -> Result<Self, String> {
        match url.split_once("://").map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => {
                let mut builder = PostgresStore::builder(url);
                if let Some(deadline) = deadline {
                    builder = builder.deadline(deadline);
                }
                builder.build().map(Self::Postgres).map_err(|error| chain(&error))
            }
            Some(scheme) if scheme.starts_with("redis") => {
                let mut builder = RedisStore::builder(url);
                if let Some(deadline) = deadline {
                    builder = builder.deadline(deadline);
                }
                builder.build().map(Self::Redis).map_err(|error| chain(&error))
            }
            _ => Err(format!("expected {EXPECTED}{others}, found something else")),
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

    /// Gets it ready for development: a database gets its tables, and a server has to be there.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) async fn prepare(&self) -> Result<(), String> {
        match self {
            Self::Redis(store) => store.check().await.map_err(|error| chain(&error)),
            Self::Postgres(store) => store.migrate().await.map_err(|error| chain(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "tests")]

    use doorward::ports::SessionStore as _;

    use super::*;

    #[test]
    fn a_store_of_either_kind_gets_the_deadline_and_has_its_own_without() {
        let told = |url: &str, deadline| match Store::of(url, "", deadline) {
            Ok(Store::Redis(store)) => store.deadline(),
            Ok(Store::Postgres(store)) => store.deadline(),
            Err(refused) => panic!("{refused}"),
        };
        for url in ["redis://cache", "postgres://user:pa55word@db/app?sslmode=disable"] {
            let deadline = Duration::from_millis(100);
            assert_eq!(told(url, Some(deadline)), deadline, "{url}");
            assert_eq!(told(url, None), Duration::from_millis(250), "{url}");
        }
    }

    #[test]
    fn stores_are_known_by_their_schemes_and_no_url_is_repeated() {
        for url in [
            "redis://cache",
            "rediss://user:pa55word@cache:6380/1",
            "redis+sentinel://a,b/main",
            "redis+cluster://a,b",
            "postgres://user:pa55word@db/app?sslmode=disable",
        ] {
            assert!(Store::of(url, "", Some(Duration::from_millis(100))).is_ok(), "{url}");
        }
        let others = ", or \"memory\"";
        for (url, expected) in [
            ("", "or postgres://, or \"memory\", found something else"),
            ("pa55word", "or postgres://, or \"memory\", found something else"),
            (
                "mysql://user:pa55word@db",
                "or postgres://, or \"memory\", found something else",
            ),
            (
                "postgres:pa55word",
                "or postgres://, or \"memory\", found something else",
            ),
            ("redis://", "host"),
            ("redis+pa55word://x", "redis+sentinel://"),
        ] {
            let refused = Store::of(url, others, None).err().unwrap_or_default();
            assert!(refused.contains(expected), "{url}: {refused}");
            assert!(!refused.contains("pa55word"), "{refused}");
        }
    }
}
