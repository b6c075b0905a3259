//! A bounded memory by digest: each entry for a while, the oldest out first.

use std::collections::{HashMap, VecDeque};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

/// SHA-256 of a token or a name: enough to know it again, and of no use to whoever reads our memory.
pub(crate) type Digest = [u8; 32];

const SHARDS: usize = 16;

/// What was found out of late, by digest; times are of the monotonic clock.
pub(crate) struct Recent<V> {
    shards: [RwLock<Shard<V>>; SHARDS],
    max_per_shard: usize,
}

struct Shard<V> {
    entries: HashMap<Digest, Entry<V>>,
    by_age: VecDeque<(Digest, u64)>,
    written: u64,
}

struct Entry<V> {
    value: V,
    until: Duration,
    number: u64,
}

impl<V: Clone> Recent<V> {
    /// Makes a memory of about `max` entries.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| {
                RwLock::new(Shard {
                    entries: HashMap::new(),
                    by_age: VecDeque::new(),
                    written: 0,
                })
            }),
            max_per_shard: max.div_ceil(SHARDS),
        }
    }

    /// Answers what is known, if it still counts.
    pub(crate) fn get(&self, digest: &Digest, now: Duration) -> Option<V> {
        let shard = self.shard(digest)?.read().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.entries.get(digest)?;
        (now < entry.until).then(|| entry.value.clone())
    }

    /// Remembers a value until a moment; the oldest make room.
    pub(crate) fn put(&self, digest: Digest, value: V, until: Duration) {
        let Some(shard) = self.shard(&digest) else { return };
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        let shard = &mut *shard;
        shard.written += 1;
        let number = shard.written;
        shard.entries.insert(digest, Entry { value, until, number });
        shard.by_age.push_back((digest, number));
        while shard.by_age.len() > self.max_per_shard {
            let Some((oldest, number)) = shard.by_age.pop_front() else {
                break;
            };
            // An entry written anew since then is not the oldest any more.
            if shard.entries.get(&oldest).is_some_and(|entry| entry.number == number) {
                shard.entries.remove(&oldest);
            }
        }
    }

    /// Forgets an entry; its place in the order of age goes with time.
    pub(crate) fn forget(&self, digest: &Digest) {
        if let Some(shard) = self.shard(digest) {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.entries.remove(digest);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let entries = |shard: &RwLock<Shard<V>>| shard.read().unwrap_or_else(PoisonError::into_inner).entries.len();
        self.shards.iter().map(entries).sum()
    }

    fn shard(&self, digest: &Digest) -> Option<&RwLock<Shard<V>>> {
        let [first, ..] = digest;
        self.shards.get(usize::from(*first) % SHARDS)
    }
}
