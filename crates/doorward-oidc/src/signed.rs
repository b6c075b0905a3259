//! The signature of tokens that a provider signs, and whether newer keys may help where it does not hold.

use doorward_crypto::{
    JwsError, JwsPolicy, KeySet, VerifiedPayload, base64url_decode, parse_object, verify as verify_jws,
};

const MAX_HEADER_BYTES: usize = 4 * 1024;

/// Verifies a signature; [`JwsError::UnknownKey`] is the one error that newer keys may cure.
pub(crate) fn verify_signed(raw: &str, keys: &KeySet, policy: &JwsPolicy<'_>) -> Result<VerifiedPayload, JwsError> {
    verify_jws(raw, keys, policy).map_err(|error| match error {
        // A token that names no key may be signed by one that we do not hold yet: newer keys may help.
        JwsError::SignatureInvalid if !names_key(raw) => JwsError::UnknownKey,
        error => error,
    })
}

/// Tells whether a token's header names a key.
fn names_key(raw: &str) -> bool {
    let header = raw.split('.').next().unwrap_or_default();
    let decoded = base64url_decode(header.as_bytes()).unwrap_or_default();
    parse_object(&decoded, MAX_HEADER_BYTES).is_ok_and(|header| header.contains_key("kid"))
}
