//! The suite passes a store that keeps its promises, and fails each store that breaks one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use doorward_core::ports::{BoxFuture, StoreError};

use super::*;

/// One broken promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    None,
    CreatesOverLive,
    CreatesOverTombstone,
    NeverExpires,
    ExpiresLate,
    IgnoresTheVersion,
    ReplacesTheExpired,
    ReplacesTheEnded,
    CreatesByReplacing,
    ForgetsTheEnd,
    NoTombstoneForTheUnknown,
    ShortensTombstones,
    KeepsTombstonesForEver,
    FoldsKeys,
    CutsPayloads,
    KeepsTheOldTime,
    ReadsThenWrites,
}

#[derive(Clone)]
enum Record {
    Live(StoredSession),
    Ended(UnixTime),
}

#[derive(Clone)]
struct MapStore {
    defect: Defect,
    records: Arc<Mutex<HashMap<Vec<u8>, Record>>>,
}

impl MapStore {
    fn new(defect: Defect) -> Self {
        Self {
            defect,
            records: Arc::default(),
        }
    }

    fn key(&self, key: &StoreKey) -> Vec<u8> {
        let length = if self.defect == Defect::FoldsKeys { 31 } else { 32 };
        key.as_bytes()[..length].to_vec()
    }

    fn read(&self, key: &StoreKey, now: UnixTime) -> Loaded {
        let limit = if self.defect == Defect::ExpiresLate {
            now.saturating_sub(Duration::from_secs(1))
        } else {
            now
        };
        match self.records.lock().unwrap().get(&self.key(key)) {
            Some(Record::Live(session)) if session.expires_at > limit || self.defect == Defect::NeverExpires => {
                Loaded::Live(session.clone())
            }
            Some(Record::Ended(until)) if *until > now || self.defect == Defect::KeepsTombstonesForEver => {
                Loaded::Ended
            }
            _ => Loaded::Absent,
        }
    }

    fn write(&self, key: &StoreKey, version: u64, mut payload: Vec<u8>, expires_at: UnixTime) {
        if self.defect == Defect::CutsPayloads {
            payload.truncate(65_535);
        }
        let session = StoredSession {
            version,
            payload,
            expires_at,
        };
        self.records
            .lock()
            .unwrap()
            .insert(self.key(key), Record::Live(session));
    }
}

impl SessionStore for MapStore {
    fn load<'a>(&'a self, key: &'a StoreKey, now: UnixTime) -> BoxFuture<'a, Result<Loaded, StoreError>> {
        Box::pin(async move { Ok(self.read(key, now)) })
    }

    fn create<'a>(
        &'a self,
        key: &'a StoreKey,
        payload: Vec<u8>,
        expires_at: UnixTime,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<(), CreateError>> {
        Box::pin(async move {
            match self.read(key, now) {
                Loaded::Absent => {}
                Loaded::Live(_) if self.defect == Defect::CreatesOverLive => {}
                Loaded::Ended if self.defect == Defect::CreatesOverTombstone => {}
                _ => return Err(CreateError::AlreadyExists),
            }
            self.write(key, 1, payload, expires_at);
            Ok(())
        })
    }

    fn replace<'a>(
        &'a self,
        key: &'a StoreKey,
        expected_version: u64,
        payload: Vec<u8>,
        expires_at: UnixTime,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Replaced, StoreError>> {
        Box::pin(async move {
            let now = if self.defect == Defect::ReplacesTheExpired {
                NOW
            } else {
                now
            };
            let version = match self.read(key, now) {
                Loaded::Live(session) if session.version == expected_version => session.version,
                Loaded::Live(session) if self.defect == Defect::IgnoresTheVersion => session.version,
                Loaded::Live(_) => return Ok(Replaced::Conflict),
                Loaded::Ended if self.defect == Defect::ReplacesTheEnded => expected_version,
                Loaded::Ended => return Ok(Replaced::Ended),
                Loaded::Absent if self.defect == Defect::CreatesByReplacing => 0,
                Loaded::Absent => return Ok(Replaced::Absent),
            };
            if self.defect == Defect::ReadsThenWrites {
                tokio::task::yield_now().await;
            }
            let expires_at = match self.read(key, now) {
                Loaded::Live(session) if self.defect == Defect::KeepsTheOldTime => session.expires_at,
                _ => expires_at,
            };
            self.write(key, version + 1, payload, expires_at);
            Ok(Replaced::Done { version: version + 1 })
        })
    }

    fn end<'a>(
        &'a self,
        key: &'a StoreKey,
        tombstone_until: UnixTime,
        _now: UnixTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut records = self.records.lock().unwrap();
            let key = self.key(key);
            let until = match records.get(&key) {
                Some(Record::Ended(until)) if self.defect != Defect::ShortensTombstones => tombstone_until.max(*until),
                None if self.defect == Defect::NoTombstoneForTheUnknown => return Ok(()),
                _ => tombstone_until,
            };
            if self.defect == Defect::ForgetsTheEnd {
                records.remove(&key);
            } else {
                records.insert(key, Record::Ended(until));
            }
            Ok(())
        })
    }
}

/// Runs one at a time, so that what the store above does between two locks is atomic unless it yields.
async fn survives(defect: Defect) -> bool {
    let store = MapStore::new(defect);
    tokio::spawn(async move { run_store_suite(|| store.clone()).await })
        .await
        .is_ok()
}

#[tokio::test]
async fn a_store_that_keeps_its_promises_passes() {
    assert!(survives(Defect::None).await);
}

#[tokio::test]
async fn a_store_that_breaks_a_promise_fails() {
    for defect in [
        Defect::CreatesOverLive,
        Defect::CreatesOverTombstone,
        Defect::NeverExpires,
        Defect::ExpiresLate,
        Defect::IgnoresTheVersion,
        Defect::ReplacesTheExpired,
        Defect::ReplacesTheEnded,
        Defect::CreatesByReplacing,
        Defect::ForgetsTheEnd,
        Defect::NoTombstoneForTheUnknown,
        Defect::ShortensTombstones,
        Defect::KeepsTombstonesForEver,
        Defect::FoldsKeys,
        Defect::CutsPayloads,
        Defect::KeepsTheOldTime,
        Defect::ReadsThenWrites,
    ] {
        assert!(!survives(defect).await, "{defect:?} passes");
    }
}
