//! The CSRF token: an HMAC over the session ID.

use base64_simd::{Out, URL_SAFE_NO_PAD};
use doorward_crypto::{KeyRing, MacRing, base64url_encode, constant_time_eq};
use http::HeaderMap;

use crate::{
    cookie::{CookieName, is_cookie_value, raw_values},
    session::SessionId,
};

const PURPOSE: &str = "csrf";
const ENCODED: usize = 43;

/// Issues and verifies CSRF tokens.
///
/// Bound to the session: a token of another session, or of the same user's previous one, does not pass.
#[derive(Clone)]
pub struct CsrfTokens {
    mac: MacRing,
}

impl CsrfTokens {
    /// Derives the keys.
    pub fn new(keys: &KeyRing) -> CsrfTokens {
        CsrfTokens { mac: keys.mac(PURPOSE) }
    }

    /// Computes the token of a session.
    pub fn issue(&self, id: &SessionId) -> [u8; 32] {
        self.mac.sign(id.as_bytes())
    }

    /// Writes a token as 43 characters of base64url.
    pub fn encode(token: &[u8; 32]) -> String {
        base64url_encode(token)
    }

    /// Tells whether a header holds the session's token, made with any key of the ring; in constant time.
    pub fn verify(&self, id: &SessionId, header_value: &str) -> bool {
        decode(header_value.as_bytes()).is_some_and(|token| self.mac.verify(id.as_bytes(), &token))
    }

    /// Tells whether the browser holds the session's CSRF cookie and no other; if not, it is to be set again.
    ///
    /// Not a check of the request: nothing is refused for it.
    pub fn cookie_matches(headers: &HeaderMap, name: &CookieName, token: &[u8; 32]) -> bool {
        let mut buffer = [0; ENCODED];
        let expected = URL_SAFE_NO_PAD.encode(token, Out::from_slice(&mut buffer));
        let mut found = false;
        for value in raw_values(headers, name) {
            if constant_time_eq(value, expected) {
                found = true;
            } else if is_cookie_value(value) {
                return false;
            }
        }
        found
    }
}

impl core::fmt::Debug for CsrfTokens {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("CsrfTokens")
    }
}

fn decode(text: &[u8]) -> Option<[u8; 32]> {
    if text.len() != ENCODED {
        return None;
    }
    doorward_crypto::base64url_decode(text).ok()?.try_into().ok()
}
