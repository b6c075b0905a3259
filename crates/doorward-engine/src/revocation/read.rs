//! Reading the entries: all of them at first and after an outage, then what is new, and what the feed tells of.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use doorward_core::ports::{BoxFuture, IndexKey, StoreError, StoreErrorKind, StoreFeed, StoreKey};
use futures_util::stream::{self, StreamExt as _};

use super::{AT_A_TIME, JUDGES_UNREAD, PAUSE, READ_EVERY, Revocations, Times};
use crate::follow::{Listener, follow};
use crate::outside::Ports;
use crate::single_flight::Begin;

/// How old a copy may be for what is new to be enough: the lists of new entries span ten minutes at least.
const NEW_IS_ENOUGH: Duration = Duration::from_secs(300);
/// How long the feed is followed without anybody being judged.
const QUIET: Duration = Duration::from_secs(60);

impl Revocations {
    /// How old the copy is; `None` where there is none.
    pub(super) fn age(&self, ports: &Ports) -> Option<Duration> {
        let read_at = self.times().read_at?;
        Some(ports.clock.monotonic().saturating_sub(read_at))
    }

    /// Begins to read where that is due; `false` where the caller has to wait for it.
    pub(super) fn read_as_due(self: &Arc<Self>, ports: &Ports) -> bool {
        self.note_asked(ports);
        let Some(age) = self.age(ports) else { return false };
        if age < READ_EVERY {
            return true;
        }
        if age >= JUDGES_UNREAD {
            return false;
        }
        if !self.reading.is_under_way(&()) {
            let (this, in_background) = (Arc::clone(self), ports.clone());
            ports.tasks.spawn(Box::pin(async move {
                this.read(&in_background).await;
            }));
        }
        true
    }

    /// Reads the entries unless that was done just now, or waits for the reading under way; `false` where the store did not answer.
    pub(super) async fn read(self: &Arc<Self>, ports: &Ports) -> bool {
        let begin = || {
            let now = ports.clock.monotonic();
            let Times { read_at, rests_until } = self.times();
            if read_at.is_some_and(|at| now.saturating_sub(at) < READ_EVERY) {
                return Begin::Known(true);
            }
            if now < rests_until {
                return Begin::Known(false);
            }
            let (this, ports) = (Arc::clone(self), ports.clone());
            Begin::Job(Box::pin(async move { this.read_now(&ports).await }))
        };
        self.reading.join((), &*ports.tasks, begin).await.unwrap_or(false)
    }

    async fn read_now(self: &Arc<Self>, ports: &Ports) -> bool {
        let began = ports.clock.monotonic();
        // Before the reading, so that nothing is written unheard between the two.
        self.follow(ports);
        let lists = match self.age(ports) {
            Some(age) if age < NEW_IS_ENOUGH => self.codec.lists_of_new(ports.clock.now()),
            _ => self.codec.lists_of_all(),
        };
        let mut outcome = Ok(());
        for list in lists {
            outcome = self.read_list(ports, &list).await;
            if outcome.is_err() {
                break;
            }
        }
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(()) => {
                times.read_at = Some(began);
                true
            }
            // Told where it arose.
            Err(_) => {
                times.rests_until = ports.clock.monotonic().saturating_add(PAUSE);
                false
            }
        }
    }

    async fn read_list(self: &Arc<Self>, ports: &Ports, list: &IndexKey) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self
                .health
                .call(ports, self.store.list(list, after, ports.clock.now()))
                .await?;
            let unknown: Vec<StoreKey> = {
                let copy = self.copy();
                page.keys.into_iter().filter(|key| !copy.holds(key)).collect()
            };
            let outcomes: Vec<Result<(), StoreError>> = stream::iter(unknown)
                .map(|key| async move { self.read_entry(ports, key).await })
                .buffer_unordered(AT_A_TIME)
                .collect()
                .await;
            // What is not ours is no entry, and no reason to leave the others unread.
            let is_ours = |outcome: &Result<(), StoreError>| !matches!(outcome, Err(error) if error.kind() == StoreErrorKind::Foreign);
            outcomes.into_iter().filter(is_ours).collect::<Result<(), _>>()?;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn read_entry(self: &Arc<Self>, ports: &Ports, key: StoreKey) -> Result<(), StoreError> {
        let now = ports.clock.now();
        let loaded = self.health.call(ports, self.store.load(&key, now)).await?;
        // What is gone has ended, and what does not open is none of ours.
        if let Some(revocation) = loaded.entry.and_then(|entry| self.codec.open(&key, &entry.bytes).ok()) {
            self.take_in(key, &revocation, now);
            self.learn(&revocation, now);
            self.wake(ports, &revocation);
        }
        Ok(())
    }

    /// Follows the store's feed for as long as anybody is judged, unless somebody does already.
    fn follow(self: &Arc<Self>, ports: &Ports) {
        if self.is_followed.swap(true, Ordering::Relaxed) {
            return;
        }
        let follower = Follower {
            revocations: Arc::clone(self),
            ports: ports.clone(),
        };
        ports.tasks.spawn(Box::pin(follow(follower, ports.clone())));
    }

    fn times(&self) -> Times {
        *self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Follower {
    revocations: Arc<Revocations>,
    ports: Ports,
}

impl Listener for Follower {
    const OF: &'static str = "revocations";
    const LOOK_EVERY: Duration = READ_EVERY;

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn StoreFeed>, StoreError>> {
        self.revocations.store.feed()
    }

    // What was missed stands in the lists, which are read every few seconds.
    fn begun(&self) {}

    fn heard(&self, key: StoreKey) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // An entry is written once, and what this process wrote itself it knows.
            if self.revocations.copy().holds(&key) {
                return;
            }
            // What cannot be read is found in the lists.
            if let Err(error) = self.revocations.read_entry(&self.ports, key).await {
                tracing::debug!(%error, "an entry of the revocation store could not be read");
            }
        })
    }

    fn look(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.revocations.read(&self.ports).await;
        })
    }

    fn is_wanted(&self) -> bool {
        let asked_at = Duration::from_millis(self.revocations.asked_at.load(Ordering::Relaxed));
        let is_wanted = self.ports.clock.monotonic().saturating_sub(asked_at) < QUIET;
        self.revocations.is_followed.store(is_wanted, Ordering::Relaxed);
        is_wanted
    }

    fn dropped(&self) {
        self.revocations.is_followed.store(false, Ordering::Relaxed);
    }
}
