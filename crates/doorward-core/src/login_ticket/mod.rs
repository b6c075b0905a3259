//! What one pending login remembers, sealed in a cookie of its own.
//!
//! One cookie per login, named after its `state`, so that several tabs can sign in at once. A ticket lives ten minutes.
//! Nothing is kept on the server: a flood of logins costs it no memory.
//!
//! # Security
//! The ticket binds the provider's answer to the browser that asked for it. Its seal has a key of its own and the
//! cookie's full name as associated data: neither a session nor another login's ticket opens in its place.

mod budget;
#[cfg(test)]
mod tests;
mod wire;

use core::time::Duration;

use doorward_crypto::{KeyRing, Random, RandomUnavailable, SealError, Sealer, sha256_base64url};
use doorward_oidc::{PendingAuthorization, UnixTime};
use http::HeaderMap;
use memchr::memmem::Finder;

use crate::{
    code::Code,
    cookie::{CookieName, CookieNameError, CookieSettings, MAX_COOKIE_BYTES, cookies_with_prefix, raw_values},
    origin::Origin,
    session::{SessionHandle, SessionId},
    tenant::{HostName, TenantExpectation, TenantId, TenantName},
};

pub use self::budget::PendingLogin;

/// The most bytes that a login carries for the application, names and values together.
pub const MAX_CARRIED_BYTES: usize = 512;

/// How long a login may take.
pub const LOGIN_LIFETIME: Duration = Duration::from_secs(10 * 60);

const PURPOSE: &str = "login";
const ID_CHARS: usize = 10;

/// One pending login.
pub struct LoginTicket {
    /// The protocol's half: state, nonce, PKCE verifier, and what was asked of whom.
    pub pending: PendingAuthorization,
    /// The provider and our client there, as `issuer client_id`.
    pub provider: String,
    /// What the verified claims must say the tenant is, where that is known.
    pub tenant: Option<TenantId>,
    /// The tenant the login is for, where one was named.
    pub tenant_name: Option<TenantName>,
    /// The tenant's domain at the provider that the login was sent to, where it has one.
    pub tenant_custom_domain: Option<HostName>,
    /// The public origin at which the login began, as [`Origin::as_str`] writes it.
    pub host: String,
    /// Where to go afterwards: the text of a `ReturnUrl`, to be parsed again.
    pub return_url: String,
    /// Parameters of the login link that the application wants to see again: name and value.
    pub carried: Vec<(String, String)>,
    /// When the login began.
    pub created_at: UnixTime,
    /// How often a failed callback has begun it anew.
    pub restarts: u8,
    /// The session present when it began, to be ended when it completes.
    pub session_at_start: Option<SessionId>,
    /// The same for a stored session.
    pub handle_at_start: Option<SessionHandle>,
    /// Whether it was asked to happen without showing anything (`prompt=none`).
    pub prompt_none: bool,
    /// Whether it was asked to be fresh or strong (`max_age`, `acr_values`, `prompt=login`): a step-up, where the user is signed in.
    pub is_step_up: bool,
}

impl LoginTicket {
    /// Tells whether the login began at this origin of ours.
    ///
    /// # Security
    /// A shared cookie domain lets one tenant's host see the ticket of another's. The callback is refused where the
    /// origin that the request came to is not the one the login began at.
    pub fn began_at(&self, own: &Origin) -> bool {
        self.host == own.as_str()
    }

    /// Returns which tenant the verified claims have to be of.
    pub fn expected_tenant(&self) -> TenantExpectation {
        match (&self.tenant, &self.tenant_name) {
            (Some(id), _) => TenantExpectation::id(id.clone()),
            (None, Some(name)) => TenantExpectation::named(name.clone()),
            (None, None) => TenantExpectation::any(),
        }
    }
}

impl core::fmt::Debug for LoginTicket {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LoginTicket")
            .field("provider", &self.provider)
            .field("tenant", &self.tenant)
            .field("tenant_name", &self.tenant_name)
            .field("host", &self.host)
            .field("created_at", &self.created_at)
            .field("restarts", &self.restarts)
            .finish_non_exhaustive()
    }
}

/// Why a callback has no ticket.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    /// This browser began no such login, or its cookie is gone.
    #[error("no login is pending for this state")]
    Missing,
    /// The cookie is there and cannot be trusted.
    #[error("login ticket cannot be read")]
    Unreadable,
    /// The login began more than ten minutes ago; it may be begun anew.
    #[error("login began more than ten minutes ago")]
    Expired(Box<LoginTicket>),
}

impl TicketError {
    /// Returns what the browser is told.
    pub const fn code(&self) -> Code {
        match self {
            TicketError::Missing | TicketError::Unreadable => Code::LoginMissing,
            TicketError::Expired(_) => Code::LoginExpired,
        }
    }
}

/// Why a ticket was not sealed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealTicketError {
    /// It does not fit into a cookie; a login without its return URL does.
    #[error("login ticket needs {bytes} bytes, more than browsers keep")]
    TooLarge {
        /// Name, `=` and value.
        bytes: usize,
    },
    /// Its content cannot be written.
    #[error("login ticket cannot be written")]
    Content,
    /// The cookie's name is not one.
    #[error(transparent)]
    Name(#[from] CookieNameError),
    /// The system gave no randomness.
    #[error("no randomness for sealing")]
    Random(#[from] RandomUnavailable),
    /// Sealing failed.
    #[error("sealing failed")]
    Seal(#[from] SealError),
}

/// Seals, finds and opens login tickets.
#[derive(Clone)]
pub struct LoginTickets {
    sealer: Sealer,
    prefix: String,
    finder: Finder<'static>,
}

impl LoginTickets {
    /// Derives the key and fixes the names.
    pub fn new(keys: &KeyRing, cookies: &CookieSettings) -> LoginTickets {
        let prefix = cookies.names().login_prefix().to_owned();
        let finder = Finder::new(prefix.as_bytes()).into_owned();
        LoginTickets {
            sealer: keys.sealer(PURPOSE),
            prefix,
            finder,
        }
    }

    /// Returns what the cookie's name ends with: ten characters of a digest of `state`.
    pub fn cookie_id(state: &str) -> String {
        let mut id = sha256_base64url(state.as_bytes());
        id.truncate(ID_CHARS);
        id
    }

    /// Returns the name of the cookie that a callback with this `state` looks for, also to delete it.
    ///
    /// # Errors
    /// [`CookieNameError`], which no digest causes.
    pub fn cookie_name(&self, state: &str) -> Result<CookieName, CookieNameError> {
        CookieName::new(format!("{}{}", self.prefix, LoginTickets::cookie_id(state)))
    }

    /// Seals a ticket into the name and value of its cookie.
    ///
    /// # Errors
    /// [`SealTicketError::TooLarge`] where name and value pass 4,096 bytes: a very long return URL or parameter.
    pub fn seal(&self, random: &dyn Random, ticket: &LoginTicket) -> Result<(CookieName, String), SealTicketError> {
        let state = wire::state_of(&ticket.pending).ok_or(SealTicketError::Content)?;
        let name = self.cookie_name(state.expose())?;
        let plain = wire::write(ticket).ok_or(SealTicketError::Content)?;
        let bytes = name.as_str().len() + 1 + Sealer::sealed_len(plain.len());
        if bytes > MAX_COOKIE_BYTES {
            return Err(SealTicketError::TooLarge { bytes });
        }
        let value = self
            .sealer
            .seal(random, &self.sealer.associated(name.as_str()), &plain)?;
        Ok((name, value))
    }

    /// Opens the ticket of the login that a callback's `state` names.
    ///
    /// # Errors
    /// [`TicketError`]. The route deletes the cookie whatever comes out.
    ///
    /// # Security
    /// `state` and cookies are the browser's. A ticket opens only under the name it was sealed for and only for the
    /// state inside it; who plants a ticket of another browser also needs that browser's state, and then signs in as
    /// themselves.
    pub fn open(&self, headers: &HeaderMap, state: &str, now: UnixTime) -> Result<LoginTicket, TicketError> {
        let name = self.cookie_name(state).map_err(|_| TicketError::Missing)?;
        let data = self.sealer.associated(name.as_str());
        let mut any = false;
        let ticket = raw_values(headers, &name)
            .inspect(|_| any = true)
            .filter_map(|value| self.sealer.open(&data, value).ok())
            .filter_map(|plain| wire::read(&plain))
            .find(|ticket| ticket.pending.state_matches(state));
        match ticket {
            Some(ticket) if now.saturating_since(ticket.created_at) >= LOGIN_LIFETIME => {
                Err(TicketError::Expired(Box::new(ticket)))
            }
            Some(ticket) => Ok(ticket),
            None if any => Err(TicketError::Unreadable),
            None => Err(TicketError::Missing),
        }
    }

    /// Lists the pending logins of this browser, at most 64.
    pub fn pending_logins(&self, headers: &HeaderMap) -> Vec<PendingLogin> {
        cookies_with_prefix(headers, &self.finder)
            .filter_map(|cookie| {
                let name = CookieName::new(format!("{}{}", self.prefix, cookie.suffix)).ok()?;
                let data = self.sealer.associated(name.as_str());
                let plain = self.sealer.open(&data, cookie.value).ok();
                let created_at = plain
                    .and_then(|plain| wire::read(&plain))
                    .map(|ticket| ticket.created_at);
                let bytes = name.as_str().len() + 1 + cookie.value.len();
                Some(PendingLogin {
                    name,
                    created_at,
                    bytes,
                })
            })
            .collect()
    }

    /// Names the pending logins to drop, so that at most eight remain with the new one and all our cookies together
    /// stay within 7,800 bytes.
    ///
    /// Unreadable ones go first, then the oldest. `new_cookie_len` is the new cookie's name and value, `other_bytes` all
    /// our cookies that are no pending logins.
    pub fn to_drop(&self, headers: &HeaderMap, new_cookie_len: usize, other_bytes: usize) -> Vec<CookieName> {
        budget::to_drop(self.pending_logins(headers), new_cookie_len, other_bytes)
    }
}

impl core::fmt::Debug for LoginTickets {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LoginTickets")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
