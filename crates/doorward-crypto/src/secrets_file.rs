//! The file that session secrets are kept in: a line for each, with the time it was made.

use core::fmt;

use crate::keyring::{KeyRingError, MAX_SECRETS};
use crate::secret::SecretString;
use crate::strength::check_strength;
use crate::timestamp::parse_rfc3339;

/// How old a secret of a file must be before it seals: by then every instance has read it.
const SEALING_AGE_SECONDS: u64 = 600;
const MAX_FILE_BYTES: usize = 64 * 1024;

/// What a secrets file says: `<created, RFC 3339> <secret>` a line, blank lines and lines that begin with `#` skipped.
///
/// Which secret seals depends on the time, so that the same file is asked again as time goes by.
///
/// # Security
/// `Debug` prints how many there are, nothing else.
#[derive(Clone)]
pub struct DatedSecrets {
    /// With the time each was made, the newest first; never empty.
    entries: Vec<(u64, SecretString)>,
}

impl DatedSecrets {
    /// Reads the text of a secrets file. Judging the strength takes milliseconds per secret.
    ///
    /// # Errors
    /// [`KeyRingError::FileTooLarge`], [`KeyRingError::TooMany`], [`KeyRingError::Empty`], and per
    /// line [`KeyRingError::MalformedLine`], [`KeyRingError::WeakLine`],
    /// [`KeyRingError::DuplicateLine`]; the secret itself is never named.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        if text.len() > MAX_FILE_BYTES {
            return Err(KeyRingError::FileTooLarge);
        }
        let mut entries: Vec<(u64, SecretString)> = Vec::new();
        for (index, content) in text.lines().enumerate() {
            let (line, content) = (index + 1, content.trim());
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let malformed = KeyRingError::MalformedLine { line };
            let (created, secret) = content.split_once(char::is_whitespace).ok_or(malformed)?;
            let created = parse_rfc3339(created).ok_or(malformed)?;
            let secret = SecretString::new(secret.trim_start());
            if entries.len() >= MAX_SECRETS {
                return Err(KeyRingError::TooMany);
            }
            if entries.iter().any(|(_, known)| known.matches(secret.expose())) {
                return Err(KeyRingError::DuplicateLine { line });
            }
            check_strength(secret.expose()).map_err(|reason| KeyRingError::WeakLine { line, reason })?;
            entries.push((created, secret));
        }
        if entries.is_empty() {
            return Err(KeyRingError::Empty);
        }
        // Stable: of two lines with one time the later one counts as the newer.
        entries.reverse();
        entries.sort_by_key(|(created, _)| core::cmp::Reverse(*created));
        Ok(Self { entries })
    }

    /// Gives the secrets in the order of a ring: first the newest that is at least ten minutes old, or the oldest where none
    /// is; all of them open.
    ///
    /// So an instance that reads the file a little later than another can open what that one seals.
    pub fn secrets(&self, now_unix_seconds: u64) -> Vec<SecretString> {
        let is_settled = |created: u64| now_unix_seconds >= created.saturating_add(SEALING_AGE_SECONDS);
        let settled = self.entries.iter().position(|(created, _)| is_settled(*created));
        let sealing = settled.unwrap_or(self.entries.len().saturating_sub(1));
        let mut secrets: Vec<_> = self.entries.iter().map(|(_, secret)| secret.clone()).collect();
        if let Some(up_to_sealing) = secrets.get_mut(..=sealing) {
            up_to_sealing.rotate_right(1);
        }
        secrets
    }
}

impl fmt::Debug for DatedSecrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DatedSecrets({} secrets, redacted)", self.entries.len())
    }
}

/// Reads the text of a secrets file once: its secrets in the order of a ring, the one that seals first. For a ring that has
/// secrets from elsewhere too.
///
/// # Errors
/// As [`DatedSecrets::parse`].
pub fn secrets_of_file(text: &str, now_unix_seconds: u64) -> Result<Vec<SecretString>, KeyRingError> {
    Ok(DatedSecrets::parse(text)?.secrets(now_unix_seconds))
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
