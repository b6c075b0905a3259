//! Access token verification by a resource server (RFC 6750, RFC 9068, RFC 8725).
//!
//! The rules, in the order applied: at most 8 KB; signed with a pinned algorithm by a key of this issuer; `typ` is `at+jwt`,
//! or, where the provider writes none, nothing says that it is another kind of token and something says that it is this kind;
//! `iss` byte-equal; no `cnf`; `aud` names us; `sub` 1 to 255 printable ASCII characters; `exp` in the future; `nbf` past;
//! `iat` neither in the future nor more than a year back; `client_id`, `iat` and `jti` there (RFC 9068 §2.2); `auth_time`
//! past; the client and the kind of subject among those accepted.
//!
//! A claim this module reads has the right JSON type or the token is refused: `null` is not absence, a number in quotes is not
//! a number. `scope` is text with tokens between single spaces (RFC 6749 §3.3); where it is absent `scp` counts, which is
//! such a text or a list. What is no scope token, such as two joined by a tab, is left out: less is read, never more.
//!
//! Several audiences are accepted if one is ours (RFC 7519 §4.1.3): an access token has no `azp` rule as an ID token has.

mod judge;
mod rules;

use std::time::Duration;

use doorward_crypto::{JwsError, JwsPolicy, KeySet, SecretString, base64url_decode, parse_object};
use serde_json::{Map, Value};

pub(crate) use self::judge::judge;
pub use self::rules::{AccessTokenRules, AccessTokenType, AudienceRule, Audiences, EmptyAudiences, SubjectKind};

use crate::error::AccessTokenError;
use crate::signed::verify_signed;
use crate::time::UnixTime;

/// The most bytes an access token may have, with room for the other headers in what servers accept.
pub const MAX_ACCESS_TOKEN_BYTES: usize = 8 * 1024;

/// How old an access token may be, whatever its `exp` says.
pub const MAX_ACCESS_TOKEN_AGE: Duration = Duration::from_secs(366 * 86_400);

/// The type of RFC 9068 §2.1.
const ACCESS_TOKEN_TYPE: &str = "at+jwt";
/// An access token that has passed every rule. Only [`verify`] and
/// [`parse_introspection`](crate::parse_introspection) make one.
#[derive(Clone)]
pub struct VerifiedAccessToken {
    issuer: String,
    subject: String,
    client_id: Option<String>,
    subject_kind: SubjectKind,
    scopes: Vec<String>,
    audience: Vec<String>,
    expires_at: UnixTime,
    issued_at: Option<UnixTime>,
    auth_time: Option<UnixTime>,
    key_id: Option<String>,
    claims: Map<String, Value>,
}

impl VerifiedAccessToken {
    /// Returns the issuer; with [`subject`](Self::subject) it names who calls.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the subject: unique within the issuer only, a user or a client as [`subject_kind`](Self::subject_kind) says.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns the client the token was issued to: `client_id`, else `azp`, else `cid`.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// Tells whether a user or a machine calls.
    #[must_use]
    pub fn subject_kind(&self) -> SubjectKind {
        self.subject_kind
    }

    /// Returns the scopes granted, each exactly as in the token.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Returns the audiences; empty only under [`AudienceRule::NoAudience`].
    #[must_use]
    pub fn audience(&self) -> &[String] {
        &self.audience
    }

    /// Returns when the token expires.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// Returns when the token was issued, if it says.
    #[must_use]
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.issued_at
    }

    /// Returns when the user authenticated, if the token says.
    #[must_use]
    pub fn auth_time(&self) -> Option<UnixTime> {
        self.auth_time
    }

    /// Returns the authentication context, if the token says.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.claims.get("acr").and_then(Value::as_str)
    }

    /// Returns the `kid` of the key that signed; absent for an introspected token, or where the header names none.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Returns every claim.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

/// Issuer, client and kind of subject only.
impl std::fmt::Debug for VerifiedAccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedAccessToken")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("subject_kind", &self.subject_kind)
            .finish_non_exhaustive()
    }
}

/// Verifies an access token that somebody presents.
///
/// # Errors
/// One variant of [`AccessTokenError`] per rule. [`AccessTokenError::is_unknown_key`] tells whether newer keys may help.
///
/// # Security
/// Every byte of `raw` is the caller's. `keys` must be those of `rules.issuer`, fetched from there: a key ID means nothing
/// across issuers.
pub fn verify(
    raw: &SecretString,
    keys: &KeySet,
    rules: &AccessTokenRules,
    now: UnixTime,
) -> Result<VerifiedAccessToken, AccessTokenError> {
    if raw.expose().len() > MAX_ACCESS_TOKEN_BYTES {
        return Err(AccessTokenError::TooLarge);
    }
    let policy = JwsPolicy {
        algorithms: &rules.algorithms,
        refused_types: &[],
        required_type: match rules.token_type {
            AccessTokenType::AtJwt => Some(ACCESS_TOKEN_TYPE),
            AccessTokenType::AlsoJwt => None,
        },
    };
    let payload = verify_signed(raw.expose(), keys, &policy).map_err(AccessTokenError::Jws)?;
    let form = form_of(payload.typ(), rules.token_type)?;
    let key_id = payload.kid().map(str::to_owned);
    judge(payload.into_claims(), key_id, form, rules, now)
}

/// Reads the issuer a token names, without verifying anything.
///
/// # Security
/// Anybody can write any issuer. The answer serves to choose among issuers that the configuration names, and for nothing else.
#[must_use]
pub fn unverified_issuer(raw: &SecretString) -> Option<String> {
    let raw = raw.expose();
    if raw.len() > MAX_ACCESS_TOKEN_BYTES || !looks_like_jwt(raw) {
        return None;
    }
    let payload = base64url_decode(raw.split('.').nth(1)?.as_bytes()).ok()?;
    match parse_object(&payload, MAX_ACCESS_TOKEN_BYTES).ok()?.remove("iss")? {
        Value::String(issuer) => Some(issuer),
        _ => None,
    }
}

/// Tells whether a token has the three parts of a JWT; any other is opaque to us.
#[must_use]
pub fn looks_like_jwt(raw: &str) -> bool {
    raw.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// By what a token is told from the others of its issuer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The header says `at+jwt`, and RFC 9068 holds.
    AtJwt,
    /// The header says nothing of use; the claims have to.
    PlainJwt,
    /// No header: the introspection endpoint described it.
    Introspected,
}

fn form_of(typ: Option<&str>, accepted: AccessTokenType) -> Result<Form, AccessTokenError> {
    let Some(typ) = typ else { return Ok(Form::PlainJwt) };
    let typ = typ.to_ascii_lowercase();
    match (typ.strip_prefix("application/").unwrap_or(&typ), accepted) {
        // The signature's check has compared it.
        (_, AccessTokenType::AtJwt) | (ACCESS_TOKEN_TYPE, _) => Ok(Form::AtJwt),
        ("jwt", _) => Ok(Form::PlainJwt),
        // Security: a list of what is accepted; kinds of tokens are invented faster than lists of what is not.
        _ => Err(AccessTokenError::Jws(JwsError::TypeRefused)),
    }
}
