//! The guard's question whether a session that lives in cookies alone was ended elsewhere.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::code::Code;
use doorward_core::csrf::CsrfPassed;
use doorward_core::session::{LiveSession, SessionId};

use super::Standing;
use crate::auth::{Inner, SessionPlace};
use crate::guard::{Identifying, as_it_was};
use crate::problem::Denial;
use crate::session::Session;
use crate::site::Here;

impl Here<'_> {
    /// Goes on with a session unless it was ended; without a revocation store at once.
    pub(crate) fn unless_revoked(
        self,
        session: Session,
        csrf: CsrfPassed,
        go_on: impl FnOnce(Here<'_>, Session, CsrfPassed) -> Identifying + Send + 'static,
    ) -> Identifying {
        let Some(revocations) = &self.revocations else {
            return go_on(self, session, csrf);
        };
        match revocations.judge(&self.ports, &session.inner.live) {
            Standing::Stands => go_on(self, session, csrf),
            Standing::Ended => Identifying::Ready(Err(Denial::new(Code::SessionRevoked))),
            Standing::Unread => {
                let owned = self.to_owned();
                Identifying::Wait(Box::pin(async move {
                    let here = owned.here();
                    here.check_when_read(&session.inner.live).await?;
                    // Read meanwhile: another session takes its place.
                    if here.is_written_no_more(&session.inner.live.id()) {
                        return as_it_was(session, csrf, here.ports.clock.now());
                    }
                    match go_on(here, session, csrf) {
                        Identifying::Ready(identified) => identified,
                        Identifying::Wait(identifying) => identifying.await,
                    }
                }))
            }
        }
    }
}

impl Inner {
    /// Whether a sealed session has ended or is being replaced, as far as this process knows.
    pub(crate) fn is_written_no_more(&self, id: &SessionId) -> bool {
        matches!(&self.place, SessionPlace::Cookie(newest) if newest.retires_at(id).is_some())
    }

    /// Whether the copy says that a session was ended, as far as it is known now.
    pub(crate) fn is_revoked(&self, live: &LiveSession) -> bool {
        let revocations = self.revocations.as_ref();
        revocations.is_some_and(|revocations| revocations.judge(&self.ports, live) == Standing::Ended)
    }

    /// Takes tokens back that were renewed while their session was ended: nobody may use what has just arrived.
    pub(crate) fn take_back_renewed(self: &Arc<Self>, live: &LiveSession) {
        let SessionPlace::Cookie(newest) = &self.place else {
            return;
        };
        let (until, now) = (live.absolute_expires_at(), self.ports.clock.now());
        // By the first of all who waited for the renewal.
        let left = newest.take(&live.id());
        let _ = newest.end(&live.id(), Code::SessionRevoked, until, now);
        let tokens = left.and_then(|state| state.tokens.clone());
        let provider = self.home.providers.of_session(live);
        if let (Some(provider), Some(token)) = (provider, tokens.and_then(|tokens| tokens.refresh_token.clone())) {
            self.revoke_in_background(provider, token);
        }
    }

    /// Refuses a session that was ended, and every one where nobody can tell.
    pub(crate) async fn check_when_read(&self, live: &LiveSession) -> Result<(), Denial> {
        let Some(revocations) = &self.revocations else {
            return Ok(());
        };
        match revocations.judge_when_read(&self.ports, live).await {
            Ok(Standing::Ended) => Err(Denial::new(Code::SessionRevoked)),
            Ok(_) => Ok(()),
            // Security: somebody may have been ended of whom this process does not know.
            Err(_) => Err(Denial::unavailable(Code::StoreUnavailable, Duration::from_secs(1))),
        }
    }
}
