//! The changes of a record: beginning, writing anew, ending.

use std::sync::Arc;

use doorward_core::code::Code;
use doorward_core::ports::{StoreError, StoreKey};
use doorward_core::session::{
    Change as Transition, Control, Identity, Judged, Record, Refused, SealSessionError, SeenFrom, SessionHandle,
    Summary, TokenPart, Tokens,
};

use super::{Found, Kept, Next, StoredSessions};
use crate::newest::{NotWritten, SessionState};
use crate::outside::Ports;
use crate::state::Change;

/// No session that cannot be read here lasts longer.
const UNREADABLE_ENDS_WITHIN: std::time::Duration = std::time::Duration::from_secs(400 * 24 * 3600);

/// Attempts at a compare-and-set before the store counts as failing.
const ATTEMPTS: usize = 8;

impl StoredSessions {
    /// Stores a session that has just begun, and enters it in its lists.
    ///
    /// # Errors
    /// [`NotWritten`].
    pub(crate) async fn create(
        &self,
        ports: &Ports,
        handle: &SessionHandle,
        identity: &Identity,
        tokens: &Tokens,
        seen_from: SeenFrom,
    ) -> Result<(), NotWritten> {
        let control = Control::new(end_of(identity), identity.absolute_expires_at);
        let summary = summary_of(identity, ports, seen_from);
        let random = &*ports.random;
        let bytes = self
            .records
            .seal(random, handle, &control, &summary, identity, TokenPart::New(tokens))
            .map_err(|error| unsealed(&error))?;
        let lists = self.lists(&summary, identity.absolute_expires_at);
        let next = Next::of(&control, &bytes, &lists);
        match self.write(ports, &handle.store_key(), None, next).await {
            Ok(Some(_)) => Ok(()),
            // 384 random bits met again: nothing that chance explains.
            Ok(None) => {
                tracing::error!("a fresh session ID exists already; the source of randomness is broken");
                Err(NotWritten::Store)
            }
            Err(error) => Err(store_failed(&error)),
        }
    }

    /// Writes the next state of a session: `change` is applied to the newest one.
    ///
    /// # Errors
    /// [`NotWritten`].
    pub(crate) async fn change(
        &self,
        ports: &Ports,
        handle: &SessionHandle,
        read: Option<&Arc<Kept>>,
        seen_from: Option<&SeenFrom>,
        change: Change<'_>,
    ) -> Result<Arc<SessionState>, NotWritten> {
        let key = handle.store_key();
        let mut at_hand = read.cloned();
        for _ in 0..ATTEMPTS {
            let kept = match at_hand.take() {
                Some(kept) => kept,
                None => match self.load(ports, &key).await.map_err(|error| store_failed(&error))? {
                    Found::Live(kept) => kept,
                    Found::Ended | Found::Absent => return Err(NotWritten::Ended(Code::SessionRevoked)),
                    Found::Unreadable { .. } => return Err(NotWritten::Unreadable),
                },
            };
            // Security: a request that was held back for long must not bring an expired session back.
            if kept.record.control().judge(ports.clock.now()) != Judged::Live {
                return Err(NotWritten::Ended(Code::SessionRevoked));
            }
            let mut identity = self
                .records
                .open_identity(&kept.record, handle)
                .and_then(|opened| opened.to_identity().ok())
                .ok_or(NotWritten::Unreadable)?;
            let mut tokens = None;
            change(&mut identity, &mut tokens);
            identity.revision = identity.revision.saturating_add(1);
            let expires_at = end_of(&identity);
            let control =
                kept.record
                    .control()
                    .after(Transition::Put { expires_at })
                    .map_err(|refused| match refused {
                        Refused::Retiring => NotWritten::Replaced,
                        _ => NotWritten::Ended(Code::SessionRevoked),
                    })?;
            let seen_from = seen_from.cloned().or_else(|| Some(kept.record.summary()?.seen_from));
            let summary = summary_of(&identity, ports, seen_from.unwrap_or_default());
            let token_part = TokenPart::Kept(&kept.record);
            let bytes = self
                .records
                .seal(&*ports.random, handle, &control, &summary, &identity, token_part)
                .map_err(|error| unsealed(&error))?;
            // Entered anew where another key names lists by now; else this changes nothing.
            let lists = match kept.record.is_current() {
                true => Vec::new(),
                false => self.lists(&summary, identity.absolute_expires_at),
            };
            let next = Next::of(&control, &bytes, &lists);
            match self.write(ports, &key, Some(kept.version), next).await {
                Ok(Some(_)) => {
                    return Ok(Arc::new(SessionState {
                        identity,
                        tokens: None,
                        sealed: String::new(),
                    }));
                }
                Ok(None) => {}
                Err(error) => return Err(store_failed(&error)),
            }
        }
        tracing::error!("session record changed too often to be written");
        Err(NotWritten::Store)
    }

    /// Ends a session, and returns what it was before; `None` where there was none that lived.
    ///
    /// # Errors
    /// [`StoreError`] if the store did not take it: the session then still counts as live.
    ///
    /// # Security
    /// Only what the store holds is ended: a tombstone for each key that somebody makes up would let strangers fill the store.
    pub(crate) async fn end(&self, ports: &Ports, key: &StoreKey) -> Result<Option<Arc<Kept>>, StoreError> {
        self.transit(ports, key, |_| Transition::End).await
    }

    /// Makes a transition that needs no browser, chosen by what is there, and returns what the record was before; `None` where
    /// nothing lived.
    ///
    /// # Errors
    /// [`StoreError`] if the store did not take it.
    pub(crate) async fn transit(
        &self,
        ports: &Ports,
        key: &StoreKey,
        choose: impl Fn(&Kept) -> Transition + Send + Sync,
    ) -> Result<Option<Arc<Kept>>, StoreError> {
        for _ in 0..ATTEMPTS {
            let kept = match self.load(ports, key).await? {
                Found::Live(kept) => kept,
                Found::Absent | Found::Ended => return Ok(None),
                Found::Unreadable { version } => {
                    if self.bury(ports, key, version).await? {
                        return Ok(None);
                    }
                    continue;
                }
            };
            let transition = choose(&kept);
            let Ok(control) = kept.record.control().after(transition) else {
                return Ok(None);
            };
            if self
                .put_control(ports, key, &kept, &control, transition)
                .await?
                .is_some()
            {
                return Ok(Some(kept));
            }
        }
        tracing::error!("session record changed too often to be ended");
        Err(StoreError::new(doorward_core::ports::StoreErrorKind::Failed))
    }

    /// Puts a tombstone over a record that cannot be read here, and may well be read elsewhere: by a newer release, or with a secret
    /// that this instance has not got yet. `false` for a lost race.
    async fn bury(&self, ports: &Ports, key: &StoreKey, version: u64) -> Result<bool, StoreError> {
        let until = ports.clock.now().saturating_add(UNREADABLE_ENDS_WITHIN);
        let control = Control::tombstone(until);
        let bytes = self
            .records
            .seal_tombstone(&*ports.random, key, &control)
            .map_err(|error| StoreError::with_source(doorward_core::ports::StoreErrorKind::Failed, error))?;
        let next = Next::of(&control, &bytes, &[]).announced();
        Ok(self.write(ports, key, Some(version), next).await?.is_some())
    }

    /// Writes a record with another control; the record as it is then, or `None` for a lost race.
    pub(super) async fn put_control(
        &self,
        ports: &Ports,
        key: &StoreKey,
        kept: &Kept,
        control: &Control,
        transition: Transition,
    ) -> Result<Option<Kept>, StoreError> {
        let failed =
            |error: SealSessionError| StoreError::with_source(doorward_core::ports::StoreErrorKind::Failed, error);
        let bytes = self
            .records
            .seal_control(&*ports.random, key, control, &kept.record)
            .map_err(failed)?;
        let ends = matches!(transition, Transition::End);
        let lists = match ends {
            true => self.lists_left(kept.record.summary().as_ref()),
            false => Vec::new(),
        };
        let mut next = Next::of(control, &bytes, &lists);
        if ends || matches!(transition, Transition::Retire { .. }) {
            next = next.announced();
        }
        let Some(version) = self.write(ports, key, Some(kept.version), next).await? else {
            return Ok(None);
        };
        Ok(self.reopened(key, version, bytes, kept))
    }

    /// A record that was just written, as if it had been read.
    pub(super) fn reopened(&self, key: &StoreKey, version: u64, bytes: Vec<u8>, before: &Kept) -> Option<Kept> {
        let record: Record = self.records.open(key, bytes).ok()?;
        Some(Kept {
            version,
            record,
            time: before.time,
        })
    }
}

/// What a session's record says of it without the browser.
pub(super) fn summary_of(identity: &Identity, ports: &Ports, seen_from: SeenFrom) -> Summary {
    Summary {
        provider: identity.provider.clone(),
        subject: identity.user.subject.clone(),
        tenant: identity.user.tenant.clone(),
        provider_session_id: identity.provider_session_id.clone(),
        created_at: identity.issued_at,
        last_seen_at: ports.clock.now(),
        seen_from,
    }
}

pub(super) fn end_of(identity: &Identity) -> doorward_core::UnixTime {
    identity.idle_expires_at.min(identity.absolute_expires_at)
}

/// Told where the call was made.
pub(super) fn store_failed(_: &StoreError) -> NotWritten {
    NotWritten::Store
}

pub(super) fn unsealed(error: &SealSessionError) -> NotWritten {
    tracing::error!(%error, "session could not be sealed");
    NotWritten::Unreadable
}
