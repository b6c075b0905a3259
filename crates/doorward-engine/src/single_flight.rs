//! One job at a time per key, with every waiter given the same result.
//!
//! The job runs in [`Tasks`], never in the request that began it: a client that hangs up takes
//! nothing down with it. A waiter that is dropped stops waiting and changes nothing.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use doorward_core::ports::{BoxFuture, Tasks};
use tokio::sync::watch;

type Slot<V> = watch::Receiver<Option<V>>;

/// A table of jobs under way.
#[derive(Debug)]
pub(crate) struct SingleFlight<K, V> {
    jobs: Arc<Mutex<HashMap<K, Slot<V>>>>,
}

/// What [`SingleFlight::join`] decided under the table's lock.
pub(crate) enum Begin<V> {
    /// The answer is known already; nothing is started.
    Known(V),
    /// A job must run.
    Job(BoxFuture<'static, V>),
}

impl<K, V> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self { jobs: Arc::default() }
    }
}

impl<K, V> SingleFlight<K, V>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Whether a job is under way for `key`.
    pub(crate) fn is_under_way(&self, key: &K) -> bool {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.contains_key(key)
    }

    /// Joins the job under way for `key`, or begins one.
    ///
    /// `begin` runs under the table's lock and only where no job is under way, so that it can look
    /// once more for a result that a job finished just now. Answers `None` only if the job was
    /// dropped before its end, which a [`Tasks`] does when the process stops.
    pub(crate) async fn join(&self, key: K, tasks: &dyn Tasks, begin: impl FnOnce() -> Begin<V>) -> Option<V> {
        let (mut slot, start) = {
            let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(slot) = jobs.get(&key) {
                (slot.clone(), None)
            } else {
                match begin() {
                    Begin::Known(value) => return Some(value),
                    Begin::Job(job) => {
                        let (sender, slot) = watch::channel(None);
                        jobs.insert(key.clone(), slot.clone());
                        (slot, Some((job, sender)))
                    }
                }
            }
        };
        // Outside the lock: a task runner that drops the job at once runs `Leave` here.
        if let Some((job, sender)) = start {
            let leave = Leave {
                jobs: Arc::clone(&self.jobs),
                key,
            };
            tasks.spawn(Box::pin(async move {
                let value = job.await;
                // The entry goes before the result is told: whoever comes later starts from the
                // state that the job has left, not from the job.
                drop(leave);
                sender.send_replace(Some(value));
            }));
        }
        slot.wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|value| value.clone())
    }
}

/// Takes the job out of the table, also when the job is dropped or panics.
struct Leave<K: Eq + Hash, V> {
    jobs: Arc<Mutex<HashMap<K, Slot<V>>>>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Leave<K, V> {
    fn drop(&mut self) {
        self.jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}
