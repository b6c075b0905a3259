//! ID token verification (OpenID Connect Core §3.1.3.7, RFC 8725).
//!
//! The rules, in the order applied: signed with a pinned algorithm by a key of this issuer, always, although Core lets a code
//! flow skip it; the `typ` is of no other kind of token; `iss` byte-equal; `aud` our client ID and nobody else; `azp`, if there,
//! our client ID; `sub` 1 to 255 printable ASCII characters; `exp` in the future; `iat` neither in the future nor more than an
//! hour back; `nbf` past; `nonce` equal; `at_hash`, if there, equal; `auth_time` recent enough where `max_age` was asked.
//!
//! A claim this module reads has the right JSON type or the token is refused: `null` is not absence, a number in quotes is not
//! a number. Clocks may differ by [`SKEW`].

use std::time::Duration;

use doorward_crypto::{Algorithm, JwsPolicy, KeySet, SecretString, constant_time_eq, half_hash};
use serde_json::{Map, Value};

use crate::error::IdTokenError;
use crate::fields;
use crate::signed::verify_signed;
use crate::time::UnixTime;

/// How far the provider's clock and ours may differ.
pub const SKEW: Duration = Duration::from_secs(60);

/// How old an ID token may be when it arrives. One that answers a code or a refresh token was minted now; an old one was
/// minted for something else.
pub const MAX_AGE: Duration = Duration::from_secs(3_600);

/// Types of tokens that are no ID tokens although the same key may sign them (RFC 8725 §3.11).
pub(crate) const REFUSED_TYPES: &[&str] = &[
    "at+jwt",
    "rt+jwt",
    "logout+jwt",
    "dpop+jwt",
    "secevent+jwt",
    "token-introspection+jwt",
    "oauth-authz-req+jwt",
    "client-authentication+jwt",
    "entity-statement+jwt",
    "kb+jwt",
];

const MAX_SUBJECT_BYTES: usize = 255;
/// The most bytes of a text that others look up later, such as a session ID.
pub(crate) const MAX_TEXT_BYTES: usize = 1_024;

/// What the ID token that answers a request must show. Made by [`exchange_request`](crate::exchange_request).
#[derive(Clone, PartialEq, Eq)]
pub struct ExpectedIdToken {
    /// The issuer asked.
    pub issuer: String,
    /// Our client ID, the audience.
    pub client_id: String,
    /// The nonce sent; `None` after a refresh, where nobody remembers it.
    pub nonce: Option<String>,
    /// The `max_age` asked for, in seconds.
    pub max_age: Option<u64>,
    /// The `acr_values` asked for. A wish (Core §3.1.2.1): a rule that needs one of them looks at [`VerifiedIdToken::acr`].
    pub acr_values: Option<String>,
    /// The scope asked for, space-separated.
    pub requested_scope: String,
}

impl ExpectedIdToken {
    /// Says what a refreshed ID token must show: no nonce, no `max_age`.
    #[must_use]
    pub fn after_refresh(issuer: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            client_id: client_id.into(),
            nonce: None,
            max_age: None,
            acr_values: None,
            requested_scope: String::new(),
        }
    }
}

/// Without the nonce.
impl std::fmt::Debug for ExpectedIdToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExpectedIdToken")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

/// What an ID token is judged by.
#[derive(Clone, Copy, Debug)]
pub struct IdTokenRules<'a> {
    /// What it must show.
    pub expected: &'a ExpectedIdToken,
    /// The algorithms pinned for this issuer; see
    /// [`ProviderMetadata::id_token_algorithms`](crate::ProviderMetadata::id_token_algorithms).
    pub algorithms: &'a [Algorithm],
    /// The time now.
    pub now: UnixTime,
    /// The access token that came along, for `at_hash`.
    pub access_token: Option<&'a SecretString>,
}

/// Claims about a user that have passed every rule. Only [`verify`] and [`check_refreshed`](crate::check_refreshed) make one.
#[derive(Clone)]
pub struct VerifiedIdToken {
    issuer: String,
    subject: String,
    audience: String,
    issued_at: UnixTime,
    expires_at: UnixTime,
    auth_time: Option<UnixTime>,
    claims: Map<String, Value>,
}

impl VerifiedIdToken {
    /// Returns the issuer; with [`subject`](Self::subject) it names the user.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the subject: unique within the issuer only.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns the one audience, our client ID.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Returns when the token was issued.
    #[must_use]
    pub fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// Returns when the token expires.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// Returns when the user authenticated, if the provider says.
    #[must_use]
    pub fn auth_time(&self) -> Option<UnixTime> {
        self.auth_time
    }

    /// Returns the authentication context, if the provider says.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.claims.get("acr").and_then(Value::as_str)
    }

    /// Returns the provider's session ID (`sid`), by which a back-channel logout names the session.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.claims.get("sid").and_then(Value::as_str)
    }

    /// Returns every claim.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

/// Issuer and subject only.
impl std::fmt::Debug for VerifiedIdToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedIdToken")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// Verifies the ID token that answers a login.
///
/// # Errors
/// One variant of [`IdTokenError`] per rule. [`IdTokenError::needs_key_refetch`] tells whether newer keys may help.
///
/// # Security
/// The token comes from the provider over TLS, and is verified as if it came from anywhere.
pub fn verify(raw: &SecretString, keys: &KeySet, rules: &IdTokenRules<'_>) -> Result<VerifiedIdToken, IdTokenError> {
    verify_with(raw, keys, rules, NonceRule::Required)
}

/// Whether a nonce that is expected must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum NonceRule {
    Required,
    AbsentOrEqual,
}

pub(crate) fn verify_with(
    raw: &SecretString,
    keys: &KeySet,
    rules: &IdTokenRules<'_>,
    nonce_rule: NonceRule,
) -> Result<VerifiedIdToken, IdTokenError> {
    let policy = JwsPolicy {
        algorithms: rules.algorithms,
        refused_types: REFUSED_TYPES,
        required_type: None,
    };
    let payload = verify_signed(raw.expose(), keys, &policy).map_err(IdTokenError::Jws)?;
    let algorithm = payload.algorithm();
    let claims = payload.into_claims();
    let expected = rules.expected;

    if required_text(&claims, "iss")? != expected.issuer {
        return Err(IdTokenError::IssuerMismatch);
    }
    check_audience(&claims, &expected.client_id)?;
    let subject = required_text(&claims, "sub")?;
    if !is_subject(subject) {
        return Err(IdTokenError::SubjectMalformed);
    }
    let subject = subject.to_owned();
    let (issued_at, expires_at) = check_times(&claims, rules.now)?;
    check_nonce(&claims, expected.nonce.as_deref(), nonce_rule)?;
    check_access_token_hash(&claims, algorithm, rules.access_token)?;
    let auth_time = check_authentication(&claims, expected.max_age, rules.now)?;
    // Read by accessors later; a wrong type is refused here so that they cannot take it for absent.
    for name in ["acr", "sid"] {
        if text(&claims, name)?.is_some_and(|value| value.is_empty() || value.len() > MAX_TEXT_BYTES) {
            return Err(IdTokenError::WrongType(name));
        }
    }
    Ok(VerifiedIdToken {
        issuer: expected.issuer.clone(),
        subject,
        audience: expected.client_id.clone(),
        issued_at,
        expires_at,
        auth_time,
        claims,
    })
}

fn check_audience(claims: &Map<String, Value>, client_id: &str) -> Result<(), IdTokenError> {
    let audiences = fields::audiences(claims)?.ok_or(IdTokenError::Missing("aud"))?;
    if !audiences.iter().any(|audience| audience == client_id) {
        return Err(IdTokenError::AudienceMismatch);
    }
    // Core §3.1.3.7 item 3: audiences we do not trust are refused, and there is no list of ones we do.
    if audiences.iter().any(|audience| audience != client_id) {
        return Err(IdTokenError::FurtherAudience);
    }
    match text(claims, "azp")? {
        Some(party) if party != client_id => Err(IdTokenError::AuthorizedPartyMismatch),
        _ => Ok(()),
    }
}

fn check_times(claims: &Map<String, Value>, now: UnixTime) -> Result<(UnixTime, UnixTime), IdTokenError> {
    let expires_at = numeric_date(claims, "exp")?.ok_or(IdTokenError::Missing("exp"))?;
    if now >= expires_at.saturating_add(SKEW) {
        return Err(IdTokenError::Expired);
    }
    let issued_at = numeric_date(claims, "iat")?.ok_or(IdTokenError::Missing("iat"))?;
    if issued_at > now.saturating_add(SKEW) {
        return Err(IdTokenError::IssuedInFuture);
    }
    if now.saturating_since(issued_at) > MAX_AGE {
        return Err(IdTokenError::TooOld);
    }
    if numeric_date(claims, "nbf")?.is_some_and(|not_before| not_before > now.saturating_add(SKEW)) {
        return Err(IdTokenError::NotYetValid);
    }
    Ok((issued_at, expires_at))
}

fn check_nonce(claims: &Map<String, Value>, expected: Option<&str>, rule: NonceRule) -> Result<(), IdTokenError> {
    match (expected, text(claims, "nonce")?) {
        (Some(expected), Some(nonce)) if !constant_time_eq(expected.as_bytes(), nonce.as_bytes()) => {
            Err(IdTokenError::NonceMismatch)
        }
        (Some(_), None) if rule == NonceRule::Required => Err(IdTokenError::Missing("nonce")),
        _ => Ok(()),
    }
}

fn check_access_token_hash(
    claims: &Map<String, Value>,
    algorithm: Algorithm,
    access_token: Option<&SecretString>,
) -> Result<(), IdTokenError> {
    let (Some(hash), Some(access_token)) = (text(claims, "at_hash")?, access_token) else {
        return Ok(());
    };
    let actual = half_hash(algorithm, access_token.expose().as_bytes());
    if actual.is_some_and(|actual| constant_time_eq(actual.as_bytes(), hash.as_bytes())) {
        Ok(())
    } else {
        Err(IdTokenError::AccessTokenHashMismatch)
    }
}

fn check_authentication(
    claims: &Map<String, Value>,
    max_age: Option<u64>,
    now: UnixTime,
) -> Result<Option<UnixTime>, IdTokenError> {
    let auth_time = numeric_date(claims, "auth_time")?;
    if auth_time.is_some_and(|time| time > now.saturating_add(SKEW)) {
        return Err(IdTokenError::AuthenticatedInFuture);
    }
    if let Some(max_age) = max_age {
        let auth_time = auth_time.ok_or(IdTokenError::Missing("auth_time"))?;
        let allowed = Duration::from_secs(max_age).saturating_add(SKEW);
        if now.saturating_since(auth_time) > allowed {
            return Err(IdTokenError::AuthenticationTooOld);
        }
    }
    Ok(auth_time)
}

/// Core §2 allows 255 ASCII characters; control characters are left out, since a subject goes into logs and headers.
pub(crate) fn is_subject(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_SUBJECT_BYTES && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, IdTokenError> {
    Ok(fields::strict_string(claims, name)?)
}

fn required_text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, IdTokenError> {
    text(claims, name)?.ok_or(IdTokenError::Missing(name))
}

fn numeric_date(claims: &Map<String, Value>, name: &'static str) -> Result<Option<UnixTime>, IdTokenError> {
    Ok(fields::numeric_date(claims, name)?)
}
