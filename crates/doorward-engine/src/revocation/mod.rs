//! The revocation set of sessions that live in cookies alone: entries in a store, and this process's copy of them.
//!
//! Requests are judged by the copy, so that a session costs no round trip. How old the copy may be:
//!
//! 1. One that was read within [`READ_EVERY`] judges at once; and each entry is heard of through the store's feed besides.
//! 2. An older one judges at once too while it is read again, up to [`JUDGES_UNREAD`]: then requests wait for that reading. So whoever
//!    comes after a quiet hour is not judged by what was known then.
//! 3. While the store does not answer, the copy judges for [`JUDGES_IN_OUTAGE`]. After that nobody can tell who was ended, and requests
//!    with a session are refused with 503.
//!
//! What this process ends itself counts here at once.

mod judge;
mod read;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::ports::{SessionStore, StoreError, StoreErrorKind, StoreKey, Write, Written};
use doorward_core::session::{AT_ONCE, LiveSession, Revocation, RevocationCodec, RevocationSet, Revoked, SessionId};
use futures_util::stream::{self, StreamExt as _};

use crate::live::{Live, LiveKey};
use crate::newest::Newest;
use crate::outside::Ports;
use crate::single_flight::SingleFlight;
use crate::stored::{Health, SLACK};

/// How often the copy is read anew.
pub(crate) const READ_EVERY: Duration = Duration::from_secs(5);
/// How old a copy may be that judges while it is read again.
pub(crate) const JUDGES_UNREAD: Duration = Duration::from_secs(10);
/// How old a copy may be that judges while the store does not answer.
pub(crate) const JUDGES_IN_OUTAGE: Duration = Duration::from_secs(60);
/// How long a store that did not answer is left alone.
const PAUSE: Duration = Duration::from_secs(1);
/// How often all live connections are woken at most.
const WAKE_EVERY: Duration = Duration::from_millis(100);
/// Entries that are read or written at a time.
const AT_A_TIME: usize = 16;

/// The store of the entries and the copy.
pub(crate) struct Revocations {
    /// Who is told that a session may have ended.
    live: Arc<Live>,
    /// What this process knows of single sessions; it learns here what others ended.
    newest: Arc<Newest>,
    store: Arc<dyn SessionStore>,
    health: Health,
    codec: RevocationCodec,
    copy: RwLock<RevocationSet>,
    times: Mutex<Times>,
    reading: SingleFlight<(), bool>,
    /// Somebody follows the feed.
    is_followed: AtomicBool,
    /// When somebody was judged last: monotonic milliseconds.
    asked_at: AtomicU64,
    /// When all live connections were woken last: monotonic milliseconds; 0 if never.
    woken_at: AtomicU64,
    /// They will be woken in a moment.
    wakes_soon: AtomicBool,
}

/// By the monotonic clock.
#[derive(Default, Clone, Copy)]
struct Times {
    /// When the last reading that came to its end began.
    read_at: Option<Duration>,
    /// The store did not answer, and is not asked again before.
    rests_until: Duration,
}

/// What the copy says of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It was not ended.
    Stands,
    /// It was ended.
    Ended,
    /// The copy is too old to say: it has to be read first.
    Unread,
}

impl Revocations {
    pub(crate) fn new(
        store: Arc<dyn SessionStore>,
        codec: RevocationCodec,
        live: Arc<Live>,
        newest: Arc<Newest>,
    ) -> Self {
        Self {
            live,
            newest,
            health: Health::of(&*store),
            store,
            codec,
            copy: RwLock::default(),
            times: Mutex::default(),
            reading: SingleFlight::default(),
            is_followed: AtomicBool::new(false),
            asked_at: AtomicU64::new(0),
            woken_at: AtomicU64::new(0),
            wakes_soon: AtomicBool::new(false),
        }
    }

    /// Judges a session by the copy, and sees to it that the copy is read.
    pub(crate) fn judge(self: &Arc<Self>, ports: &Ports, live: &LiveSession) -> Standing {
        // Who was ended stays so, however old the copy is.
        if self.copy().ends(live, ports.clock.now()) {
            return Standing::Ended;
        }
        match self.read_as_due(ports) {
            true => Standing::Stands,
            false => Standing::Unread,
        }
    }

    /// Judges a session once the copy has been read.
    ///
    /// # Errors
    /// [`StoreError`] where it could not be read for too long.
    pub(crate) async fn judge_when_read(
        self: &Arc<Self>,
        ports: &Ports,
        live: &LiveSession,
    ) -> Result<Standing, StoreError> {
        self.note_asked(ports);
        let was_read = self.read(ports).await;
        if self.copy().ends(live, ports.clock.now()) {
            return Ok(Standing::Ended);
        }
        match was_read || self.age(ports).is_some_and(|age| age < JUDGES_IN_OUTAGE) {
            true => Ok(Standing::Stands),
            false => Err(StoreError::new(StoreErrorKind::Unreachable)),
        }
    }

    /// Ends sessions: here at once, everywhere else once the store has it.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not take all of it: other processes may not hear of it, and the same is to be tried again.
    pub(crate) async fn end(
        self: &Arc<Self>,
        ports: &Ports,
        ended: impl IntoIterator<Item = (Revoked, UnixTime)>,
    ) -> Result<(), StoreError> {
        let failed = |error: &dyn std::fmt::Display| StoreError::with_source(StoreErrorKind::Failed, error.to_string());
        let mut entries = Vec::new();
        let now = ports.clock.now();
        for (of, until) in ended {
            let key = self.codec.key(&*ports.random, &of).map_err(|error| failed(&error))?;
            let revocation = Revocation { of, until };
            self.take_in(key, &revocation, now);
            self.wake(ports, &revocation);
            entries.push((key, revocation));
        }
        let outcomes: Vec<Result<(), StoreError>> = stream::iter(entries)
            .map(|(key, revocation)| async move {
                let bytes = self.codec.seal(&*ports.random, &key, &revocation);
                let bytes = bytes.map_err(|error| failed(&error))?;
                self.write(ports, &key, &bytes, revocation.until).await
            })
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        outcomes.into_iter().collect()
    }

    /// Ends single sessions: which, until when that is remembered, and when, where another takes its place.
    ///
    /// # Errors
    /// As [`end`](Self::end).
    pub(crate) async fn end_sessions(
        self: &Arc<Self>,
        ports: &Ports,
        sessions: impl IntoIterator<Item = (SessionId, UnixTime, Option<UnixTime>)>,
    ) -> Result<(), StoreError> {
        let sessions = sessions.into_iter().map(|(id, until, retires_at)| {
            let from = retires_at.unwrap_or(AT_ONCE);
            (Revoked::Session { id, from }, until)
        });
        self.end(ports, sessions).await
    }

    /// Whether something that happens once is remembered.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not answer.
    pub(crate) async fn is_used(&self, ports: &Ports, key: &StoreKey) -> Result<bool, StoreError> {
        let call = self.store.load(key, ports.clock.now());
        Ok(self.health.call(ports, call).await?.entry.is_some())
    }

    /// Remembers something that happens once; `false` if it is remembered already.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not answer.
    pub(crate) async fn first_use(&self, ports: &Ports, key: &StoreKey, until: UnixTime) -> Result<bool, StoreError> {
        let write = Write {
            expected: None,
            bytes: &[],
            keep_until: until.saturating_add(SLACK),
            lists: &[],
            announce: false,
        };
        let call = self.store.write(key, write, ports.clock.now());
        Ok(self.health.call(ports, call).await? != Written::Conflict)
    }

    async fn write(&self, ports: &Ports, key: &StoreKey, bytes: &[u8], until: UnixTime) -> Result<(), StoreError> {
        let now = ports.clock.now();
        let until = until.saturating_add(SLACK);
        let write = Write {
            expected: None,
            bytes,
            keep_until: until,
            lists: &self.codec.entered(until, now),
            announce: true,
        };
        match self.health.call(ports, self.store.write(key, write, now)).await? {
            // What is there already is the same: entries are written once.
            Written::Done { .. } | Written::Conflict => Ok(()),
        }
    }

    fn take_in(&self, key: StoreKey, revocation: &Revocation, now: UnixTime) {
        let mut copy = self.copy.write().unwrap_or_else(PoisonError::into_inner);
        if copy.insert(key, revocation, now) {
            tracing::warn!(
                "more sessions were ended than are remembered, and the oldest of them count again; keep sessions in a store"
            );
        }
    }

    /// Learns what another process ended: such a session is written no more here either, and no response brings its cookies back.
    fn learn(&self, revocation: &Revocation, now: UnixTime) {
        let Revoked::Session { id, from } = &revocation.of else {
            return;
        };
        // Ended twice is ended. Its newest state stays, for tokens that are being renewed and have to be taken back.
        let _ = self.newest.retire(id, *from, revocation.until, now);
    }

    /// Has the live connections that an entry may mean judged anew: at once, and all of them no more often than ten times a second.
    fn wake(self: &Arc<Self>, ports: &Ports, revocation: &Revocation) {
        if let Revoked::Session { id, .. } = &revocation.of {
            self.live.look_again(&LiveKey::Sealed(*id));
            return;
        }
        let now = milliseconds(ports.clock.monotonic());
        let woken_at = self.woken_at.load(Ordering::Relaxed);
        if woken_at == 0 || now.saturating_sub(woken_at) >= milliseconds(WAKE_EVERY) {
            self.woken_at.store(now.max(1), Ordering::Relaxed);
            self.live.look_again_at_all();
        } else if !self.wakes_soon.swap(true, Ordering::AcqRel) {
            let (this, in_background) = (Arc::clone(self), ports.clone());
            ports.tasks.spawn(Box::pin(async move {
                in_background.tasks.sleep(WAKE_EVERY).await;
                // Before they look: what comes now has them look once more.
                this.wakes_soon.store(false, Ordering::Release);
                this.woken_at
                    .store(milliseconds(in_background.clock.monotonic()).max(1), Ordering::Relaxed);
                this.live.look_again_at_all();
            }));
        }
    }

    /// Notes that somebody is judged: the feed is followed for as long as that happens.
    fn note_asked(&self, ports: &Ports) {
        self.asked_at
            .store(milliseconds(ports.clock.monotonic()), Ordering::Relaxed);
    }

    fn copy(&self) -> std::sync::RwLockReadGuard<'_, RevocationSet> {
        self.copy.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
