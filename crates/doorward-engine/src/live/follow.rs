//! Following the store's feed, for as long as there are live connections.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use doorward_core::ports::{StoreError, StoreErrorKind, StoreFeed, StoreKey};
use futures_util::future::{Either, select};

use super::{Live, LiveKey};
use crate::auth::{Inner, SessionPlace};
use crate::outside::Ports;

/// The pause after a feed was lost.
const BEGIN_AGAIN: Duration = Duration::from_secs(1);
/// How long a feed may take to begin.
const BEGIN_DEADLINE: Duration = Duration::from_secs(5);
/// How often it is asked whether anybody still has to be told.
const LINGER: Duration = Duration::from_secs(60);

impl Inner {
    /// Begins to follow the store's feed, where there is one and it is not followed yet.
    pub(crate) fn follow_feed(self: &Arc<Self>) {
        if matches!(self.place, SessionPlace::Cookie(_)) || !self.live.begin_to_follow() {
            return;
        }
        let follower = Follower {
            inner: Arc::downgrade(self),
            live: Arc::clone(&self.live),
            ports: self.ports.clone(),
            is_done: false,
        };
        self.ports.tasks.spawn(Box::pin(follower.follow()));
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
    ports: Ports,
    /// It has ended by itself, and perhaps another one follows by now.
    is_done: bool,
}

/// A runtime that goes away takes the job with it; the next connection begins it anew.
impl Drop for Follower {
    fn drop(&mut self) {
        if !self.is_done {
            self.live.table().follows = false;
        }
    }
}

impl Follower {
    async fn follow(mut self) {
        let mut is_told = false;
        loop {
            match self.begin().await {
                None => return,
                Some(Ok(mut feed)) => {
                    is_told = false;
                    // Whatever happened before is in no feed.
                    self.live.look_again_at_all();
                    match self.hear(&mut *feed).await {
                        None => return,
                        Some(error) => tracing::warn!(%error, "feed of the session store is lost; it is begun again"),
                    }
                }
                // Once an outage, and not once a second.
                Some(Err(error)) if !std::mem::replace(&mut is_told, true) => {
                    tracing::warn!(%error, "feed of the session store cannot be had; tried again");
                }
                Some(Err(_)) => {}
            }
            self.ports.tasks.sleep(BEGIN_AGAIN).await;
            if self.is_done() {
                return;
            }
        }
    }

    async fn begin(&self) -> Option<Result<Box<dyn StoreFeed>, StoreError>> {
        let inner = self.inner.upgrade()?;
        let SessionPlace::Store(stored) = &inner.place else {
            return None;
        };
        let feed = self.ports.within(BEGIN_DEADLINE, stored.feed()).await;
        Some(feed.unwrap_or(Err(StoreError::new(StoreErrorKind::Timeout))))
    }

    /// Passes on what the feed says until it is lost; `None` where nobody wants to know any more.
    async fn hear(&mut self, feed: &mut dyn StoreFeed) -> Option<StoreError> {
        let mut linger = self.ports.tasks.sleep(LINGER);
        loop {
            // Kept over the pauses: a feed need not bear its waiting to be dropped in the middle.
            let mut next = pin!(feed.next());
            let heard = loop {
                match select(next.as_mut(), linger.as_mut()).await {
                    Either::Left((heard, _)) => break heard,
                    Either::Right(((), _)) => {
                        if self.is_done() {
                            return None;
                        }
                        linger = self.ports.tasks.sleep(LINGER);
                    }
                }
            };
            match heard {
                Ok(key) => {
                    self.forget(&key);
                    self.live.look_again(&LiveKey::Stored(key));
                }
                Err(error) => return Some(error),
            }
        }
    }

    /// What another instance changed is not served as it was seen here.
    fn forget(&self, key: &StoreKey) {
        if let Some(inner) = self.inner.upgrade()
            && let SessionPlace::Store(stored) = &inner.place
        {
            stored.forget(key);
        }
    }

    fn is_done(&mut self) -> bool {
        self.is_done = self.inner.strong_count() == 0 || self.live.follows_for_nobody();
        self.is_done
    }
}
