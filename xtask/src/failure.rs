//! The one error of the house commands: a text for the person at the terminal.

use std::fmt::Display;

/// What went wrong and, where there is one, the way out; printed as it stands.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }

    /// Says what was being done when `cause` came up.
    pub(crate) fn during(what: &str, cause: impl Display) -> Self {
        Self::new(format!("{what}: {cause}"))
    }
}
