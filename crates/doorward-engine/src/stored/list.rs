//! Lists of sessions: a user's, a provider session's, a tenant's. What stands in a list is a hint, checked against the record.

use std::collections::HashSet;
use std::sync::Arc;

use doorward_core::ports::{Cursor, IndexKey, Page, StoreError, StoreErrorKind, StoreKey};
use doorward_core::session::{IndexOf, Summary};
use futures_util::stream::{self, StreamExt as _};

use super::{Found, Kept, StoredSessions};
use crate::outside::Ports;

/// Records that are read or ended at a time.
const AT_A_TIME: usize = 16;
/// Sessions of one user that are listed at most.
const LONGEST_LIST: usize = 1_000;

/// A live session as a list knows it: without the browser, so that its user's data and tokens stay closed.
pub(crate) struct Listed {
    pub(crate) key: StoreKey,
    pub(crate) kept: Arc<Kept>,
    pub(crate) summary: Summary,
}

/// What becomes of the entries of a list that cannot be read here, so that nobody can say whether they are meant.
#[derive(Clone, Copy)]
pub(crate) enum Unreadable {
    /// They end, too.
    End,
    /// They stay as they are.
    Leave,
}

/// What the keys of a list stand for.
#[derive(Default)]
struct Looked {
    listed: Vec<Listed>,
    unreadable: Vec<StoreKey>,
    /// The last failure: what it stands for may be of this list.
    failed: Option<StoreError>,
}

impl StoredSessions {
    /// Reads the live sessions of a list, for a user's, which are few; beyond a thousand the rest is left out.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not answer.
    pub(crate) async fn list(&self, ports: &Ports, of: IndexOf<'_>) -> Result<Vec<Listed>, StoreError> {
        let mut all: Vec<Listed> = Vec::new();
        // A key may come twice, from two pages or from the lists of two sealing keys.
        let mut seen = HashSet::new();
        for index in self.records.indexes(of) {
            let mut after = None;
            loop {
                let page = self.page(ports, &index, after).await?;
                let looked = self.look_at(ports, of, page.keys).await;
                if let Some(error) = looked.failed {
                    return Err(error);
                }
                all.extend(looked.listed.into_iter().filter(|listed| seen.insert(listed.key)));
                if all.len() >= LONGEST_LIST {
                    tracing::warn!(sessions = all.len(), "a user has more sessions than are listed");
                    return Ok(all);
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(all)
    }

    /// Ends the sessions of a list, page by page, and says how many were ended.
    ///
    /// A session that begins meanwhile may go on.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not answer: some may have ended, and the rest is tried by calling again.
    pub(crate) async fn end_all(&self, ports: &Ports, of: IndexOf<'_>) -> Result<usize, StoreError> {
        self.end_where(ports, of, Unreadable::End, |_| true).await
    }

    /// [`end_all`](Self::end_all) of those that are meant.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Security
    /// What stands in the list and cannot be read here may be readable elsewhere, by a newer release or with a secret that this instance
    /// has not got yet, and would live on there: whoever ends all of a list ends that too.
    pub(crate) async fn end_where(
        &self,
        ports: &Ports,
        of: IndexOf<'_>,
        unreadable: Unreadable,
        is_meant: impl Fn(&Listed) -> bool + Send + Sync,
    ) -> Result<usize, StoreError> {
        let mut ended = 0;
        let mut failed = None;
        for index in self.records.indexes(of) {
            let mut after = None;
            loop {
                let page = match self.page(ports, &index, after).await {
                    Ok(page) => page,
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                };
                let looked = self.look_at(ports, of, page.keys).await;
                failed = looked.failed.or(failed);
                let buried = match unreadable {
                    Unreadable::End => looked.unreadable,
                    Unreadable::Leave => Vec::new(),
                };
                if !buried.is_empty() {
                    tracing::warn!(
                        sessions = buried.len(),
                        "sessions that cannot be read here are ended with those of their list"
                    );
                    ended += buried.len();
                }
                let meant = looked.listed.into_iter().filter(&is_meant).map(|listed| listed.key);
                let keys = meant.chain(buried);
                let outcomes: Vec<_> = stream::iter(keys)
                    .map(|key| async move { self.end(ports, &key).await })
                    .buffer_unordered(AT_A_TIME)
                    .collect()
                    .await;
                for outcome in outcomes {
                    match outcome {
                        Ok(was) => ended += usize::from(was.is_some()),
                        Err(error) => failed = Some(error),
                    }
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        // One that could not be ended is no reason to let the others live.
        match failed {
            Some(error) => Err(error),
            None => Ok(ended),
        }
    }

    async fn page(&self, ports: &Ports, index: &IndexKey, after: Option<Cursor>) -> Result<Page, StoreError> {
        let call = self.reader.store.list(index, after, ports.clock.now());
        self.reader.health.call(ports, call).await
    }

    /// Reads what the keys of a list stand for; what has ended, expired, or is not of this list is left out, and so is what is not
    /// ours at all.
    async fn look_at(&self, ports: &Ports, of: IndexOf<'_>, keys: Vec<StoreKey>) -> Looked {
        let found: Vec<_> = stream::iter(keys)
            .map(|key| async move { (key, self.load(ports, &key).await) })
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        let mut looked = Looked::default();
        for (key, found) in found {
            let kept = match found {
                Ok(Found::Live(kept)) => kept,
                Ok(Found::Absent | Found::Ended) => continue,
                Ok(Found::Unreadable { .. }) => {
                    looked.unreadable.push(key);
                    continue;
                }
                Err(error) if error.kind() == StoreErrorKind::Foreign => continue,
                Err(error) => {
                    looked.failed = Some(error);
                    continue;
                }
            };
            let Some(summary) = kept.record.summary() else { continue };
            // Security: a list is whatever somebody wrote into the store; the sealed record says whose it is.
            if is_of(&summary, of) {
                looked.listed.push(Listed { key, kept, summary });
            }
        }
        looked
    }
}

fn is_of(summary: &Summary, of: IndexOf<'_>) -> bool {
    match of {
        IndexOf::User { provider, subject } => summary.provider == provider && summary.subject == subject,
        IndexOf::ProviderSession { provider, session_id } => {
            summary.provider == provider && summary.provider_session_id.as_deref() == Some(session_id)
        }
        IndexOf::Tenant(tenant) => summary.tenant == tenant,
    }
}
