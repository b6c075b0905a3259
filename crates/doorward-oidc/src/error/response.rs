//! The authorization response and the token endpoint's answer.

use std::time::Duration;

use doorward_crypto::{JsonError, RandomUnavailable, SigningError};
use thiserror::Error;

use crate::fields::WrongType;
use crate::params::RepeatedParameter;

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

/// Why a request to the token, revocation or introspection endpoint is not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The login began at another provider than the one the code would be sent to.
    #[error("login began at another provider")]
    ProviderMismatch,
    /// The login began with another client than the one now configured.
    #[error("login began with another client")]
    ClientMismatch,
    /// The request needs a client that authenticates, and this one does not.
    #[error("client does not authenticate, expected a client with a secret or a key")]
    PublicClient,
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
    /// `token_type` is not `Bearer`; nor, for a token exchanged for one that is no access token, `N_A`.
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
