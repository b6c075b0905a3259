//! Finding the session cookie and the CSRF cookie in one pass.
//!
//! Most of a signed-in user's header is what we sealed into it. These values are stepped over at the speed of memory
//! and only what stands between them is searched, so that looking for a second name costs little more.

use http::{HeaderMap, header::COOKIE};
use memchr::{memchr, memmem::Finder};

use super::{
    CookieNames,
    scan::{MAX_SCANNED, begins_pair, until_semicolon},
};

/// Finds our cookies of one configuration.
#[derive(Clone, Debug)]
pub(crate) struct OurCookies {
    /// The session cookie's name, which the names of the token part's cookies begin with.
    session: Finder<'static>,
    /// The CSRF cookie's name and the equals sign.
    csrf: Finder<'static>,
}

impl OurCookies {
    pub(crate) fn new(names: &CookieNames) -> OurCookies {
        OurCookies {
            session: Finder::new(names.session().as_str()).into_owned(),
            csrf: names.csrf().finder().clone(),
        }
    }

    /// Gives each value of the session cookie and of the CSRF cookie to a function, each in the header's order.
    ///
    /// Finds what [`raw_values`](super::raw_values) finds, but for the limit of values, which is the functions' to keep.
    #[inline]
    pub(crate) fn each<'h>(
        &self,
        headers: &'h HeaderMap,
        mut session: impl FnMut(&'h [u8]),
        mut csrf: impl FnMut(&'h [u8]),
    ) {
        let mut left = MAX_SCANNED;
        for header in headers.get_all(COOKIE) {
            let header = header.as_bytes();
            let Some(rest) = left.checked_sub(header.len()) else {
                return;
            };
            left = rest;
            let mut between = 0;
            let mut at = 0;
            while let Some(found) = header.get(at..).and_then(|rest| self.session.find(rest)) {
                let start = at + found;
                at = start + self.session.needle().len();
                let Some(rest) = header.get(at..).filter(|_| begins_pair(header, start)) else {
                    continue;
                };
                let end = at + memchr(b';', rest).unwrap_or(rest.len());
                match header.get(at..end) {
                    Some([b'=', value @ ..]) => session(value.trim_ascii()),
                    Some([b'.', b'0' | b'1', b'=', ..]) => {}
                    // Another name that begins like ours; it may be the CSRF cookie's.
                    _ => continue,
                }
                self.each_csrf(header.get(between..start), &mut csrf);
                (between, at) = (end, end);
            }
            self.each_csrf(header.get(between..), &mut csrf);
        }
    }

    /// Searches what stands between two cookies of ours; it begins with a pair or the semicolon before one.
    #[inline]
    fn each_csrf<'h>(&self, part: Option<&'h [u8]>, csrf: &mut impl FnMut(&'h [u8])) {
        let part = part.unwrap_or_default();
        let mut at = 0;
        while let Some(found) = part.get(at..).and_then(|rest| self.csrf.find(rest)) {
            let start = at + found;
            at = start + self.csrf.needle().len();
            if begins_pair(part, start) {
                csrf(until_semicolon(part.get(at..).unwrap_or_default()));
            }
        }
    }
}
