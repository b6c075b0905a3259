//! Following the session store's feed: for as long as there are live connections, and where sessions seen lately are served during an
//! outage, for as long as the engine lives.

use std::sync::{Arc, Weak};
use std::time::Duration;

use doorward_core::ports::{BoxFuture, StoreError, StoreErrorKind, StoreFeed, StoreKey};

use super::{Live, LiveKey};
use crate::auth::{Inner, SessionPlace};
use crate::follow::{Listener, follow};
use crate::stored::StoredSessions;

impl Inner {
    /// Begins to follow the store's feed, where there is one and it is not followed yet.
    pub(crate) fn follow_feed(self: &Arc<Self>) {
        if matches!(self.place, SessionPlace::Cookie(_)) || !self.live.begin_to_follow() {
            return;
        }
        let follower = Follower {
            inner: Arc::downgrade(self),
            live: Arc::clone(&self.live),
        };
        self.ports.tasks.spawn(Box::pin(follow(follower, self.ports.clone())));
    }

    fn stored(&self) -> Option<&StoredSessions> {
        match &self.place {
            SessionPlace::Store(stored) => Some(stored),
            SessionPlace::Cookie(_) => None,
        }
    }
}

impl Live {
    fn begin_to_follow(&self) -> bool {
        !std::mem::replace(&mut self.table().follows, true)
    }

    /// Ends the following if there is nobody left to tell; under the lock, so that whoever comes next begins it again.
    fn follows_for_nobody(&self) -> bool {
        let mut table = self.table();
        if table.watched.is_empty() {
            table.follows = false;
            table.watched.shrink_to_fit();
        }
        !table.follows
    }
}

/// Does not keep the engine.
struct Follower {
    inner: Weak<Inner>,
    live: Arc<Live>,
}

impl Listener for Follower {
    const OF: &'static str = "sessions";
    const LOOK_EVERY: Duration = Duration::from_secs(60);

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn StoreFeed>, StoreError>> {
        Box::pin(async {
            let inner = self.inner.upgrade();
            match inner.as_deref().and_then(Inner::stored) {
                Some(stored) => stored.feed().await,
                None => Err(StoreError::new(StoreErrorKind::Unreachable)),
            }
        })
    }

    fn begun(&self) {
        if let Some(stored) = self.inner.upgrade().as_deref().and_then(Inner::stored) {
            stored.discard_all();
        }
        self.live.look_again_at_all();
    }

    fn heard(&self, key: StoreKey) -> BoxFuture<'_, ()> {
        // What another instance changed is not served as it was seen here.
        if let Some(stored) = self.inner.upgrade().as_deref().and_then(Inner::stored) {
            stored.discard(&key);
        }
        self.live.look_again(&LiveKey::Stored(key));
        Box::pin(std::future::ready(()))
    }

    fn is_wanted(&self) -> bool {
        let inner = self.inner.upgrade();
        let Some(stored) = inner.as_deref().and_then(Inner::stored) else {
            return false;
        };
        stored.serves_stale() || !self.live.follows_for_nobody()
    }

    /// A runtime that goes away takes the job with it; the next connection begins it anew.
    fn dropped(&self) {
        self.live.table().follows = false;
    }
}
