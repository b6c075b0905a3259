//! Before the login: metadata, keys, settings and the authorization request.

use doorward_crypto::{JsonError, KeySetError, RandomUnavailable};
use thiserror::Error;

use crate::fields::WrongType;
use crate::params::RepeatedParameter;

/// Why a provider's metadata is refused (OpenID Connect Discovery §4.3, RFC 8414 §3.3).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The status is not 200; redirects are among these, they are not followed.
    #[error("metadata answer has status {0}, expected 200")]
    Status(u16),
    /// The content type is not `application/json`.
    #[error("metadata answer is not application/json")]
    ContentType,
    /// Not a JSON object under the strict rules, or over 256 KB.
    #[error("metadata is not a strict JSON object")]
    Json(#[source] JsonError),
    /// A required member is absent.
    #[error("metadata has no \"{0}\"")]
    Missing(&'static str),
    /// A member has another JSON type than defined, or too many entries.
    #[error("metadata member \"{0}\" has the wrong type")]
    WrongType(&'static str),
    /// The issuer named is another one, if only by a slash or by case.
    #[error("metadata issuer is {met:?}, expected {expected:?}")]
    IssuerMismatch {
        /// The issuer the metadata names, cut to 200 characters.
        met: String,
        /// The issuer configured.
        expected: String,
    },
    /// An endpoint breaks a rule.
    #[error("metadata member \"{name}\" is refused")]
    Endpoint {
        /// The member.
        name: &'static str,
        /// The rule it breaks.
        #[source]
        reason: EndpointError,
    },
    /// The provider signs ID tokens with no algorithm we accept.
    #[error("metadata names no id token signing algorithm out of RS256, PS256, ES256, ES384 and EdDSA")]
    NoUsableAlgorithm,
}

impl From<WrongType> for MetadataError {
    fn from(WrongType(name): WrongType) -> Self {
        Self::WrongType(name)
    }
}

/// Why an endpoint is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Not an absolute http or https URL of reasonable length.
    #[error("endpoint is not an absolute https URL")]
    Malformed,
    /// http although the issuer is https.
    #[error("endpoint is http, expected https")]
    NotHttps,
    /// A user name or password.
    #[error("endpoint has a user name or password")]
    UserInfo,
    /// A fragment.
    #[error("endpoint has a fragment")]
    Fragment,
    /// A loopback name, or a loopback, private or link-local address, although the issuer is not local.
    #[error("endpoint is local, but the issuer is not")]
    Local,
}

/// Why a provider's key set is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The status is not 200.
    #[error("key set answer has status {0}, expected 200")]
    Status(u16),
    /// The content type is neither `application/json` nor `application/jwk-set+json`.
    #[error("key set answer is not application/json")]
    ContentType,
    /// Not a key set, too large, or with too many keys.
    #[error("key set is malformed")]
    KeySet(#[source] KeySetError),
    /// No key in it can verify a signature; good keys already held are kept.
    #[error("key set has no usable key")]
    NoUsableKey,
}

/// Why settings for the authorization request are refused; these come from configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A scope is empty or has characters no scope has (RFC 6749 §3.3).
    #[error("scope {0:?} is not a scope")]
    Scope(String),
    /// An extra parameter has the name of one the protocol sets.
    #[error("authorize parameter {0:?} is set by the protocol and cannot be configured")]
    Reserved(String),
    /// An extra parameter is given twice.
    #[error("authorize parameter {0:?} is given twice")]
    Repeated(String),
    /// An extra parameter's name is empty, or its value too long, not a number where one is due, or has control characters.
    #[error("authorize parameter {0:?} is malformed")]
    Malformed(String),
}

/// Why an authorization request is not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BeginError {
    /// The settings are wrong.
    #[error("authorization settings are wrong")]
    Settings(#[from] SettingsError),
    /// A parameter of the login request is too long, has control characters, or a value that is not defined.
    #[error("login parameter \"{0}\" is malformed")]
    LoginParameter(&'static str),
    /// A parameter of the login request is given twice.
    #[error("login parameter is repeated")]
    Repeated(#[from] RepeatedParameter),
    /// No randomness.
    #[error("no randomness for state, nonce and code verifier")]
    Random(#[source] RandomUnavailable),
}
