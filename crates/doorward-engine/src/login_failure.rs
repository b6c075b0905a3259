//! Why a login led to nothing, for the operator and for the page.

use doorward_core::code::Code;
use http::StatusCode;

use crate::provider::ProviderUnavailable;

/// A login that led to nothing.
#[derive(Debug)]
pub(crate) struct LoginFailure {
    pub(crate) code: Code,
    /// For the operator; holds no secret.
    pub(crate) reason: String,
    /// Whether a user had signed in at the provider by then: what strangers cannot cause without end.
    pub(crate) is_of_a_user: bool,
}

impl LoginFailure {
    pub(crate) fn new(code: Code, reason: impl std::fmt::Display) -> Self {
        Self {
            code,
            reason: reason.to_string(),
            is_of_a_user: false,
        }
    }

    /// The failure of a verified user's login.
    pub(crate) fn of_a_user(self) -> Self {
        Self {
            is_of_a_user: true,
            ..self
        }
    }

    /// The status of the page that says so: a demand that a login did not meet is no invitation to another one.
    pub(crate) fn status(&self) -> StatusCode {
        match self.code {
            Code::StepUpRequired => StatusCode::FORBIDDEN,
            code => code.status(),
        }
    }
}

impl From<ProviderUnavailable> for LoginFailure {
    fn from(_: ProviderUnavailable) -> Self {
        Self::new(
            Code::ProviderUnavailable,
            "provider is out of reach, or says what cannot be used; the log told which when it was asked last",
        )
    }
}

/// An error and its cause in one line, for the log.
pub(crate) fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
