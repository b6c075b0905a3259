//! Lists of sessions: a user's, a provider session's, a tenant's. What stands in a list is a hint, checked against the record.

use std::sync::Arc;

use doorward_core::ports::{Cursor, IndexKey, Page, StoreError, StoreKey};
use doorward_core::session::{IndexOf, Summary};
use futures_util::stream::{self, StreamExt as _};

use super::{Found, Kept, StoredSessions};
use crate::outside::Ports;

/// Records that are read or ended at a time.
const AT_A_TIME: usize = 16;

/// A live session as a list knows it: without the browser, so that its user's data and tokens stay closed.
pub(crate) struct Listed {
    pub(crate) key: StoreKey,
    pub(crate) kept: Arc<Kept>,
    pub(crate) summary: Summary,
}

impl StoredSessions {
    /// Reads the live sessions of a list, all of them: for a user's, which are few.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not answer.
    pub(crate) async fn list(&self, ports: &Ports, of: IndexOf<'_>) -> Result<Vec<Listed>, StoreError> {
        let mut all: Vec<Listed> = Vec::new();
        for index in self.records.indexes(of) {
            let mut after = None;
            loop {
                let page = self.page(ports, &index, after).await?;
                for listed in self.look_at(ports, of, page.keys).await? {
                    // A key may come twice, from two pages or from the lists of two sealing keys.
                    if all.iter().all(|known| known.key != listed.key) {
                        all.push(listed);
                    }
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(all)
    }

    /// Ends the sessions of a list but one, page by page, and says how many were ended.
    ///
    /// A session that begins meanwhile may go on.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not answer: some may have ended, and the rest is tried by calling again.
    pub(crate) async fn end_all(
        &self,
        ports: &Ports,
        of: IndexOf<'_>,
        but: Option<&StoreKey>,
    ) -> Result<usize, StoreError> {
        self.end_where(ports, of, &|listed| but != Some(&listed.key)).await
    }

    /// Ends those sessions of a list that `is_meant`, as [`end_all`](Self::end_all) does.
    ///
    /// # Errors
    /// As [`end_all`](Self::end_all).
    pub(crate) async fn end_where(
        &self,
        ports: &Ports,
        of: IndexOf<'_>,
        is_meant: &(dyn Fn(&Listed) -> bool + Send + Sync),
    ) -> Result<usize, StoreError> {
        let mut ended = 0;
        for index in self.records.indexes(of) {
            let mut after = None;
            loop {
                let page = self.page(ports, &index, after).await?;
                let listed = self.look_at(ports, of, page.keys).await?;
                let meant = listed.into_iter().filter(|listed| is_meant(listed));
                let keys: Vec<StoreKey> = meant.map(|listed| listed.key).collect();
                let outcomes: Vec<_> = stream::iter(keys)
                    .map(|key| async move { self.end(ports, &key).await })
                    .buffer_unordered(AT_A_TIME)
                    .collect()
                    .await;
                for outcome in outcomes {
                    ended += usize::from(outcome?.is_some());
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(ended)
    }

    async fn page(&self, ports: &Ports, index: &IndexKey, after: Option<Cursor>) -> Result<Page, StoreError> {
        let call = self.store.list(index, after, ports.clock.now());
        self.health.call(ports, call).await
    }

    /// Reads what the keys of a list stand for; what has ended, expired, or is not of this list is left out.
    async fn look_at(&self, ports: &Ports, of: IndexOf<'_>, keys: Vec<StoreKey>) -> Result<Vec<Listed>, StoreError> {
        let looked: Vec<_> = stream::iter(keys)
            .map(|key| async move { (key, self.load(ports, &key).await) })
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        let mut listed = Vec::new();
        for (key, found) in looked {
            let Found::Live(kept) = found? else { continue };
            let Some(summary) = kept.record.summary() else { continue };
            // Security: a list is whatever somebody wrote into the store; the sealed record says whose it is.
            if is_of(&summary, of) {
                listed.push(Listed { key, kept, summary });
            }
        }
        Ok(listed)
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
