//! Sessions in this process's memory: for development, tests, and a single instance that may forget.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use doorward_core::UnixTime;
use doorward_core::ports::{
    BoxFuture, CreateError, Loaded, Replaced, SessionStore, StoreError, StoreKey, StoredSession,
};

/// How many writes pass between two sweeps of what has expired.
const SWEEP_EVERY: usize = 1_024;

/// A [`SessionStore`] in memory. A restart forgets everything.
///
/// # Example
/// ```
/// use doorward_engine::{MemoryStore, Sessions};
///
/// # let secret = "Zk3vXw9pQ2sT7yUe1aBcD5fGhJ8kLmN0";
/// let sessions = Sessions::stored(secret, MemoryStore::new());
/// ```
#[derive(Default)]
pub struct MemoryStore {
    records: Mutex<Records>,
}

#[derive(Default)]
struct Records {
    by_key: HashMap<StoreKey, Record>,
    writes: usize,
}

enum Record {
    Live(StoredSession),
    Tombstone { until: UnixTime },
}

impl Record {
    fn is_over(&self, now: UnixTime) -> bool {
        match self {
            Self::Live(stored) => stored.expires_at <= now,
            Self::Tombstone { until } => *until <= now,
        }
    }
}

impl MemoryStore {
    /// Makes an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Records {
    fn live(&self, key: &StoreKey, now: UnixTime) -> Option<&Record> {
        self.by_key.get(key).filter(|record| !record.is_over(now))
    }

    fn write(&mut self, key: &StoreKey, record: Record, now: UnixTime) {
        self.writes += 1;
        if self.writes.is_multiple_of(SWEEP_EVERY) {
            self.by_key.retain(|_, record| !record.is_over(now));
        }
        self.by_key.insert(*key, record);
    }
}

impl SessionStore for MemoryStore {
    fn load<'a>(&'a self, key: &'a StoreKey, now: UnixTime) -> BoxFuture<'a, Result<Loaded, StoreError>> {
        let loaded = match self.records().live(key, now) {
            Some(Record::Live(stored)) => Loaded::Live(stored.clone()),
            Some(Record::Tombstone { .. }) => Loaded::Ended,
            None => Loaded::Absent,
        };
        Box::pin(async move { Ok(loaded) })
    }

    fn create<'a>(
        &'a self,
        key: &'a StoreKey,
        payload: Vec<u8>,
        expires_at: UnixTime,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<(), CreateError>> {
        let mut records = self.records();
        let created = if records.live(key, now).is_some() {
            Err(CreateError::AlreadyExists)
        } else {
            let stored = StoredSession {
                version: 1,
                payload,
                expires_at,
            };
            records.write(key, Record::Live(stored), now);
            Ok(())
        };
        Box::pin(async move { created })
    }

    fn replace<'a>(
        &'a self,
        key: &'a StoreKey,
        expected_version: u64,
        payload: Vec<u8>,
        expires_at: UnixTime,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Replaced, StoreError>> {
        let mut records = self.records();
        let replaced = match records.live(key, now) {
            None => Replaced::Absent,
            Some(Record::Tombstone { .. }) => Replaced::Ended,
            Some(Record::Live(stored)) if stored.version != expected_version => Replaced::Conflict,
            Some(Record::Live(_)) => {
                let version = expected_version.saturating_add(1);
                let stored = StoredSession {
                    version,
                    payload,
                    expires_at,
                };
                records.write(key, Record::Live(stored), now);
                Replaced::Done { version }
            }
        };
        Box::pin(async move { Ok(replaced) })
    }

    fn end<'a>(
        &'a self,
        key: &'a StoreKey,
        tombstone_until: UnixTime,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut records = self.records();
        let until = match records.live(key, now) {
            Some(Record::Tombstone { until }) => tombstone_until.max(*until),
            _ => tombstone_until,
        };
        records.write(key, Record::Tombstone { until }, now);
        Box::pin(async move { Ok(()) })
    }
}
