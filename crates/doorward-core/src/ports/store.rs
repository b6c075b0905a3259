//! Where stored sessions live.

use core::time::Duration;
use std::error::Error;

use doorward_oidc::UnixTime;
use serde::{Deserialize, Serialize};

use super::{BoxFuture, IndexKey, StoreKey};

/// The largest record that a store takes, in bytes.
pub const MAX_RECORD_BYTES: usize = 1024 * 1024;

/// Keeps sealed records under digests, with compare-and-set, lists of them, and a feed of what changed.
///
/// A store sees neither session IDs nor secrets nor identities: keys are SHA-256 digests, records are sealed and bound
/// to their key. It decides nothing: what a record means, whether it has expired, ended or is leased for a refresh, is said
/// by [`Record`](crate::session::Record), the same for every store. Every implementation passes the store suite of the testkit.
///
/// Each method answers within the store's [deadline](Self::deadline) or is dropped by the caller in the middle: a write that
/// was dropped may or may not have happened.
///
/// All methods are given the time, for stores that have no clock of their own.
pub trait SessionStore: Send + Sync + 'static {
    /// Reads what is kept under `key`, in one round trip, and the store's time.
    ///
    /// # Errors
    /// [`StoreError`] where the store could not answer; absent is not an error.
    fn load<'a>(&'a self, key: &'a StoreKey, now: UnixTime) -> BoxFuture<'a, Result<Loaded, StoreError>>;

    /// Writes a record if what is kept under `key` still has the version that the caller read (compare and set).
    ///
    /// The lists' changes that name the key are made with it; where both cannot be made at once, additions come first and
    /// removals last, so that a record that is there stands in its lists.
    ///
    /// A record has [`MAX_RECORD_BYTES`] at most; a larger one is refused as [`StoreErrorKind::Failed`], and nothing is changed.
    ///
    /// # Errors
    /// [`StoreError`] where the store could not answer, and the record may or may not be written; a lost race is
    /// [`Written::Conflict`], and nothing was changed but, perhaps, additions to lists.
    fn write<'a>(
        &'a self,
        key: &'a StoreKey,
        write: Write<'a>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Written, StoreError>>;

    /// Reads a list, one page at a time; the order is the store's own.
    ///
    /// What stands in it all the while comes at least once; it may come twice. Entries are hints: the record may be gone,
    /// ended, or of somebody else, and the caller checks each.
    ///
    /// # Errors
    /// [`StoreError`] where the store could not answer.
    fn list<'a>(
        &'a self,
        index: &'a IndexKey,
        after: Option<Cursor>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Page, StoreError>>;

    /// Begins to follow the writes that were [announced](Write::announce) by any instance.
    ///
    /// # Errors
    /// [`StoreError`] where the store could not answer.
    fn feed(&self) -> BoxFuture<'_, Result<Box<dyn StoreFeed>, StoreError>>;

    /// Tells how long a call takes at most; a quarter of a second unless the store says otherwise.
    ///
    /// The engine waits a few milliseconds longer, so that the store can say by itself what went wrong. A store that has others do its
    /// calls answers what they do. It is asked once, when the engine is built.
    fn deadline(&self) -> Duration {
        Duration::from_millis(250)
    }
}

/// What follows the writes that are announced.
///
/// It is a hint, never a proof: anybody with access to the store may speak on it, and messages may be lost. Whoever hears of a
/// key reads its record.
pub trait StoreFeed: Send {
    /// Waits for the next key whose record was written and announced.
    ///
    /// # Errors
    /// [`StoreError`] where the connection is lost: follow anew, and take into account that something was missed.
    fn next(&mut self) -> BoxFuture<'_, Result<StoreKey, StoreError>>;
}

/// What a store keeps under a key, and its own time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loaded {
    /// What is kept; `None` for nothing.
    pub entry: Option<Entry>,
    /// The store's time: the one clock that all instances see, by which leases are measured.
    pub time: StoreTime,
}

/// A record as a store keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Begins at 1 and grows by one with each write.
    pub version: u64,
    /// The sealed record.
    pub bytes: Vec<u8>,
}

impl core::fmt::Debug for Entry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Entry")
            .field("version", &self.version)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// A compare-and-set.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// The version that was read; `None` where nothing is kept yet.
    pub expected: Option<u64>,
    /// The new record, of [`MAX_RECORD_BYTES`] at most.
    pub bytes: &'a [u8],
    /// The record is kept until then at least; afterwards the store may drop it whenever it likes.
    pub keep_until: UnixTime,
    /// What changes in the lists that this key stands in; each list once.
    pub lists: &'a [ListChange],
    /// Whether whoever follows the feed hears of it.
    pub announce: bool,
}

/// A change of one list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListChange {
    /// Which list.
    pub index: IndexKey,
    /// Until when the key stands in it at least; `None` takes it out.
    ///
    /// Never shortened: of what several writes said the latest time counts, until one takes the key out.
    pub until: Option<UnixTime>,
}

/// The outcome of [`SessionStore::write`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Written {
    /// The record is written.
    Done {
        /// The version it has now.
        version: u64,
    },
    /// What is kept has another version than was expected.
    Conflict,
}

/// One page of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// At most about a thousand keys; an empty page need not be the last.
    pub keys: Vec<StoreKey>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Cursor>,
}

/// A place in a list, in the store's own terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor(Vec<u8>);

impl Cursor {
    /// Takes the store's own bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Cursor {
        Cursor(bytes.into())
    }

    /// Returns the store's own bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A moment by the store's clock, in milliseconds since 1970; compared with other moments of the same store only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct StoreTime(u64);

impl StoreTime {
    /// Takes milliseconds since 1970.
    pub const fn from_milliseconds(milliseconds: u64) -> StoreTime {
        StoreTime(milliseconds)
    }

    /// Returns the milliseconds since 1970.
    pub const fn milliseconds(self) -> u64 {
        self.0
    }

    /// Adds a duration; stops at the largest moment.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> StoreTime {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        StoreTime(self.0.saturating_add(milliseconds))
    }

    /// Returns the time passed since `earlier`; zero if `earlier` is later.
    pub const fn saturating_since(self, earlier: StoreTime) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl From<UnixTime> for StoreTime {
    fn from(time: UnixTime) -> StoreTime {
        StoreTime(time.milliseconds())
    }
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
    /// No connection, or a server that serves nobody now (loading, read-only, without a primary).
    #[error("session store is out of reach")]
    Unreachable,
    /// No answer in time.
    #[error("session store did not answer in time")]
    Timeout,
    /// An answer that refuses or makes no sense.
    #[error("session store answered with an error")]
    Failed,
    /// Under our key lies something that we did not write.
    #[error("session store holds another application's data under this key")]
    Foreign,
    /// Too many calls wait for the store already.
    #[error("too many calls wait for the session store")]
    Overloaded,
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
