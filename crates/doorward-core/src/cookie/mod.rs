//! Cookies: finding ours among the others, writing them, naming them.
//!
//! # Security
//! A `Cookie` header is written by anyone: other applications on the host, sibling subdomains, the network where http
//! is spoken. It says neither who set a cookie nor with which attributes. Whatever is malformed, foreign or oversized
//! counts as absent; nothing here fails.

mod attributes;
mod name;
mod ours;
mod scan;
mod settings;
#[cfg(test)]
mod tests;

pub use self::{
    attributes::{CookieAttributes, CookieDomain, SameSite, SetCookie, SetCookieError},
    name::{CookieName, CookieNameError},
    scan::{CookieValues, cookie_values},
    settings::{CookieNames, CookieOptions, CookieSettings, CookieSettingsError},
};
pub(crate) use self::{
    ours::OurCookies,
    scan::{MAX_VALUES, cookies_with_prefix, is_cookie_value, raw_values},
};

/// What browsers keep at most of one cookie: its name and value together (RFC 6265bis, section 5.6).
pub const MAX_COOKIE_BYTES: usize = 4_096;

/// Tells whether a byte may stand in a cookie's value (RFC 6265, section 4.1.1, `cookie-octet`).
const fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}
