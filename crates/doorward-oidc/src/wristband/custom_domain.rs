//! Asking the platform whether a custom domain belongs to one of the application's tenants.
//!
//! The rules for an answer, in the order applied: status 200; `application/json`; one strict JSON object of at most 4 KB; `valid`
//! is a boolean. Anything else is no verdict, and without one nobody is sent to the domain.

use bytes::Bytes;
use doorward_crypto::parse_object;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use super::error::CustomDomainError;
use super::platform::{CustomDomain, Platform, TenantHost};
use crate::client::{Client, ClientAuthentication};
use crate::client_auth::basic;
use crate::exchange::{OutboundRequest, has_media_type, is_passing, retry_after};

const MAX_RESPONSE_BYTES: usize = 4 * 1024;

/// Asks the platform about a domain, authenticated as our client.
///
/// Some versions of the platform's own SDKs send no credentials here; one that sends them is accepted in either case.
#[must_use]
pub fn custom_domain_request(platform: &Platform, client: &Client, domain: &CustomDomain) -> OutboundRequest {
    let body = json!({ "tenantCustomDomain": domain.authority() }).to_string();
    let mut outbound = OutboundRequest::get(
        platform.validation_endpoint(),
        platform.issuer(),
        "custom-domain",
        MAX_RESPONSE_BYTES,
    );
    *outbound.request.method_mut() = Method::POST;
    *outbound.request.body_mut() = Bytes::from(body);
    let content_type = HeaderValue::from_static("application/json");
    outbound.request.headers_mut().insert(CONTENT_TYPE, content_type);
    let authorization = match &client.authentication {
        ClientAuthentication::SecretBasic(secret) | ClientAuthentication::SecretPost(secret) => {
            Some(basic(&client.client_id, secret))
        }
        ClientAuthentication::PrivateKeyJwt(_) | ClientAuthentication::None => None,
    };
    outbound.with_authorization(authorization)
}

/// Judges the answer to a [`custom_domain_request`]: the host to send the browser to, or `None` where the domain is nobody's.
///
/// # Errors
/// [`CustomDomainError::Passing`] for what may succeed later; one variant of [`CustomDomainError`] per rule.
///
/// # Security
/// `domain` must be the one that was asked about: it is what the browser is sent to.
pub fn judge_custom_domain(
    domain: CustomDomain,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Option<TenantHost>, CustomDomainError> {
    if is_passing(status) {
        return Err(CustomDomainError::Passing {
            retry_after: retry_after(headers),
        });
    }
    if status != StatusCode::OK {
        return Err(CustomDomainError::Status(status.as_u16()));
    }
    if !has_media_type(headers, &["application/json"]) {
        return Err(CustomDomainError::ContentType);
    }
    let members = parse_object(body, MAX_RESPONSE_BYTES).map_err(CustomDomainError::Json)?;
    match members.get("valid") {
        Some(Value::Bool(true)) => Ok(Some(domain.vouched_for())),
        Some(Value::Bool(false)) => Ok(None),
        _ => Err(CustomDomainError::NoVerdict),
    }
}
