//! Names of cookies.

use std::sync::Arc;

use memchr::memmem::Finder;

const MAX_NAME: usize = 200;

/// The name of a cookie, with what finding it quickly needs.
#[derive(Clone)]
pub struct CookieName(Arc<Needle>);

struct Needle {
    name: String,
    /// Finds `name=`.
    finder: Finder<'static>,
}

/// A text that names no cookie.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cookie name {given:?} must be 1 to 200 letters, digits or any of !#$%&'*+-.^_`|~")]
pub struct CookieNameError {
    given: String,
}

impl CookieName {
    /// Checks that the text is a token (RFC 9110, section 5.6.2) of sensible length.
    ///
    /// # Errors
    /// [`CookieNameError`].
    pub fn new(name: impl Into<String>) -> Result<CookieName, CookieNameError> {
        let name = name.into();
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_token_byte) {
            return Err(CookieNameError {
                given: name.chars().take(MAX_NAME).collect(),
            });
        }
        let finder = Finder::new(format!("{name}=").as_bytes()).into_owned();
        Ok(CookieName(Arc::new(Needle { name, finder })))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn finder(&self) -> &Finder<'static> {
        &self.0.finder
    }
}

impl PartialEq for CookieName {
    fn eq(&self, other: &CookieName) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for CookieName {}

impl core::hash::Hash for CookieName {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl core::fmt::Display for CookieName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::fmt::Debug for CookieName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "CookieName({})", self.as_str())
    }
}

pub(crate) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}
