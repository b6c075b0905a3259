//! Finding the session cookie and the CSRF cookie in one pass.
//!
//! Most of a signed-in user's header is what we sealed into it, and our cookies mostly stand together. So from a cookie
//! of ours the next pair is looked at directly, stepping over the value at the speed of memory; only what is not ours
//! is searched, up to the next cookie that is.

use http::{HeaderValue, header::GetAll};
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

/// A pair of ours.
#[derive(Clone, Copy)]
enum Pair {
    Session { value_at: usize },
    Tokens,
    Csrf { value_at: usize },
}

impl OurCookies {
    pub(crate) fn new(names: &CookieNames) -> OurCookies {
        OurCookies {
            session: Finder::new(names.session().as_str()).into_owned(),
            csrf: names.csrf().finder().clone(),
        }
    }

    /// Gives each value of the session cookie and of the CSRF cookie in the `Cookie` headers to a function, each in
    /// the header's order.
    ///
    /// Finds what [`raw_values`](super::raw_values) finds, but for the limit of values, which is the functions' to keep.
    #[inline]
    pub(crate) fn each<'h>(
        &self,
        headers: &GetAll<'h, HeaderValue>,
        mut session: impl FnMut(&'h [u8]),
        mut csrf: impl FnMut(&'h [u8]),
    ) {
        let mut left = MAX_SCANNED;
        for header in headers.iter() {
            let header = header.as_bytes();
            let Some(rest) = left.checked_sub(header.len()) else {
                return;
            };
            left = rest;
            // Always the beginning of the header, a semicolon, or the beginning of a pair.
            let mut at = 0;
            while let Some(rest) = header.get(at..).filter(|rest| !rest.is_empty()) {
                let gap = rest
                    .iter()
                    .take_while(|byte| matches!(byte, b';' | b' ' | b'\t'))
                    .count();
                let pair = rest.get(gap..).unwrap_or_default();
                let Some(kind) = self.kind_of(pair) else {
                    let end = self.next_of_session(header, at + gap);
                    self.each_csrf(header.get(at..end).unwrap_or_default(), &mut csrf);
                    at = end;
                    continue;
                };
                let end = memchr(b';', pair).unwrap_or(pair.len());
                let value = |value_at: usize| pair.get(value_at..end).unwrap_or_default().trim_ascii();
                match kind {
                    Pair::Session { value_at } => session(value(value_at)),
                    Pair::Tokens => {}
                    Pair::Csrf { value_at } => csrf(value(value_at)),
                }
                at += gap + end;
            }
        }
    }

    /// Tells what of ours a pair is, by its beginning.
    #[inline]
    fn kind_of(&self, pair: &[u8]) -> Option<Pair> {
        let session = self.session.needle();
        match pair.strip_prefix(session) {
            Some([b'=', ..]) => {
                return Some(Pair::Session {
                    value_at: session.len() + 1,
                });
            }
            Some([b'.', b'0' | b'1', b'=', ..]) => return Some(Pair::Tokens),
            // Another name may begin like the session's, the CSRF cookie's too.
            _ => {}
        }
        let csrf = self.csrf.needle();
        pair.starts_with(csrf).then_some(Pair::Csrf { value_at: csrf.len() })
    }

    /// Returns where the next cookie of the session or its tokens begins, or the header's end.
    fn next_of_session(&self, header: &[u8], mut at: usize) -> usize {
        while let Some(found) = header.get(at..).and_then(|rest| self.session.find(rest)) {
            let start = at + found;
            at = start + self.session.needle().len();
            let is_ours = matches!(header.get(at..), Some([b'=', ..] | [b'.', b'0' | b'1', b'=', ..]));
            if is_ours && begins_pair(header, start) {
                return start;
            }
        }
        header.len()
    }

    /// Searches a part of a header in which no cookie of the session stands.
    fn each_csrf<'h>(&self, part: &'h [u8], csrf: &mut impl FnMut(&'h [u8])) {
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
