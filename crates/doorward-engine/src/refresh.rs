//! Renewing tokens: one call per session at a time, whatever becomes of the request that asked.
//!
//! 1. Whoever finds the tokens due joins the session's one job, or begins it; the job runs in `Tasks`.
//! 2. Before a call is made the newest state is looked at again: a refresh that ended a moment ago is used, not repeated. For a
//!    sealed session this process knows it, under the same lock that admits the job; for a stored one the record does, and
//!    its lease says which instance may call ([`Renewing`](doorward_core::session::Renewing)).
//! 3. A passing failure ends nobody's session. Where nobody can be served (network, 5xx) the token endpoint
//!    is left alone by everybody, so that an outage is probed at most once a second; what the provider
//!    holds against one session (429, an unknown error) makes only that session wait.
//! 4. `invalid_grant` ends the session only if the token sent was still its newest.
//! 5. Tokens that the store did not take are kept and written as soon as it does; nothing is fetched twice.
//! 6. A session that was ended meanwhile stays ended; the tokens that arrived are revoked.

mod kept;
mod sealed;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::session::{Identity, Tokens, refresh_at};
use doorward_crypto::SecretString;
use doorward_oidc::PreviousIdentity;

pub(crate) use self::kept::{Refreshes, Unwritten};
use crate::auth::{Inner, SessionPlace};
use crate::cached::pause_of;
use crate::newest::SessionState;
use crate::problem::Denial;
use crate::provider::ProviderState;
use crate::renew_tokens::{self, Concerns, RefreshFailure, Refreshed};
use crate::session::{CookieHeaders, PlacedSession, Session, TokenPlace};
use crate::single_flight::Begin;
use crate::succession::GRACE;
use crate::token_calls;

/// How a renewal ended, for everybody who waited for it.
#[derive(Clone)]
pub(crate) enum Renewal {
    /// The session's newest state.
    Renewed(Arc<SessionState>),
    /// The session is over.
    Ended(Code),
    /// The provider did not answer; try again after this long.
    Passing(Duration),
    /// The store did not answer.
    StoreFailed,
    /// There is nothing to renew with.
    NoTokens,
}

/// Why a token call brought no tokens for a session.
pub(crate) enum NoTokens {
    /// Worth another try, after this long.
    Passing(Duration),
    /// The provider took the refresh token back.
    GrantRefused,
    /// What came is not this session's user's; whatever it was is taken back already.
    Foreign,
}

impl Inner {
    /// Renews a session's tokens, or waits for the renewal under way.
    pub(crate) async fn renew(self: &Arc<Self>, session: &Session) -> Renewal {
        self.refreshes
            .flights
            .join(session.id(), &*self.ports.tasks, || self.begin_renewal(session))
            .await
            .unwrap_or(Renewal::Passing(Duration::from_secs(1)))
    }

    fn begin_renewal(self: &Arc<Self>, session: &Session) -> Begin<Renewal> {
        let live = &session.inner.live;
        let Some(provider) = self.home.providers.of_session(live) else {
            return Begin::Known(Renewal::Ended(Code::SessionInvalid));
        };
        match (&self.place, &session.inner.place) {
            (SessionPlace::Cookie(newest), _) => self.begin_sealed_renewal(newest, session, provider),
            (SessionPlace::Store(_), PlacedSession::Store { handle, .. }) => {
                if let Some(pause) = self.pause_of_renewals(provider, session) {
                    return Begin::Known(Renewal::Passing(pause));
                }
                Begin::Job(Box::pin(
                    Arc::clone(self).renew_stored(handle.clone(), Arc::clone(provider)),
                ))
            }
            (SessionPlace::Store(_), PlacedSession::Cookie) => Begin::Known(Renewal::NoTokens),
        }
    }

    /// How long renewals of this session wait, because of everybody's provider or because of the session's own.
    fn pause_of_renewals(&self, provider: &Arc<ProviderState>, session: &Session) -> Option<Duration> {
        let everybody = provider.token_pause(&self.ports);
        let own = self.refreshes.paused(&session.id(), self.ports.clock.monotonic());
        everybody.max(own)
    }

    /// Fetches new tokens for a session, and judges whether they are its user's. Nothing is written.
    pub(crate) async fn fetch_tokens(
        &self,
        provider: &Arc<ProviderState>,
        identity: &Identity,
        tokens: &Tokens,
    ) -> Result<Arc<Refreshed>, NoTokens> {
        let user = &identity.user;
        let previous = PreviousIdentity {
            issuer: user.issuer.clone(),
            subject: user.subject.clone(),
            client_id: provider.settings.client.id().to_owned(),
            auth_time: identity.auth_time,
        };
        match renew_tokens::refresh(provider, &self.ports, tokens, &previous).await {
            Ok(refreshed) if is_of_another_tenant(provider, identity, &refreshed) => {
                let refresh_token = refreshed.tokens.refresh_token.clone();
                Err(self.foreign(provider, identity, "refresh speaks of another tenant", refresh_token))
            }
            Ok(refreshed) => Ok(Arc::new(refreshed)),
            Err(RefreshFailure::Passing {
                retry_after,
                concerns,
                reason,
            }) => {
                let pause = match concerns {
                    Concerns::Everybody => provider.pause_token_calls(&self.ports, retry_after),
                    // One user's trouble must not stop everybody's renewals.
                    Concerns::ThisSession => {
                        let pause = pause_of(retry_after);
                        let now = self.ports.clock.monotonic();
                        self.refreshes.pause(identity.id, pause, now);
                        pause
                    }
                };
                tracing::warn!(
                    reason,
                    pause_seconds = pause.as_secs(),
                    "tokens could not be renewed; the session goes on"
                );
                Err(NoTokens::Passing(pause))
            }
            Err(RefreshFailure::InvalidGrant) => Err(NoTokens::GrantRefused),
            Err(RefreshFailure::Foreign { reason, refresh_token }) => {
                Err(self.foreign(provider, identity, &reason, refresh_token))
            }
        }
    }

    /// The renewed tokens are not this session's user's: it ends, and nobody may use what arrived.
    fn foreign(
        &self,
        provider: &Arc<ProviderState>,
        identity: &Identity,
        reason: &str,
        refresh_token: Option<SecretString>,
    ) -> NoTokens {
        tracing::error!(
            reason,
            subject = identity.user.subject,
            "refreshed tokens refused; session ended"
        );
        if let Some(token) = refresh_token {
            self.revoke_in_background(provider, token);
        }
        NoTokens::Foreign
    }

    /// Writes what a renewal brought into an identity.
    pub(crate) fn put_refreshed(
        &self,
        provider: &ProviderState,
        refreshed: &Refreshed,
        identity: &mut Identity,
        now: UnixTime,
    ) {
        let Refreshed { tokens, described } = refreshed;
        let settings = &provider.settings;
        let left = tokens
            .access_token_expires_at
            .map_or(Duration::ZERO, |end| end.saturating_since(now));
        identity.access_token_expires_at = tokens.access_token_expires_at;
        identity.refresh_at = Some(refresh_at(now, left, settings.refresh_ahead));
        if let Some(scope) = &tokens.scope {
            identity.scopes = scope
                .split(' ')
                .filter(|scope| !scope.is_empty())
                .map(str::to_owned)
                .collect();
        }
        if let Some(described) = described {
            let mut before = identity.user.clone();
            described.update(settings, &mut identity.user, &tokens.access_token);
            if identity.roles_are_ours {
                identity.user.roles.clone_from(&before.roles);
            }
            // Security: less than what is new, never more than what still holds.
            if self.check_fits(identity).is_err() {
                tracing::warn!("refreshed claims do not fit into the session's cookie; use a store");
                before.roles.retain(|role| identity.user.roles.contains(role));
                identity.user = before;
            }
        }
    }

    /// Makes the renewed state this request's session.
    pub(crate) fn adopt(self: &Arc<Self>, before: &Session, state: &Arc<SessionState>) -> Result<Session, Denial> {
        let live = self.live(&state.identity).ok_or(Denial::new(Code::SessionExpired))?;
        // Security: a newer state is no renewed state unless its access token lives.
        if live.access_token_expired(self.ports.clock.now()) {
            return Err(Denial::unavailable(Code::ProviderUnavailable, Duration::from_secs(1)));
        }
        let tokens = match &state.tokens {
            Some(tokens) => TokenPlace::Known(Arc::clone(tokens)),
            None => match before.tokens() {
                Some(tokens) => TokenPlace::Known(tokens),
                None => TokenPlace::Cookies(CookieHeaders::default()),
            },
        };
        let place = before.inner.place.read_again();
        let session = Session::new(self, live, place, tokens);
        let (was, is) = (&before.inner.write, &session.inner.write);
        let in_cookies = matches!(session.inner.place, PlacedSession::Cookie);
        // What was due before the refresh is still due; sealed cookies must carry the new state besides.
        if in_cookies || was.identity.load(Ordering::Relaxed) {
            Session::mark(&is.identity);
        }
        if in_cookies {
            Session::mark(&is.tokens);
        }
        if was.csrf.load(Ordering::Relaxed) {
            Session::mark(&is.csrf);
        }
        Ok(session)
    }

    /// Takes a refresh token back once requests on their way with its session have been answered.
    ///
    /// Not before: with a refresh token many providers take back the access tokens that belong to it (RFC 7009 §2.1), which these
    /// requests may still need. Where the process ends first, the token is left to its own end.
    pub(crate) fn revoke_after_grace(&self, provider: &Arc<ProviderState>, refresh_token: SecretString) {
        let (provider, ports) = (Arc::clone(provider), self.ports.clone());
        self.ports.tasks.spawn(Box::pin(async move {
            ports.tasks.sleep(GRACE).await;
            token_calls::revoke(provider, ports, refresh_token).await;
        }));
    }

    /// Takes a refresh token back at the provider without anybody waiting for it.
    pub(crate) fn revoke_in_background(&self, provider: &Arc<ProviderState>, refresh_token: SecretString) {
        self.ports.tasks.spawn(Box::pin(token_calls::revoke(
            Arc::clone(provider),
            self.ports.clone(),
            refresh_token,
        )));
    }
}

fn is_of_another_tenant(provider: &ProviderState, identity: &Identity, refreshed: &Refreshed) -> bool {
    let at_provider = identity.provider_tenant.as_ref();
    let tenant = at_provider.map_or(&identity.user.tenant, |tenant| &tenant.id);
    let settings = &provider.settings;
    let access_token = &refreshed.tokens.access_token;
    let described = refreshed.described.as_ref();
    described.is_some_and(|described| described.is_of_another_tenant(settings, tenant, access_token))
}

fn same_refresh_token(a: &Tokens, b: &Tokens) -> bool {
    match (&a.refresh_token, &b.refresh_token) {
        (Some(a), Some(b)) => a.matches(b.expose()),
        (None, None) => true,
        _ => false,
    }
}
