//! Digests and comparison in constant time.

use aws_lc_rs::{constant_time, digest};

use crate::algorithm::Algorithm;
use crate::encoding::base64url_encode;

/// Computes SHA-256.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    // The digest has 32 bytes for this algorithm, so the two slices have equal length.
    out.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    out
}

/// Computes SHA-256 as base64url, as in PKCE's S256 (RFC 7636 section 4.2).
pub fn sha256_base64url(data: &[u8]) -> String {
    base64url_encode(&sha256(data))
}

/// Computes `at_hash` or `c_hash`: the left half of the digest that belongs to `algorithm`,
/// base64url (OpenID Connect Core 3.1.3.6).
///
/// EdDSA means SHA-512, the digest inside Ed25519. `None` is kept for algorithms that define no
/// such digest; none of today's is one.
pub fn half_hash(algorithm: Algorithm, data: &[u8]) -> Option<String> {
    let function = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => &digest::SHA256,
        Algorithm::Es384 => &digest::SHA384,
        Algorithm::EdDsa => &digest::SHA512,
    };
    let full = digest::digest(function, data);
    let bytes = full.as_ref();
    bytes.get(..bytes.len() / 2).map(base64url_encode)
}

/// Tells whether two byte strings are equal, in constant time for equal lengths.
///
/// # Security
/// The length is not hidden. Compare digests where even that says too much.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
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
