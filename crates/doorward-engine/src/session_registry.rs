//! The sessions there are, for whoever shows or ends them: `auth.sessions()`.
//!
//! Only a store knows sessions that are not at hand. Where they live in cookies alone every question here is
//! [`SessionsError::NeedsStore`], so that nobody takes "nobody knows" for "there are none".
//!
//! What ends here ends at every instance and leaves a tombstone, so that its browser is told `session_revoked`. Its refresh token
//! cannot be read without the browser's half of the key and is therefore not taken back at the provider; nobody can use it through
//! us any more.

use std::sync::Arc;

use doorward_core::UnixTime;
use doorward_core::ports::{StoreError, StoreKey};
use doorward_core::session::{AddressClass, IndexOf};
use thiserror::Error;

use crate::auth::{Engine, Inner, SessionPlace};
use crate::provider::ProviderState;
use crate::session::{PlacedSession, Session};
use crate::stored::{Listed, StoredSessions, Unreadable};

/// Lists sessions and ends them, also those of users who are not here. Cloning shares it.
///
/// # Security
/// It asks nobody whether they may: what is behind it is yours to guard.
///
/// # Example
/// ```
/// use doorward_engine::{Engine, SessionsError};
///
/// /// Somebody lost a laptop.
/// async fn sign_out_everywhere(engine: &Engine, subject: &str) -> Result<(), SessionsError> {
///     let sessions = engine.sessions();
///     for session in sessions.of_user("https://id.example.com", subject).await? {
///         println!("{} last seen {:?}", session.device, session.last_seen_at);
///     }
///     let ended = sessions.end_user("https://id.example.com", subject).await?;
///     println!("{ended} sessions ended");
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct SessionRegistry {
    inner: Arc<Inner>,
}

/// A session, as a list shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Names it in front of its user; the session at hand says the same as [`Session::public_id`]. A digest: whoever knows it
    /// cannot act for the session.
    pub id: String,
    /// The tenant; `default` where there are no tenants.
    pub tenant: String,
    /// The provider's issuer.
    pub issuer: String,
    /// The provider's `sub`.
    pub subject: String,
    /// When its user signed in.
    pub created_at: UnixTime,
    /// When it was last seen, to a tenth of the idle time: a session is not written at every request.
    pub last_seen_at: UnixTime,
    /// Browser and system as people name them, such as `Firefox on Linux`; empty where the browser did not say. Its own word,
    /// which proves nothing.
    pub device: String,
    /// What kind of address it was last seen from; `None` where nobody knows.
    ///
    /// It is that of the peer: behind a proxy, the proxy's.
    pub address: Option<AddressClass>,
    /// When it ends unless it is used.
    pub expires_at: UnixTime,
    key: StoreKey,
}

/// Why sessions could not be listed or ended.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SessionsError {
    /// Sessions live in cookies alone.
    #[error("expected a session store, found sessions in cookies alone, which nobody can list or end from elsewhere")]
    NeedsStore,
    /// No provider of the configuration has this issuer.
    #[error("expected the issuer of a configured provider, found another")]
    UnknownIssuer,
    /// The store did not answer. Of an ending, some sessions may have ended: calling again tries the rest.
    #[error("session store did not answer")]
    Store(#[source] StoreError),
}

impl Engine {
    /// The sessions there are, to list and to end them.
    #[must_use]
    pub fn sessions(&self) -> SessionRegistry {
        SessionRegistry {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl SessionRegistry {
    /// Lists a user's live sessions, the one seen last in front.
    ///
    /// Those of every tenant that the user is in; a user is a provider's issuer and `sub`, as [`Session::user`] has them.
    ///
    /// # Errors
    /// [`SessionsError`]; an outage is never an empty list.
    ///
    /// # Example
    /// ```
    /// # async fn list(engine: doorward_engine::Engine) -> Result<(), doorward_engine::SessionsError> {
    /// let sessions = engine.sessions().of_user("https://id.example.com", "alice").await?;
    /// # Ok(()) }
    /// ```
    pub async fn of_user(&self, issuer: &str, subject: &str) -> Result<Vec<SessionInfo>, SessionsError> {
        let stored = self.stored()?;
        let mut all = Vec::new();
        for provider in self.providers(issuer)? {
            let of = IndexOf::User {
                provider: &provider.name,
                subject,
            };
            let listed = stored.list(&self.inner.ports, of).await.map_err(SessionsError::Store)?;
            all.extend(listed.into_iter().filter_map(|listed| info(provider, listed)));
        }
        all.sort_by(|a, b| (b.last_seen_at, b.created_at, &b.id).cmp(&(a.last_seen_at, a.created_at, &a.id)));
        Ok(all)
    }

    /// Lists the sessions of the user of a session in their tenant, itself included, the one seen last in front.
    ///
    /// # Errors
    /// [`SessionsError`].
    ///
    /// # Example
    /// ```
    /// # use doorward_engine::{Engine, Session, SessionsError};
    /// async fn devices(engine: &Engine, session: &Session) -> Result<Vec<String>, SessionsError> {
    ///     let sessions = engine.sessions().beside(session).await?;
    ///     let line = |found: doorward_engine::SessionInfo| match found.id == session.public_id() {
    ///         true => format!("{} (this one)", found.device),
    ///         false => found.device,
    ///     };
    ///     Ok(sessions.into_iter().map(line).collect())
    /// }
    /// ```
    pub async fn beside(&self, session: &Session) -> Result<Vec<SessionInfo>, SessionsError> {
        let user = session.user();
        let mut all = self.of_user(&user.issuer, &user.subject).await?;
        all.retain(|info| info.tenant == user.tenant);
        Ok(all)
    }

    /// Ends a session of a list, and says whether it still lived.
    ///
    /// # Errors
    /// [`SessionsError`].
    ///
    /// # Example
    /// ```
    /// # async fn oldest(engine: doorward_engine::Engine) -> Result<(), doorward_engine::SessionsError> {
    /// let sessions = engine.sessions();
    /// if let Some(oldest) = sessions.of_user("https://id.example.com", "alice").await?.last() {
    ///     sessions.end(oldest).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn end(&self, session: &SessionInfo) -> Result<bool, SessionsError> {
        let ended = self.stored()?.end(&self.inner.ports, &session.key).await;
        let has_lived = ended.map_err(SessionsError::Store)?.is_some();
        if has_lived {
            tracing::info!(session = session.id, "session ended from a list");
        }
        Ok(has_lived)
    }

    /// Ends a user's session by its [`id`](SessionInfo::id); `false` where this user has none of this name.
    ///
    /// # Errors
    /// [`SessionsError`].
    ///
    /// # Example
    /// ```
    /// # async fn end(engine: doorward_engine::Engine, id: &str) -> Result<(), doorward_engine::SessionsError> {
    /// let ended = engine.sessions().end_by_id("https://id.example.com", "alice", id).await?;
    /// # Ok(()) }
    /// ```
    pub async fn end_by_id(&self, issuer: &str, subject: &str, id: &str) -> Result<bool, SessionsError> {
        let sessions = self.of_user(issuer, subject).await?;
        match sessions.iter().find(|session| session.id == id) {
            Some(session) => self.end(session).await,
            None => Ok(false),
        }
    }

    /// Ends all other sessions of the user of a session in their tenant, and says how many.
    ///
    /// # Errors
    /// [`SessionsError`].
    ///
    /// # Example
    /// ```
    /// # use doorward_engine::{Engine, Session, SessionsError};
    /// /// A password was changed.
    /// async fn after_change(engine: &Engine, session: &Session) -> Result<usize, SessionsError> {
    ///     engine.sessions().end_others(session).await
    /// }
    /// ```
    pub async fn end_others(&self, session: &Session) -> Result<usize, SessionsError> {
        let user = session.user();
        let own = session.store_key();
        // Some of the user's may be of other tenants, and one of them this very one.
        self.end_of(&user.issuer, &user.subject, Unreadable::Leave, |listed| {
            listed.summary.tenant == user.tenant && Some(listed.key) != own
        })
        .await
    }

    /// Ends all sessions of a user in every tenant, and says how many.
    ///
    /// A session that begins meanwhile may go on.
    ///
    /// # Errors
    /// [`SessionsError`].
    ///
    /// # Example
    /// ```
    /// # async fn end(engine: doorward_engine::Engine) -> Result<(), doorward_engine::SessionsError> {
    /// let ended = engine.sessions().end_user("https://id.example.com", "alice").await?;
    /// # Ok(()) }
    /// ```
    pub async fn end_user(&self, issuer: &str, subject: &str) -> Result<usize, SessionsError> {
        self.end_of(issuer, subject, Unreadable::End, |_| true).await
    }

    /// Ends all sessions of a tenant, page by page, and says how many.
    ///
    /// A session that begins meanwhile may go on. The tenant is the ID that [`SessionInfo::tenant`] says.
    ///
    /// # Errors
    /// [`SessionsError`].
    ///
    /// # Example
    /// ```
    /// # async fn end(engine: doorward_engine::Engine) -> Result<(), doorward_engine::SessionsError> {
    /// let ended = engine.sessions().end_tenant("acme").await?;
    /// # Ok(()) }
    /// ```
    pub async fn end_tenant(&self, tenant: &str) -> Result<usize, SessionsError> {
        let ended = self.stored()?.end_all(&self.inner.ports, IndexOf::Tenant(tenant)).await;
        let ended = ended.map_err(SessionsError::Store)?;
        tracing::info!(tenant, ended, "sessions of a tenant ended");
        Ok(ended)
    }

    async fn end_of(
        &self,
        issuer: &str,
        subject: &str,
        unreadable: Unreadable,
        is_meant: impl Fn(&Listed) -> bool + Send + Sync,
    ) -> Result<usize, SessionsError> {
        let stored = self.stored()?;
        let mut ended = 0;
        let mut failed = None;
        for provider in self.providers(issuer)? {
            let of = IndexOf::User {
                provider: &provider.name,
                subject,
            };
            match stored.end_where(&self.inner.ports, of, unreadable, &is_meant).await {
                Ok(more) => ended += more,
                Err(error) => failed = Some(error),
            }
        }
        // The sessions at one client that could not be ended are no reason to let those at another live.
        match failed {
            Some(error) => Err(SessionsError::Store(error)),
            None => {
                tracing::info!(subject, ended, "sessions of a user ended");
                Ok(ended)
            }
        }
    }

    fn stored(&self) -> Result<&StoredSessions, SessionsError> {
        match &self.inner.place {
            SessionPlace::Store(stored) => Ok(stored),
            SessionPlace::Cookie(_) => Err(SessionsError::NeedsStore),
        }
    }

    /// Our clients at an issuer.
    fn providers(&self, issuer: &str) -> Result<Vec<&Arc<ProviderState>>, SessionsError> {
        let all = self.inner.named.iter().map(|(_, provider)| provider);
        let of_issuer: Vec<_> = all
            .filter(|provider| provider.settings.issuer.as_str() == issuer)
            .collect();
        match of_issuer.is_empty() {
            true => Err(SessionsError::UnknownIssuer),
            false => Ok(of_issuer),
        }
    }
}

impl Session {
    /// The name that this session may be called by in front of its user and in a log: 24 characters, the same until it ends.
    ///
    /// It is the [`id`](SessionInfo::id) in a list of the user's sessions, by which this one is found in it.
    ///
    /// # Security
    /// It is a digest: whoever knows it cannot act for the session.
    #[must_use]
    pub fn public_id(&self) -> String {
        self.store_key()
            .map_or_else(|| self.id().session_name(), |key| key.session_name())
    }

    /// The key of a stored session.
    pub(crate) fn store_key(&self) -> Option<StoreKey> {
        match &self.inner.place {
            PlacedSession::Cookie => None,
            PlacedSession::Store { handle, .. } => Some(handle.store_key()),
        }
    }

    /// Whether another session is taking this stored one's place.
    pub(crate) fn is_retiring(&self) -> bool {
        match &self.inner.place {
            PlacedSession::Store { read: Some(kept), .. } => kept.is_retiring(),
            PlacedSession::Store { read: None, .. } | PlacedSession::Cookie => false,
        }
    }
}

/// What a list shows of a session; nothing of one that another has taken the place of.
fn info(provider: &ProviderState, listed: Listed) -> Option<SessionInfo> {
    if listed.kept.is_retiring() {
        return None;
    }
    let Listed { key, kept, summary } = listed;
    Some(SessionInfo {
        id: key.session_name(),
        tenant: summary.tenant,
        issuer: provider.settings.issuer.as_str().to_owned(),
        subject: summary.subject,
        created_at: summary.created_at,
        last_seen_at: summary.last_seen_at,
        device: summary.seen_from.device,
        address: summary.seen_from.address,
        expires_at: kept.record.control().expires_at,
        key,
    })
}

impl std::fmt::Debug for SessionRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionRegistry").finish_non_exhaustive()
    }
}
