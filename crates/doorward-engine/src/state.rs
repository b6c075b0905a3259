//! Writing sessions wherever they live, and loading stored ones.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::code::Code;
use doorward_core::session::{Identity, SealSessionError, SeenFrom, SessionHandle, Tokens, check};

use crate::auth::{Inner, SessionPlace};
use crate::newest::{NotWritten, SessionState};
use crate::problem::Denial;
use crate::session::{PlacedSession, Session, TokenPlace};
use crate::site::Here;
use crate::stored::{Found, StoredSessions};

/// Changes the next state of a session: its identity, and its tokens where they are new.
pub(crate) type Change<'a> = &'a (dyn Fn(&mut Identity, &mut Option<Arc<Tokens>>) + Send + Sync);

impl Inner {
    /// Writes the next state of a session on top of its newest one, and of a stored one from where it was seen.
    pub(crate) async fn write_state(
        &self,
        place: &PlacedSession,
        base: &Identity,
        seen_from: Option<&SeenFrom>,
        change: Change<'_>,
    ) -> Result<Arc<SessionState>, NotWritten> {
        match (&self.place, place) {
            (SessionPlace::Cookie(newest), _) => newest.update(base, self.ports.clock.now(), change, &|identity| {
                self.seal_written(identity)
            }),
            (SessionPlace::Store(stored), PlacedSession::Store { handle, read }) => {
                stored
                    .change(&self.ports, handle, read.as_ref(), seen_from, change)
                    .await
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
}

impl Here<'_> {
    /// Loads a stored session that is live.
    pub(crate) async fn load(self, stored: &StoredSessions, handle: SessionHandle) -> Result<Session, Denial> {
        if stored.serves_stale() {
            self.inner.follow_feed();
        }
        let found = stored.load_or_stale(&self.ports, &handle.store_key()).await;
        let found = found.map_err(|_| Denial::unavailable(Code::StoreUnavailable, Duration::from_secs(1)))?;
        let kept = match found {
            Found::Live(kept) => kept,
            Found::Ended => return Err(Denial::new(Code::SessionRevoked)),
            Found::Absent => return Err(Denial::new(Code::SessionExpired)),
            Found::Unreadable { .. } => return Err(Denial::new(Code::SessionInvalid)),
        };
        // A record of another secret, session or provider is none of ours: as if it were not there.
        let opened = stored
            .records
            .open_identity(&kept.record, &handle)
            .filter(|opened| self.site.providers.of_session(opened).is_some())
            .ok_or(Denial::new(Code::SessionInvalid))?;
        let live =
            check(opened, &self.lifetimes, self.ports.clock.now()).map_err(|_| Denial::new(Code::SessionExpired))?;
        let tokens = TokenPlace::Record(Arc::clone(&kept));
        let read = Some(kept);
        Ok(Session::new(
            self.inner,
            live,
            PlacedSession::Store { handle, read },
            tokens,
        ))
    }
}
