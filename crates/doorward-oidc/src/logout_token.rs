//! Logout token verification (OpenID Connect Back-Channel Logout §2.4 and §2.6, RFC 8725).
//!
//! The rules, in the order applied: at most 8 KB; signed with an algorithm pinned for ID tokens by a key of this issuer; `typ`
//! is `logout+jwt`, `JWT` or absent, and no other; `iss` byte-equal; `aud` our client ID and nobody else; `exp`, if there, in the
//! future; `iat` neither in the future nor more than [`MAX_AGE`] back; `nbf` past; `sub` 1 to 255 printable ASCII characters,
//! `sid` not empty, at least one of them; `events` an object whose member for back-channel logout is an object; no `nonce`;
//! `jti` not empty.
//!
//! `exp` is required only since the errata of December 2023: the specification of 2022 did not list it, and providers built
//! after that send none. One without is not refused, since [`MAX_AGE`] ends every token's use, with an `exp` or without.
//!
//! A claim this module reads has the right JSON type or the token is refused: `null` is not absence. Clocks may differ by
//! [`SKEW`]. That a token is used once is for whoever keeps a memory: see [`VerifiedLogoutToken::replay_key`].

use std::time::Duration;

use doorward_crypto::{Algorithm, JwsError, JwsPolicy, KeySet, base64url_decode, parse_object};
use serde_json::{Map, Value};

use crate::error::LogoutTokenError;
use crate::fields;
use crate::id_token::{MAX_TEXT_BYTES, SKEW, is_subject};
use crate::signed::verify_signed;
use crate::time::UnixTime;

/// The most bytes a logout token may have; what providers send has about one.
pub const MAX_LOGOUT_TOKEN_BYTES: usize = 8 * 1024;

/// How old a logout token may be when it arrives: time for a provider to try again, and the longest that a captured one, or
/// the memory of its `jti`, has to last. The specification advises providers to let theirs live two minutes.
pub const MAX_AGE: Duration = Duration::from_secs(600);

/// The member of `events` that makes a token a logout token.
pub const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The type that a provider of today writes.
const LOGOUT_TOKEN_TYPE: &str = "logout+jwt";

/// What a logout token must show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExpectedLogoutToken<'a> {
    /// The issuer whose keys are asked.
    pub issuer: &'a str,
    /// Our client ID there, the audience.
    pub client_id: &'a str,
    /// The algorithms pinned for this issuer's ID tokens; see
    /// [`ProviderMetadata::id_token_algorithms`](crate::ProviderMetadata::id_token_algorithms).
    pub algorithms: &'a [Algorithm],
}

/// A logout token that has passed every rule. Only [`verify`] makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedLogoutToken {
    issuer: String,
    client_id: String,
    scope: LogoutScope,
    token_id: String,
    issued_at: UnixTime,
    expires_at: UnixTime,
}

/// Whose sessions a logout token ends, of this issuer and client (Back-Channel Logout §2.7).
#[derive(Clone, PartialEq, Eq)]
pub enum LogoutScope {
    /// The one session that the provider knows by this ID.
    Session {
        /// The `sid` of the ID token that began it.
        session_id: String,
        /// The subject the session must have, where the token says.
        subject: Option<String>,
    },
    /// Every session of this subject.
    Subject {
        /// The `sub` of the ID tokens that began them.
        subject: String,
    },
}

/// By what a logout token is known again: `jti` is unique within its issuer only, and each client has tokens of its own.
///
/// A key of a memory, never a text put together: no two triples can be taken for one another.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogoutReplayKey {
    /// The issuer.
    pub issuer: String,
    /// The client.
    pub client_id: String,
    /// The `jti`, 1 to 1,024 bytes of any text.
    pub token_id: String,
}

impl VerifiedLogoutToken {
    /// Returns the issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the one audience, our client ID.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Returns whose sessions end.
    #[must_use]
    pub fn scope(&self) -> &LogoutScope {
        &self.scope
    }

    /// Returns the subject, if the token names one: unique within the issuer only.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        match &self.scope {
            LogoutScope::Session { subject, .. } => subject.as_deref(),
            LogoutScope::Subject { subject } => Some(subject),
        }
    }

    /// Returns the provider's session ID (`sid`), if the token names one: unique within the issuer only.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        match &self.scope {
            LogoutScope::Session { session_id, .. } => Some(session_id),
            LogoutScope::Subject { .. } => None,
        }
    }

    /// Returns the token's own ID (`jti`).
    #[must_use]
    pub fn token_id(&self) -> &str {
        &self.token_id
    }

    /// Returns when the token was issued. A session that began later is none that it can mean.
    #[must_use]
    pub fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// Returns from when on [`verify`] refuses the token, skew counted in: the earlier of its `exp` and its greatest age.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// Returns by what the token is known again.
    ///
    /// # Security
    /// Whoever captured a token can send it again until [`remember_until`](Self::remember_until), and so end what its user
    /// has begun since. A caller remembers the key before it acts on the token, and refuses a token whose key it remembers.
    #[must_use]
    pub fn replay_key(&self) -> LogoutReplayKey {
        LogoutReplayKey {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            token_id: self.token_id.clone(),
        }
    }

    /// Returns until when the key must be remembered: [`expires_at`](Self::expires_at), and longer by what the clocks of
    /// several instances with one memory may differ.
    #[must_use]
    pub fn remember_until(&self) -> UnixTime {
        self.expires_at.saturating_add(SKEW)
    }
}

/// Issuer and client only.
impl std::fmt::Debug for VerifiedLogoutToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedLogoutToken")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// Only which of the two: whoever knows a session ID may end that session by a framed call.
impl std::fmt::Debug for LogoutScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Session { .. } => f.debug_struct("Session").finish_non_exhaustive(),
            Self::Subject { .. } => f.debug_struct("Subject").finish_non_exhaustive(),
        }
    }
}

/// Issuer and client only.
impl std::fmt::Debug for LogoutReplayKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogoutReplayKey")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// Verifies a logout token, the `logout_token` of a POST to the back-channel logout endpoint.
///
/// # Errors
/// One variant of [`LogoutTokenError`] per rule. [`LogoutTokenError::needs_key_refetch`] tells whether newer keys may help.
///
/// # Security
/// Every byte of `raw` is the caller's, and anybody can call. `keys` must be those of `expected.issuer`, fetched from there.
/// What the token names counts within this issuer and this client only; and a token may be sent again, see
/// [`VerifiedLogoutToken::replay_key`].
pub fn verify(
    raw: &str,
    expected: &ExpectedLogoutToken<'_>,
    keys: &KeySet,
    now: UnixTime,
) -> Result<VerifiedLogoutToken, LogoutTokenError> {
    if raw.len() > MAX_LOGOUT_TOKEN_BYTES {
        return Err(LogoutTokenError::TooLarge);
    }
    let policy = JwsPolicy {
        algorithms: expected.algorithms,
        refused_types: &[],
        required_type: None,
    };
    let payload = verify_signed(raw, keys, &policy).map_err(LogoutTokenError::Jws)?;
    if !is_accepted_type(payload.typ()) {
        return Err(LogoutTokenError::Jws(JwsError::TypeRefused));
    }
    let claims = payload.claims();

    if required_text(claims, "iss")? != expected.issuer {
        return Err(LogoutTokenError::IssuerMismatch);
    }
    check_audience(claims, expected.client_id)?;
    let (issued_at, expires_at) = check_times(claims, now)?;
    let scope = scope(claims)?;
    check_event(claims)?;
    // Security: §2.4 forbids it, whatever its value, so that no ID token of a login can pass for a logout token.
    if claims.contains_key("nonce") {
        return Err(LogoutTokenError::NoncePresent);
    }
    let token_id = bounded_text(claims, "jti")?.ok_or(LogoutTokenError::Missing("jti"))?;
    Ok(VerifiedLogoutToken {
        issuer: expected.issuer.to_owned(),
        client_id: expected.client_id.to_owned(),
        scope,
        token_id: token_id.to_owned(),
        issued_at,
        expires_at,
    })
}

/// Whom a token claims to come from and to be for, read without verifying anything. Has no Debug: the text is anybody's.
#[derive(Clone, PartialEq, Eq)]
pub struct UnverifiedAddress {
    issuer: String,
    audiences: Vec<String>,
}

impl UnverifiedAddress {
    /// Reads the address of a logout token; `None` for what cannot pass [`verify`] either.
    ///
    /// # Security
    /// Anybody can write any address. The answer serves to choose among issuers and clients that the configuration names, and
    /// for nothing else.
    #[must_use]
    pub fn of(raw: &str) -> Option<Self> {
        if raw.len() > MAX_LOGOUT_TOKEN_BYTES {
            return None;
        }
        let mut segments = raw.split('.');
        let (_header, payload, _signature) = (segments.next()?, segments.next()?, segments.next()?);
        let payload = base64url_decode(payload.as_bytes()).ok()?;
        let claims = parse_object(&payload, MAX_LOGOUT_TOKEN_BYTES).ok()?;
        let audiences = fields::audiences(&claims).ok()??;
        Some(Self {
            issuer: fields::strict_string(&claims, "iss").ok()??.to_owned(),
            audiences: audiences.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }

    /// Tells whether the token claims to be from this issuer to this client.
    #[must_use]
    pub fn names(&self, issuer: &str, client_id: &str) -> bool {
        self.issuer == issuer && self.audiences.iter().any(|audience| audience == client_id)
    }
}

fn is_accepted_type(typ: Option<&str>) -> bool {
    // Security: a list of what is accepted; kinds of tokens are invented faster than lists of what is not. Without a type of its
    // own a token is known by its event and by having no nonce (§4.1).
    let typ = typ.map(str::to_ascii_lowercase);
    match typ.as_deref() {
        None => true,
        Some(typ) => matches!(
            typ.strip_prefix("application/").unwrap_or(typ),
            LOGOUT_TOKEN_TYPE | "jwt"
        ),
    }
}

fn check_audience(claims: &Map<String, Value>, client_id: &str) -> Result<(), LogoutTokenError> {
    let audiences = fields::audiences(claims)?.ok_or(LogoutTokenError::Missing("aud"))?;
    if !audiences.iter().any(|audience| audience == client_id) {
        return Err(LogoutTokenError::AudienceMismatch);
    }
    // §2.6 item 4: as in ID tokens, of which one with an audience that we do not trust is refused.
    if audiences.iter().any(|audience| audience != client_id) {
        return Err(LogoutTokenError::FurtherAudience);
    }
    Ok(())
}

/// Returns when the token was issued and from when on it is refused.
fn check_times(claims: &Map<String, Value>, now: UnixTime) -> Result<(UnixTime, UnixTime), LogoutTokenError> {
    let refused_from = numeric_date(claims, "exp")?.map(|expires_at| expires_at.saturating_add(SKEW));
    if refused_from.is_some_and(|refused_from| now >= refused_from) {
        return Err(LogoutTokenError::Expired);
    }
    let issued_at = numeric_date(claims, "iat")?.ok_or(LogoutTokenError::Missing("iat"))?;
    if issued_at > now.saturating_add(SKEW) {
        return Err(LogoutTokenError::IssuedInFuture);
    }
    let too_old_from = issued_at.saturating_add(MAX_AGE).saturating_add(Duration::from_secs(1));
    if now >= too_old_from {
        return Err(LogoutTokenError::TooOld);
    }
    if numeric_date(claims, "nbf")?.is_some_and(|not_before| not_before > now.saturating_add(SKEW)) {
        return Err(LogoutTokenError::NotYetValid);
    }
    let expires_at = refused_from.map_or(too_old_from, |refused_from| refused_from.min(too_old_from));
    Ok((issued_at, expires_at))
}

fn scope(claims: &Map<String, Value>) -> Result<LogoutScope, LogoutTokenError> {
    let subject = fields::strict_string(claims, "sub")?.map(str::to_owned);
    if subject.as_deref().is_some_and(|subject| !is_subject(subject)) {
        return Err(LogoutTokenError::SubjectMalformed);
    }
    let session_id = bounded_text(claims, "sid")?.map(str::to_owned);
    match (session_id, subject) {
        (Some(session_id), subject) => Ok(LogoutScope::Session { session_id, subject }),
        (None, Some(subject)) => Ok(LogoutScope::Subject { subject }),
        (None, None) => Err(LogoutTokenError::NobodyNamed),
    }
}

fn check_event(claims: &Map<String, Value>) -> Result<(), LogoutTokenError> {
    let events = match claims.get("events") {
        None => return Err(LogoutTokenError::Missing("events")),
        Some(Value::Object(events)) => events,
        Some(_) => return Err(LogoutTokenError::WrongType("events")),
    };
    match events.get(LOGOUT_EVENT) {
        None => Err(LogoutTokenError::EventMissing),
        // §2.4: an object that should be empty; what stands in one is not understood and ignored.
        Some(Value::Object(_)) => Ok(()),
        Some(_) => Err(LogoutTokenError::EventMalformed),
    }
}

fn required_text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, LogoutTokenError> {
    fields::strict_string(claims, name)?.ok_or(LogoutTokenError::Missing(name))
}

/// Returns a text that is kept or looked up later.
fn bounded_text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, LogoutTokenError> {
    match fields::strict_string(claims, name)? {
        Some("") => Err(LogoutTokenError::Empty(name)),
        Some(text) if text.len() > MAX_TEXT_BYTES => Err(LogoutTokenError::TooLong(name)),
        text => Ok(text),
    }
}

fn numeric_date(claims: &Map<String, Value>, name: &'static str) -> Result<Option<UnixTime>, LogoutTokenError> {
    Ok(fields::numeric_date(claims, name)?)
}
