//! Settings of a store.

use core::time::Duration;

use crate::location::{Location, UrlError};
use crate::store::RedisStore;
use crate::tls::Tls;

const MAX_PREFIX: usize = 64;

/// Why a store cannot be set up. That no server answers is no such reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisStoreError {
    /// The URL cannot be used.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The file that the URL names with `ca` cannot be read.
    #[error("expected a readable file of certificates at the store URL's ca, found: {0}")]
    AuthorityFile(std::io::ErrorKind),
    /// The file that the URL names with `ca` holds no certificates, or something besides.
    #[error("expected certificates in PEM at the store URL's ca, at most a mebibyte, found something else")]
    Authorities,
    /// The system's authorities cannot be used.
    #[error("expected authorities of the system for TLS, found none that can be used")]
    Tls,
    /// The key prefix is empty, too long, or has characters that mean something to Redis.
    #[error("expected a key prefix of 1 to 64 letters, digits and :._-/, found another")]
    Prefix,
    /// A limit of zero.
    #[error("expected limits above zero, found zero")]
    Zero,
}

/// Settings of a [`RedisStore`], from [`RedisStore::builder`].
#[must_use]
pub struct RedisStoreBuilder {
    url: String,
    pub(crate) prefix: String,
    pub(crate) deadline: Duration,
    pub(crate) connect_deadline: Duration,
    pub(crate) max_concurrent_calls: usize,
}

impl RedisStoreBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            prefix: "doorward:".to_owned(),
            deadline: Duration::from_millis(250),
            connect_deadline: Duration::from_secs(1),
            max_concurrent_calls: 512,
        }
    }

    /// Begins every key and channel with this; `doorward:` otherwise.
    ///
    /// Two applications with one Redis need two prefixes: not for safety, as keys are digests under their own secrets, but so
    /// that each can be given rights on its own keys.
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Lets a call take this long, connecting included; 250 ms otherwise.
    ///
    /// A request may need two or three calls, and waits as long for each where the store has gone silent.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Lets an attempt to connect take this long, whoever waits for it; one second otherwise.
    ///
    /// Longer than a call's, because of TLS over a long way; the time until another server is tried after one has gone silent.
    pub fn connect_deadline(mut self, deadline: Duration) -> Self {
        self.connect_deadline = deadline;
        self
    }

    /// Lets this many calls wait for the store at once; 512 otherwise. One more fails at once.
    ///
    /// They share one connection per server, so that this is no number of connections: it bounds the memory of calls that wait.
    pub fn max_concurrent_calls(mut self, calls: usize) -> Self {
        self.max_concurrent_calls = calls;
        self
    }

    /// Makes the store and begins to connect; waits for that as long as for a call, and then goes on without.
    ///
    /// # Errors
    /// [`RedisStoreError`] for settings that cannot be used; a server that does not answer is told in the log and in
    /// [`check`](RedisStore::check) only.
    pub async fn connect(self) -> Result<RedisStore, RedisStoreError> {
        let store = self.build()?;
        store.begin().await;
        Ok(store)
    }

    /// Makes the store without connecting to anything: that happens at the first call.
    ///
    /// # Errors
    /// [`RedisStoreError`] for settings that cannot be used.
    pub fn build(self) -> Result<RedisStore, RedisStoreError> {
        let location = Location::parse(&self.url)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":._-/".contains(&byte);
        if self.prefix.is_empty() || self.prefix.len() > MAX_PREFIX || !self.prefix.bytes().all(is_plain) {
            return Err(RedisStoreError::Prefix);
        }
        if self.deadline.is_zero() || self.connect_deadline.is_zero() || self.max_concurrent_calls == 0 {
            return Err(RedisStoreError::Zero);
        }
        let tls = match (&location.authority, location.tls) {
            (Some(path), _) => Some(Tls::of_file(path)?),
            (None, true) => Some(Tls::of_system()?),
            (None, false) => None,
        };
        Ok(RedisStore::new(self, location, tls))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]

    use doorward_core::ports::SessionStore as _;

    use super::*;

    #[test]
    fn a_store_tells_the_deadline_that_was_set() {
        let builder = || RedisStore::builder("redis://127.0.0.1:1");
        let told = |builder: RedisStoreBuilder| builder.build().expect("settings").deadline();
        assert_eq!(told(builder()), Duration::from_millis(250));
        assert_eq!(told(builder().deadline(Duration::from_secs(3))), Duration::from_secs(3));
    }
}
