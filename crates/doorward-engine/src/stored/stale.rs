//! Sessions seen lately, for the while that the store is down: only where the operator has chosen `serve_stale`.
//!
//! Two generations: what the store answers goes into the young one, and the old one goes when the young one is full or as old as the
//! limit, or as a read may become. So both time and memory are bounded without a list in order of use.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_core::ports::StoreKey;

use super::Kept;

/// Bytes of sealed records in each generation, those of what ended included.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// How long a read may be under way: what ended meanwhile is remembered at least as long.
const LONGEST_READ: Duration = Duration::from_secs(15);
/// What an end is reckoned as.
const BYTES_OF_AN_END: usize = 64;

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
    /// The last end that was of all sessions.
    all_ended: u64,
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
        self.generations().ends
    }

    /// Keeps what the store answered to a read that `began` there.
    ///
    /// # Security
    /// An answer that was under way while its session ended is not kept: it says that the session lives.
    pub(super) fn see(&self, key: &StoreKey, kept: &Arc<Kept>, began: u64, now: Duration) {
        let mut generations = self.generations();
        if generations.last_end_of(key) > began {
            return;
        }
        if now.saturating_sub(generations.begun) >= self.limit.max(LONGEST_READ) || generations.bytes >= MAX_BYTES {
            generations.turn();
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
        let generations = self.generations();
        let seen = generations.young.get(key).or_else(|| generations.old.get(key))?;
        (now.saturating_sub(seen.at) < self.limit).then(|| Arc::clone(&seen.kept))
    }

    /// Forgets a session that has ended, or may have.
    pub(super) fn end(&self, key: &StoreKey) {
        let mut generations = self.generations();
        generations.remove(key);
        if generations.bytes >= MAX_BYTES {
            generations.turn();
        }
        generations.ends += 1;
        let ended = generations.ends;
        if generations.young_ends.insert(*key, ended).is_none() {
            generations.bytes = generations.bytes.saturating_add(BYTES_OF_AN_END);
        }
    }

    /// Forgets every session: any of them may have ended.
    pub(super) fn end_all(&self) {
        let mut generations = self.generations();
        let ended = generations.ends + 1;
        *generations = Generations {
            ends: ended,
            all_ended: ended,
            begun: generations.begun,
            ..Generations::default()
        };
    }

    /// Forgets a session that has changed.
    pub(super) fn forget(&self, key: &StoreKey) {
        self.generations().remove(key);
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn last_end_of(&self, key: &StoreKey) -> u64 {
        let ended = self.young_ends.get(key).or_else(|| self.old_ends.get(key));
        ended.copied().unwrap_or_default().max(self.all_ended)
    }

    fn remove(&mut self, key: &StoreKey) {
        self.old.remove(key);
        if let Some(seen) = self.young.remove(key) {
            self.bytes = self.bytes.saturating_sub(seen.kept.record.size());
        }
    }

    /// The young generation becomes the old one.
    fn turn(&mut self) {
        self.old = mem::take(&mut self.young);
        self.old_ends = mem::take(&mut self.young_ends);
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests;
