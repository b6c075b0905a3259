//! One read of a record at a time: who comes while one is under way shares the next one with everybody else who comes meanwhile.
//!
//! A page that begins with twenty requests asks the store twice and not twenty times. Nobody is given what was read before they
//! asked: a session that has just ended must not be seen alive by whoever comes afterwards. A read that fails has failed for all who
//! waited for it: they would wait for twice as long to be told the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorward_core::ports::{BoxFuture, StoreKey, Tasks};
use tokio::sync::watch;

/// The reads under way, and who waits for the next one.
pub(super) struct Turns<T, E> {
    under_way: Mutex<HashMap<StoreKey, Option<Next<T, E>>>>,
}

/// Whoever waits for the next read.
type Next<T, E> = watch::Sender<Option<Result<T, E>>>;

/// Makes a read; called once for each turn.
pub(super) type Read<T, E> = Arc<dyn Fn() -> BoxFuture<'static, Result<T, E>> + Send + Sync>;

enum Turn<T, E> {
    /// Nobody reads: this one does.
    Now,
    /// Somebody reads: this one shares the next read.
    Next(watch::Receiver<Option<Result<T, E>>>),
}

impl<T, E> Default for Turns<T, E> {
    fn default() -> Self {
        Self {
            under_way: Mutex::default(),
        }
    }
}

impl<T, E> Turns<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Reads, or shares a read that begins after now; `None` if the read was dropped before its end, as when the process stops.
    pub(super) async fn read(
        self: &Arc<Self>,
        key: &StoreKey,
        tasks: &Arc<dyn Tasks>,
        read: &Read<T, E>,
    ) -> Option<Result<T, E>> {
        let turn = match self.under_way().entry(*key) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(None);
                Turn::Now
            }
            std::collections::hash_map::Entry::Occupied(mut taken) => {
                let next = taken.get_mut().get_or_insert_with(|| watch::channel(None).0);
                Turn::Next(next.subscribe())
            }
        };
        match turn {
            Turn::Now => {
                // Ends the turn also where the request is dropped in the middle.
                let mut end = EndOfTurn {
                    turns: Arc::clone(self),
                    key: *key,
                    tasks: Arc::clone(tasks),
                    read: Arc::clone(read),
                    failed: None,
                };
                Some(end.read().await)
            }
            Turn::Next(mut next) => next
                .wait_for(Option::is_some)
                .await
                .ok()
                .and_then(|value| value.clone()),
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<StoreKey, Option<Next<T, E>>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins the next read of a key where somebody waits for it.
struct EndOfTurn<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    turns: Arc<Turns<T, E>>,
    key: StoreKey,
    tasks: Arc<dyn Tasks>,
    read: Read<T, E>,
    /// What the read of this turn failed with.
    failed: Option<E>,
}

impl<T, E> EndOfTurn<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    async fn read(&mut self) -> Result<T, E> {
        let value = (self.read)().await;
        self.failed = value.as_ref().err().cloned();
        value
    }
}

impl<T, E> Drop for EndOfTurn<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        let waiting = {
            let mut under_way = self.turns.under_way();
            let waiting = under_way.get_mut(&self.key).and_then(Option::take);
            if waiting.is_none() || self.failed.is_some() {
                under_way.remove(&self.key);
            }
            waiting
        };
        let Some(waiting) = waiting else { return };
        if let Some(error) = self.failed.take() {
            waiting.send_replace(Some(Err(error)));
            return;
        }
        let mut next = Self {
            turns: Arc::clone(&self.turns),
            key: self.key,
            tasks: Arc::clone(&self.tasks),
            read: Arc::clone(&self.read),
            failed: None,
        };
        self.tasks.spawn(Box::pin(async move {
            let value = next.read().await;
            waiting.send_replace(Some(value));
            drop(next);
        }));
    }
}

#[cfg(test)]
mod tests;
