//! Writing, beginning and ending sessions, wherever they live.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::ports::{CreateError, Loaded, Replaced, SessionStore, StoreError};
use doorward_core::session::{Identity, SealSessionError, SessionHandle, SessionId, Tokens, check};

use crate::auth::{Inner, SessionPlace};
use crate::newest::{NotWritten, SessionState};
use crate::problem::Denial;
use crate::session::{PlacedSession, Session, TokenPlace};
use crate::site::Here;

/// Attempts at a compare-and-set before the store counts as failing.
const ATTEMPTS: usize = 8;

/// Changes the next state of a session: its identity, and its tokens where they are new.
pub(crate) type Change<'a> = &'a (dyn Fn(&mut Identity, &mut Option<Arc<Tokens>>) + Send + Sync);

impl Inner {
    /// Writes the next state of a session on top of its newest one.
    pub(crate) async fn write_state(
        &self,
        place: &PlacedSession,
        base: &Identity,
        change: Change<'_>,
    ) -> Result<Arc<SessionState>, NotWritten> {
        match (&self.place, place) {
            (SessionPlace::Cookie(newest), _) => newest.update(base, self.ports.clock.now(), change, &|identity| {
                self.seal_written(identity)
            }),
            (SessionPlace::Store(store), PlacedSession::Store { handle }) => {
                self.write_stored(store, handle, change).await
            }
            (SessionPlace::Store(_), PlacedSession::Cookie) => Err(NotWritten::Unreadable),
        }
    }

    /// Seals the next state of a sealed session; claims kept for convenience go where they are what
    /// makes it too large.
    fn seal_written(&self, identity: &mut Identity) -> Result<String, NotWritten> {
        self.seal_sparing(identity).map_err(|error| {
            tracing::error!(%error, "session could not be sealed; its last state stays");
            match error {
                SealSessionError::TooLarge { .. } => NotWritten::TooLarge,
                _ => NotWritten::Unreadable,
            }
        })
    }

    pub(crate) fn seal_sparing(&self, identity: &mut Identity) -> Result<String, SealSessionError> {
        let random = &*self.ports.random;
        match self.codec.seal_identity(random, identity) {
            Err(SealSessionError::TooLarge { bytes }) if !identity.user.claims.is_empty() => {
                tracing::warn!(bytes, "claims left out of the session; they do not fit into its cookie");
                identity.user.claims.clear();
                self.codec.seal_identity(random, identity)
            }
            sealed => sealed,
        }
    }

    async fn write_stored(
        &self,
        store: &Arc<dyn SessionStore>,
        handle: &SessionHandle,
        change: Change<'_>,
    ) -> Result<Arc<SessionState>, NotWritten> {
        let key = handle.store_key();
        for _ in 0..ATTEMPTS {
            let now = self.ports.clock.now();
            let stored = match store.load(&key, now).await {
                Ok(Loaded::Live(stored)) => stored,
                Ok(Loaded::Ended | Loaded::Absent) => {
                    return Err(NotWritten::Ended(Code::SessionRevoked));
                }
                Err(error) => return Err(store_failed(&error)),
            };
            let mut identity = self
                .codec
                .open_record_identity(&key, &stored.payload)
                .and_then(|opened| opened.to_identity().ok())
                .ok_or(NotWritten::Unreadable)?;
            let mut tokens = None;
            change(&mut identity, &mut tokens);
            identity.revision = identity.revision.saturating_add(1);
            let random = &*self.ports.random;
            let payload = match &tokens {
                Some(tokens) => self.codec.seal_record(random, &key, &identity, Some(tokens)),
                None => self.codec.reseal_record(random, &key, &identity, &stored.payload),
            }
            .map_err(|error| {
                tracing::error!(%error, "session could not be sealed");
                NotWritten::Unreadable
            })?;
            let until = identity.idle_expires_at.min(identity.absolute_expires_at);
            match store.replace(&key, stored.version, payload, until, now).await {
                Ok(Replaced::Done { .. }) => {
                    return Ok(Arc::new(SessionState {
                        identity,
                        tokens,
                        sealed: String::new(),
                    }));
                }
                Ok(Replaced::Conflict) => {}
                Ok(Replaced::Ended | Replaced::Absent) => {
                    return Err(NotWritten::Ended(Code::SessionRevoked));
                }
                Err(error) => return Err(store_failed(&error)),
            }
        }
        tracing::error!("session record changed too often to be written");
        Err(NotWritten::Store)
    }

    /// Creates a stored session.
    pub(crate) async fn create_stored(
        &self,
        store: &Arc<dyn SessionStore>,
        handle: &SessionHandle,
        identity: &Identity,
        tokens: &Tokens,
    ) -> Result<(), NotWritten> {
        let key = handle.store_key();
        let payload = self
            .codec
            .seal_record(&*self.ports.random, &key, identity, Some(tokens))
            .map_err(|error| {
                tracing::error!(%error, "session could not be sealed");
                NotWritten::Unreadable
            })?;
        let until = identity.idle_expires_at.min(identity.absolute_expires_at);
        match store.create(&key, payload, until, self.ports.clock.now()).await {
            Ok(()) => Ok(()),
            // 384 random bits met again: nothing that chance explains.
            Err(CreateError::AlreadyExists) => {
                tracing::error!("a fresh session ID exists already; the source of randomness is broken");
                Err(NotWritten::Store)
            }
            Err(CreateError::Store(error)) => Err(store_failed(&error)),
            Err(_) => Err(NotWritten::Store),
        }
    }

    /// Ends a session here, for good: no cookie, no refresh and no late response brings it back.
    ///
    /// # Errors
    /// [`StoreError`] if the store did not take it; a sealed session always ends.
    pub(crate) async fn end_session(
        &self,
        id: &SessionId,
        place: &PlacedSession,
        code: Code,
        until: UnixTime,
    ) -> Result<(), StoreError> {
        let now = self.ports.clock.now();
        match (&self.place, place) {
            (SessionPlace::Cookie(newest), _) => {
                // Ended twice is ended.
                let _ = newest.end(id, code, until, now);
                Ok(())
            }
            (SessionPlace::Store(store), PlacedSession::Store { handle }) => {
                store.end(&handle.store_key(), until, now).await
            }
            (SessionPlace::Store(_), PlacedSession::Cookie) => Ok(()),
        }
    }
}

fn store_failed(error: &StoreError) -> NotWritten {
    tracing::error!(%error, "session store did not answer");
    NotWritten::Store
}

impl Here<'_> {
    /// Loads a stored session that is live.
    pub(crate) async fn load(self, store: &Arc<dyn SessionStore>, handle: SessionHandle) -> Result<Session, Denial> {
        let key = handle.store_key();
        let now = self.ports.clock.now();
        let stored = match store.load(&key, now).await {
            Ok(Loaded::Live(stored)) => stored,
            Ok(Loaded::Ended) => return Err(Denial::new(Code::SessionRevoked)),
            Ok(Loaded::Absent) => return Err(Denial::new(Code::SessionExpired)),
            Err(error) => {
                tracing::error!(%error, "session store did not answer");
                return Err(Denial::unavailable(Code::StoreUnavailable, Duration::from_secs(1)));
            }
        };
        // A record of another version, key or session is none of ours: as if it were not there.
        let opened = self
            .codec
            .open_record_identity(&key, &stored.payload)
            .filter(|opened| opened.id() == *handle.id() && self.site.providers.of_session(opened).is_some())
            .ok_or(Denial::new(Code::SessionInvalid))?;
        let live = check(opened, &self.lifetimes, now).map_err(|_| Denial::new(Code::SessionExpired))?;
        let place = PlacedSession::Store { handle };
        Ok(Session::new(
            self.inner,
            live,
            place,
            TokenPlace::Record(stored.payload),
        ))
    }
}
