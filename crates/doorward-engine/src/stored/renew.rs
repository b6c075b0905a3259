//! Runs [`Renewing`] against the store and the provider. It runs in `Tasks`, once per session and process.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use doorward_core::code::Code;
use doorward_core::ports::{BoxFuture, StoreKey};
use doorward_core::session::{
    Answer, Ask, Called, Change, EXTEND_EVERY, Identity, Outcome, Renewing, Seen, SessionHandle, Standing, TokenPart,
    Tokens, Transition,
};
use doorward_crypto::SecretString;

use super::change::{end_of, unsealed};
use super::{Found, Kept, Next, StoredSessions};
use crate::auth::{Inner, SessionPlace};
use crate::newest::SessionState;
use crate::provider::ProviderState;
use crate::refresh::{NoTokens, Renewal, Unwritten};
use crate::renew_tokens::Refreshed;
use crate::single_flight::Begin;

/// How often tokens that the store did not take are offered to it again, at first and after a minute.
///
/// Shorter than what another instance waits, once the old token was refused, for the tokens of a holder that went without a word.
const OFFER_AGAIN: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// One renewal under way.
struct Renewer<'i> {
    inner: &'i Arc<Inner>,
    stored: &'i StoredSessions,
    provider: &'i Arc<ProviderState>,
    handle: &'i SessionHandle,
    key: StoreKey,
    /// The record as it was read or written last.
    kept: Option<Arc<Kept>>,
    call: Option<BoxFuture<'i, Result<Arc<Refreshed>, NoTokens>>>,
    fetched: Option<Arc<Refreshed>>,
    /// There is nothing in the record to renew with.
    without_tokens: bool,
    /// What was fetched fits into no record.
    is_unsealable: bool,
}

impl Inner {
    /// Renews a stored session's tokens, or takes over what another instance has renewed.
    pub(crate) fn renew_stored(
        self: Arc<Self>,
        handle: SessionHandle,
        provider: Arc<ProviderState>,
    ) -> BoxFuture<'static, Renewal> {
        Box::pin(async move {
            let SessionPlace::Store(stored) = &self.place else {
                return Renewal::NoTokens;
            };
            let unwritten = self.refreshes.unwritten(handle.id());
            let machine = match &unwritten {
                Some(Unwritten { fence, .. }) => Renewing::resume(*fence),
                None => Renewing::new(),
            };
            let renewer = Renewer {
                inner: &self,
                stored,
                provider: &provider,
                handle: &handle,
                key: handle.store_key(),
                kept: None,
                call: None,
                fetched: unwritten.map(|unwritten| unwritten.refreshed),
                without_tokens: false,
                is_unsealable: false,
            };
            renewer.run(machine).await
        })
    }

    /// Offers tokens to the store until it takes them: they are rotated, and what the record holds is worth nothing any more.
    fn offer_unwritten(self: &Arc<Self>, handle: SessionHandle, provider: Arc<ProviderState>) {
        let this = Arc::clone(self);
        self.ports.tasks.spawn(Box::pin(async move {
            let [often, later] = OFFER_AGAIN;
            let begun = this.ports.clock.monotonic();
            while this
                .refreshes
                .waits_unwritten(handle.id(), this.ports.clock.monotonic())
            {
                let waited = this.ports.clock.monotonic().saturating_sub(begun);
                let pause = if waited < Duration::from_secs(60) { often } else { later };
                this.ports.tasks.sleep(pause).await;
                let renewal = || Begin::Job(Arc::clone(&this).renew_stored(handle.clone(), Arc::clone(&provider)));
                let flights = &this.refreshes.flights;
                match flights.join(*handle.id(), &*this.ports.tasks, renewal).await {
                    Some(Renewal::StoreFailed) => {}
                    _ => return,
                }
            }
        }));
    }
}

impl Renewer<'_> {
    async fn run(mut self, mut machine: Renewing) -> Renewal {
        let mut answer = Answer::Begin;
        loop {
            answer = match machine.next(answer) {
                Ask::Load => self.load().await,
                Ask::Write(Transition::Control(change)) => self.write_control(change).await,
                Ask::Write(Transition::Tokens { fence }) => self.write_tokens(fence).await,
                Ask::Call => self.call().await,
                Ask::Sleep(pause) => {
                    self.inner.ports.tasks.sleep(pause).await;
                    Answer::Woke
                }
                Ask::Done(outcome) => return self.conclude(outcome),
            };
            // Said before a lease is taken for nothing.
            if self.without_tokens {
                return Renewal::NoTokens;
            }
        }
    }

    async fn load(&mut self) -> Answer {
        let found = match self.stored.load(&self.inner.ports, &self.key).await {
            Ok(found) => found,
            Err(_) => return Answer::StoreFailed,
        };
        Answer::Loaded(match found {
            Found::Absent => Seen::Absent,
            Found::Unreadable { .. } => Seen::Unreadable,
            Found::Ended => {
                let until = self.inner.ports.clock.now();
                Seen::Record {
                    control: doorward_core::session::Control::tombstone(until),
                    time: Default::default(),
                    is_due: false,
                }
            }
            Found::Live(kept) => {
                let Some(opened) = self.stored.records.open_identity(&kept.record, self.handle) else {
                    return Answer::Loaded(Seen::Unreadable);
                };
                let now = self.inner.ports.clock.now();
                let is_due = opened.refresh_at().is_some_and(|due| now >= due);
                let control = kept.record.control().clone();
                let seen = Seen::Record {
                    is_due,
                    time: kept.time,
                    control,
                };
                self.kept = Some(kept);
                let nothing_under_way = self.call.is_none() && self.fetched.is_none();
                self.without_tokens = is_due && nothing_under_way && self.refreshable().is_none();
                seen
            }
        })
    }

    /// The tokens of the record, where there is a refresh token among them.
    fn refreshable(&self) -> Option<Tokens> {
        let tokens = self
            .stored
            .records
            .open_tokens(&self.kept.as_ref()?.record, self.handle)?;
        tokens.refresh_token.is_some().then_some(tokens)
    }

    fn identity(&self) -> Option<Identity> {
        let opened = self
            .stored
            .records
            .open_identity(&self.kept.as_ref()?.record, self.handle)?;
        opened.to_identity().ok()
    }

    async fn write_control(&mut self, change: Change) -> Answer {
        let Some(kept) = self.kept.clone() else {
            return Answer::Conflict;
        };
        let Ok(control) = kept.record.control().after(change) else {
            return Answer::Conflict;
        };
        let ports = &self.inner.ports;
        match self.stored.put_control(ports, &self.key, &kept, &control, change).await {
            Ok(Some(written)) => {
                self.kept = Some(Arc::new(written));
                Answer::Written
            }
            Ok(None) => Answer::Conflict,
            Err(_) => Answer::StoreFailed,
        }
    }

    async fn write_tokens(&mut self, fence: u64) -> Answer {
        let (Some(kept), Some(refreshed), Some(mut identity)) =
            (self.kept.clone(), self.fetched.clone(), self.identity())
        else {
            return Answer::Conflict;
        };
        let ports = &self.inner.ports;
        self.inner
            .put_refreshed(self.provider, &refreshed, &mut identity, ports.clock.now());
        identity.revision = identity.revision.saturating_add(1);
        let expires_at = end_of(&identity);
        let Ok(control) = kept.record.control().after(Change::PutTokens { fence, expires_at }) else {
            return Answer::Conflict;
        };
        let Some(summary) = kept.record.summary() else {
            return Answer::StoreFailed;
        };
        let records = &self.stored.records;
        let tokens = TokenPart::New(&refreshed.tokens);
        let bytes = match records.seal(&*ports.random, self.handle, &control, &summary, &identity, tokens) {
            Ok(bytes) => bytes,
            Err(error) => {
                unsealed(&error);
                self.is_unsealable = true;
                return Answer::StoreFailed;
            }
        };
        // Security: sealed by the key that seals now, it is looked for in the lists that this key names.
        let lists = match kept.record.is_current() {
            true => Vec::new(),
            false => self.stored.lists(&summary, identity.absolute_expires_at),
        };
        let next = Next::of(&control, &bytes, &lists);
        match self.stored.write(ports, &self.key, Some(kept.version), next).await {
            Ok(Some(version)) => {
                self.kept = self.stored.reopened(&self.key, version, bytes, &kept).map(Arc::new);
                Answer::Written
            }
            Ok(None) => Answer::Conflict,
            Err(_) => Answer::StoreFailed,
        }
    }

    async fn call(&mut self) -> Answer {
        let mut call = match self.call.take() {
            Some(call) => call,
            None => {
                let (Some(identity), Some(tokens)) = (self.identity(), self.refreshable()) else {
                    return Answer::StoreFailed;
                };
                let (inner, provider) = (self.inner, self.provider);
                Box::pin(async move { inner.fetch_tokens(provider, &identity, &tokens).await })
            }
        };
        let ended = self.inner.ports.within(EXTEND_EVERY, Pin::as_mut(&mut call)).await;
        Answer::Called(match ended {
            None => {
                self.call = Some(call);
                return Answer::StillCalling;
            }
            Some(Ok(refreshed)) => {
                self.fetched = Some(refreshed);
                Called::Tokens
            }
            Some(Err(NoTokens::Passing(pause))) => Called::Failed { pause },
            Some(Err(NoTokens::GrantRefused | NoTokens::Foreign)) => Called::Refused,
        })
    }

    fn conclude(self, outcome: Outcome) -> Renewal {
        if self.is_unsealable || !matches!(outcome, Outcome::Unwritten { .. } | Outcome::StoreFailed) {
            self.inner.refreshes.forget_unwritten(self.handle.id());
        }
        match outcome {
            Outcome::Renewed => match self.identity() {
                Some(identity) => {
                    tracing::debug!(subject = identity.user.subject, "tokens renewed");
                    let tokens = self.refreshed_tokens();
                    Renewal::Renewed(Arc::new(SessionState {
                        identity,
                        tokens,
                        sealed: String::new(),
                    }))
                }
                None => Renewal::Ended(Code::SessionInvalid),
            },
            Outcome::EndedHere => {
                tracing::info!("provider took the refresh token back; session ended");
                Renewal::Ended(Code::TokenRefreshFailed)
            }
            Outcome::Ended => self.over(Code::SessionRevoked),
            Outcome::Absent => self.over(Code::SessionExpired),
            Outcome::Unreadable => self.over(Code::SessionInvalid),
            Outcome::Passing(pause) => Renewal::Passing(pause),
            // Its successor has tokens of its own.
            Outcome::Retiring => {
                if let Some(token) = self.arrived() {
                    self.inner.revoke_after_grace(self.provider, token);
                }
                Renewal::NoTokens
            }
            Outcome::StoreFailed => Renewal::StoreFailed,
            // Trying again would not help, and nobody may use what cannot be kept.
            Outcome::Unwritten { .. } if self.is_unsealable => {
                self.over(Code::TokenRefreshFailed);
                Renewal::Passing(Duration::from_secs(1))
            }
            Outcome::Unwritten { fence } => {
                // The provider has rotated, the store does not answer: the tokens are all there is.
                if let Some(refreshed) = self.fetched {
                    let now = self.inner.ports.clock.monotonic();
                    let id = *self.handle.id();
                    // One job offers them, however many renewals find out meanwhile that the store is still away.
                    if self.inner.refreshes.keep_unwritten(id, fence, refreshed, now) {
                        self.inner
                            .offer_unwritten(self.handle.clone(), Arc::clone(self.provider));
                    }
                }
                Renewal::StoreFailed
            }
        }
    }

    fn refreshed_tokens(&self) -> Option<Arc<Tokens>> {
        let kept = self.kept.as_ref()?;
        debug_assert_ne!(kept.record.control().standing, Standing::Ended, "renewed is not ended");
        let tokens = self.stored.records.open_tokens(&kept.record, self.handle)?;
        Some(Arc::new(tokens))
    }

    /// The session is over, and nobody may use what has just arrived.
    fn over(self, code: Code) -> Renewal {
        if let Some(token) = self.arrived() {
            self.inner.revoke_in_background(self.provider, token);
        }
        Renewal::Ended(code)
    }

    /// The refresh token that the call has brought.
    fn arrived(&self) -> Option<SecretString> {
        self.fetched.as_ref()?.tokens.refresh_token.clone()
    }
}
