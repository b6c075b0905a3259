//! Ending the sessions that a request presents, and what they leave to be taken back at the provider.

use std::collections::HashSet;
use std::sync::Arc;

use doorward_core::UnixTime;
use doorward_core::code::Code;
use doorward_core::ports::StoreError;
use doorward_core::session::{Change, OpenedIdentity, ProviderTenant, SessionHandle, SessionId, Tokens, User};
use doorward_crypto::SecretString;
use http::HeaderMap;

use crate::auth::SessionPlace;
use crate::begin::Before;
use crate::newest::{Known, Newest, SessionState};
use crate::provider::ProviderState;
use crate::site::Here;
use crate::stored::{Kept, StoredSessions};
use crate::succession::{GRACE, Successor};

/// What an ended session leaves for its farewell at the provider.
pub(crate) struct Farewell {
    pub(crate) provider: Arc<ProviderState>,
    pub(crate) refresh_token: Option<SecretString>,
    pub(crate) id_token: Option<SecretString>,
    /// The tenant as the provider knows it, where its farewell is said at the tenant's host.
    pub(crate) tenant: Option<ProviderTenant>,
    /// Whether requests on their way are still served, so that the tokens must hold for a while.
    pub(crate) is_retiring: bool,
}

/// A sealed session to be ended: until when that is remembered, whether it lets requests finish, its provider and tenant where the
/// cookie says.
type Ending<'r> = (
    SessionId,
    UnixTime,
    bool,
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
            is_retiring: false,
        }
    }

    fn retiring(mut self, is_retiring: bool) -> Self {
        self.is_retiring = is_retiring;
        self
    }
}

impl<'r> Here<'r> {
    /// Ends every session that the request's cookies open, and the one that a login began with.
    ///
    /// All of them, because a cookie planted beside the user's own must not keep that one alive. A
    /// session that had ended before leaves nothing. Where a login's `successor` lets them finish, they end somewhat later. The
    /// second value is the store's last failure: what it did not answer for still counts as live.
    pub(crate) async fn end_presented(
        self,
        headers: &HeaderMap,
        before: Before,
        successor: Option<&Successor>,
    ) -> (Vec<Farewell>, Option<StoreError>) {
        match &self.place {
            SessionPlace::Cookie(newest) => {
                let ends = self.presented(newest, headers, before.session, successor);
                let now = self.ports.clock.now();
                let ids: Vec<_> = ends
                    .iter()
                    .map(|(id, until, retires, ..)| match retires {
                        true => (*id, *until, Some(now.saturating_add(GRACE))),
                        false => (*id, *until, None),
                    })
                    .collect();
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
                // What a login began with is as a rule what is presented now.
                let begun_with = before.handle.filter(|begun_with| !presented.contains(begun_with));
                for handle in begun_with.into_iter().chain(presented) {
                    match self.end_stored(stored, &handle, successor).await {
                        Ok(farewell) => farewells.extend(farewell),
                        Err(error) => failed = Some(error),
                    }
                }
                (farewells, failed)
            }
        }
    }

    /// The sealed sessions that a request presents, and the one that a login began with, each once.
    fn presented(
        self,
        newest: &Newest,
        headers: &HeaderMap,
        before: Option<SessionId>,
        successor: Option<&Successor>,
    ) -> Vec<Ending<'r>> {
        let now = self.ports.clock.now();
        let presented = self.codec.every_identity(headers);
        let lets_finish = |user: &User| successor.is_some_and(|successor| successor.lets_finish(user));
        let mut ends: Vec<_> = presented
            .iter()
            .map(|opened| {
                let until = opened.absolute_expires_at();
                let retires = opened.to_user().is_ok_and(|user| lets_finish(&user));
                (opened.id(), until, retires, self.provider_of(opened), tenant_of(opened))
            })
            .collect();
        ends.extend(before.map(|id| {
            // Whose it was is known only where this process has written it.
            let known = newest.look(&id, 0, now);
            let retires = matches!(known, Known::Newer(state) if lets_finish(&state.identity.user));
            (id, self.lifetimes.absolute_end(now), retires, None, None)
        }));
        let mut seen = HashSet::new();
        ends.retain(|(id, ..)| seen.insert(*id));
        ends
    }

    fn end_sealed(self, newest: &Newest, headers: &HeaderMap, ends: Vec<Ending<'r>>) -> Vec<Farewell> {
        let now = self.ports.clock.now();
        let mut farewells = Vec::new();
        for (id, until, retires, provider, tenant) in ends {
            // The newest state comes out of the very step that ends the session, so that a refresh that
            // landed a moment ago is taken back too.
            let ended = match retires {
                true => newest.retire(&id, now.saturating_add(GRACE), until, now),
                false => newest.end(&id, Code::SessionRevoked, until, now),
            };
            let Ok(state) = ended else {
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
            farewells.extend(tokens.map(|tokens| Farewell::of(provider, tenant, &tokens).retiring(retires)));
        }
        farewells
    }

    /// Ends a stored session that somebody presents, now or somewhat later, and returns its tokens; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError`] if the store did not answer: the session then still counts as live.
    async fn end_stored(
        self,
        stored: &StoredSessions,
        handle: &SessionHandle,
        successor: Option<&Successor>,
    ) -> Result<Option<Farewell>, StoreError> {
        let key = handle.store_key();
        let parting = |kept: &Kept| self.parting(stored, handle, kept, successor);
        let Some(kept) = stored.transit(&self.ports, &key, parting).await? else {
            return Ok(None);
        };
        let retires = !matches!(self.parting(stored, handle, &kept, successor), Change::End);
        // Replaced before: its tokens are dealt with.
        if retires && kept.is_retiring() {
            return Ok(None);
        }
        let opened = stored.records.open_identity(&kept.record, handle);
        let Some(provider) = opened.as_ref().and_then(|opened| self.provider_of(opened)) else {
            return Ok(None);
        };
        let tenant = opened.as_ref().and_then(tenant_of);
        let tokens = stored.records.open_tokens(&kept.record, handle);
        Ok(tokens.map(|tokens| Farewell::of(provider, tenant, &tokens).retiring(retires)))
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
