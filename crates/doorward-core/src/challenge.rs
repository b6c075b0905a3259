//! What `WWW-Authenticate` says on a refusal (RFC 9110 §11.6.1).
//!
//! One challenge is one header value: `Session`, ours, where a session would do, and `Bearer` where a token would, with the
//! parameters of RFC 6750 §3, RFC 9470 §3 and RFC 9728 §5.1. Never `Basic`, which makes browsers ask for a password.

#[cfg(test)]
mod tests;

use http::HeaderValue;

use crate::code::Code;

/// The only realm there is.
pub const REALM: &str = "doorward";

/// One challenge.
///
/// # Example
/// ```
/// use doorward_core::{challenge::Challenge, code::Code};
///
/// let challenge = Challenge::bearer().for_code(Code::TokenExpired);
/// assert_eq!(
///     challenge.header_value(),
///     "Bearer realm=\"doorward\", error=\"invalid_token\", error_description=\"The access token has expired\""
/// );
/// assert_eq!(Challenge::bearer().for_code(Code::TokenMissing).header_value(), "Bearer realm=\"doorward\"");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    scheme: &'static str,
    error: Option<ChallengeError>,
    description: Option<&'static str>,
    scope: Option<String>,
    max_age: Option<u64>,
    acr_values: Option<String>,
    resource_metadata: Option<String>,
}

/// The error of a challenge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChallengeError {
    /// The request makes no sense (RFC 6750 §3.1, 400).
    InvalidRequest,
    /// The token is not acceptable (RFC 6750 §3.1, 401).
    InvalidToken,
    /// The token lacks scopes (RFC 6750 §3.1, 403).
    InsufficientScope,
    /// The sign-in is not fresh or strong enough (RFC 9470 §3, 401).
    InsufficientUserAuthentication,
}

impl ChallengeError {
    /// Returns the error as the RFCs spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ChallengeError::InvalidRequest => "invalid_request",
            ChallengeError::InvalidToken => "invalid_token",
            ChallengeError::InsufficientScope => "insufficient_scope",
            ChallengeError::InsufficientUserAuthentication => "insufficient_user_authentication",
        }
    }

    /// Returns the error of a refusal; `None` where no credentials came (RFC 6750 §3.1), or where they are not at fault.
    pub const fn of(code: Code) -> Option<ChallengeError> {
        match code {
            Code::RequestMalformed => Some(ChallengeError::InvalidRequest),
            Code::TokenInvalid | Code::TokenExpired => Some(ChallengeError::InvalidToken),
            Code::InsufficientScope => Some(ChallengeError::InsufficientScope),
            Code::StepUpRequired => Some(ChallengeError::InsufficientUserAuthentication),
            _ => None,
        }
    }
}

impl Challenge {
    /// Says that a session would do.
    pub const fn session() -> Challenge {
        Challenge::new("Session")
    }

    /// Says that a bearer token would do.
    pub const fn bearer() -> Challenge {
        Challenge::new("Bearer")
    }

    const fn new(scheme: &'static str) -> Challenge {
        Challenge {
            scheme,
            error: None,
            description: None,
            scope: None,
            max_age: None,
            acr_values: None,
            resource_metadata: None,
        }
    }

    /// Says why the request was refused, in the words of RFC 6750 and RFC 9470, where they have any for this code.
    #[must_use]
    pub const fn for_code(mut self, code: Code) -> Challenge {
        self.error = ChallengeError::of(code);
        self.description = match self.error {
            Some(_) => Some(code.title()),
            None => None,
        };
        self
    }

    /// Names the scopes that are needed.
    #[must_use]
    pub fn with_scopes(mut self, scopes: &[String]) -> Challenge {
        self.scope = (!scopes.is_empty()).then(|| scopes.join(" "));
        self
    }

    /// Says how fresh and how strong the sign-in has to be (RFC 9470 §3).
    #[must_use]
    pub fn with_step_up(mut self, max_age: Option<u64>, acr_values: &[String]) -> Challenge {
        self.max_age = max_age;
        self.acr_values = (!acr_values.is_empty()).then(|| acr_values.join(" "));
        self
    }

    /// Names the address of the protected resource's metadata (RFC 9728 §5.1).
    #[must_use]
    pub fn with_resource_metadata(mut self, url: impl Into<String>) -> Challenge {
        self.resource_metadata = Some(url.into());
        self
    }

    /// Writes the challenge as a header value.
    ///
    /// # Security
    /// Every value is a quoted string: `"` and `\` are escaped, and whatever is not printable ASCII is left out, so that no
    /// value ends its string, and none the header.
    pub fn header_value(&self) -> HeaderValue {
        let mut text = format!("{} realm=\"{REALM}\"", self.scheme);
        let max_age = self.max_age.map(|seconds| seconds.to_string());
        for (name, value) in [
            ("error", self.error.map(ChallengeError::as_str)),
            ("error_description", self.description),
            ("scope", self.scope.as_deref()),
            ("max_age", max_age.as_deref()),
            ("acr_values", self.acr_values.as_deref()),
            ("resource_metadata", self.resource_metadata.as_deref()),
        ] {
            if let Some(value) = value {
                push_parameter(&mut text, name, value);
            }
        }
        // Printable ASCII by construction; the fallback says less and is no less true.
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}

fn push_parameter(text: &mut String, name: &str, value: &str) {
    text.push_str(", ");
    text.push_str(name);
    text.push_str("=\"");
    for letter in value.chars().filter(|letter| matches!(letter, ' '..='~')) {
        if matches!(letter, '"' | '\\') {
            text.push('\\');
        }
        text.push(letter);
    }
    text.push('"');
}
