//! The CSRF token: an HMAC over the session ID.

use base64_simd::{Out, URL_SAFE_NO_PAD};
use doorward_crypto::{KeyRing, MacRing, base64url_encode, constant_time_eq};
use http::HeaderMap;

use crate::{
    cookie::{CookieName, MAX_VALUES, is_cookie_value, raw_values},
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
        let mut cookies = CsrfCookies::default();
        raw_values(headers, name).for_each(|value| cookies.add(value));
        // Security: in constant time, for nobody has yet proven to be in the session that the token is of.
        cookies.hold_by(token, constant_time_eq)
    }
}

/// The values of a request's CSRF cookies, at most eight of them.
#[derive(Default)]
pub struct CsrfCookies<'h> {
    first: Option<&'h [u8]>,
    /// Apart from the first, because there is one and an empty list allocates nothing.
    others: Vec<&'h [u8]>,
}

impl<'h> CsrfCookies<'h> {
    pub(crate) fn add(&mut self, value: &'h [u8]) {
        if self.first.is_none() {
            self.first = Some(value);
        } else if self.others.len() < MAX_VALUES - 1 {
            self.others.push(value);
        }
    }

    /// Tells whether they hold this token and no other; see [`CsrfTokens::cookie_matches`].
    ///
    /// For the token of a session that the caller has proven to be in: the time it takes says something of the
    /// token, which the answer is about to give anyway.
    pub fn hold(&self, token: &[u8; 32]) -> bool {
        self.hold_by(token, |value, expected| value == expected)
    }

    fn hold_by(&self, token: &[u8; 32], equal: impl Fn(&[u8], &[u8]) -> bool) -> bool {
        let mut buffer = [0; ENCODED];
        let expected = URL_SAFE_NO_PAD.encode(token, Out::from_slice(&mut buffer));
        let mut found = false;
        for value in self.first.iter().chain(&self.others) {
            if equal(value, expected) {
                found = true;
            } else if is_cookie_value(value) {
                return false;
            }
        }
        found
    }
}

impl core::fmt::Debug for CsrfCookies<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("CsrfCookies")
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
