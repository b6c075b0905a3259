//! Following a store's feed for as long as somebody wants to know what it says.
//!
//! A feed is a hint: what it loses is found by reading. One that breaks is begun again after [`BEGIN_AGAIN`], and an outage is told once.

use std::pin::pin;
use std::time::Duration;

use doorward_core::ports::{BoxFuture, StoreError, StoreErrorKind, StoreFeed, StoreKey};
use futures_util::future::{Either, select};

use crate::outside::Ports;

#[cfg(test)]
mod tests;

/// The pause after a feed was lost; doubled from the second one on that lasted for less than [`LASTS`], up to [`LONGEST_PAUSE`].
const BEGIN_AGAIN: Duration = Duration::from_secs(1);
/// How long a feed lasts that is in order.
const LASTS: Duration = Duration::from_secs(10);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long a feed may take to begin. Not a call's deadline: a connection of its own is made for it.
const BEGIN_DEADLINE: Duration = Duration::from_secs(5);

/// Who wants to know what a feed says.
pub(crate) trait Listener: Send + Sync + 'static {
    /// Whose feed it is, for the log.
    const OF: &'static str;
    /// How often [`look`](Self::look) is called.
    const LOOK_EVERY: Duration;

    /// Begins the feed.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not answer.
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn StoreFeed>, StoreError>>;

    /// A feed has begun. Whatever happened before is in none.
    fn begun(&self);

    /// Somebody announced a change of this key.
    fn heard(&self, key: StoreKey) -> BoxFuture<'_, ()>;

    /// Called now and then while the feed is followed.
    fn look(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Whether anybody still wants to know. Whoever says no has noted by then that nobody follows, so that the next one begins anew.
    fn is_wanted(&self) -> bool;

    /// The following was dropped in the middle, as with its runtime.
    fn dropped(&self);
}

/// Follows a feed until nobody wants to know any more.
pub(crate) async fn follow(listener: impl Listener, ports: Ports) {
    let mut following = Following {
        listener,
        is_over: false,
    };
    following.go_on(&ports).await;
}

struct Following<L: Listener> {
    listener: L,
    /// It has ended by itself, and perhaps another one follows by now.
    is_over: bool,
}

impl<L: Listener> Drop for Following<L> {
    fn drop(&mut self) {
        if !self.is_over {
            self.listener.dropped();
        }
    }
}

impl<L: Listener> Following<L> {
    async fn go_on(&mut self, ports: &Ports) {
        let mut is_told = false;
        let (mut pause, mut next_pause) = (BEGIN_AGAIN, BEGIN_AGAIN);
        loop {
            let begun = ports.within(BEGIN_DEADLINE, self.listener.begin()).await;
            match begun.unwrap_or(Err(StoreError::new(StoreErrorKind::Timeout))) {
                Ok(mut feed) => {
                    if is_told {
                        tracing::info!(of = L::OF, "feed of the store is followed again");
                    }
                    self.listener.begun();
                    let began = ports.clock.monotonic();
                    let Some(error) = self.hear(ports, &mut *feed).await else {
                        return;
                    };
                    tracing::warn!(%error, of = L::OF, "feed of the store is lost; it is begun again");
                    is_told = true;
                    let has_lasted = ports.clock.monotonic().saturating_sub(began) >= LASTS;
                    pause = if has_lasted { BEGIN_AGAIN } else { next_pause };
                    next_pause = (pause * 2).min(LONGEST_PAUSE);
                }
                // Once an outage, and not once a second.
                Err(error) if !std::mem::replace(&mut is_told, true) => {
                    tracing::warn!(%error, of = L::OF, "feed of the store cannot be had; tried again every second");
                }
                Err(_) => pause = BEGIN_AGAIN,
            }
            ports.tasks.sleep(pause).await;
            if self.is_over() {
                return;
            }
        }
    }

    /// Passes on what the feed says until it is lost; `None` where nobody wants to know any more.
    async fn hear(&mut self, ports: &Ports, feed: &mut dyn StoreFeed) -> Option<StoreError> {
        let mut pause = ports.tasks.sleep(L::LOOK_EVERY);
        loop {
            // Kept over the pauses: a feed need not bear its waiting to be dropped in the middle.
            let mut next = pin!(feed.next());
            let heard = loop {
                match select(next.as_mut(), pause.as_mut()).await {
                    Either::Left((heard, _)) => break heard,
                    Either::Right(((), _)) => {
                        if self.is_over() {
                            return None;
                        }
                        self.listener.look().await;
                        pause = ports.tasks.sleep(L::LOOK_EVERY);
                    }
                }
            };
            match heard {
                Ok(key) => self.listener.heard(key).await,
                Err(error) => return Some(error),
            }
        }
    }

    fn is_over(&mut self) -> bool {
        self.is_over = !self.listener.is_wanted();
        self.is_over
    }
}
