//! Userinfo (OpenID Connect Core §5.3): further claims about the subject of an ID token.
//!
//! The rules, in the order applied: status 200; `application/json`, or `application/jwt` verified with the keys and algorithms
//! of the ID token; a signed answer's `iss` and `aud`, if there, are the ID token's; `sub` is there and equal to the ID token's.

use doorward_crypto::{Algorithm, JwsPolicy, KeySet, SecretString, parse_object, verify};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value};

use crate::error::UserInfoError;
use crate::exchange::{OutboundRequest, has_media_type, is_passing, retry_after};
use crate::fields;
use crate::id_token::{REFUSED_TYPES, VerifiedIdToken};
use crate::issuer::Issuer;
use crate::metadata::ProviderMetadata;

const MAX_RESPONSE_BYTES: usize = 256 * 1024;

/// Claims from the userinfo endpoint, about the same subject as the ID token. Only [`parse_userinfo`] makes one.
#[derive(Clone)]
pub struct UserInfo {
    claims: Map<String, Value>,
}

impl UserInfo {
    /// Returns every claim.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

/// Without the claims, which are about a person.
impl std::fmt::Debug for UserInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserInfo").finish_non_exhaustive()
    }
}

/// Asks for userinfo, with the access token in the `Authorization` header (RFC 6750 §2.1).
///
/// Returns `None` where the provider has no such endpoint, or the token cannot stand in a header; tokens that have passed
/// [`TokenResponse::parse`](crate::TokenResponse::parse) can.
#[must_use]
pub fn userinfo_request(metadata: &ProviderMetadata, access_token: &SecretString) -> Option<OutboundRequest> {
    let endpoint = metadata.userinfo_endpoint()?;
    let value = HeaderValue::from_str(&format!("Bearer {}", access_token.expose())).ok()?;
    let outbound = OutboundRequest::get(endpoint, metadata.issuer(), "userinfo", MAX_RESPONSE_BYTES);
    Some(
        outbound
            .with_accept("application/json, application/jwt")
            .with_authorization(Some(value)),
    )
}

/// Judges a userinfo answer.
///
/// # Errors
/// [`UserInfoError::Passing`] for what may succeed later; one variant of [`UserInfoError`] per rule. After any error nothing of
/// the answer is used, and a login that needs it fails.
///
/// # Security
/// Without the comparison of `sub`, whoever gets an access token swapped swaps the user (Core §5.3.2 and §16.11).
#[allow(
    clippy::too_many_arguments,
    reason = "a response, the keys that may sign it, and whom it must be about"
)]
pub fn parse_userinfo(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    keys: &KeySet,
    algorithms: &[Algorithm],
    client_id: &str,
    issuer: &Issuer,
    id_token: &VerifiedIdToken,
) -> Result<UserInfo, UserInfoError> {
    if is_passing(status) {
        return Err(UserInfoError::Passing {
            retry_after: retry_after(headers),
        });
    }
    if status != StatusCode::OK {
        return Err(UserInfoError::Status(status.as_u16()));
    }
    let claims = if has_media_type(headers, &["application/json"]) {
        parse_object(body, MAX_RESPONSE_BYTES).map_err(UserInfoError::Json)?
    } else if has_media_type(headers, &["application/jwt"]) {
        signed_claims(body, keys, algorithms, client_id, issuer)?
    } else {
        return Err(UserInfoError::ContentType);
    };
    let subject = fields::string(&claims, "sub")?.ok_or(UserInfoError::SubjectMissing)?;
    if subject != id_token.subject() {
        return Err(UserInfoError::SubjectMismatch);
    }
    Ok(UserInfo { claims })
}

fn signed_claims(
    body: &[u8],
    keys: &KeySet,
    algorithms: &[Algorithm],
    client_id: &str,
    issuer: &Issuer,
) -> Result<Map<String, Value>, UserInfoError> {
    let token = std::str::from_utf8(body).map_err(|_| UserInfoError::ContentType)?;
    let policy = JwsPolicy {
        algorithms,
        refused_types: REFUSED_TYPES,
        required_type: None,
    };
    let claims = verify(token, keys, &policy).map_err(UserInfoError::Jws)?.into_claims();
    if fields::string(&claims, "iss")?.is_some_and(|named| named != issuer.as_str()) {
        return Err(UserInfoError::IssuerMismatch);
    }
    let for_us = match claims.get("aud") {
        None | Some(Value::Null) => true,
        Some(Value::String(audience)) => audience == client_id,
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == client_id),
        Some(_) => return Err(UserInfoError::WrongType("aud")),
    };
    if for_us {
        Ok(claims)
    } else {
        Err(UserInfoError::AudienceMismatch)
    }
}
