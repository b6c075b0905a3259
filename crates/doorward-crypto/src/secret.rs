//! Secrets as text: wiped on drop, printed as nothing.

use core::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use zeroize::Zeroizing;

use crate::digest::constant_time_eq;
use crate::random::{Random, RandomUnavailable, random_token};

/// A secret text: a root secret, a client secret, a token, a private key.
///
/// # Security
/// The text is wiped when the value is dropped, `Debug` prints `SecretString(redacted)`, and there
/// is no `Display`, no `Serialize` and no `PartialEq`; compare with [`SecretString::matches`].
///
/// # Example
/// ```
/// use doorward_crypto::SecretString;
///
/// let secret = SecretString::new("correct horse");
/// assert_eq!(format!("{secret:?}"), "SecretString(redacted)");
/// assert!(secret.matches("correct horse"));
/// ```
/// A secret cannot be printed by accident:
/// ```compile_fail
/// println!("{}", doorward_crypto::SecretString::new("correct horse"));
/// ```
/// nor serialized:
/// ```compile_fail
/// serde_json::to_string(&doorward_crypto::SecretString::new("correct horse")).unwrap();
/// ```
/// nor compared in variable time:
/// ```compile_fail
/// use doorward_crypto::SecretString;
/// assert!(SecretString::new("a") == SecretString::new("a"));
/// ```
#[derive(Clone)]
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// Takes a text as secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Gives the text itself.
    ///
    /// # Security
    /// The caller owes that it reaches no log, error or URL.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Tells whether `other` is the same text, in constant time for texts of one length.
    pub fn matches(&self, other: &str) -> bool {
        constant_time_eq(self.0.as_bytes(), other.as_bytes())
    }

    /// Tells whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretString(redacted)")
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for SecretString {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for SecretString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Asked for a string, a format as JSON refuses a number by itself and quotes it.
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(SecretVisitor)
        } else {
            deserializer.deserialize_string(SecretVisitor)
        }
    }
}

/// Reads a string; for other scalars it answers without quoting them, unlike serde's default,
/// because a secret of digits written without quotes is still a secret.
struct SecretVisitor;

impl Visitor<'_> for SecretVisitor {
    type Value = SecretString;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a secret as a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretString, E> {
        Ok(SecretString::new(text))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<SecretString, E> {
        Ok(SecretString::new(text))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<SecretString, E> {
        Err(E::custom("a secret must be a string, found a number"))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<SecretString, E> {
        Err(E::custom("a secret must be a string, found a number"))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<SecretString, E> {
        Err(E::custom("a secret must be a string, found a number"))
    }
}

/// Makes a fresh secret: 32 random bytes, base64url.
///
/// # Errors
/// [`RandomUnavailable`] as the source reports it.
pub fn generate_secret(random: &dyn Random) -> Result<SecretString, RandomUnavailable> {
    random_token(random).map(SecretString::new)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod tests;
