//! Writing, beginning and ending sessions, wherever they live.

use std::sync::Arc;

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::ports::{CreateError, Loaded, Replaced, SessionStore, StoreError};
use doorward_core::session::{Identity, SessionHandle, SessionId, Tokens};

use crate::auth::{Inner, SessionPlace};
use crate::newest::{NotWritten, SessionState};
use crate::session::PlacedSession;

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
            (SessionPlace::Cookie(newest), _) => newest.update(base, change),
            (SessionPlace::Store(store), PlacedSession::Store { handle }) => {
                self.write_stored(store, handle, change).await
            }
            (SessionPlace::Store(_), PlacedSession::Cookie) => Err(NotWritten::Unreadable),
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
                Ok(Replaced::Done { .. }) => return Ok(Arc::new(SessionState { identity, tokens })),
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
                newest.end(id, code, until, now);
                Ok(())
            }
            (SessionPlace::Store(store), PlacedSession::Store { handle }) => {
                store.end(&handle.store_key(), until, now).await
            }
            (SessionPlace::Store(_), PlacedSession::Cookie) => Ok(()),
        }
    }
}

impl Inner {
    /// Ends a stored session that somebody presents, and returns its tokens; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError`] if the store did not answer: the session then still counts as live.
    ///
    /// # Security
    /// A handle is anybody's word. Only what the store holds is ended: a tombstone for each handle
    /// that somebody makes up would let strangers fill the store.
    pub(crate) async fn end_stored(
        &self,
        store: &Arc<dyn SessionStore>,
        handle: &SessionHandle,
    ) -> Result<Option<Tokens>, StoreError> {
        let (key, now) = (handle.store_key(), self.ports.clock.now());
        let Loaded::Live(stored) = store.load(&key, now).await? else {
            return Ok(None);
        };
        store.end(&key, self.lifetimes.absolute_end(now), now).await?;
        let tokens = self.codec.open_record_tokens(&key, &stored.payload, handle.id());
        Ok(tokens.map(|(tokens, _)| tokens))
    }
}

fn store_failed(error: &StoreError) -> NotWritten {
    tracing::error!(%error, "session store did not answer");
    NotWritten::Store
}
