//! What somebody can present in place of an access token that is meant for us.

use std::time::Duration;

use doorward_crypto::{JsonError, JwsError};
use thiserror::Error;

use crate::fields::WrongType;

/// Why an access token is refused (RFC 6750 §3.1, RFC 9068 §4).
///
/// No text holds anything of the token: whoever sends a token would otherwise write into our logs and answers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AccessTokenError {
    /// More than 8 KB.
    #[error("access token is larger than 8 KB")]
    TooLarge,
    /// Form, type, algorithm, key or signature.
    #[error("access token is not a valid signed token")]
    Jws(#[source] JwsError),
    /// A required claim is absent.
    #[error("access token has no \"{0}\" claim")]
    Missing(&'static str),
    /// A claim has another JSON type than defined, `null` included, is empty or too long, or a number out of range.
    #[error("access token claim \"{0}\" has the wrong type")]
    WrongType(&'static str),
    /// `iss` is not the issuer, byte by byte.
    #[error("access token iss is not the issuer expected")]
    IssuerMismatch,
    /// `aud` names none of the audiences that are ours.
    #[error("access token is for another audience")]
    AudienceMismatch,
    /// `aud` is there although the provider is declared to issue tokens without one: it is meant for somebody, not for us.
    #[error("access token names an audience, expected none")]
    AudienceUnexpected,
    /// `sub` is empty, longer than 255 characters, or has characters outside printable ASCII.
    #[error("access token sub is not 1 to 255 printable ASCII characters")]
    SubjectMalformed,
    /// `exp` has passed by the leeway.
    #[error("access token has expired")]
    Expired,
    /// `nbf` is in the future by more than the leeway.
    #[error("access token is not valid yet")]
    NotYetValid,
    /// `iat` is in the future by more than the leeway.
    #[error("access token was issued in the future")]
    IssuedInFuture,
    /// `iat` lies more than a year back.
    #[error("access token was issued more than a year ago")]
    TooOld,
    /// `auth_time` is in the future by more than the leeway.
    #[error("access token auth_time is in the future")]
    AuthenticatedInFuture,
    /// `cnf` is there: the token is bound to a key whose proof a bearer request does not carry.
    #[error("access token is bound to a key, expected a bearer token")]
    Bound,
    /// It has what only ID tokens have.
    #[error("token is an id token, expected an access token")]
    IsIdToken,
    /// It has what only logout tokens and other security events have.
    #[error("token is a logout token, expected an access token")]
    IsLogoutToken,
    /// Nothing says that it is an access token, or something says that it is another kind of token.
    #[error("token is of another kind, expected an access token")]
    OtherKind,
    /// It was issued to a client that is not on the list.
    #[error("access token was issued to a client that is not accepted")]
    ClientRefused,
    /// It speaks for a kind of subject that is not on the list, such as a machine where users are expected.
    #[error("access token is of a kind of subject that is not accepted")]
    SubjectKindRefused,
}

impl AccessTokenError {
    /// Tells whether the token was good once: a newer one will do.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        matches!(self, Self::Expired)
    }

    /// Tells whether fetching the provider's keys anew may help: the key is not among those held.
    #[must_use]
    pub fn is_unknown_key(&self) -> bool {
        matches!(self, Self::Jws(JwsError::UnknownKey))
    }
}

impl From<WrongType> for AccessTokenError {
    fn from(WrongType(name): WrongType) -> Self {
        Self::WrongType(name)
    }
}

/// Why an introspection answer lets nobody in (RFC 7662 §2.2).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IntrospectionError {
    /// 5xx, 408, 425 or 429: the same request may succeed later.
    #[error("introspection endpoint is out of order for now")]
    Passing {
        /// How long the provider asks to wait, at most an hour.
        retry_after: Option<Duration>,
    },
    /// Another status than 200: our own credentials are refused, or a redirect.
    #[error("introspection answer has status {0}, expected 200")]
    Status(u16),
    /// The content type is not `application/json`.
    #[error("introspection answer is not application/json")]
    ContentType,
    /// Not a JSON object under the strict rules, or too large.
    #[error("introspection answer is not a strict JSON object")]
    Json(#[source] JsonError),
    /// `active` is absent or no boolean; `"true"` and `1` are not `true`.
    #[error("introspection answer has no boolean \"active\"")]
    Active,
    /// The token is active and breaks a rule of ours.
    #[error("introspected token is refused")]
    Token(#[source] AccessTokenError),
}
