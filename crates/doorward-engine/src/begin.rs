//! From a verified login to a fresh session, and the end of the sessions before it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use doorward_core::code::Code;
use doorward_core::session::{
    Identity, OpenedIdentity, SealSessionError, SeenFrom, SessionHandle, SessionId, Tokens, User, check, refresh_at,
};
use http::HeaderMap;
use http::header::HeaderValue;

use crate::auth::SessionPlace;
use crate::farewell::Farewell;
use crate::hooks::Login;
use crate::login_failure::LoginFailure;
use crate::newest::NotWritten;
use crate::provider::ProviderState;
use crate::site::Here;
use crate::succession::Successor;
use crate::token_calls::SignedIn;

/// When it is tried to end a session that the store did not answer for: so long after the last try.
const END_BEHIND_AFTER: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(10), Duration::from_secs(60)];

/// The sessions that a login replaces.
#[derive(Default)]
pub(crate) struct Before {
    pub(crate) session: Option<SessionId>,
    pub(crate) handle: Option<SessionHandle>,
}

impl Here<'_> {
    /// Drafts the session of a verified login, for the application to shape.
    pub(crate) fn draft_session(
        self,
        handle: &SessionHandle,
        user: User,
        signed_in: &SignedIn,
        provider: &ProviderState,
    ) -> Identity {
        let now = self.ports.clock.now();
        let id = *handle.id();
        Identity {
            id,
            revision: 1,
            provider: provider.name.clone(),
            roles_are_ours: false,
            user,
            scopes: signed_in.scopes.clone(),
            issued_at: now,
            idle_expires_at: self.lifetimes.idle_end(now),
            absolute_expires_at: self.lifetimes.absolute_end(now),
            access_token_expires_at: signed_in.tokens.access_token_expires_at,
            refresh_at: signed_in
                .tokens
                .refresh_token
                .as_ref()
                .map(|_| refresh_at(now, signed_in.expires_in, provider.settings.refresh_ahead)),
            has_token_part: true,
            auth_time: signed_in.auth_time,
            acr: signed_in.acr.clone(),
            provider_session_id: signed_in.provider_session_id.clone(),
            provider_tenant: None,
            csrf: self.csrf.issue(&id),
            data: BTreeMap::new(),
        }
    }

    /// Begins the session that a login has led to, and returns its cookies.
    pub(crate) async fn begin_session(
        self,
        handle: &SessionHandle,
        login: Login,
        tokens: &Tokens,
        seen_from: SeenFrom,
    ) -> Result<Vec<HeaderValue>, LoginFailure> {
        let mut identity = login.identity;
        if self.is_over(&identity) {
            return Err(LoginFailure::new(
                Code::ProviderResponseInvalid,
                "access token is over on arrival, and nothing renews it",
            ));
        }
        let mut cookies = Vec::with_capacity(4);
        match &self.place {
            SessionPlace::Cookie(_) => {
                let sealed = self.seal_sparing(&mut identity).map_err(|error| too_large(&error))?;
                cookies.extend(self.session_cookie(sealed, &identity));
                cookies.extend(
                    self.token_cookies(&identity, tokens)
                        .map_err(|error| too_large(&error))?,
                );
            }
            SessionPlace::Store(stored) => {
                stored
                    .create(&self.ports, handle, &identity, tokens, seen_from)
                    .await
                    .map_err(|error| match error {
                        NotWritten::Store => {
                            self.end_behind(handle);
                            LoginFailure::new(Code::StoreUnavailable, "session store did not answer")
                        }
                        _ => LoginFailure::new(Code::NotConfigured, "session could not be sealed"),
                    })?;
                cookies.extend(self.session_cookie(handle.encode(), &identity));
            }
        }
        cookies.extend(self.csrf_cookie(&identity.csrf, identity.absolute_expires_at));
        tracing::info!(
            subject = identity.user.subject,
            tenant = identity.user.tenant,
            "signed in"
        );
        Ok(cookies)
    }

    /// Ends a session that the store did not answer for, without anybody waiting: one whose record may have been written though nobody
    /// said so, and whose browser never gets the cookie; or one that a login ends.
    fn end_behind(self, handle: &SessionHandle) {
        let (inner, key) = (Arc::clone(self.inner), handle.store_key());
        self.ports.tasks.spawn(Box::pin(async move {
            let SessionPlace::Store(stored) = &inner.place else {
                return;
            };
            for pause in END_BEHIND_AFTER {
                inner.ports.tasks.sleep(pause).await;
                if stored.end(&inner.ports, &key).await.is_ok() {
                    return;
                }
            }
        }));
    }

    /// Whether a session would be over when its cookie arrives: a page that sends people to login would
    /// then send a browser in circles.
    fn is_over(self, identity: &Identity) -> bool {
        let now = self.ports.clock.now();
        OpenedIdentity::from_identity(identity).is_ok_and(|opened| check(opened, &self.lifetimes, now).is_err())
    }

    /// Ends the session present when the login began and every one present now, at once or once requests on their way are served.
    pub(crate) async fn end_before(self, headers: &HeaderMap, before: Before, successor: &Successor) {
        let begun_with = before.handle.clone();
        let (farewells, failed) = self.end_presented(headers, before, Some(successor)).await;
        self.take_back(farewells);
        let Some(error) = failed else { return };
        tracing::error!(%error, "a session before this login could not be ended; it is tried again");
        if let SessionPlace::Store(_) = &self.place {
            let presented = self.codec.every_handle(headers);
            presented
                .iter()
                .chain(&begun_with)
                .for_each(|handle| self.end_behind(handle));
        }
    }

    /// Takes back, without anybody waiting for it, what ended sessions leave at the provider.
    pub(crate) fn take_back(self, farewells: Vec<Farewell>) {
        for Farewell {
            provider,
            refresh_token,
            is_retiring,
            ..
        } in farewells
        {
            match refresh_token {
                Some(token) if is_retiring => self.revoke_after_grace(&provider, token),
                Some(token) => self.revoke_in_background(&provider, token),
                None => {}
            }
        }
    }
}

fn too_large(error: &SealSessionError) -> LoginFailure {
    match error {
        SealSessionError::TooLarge { .. } => LoginFailure::new(Code::SessionTooLarge, error),
        _ => LoginFailure::new(Code::NotConfigured, error),
    }
}
