//! What becomes of the sessions that a login finds, and of what the application kept in them.
//!
//! | the session before is | it ends | the application's data |
//! |---|---|---|
//! | somebody else's | at once | stays behind |
//! | the same user's in another tenant | after [`GRACE`] | stays behind |
//! | the same user's, and the login is a step-up | after [`GRACE`] | moves over |
//! | the same user's, and it is any other login | at once | stays behind |
//!
//! During the grace it is what it was: its rights, its CSRF token, its data. It is neither renewed nor written, and no
//! response brings its cookies back.

use std::collections::BTreeMap;
use std::time::Duration;

use doorward_core::code::Code;
use doorward_core::ports::StoreError;
use doorward_core::session::{
    Change, HandleCookie, Identity, IdentityCookie, IndexOf, OpenedIdentity, SessionHandle, User, check,
};
use http::HeaderMap;

use crate::auth::SessionPlace;
use crate::begin::Before;
use crate::login_failure::LoginFailure;
use crate::newest::{Known, Newest};
use crate::provider::ProviderState;
use crate::site::Here;
use crate::stored::{Found, Kept, StoredSessions};

/// How long a session that is replaced serves requests on their way.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// Who the session that takes another's place is of.
pub(crate) struct Successor {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) tenant: String,
    /// Whether the login was asked to be fresh or strong.
    pub(crate) is_step_up: bool,
}

impl Successor {
    /// Whether a session of this user serves requests on their way for a while.
    ///
    /// # Security
    /// Never another user's: whoever signs in at a browser that somebody left signed in has nothing more to do with them.
    pub(crate) fn lets_finish(&self, user: &User) -> bool {
        self.is_same_user(user) && (self.is_step_up || user.tenant != self.tenant)
    }

    /// Whether what the application kept for this user is theirs in the new session.
    fn takes_over(&self, user: &User) -> bool {
        self.is_step_up && self.is_same_user(user) && user.tenant == self.tenant
    }

    /// A subject is unique within its issuer (OpenID Connect Core §2).
    fn is_same_user(&self, user: &User) -> bool {
        user.issuer == self.issuer && user.subject == self.subject
    }
}

impl Here<'_> {
    /// The application's data that moves into the session of a step-up: that of the session which the browser shows now, or which
    /// the login began with.
    ///
    /// # Errors
    /// [`LoginFailure`] where the store did not answer: data is not left behind for an outage.
    pub(crate) async fn data_to_move(
        self,
        headers: &HeaderMap,
        before: &Before,
        successor: &Successor,
    ) -> Result<BTreeMap<String, String>, LoginFailure> {
        if !successor.is_step_up {
            return Ok(BTreeMap::new());
        }
        let identity = match &self.place {
            SessionPlace::Cookie(newest) => self.sealed_before(newest, headers, before),
            SessionPlace::Store(stored) => self.stored_before(stored, headers, before).await?,
        };
        let moved = identity.filter(|identity| successor.takes_over(&identity.user) && self.is_live(identity));
        Ok(moved.map(|identity| identity.data).unwrap_or_default())
    }

    fn sealed_before(self, newest: &Newest, headers: &HeaderMap, before: &Before) -> Option<Identity> {
        let now = self.ports.clock.now();
        let (id, opened) = match self.codec.find_identity(headers) {
            IdentityCookie::Opened(opened) => (opened.id(), Some(opened)),
            // Two sessions, of which one may be planted.
            IdentityCookie::Conflict => return None,
            IdentityCookie::Absent | IdentityCookie::Unreadable => (before.session?, None),
        };
        let revision = opened.as_ref().map_or(0, OpenedIdentity::revision);
        match newest.look(&id, revision, now) {
            Known::Newer(state) => Some(state.identity.clone()),
            Known::Nothing => opened?.to_identity().ok(),
            Known::Ended(_) | Known::Retiring(_) => None,
        }
    }

    async fn stored_before(
        self,
        stored: &StoredSessions,
        headers: &HeaderMap,
        before: &Before,
    ) -> Result<Option<Identity>, LoginFailure> {
        let shown = match self.codec.find_handle(headers) {
            HandleCookie::Found(handle) => Some(handle),
            HandleCookie::Conflict => None,
            HandleCookie::Absent | HandleCookie::Unreadable => before.handle.clone(),
        };
        let Some(handle) = shown else { return Ok(None) };
        let found = stored
            .load(&self.ports, &handle.store_key())
            .await
            .map_err(|error| LoginFailure::new(Code::StoreUnavailable, error))?;
        let Found::Live(kept) = found else { return Ok(None) };
        if kept.is_retiring() {
            return Ok(None);
        }
        let opened = stored.records.open_identity(&kept.record, &handle);
        Ok(opened.and_then(|opened| opened.to_identity().ok()))
    }

    /// Moves the application's data into a session that is about to begin, where it fits.
    pub(crate) fn move_data(self, data: BTreeMap<String, String>, identity: &mut Identity) {
        if data.is_empty() {
            return;
        }
        let mut trial = identity.clone();
        // Claims kept for convenience make room where they must.
        trial.user.claims.clear();
        trial.data.clone_from(&data);
        if self.check_fits(&trial).is_ok() {
            identity.data = data;
        } else {
            tracing::warn!("session data left behind at a step-up; it does not fit into the new session's cookie");
        }
    }

    /// Ends a user's oldest sessions beyond the limit of the configuration, never the one that has just begun.
    ///
    /// Of two logins at once the later one makes room for both; where neither sees the other in the store's list yet, the limit is
    /// passed until the next login. An outage of the store here is no reason to refuse the login: the same goes for it.
    pub(crate) async fn keep_to_limit(self, provider: &ProviderState, handle: &SessionHandle, successor: &Successor) {
        let (SessionPlace::Store(stored), Some(most)) = (&self.place, self.max_per_user) else {
            return;
        };
        let of = IndexOf::User {
            provider: &provider.name,
            subject: &successor.subject,
        };
        let own = handle.store_key();
        let outcome = async {
            let mut listed = stored.list(&self.ports, of).await?;
            listed.retain(|listed| !listed.kept.is_retiring() && listed.summary.tenant == successor.tenant);
            // One order for all instances, so that two logins at once do not end each other's sessions.
            listed.sort_by_key(|listed| (listed.summary.created_at, listed.key));
            let beyond = listed.len().saturating_sub(most.get());
            for old in listed.iter().take(beyond).filter(|old| old.key != own) {
                stored.end(&self.ports, &old.key).await?;
            }
            Ok::<_, StoreError>(beyond)
        };
        match outcome.await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(
                subject = successor.subject,
                ended,
                "oldest sessions ended for a new one"
            ),
            Err(error) => tracing::warn!(%error, "sessions beyond the limit could not be ended"),
        }
    }

    fn is_live(self, identity: &Identity) -> bool {
        let now = self.ports.clock.now();
        OpenedIdentity::from_identity(identity).is_ok_and(|opened| check(opened, &self.lifetimes, now).is_ok())
    }

    /// How a stored session makes room.
    pub(crate) fn parting(
        self,
        stored: &StoredSessions,
        handle: &SessionHandle,
        kept: &Kept,
        successor: Option<&Successor>,
    ) -> Change {
        let user = || {
            let opened = stored.records.open_identity(&kept.record, handle)?;
            opened.to_user().ok()
        };
        match successor {
            Some(successor) if user().is_some_and(|user| successor.lets_finish(&user)) => Change::Retire {
                at: self.ports.clock.now().saturating_add(GRACE),
            },
            _ => Change::End,
        }
    }
}
