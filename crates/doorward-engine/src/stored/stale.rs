//! Sessions seen lately, for the while that the store is down: only where the operator has chosen `serve_stale`.
//!
//! Two generations: what is looked up in the old one moves to the young one, and the old one goes when it is its turn. So both
//! time and memory are bounded without a list in order of use.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_core::ports::StoreKey;

use super::Kept;

/// Bytes of sealed records in each generation.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// The records that were read in the last while.
pub(super) struct Stale {
    /// How old a record may be when it is served in place of the store's.
    limit: Duration,
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<StoreKey, Seen>,
    old: HashMap<StoreKey, Seen>,
    /// What ended, and when in the order of ends: a read that began before must not bring it back.
    young_ends: HashMap<StoreKey, u64>,
    old_ends: HashMap<StoreKey, u64>,
    /// Ends so far.
    ends: u64,
    /// Of the young ones.
    bytes: usize,
    /// When the young generation began (monotonic).
    begun: Duration,
}

#[derive(Clone)]
struct Seen {
    kept: Arc<Kept>,
    at: Duration,
}

impl Stale {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            generations: Mutex::default(),
        }
    }

    /// Where a read begins, in the order of ends.
    pub(super) fn begin(&self) -> u64 {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner).ends
    }

    /// Keeps what the store answered to a read that `began` there.
    ///
    /// # Security
    /// An answer that was under way while its session ended is not kept: it says that the session lives.
    pub(super) fn see(&self, key: &StoreKey, kept: &Arc<Kept>, began: u64, now: Duration) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = generations
            .young_ends
            .get(key)
            .or_else(|| generations.old_ends.get(key));
        if ended.is_some_and(|ended| *ended > began) {
            return;
        }
        if now.saturating_sub(generations.begun) >= self.limit || generations.bytes >= MAX_BYTES {
            generations.old = mem::take(&mut generations.young);
            generations.old_ends = mem::take(&mut generations.young_ends);
            generations.bytes = 0;
            generations.begun = now;
        }
        let seen = Seen {
            kept: Arc::clone(kept),
            at: now,
        };
        let bytes = kept.record.size();
        match generations.young.insert(*key, seen) {
            Some(before) => {
                generations.bytes = generations
                    .bytes
                    .saturating_sub(before.kept.record.size())
                    .saturating_add(bytes);
            }
            None => generations.bytes = generations.bytes.saturating_add(bytes),
        }
    }

    /// What the store has answered within the limit.
    pub(super) fn get(&self, key: &StoreKey, now: Duration) -> Option<Arc<Kept>> {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = generations.young.get(key).or_else(|| generations.old.get(key))?;
        (now.saturating_sub(seen.at) < self.limit).then(|| Arc::clone(&seen.kept))
    }

    /// Forgets a session that has ended, or may have.
    pub(super) fn end(&self, key: &StoreKey) {
        self.forget(key);
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.ends += 1;
        let ended = generations.ends;
        generations.young_ends.insert(*key, ended);
    }

    /// Forgets a session that has changed.
    pub(super) fn forget(&self, key: &StoreKey) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.old.remove(key);
        if let Some(seen) = generations.young.remove(key) {
            generations.bytes = generations.bytes.saturating_sub(seen.kept.record.size());
        }
    }
}

#[cfg(test)]
mod tests;
