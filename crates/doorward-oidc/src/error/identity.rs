//! Who the user is, and goodbye: ID token, userinfo, revocation.

use std::time::Duration;

use doorward_crypto::{JsonError, JwsError};
use thiserror::Error;

use crate::fields::WrongType;

/// Why an ID token is refused (OpenID Connect Core §3.1.3.7).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IdTokenError {
    /// Form, type, algorithm, key or signature.
    #[error("id token is not a valid signed token")]
    Jws(#[source] JwsError),
    /// A required claim is absent.
    #[error("id token has no \"{0}\" claim")]
    Missing(&'static str),
    /// A claim has another JSON type than defined, `null` included, or a number out of range.
    #[error("id token claim \"{0}\" has the wrong type")]
    WrongType(&'static str),
    /// `iss` is not the issuer, byte by byte.
    #[error("id token iss is not the issuer expected")]
    IssuerMismatch,
    /// `aud` does not hold our client ID.
    #[error("id token is for another audience")]
    AudienceMismatch,
    /// `aud` holds somebody beside us.
    #[error("id token has a further audience")]
    FurtherAudience,
    /// `azp` is not our client ID.
    #[error("id token was issued to another party")]
    AuthorizedPartyMismatch,
    /// `sub` is empty, longer than 255 characters, or has characters outside printable ASCII.
    #[error("id token sub is not 1 to 255 printable ASCII characters")]
    SubjectMalformed,
    /// `exp` has passed by more than the skew.
    #[error("id token has expired")]
    Expired,
    /// `nbf` is in the future by more than the skew.
    #[error("id token is not valid yet")]
    NotYetValid,
    /// `iat` is in the future by more than the skew.
    #[error("id token was issued in the future")]
    IssuedInFuture,
    /// `iat` lies more than an hour back: this token was not minted for this exchange.
    #[error("id token was issued too long ago")]
    TooOld,
    /// `nonce` is another login's.
    #[error("id token nonce does not match the login ticket")]
    NonceMismatch,
    /// `at_hash` belongs to another access token.
    #[error("id token at_hash does not match the access token")]
    AccessTokenHashMismatch,
    /// The user authenticated longer ago than `max_age` asked for.
    #[error("user authenticated longer ago than max_age allows")]
    AuthenticationTooOld,
    /// `auth_time` is in the future by more than the skew.
    #[error("id token auth_time is in the future")]
    AuthenticatedInFuture,
}

impl IdTokenError {
    /// Tells whether fetching the provider's keys anew may help: the key is not among those held.
    #[must_use]
    pub fn needs_key_refetch(&self) -> bool {
        matches!(self, Self::Jws(JwsError::UnknownKey))
    }
}

impl From<WrongType> for IdTokenError {
    fn from(WrongType(name): WrongType) -> Self {
        Self::WrongType(name)
    }
}

/// Why a refreshed ID token is refused (OpenID Connect Core §12.2); the session ends.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RefreshedIdTokenError {
    /// It breaks a rule of every ID token.
    #[error("refreshed id token is refused")]
    IdToken(#[source] IdTokenError),
    /// Another issuer than at login.
    #[error("refreshed id token has another issuer")]
    IssuerChanged,
    /// Another subject than at login.
    #[error("refreshed id token has another subject")]
    SubjectChanged,
    /// Another audience than at login.
    #[error("refreshed id token has another audience")]
    AudienceChanged,
    /// Another `auth_time` than at login.
    #[error("refreshed id token has another auth_time")]
    AuthenticationTimeChanged,
}

impl RefreshedIdTokenError {
    /// Tells whether fetching the provider's keys anew may help.
    #[must_use]
    pub fn needs_key_refetch(&self) -> bool {
        matches!(self, Self::IdToken(error) if error.needs_key_refetch())
    }
}

/// Why a userinfo answer is refused (OpenID Connect Core §5.3).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UserInfoError {
    /// 5xx, 408, 425 or 429: the same request may succeed later.
    #[error("userinfo endpoint is out of order for now")]
    Passing {
        /// How long the provider asks to wait, at most an hour.
        retry_after: Option<Duration>,
    },
    /// Another status than 200, such as 401 or a redirect.
    #[error("userinfo answer has status {0}, expected 200")]
    Status(u16),
    /// Neither `application/json` nor `application/jwt`.
    #[error("userinfo answer is neither application/json nor application/jwt")]
    ContentType,
    /// Not a JSON object under the strict rules, or too large.
    #[error("userinfo is not a strict JSON object")]
    Json(#[source] JsonError),
    /// A signed answer's form, type, algorithm, key or signature.
    #[error("userinfo is not a valid signed token")]
    Jws(#[source] JwsError),
    /// A claim has another JSON type than defined.
    #[error("userinfo claim \"{0}\" has the wrong type")]
    WrongType(&'static str),
    /// `sub` is absent.
    #[error("userinfo has no \"sub\" claim")]
    SubjectMissing,
    /// `sub` is another than the ID token's.
    #[error("userinfo is about another subject than the id token")]
    SubjectMismatch,
    /// A signed answer's `iss` is another.
    #[error("userinfo iss is not the issuer expected")]
    IssuerMismatch,
    /// A signed answer's `aud` does not hold our client ID.
    #[error("userinfo is for another audience")]
    AudienceMismatch,
}

impl UserInfoError {
    /// Tells whether fetching the provider's keys anew may help.
    #[must_use]
    pub fn needs_key_refetch(&self) -> bool {
        matches!(self, Self::Jws(JwsError::UnknownKey))
    }
}

impl From<WrongType> for UserInfoError {
    fn from(WrongType(name): WrongType) -> Self {
        Self::WrongType(name)
    }
}

/// Why a revocation did not succeed (RFC 7009 §2.2); logout goes on regardless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// 5xx, 408, 425 or 429.
    #[error("revocation endpoint is out of order for now")]
    Passing,
    /// Any other status.
    #[error("revocation endpoint refused with status {0}")]
    Refused(u16),
}
