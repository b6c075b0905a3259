//! Where a browser may be sent after login: the only constructor of anything that reaches a `Location` to the user's
//! side.
//!
//! Rules in the order applied:
//! 1. at most 2,000 bytes, no control character, no white space, no backslash, no invisible formatting character;
//! 2. a path of ours (`/…`, not `//…`), or an absolute http or https URL;
//! 3. parsed as browsers parse (WHATWG), against our own origin; no user information;
//! 4. scheme, host and port are ours or those of a configured frontend;
//! 5. written anew from what was parsed, absolute.
//!
//! The text lives sealed in the login ticket and is parsed again when it is used.

#[cfg(test)]
mod tests;

use url::Url;

use crate::origin::{AllowedOrigins, Origin};

const MAX_BYTES: usize = 2_000;

/// A URL of ours or of a configured frontend, safe to redirect to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReturnUrl {
    location: String,
    origin: Origin,
    own: bool,
}

impl ReturnUrl {
    /// Judges what a request, a ticket or a configuration names; `None` means: go home instead.
    ///
    /// # Security
    /// An attacker writes `raw` into a link and wants the user to land elsewhere after a login that looks right.
    /// The decision is made on the parsed URL and the answer is written from it, so that a browser cannot read the
    /// text differently from us.
    pub fn parse(raw: &str, origins: &AllowedOrigins) -> Option<ReturnUrl> {
        if raw.is_empty() || raw.len() > MAX_BYTES || raw.chars().any(is_refused) {
            return None;
        }
        let url = if raw.starts_with('/') {
            if raw.starts_with("//") {
                return None;
            }
            Url::parse(&format!("{}{raw}", origins.own())).ok()?
        } else {
            // Security: the parser takes `https:host` and `https:///host` for more than one thing; browsers agree with
            // it today, so only the plain form is read at all.
            let (scheme, rest) = raw.split_once("://")?;
            if !(scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")) || rest.starts_with('/') {
                return None;
            }
            Url::parse(raw).ok()?
        };
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let origin = Origin::of_url(&url)?;
        let own = origin == *origins.own();
        if !own && !origins.contains_origin(&origin) {
            return None;
        }
        // `/.//host` normalises to a path of `//host`, which is harmless behind an origin and nowhere else.
        if url.path().starts_with("//") {
            return None;
        }
        let location = String::from(url);
        let returned = ReturnUrl { location, origin, own };
        // Escaping may have tripled the length, and the text must fit into the ticket and be parsed again.
        (returned.as_str().len() <= MAX_BYTES).then_some(returned)
    }

    /// Returns the configured default, or our root where it is not usable.
    pub fn home(path: &str, origins: &AllowedOrigins) -> ReturnUrl {
        ReturnUrl::parse(path, origins).unwrap_or_else(|| ReturnUrl {
            location: format!("{}/", origins.own()),
            origin: origins.own().clone(),
            own: true,
        })
    }

    /// Returns the value for a `Location` header: absolute, ASCII, with path, query and fragment.
    pub fn location(&self) -> String {
        self.location.clone()
    }

    /// Returns the text to seal into a ticket: path, query and fragment on our own origin, else the absolute URL.
    ///
    /// [`parse`](Self::parse) reads it back to an equal value.
    pub fn as_str(&self) -> &str {
        let skip = if self.own { self.origin.as_str().len() } else { 0 };
        self.location.get(skip..).unwrap_or_default()
    }

    /// Returns the origin that the URL leads to.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Tells whether the URL leads to our own origin.
    pub const fn is_own(&self) -> bool {
        self.own
    }

    /// Returns the path that the URL leads to, without query and fragment.
    pub fn path(&self) -> &str {
        let path = self.location.get(self.origin.as_str().len()..).unwrap_or_default();
        path.split(['?', '#']).next().unwrap_or_default()
    }
}

/// Characters that one program removes, another keeps and a third takes for a separator.
fn is_refused(c: char) -> bool {
    c == '\\'
        || c.is_control()
        || c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}
