//! Logouts that come from outside: logout tokens and framed calls.

use doorward_crypto::JwsError;
use thiserror::Error;

use crate::fields::WrongType;
use crate::params::RepeatedParameter;

/// Why a logout token is refused (OpenID Connect Back-Channel Logout §2.6); the answer is 400.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LogoutTokenError {
    /// More bytes than [`MAX_LOGOUT_TOKEN_BYTES`](crate::logout_token::MAX_LOGOUT_TOKEN_BYTES).
    #[error("logout token is larger than 8 KB")]
    TooLarge,
    /// Form, type, algorithm, key or signature.
    #[error("logout token is not a valid signed token")]
    Jws(#[source] JwsError),
    /// A required claim is absent.
    #[error("logout token has no \"{0}\" claim")]
    Missing(&'static str),
    /// A claim has another JSON type than defined, `null` included, or a number out of range.
    #[error("logout token claim \"{0}\" has the wrong type")]
    WrongType(&'static str),
    /// `jti` or `sid` is empty.
    #[error("logout token claim \"{0}\" is empty")]
    Empty(&'static str),
    /// `jti` or `sid` has more than 1,024 bytes.
    #[error("logout token claim \"{0}\" has more than 1024 bytes")]
    TooLong(&'static str),
    /// `iss` is not the issuer, byte by byte.
    #[error("logout token iss is not the issuer expected")]
    IssuerMismatch,
    /// `aud` does not hold our client ID.
    #[error("logout token is for another audience")]
    AudienceMismatch,
    /// `aud` holds somebody beside us.
    #[error("logout token has a further audience")]
    FurtherAudience,
    /// `exp` has passed by more than the skew.
    #[error("logout token has expired")]
    Expired,
    /// `nbf` is in the future by more than the skew.
    #[error("logout token is not valid yet")]
    NotYetValid,
    /// `iat` is in the future by more than the skew.
    #[error("logout token was issued in the future")]
    IssuedInFuture,
    /// `iat` lies more than ten minutes back, whatever `exp` says.
    #[error("logout token was issued too long ago")]
    TooOld,
    /// Neither `sub` nor `sid`: nobody is named.
    #[error("logout token has neither a \"sub\" nor a \"sid\" claim")]
    NobodyNamed,
    /// `sub` is empty, longer than 255 characters, or has characters outside printable ASCII.
    #[error("logout token sub is not 1 to 255 printable ASCII characters")]
    SubjectMalformed,
    /// `events` lacks the member that makes a token a logout token.
    #[error("logout token events has no back-channel logout event")]
    EventMissing,
    /// The event's value is no JSON object.
    #[error("logout token's back-channel logout event is not a json object")]
    EventMalformed,
    /// `nonce` is there, with whatever value: this is some other token.
    #[error("logout token has a \"nonce\" claim, expected none")]
    NoncePresent,
}

impl LogoutTokenError {
    /// Tells whether fetching the provider's keys anew may help: the key is not among those held.
    #[must_use]
    pub fn needs_key_refetch(&self) -> bool {
        matches!(self, Self::Jws(JwsError::UnknownKey))
    }
}

impl From<WrongType> for LogoutTokenError {
    fn from(WrongType(name): WrongType) -> Self {
        Self::WrongType(name)
    }
}

/// Why a framed logout is refused (OpenID Connect Front-Channel Logout §2); nothing ends.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrontChannelLogoutError {
    /// `iss` or `sid` is given twice.
    #[error("front-channel logout parameter is given more than once")]
    Repeated(#[source] RepeatedParameter),
    /// `iss` or `sid` is absent or empty.
    #[error("front-channel logout has no \"{0}\" parameter")]
    Missing(&'static str),
    /// `iss` is no issuer of ours, byte by byte.
    #[error("front-channel logout iss is not an issuer expected")]
    IssuerMismatch,
    /// `sid` has more than 1,024 bytes.
    #[error("front-channel logout sid has more than 1024 bytes")]
    SessionIdTooLong,
}

impl From<RepeatedParameter> for FrontChannelLogoutError {
    fn from(error: RepeatedParameter) -> Self {
        Self::Repeated(error)
    }
}
