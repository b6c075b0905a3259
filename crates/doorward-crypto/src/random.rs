//! The port to randomness: everything unpredictable in Doorward comes through [`Random`].

use crate::encoding::base64url_encode;

/// A source of unpredictable bytes.
///
/// Production uses [`SystemRandom`]; tests use a seeded one.
///
/// # Security
/// States, nonces, verifiers, session secrets and AEAD nonces come from here. An implementation
/// that can be predicted breaks all of them at once.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes` with random data.
    ///
    /// # Errors
    /// [`RandomUnavailable`] if the source gave nothing; `bytes` must not be used then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable>;
}

/// The source of randomness gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no random bytes available")]
pub struct RandomUnavailable;

/// The generator of aws-lc-rs, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| RandomUnavailable)
    }
}

/// Draws `N` random bytes.
///
/// # Errors
/// [`RandomUnavailable`] as the source reports it.
pub fn random_bytes<const N: usize>(random: &dyn Random) -> Result<[u8; N], RandomUnavailable> {
    let mut bytes = [0; N];
    random.fill(&mut bytes)?;
    Ok(bytes)
}

/// Draws a token of 32 random bytes as 43 characters of base64url.
///
/// # Errors
/// [`RandomUnavailable`] as the source reports it.
pub fn random_token(random: &dyn Random) -> Result<String, RandomUnavailable> {
    Ok(base64url_encode(&random_bytes::<32>(random)?))
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
