//! Ending the sessions that a request presents, and what they leave to be taken back at the provider.

use std::collections::HashSet;
use std::sync::Arc;

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::ports::StoreError;
use doorward_core::session::{OpenedIdentity, ProviderTenant, SessionHandle, SessionId, Tokens};
use doorward_crypto::SecretString;
use http::HeaderMap;

use crate::auth::SessionPlace;
use crate::begin::Before;
use crate::newest::{Newest, SessionState};
use crate::provider::ProviderState;
use crate::site::Here;
use crate::stored::StoredSessions;

/// What an ended session leaves for its farewell at the provider.
pub(crate) struct Farewell {
    pub(crate) provider: Arc<ProviderState>,
    pub(crate) refresh_token: Option<SecretString>,
    pub(crate) id_token: Option<SecretString>,
    /// The tenant as the provider knows it, where its farewell is said at the tenant's host.
    pub(crate) tenant: Option<ProviderTenant>,
}

/// A sealed session to be ended: until when that is remembered, its provider and tenant where the cookie says.
type Ending<'r> = (
    SessionId,
    UnixTime,
    Option<&'r Arc<ProviderState>>,
    Option<ProviderTenant>,
);

impl Farewell {
    fn of(provider: &Arc<ProviderState>, tenant: Option<ProviderTenant>, tokens: &Tokens) -> Self {
        Self {
            provider: Arc::clone(provider),
            refresh_token: tokens.refresh_token.clone(),
            id_token: tokens.id_token.clone(),
            tenant,
        }
    }
}

impl<'r> Here<'r> {
    /// Ends every session that the request's cookies open, and the one that a login began with.
    ///
    /// All of them, because a cookie planted beside the user's own must not keep that one alive. A
    /// session that had ended before leaves nothing. The second value is the store's last failure:
    /// what it did not answer for still counts as live.
    pub(crate) async fn end_presented(
        self,
        headers: &HeaderMap,
        before: Before,
    ) -> (Vec<Farewell>, Option<StoreError>) {
        match &self.place {
            SessionPlace::Cookie(newest) => {
                let ends = self.presented(headers, before.session);
                let ids: Vec<_> = ends.iter().map(|(id, until, ..)| (*id, *until)).collect();
                let farewells = self.end_sealed(newest, headers, ends);
                let failed = match &self.revocations {
                    // Also those that had ended here before: the store may not have heard of it.
                    Some(revocations) => revocations.end_sessions(&self.ports, ids).await.err(),
                    None => None,
                };
                (farewells, failed)
            }
            SessionPlace::Store(stored) => {
                let mut farewells = Vec::new();
                let mut failed = None;
                let presented = self.codec.every_handle(headers);
                for handle in before.handle.into_iter().chain(presented) {
                    match self.end_stored(stored, &handle).await {
                        Ok(farewell) => farewells.extend(farewell),
                        Err(error) => failed = Some(error),
                    }
                }
                (farewells, failed)
            }
        }
    }

    /// The sealed sessions that a request presents, and the one that a login began with, each once.
    fn presented(self, headers: &HeaderMap, before: Option<SessionId>) -> Vec<Ending<'r>> {
        let presented = self.codec.every_identity(headers);
        let mut ends: Vec<_> = presented
            .iter()
            .map(|opened| {
                let until = opened.absolute_expires_at();
                (opened.id(), until, self.provider_of(opened), tenant_of(opened))
            })
            .collect();
        let until = self.lifetimes.absolute_end(self.ports.clock.now());
        ends.extend(before.map(|id| (id, until, None, None)));
        let mut seen = HashSet::new();
        ends.retain(|(id, ..)| seen.insert(*id));
        ends
    }

    fn end_sealed(self, newest: &Newest, headers: &HeaderMap, ends: Vec<Ending<'r>>) -> Vec<Farewell> {
        let now = self.ports.clock.now();
        let mut farewells = Vec::new();
        for (id, until, provider, tenant) in ends {
            // The newest state comes out of the very step that ends the session, so that a refresh that
            // landed a moment ago is taken back too.
            let Ok(state) = newest.end(&id, Code::SessionRevoked, until, now) else {
                continue;
            };
            // What a login began with and nobody presents any more says by its state whose it was.
            let named = |state: &Arc<SessionState>| self.inner.home.providers.named(&state.identity.provider);
            let Some(provider) = provider.or_else(|| named(state.as_ref()?)) else {
                continue;
            };
            let tokens = state.and_then(|state| state.tokens.clone()).or_else(|| {
                let opened = self.codec.open_tokens(headers, &id);
                opened.map(|(tokens, _)| Arc::new(tokens))
            });
            farewells.extend(tokens.map(|tokens| Farewell::of(provider, tenant, &tokens)));
        }
        farewells
    }

    /// Ends a stored session that somebody presents, and returns its tokens; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError`] if the store did not answer: the session then still counts as live.
    async fn end_stored(self, stored: &StoredSessions, handle: &SessionHandle) -> Result<Option<Farewell>, StoreError> {
        let Some(kept) = stored.end(&self.ports, &handle.store_key()).await? else {
            return Ok(None);
        };
        let opened = stored.records.open_identity(&kept.record, handle);
        let Some(provider) = opened.as_ref().and_then(|opened| self.provider_of(opened)) else {
            return Ok(None);
        };
        let tenant = opened.as_ref().and_then(tenant_of);
        let tokens = stored.records.open_tokens(&kept.record, handle);
        Ok(tokens.map(|tokens| Farewell::of(provider, tenant, &tokens)))
    }

    /// The provider that a session's tokens go back to; `None` where it is not configured any more.
    ///
    /// # Security
    /// Tokens are shown to nobody who did not issue them: neither to the provider that took another's place, nor to the
    /// one that happens to be the first.
    fn provider_of(self, opened: &OpenedIdentity) -> Option<&'r Arc<ProviderState>> {
        self.inner.home.providers.of_session(opened)
    }
}

fn tenant_of(opened: &OpenedIdentity) -> Option<ProviderTenant> {
    opened.body().ok()?.provider_tenant
}
