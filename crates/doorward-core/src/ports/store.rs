//! Where stored sessions live.

use std::error::Error;

use doorward_crypto::sha256;
use doorward_oidc::UnixTime;

use super::BoxFuture;
use crate::session::SessionId;

const SESSION_LABEL: &[u8] = b"doorward stored session v1\0";
const USED_LOGIN_LABEL: &[u8] = b"doorward used login v1\0";

/// Keeps sealed sessions under digests.
///
/// A store sees neither session IDs nor secrets nor identities: keys are SHA-256 digests and payloads are sealed, bound
/// to their key. Every implementation passes the store suite of the testkit.
///
/// Versions start at 1 and grow by one with each [`replace`](Self::replace). All methods are given the time, so that a
/// store needs no clock of its own where its server has none. An expired record counts as absent everywhere.
pub trait SessionStore: Send + Sync + 'static {
    /// Reads what is stored under `key`.
    ///
    /// # Errors
    /// [`StoreError`] where the store could not answer; absent is not an error.
    fn load<'a>(&'a self, key: &'a StoreKey, now: UnixTime) -> BoxFuture<'a, Result<Loaded, StoreError>>;

    /// Stores a session under a key that holds nothing yet.
    ///
    /// # Errors
    /// [`CreateError::AlreadyExists`] where the key holds a live session or a tombstone; [`CreateError::Store`] where
    /// the store could not answer.
    fn create<'a>(
        &'a self,
        key: &'a StoreKey,
        payload: Vec<u8>,
        expires_at: UnixTime,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<(), CreateError>>;

    /// Replaces a session if it still has the version the caller read (compare and set).
    ///
    /// # Errors
    /// [`StoreError`] where the store could not answer; a lost race is [`Replaced::Conflict`].
    fn replace<'a>(
        &'a self,
        key: &'a StoreKey,
        expected_version: u64,
        payload: Vec<u8>,
        expires_at: UnixTime,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Replaced, StoreError>>;

    /// Ends a session and leaves a tombstone, also where nothing was stored; a second call changes nothing but may
    /// prolong the tombstone.
    ///
    /// # Errors
    /// [`StoreError`] where the store could not answer: the session then still counts as live.
    fn end<'a>(
        &'a self,
        key: &'a StoreKey,
        tombstone_until: UnixTime,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// The only name a store knows a session by: a digest over a label, the session ID and its secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    /// Derives the key of a stored session.
    pub fn of_session(id: &SessionId, secret: &[u8; 32]) -> StoreKey {
        let mut text = Vec::with_capacity(SESSION_LABEL.len() + 48);
        text.extend_from_slice(SESSION_LABEL);
        text.extend_from_slice(id.as_bytes());
        text.extend_from_slice(secret);
        StoreKey(sha256(&text))
    }

    /// Derives the key under which the use of a login ticket is remembered, from the ticket's `state`.
    pub fn of_used_login(state: &str) -> StoreKey {
        let mut text = Vec::with_capacity(USED_LOGIN_LABEL.len() + state.len());
        text.extend_from_slice(USED_LOGIN_LABEL);
        text.extend_from_slice(state.as_bytes());
        StoreKey(sha256(&text))
    }

    /// Takes a digest as it is, for stores that read their keys back.
    pub const fn from_bytes(digest: [u8; 32]) -> StoreKey {
        StoreKey(digest)
    }

    /// Returns the digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Writes the digest as 64 hexadecimal characters, a name that is safe in every store.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }
}

impl core::fmt::Debug for StoreKey {
    // Enough to find a record in a log, too little to ask a store for it.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "StoreKey({})", hex(&[a, b, c, d]))
    }
}

fn hex(bytes: &[u8]) -> String {
    use core::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What a store holds under a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Loaded {
    /// A session that has not expired.
    Live(StoredSession),
    /// A tombstone: the session was ended, and no late write brings it back.
    Ended,
    /// Nothing, or something that has expired.
    Absent,
}

/// A record as a store keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// Grows by one with each replacement.
    pub version: u64,
    /// The sealed session.
    pub payload: Vec<u8>,
    /// From when on the record counts as absent.
    pub expires_at: UnixTime,
}

impl core::fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("StoredSession")
            .field("version", &self.version)
            .field("payload_bytes", &self.payload.len())
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// The outcome of [`SessionStore::replace`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replaced {
    /// The record was replaced.
    Done {
        /// The version it has now.
        version: u64,
    },
    /// Someone else replaced it first: read again.
    Conflict,
    /// The session was ended meanwhile.
    Ended,
    /// There is no such session any more.
    Absent,
}

/// Why a session was not created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The key is taken.
    #[error("store already holds a session under this key")]
    AlreadyExists,
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A store that could not answer.
///
/// # Security
/// Neither `Display` nor `Debug` shows the cause, which may hold a connection string; it is in
/// [`source`](Error::source) for whoever decides to look.
#[derive(thiserror::Error)]
#[error("{kind}")]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// In which way a store could not answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// No connection.
    #[error("session store is out of reach")]
    Unreachable,
    /// No answer in time.
    #[error("session store did not answer in time")]
    Timeout,
    /// An answer that refuses or makes no sense.
    #[error("session store answered with an error")]
    Failed,
}

impl StoreError {
    /// Makes an error without a cause.
    pub const fn new(kind: StoreErrorKind) -> StoreError {
        StoreError { kind, source: None }
    }

    /// Makes an error with its cause.
    pub fn with_source(kind: StoreErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
        StoreError {
            kind,
            source: Some(source.into()),
        }
    }

    /// Tells in which way the store failed.
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl core::fmt::Debug for StoreError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("StoreError")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
