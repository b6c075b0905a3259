//! The session as an application holds it: who the user is, the tokens, and the application's own data.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use doorward_core::UnixTime;
use doorward_core::policy::Rule;
use doorward_core::session::{
    DataChanges, Identity, LiveSession, SealSessionError, SessionHandle, SessionId, Tokens, User,
};
use doorward_crypto::SecretString;
use http::HeaderMap;
use http::header::{COOKIE, GetAll, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::auth::{Engine, Inner, SessionPlace};
use crate::site::Site;
use crate::stored::Kept;

/// A live session that passed the guard. Cloning shares it.
///
/// Only the guard makes one: whoever holds it holds a signed-in user.
#[derive(Clone)]
pub struct Session {
    pub(crate) inner: Arc<SessionInner>,
}

pub(crate) struct SessionInner {
    engine: Arc<Inner>,
    pub(crate) live: LiveSession,
    pub(crate) place: PlacedSession,
    tokens: TokenPlace,
    opened_tokens: OnceLock<Option<Arc<Tokens>>>,
    /// Boxed: most requests carry a session that nobody asks for its user.
    user: OnceLock<Option<Box<User>>>,
    changes: Mutex<Changes>,
    /// What the response must carry besides the application's own changes.
    pub(crate) write: Write,
    /// The site it is met at, where there are several.
    site: OnceLock<Arc<Site>>,
    /// The rules that it passed, where they ask for more than a session.
    rules: Mutex<Vec<Arc<Rule>>>,
}

/// Where this session's state lies.
#[derive(Clone)]
pub(crate) enum PlacedSession {
    Cookie,
    Store {
        handle: SessionHandle,
        /// The record as it was read for this request; `None` where it has been written since.
        read: Option<Arc<Kept>>,
    },
}

impl PlacedSession {
    /// The same place, whose record has changed since it was read.
    pub(crate) fn read_again(&self) -> Self {
        match self {
            Self::Cookie => Self::Cookie,
            Self::Store { handle, .. } => Self::Store {
                handle: handle.clone(),
                read: None,
            },
        }
    }
}

/// Where this session's tokens lie, until somebody asks.
pub(crate) enum TokenPlace {
    /// Opened before.
    Known(Arc<Tokens>),
    /// In the request's cookies.
    Cookies(CookieHeaders),
    /// In the stored record.
    Record(Arc<Kept>),
}

/// The request's `Cookie` headers, kept for whoever asks for the tokens.
#[derive(Default)]
pub(crate) struct CookieHeaders {
    first: Option<HeaderValue>,
    /// Apart from the first, because HTTP/1 has no others and an empty list allocates nothing.
    others: Vec<HeaderValue>,
}

impl CookieHeaders {
    pub(crate) fn of(cookies: &GetAll<'_, HeaderValue>) -> Self {
        let mut values = cookies.iter().cloned();
        Self {
            first: values.next(),
            others: values.collect(),
        }
    }

    fn to_headers(&self) -> HeaderMap {
        let values = self.first.iter().chain(&self.others);
        values.map(|value| (COOKIE, value.clone())).collect()
    }
}

/// What the response must write.
#[derive(Default)]
pub(crate) struct Write {
    /// The identity part: it is newer than the browser's, or it is time to extend it.
    pub(crate) identity: AtomicBool,
    /// The token part: it is newer than the browser's.
    pub(crate) tokens: AtomicBool,
    /// The CSRF cookie: it is missing or other.
    pub(crate) csrf: AtomicBool,
    /// Both parts: another key than the one that seals now sealed the identity part that the browser shows.
    pub(crate) seal: AtomicBool,
}

#[derive(Default)]
struct Changes {
    data: DataChanges,
    closed: bool,
}

/// An application's value could not be kept in the session.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// serde cannot write the value as JSON, or read it as this type.
    #[error("value is not serializable as JSON")]
    NotSerializable(#[source] serde_json::Error),
    /// The key is empty or longer than 64 bytes.
    #[error("key of session data must have 1 to 64 bytes")]
    Key,
    /// The session would no longer fit into its cookie; the value was not taken.
    #[error("session would need {bytes} bytes, a cookie holds 4096; keep less in it or use a store")]
    TooLarge {
        /// What the cookie would need.
        bytes: usize,
    },
    /// The response's headers have gone out already.
    #[error("response has begun; session data can no longer be written")]
    TooLate,
    /// The session cannot be read.
    #[error("session cannot be read")]
    Unreadable,
}

/// The session has no token part: its cookies are missing or too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("session has no tokens at hand")]
pub struct TokensMissing;

impl Session {
    pub(crate) fn new(engine: &Arc<Inner>, live: LiveSession, place: PlacedSession, tokens: TokenPlace) -> Self {
        Self {
            inner: Arc::new(SessionInner {
                engine: Arc::clone(engine),
                live,
                place,
                tokens,
                opened_tokens: OnceLock::new(),
                user: OnceLock::new(),
                changes: Mutex::default(),
                write: Write::default(),
                site: OnceLock::new(),
                rules: Mutex::default(),
            }),
        }
    }

    /// The signed-in user, as of the last refresh.
    #[must_use]
    pub fn user(&self) -> &User {
        static NOBODY: OnceLock<User> = OnceLock::new();
        // An extractor hands out no session whose user cannot be read; nobody has no roles.
        self.read_user().unwrap_or_else(|| NOBODY.get_or_init(nobody))
    }

    /// The provider's own ID of the tenant, where it has hosts of its own for tenants.
    pub(crate) fn provider_tenant_id(&self) -> Option<String> {
        let body = self.inner.live.body().ok()?;
        body.provider_tenant.map(|tenant| tenant.id)
    }

    /// Whether the user can be read: the identity part is of a form that this version writes.
    pub(crate) fn has_user(&self) -> bool {
        self.read_user().is_some()
    }

    fn read_user(&self) -> Option<&User> {
        let user = &self.inner.user;
        user.get_or_init(|| self.inner.live.to_user().ok().map(Box::new))
            .as_deref()
    }

    /// The access token for calls on the user's behalf; the guard has renewed it if that was due.
    ///
    /// Opens the token part on first use.
    ///
    /// # Errors
    /// [`TokensMissing`] if the browser sent no usable token part.
    pub fn access_token(&self) -> Result<SecretString, TokensMissing> {
        self.tokens()
            .map(|tokens| tokens.access_token.clone())
            .ok_or(TokensMissing)
    }

    /// When the access token ends, as far as the provider said.
    #[must_use]
    pub fn access_token_expires_at(&self) -> Option<UnixTime> {
        self.inner.live.access_token_expires_at()
    }

    /// The scopes the provider granted.
    #[must_use]
    pub fn scopes(&self) -> Vec<String> {
        self.inner
            .live
            .to_identity()
            .map(|identity| identity.scopes)
            .unwrap_or_default()
    }

    /// When the session ends unless it is used: the earlier of idle and absolute end.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.inner.live.expires_at()
    }

    /// When the user signed in here.
    #[must_use]
    pub fn issued_at(&self) -> UnixTime {
        self.inner.live.issued_at()
    }

    /// Reads a value of the application's own.
    ///
    /// # Errors
    /// [`DataError::NotSerializable`] if the value is not of this type.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, DataError> {
        let changed = self.changes().data.get(key).map(|text| text.map(str::to_owned));
        let text = match changed {
            Some(text) => text,
            None => {
                let body = self.inner.live.body().map_err(|_| DataError::Unreadable)?;
                body.data
                    .iter()
                    .find(|(known, _)| *known == key)
                    .map(|(_, text)| (*text).to_owned())
            }
        };
        text.map(|text| serde_json::from_str(&text).map_err(DataError::NotSerializable))
            .transpose()
    }

    /// Keeps a value of the application's own, written back with this response.
    ///
    /// It cannot reach what Doorward itself keeps, whatever the key.
    ///
    /// # Errors
    /// [`DataError::TooLarge`] if the session would no longer fit into its cookie: the value is not
    /// taken and the session goes on as it was. [`DataError::Key`], [`DataError::NotSerializable`];
    /// [`DataError::TooLate`] once the response's headers have gone out.
    pub fn insert<T: Serialize>(&self, key: &str, value: &T) -> Result<(), DataError> {
        let text = data_text(key, value)?;
        let mut changes = self.changes();
        if changes.closed {
            return Err(DataError::TooLate);
        }
        let mut trial = changes.data.clone();
        trial.insert(key, text).map_err(|_| DataError::Key)?;
        let mut identity = self.inner.live.to_identity().map_err(|_| DataError::Unreadable)?;
        trial.apply_to(&mut identity.data);
        self.inner.engine.check_fits(&identity)?;
        changes.data = trial;
        Ok(())
    }

    /// Removes a value of the application's own; one that is not there is no error.
    ///
    /// # Errors
    /// [`DataError::Key`]; [`DataError::TooLate`] once the response's headers have gone out.
    pub fn remove(&self, key: &str) -> Result<(), DataError> {
        let mut changes = self.changes();
        if changes.closed {
            return Err(DataError::TooLate);
        }
        changes.data.remove(key).map_err(|_| DataError::Key)
    }

    /// The engine that passed it, for shells.
    #[must_use]
    pub fn engine(&self) -> Engine {
        Engine {
            inner: Arc::clone(&self.inner.engine),
        }
    }

    /// The site that the session is met at; `None` at home.
    pub(crate) fn site(&self) -> Option<Arc<Site>> {
        self.inner.site.get().cloned()
    }

    pub(crate) fn met_at(&self, site: &Arc<Site>) {
        self.inner.site.get_or_init(|| Arc::clone(site));
    }

    /// The rules that it passed, where they ask for more than a session.
    pub(crate) fn rules(&self) -> Vec<Arc<Rule>> {
        self.passed_rules().clone()
    }

    pub(crate) fn passed(&self, rule: &Arc<Rule>) {
        self.passed_rules().push(Arc::clone(rule));
    }

    fn passed_rules(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Rule>>> {
        self.inner.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a stored session's record is to be sealed anew, because another key seals by now.
    pub(crate) fn is_sealed_by_old_key(&self) -> bool {
        match &self.inner.place {
            PlacedSession::Store { read: Some(kept), .. } => !kept.record.is_current(),
            PlacedSession::Store { read: None, .. } | PlacedSession::Cookie => false,
        }
    }

    pub(crate) fn id(&self) -> SessionId {
        self.inner.live.id()
    }

    /// The tokens, opened once.
    pub(crate) fn tokens(&self) -> Option<Arc<Tokens>> {
        let inner = &self.inner;
        inner
            .opened_tokens
            .get_or_init(|| match &inner.tokens {
                TokenPlace::Known(tokens) => Some(Arc::clone(tokens)),
                TokenPlace::Cookies(cookies) => {
                    let opened = inner.engine.codec.open_tokens(&cookies.to_headers(), &self.id());
                    self.belonging(opened.map(|(tokens, _)| tokens))
                        .or_else(|| self.tokens_in_memory())
                }
                TokenPlace::Record(kept) => {
                    let (PlacedSession::Store { handle, .. }, SessionPlace::Store(stored)) =
                        (&inner.place, &inner.engine.place)
                    else {
                        return None;
                    };
                    self.belonging(stored.records.open_tokens(&kept.record, handle))
                }
            })
            .clone()
    }

    /// The tokens that this process wrote for the state the browser shows, where their own cookies are
    /// late or lost; the response brings them again.
    fn tokens_in_memory(&self) -> Option<Arc<Tokens>> {
        let SessionPlace::Cookie(newest) = &self.inner.engine.place else {
            return None;
        };
        let tokens = newest.tokens(&self.id(), self.inner.live.access_token_expires_at())?;
        Self::mark(&self.inner.write.identity);
        Self::mark(&self.inner.write.tokens);
        Some(tokens)
    }

    /// Tokens of an earlier state count as none: the identity part says when the right ones end.
    fn belonging(&self, tokens: Option<Tokens>) -> Option<Arc<Tokens>> {
        tokens
            .filter(|tokens| tokens.access_token_expires_at == self.inner.live.access_token_expires_at())
            .map(Arc::new)
    }

    /// Takes the application's changes for writing; later ones are refused.
    pub(crate) fn close(&self) -> DataChanges {
        let mut changes = self.changes();
        changes.closed = true;
        std::mem::take(&mut changes.data)
    }

    pub(crate) fn mark(flag: &AtomicBool) {
        flag.store(true, Ordering::Relaxed);
    }

    fn changes(&self) -> std::sync::MutexGuard<'_, Changes> {
        self.inner.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Checks that a session fits into its cookie; a stored one always does.
    pub(crate) fn check_fits(&self, identity: &Identity) -> Result<(), DataError> {
        if matches!(self.place, SessionPlace::Store(_)) {
            return Ok(());
        }
        match self.codec.seal_identity(&*self.ports.random, identity) {
            Ok(_) => Ok(()),
            Err(SealSessionError::TooLarge { bytes }) => Err(DataError::TooLarge { bytes }),
            Err(_) => Err(DataError::Unreadable),
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

fn nobody() -> User {
    User {
        subject: String::new(),
        issuer: String::new(),
        tenant: String::new(),
        email: None,
        email_verified: false,
        name: None,
        roles: Vec::new(),
        claims: serde_json::Map::new(),
    }
}

/// Writes an application's value as the session keeps it.
pub(crate) fn data_text<T: Serialize>(key: &str, value: &T) -> Result<String, DataError> {
    if key.is_empty() || key.len() > 64 {
        return Err(DataError::Key);
    }
    serde_json::to_string(value).map_err(DataError::NotSerializable)
}
