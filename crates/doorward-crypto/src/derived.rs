//! The keys of one purpose, one of each root secret, that change when the secrets do.
//!
//! Whoever seals or opens reads them without a lock, a few nanoseconds a time, and keeps what it read for that one value: a
//! replacement meanwhile shows at the next.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::keyring::Root;

/// Makes a key of a root secret for a purpose; `None` only if the library refuses its length, which it does not.
pub(crate) type Derive<K> = fn(&Root, &'static str) -> Option<K>;

/// Keys of one purpose; the first seals or signs, all open or verify.
pub(crate) struct Derived<K> {
    purpose: &'static str,
    derive: Derive<K>,
    keys: ArcSwap<Box<[K]>>,
}

/// What a ring does with everything that came of it, whatever keys it holds.
pub(crate) trait Rederive: Send + Sync {
    /// Takes the keys of these roots in place of those at hand.
    fn rederive(&self, roots: &[Root]);
}

impl<K> Derived<K> {
    pub(crate) fn new(purpose: &'static str, derive: Derive<K>, roots: &[Root]) -> Self {
        Self {
            purpose,
            derive,
            keys: ArcSwap::from_pointee(derive_each(roots, derive, purpose)),
        }
    }

    /// Keys that come of no root secret, for vectors of a standard.
    #[cfg(test)]
    pub(crate) fn fixed(keys: impl IntoIterator<Item = K>) -> Self {
        Self {
            purpose: "",
            derive: |_, _| None,
            keys: ArcSwap::from_pointee(keys.into_iter().collect()),
        }
    }

    pub(crate) fn purpose(&self) -> &'static str {
        self.purpose
    }

    /// The keys as they are now.
    #[inline]
    pub(crate) fn keys(&self) -> Guard<Arc<Box<[K]>>> {
        self.keys.load()
    }
}

impl<K: Send + Sync> Rederive for Derived<K> {
    fn rederive(&self, roots: &[Root]) {
        self.keys.store(Arc::new(derive_each(roots, self.derive, self.purpose)));
    }
}

fn derive_each<K>(roots: &[Root], derive: Derive<K>, purpose: &'static str) -> Box<[K]> {
    roots.iter().filter_map(|root| derive(root, purpose)).collect()
}
