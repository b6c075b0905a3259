//! Renewing the tokens of a sealed session: this process is the only one that knows its newest state.

use std::sync::Arc;

use doorward_core::code::Code;
use doorward_core::session::{Identity, Tokens};

use super::{NoTokens, Renewal, same_refresh_token};
use crate::auth::{Inner, SessionPlace};
use crate::newest::{Known, Newest, NotWritten, SessionState};
use crate::provider::ProviderState;
use crate::renew_tokens::Refreshed;
use crate::session::{PlacedSession, Session};
use crate::single_flight::Begin;

/// What a renewal starts from: the newest identity known, and its tokens.
struct Start {
    identity: Identity,
    tokens: Arc<Tokens>,
    provider: Arc<ProviderState>,
}

impl Inner {
    pub(super) fn begin_sealed_renewal(
        self: &Arc<Self>,
        newest: &Newest,
        session: &Session,
        provider: &Arc<ProviderState>,
    ) -> Begin<Renewal> {
        let live = &session.inner.live;
        let now = self.ports.clock.now();
        let mut identity = None;
        let mut tokens = None;
        match newest.look(&live.id(), live.revision(), now) {
            Known::Ended(code) => return Begin::Known(Renewal::Ended(code)),
            // Its successor has tokens of its own.
            Known::Retiring(_) => return Begin::Known(Renewal::NoTokens),
            Known::Newer(state) => {
                if state.identity.refresh_at.is_none_or(|due| now < due) {
                    return Begin::Known(Renewal::Renewed(state));
                }
                identity = Some(state.identity.clone());
                tokens = state.tokens.clone();
            }
            Known::Nothing => {}
        }
        if let Some(pause) = self.pause_of_renewals(provider, session) {
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
            identity,
            tokens,
            provider: Arc::clone(provider),
        };
        let this = Arc::clone(self);
        Begin::Job(Box::pin(async move { this.renew_sealed(start).await }))
    }

    async fn renew_sealed(self: Arc<Self>, start: Start) -> Renewal {
        match self.fetch_tokens(&start.provider, &start.identity, &start.tokens).await {
            Ok(refreshed) => self.write_refreshed(&start, &refreshed).await,
            Err(NoTokens::Passing(pause)) => Renewal::Passing(pause),
            Err(NoTokens::GrantRefused) => self.grant_refused(&start).await,
            Err(NoTokens::Foreign) => self.end_for_good(&start, Code::TokenRefreshFailed).await,
        }
    }

    async fn write_refreshed(self: &Arc<Self>, start: &Start, refreshed: &Refreshed) -> Renewal {
        let now = self.ports.clock.now();
        let written = self
            .write_state(
                &PlacedSession::Cookie,
                &start.identity,
                None,
                &|identity, place_for_tokens| {
                    self.put_refreshed(&start.provider, refreshed, identity, now);
                    *place_for_tokens = Some(Arc::clone(&refreshed.tokens));
                },
            )
            .await;
        match written {
            Ok(state) => {
                tracing::debug!(subject = start.identity.user.subject, "tokens renewed");
                Renewal::Renewed(state)
            }
            Err(not_written) => {
                // Logout won, another session takes its place, or there is no place to keep it: nobody may use what just arrived.
                if let Some(token) = &refreshed.tokens.refresh_token {
                    match not_written {
                        NotWritten::Replaced => self.revoke_after_grace(&start.provider, token.clone()),
                        _ => self.revoke_in_background(&start.provider, token.clone()),
                    }
                }
                match not_written {
                    NotWritten::Ended(code) => Renewal::Ended(code),
                    NotWritten::Replaced => Renewal::NoTokens,
                    _ => self.end_for_good(start, Code::TokenRefreshFailed).await,
                }
            }
        }
    }

    /// `invalid_grant`: the session ends, unless somebody else has renewed it meanwhile.
    async fn grant_refused(self: &Arc<Self>, start: &Start) -> Renewal {
        if let SessionPlace::Cookie(newest) = &self.place {
            let now = self.ports.clock.now();
            match newest.look(&start.identity.id, start.identity.revision, now) {
                // Newer by a refresh, that is, and not by a roll or the application's data.
                Known::Newer(state) if is_renewed(&state, start) => return Renewal::Renewed(state),
                Known::Ended(code) => return Renewal::Ended(code),
                Known::Retiring(_) => return Renewal::NoTokens,
                _ => {}
            }
        }
        tracing::info!(
            subject = start.identity.user.subject,
            "provider took the refresh token back; session ended"
        );
        self.end_for_good(start, Code::TokenRefreshFailed).await
    }

    async fn end_for_good(self: &Arc<Self>, start: &Start, code: Code) -> Renewal {
        if let SessionPlace::Cookie(newest) = &self.place {
            let until = start.identity.absolute_expires_at;
            // Ended twice is ended.
            let _ = newest.end(&start.identity.id, code, until, self.ports.clock.now());
        }
        Renewal::Ended(code)
    }
}

fn is_renewed(state: &SessionState, start: &Start) -> bool {
    let tokens = state.tokens.as_ref();
    tokens.is_some_and(|tokens| !same_refresh_token(tokens, &start.tokens))
}
