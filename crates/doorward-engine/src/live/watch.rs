//! Watching one session: reading it again and again until it is over.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::session::{self as rules, LiveSession, SessionHandle, SessionId, Standing};

use super::{Ended, LiveKey, READ_EVERY, Status, Watch, Watched, Wish};
use crate::auth::{Inner, SessionPlace};
use crate::newest::{Known, Newest};
use crate::revocation::Standing as Verdict;
use crate::session::{PlacedSession, Session};
use crate::stored::{Found, StoredSessions};

/// How soon a reading that something asked for is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// A session, and what is known of it.
#[derive(Clone)]
pub(super) struct Subject {
    place: Place,
    /// When it ends, as far as is known.
    ends_at: UnixTime,
}

#[derive(Clone)]
enum Place {
    Sealed {
        id: SessionId,
        revision: u64,
        /// As the connection's request brought it; only tests watch without one.
        session: Option<Session>,
    },
    Stored(SessionHandle),
}

enum Reading {
    Live(Option<Arc<LiveSession>>),
    Over(Ended),
    /// Nobody could say.
    Unknown,
}

impl Subject {
    pub(super) fn of(session: &Session) -> Self {
        let live = &session.inner.live;
        Self {
            place: match &session.inner.place {
                PlacedSession::Cookie => Place::Sealed {
                    id: live.id(),
                    revision: live.revision(),
                    session: Some(session.clone()),
                },
                PlacedSession::Store { handle, .. } => Place::Stored(handle.clone()),
            },
            ends_at: live.expires_at(),
        }
    }

    #[cfg(test)]
    pub(super) fn sealed(id: SessionId, ends_at: UnixTime) -> Self {
        let place = Place::Sealed {
            id,
            revision: 1,
            session: None,
        };
        Self { place, ends_at }
    }

    #[cfg(test)]
    pub(super) fn stored(handle: SessionHandle, ends_at: UnixTime) -> Self {
        let place = Place::Stored(handle);
        Self { place, ends_at }
    }

    pub(super) fn key(&self) -> LiveKey {
        match &self.place {
            Place::Sealed { id, .. } => LiveKey::Sealed(*id),
            Place::Stored(handle) => LiveKey::Stored(handle.store_key()),
        }
    }

    /// Reads the session until it is over or nobody wants to know any more.
    pub(super) async fn watch(mut self, inner: Arc<Inner>, watch: Watch) {
        let Watch { watched, tell } = watch;
        let mut pause = self.first_pause();
        let mut wish = None;
        loop {
            let reading = match watched.told.get() {
                Some(why) => Reading::Over(*why),
                None => self.read(&inner, wish).await,
            };
            let left = self.ends_at.saturating_since(inner.ports.clock.now());
            match reading {
                Reading::Over(why) => {
                    inner.live.over(&self.key(), &watched);
                    tell.send_replace(Status::Over(why));
                    return;
                }
                Reading::Live(live) => {
                    tell.send_replace(Status::Live(live));
                    wish = None;
                }
                // Nobody can have moved its end on while the store is away.
                Reading::Unknown if left.is_zero() => {
                    inner.live.over(&self.key(), &watched);
                    tell.send_replace(Status::Over(Ended::Expired));
                    return;
                }
                Reading::Unknown => {
                    if wish.is_some() {
                        pause = TRY_AGAIN;
                    }
                }
            }
            match self.wait(&inner, &watched, pause.min(left)).await {
                Some(Wish::Leave) => return,
                Some(new) => wish = Some(new),
                None => {}
            }
            pause = READ_EVERY;
        }
    }

    /// Sessions that began to be watched at the same time are read at different ones. IDs and digests are random.
    fn first_pause(&self) -> Duration {
        let byte = match self.key() {
            LiveKey::Sealed(id) => id.as_bytes().last().copied(),
            LiveKey::Stored(key) => key.as_bytes().last().copied(),
        };
        READ_EVERY * (1 + u32::from(byte.unwrap_or_default())) / 256
    }

    async fn wait(&self, inner: &Inner, watched: &Watched, pause: Duration) -> Option<Wish> {
        inner.ports.within(pause, watched.wake.notified()).await;
        watched.wish()
    }

    async fn read(&mut self, inner: &Arc<Inner>, wish: Option<Wish>) -> Reading {
        match (&inner.place, &self.place) {
            (SessionPlace::Cookie(newest), Place::Sealed { id, revision, session }) => {
                let (id, revision, session) = (*id, *revision, session.clone());
                self.read_sealed(inner, newest, &id, revision, session).await
            }
            (SessionPlace::Store(stored), Place::Stored(handle)) => {
                let handle = handle.clone();
                // Waiting for one's turn must not outlast the session.
                let left = self.ends_at.saturating_since(inner.ports.clock.now());
                let limit = left.max(TRY_AGAIN);
                let read = inner
                    .ports
                    .within(limit, self.read_stored(inner, stored, &handle, wish));
                read.await.unwrap_or(Reading::Unknown)
            }
            _ => Reading::Over(Ended::Invalid),
        }
    }

    /// A sealed session is what this process knows of it: its newest state, or its end; and what the revocation store says, if there
    /// is one.
    async fn read_sealed(
        &mut self,
        inner: &Inner,
        newest: &Newest,
        id: &SessionId,
        revision: u64,
        session: Option<Session>,
    ) -> Reading {
        let now = inner.ports.clock.now();
        let newer = match newest.look(id, revision, now) {
            Known::Ended(code) => return Reading::Over(Ended::of(code)),
            Known::Newer(state) => Some(state),
            Known::Retiring(newer) => newer,
            Known::Nothing => None,
        };
        // Requests on their way are served until then, and connections go on as long.
        let retires_at = newest.retires_at(id);
        let until = |end: UnixTime| retires_at.map_or(end, |at| at.min(end));
        let Some(state) = newer else {
            if now >= self.ends_at {
                return Reading::Over(Ended::Expired);
            }
            self.ends_at = until(self.ends_at);
            return match session {
                Some(session) => inner.unless_ended_elsewhere(&session.inner.live, None).await,
                None => Reading::Live(None),
            };
        };
        let Some(live) = inner.live(&state.identity) else {
            return Reading::Over(Ended::Expired);
        };
        self.ends_at = until(live.expires_at());
        self.place = Place::Sealed {
            id: *id,
            revision: live.revision(),
            session,
        };
        let live = Arc::new(live);
        inner.unless_ended_elsewhere(&live, Some(Arc::clone(&live))).await
    }

    async fn read_stored(
        &mut self,
        inner: &Inner,
        stored: &StoredSessions,
        handle: &SessionHandle,
        wish: Option<Wish>,
    ) -> Reading {
        let _turn = inner.live.turn(wish).await;
        let kept = match stored.load(&inner.ports, &handle.store_key()).await {
            Ok(Found::Live(kept)) => kept,
            Ok(Found::Ended) => return Reading::Over(Ended::Revoked),
            Ok(Found::Absent) => return Reading::Over(Ended::Expired),
            Ok(Found::Unreadable { .. }) => return Reading::Over(Ended::Invalid),
            Err(error) => {
                tracing::debug!(%error, "session of a live connection could not be read; it goes on");
                return Reading::Unknown;
            }
        };
        let Some(opened) = stored.records.open_identity(&kept.record, handle) else {
            return Reading::Over(Ended::Invalid);
        };
        let Ok(live) = rules::check(opened, &inner.lifetimes, inner.ports.clock.now()) else {
            return Reading::Over(Ended::Expired);
        };
        self.ends_at = match kept.record.control().standing {
            // Requests on their way are served until then, and connections go on as long.
            Standing::Retiring { at } => at.min(live.expires_at()),
            _ => live.expires_at(),
        };
        Reading::Live(Some(Arc::new(live)))
    }
}

impl Inner {
    /// Asks the revocation store, if there is one, whether a sealed session was ended by the provider or in another process.
    async fn unless_ended_elsewhere(&self, live: &LiveSession, state: Option<Arc<LiveSession>>) -> Reading {
        let Some(revocations) = &self.revocations else {
            return Reading::Live(state);
        };
        if self.is_revoked(live) {
            return Reading::Over(Ended::Revoked);
        }
        // Not for long: what is told meanwhile is to be heard. A reading that takes longer goes on, and wakes whom it means.
        let judged = revocations.judge_when_read(&self.ports, live);
        match self.ports.within(TRY_AGAIN, judged).await {
            Some(Ok(Verdict::Ended)) => Reading::Over(Ended::Revoked),
            Some(Ok(_)) => Reading::Live(state),
            Some(Err(_)) | None => {
                tracing::debug!("nobody can say whether the session of a live connection was ended; it goes on");
                Reading::Unknown
            }
        }
    }
}
