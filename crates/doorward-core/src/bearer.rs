//! The bearer token of a request (RFC 6750 §2.1): out of the `Authorization` header, and out of nothing else.
//!
//! The rules, in the order applied: at most one `Authorization` header; the scheme `Bearer`, in any letter case, another one
//! is none of our business; spaces; then letters, digits, `-._~+/` and closing `=` to the end of the line, at most 8 KB.
//!
//! A token in a query or a body is never looked at: it would stand in logs, histories and `Referer` headers (§5.3).

#[cfg(test)]
mod tests;

use doorward_crypto::SecretString;
use http::{HeaderMap, header::AUTHORIZATION};

use crate::code::Code;

pub use doorward_oidc::access_token::MAX_ACCESS_TOKEN_BYTES;

/// A bearer token as a request brought it; nothing in it is believed yet.
#[derive(Clone)]
pub struct BearerToken(SecretString);

/// Why a request's `Authorization` header is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BearerHeaderError {
    /// There are several; which of them counts is not ours to guess.
    #[error("request has several authorization headers, expected one")]
    Repeated,
    /// The scheme is `Bearer` and what follows is no token.
    #[error("bearer token is empty or has characters that a token cannot have")]
    Malformed,
    /// The token has more than 8 KB.
    #[error("bearer token is larger than 8 KB")]
    TooLong,
    /// The scheme is `DPoP`, whose proofs nobody here checks (RFC 9449 §7.1).
    #[error("authorization scheme is DPoP, expected Bearer")]
    Dpop,
}

impl BearerHeaderError {
    /// Returns what the caller is told.
    pub const fn code(self) -> Code {
        match self {
            BearerHeaderError::Repeated => Code::RequestMalformed,
            BearerHeaderError::Malformed | BearerHeaderError::TooLong | BearerHeaderError::Dpop => Code::TokenInvalid,
        }
    }
}

impl BearerToken {
    /// Reads the token of a request; `None` where there is no `Authorization` header, or one of another scheme.
    ///
    /// # Errors
    /// [`BearerHeaderError`], each variant as it says. A request with a broken token has not just no token: what else it
    /// brings, such as a cookie, must not decide in its place.
    ///
    /// # Security
    /// Every byte comes from the caller.
    pub fn from_headers(headers: &HeaderMap) -> Result<Option<BearerToken>, BearerHeaderError> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(BearerHeaderError::Repeated);
        }
        let value = value.as_bytes();
        let is_space = |byte: &u8| *byte == b' ' || *byte == b'\t';
        let scheme_ends = value.iter().position(is_space).unwrap_or(value.len());
        let (scheme, rest) = value.split_at(scheme_ends);
        if scheme.eq_ignore_ascii_case(b"DPoP") {
            return Err(BearerHeaderError::Dpop);
        }
        if !scheme.eq_ignore_ascii_case(b"Bearer") {
            return Ok(None);
        }
        let token_begins = rest.iter().position(|byte| *byte != b' ').unwrap_or(rest.len());
        let (_, token) = rest.split_at(token_begins);
        if token.len() > MAX_ACCESS_TOKEN_BYTES {
            return Err(BearerHeaderError::TooLong);
        }
        match core::str::from_utf8(token) {
            Ok(text) if is_b64token(text) => Ok(Some(BearerToken(SecretString::new(text)))),
            _ => Err(BearerHeaderError::Malformed),
        }
    }

    /// Returns the token.
    ///
    /// # Security
    /// The caller owes that it reaches no log, error or URL.
    pub fn secret(&self) -> &SecretString {
        &self.0
    }
}

impl core::fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("BearerToken(redacted)")
    }
}

/// RFC 6750 §2.1.
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(is_letter)
}
