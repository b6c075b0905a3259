//! Base64url without padding, strict (RFC 4648 section 5, RFC 7515 section 2).
//!
//! One byte string has exactly one encoding here: the URL alphabet only, no padding, no white
//! space, and the unused last bits zero. So a decoded value cannot be respelled by an attacker.

use base64_simd::URL_SAFE_NO_PAD;

/// The text is not canonical base64url without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("text is not base64url without padding")]
pub struct InvalidEncoding;

/// Encodes bytes as base64url without padding.
///
/// # Example
/// ```
/// assert_eq!(doorward_crypto::base64url_encode(&[0xfb, 0xff]), "-_8");
/// ```
pub fn base64url_encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// Encodes bytes as base64url without padding at the end of `out`.
pub fn base64url_append(bytes: &[u8], out: &mut String) {
    URL_SAFE_NO_PAD.encode_append(bytes, out);
}

/// Decodes base64url without padding into a new vector.
///
/// # Errors
/// [`InvalidEncoding`] for another alphabet, padding, white space, an impossible length, or
/// last bits that are not zero.
///
/// # Example
/// ```
/// use doorward_crypto::base64url_decode;
///
/// assert_eq!(base64url_decode(b"-_8").unwrap(), [0xfb, 0xff]);
/// assert!(base64url_decode(b"-_9").is_err()); // the last two bits are unused and must be zero
/// ```
pub fn base64url_decode(text: &[u8]) -> Result<Vec<u8>, InvalidEncoding> {
    let mut out = Vec::new();
    base64url_decode_into(text, &mut out)?;
    Ok(out)
}

/// Decodes base64url without padding, replacing the content of `out`.
///
/// Allocates nothing when the capacity of `out` suffices.
///
/// # Errors
/// [`InvalidEncoding`] as in [`base64url_decode`]; `out` is empty then.
pub fn base64url_decode_into(text: &[u8], out: &mut Vec<u8>) -> Result<(), InvalidEncoding> {
    out.clear();
    URL_SAFE_NO_PAD.decode_append(text, out).map_err(|_| InvalidEncoding)
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
