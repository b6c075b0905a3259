//! Cross-site request forgery: the origin rule, then the token.
//!
//! Rules in the order applied, for a request with a session cookie:
//! 1. safe methods pass, except a WebSocket handshake, whose `Origin` must be ours or an application's frontend's;
//! 2. `Sec-Fetch-Site` `same-origin` or `none` passes, any other value only with the `Origin` of a frontend;
//! 3. without `Sec-Fetch-Site` the `Origin` must be ours or a frontend's;
//! 4. without both, the token decides; where the route takes no token, the request is refused;
//! 5. the token header must be there exactly once and hold the HMAC over the session ID.
//!
//! A header that is given twice refuses the request: which of two a program reads is not for us to guess.

mod origin;
#[cfg(test)]
mod tests;
mod token;

use http::HeaderName;

pub use self::{
    origin::{OriginPassed, check_origin, get_logout_allowed, logout_origin_passes},
    token::{CsrfCookies, CsrfTokens},
};
use crate::{code::Code, request::RequestView, session::SessionId};

/// How a route defends itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CsrfMode {
    /// Origin rule and token header.
    #[default]
    Token,
    /// The origin rule alone, for plain HTML forms, which cannot send a header; without `Sec-Fetch-Site` and `Origin`
    /// the request is refused.
    Origin,
}

/// Why a request was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CsrfRefused {
    /// It comes from another origin, or does not say where from.
    #[error("request comes from another origin")]
    CrossOrigin,
    /// The token header is missing or empty.
    #[error("CSRF token is missing")]
    TokenMissing,
    /// The token is not this session's.
    #[error("CSRF token does not match the session")]
    TokenMismatch,
}

impl CsrfRefused {
    /// Returns what the caller is told.
    pub const fn code(self) -> Code {
        match self {
            CsrfRefused::CrossOrigin => Code::CrossOrigin,
            CsrfRefused::TokenMissing => Code::CsrfMissing,
            CsrfRefused::TokenMismatch => Code::CsrfMismatch,
        }
    }
}

/// A request that passed both rules; only [`check`] makes one.
#[derive(Debug)]
pub struct CsrfPassed(());

/// Judges the token of a request that passed the origin rule.
///
/// # Errors
/// [`CsrfRefused::TokenMissing`], [`CsrfRefused::TokenMismatch`].
///
/// # Security
/// The header is compared, never the cookie: a browser sends the cookie by itself, the header only if the page could
/// read the cookie.
pub fn check(
    passed: OriginPassed,
    view: RequestView<'_>,
    tokens: &CsrfTokens,
    id: &SessionId,
    header_name: &HeaderName,
    mode: CsrfMode,
) -> Result<CsrfPassed, CsrfRefused> {
    // Consumed, so that the token alone never passes.
    let OriginPassed { .. } = passed;
    if view.is_safe_method() || mode == CsrfMode::Origin {
        return Ok(CsrfPassed(()));
    }
    match view.header_once(header_name) {
        Ok(None | Some("")) => Err(CsrfRefused::TokenMissing),
        Ok(Some(value)) if tokens.verify(id, value) => Ok(CsrfPassed(())),
        Ok(Some(_)) | Err(_) => Err(CsrfRefused::TokenMismatch),
    }
}
