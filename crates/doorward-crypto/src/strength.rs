//! What makes a root secret too weak to start with.
//!
//! Rules, in the order applied: at least 32 bytes, not a sample everyone knows, not a repetition,
//! not guessable by an estimator that knows words, names, dates, keyboards and sequences (zxcvbn),
//! not in the list of published secrets that attackers try first. Of the secrets of 32 bytes and
//! more in that list the other rules find 140 of 1,886: most of them were random before someone
//! published them, and only the list can know that.

use core::fmt::Write as _;

use crate::digest::sha256;

/// The shortest secret accepted.
const MIN_BYTES: usize = 32;

/// Fewer different characters than this is a pattern, not a secret; 32 random hexadecimal digits
/// have fewer than eight with a probability below one in a million.
const MIN_DISTINCT: usize = 8;

/// Guesses an attacker would need, as a power of ten. The estimator's scale ends at 2^64, which is
/// 10^19.27; whatever is random reaches its end.
const MIN_GUESSES_LOG10: f64 = 19.2;

/// Digests of published secrets, one a line; how they were made stands in the first line.
const PUBLISHED: &str = include_str!("strength/published.txt");

/// Samples from documentation, default configurations and tutorials, in lower case. A secret that
/// holds one of them anywhere is refused.
const WELL_KNOWN: &[&str] = &[
    "a-string-secret-at-least",
    "at-least-256-bits",
    "at-least-32-",
    "changeit",
    "changeme",
    "change-me",
    "change_me",
    "change this",
    "change-this",
    "change_this",
    "deadbeef",
    "do-not-use",
    "dont-use",
    "example-secret",
    "example_secret",
    "generate-a-",
    "insecure",
    "insert-your",
    "insert_your",
    "jwt-secret",
    "jwt_secret",
    "jwtsecret",
    "keyboard cat",
    "keyboardcat",
    "letmein",
    "long-secret",
    "my-secret",
    "my_secret",
    "mysecret",
    "my-super",
    "mysuper",
    "not-secure",
    "please-change",
    "please_change",
    "put-your",
    "put_your",
    "random-secret",
    "random_secret",
    "randomsecret",
    "replace-me",
    "replace_me",
    "replaceme",
    "replace-with",
    "replace_with",
    "replace-this",
    "replace_this",
    "secret-key",
    "secret_key",
    "secretkey",
    "session-secret",
    "session_secret",
    "some-secret",
    "some_secret",
    "somesecret",
    "super-secret",
    "super_secret",
    "super secret",
    "supersecret",
    "test-secret",
    "test_secret",
    "this-is-a",
    "this is a",
    "this_is_a",
    "thisisa",
    "top-secret",
    "topsecret",
    "very-secret",
    "verysecret",
    "very-long",
    "very_long",
    "verylong",
    "your-256-bit",
    "your-384-bit",
    "your-512-bit",
    "your-secret",
    "your_secret",
    "yoursecret",
    "your-super",
    "your_super",
    "your-very",
    // The key of RFC 7515 appendix A.1, which many samples copied, and of the jsonwebtoken guides.
    "ayM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "shhhhh",
];

/// Why a secret is too weak.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WeakSecret {
    /// It has fewer than 32 bytes.
    #[error("secret has {bytes} bytes, expected at least 32; make one with \"doorward keys generate\"")]
    TooShort {
        /// How many bytes it has.
        bytes: usize,
    },
    /// It is published, or holds a sample from documentation or a default.
    #[error("secret is well known; make one with \"doorward keys generate\"")]
    WellKnown,
    /// It repeats a short unit or uses few different characters.
    #[error("secret repeats a short pattern; make one with \"doorward keys generate\"")]
    Repetitive,
    /// An estimator finds it guessable.
    #[error("secret is guessable in about 10^{guesses_log10:.0} tries; make one with \"doorward keys generate\"")]
    Guessable {
        /// The estimated number of guesses, as a power of ten.
        guesses_log10: f64,
    },
}

/// Judges whether a text may be a root secret.
///
/// 32 random bytes in base64url or hexadecimal always pass.
///
/// # Errors
/// The first rule broken, as [`WeakSecret`]; never the text.
///
/// # Example
/// ```
/// use doorward_crypto::{WeakSecret, check_strength};
///
/// assert!(check_strength("k9Zr2mQ0bT7wXc4LhVn8sJd1GfYp6aUe3RiOtEqNuBM").is_ok());
/// assert!(matches!(check_strength("changeme"), Err(WeakSecret::TooShort { bytes: 8 })));
/// ```
pub fn check_strength(secret: &str) -> Result<(), WeakSecret> {
    if secret.len() < MIN_BYTES {
        return Err(WeakSecret::TooShort { bytes: secret.len() });
    }
    if is_sample(secret) {
        return Err(WeakSecret::WellKnown);
    }
    if is_repetitive(secret.as_bytes()) {
        return Err(WeakSecret::Repetitive);
    }
    let guesses_log10 = guesses_log10(secret);
    if guesses_log10 < MIN_GUESSES_LOG10 {
        return Err(WeakSecret::Guessable { guesses_log10 });
    }
    if is_published(secret) {
        return Err(WeakSecret::WellKnown);
    }
    Ok(())
}

fn guesses_log10(secret: &str) -> f64 {
    zxcvbn::zxcvbn(secret, &[]).guesses_log10()
}

fn is_published(secret: &str) -> bool {
    let mut digest = String::with_capacity(12);
    for byte in sha256(secret.as_bytes()).iter().take(6) {
        // Writing to a string does not fail.
        let _ = write!(digest, "{byte:02x}");
    }
    PUBLISHED.lines().any(|line| line == digest)
}

fn is_sample(secret: &str) -> bool {
    let lower = secret.to_lowercase();
    WELL_KNOWN.iter().any(|sample| lower.contains(&sample.to_lowercase()))
}

/// A short unit over and over, whole or cut at the end, or few different characters.
fn is_repetitive(secret: &[u8]) -> bool {
    let mut seen = [false; 256];
    for &byte in secret {
        if let Some(slot) = seen.get_mut(usize::from(byte)) {
            *slot = true;
        }
    }
    if seen.iter().filter(|&&seen| seen).count() < MIN_DISTINCT {
        return true;
    }
    // A unit that would be long enough by itself loses nothing by standing twice.
    let longest_unit = (secret.len() / 2).min(MIN_BYTES - 1);
    (1..=longest_unit).any(|unit| secret.iter().zip(secret.iter().skip(unit)).all(|(a, b)| a == b))
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
