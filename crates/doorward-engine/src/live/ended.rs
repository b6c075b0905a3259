//! Why a live connection is over.

use std::fmt;

use doorward_core::code::Code;

/// Why a session, or what else let a live connection in, is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The session was ended: a logout here or elsewhere, or a newer session took its place.
    Revoked,
    /// The session reached its idle end, its absolute end or the end of its access token.
    Expired,
    /// The provider took the session's refresh token back.
    RefreshFailed,
    /// The session cannot be read any more.
    Invalid,
    /// The session goes on, but the rule of the route no longer admits it: a role was lost, the tenant is gone.
    NotAllowed(Code),
    /// The access token that let the connection in has expired.
    TokenExpired,
    /// The server stops; see [`Engine::end_live`](crate::Engine::end_live).
    Stopping,
}

impl Ended {
    /// What a session that is refused with this code is.
    pub(crate) fn of(code: Code) -> Self {
        match code {
            Code::SessionExpired => Self::Expired,
            Code::SessionInvalid => Self::Invalid,
            Code::TokenRefreshFailed => Self::RefreshFailed,
            _ => Self::Revoked,
        }
    }

    /// The code that the next request is refused with; `None` where none would be.
    #[must_use]
    pub const fn code(self) -> Option<Code> {
        Some(match self {
            Self::Revoked => Code::SessionRevoked,
            Self::Expired => Code::SessionExpired,
            Self::RefreshFailed => Code::TokenRefreshFailed,
            Self::Invalid => Code::SessionInvalid,
            Self::NotAllowed(code) => code,
            Self::TokenExpired => Code::TokenExpired,
            Self::Stopping => return None,
        })
    }

    /// The status that a WebSocket is closed with: 4401 for an end, 4403 where it is no longer allowed, 1001 where the
    /// server stops (RFC 6455 §7.4.1).
    #[must_use]
    pub const fn close_code(self) -> u16 {
        match self {
            Self::NotAllowed(_) => 4403,
            Self::Stopping => 1001,
            _ => 4401,
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Revoked => "session was ended",
            Self::Expired => "session has expired",
            Self::RefreshFailed => "session could not be renewed",
            Self::Invalid => "session cannot be read",
            Self::NotAllowed(_) => "no longer allowed",
            Self::TokenExpired => "access token has expired",
            Self::Stopping => "server stops",
        })
    }
}
