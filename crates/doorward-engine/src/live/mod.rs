//! Live connections: what goes on after the guard has let it in, and has to end with the session.
//!
//! Each session with a live connection is watched by one job in `Tasks`, however many connections it has. The job reads the session
//! anew every [`READ_EVERY`], at its supposed end, and whenever it is told that something happened; what it finds is told to every
//! connection. The store's feed (`follow.rs`) and the ends that this process makes are hints that wake it: only what is read counts.
//!
//! An outage of the store ends nobody, until the end that was read last has passed.
//!
//! # Memory
//! A watched session takes about 1.5 kB, and the size of its identity once it was read; a further connection of the same session
//! about 0.5 kB. At most [`MAX_WATCHED`] are in the table; a connection beyond has a job of its own, without hints.

mod connection;
mod ended;
mod follow;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use doorward_core::ports::StoreKey;
use doorward_core::session::{LiveSession, SessionId};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch as channel};

pub use self::ended::Ended;

/// How often a live connection's session is read anew, whatever the feed says.
const READ_EVERY: Duration = Duration::from_secs(15);
/// Sessions watched at once.
const MAX_WATCHED: usize = 100_000;
/// Reads under way at once: of those that are due, and as many of those that something was said of.
const READS_AT_ONCE: usize = 64;

/// The table of sessions with live connections.
pub(crate) struct Live {
    table: Mutex<Table>,
    capacity: usize,
    due: Semaphore,
    asked: Semaphore,
    stopping: channel::Sender<bool>,
}

#[derive(Default)]
struct Table {
    watched: HashMap<LiveKey, Entry>,
    /// Whether the store's feed is followed.
    follows: bool,
}

struct Entry {
    watched: Arc<Watched>,
    connections: usize,
}

/// A session as the table knows it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LiveKey {
    Sealed(SessionId),
    Stored(StoreKey),
}

/// A session that is watched, as the table and its connections hold it.
struct Watched {
    wake: Notify,
    wishes: AtomicU8,
    told: OnceLock<Ended>,
    status: channel::Receiver<Status>,
}

/// What the last reading said.
#[derive(Clone)]
enum Status {
    /// It lives, in this state where it is another than at first.
    Live(Option<Arc<LiveSession>>),
    Over(Ended),
}

/// Why a session is to be read before its time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// Something may have been missed.
    Soon = 1,
    /// It was said to have changed.
    Now = 2,
    /// Its last connection is gone.
    Leave = 4,
}

impl Live {
    pub(crate) fn new() -> Arc<Self> {
        Self::with_capacity(MAX_WATCHED)
    }

    fn with_capacity(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::default(),
            capacity,
            due: Semaphore::new(READS_AT_ONCE),
            asked: Semaphore::new(READS_AT_ONCE),
            stopping: channel::Sender::new(false),
        })
    }

    /// Has a session's connections look at it now.
    pub(crate) fn look_again(&self, key: &LiveKey) {
        if let Some(entry) = self.table().watched.get(key) {
            entry.watched.ask(Wish::Now);
        }
    }

    /// Has every connection look at its session soon: something may have been missed.
    pub(crate) fn look_again_at_all(&self) {
        for entry in self.table().watched.values() {
            entry.watched.ask(Wish::Soon);
        }
    }

    /// Ends a session's connections, for who knows that it is over.
    pub(crate) fn ended(&self, key: &LiveKey, why: Ended) {
        if let Some(entry) = self.table().watched.get(key) {
            // Whoever said so first is right.
            let _ = entry.watched.told.set(why);
            entry.watched.ask(Wish::Now);
        }
    }

    /// Ends every connection there is and will be.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Enters a connection; `None` where the table is full. Where the session is watched already, `begin` is not called.
    fn enter(self: &Arc<Self>, key: LiveKey, begin: impl FnOnce(Watch)) -> Option<Watching> {
        let mut started = None;
        let watched = {
            let mut table = self.table();
            let is_full = table.watched.len() >= self.capacity;
            match table.watched.entry(key) {
                Slot::Occupied(mut slot) => {
                    let entry = slot.get_mut();
                    entry.connections += 1;
                    Arc::clone(&entry.watched)
                }
                Slot::Vacant(_) if is_full => return None,
                Slot::Vacant(slot) => {
                    let watch = Watch::new();
                    let entry = slot.insert(Entry {
                        watched: Arc::clone(&watch.watched),
                        connections: 1,
                    });
                    started = Some(watch);
                    Arc::clone(&entry.watched)
                }
            }
        };
        let watching = Watching {
            live: Arc::clone(self),
            key,
            watched,
        };
        // Outside the lock: a task runner may drop the job at once.
        if let Some(watch) = started {
            begin(watch);
        }
        Some(watching)
    }

    /// Takes a watching that has come to its end out of the table, whoever has not looked yet: a session that was said to be over
    /// while the store was out of reach may be used again, and whoever comes with it then is told anew.
    fn over(&self, key: &LiveKey, watched: &Arc<Watched>) {
        let mut table = self.table();
        if table
            .watched
            .get(key)
            .is_some_and(|entry| Arc::ptr_eq(&entry.watched, watched))
        {
            table.watched.remove(key);
        }
    }

    fn leave(&self, key: &LiveKey, watched: &Arc<Watched>) {
        let mut table = self.table();
        let Some(entry) = table.watched.get_mut(key) else {
            return;
        };
        // The watching that this connection was told the end of is out of the table; another may have begun.
        if !Arc::ptr_eq(&entry.watched, watched) {
            return;
        }
        entry.connections = entry.connections.saturating_sub(1);
        if entry.connections == 0 {
            table.watched.remove(key);
            watched.ask(Wish::Leave);
        }
    }

    /// Waits for one's turn to read.
    async fn turn(&self, wish: Option<Wish>) -> Option<SemaphorePermit<'_>> {
        let turns = match wish {
            Some(Wish::Now) => &self.asked,
            _ => &self.due,
        };
        // Never closed.
        turns.acquire().await.ok()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    fn ask(&self, wish: Wish) {
        self.wishes.fetch_or(wish as u8, Ordering::AcqRel);
        self.wake.notify_one();
    }

    /// The most urgent of the wishes since the last call.
    fn wish(&self) -> Option<Wish> {
        let wishes = self.wishes.swap(0, Ordering::AcqRel);
        [Wish::Leave, Wish::Now, Wish::Soon]
            .into_iter()
            .find(|wish| wishes & *wish as u8 != 0)
    }
}

/// A session to be watched, and whom to tell.
struct Watch {
    watched: Arc<Watched>,
    tell: channel::Sender<Status>,
}

impl Watch {
    fn new() -> Self {
        let (tell, status) = channel::channel(Status::Live(None));
        let watched = Arc::new(Watched {
            wake: Notify::new(),
            wishes: AtomicU8::new(0),
            told: OnceLock::new(),
            status,
        });
        Self { watched, tell }
    }
}

/// A connection's place in the table; dropping it gives the place back.
struct Watching {
    live: Arc<Live>,
    key: LiveKey,
    watched: Arc<Watched>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.live.leave(&self.key, &self.watched);
    }
}
