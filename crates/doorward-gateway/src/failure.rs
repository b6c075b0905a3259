//! Why a command ended, and with which exit code.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What the user gave cannot be used; nothing has been served. Exit code 2.
    Unusable {
        /// What was expected and what was met.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// A configuration cannot be used. Exit code 2.
    Faults {
        /// Each of the reasons.
        faults: Vec<String>,
        /// What would be told of it if it could be used.
        warnings: Vec<String>,
    },
    /// Something broke on the way. Exit code 1.
    Broken(String),
}

impl Failure {
    pub(crate) fn unusable(message: impl Into<String>) -> Self {
        Self::Unusable {
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        match self {
            Self::Unusable { message, .. } => Self::Unusable {
                message,
                hint: Some(hint.into()),
            },
            other => other,
        }
    }

    /// Writes the failure to stderr and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        let (text, code) = match self {
            Self::Unusable { message, hint: None } => (format!("error: {message}\n"), 2),
            Self::Unusable {
                message,
                hint: Some(hint),
            } => (format!("error: {message}\nhint: {hint}\n"), 2),
            Self::Faults { faults, warnings } => {
                let faults = faults.iter().map(|fault| format!("error: {fault}\n"));
                let warnings = warnings.iter().map(|warning| format!("warning: {warning}\n"));
                (faults.chain(warnings).collect(), 2)
            }
            Self::Broken(message) => (format!("error: {message}\n"), 1),
        };
        // Nobody is left to tell if stderr is gone.
        let _ = std::io::stderr().write_all(text.as_bytes());
        ExitCode::from(code)
    }
}

/// An error and its causes in one line, as our errors leave the cause to `source`.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        // Some libraries say the cause in their own text as well.
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}
