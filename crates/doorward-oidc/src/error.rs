//! What a provider or a browser can do wrong, one variant each.
//!
//! No variant holds a secret, a token or free text of the other side, except an issuer, which is public, and codes from a
//! closed list.

use std::time::Duration;

use doorward_crypto::{JsonError, JwsError, KeySetError, RandomUnavailable, SigningError};
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

/// Why an authorization response is refused; in the order in which [`check`](crate::callback::check) looks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CallbackError {
    /// `state`, `code`, `iss` or `error` is given twice.
    #[error("callback parameter is repeated")]
    Repeated(#[from] RepeatedParameter),
    /// Delivered by another method than the response mode asked for.
    #[error("callback came by another method than the response mode asked for")]
    WrongMethod,
    /// `state` is absent or another.
    #[error("callback state does not match the login ticket")]
    StateMismatch,
    /// `iss` names another provider, or is absent although the provider promised it.
    #[error("callback iss does not name the provider that was asked")]
    IssuerMismatch,
    /// The provider answered with an error.
    #[error("provider refused the authorization request: {}", error.as_str())]
    ProviderRefused {
        /// The error code, one of a closed list.
        error: ProviderErrorCode,
        /// True if `prompt=none` was asked and the provider needs the user's interaction: not a failure of anybody.
        silent: bool,
    },
    /// No `code`, or an empty one.
    #[error("callback has no code")]
    CodeMissing,
    /// The code has more than 4 KB or characters no code has.
    #[error("callback code is malformed")]
    CodeMalformed,
}

/// Error codes of an authorization response (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant is the code of the same name")]
pub enum ProviderErrorCode {
    InvalidRequest,
    UnauthorizedClient,
    AccessDenied,
    UnsupportedResponseType,
    InvalidScope,
    ServerError,
    TemporarilyUnavailable,
    InteractionRequired,
    LoginRequired,
    AccountSelectionRequired,
    ConsentRequired,
    InvalidRequestUri,
    InvalidRequestObject,
    RequestNotSupported,
    RequestUriNotSupported,
    RegistrationNotSupported,
    UnmetAuthenticationRequirements,
    /// Any other text; it is not kept.
    Other,
}

impl ProviderErrorCode {
    const KNOWN: &[Self] = &[
        Self::InvalidRequest,
        Self::UnauthorizedClient,
        Self::AccessDenied,
        Self::UnsupportedResponseType,
        Self::InvalidScope,
        Self::ServerError,
        Self::TemporarilyUnavailable,
        Self::InteractionRequired,
        Self::LoginRequired,
        Self::AccountSelectionRequired,
        Self::ConsentRequired,
        Self::InvalidRequestUri,
        Self::InvalidRequestObject,
        Self::RequestNotSupported,
        Self::RequestUriNotSupported,
        Self::RegistrationNotSupported,
        Self::UnmetAuthenticationRequirements,
    ];

    pub(crate) fn parse(text: &str) -> Self {
        Self::KNOWN
            .iter()
            .copied()
            .find(|code| code.as_str() == text)
            .unwrap_or(Self::Other)
    }

    /// Returns the code as the provider spells it; `other` for a code not on the list.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InteractionRequired => "interaction_required",
            Self::LoginRequired => "login_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::ConsentRequired => "consent_required",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::Other => "other",
        }
    }

    /// Tells whether the provider only says that it cannot go on without the user, the regular answer to `prompt=none`.
    #[must_use]
    pub fn needs_interaction(self) -> bool {
        matches!(
            self,
            Self::LoginRequired | Self::InteractionRequired | Self::AccountSelectionRequired | Self::ConsentRequired
        )
    }
}

/// Why a request to the token or revocation endpoint is not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The login began at another provider than the one the code would be sent to.
    #[error("login began at another provider")]
    ProviderMismatch,
    /// The login began with another client than the one now configured.
    #[error("login began with another client")]
    ClientMismatch,
    /// No randomness for the client assertion.
    #[error("no randomness for the client assertion")]
    Random(#[source] RandomUnavailable),
    /// The client assertion cannot be signed.
    #[error("client assertion cannot be signed")]
    Signing(#[source] SigningError),
}

/// What a token endpoint's answer comes to, when it is not tokens.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// `invalid_grant`: the code or refresh token is dead.
    #[error("token endpoint refused the grant")]
    InvalidGrant,
    /// 5xx, 408, 425, 429, or an error code of passing nature: the same request may succeed later.
    #[error("token endpoint is out of order for now")]
    Passing {
        /// How long the provider asks to wait, at most an hour.
        retry_after: Option<Duration>,
    },
    /// Another error: our configuration and the provider's do not fit together.
    #[error("token endpoint refused the request: {code}")]
    Refused {
        /// The error code, one of a closed list, else `other`.
        code: &'static str,
    },
    /// The answer breaks the protocol.
    #[error("token endpoint's answer is refused")]
    Invalid(#[source] TokenFault),
}

/// Which rule a token endpoint's answer breaks.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokenFault {
    /// A redirect; it is not followed.
    #[error("answer is a redirect")]
    Redirect,
    /// A status that is neither 200 nor an error.
    #[error("answer has status {0}, expected 200")]
    Status(u16),
    /// The content type is not `application/json`.
    #[error("answer is not application/json")]
    ContentType,
    /// Not a JSON object under the strict rules, or too large.
    #[error("answer is not a strict JSON object")]
    Json(#[source] JsonError),
    /// Status 200 with an `error`.
    #[error("answer has status 200 and an error")]
    ErrorInSuccess,
    /// A required member is absent.
    #[error("answer has no \"{0}\"")]
    Missing(&'static str),
    /// A member has another JSON type than defined.
    #[error("answer's \"{0}\" has the wrong type")]
    WrongType(&'static str),
    /// `token_type` is not `Bearer`.
    #[error("token type is not Bearer")]
    TokenType,
    /// `expires_in` is negative, not finite or beyond ten years.
    #[error("expires_in is out of range")]
    ExpiresIn,
    /// A member is longer than its cap.
    #[error("answer's \"{0}\" is too long")]
    TooLong(&'static str),
    /// A member is empty, or has spaces, control characters or characters outside ASCII.
    #[error("answer's \"{0}\" is empty or has characters it cannot have")]
    Characters(&'static str),
}

impl From<WrongType> for TokenFault {
    fn from(WrongType(name): WrongType) -> Self {
        Self::WrongType(name)
    }
}

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
