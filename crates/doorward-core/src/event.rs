//! What happened, as values for operators: ids and reasons, never a secret.

use core::time::Duration;

use crate::{code::Code, tenant::TenantId};

/// Something an operator may want in an audit log.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A browser was sent to the provider.
    LoginStarted {
        /// The provider's name in the configuration.
        provider: String,
        /// The tenant the login is for, where one was named.
        tenant: Option<TenantId>,
    },
    /// A login led to a session.
    LoginCompleted {
        /// The provider's name in the configuration.
        provider: String,
        /// The tenant of the session.
        tenant: String,
        /// The user's `sub`.
        subject: String,
    },
    /// A login led to nothing.
    LoginFailed {
        /// What the browser was told.
        code: Code,
        /// What went wrong, for the operator.
        reason: String,
    },
    /// A session was ended by its user.
    LoggedOut {
        /// The user's `sub`.
        subject: String,
        /// The tenant of the session.
        tenant: String,
    },
    /// The tokens of a session were renewed.
    Refreshed {
        /// The user's `sub`.
        subject: String,
        /// The tenant of the session.
        tenant: String,
    },
    /// The tokens of a session were not renewed.
    RefreshFailed {
        /// Whether trying again may help; the session lives on while its access token does.
        passing: bool,
        /// How long the provider asked to be left alone.
        retry_after: Option<Duration>,
        /// What went wrong, for the operator.
        reason: String,
    },
    /// A request was refused.
    SessionRefused {
        /// What the caller was told.
        code: Code,
    },
}

impl Event {
    /// Returns a stable name for logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Event::LoginStarted { .. } => "login_started",
            Event::LoginCompleted { .. } => "login_completed",
            Event::LoginFailed { .. } => "login_failed",
            Event::LoggedOut { .. } => "logged_out",
            Event::Refreshed { .. } => "refreshed",
            Event::RefreshFailed { .. } => "refresh_failed",
            Event::SessionRefused { .. } => "session_refused",
        }
    }
}
