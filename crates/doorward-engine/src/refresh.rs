//! Renewing tokens: one call per session at a time, whatever becomes of the request that asked.
//!
//! 1. Whoever finds the tokens due joins the session's one job, or begins it; the job runs in `Tasks`.
//! 2. Before a call is made the newest state is looked at again, under the same lock that admits the
//!    job: a refresh that ended a moment ago is used, not repeated.
//! 3. A passing failure ends nobody's session. Where nobody can be served (network, 5xx) the token endpoint
//!    is left alone by everybody, so that an outage is probed at most once a second; what the provider
//!    holds against one session (429, an unknown error) makes only that session wait.
//! 4. `invalid_grant` ends the session only if the token sent was still its newest.
//! 5. Tokens that the store did not take are kept and written at the next try; nothing is fetched twice.
//! 6. A session that was ended meanwhile stays ended; the tokens that arrived are revoked.

mod kept;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use doorward_core::code::Code;
use doorward_core::ports::{Loaded, SessionStore};
use doorward_core::session::{Identity, SessionHandle, Tokens, refresh_at};
use doorward_crypto::SecretString;
use doorward_oidc::PreviousIdentity;

pub(crate) use self::kept::Refreshes;
use crate::auth::{Inner, SessionPlace};
use crate::cached::pause_of;
use crate::newest::{Known, NotWritten, SessionState};
use crate::problem::Denial;
use crate::provider::ProviderState;
use crate::renew_tokens::{self, Concerns, RefreshFailure, Refreshed};
use crate::session::{CookieHeaders, PlacedSession, Session, TokenPlace};
use crate::single_flight::Begin;
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

/// What a renewal starts from: the newest identity known, and its tokens.
struct Start {
    place: PlacedSession,
    identity: Identity,
    tokens: Arc<Tokens>,
    provider: Arc<ProviderState>,
}

impl Start {
    fn is_of_another_tenant(&self, refreshed: &Refreshed) -> bool {
        let at_provider = self.identity.provider_tenant.as_ref();
        let tenant = at_provider.map_or(&self.identity.user.tenant, |tenant| &tenant.id);
        let settings = &self.provider.settings;
        let access_token = &refreshed.tokens.access_token;
        let described = refreshed.described.as_ref();
        described.is_some_and(|described| described.is_of_another_tenant(settings, tenant, access_token))
    }
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
        let now = self.ports.clock.now();
        let mut identity = None;
        let mut tokens = None;
        if let SessionPlace::Cookie(newest) = &self.place {
            match newest.look(&live.id(), live.revision()) {
                Known::Ended(code) => return Begin::Known(Renewal::Ended(code)),
                Known::Newer(state) => {
                    if state.identity.refresh_at.is_none_or(|due| now < due) {
                        return Begin::Known(Renewal::Renewed(state));
                    }
                    identity = Some(state.identity.clone());
                    tokens = state.tokens.clone();
                }
                Known::Nothing => {}
            }
        }
        let Some(provider) = self.home.providers.of_session(live) else {
            return Begin::Known(Renewal::Ended(Code::SessionInvalid));
        };
        let everybody = provider.token_pause(&self.ports);
        let own = self.refreshes.paused(&live.id(), self.ports.clock.monotonic());
        if let Some(pause) = everybody.max(own) {
            return Begin::Known(Renewal::Passing(pause));
        }
        let Some(identity) = identity.or_else(|| live.to_identity().ok()) else {
            return Begin::Known(Renewal::Ended(Code::SessionInvalid));
        };
        let Some(tokens) = tokens.or_else(|| session.tokens()) else {
            return Begin::Known(Renewal::NoTokens);
        };
        if tokens.refresh_token.is_none() {
            return Begin::Known(Renewal::NoTokens);
        }
        let start = Start {
            place: session.inner.place.clone(),
            identity,
            tokens,
            provider: Arc::clone(provider),
        };
        let this = Arc::clone(self);
        Begin::Job(Box::pin(async move { this.renewal(start).await }))
    }

    async fn renewal(self: Arc<Self>, mut start: Start) -> Renewal {
        if let (PlacedSession::Store { handle }, SessionPlace::Store(store)) = (start.place.clone(), &self.place) {
            // Another instance may have renewed since this one read the record.
            match self.reload(store, &handle).await {
                Ok((state, _)) if state.identity.refresh_at.is_none_or(|due| self.ports.clock.now() < due) => {
                    return Renewal::Renewed(state);
                }
                Ok((state, tokens)) => {
                    start.identity = state.identity.clone();
                    let Some(tokens) = tokens else {
                        return Renewal::NoTokens;
                    };
                    start.tokens = tokens;
                }
                Err(renewal) => return renewal,
            }
        }
        if let Some(refreshed) = self.refreshes.take_unwritten(&start.identity.id, &start.tokens) {
            return self.refreshed(&start, refreshed).await;
        }
        let user = &start.identity.user;
        let previous = PreviousIdentity {
            issuer: user.issuer.clone(),
            subject: user.subject.clone(),
            client_id: start.provider.settings.client.client_id.clone(),
            auth_time: start.identity.auth_time,
        };
        match renew_tokens::refresh(&start.provider, &self.ports, &start.tokens, &previous).await {
            Ok(refreshed) if start.is_of_another_tenant(&refreshed) => {
                let refresh_token = refreshed.tokens.refresh_token.clone();
                self.foreign(&start, "refresh speaks of another tenant", refresh_token)
                    .await
            }
            Ok(refreshed) => self.refreshed(&start, Arc::new(refreshed)).await,
            Err(RefreshFailure::Passing {
                retry_after,
                concerns,
                reason,
            }) => {
                let pause = match concerns {
                    Concerns::Everybody => start.provider.pause_token_calls(&self.ports, retry_after),
                    // One user's trouble must not stop everybody's renewals.
                    Concerns::ThisSession => {
                        let pause = pause_of(retry_after);
                        let now = self.ports.clock.monotonic();
                        self.refreshes.pause(start.identity.id, pause, now);
                        pause
                    }
                };
                tracing::warn!(
                    reason,
                    pause_seconds = pause.as_secs(),
                    "tokens could not be renewed; the session goes on"
                );
                Renewal::Passing(pause)
            }
            Err(RefreshFailure::InvalidGrant) => self.grant_refused(&start).await,
            Err(RefreshFailure::Foreign { reason, refresh_token }) => {
                self.foreign(&start, &reason, refresh_token).await
            }
        }
    }

    /// The renewed tokens are not this session's user's: it ends, and nobody may use what arrived.
    async fn foreign(self: &Arc<Self>, start: &Start, reason: &str, refresh_token: Option<SecretString>) -> Renewal {
        tracing::error!(
            reason,
            subject = start.identity.user.subject,
            "refreshed tokens refused; session ended"
        );
        if let Some(token) = refresh_token {
            self.revoke_in_background(&start.provider, token);
        }
        self.end_for_good(start, Code::TokenRefreshFailed).await
    }

    async fn refreshed(self: &Arc<Self>, start: &Start, refreshed: Arc<Refreshed>) -> Renewal {
        let Refreshed { tokens, described } = &*refreshed;
        let now = self.ports.clock.now();
        let left = tokens
            .access_token_expires_at
            .map_or(Duration::ZERO, |end| end.saturating_since(now));
        let settings = &start.provider.settings;
        let written = self
            .write_state(&start.place, &start.identity, &|identity, place_for_tokens| {
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
                *place_for_tokens = Some(Arc::clone(tokens));
            })
            .await;
        match written {
            Ok(state) => {
                tracing::debug!(subject = start.identity.user.subject, "tokens renewed");
                Renewal::Renewed(state)
            }
            Err(NotWritten::Store) => {
                // The provider has rotated, the store does not answer: the tokens are all there is.
                let now = self.ports.clock.monotonic();
                self.refreshes
                    .keep_unwritten(start.identity.id, &start.tokens, refreshed, now);
                Renewal::StoreFailed
            }
            Err(not_written) => {
                // Logout won, or there is no place to keep it: nobody may use what just arrived.
                if let Some(token) = &tokens.refresh_token {
                    self.revoke_in_background(&start.provider, token.clone());
                }
                match not_written {
                    NotWritten::Ended(code) => Renewal::Ended(code),
                    _ => self.end_for_good(start, Code::TokenRefreshFailed).await,
                }
            }
        }
    }

    /// `invalid_grant`: the session ends, unless somebody else has renewed it meanwhile.
    async fn grant_refused(self: &Arc<Self>, start: &Start) -> Renewal {
        match (&start.place, &self.place) {
            (_, SessionPlace::Cookie(newest)) => match newest.look(&start.identity.id, start.identity.revision) {
                // Newer by a refresh, that is, and not by a roll or the application's data.
                Known::Newer(state) if is_renewed(&state, start) => return Renewal::Renewed(state),
                Known::Ended(code) => return Renewal::Ended(code),
                _ => {}
            },
            (PlacedSession::Store { handle }, SessionPlace::Store(store)) => match self.reload(store, handle).await {
                Ok((state, Some(tokens))) if !same_refresh_token(&tokens, &start.tokens) => {
                    return Renewal::Renewed(state);
                }
                Ok(_) => {}
                Err(renewal) => return renewal,
            },
            (PlacedSession::Cookie, SessionPlace::Store(_)) => {}
        }
        tracing::info!(
            subject = start.identity.user.subject,
            "provider took the refresh token back; session ended"
        );
        self.end_for_good(start, Code::TokenRefreshFailed).await
    }

    async fn end_for_good(self: &Arc<Self>, start: &Start, code: Code) -> Renewal {
        let id = start.identity.id;
        let until = start.identity.absolute_expires_at;
        match self.end_session(&id, &start.place, code, until).await {
            Ok(()) => Renewal::Ended(code),
            Err(_) => Renewal::StoreFailed,
        }
    }

    /// Reads a stored session anew.
    async fn reload(
        self: &Arc<Self>,
        store: &Arc<dyn SessionStore>,
        handle: &SessionHandle,
    ) -> Result<(Arc<SessionState>, Option<Arc<Tokens>>), Renewal> {
        let key = handle.store_key();
        let stored = match store.load(&key, self.ports.clock.now()).await {
            Ok(Loaded::Live(stored)) => stored,
            Ok(Loaded::Ended) => return Err(Renewal::Ended(Code::SessionRevoked)),
            Ok(Loaded::Absent) => return Err(Renewal::Ended(Code::SessionExpired)),
            Err(error) => {
                tracing::error!(%error, "session store did not answer");
                return Err(Renewal::StoreFailed);
            }
        };
        let identity = self
            .codec
            .open_record_identity(&key, &stored.payload)
            .and_then(|opened| opened.to_identity().ok())
            .ok_or(Renewal::Ended(Code::SessionInvalid))?;
        let tokens = self
            .codec
            .open_record_tokens(&key, &stored.payload, handle.id())
            .map(|(tokens, _)| Arc::new(tokens));
        let state = SessionState {
            identity,
            tokens: tokens.clone(),
            sealed: String::new(),
        };
        Ok((Arc::new(state), tokens))
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
        let place = before.inner.place.clone();
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

    /// Takes a refresh token back at the provider without anybody waiting for it.
    pub(crate) fn revoke_in_background(&self, provider: &Arc<ProviderState>, refresh_token: SecretString) {
        self.ports.tasks.spawn(Box::pin(token_calls::revoke(
            Arc::clone(provider),
            self.ports.clone(),
            refresh_token,
        )));
    }
}

fn is_renewed(state: &SessionState, start: &Start) -> bool {
    let tokens = state.tokens.as_ref();
    tokens.is_some_and(|tokens| !same_refresh_token(tokens, &start.tokens))
}

fn same_refresh_token(a: &Tokens, b: &Tokens) -> bool {
    match (&a.refresh_token, &b.refresh_token) {
        (Some(a), Some(b)) => a.matches(b.expose()),
        (None, None) => true,
        _ => false,
    }
}
