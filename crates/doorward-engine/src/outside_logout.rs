//! What logouts from outside end, and what they may cost.
//!
//! Both endpoints are anybody's to call. A logout token costs the store nothing before its signature holds; a framed call can make the
//! store look for a session that is not there. So many at a time go to the store, apart for each endpoint, and whoever would have to
//! wait for longer than [`LONGEST_WAIT`] is told to come again.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::ports::{StoreError, StoreErrorKind, StoreKey};
use doorward_core::session::{IndexOf, Revoked};
use doorward_oidc::{LogoutScope, VerifiedLogoutToken};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::auth::{Inner, SessionPlace};
use crate::outside::Ports;
use crate::provider::ProviderState;
use crate::seldom::Seldom;
use crate::single_flight::{Begin, SingleFlight};
use crate::stored::{Listed, Unreadable};

/// Logouts of one endpoint that are at the store at a time.
const AT_A_TIME: usize = 32;
/// How long a logout waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// How far a provider's clock may be behind ours. Where it is not, and the token comes late, a sign-in of the minute after the logout
/// ends too: one sign-in too many is better than a session that outlives its logout.
const SKEW: Duration = Duration::from_secs(60);

/// Which logouts from outside there are, and those under way.
pub(crate) struct OutsideLogout {
    pub(crate) back_channel: bool,
    pub(crate) front_channel: bool,
    /// By what the store remembers a token under: whoever sends one twice at once waits for the same end.
    tokens: SingleFlight<StoreKey, Outcome>,
    by_token: Turns,
    by_frame: Turns,
    /// Of tokens for nobody here, which anybody can send.
    pub(crate) unknown: Seldom,
    /// Of logouts that could not be carried out, which anybody can ask for.
    pub(crate) failed: Seldom,
}

/// So many at a time.
struct Turns(Semaphore);

/// What became of a logout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What it meant has ended, if there was anything.
    Ended,
    /// The token was used before.
    UsedBefore,
    /// The store did not answer, or too many wait for it: to be tried again.
    Unavailable,
}

impl OutsideLogout {
    pub(crate) fn new(back_channel: bool, front_channel: bool) -> Self {
        Self {
            back_channel,
            front_channel,
            tokens: SingleFlight::default(),
            by_token: Turns(Semaphore::new(AT_A_TIME)),
            by_frame: Turns(Semaphore::new(AT_A_TIME)),
            unknown: Seldom::default(),
            failed: Seldom::default(),
        }
    }

    /// Waits for a turn at the store.
    ///
    /// # Errors
    /// [`StoreErrorKind::Overloaded`] after [`LONGEST_WAIT`].
    pub(crate) async fn turn_of_frame(&self, ports: &Ports) -> Result<SemaphorePermit<'_>, StoreError> {
        self.by_frame.take(ports).await
    }
}

impl Turns {
    async fn take(&self, ports: &Ports) -> Result<SemaphorePermit<'_>, StoreError> {
        let turn = ports.within(LONGEST_WAIT, self.0.acquire()).await;
        turn.and_then(Result::ok)
            .ok_or(StoreError::new(StoreErrorKind::Overloaded))
    }
}

impl Inner {
    /// Ends what a logout token means. It runs in `Tasks`: a provider that hangs up leaves nothing half done.
    ///
    /// # Security
    /// The token is remembered only once its sessions have ended, so that a provider whose call failed can send it again. One that is
    /// sent again after that is refused; it could not end anything either, for it means sessions of before it was issued alone.
    pub(crate) async fn end_by_token(
        self: &Arc<Self>,
        provider: &Arc<ProviderState>,
        token: VerifiedLogoutToken,
    ) -> Outcome {
        let key = StoreKey::of_used_logout_token(&provider.name, token.token_id());
        let begin = || {
            let (this, provider) = (Arc::clone(self), Arc::clone(provider));
            Begin::Job(Box::pin(async move {
                this.use_token(&provider, &key, &token).await.unwrap_or_else(|error| {
                    tracing::error!(%error, "a back-channel logout could not be carried out; the provider is to try again");
                    Outcome::Unavailable
                })
            }))
        };
        let outcome = self.outside_logout.tokens.join(key, &*self.ports.tasks, begin).await;
        outcome.unwrap_or(Outcome::Unavailable)
    }

    async fn use_token(
        &self,
        provider: &ProviderState,
        key: &StoreKey,
        token: &VerifiedLogoutToken,
    ) -> Result<Outcome, StoreError> {
        let _turn = self.outside_logout.by_token.take(&self.ports).await?;
        if self.is_used(key).await? {
            return Ok(Outcome::UsedBefore);
        }
        // A session that began after the logout, give or take the clocks, is none of it, however late the token comes.
        let begun_by = self.ports.clock.now().min(token.issued_at().saturating_add(SKEW));
        self.end_meant(provider, token.scope(), begun_by).await?;
        // Where it is remembered by now, another process was as fast, and has ended the same.
        self.remember(key, token.remember_until()).await?;
        Ok(Outcome::Ended)
    }

    async fn is_used(&self, key: &StoreKey) -> Result<bool, StoreError> {
        match (&self.place, &self.revocations) {
            (SessionPlace::Store(stored), _) => stored.is_used(&self.ports, key).await,
            (SessionPlace::Cookie(_), Some(revocations)) => revocations.is_used(&self.ports, key).await,
            (SessionPlace::Cookie(_), None) => Err(nothing_to_end_in()),
        }
    }

    async fn remember(&self, key: &StoreKey, until: UnixTime) -> Result<bool, StoreError> {
        match (&self.place, &self.revocations) {
            (SessionPlace::Store(stored), _) => stored.first_use(&self.ports, key, until).await,
            (SessionPlace::Cookie(_), Some(revocations)) => revocations.first_use(&self.ports, key, until).await,
            (SessionPlace::Cookie(_), None) => Err(nothing_to_end_in()),
        }
    }

    async fn end_meant(
        &self,
        provider: &ProviderState,
        scope: &LogoutScope,
        begun_by: UnixTime,
    ) -> Result<(), StoreError> {
        let name = provider.name.as_str();
        match (&self.place, &self.revocations) {
            (SessionPlace::Store(stored), _) => {
                let (of, must_be) = match scope {
                    LogoutScope::Session { session_id, subject } => {
                        let of = IndexOf::ProviderSession {
                            provider: name,
                            session_id,
                        };
                        (of, subject.as_deref())
                    }
                    LogoutScope::Subject { subject } => (
                        IndexOf::User {
                            provider: name,
                            subject,
                        },
                        None,
                    ),
                };
                let is_meant = |listed: &Listed| {
                    let summary = &listed.summary;
                    summary.created_at <= begun_by && must_be.is_none_or(|subject| summary.subject == subject)
                };
                let ended = stored.end_where(&self.ports, of, Unreadable::End, &is_meant).await?;
                tracing::info!(ended, "signed out by the provider");
            }
            (SessionPlace::Cookie(_), Some(revocations)) => {
                let provider = provider.name.clone();
                let revoked = match scope.clone() {
                    LogoutScope::Session { session_id, subject } => Revoked::ProviderSession {
                        provider,
                        session_id,
                        subject,
                        begun_by,
                    },
                    LogoutScope::Subject { subject } => Revoked::User {
                        provider,
                        subject,
                        begun_by,
                    },
                };
                // The last of those that began by then.
                let until = self.lifetimes.absolute_end(begun_by);
                revocations.end(&self.ports, [(revoked, until)]).await?;
                // How many cookies that means, nobody knows.
                tracing::info!("signed out by the provider");
            }
            (SessionPlace::Cookie(_), None) => return Err(nothing_to_end_in()),
        }
        Ok(())
    }

    /// Ends the stored sessions of one session at the provider, for a frame whose browser shows no session; within its turn.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not answer.
    pub(crate) async fn end_by_frame(&self, provider: &ProviderState, session_id: &str) -> Result<(), StoreError> {
        let SessionPlace::Store(stored) = &self.place else {
            return Ok(());
        };
        let of = IndexOf::ProviderSession {
            provider: &provider.name,
            session_id,
        };
        let ended = stored.end_all(&self.ports, of).await?;
        if ended > 0 {
            tracing::info!(ended, "signed out by a frame of the provider");
        }
        Ok(())
    }
}

/// Refused when the engine was built.
const fn nothing_to_end_in() -> StoreError {
    StoreError::new(StoreErrorKind::Failed)
}
