//! Finding cookies in `Cookie` headers without splitting them.
//!
//! Browsers send one header, HTTP/2 may deliver it in pieces: every header is searched by itself. At most 64 KB are
//! searched and at most eight values of one name returned, so that a hostile header costs no more than its bytes.

use http::{HeaderMap, HeaderValue, header::COOKIE};
use memchr::{memchr, memmem::Finder};

use super::{CookieName, is_cookie_octet, name::is_token_byte};

pub(super) const MAX_SCANNED: usize = 64 * 1_024;
pub(crate) const MAX_VALUES: usize = 8;
const MAX_PREFIXED: usize = 64;

/// The values of one cookie name; see [`cookie_values`].
#[derive(Debug)]
pub struct CookieValues<'h, 'n> {
    raw: RawValues<'h, 'n>,
}

/// Iterates over the values that the request's `Cookie` headers give for a name.
///
/// Values with bytes that no cookie may hold are skipped. Nothing is allocated.
///
/// # Security
/// Several values of one name mean that someone planted one (a sibling subdomain, a narrower path): the caller must not
/// simply take the first.
pub fn cookie_values<'h, 'n>(headers: &'h HeaderMap, name: &'n CookieName) -> CookieValues<'h, 'n> {
    CookieValues {
        raw: raw_values(headers, name),
    }
}

impl<'h> Iterator for CookieValues<'h, '_> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        self.raw.find(|value| is_cookie_value(value))
    }
}

/// Tells whether every byte may stand in a cookie's value.
pub(crate) fn is_cookie_value(value: &[u8]) -> bool {
    // Folding instead of searching for the first bad byte lets the compiler use vector instructions.
    value.iter().fold(true, |fits, byte| fits & is_cookie_octet(*byte))
}

/// The values of a name, whatever bytes they hold, for callers whose own decoding is strict.
pub(crate) fn raw_values<'h, 'n>(headers: &'h HeaderMap, name: &'n CookieName) -> RawValues<'h, 'n> {
    RawValues {
        pairs: Matches::new(headers, name.finder()),
        left: MAX_VALUES,
    }
}

#[derive(Debug)]
pub(crate) struct RawValues<'h, 'n> {
    pairs: Matches<'h, 'n>,
    left: usize,
}

impl<'h> Iterator for RawValues<'h, '_> {
    type Item = &'h [u8];

    #[inline]
    fn next(&mut self) -> Option<&'h [u8]> {
        self.left = self.left.checked_sub(1)?;
        self.pairs.next().map(until_semicolon)
    }
}

/// A cookie whose name begins with a prefix.
#[derive(Debug)]
pub(crate) struct PrefixedCookie<'h> {
    pub(crate) suffix: &'h str,
    pub(crate) value: &'h [u8],
}

/// Iterates over the cookies whose name is `prefix` and something more.
pub(crate) fn cookies_with_prefix<'h>(
    headers: &'h HeaderMap,
    prefix: &Finder<'_>,
) -> impl Iterator<Item = PrefixedCookie<'h>> {
    Matches::new(headers, prefix).take(MAX_PREFIXED).filter_map(|rest| {
        let pair = until_semicolon(rest);
        let (suffix, value) = pair.split_at_checked(memchr(b'=', pair)?)?;
        let fits = !suffix.is_empty() && suffix.len() <= 64 && suffix.iter().all(|byte| is_token_byte(*byte));
        let suffix = fits.then(|| core::str::from_utf8(suffix).ok()).flatten()?;
        Some(PrefixedCookie {
            suffix,
            value: value.get(1..)?,
        })
    })
}

/// Yields what follows each occurrence of a needle at the beginning of a pair.
#[derive(Debug)]
struct Matches<'h, 'n> {
    headers: http::header::ValueIter<'h, HeaderValue>,
    finder: &'n Finder<'n>,
    header: &'h [u8],
    at: usize,
    left: usize,
}

impl<'h, 'n> Matches<'h, 'n> {
    #[inline]
    fn new(headers: &'h HeaderMap, finder: &'n Finder<'_>) -> Matches<'h, 'n> {
        Matches {
            headers: headers.get_all(COOKIE).into_iter(),
            finder,
            header: &[],
            at: 0,
            left: MAX_SCANNED,
        }
    }
}

impl<'h> Iterator for Matches<'h, '_> {
    type Item = &'h [u8];

    #[inline]
    fn next(&mut self) -> Option<&'h [u8]> {
        loop {
            while let Some(found) = self.header.get(self.at..).and_then(|rest| self.finder.find(rest)) {
                let start = self.at + found;
                let end = start + self.finder.needle().len();
                self.at = end;
                if begins_pair(self.header, start) {
                    return self.header.get(end..);
                }
            }
            self.header = self.headers.next()?.as_bytes();
            self.at = 0;
            self.left = self.left.checked_sub(self.header.len())?;
        }
    }
}

/// Tells whether a pair begins here: at the start of the header or after a semicolon, white space aside.
#[inline]
pub(super) fn begins_pair(header: &[u8], at: usize) -> bool {
    header
        .get(..at)
        .and_then(|before| before.iter().rev().find(|byte| !matches!(byte, b' ' | b'\t')))
        .is_none_or(|byte| *byte == b';')
}

#[inline]
pub(super) fn until_semicolon(rest: &[u8]) -> &[u8] {
    let value = memchr(b';', rest).map_or(rest, |end| rest.get(..end).unwrap_or_default());
    value.trim_ascii()
}
