//! Sessions in this process's memory: for development, tests, and a single instance that may forget.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use doorward_core::UnixTime;
use doorward_core::ports::{
    BoxFuture, Cursor, Entry, IndexKey, Loaded, MAX_RECORD_BYTES, Page, SessionStore, StoreError, StoreErrorKind,
    StoreFeed, StoreKey, StoreTime, Write, Written,
};
use tokio::sync::broadcast;

/// How many writes pass between two sweeps of what has expired.
const SWEEP_EVERY: usize = 1_024;
/// Keys on a page of a list.
const PAGE: usize = 1_000;
/// Announcements that wait for a slow follower before it has to begin anew.
const FEED_BUFFER: usize = 1_024;

/// A [`SessionStore`] in memory. A restart forgets everything.
///
/// # Example
/// ```
/// use doorward_engine::{MemoryStore, Sessions};
///
/// # let secret = "Zk3vXw9pQ2sT7yUe1aBcD5fGhJ8kLmN0";
/// let sessions = Sessions::stored(secret, MemoryStore::new());
/// ```
pub struct MemoryStore {
    records: Mutex<Records>,
    feed: broadcast::Sender<StoreKey>,
}

#[derive(Default)]
struct Records {
    by_key: HashMap<StoreKey, Kept>,
    lists: HashMap<IndexKey, BTreeMap<StoreKey, UnixTime>>,
    writes: usize,
}

struct Kept {
    entry: Entry,
    until: UnixTime,
}

impl MemoryStore {
    /// Makes an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self {
            records: Mutex::default(),
            feed: broadcast::Sender::new(FEED_BUFFER),
        }
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Records {
    fn write(&mut self, key: &StoreKey, write: &Write<'_>, now: UnixTime) -> Written {
        let kept = self.by_key.get(key).filter(|kept| kept.until > now);
        if kept.map(|kept| kept.entry.version) != write.expected {
            return Written::Conflict;
        }
        let version = write.expected.unwrap_or(0).saturating_add(1);
        let entry = Entry {
            version,
            bytes: write.bytes.to_vec(),
        };
        let until = write.keep_until;
        self.by_key.insert(*key, Kept { entry, until });
        for change in write.lists {
            let list = self.lists.entry(change.index).or_default();
            match change.until {
                Some(until) => {
                    let kept = list.entry(*key).or_insert(until);
                    *kept = until.max(*kept);
                }
                None => {
                    list.remove(key);
                }
            }
        }
        self.writes += 1;
        if self.writes.is_multiple_of(SWEEP_EVERY) {
            self.sweep(now);
        }
        Written::Done { version }
    }

    fn sweep(&mut self, now: UnixTime) {
        self.by_key.retain(|_, kept| kept.until > now);
        self.lists.retain(|_, list| {
            list.retain(|_, until| *until > now);
            !list.is_empty()
        });
    }

    fn list(&self, index: &IndexKey, after: Option<&Cursor>, now: UnixTime) -> Result<Page, StoreError> {
        let begin = match after {
            None => Bound::Unbounded,
            Some(cursor) => {
                let digest = cursor.as_bytes().try_into();
                let digest = digest.map_err(|_| StoreError::new(StoreErrorKind::Failed))?;
                Bound::Excluded(StoreKey::from_bytes(digest))
            }
        };
        let Some(list) = self.lists.get(index) else {
            return Ok(Page {
                keys: Vec::new(),
                next: None,
            });
        };
        let mut rest = list
            .range((begin, Bound::Unbounded))
            .filter(|(_, until)| **until > now)
            .map(|(key, _)| *key);
        let keys: Vec<StoreKey> = rest.by_ref().take(PAGE).collect();
        let is_last = rest.next().is_none();
        let next = keys.last().filter(|_| !is_last).map(|key| Cursor::new(*key.as_bytes()));
        Ok(Page { keys, next })
    }
}

impl SessionStore for MemoryStore {
    fn load<'a>(&'a self, key: &'a StoreKey, now: UnixTime) -> BoxFuture<'a, Result<Loaded, StoreError>> {
        let entry = self
            .records()
            .by_key
            .get(key)
            .filter(|kept| kept.until > now)
            .map(|kept| kept.entry.clone());
        let time = StoreTime::from(now);
        Box::pin(async move { Ok(Loaded { entry, time }) })
    }

    fn write<'a>(
        &'a self,
        key: &'a StoreKey,
        write: Write<'a>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        if write.bytes.len() > MAX_RECORD_BYTES {
            return Box::pin(async { Err(StoreError::with_source(StoreErrorKind::Failed, "record is too large")) });
        }
        let written = self.records().write(key, &write, now);
        if write.announce && written != Written::Conflict {
            // Nobody need be listening.
            let _ = self.feed.send(*key);
        }
        Box::pin(async move { Ok(written) })
    }

    fn list<'a>(
        &'a self,
        index: &'a IndexKey,
        after: Option<Cursor>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        let page = self.records().list(index, after.as_ref(), now);
        Box::pin(async move { page })
    }

    fn feed(&self) -> BoxFuture<'_, Result<Box<dyn StoreFeed>, StoreError>> {
        let feed: Box<dyn StoreFeed> = Box::new(MemoryFeed(self.feed.subscribe()));
        Box::pin(async move { Ok(feed) })
    }
}

struct MemoryFeed(broadcast::Receiver<StoreKey>);

impl StoreFeed for MemoryFeed {
    fn next(&mut self) -> BoxFuture<'_, Result<StoreKey, StoreError>> {
        Box::pin(async {
            // Who fell behind has missed something, as after a lost connection.
            self.0
                .recv()
                .await
                .map_err(|error| StoreError::with_source(StoreErrorKind::Unreachable, error))
        })
    }
}
