//! A map that never outgrows its limit: when full, the oldest entry is dropped.

use std::collections::{BTreeMap, HashMap};

/// A map from string keys with a fixed capacity and first-in, first-out eviction.
#[derive(Debug)]
pub(crate) struct Bounded<V> {
    entries: HashMap<String, (u64, V)>,
    order: BTreeMap<u64, String>,
    next: u64,
    capacity: usize,
}

impl<V> Bounded<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: BTreeMap::new(),
            next: 0,
            capacity: capacity.max(1),
        }
    }

    /// Inserts or replaces; a replaced entry counts as new.
    pub(crate) fn insert(&mut self, key: String, value: V) {
        self.remove(&key);
        while self.entries.len() >= self.capacity {
            let Some((_, oldest)) = self.order.pop_first() else {
                break;
            };
            self.entries.remove(&oldest);
        }
        self.order.insert(self.next, key.clone());
        self.entries.insert(key, (self.next, value));
        self.next += 1;
    }

    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<V> {
        let (position, value) = self.entries.remove(key)?;
        self.order.remove(&position);
        Some(value)
    }

    /// Takes out every entry that `matches`, oldest first.
    pub(crate) fn take_where(&mut self, matches: impl Fn(&V) -> bool) -> Vec<V> {
        let keys: Vec<String> = self
            .order
            .values()
            .filter(|key| self.get(key).is_some_and(&matches))
            .cloned()
            .collect();
        keys.iter().filter_map(|key| self.remove(key)).collect()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.order.values().filter_map(|key| self.get(key))
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entry_is_dropped_when_full() {
        let mut map = Bounded::new(2);
        for key in ["a", "b", "c"] {
            map.insert(key.to_owned(), key.len());
        }
        assert!(map.get("a").is_none());
        assert!(map.get("b").is_some() && map.get("c").is_some());
        assert_eq!(map.len(), 2);
    }

    #[test]
    fn replacing_an_entry_makes_it_the_newest() {
        let mut map = Bounded::new(2);
        map.insert("a".into(), 1);
        map.insert("b".into(), 2);
        map.insert("a".into(), 3);
        map.insert("c".into(), 4);
        assert_eq!(map.get("a"), Some(&3));
        assert!(map.get("b").is_none());
    }

    #[test]
    fn removing_frees_the_place() {
        let mut map = Bounded::new(2);
        map.insert("a".into(), 1);
        map.insert("b".into(), 2);
        assert_eq!(map.remove("a"), Some(1));
        map.insert("c".into(), 3);
        assert_eq!(map.values().copied().collect::<Vec<_>>(), [2, 3]);
        assert_eq!(map.take_where(|value| *value == 3), [3]);
        assert_eq!(map.len(), 1);
    }
}
