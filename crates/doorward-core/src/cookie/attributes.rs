//! `Set-Cookie`.

use core::{fmt::Write as _, time::Duration};

use http::HeaderValue;

use super::{CookieName, MAX_COOKIE_BYTES, is_cookie_octet};

/// Browsers shorten anything longer (RFC 6265bis, section 5.5), so saying more would be untrue.
const MAX_AGE: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// When a browser sends a cookie along with requests that other sites cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SameSite {
    /// With top-level navigations only.
    Lax,
    /// Never.
    Strict,
    /// Always; demands `Secure`.
    None,
}

impl SameSite {
    /// Returns the attribute's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            SameSite::Lax => "Lax",
            SameSite::Strict => "Strict",
            SameSite::None => "None",
        }
    }
}

/// A host name that cookies are shared below; checked, so that it can be written into a header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CookieDomain(String);

impl CookieDomain {
    /// Takes a domain that the settings have checked.
    pub(super) fn checked(text: &str) -> Option<CookieDomain> {
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let lowered = text.to_ascii_lowercase();
        let fits = lowered.len() <= 253 && lowered.split('.').count() >= 2 && lowered.split('.').all(is_label);
        let is_address = lowered
            .rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        (fits && !is_address).then_some(CookieDomain(lowered))
    }

    /// Returns the domain, without a leading dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a `Set-Cookie` says beside name, value and age; the path is always `/`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CookieAttributes {
    /// Sent over https only.
    pub secure: bool,
    /// Hidden from scripts.
    pub http_only: bool,
    /// When to send it with requests of other sites.
    pub same_site: SameSite,
    /// Shared with the subdomains of a domain; without one the cookie belongs to the host alone.
    pub domain: Option<CookieDomain>,
}

/// A cookie to be set.
pub struct SetCookie {
    name: CookieName,
    value: String,
    attributes: CookieAttributes,
    max_age: Option<Duration>,
}

/// A cookie that browsers would not keep.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetCookieError {
    /// The value has bytes that no cookie may hold.
    #[error("value of cookie \"{name}\" has characters that no cookie may hold")]
    InvalidValue {
        /// The cookie's name.
        name: String,
    },
    /// Name and value are larger than browsers keep.
    #[error("cookie \"{name}\" has {bytes} bytes, at most 4096 are kept")]
    TooLarge {
        /// The cookie's name.
        name: String,
        /// Name, `=` and value.
        bytes: usize,
    },
}

impl SetCookie {
    /// Makes a cookie that lasts until the browser closes, unless given an age.
    ///
    /// # Errors
    /// [`SetCookieError`].
    pub fn new(
        name: &CookieName,
        value: impl Into<String>,
        attributes: &CookieAttributes,
    ) -> Result<SetCookie, SetCookieError> {
        let value = value.into();
        if !value.bytes().all(is_cookie_octet) {
            return Err(SetCookieError::InvalidValue { name: name.to_string() });
        }
        let bytes = name.as_str().len() + 1 + value.len();
        if bytes > MAX_COOKIE_BYTES {
            return Err(SetCookieError::TooLarge {
                name: name.to_string(),
                bytes,
            });
        }
        Ok(SetCookie {
            name: name.clone(),
            value,
            attributes: attributes.clone(),
            max_age: None,
        })
    }

    /// Sets how long the browser keeps it: at most 400 days, which is all that browsers grant.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> SetCookie {
        self.max_age = Some(max_age.min(MAX_AGE));
        self
    }

    /// Writes the value of a `Set-Cookie` header; its `Debug` output hides it.
    pub fn to_header(&self) -> HeaderValue {
        let age = self.max_age.map(|age| age.as_secs());
        write_header(&self.name, &self.value, &self.attributes, age)
    }

    /// Writes the value of a `Set-Cookie` header that deletes a cookie.
    ///
    /// A browser deletes only what it would also overwrite: domain, path and flags must be those it was set with.
    pub fn deletion(name: &CookieName, attributes: &CookieAttributes) -> HeaderValue {
        write_header(name, "", attributes, Some(0))
    }
}

impl core::fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SetCookie")
            .field("name", &self.name)
            .field("value_bytes", &self.value.len())
            .field("attributes", &self.attributes)
            .field("max_age", &self.max_age)
            .finish()
    }
}

fn write_header(name: &CookieName, value: &str, attributes: &CookieAttributes, max_age: Option<u64>) -> HeaderValue {
    let mut text = String::with_capacity(name.as_str().len() + value.len() + 96);
    text.push_str(name.as_str());
    text.push('=');
    text.push_str(value);
    text.push_str("; Path=/");
    if let Some(domain) = &attributes.domain {
        text.push_str("; Domain=");
        text.push_str(domain.as_str());
    }
    if let Some(seconds) = max_age {
        // Writing to a string cannot fail.
        let _ = write!(text, "; Max-Age={seconds}");
        if seconds == 0 {
            text.push_str("; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        }
    }
    if attributes.secure {
        text.push_str("; Secure");
    }
    if attributes.http_only {
        text.push_str("; HttpOnly");
    }
    text.push_str("; SameSite=");
    text.push_str(attributes.same_site.as_str());
    // Name, value and domain were checked when they were made, so this is always a header value.
    let mut header = HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}
