//! Requests for metadata and keys.

use doorward_crypto::KeySet;
use http::{HeaderMap, StatusCode};

use crate::error::KeysError;
use crate::exchange::{OutboundRequest, has_media_type};
use crate::issuer::Issuer;
use crate::metadata::{MAX_METADATA_BYTES, ProviderMetadata};

/// The most bytes a key set may have.
const MAX_KEY_SET_BYTES: usize = 256 * 1024;

/// Asks an issuer for its metadata (OpenID Connect Discovery §4).
///
/// # Example
/// ```
/// use doorward_oidc::{HttpIssuer, Issuer, discovery_request};
///
/// let issuer = Issuer::parse("https://id.example.com/acme/", HttpIssuer::LoopbackOnly).unwrap();
/// let outbound = discovery_request(&issuer);
/// assert_eq!(outbound.request.uri(), "https://id.example.com/acme/.well-known/openid-configuration");
/// ```
#[must_use]
pub fn discovery_request(issuer: &Issuer) -> OutboundRequest {
    OutboundRequest::get(issuer.discovery_endpoint(), issuer, "discovery", MAX_METADATA_BYTES)
}

/// Asks a provider for its signing keys.
#[must_use]
pub fn jwks_request(metadata: &ProviderMetadata) -> OutboundRequest {
    OutboundRequest::get(metadata.jwks_uri(), metadata.issuer(), "jwks", MAX_KEY_SET_BYTES)
}

/// Judges the answer to a [`jwks_request`].
///
/// Keys we cannot use are skipped; an answer without any usable key is an error, so that it replaces no good keys.
///
/// # Errors
/// One variant of [`KeysError`] per rule.
///
/// # Security
/// All of it comes from the provider; a key in it can speak for this issuer and no other.
pub fn parse_jwks(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<KeySet, KeysError> {
    if status != StatusCode::OK {
        return Err(KeysError::Status(status.as_u16()));
    }
    if !has_media_type(headers, &["application/json", "application/jwk-set+json"]) {
        return Err(KeysError::ContentType);
    }
    let keys = KeySet::parse(body).map_err(KeysError::KeySet)?;
    if keys.is_empty() {
        Err(KeysError::NoUsableKey)
    } else {
        Ok(keys)
    }
}
