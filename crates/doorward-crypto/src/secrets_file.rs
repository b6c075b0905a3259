//! The file that session secrets are kept in: a line for each, with the time it was made.

use crate::keyring::{KeyRingError, MAX_SECRETS};
use crate::secret::SecretString;
use crate::strength::check_strength;
use crate::timestamp::parse_rfc3339;

/// How old a secret of a file must be before it seals: by then every instance has read it.
const SEALING_AGE_SECONDS: u64 = 600;
const MAX_FILE_BYTES: usize = 64 * 1024;

/// Reads the text of a secrets file as [`KeyRing::from_secrets_file`](crate::KeyRing::from_secrets_file) does, and gives the secrets in the order of a
/// ring: the one that seals first. For a ring that has secrets from elsewhere too.
///
/// # Errors
/// [`KeyRingError::FileTooLarge`], [`KeyRingError::TooMany`], [`KeyRingError::Empty`], and per
/// line [`KeyRingError::MalformedLine`], [`KeyRingError::WeakLine`],
/// [`KeyRingError::DuplicateLine`]; the secret itself is never named.
pub fn secrets_of_file(text: &str, now_unix_seconds: u64) -> Result<Vec<SecretString>, KeyRingError> {
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

    // Stable: of two lines with one time the later one counts as the newer.
    entries.reverse();
    entries.sort_by_key(|(created, _)| core::cmp::Reverse(*created));
    let settled = entries
        .iter()
        .position(|(created, _)| now_unix_seconds >= created.saturating_add(SEALING_AGE_SECONDS));
    let sealing = settled.unwrap_or(entries.len().saturating_sub(1));
    let mut secrets: Vec<_> = entries.into_iter().map(|(_, secret)| secret).collect();
    if sealing >= secrets.len() {
        return Err(KeyRingError::Empty);
    }
    let first = secrets.remove(sealing);
    secrets.insert(0, first);
    Ok(secrets)
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
