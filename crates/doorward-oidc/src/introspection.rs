//! Introspection of access tokens that say nothing by themselves (RFC 7662).
//!
//! The answer's rules, in the order applied: status 200; `application/json`; one strict JSON object of at most 64 KB; `active`
//! is a boolean, and `true`; then the rules of [`access_token`](crate::access_token) about claims, with three differences:
//! `iss` may be absent, since the issuer's own endpoint was asked; so may `exp`, the token is then believed for thirty
//! seconds; and the answer names an audience of ours, or, where the provider issues tokens without one, says that this is an
//! access token, since the endpoint knows refresh tokens as well (§4).
//!
//! Nothing but an answer that passes all of it lets anybody in: an error leaves the token undecided.

use doorward_crypto::{Random, SecretString, parse_object};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::access_token::{AccessTokenRules, Form, VerifiedAccessToken, judge};
use crate::client::{Client, ClientAuthentication};
use crate::client_auth::authenticate;
use crate::error::{ExchangeError, IntrospectionError};
use crate::exchange::{self, OutboundRequest, has_media_type, is_passing, retry_after};
use crate::metadata::ProviderMetadata;
use crate::time::UnixTime;

const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// What the provider says of a token.
#[derive(Clone, Debug)]
pub enum Introspection {
    /// It is good, and passes our own rules too.
    Active(Box<VerifiedAccessToken>),
    /// It is expired, revoked, not the provider's, or not for us; the provider does not say which (RFC 7662 §2.2).
    Inactive,
}

/// Asks the provider about a token that somebody presents.
///
/// Returns `None` where the provider has no introspection endpoint.
///
/// # Errors
/// [`ExchangeError::PublicClient`] for a client that does not authenticate (RFC 7662 §2.1); [`ExchangeError::Random`] and
/// [`ExchangeError::Signing`] from `private_key_jwt`.
///
/// # Security
/// `token` is the caller's. Form-encoding keeps it one parameter, whatever it holds.
pub fn introspection_request(
    metadata: &ProviderMetadata,
    client: &Client,
    token: &SecretString,
    now: UnixTime,
    random: &dyn Random,
) -> Result<Option<OutboundRequest>, ExchangeError> {
    let Some(endpoint) = metadata.introspection_endpoint() else {
        return Ok(None);
    };
    if matches!(client.authentication, ClientAuthentication::None) {
        return Err(ExchangeError::PublicClient);
    }
    let mut form = exchange::Form::new();
    form.push("token", token.expose());
    form.push("token_type_hint", "access_token");
    let authorization = authenticate(client, metadata.issuer(), now, random, &mut form)?;
    let outbound = OutboundRequest::post_form(endpoint, metadata.issuer(), form, "introspection", MAX_RESPONSE_BYTES);
    Ok(Some(outbound.with_authorization(authorization)))
}

/// Judges the answer to an [`introspection_request`].
///
/// # Errors
/// [`IntrospectionError::Token`] if an active token breaks a rule of ours; every other variant of [`IntrospectionError`] says
/// that nothing is known of the token.
///
/// # Security
/// Only a JSON `true` is active: `"true"` and `1` are what a proxy or a careless template makes of something else.
pub fn parse_introspection(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    rules: &AccessTokenRules,
    now: UnixTime,
) -> Result<Introspection, IntrospectionError> {
    if is_passing(status) {
        return Err(IntrospectionError::Passing {
            retry_after: retry_after(headers),
        });
    }
    if status != StatusCode::OK {
        return Err(IntrospectionError::Status(status.as_u16()));
    }
    if !has_media_type(headers, &["application/json"]) {
        return Err(IntrospectionError::ContentType);
    }
    let members = parse_object(body, MAX_RESPONSE_BYTES).map_err(IntrospectionError::Json)?;
    match members.get("active") {
        Some(Value::Bool(true)) => {}
        Some(Value::Bool(false)) => return Ok(Introspection::Inactive),
        _ => return Err(IntrospectionError::Active),
    }
    let token = judge(members, None, Form::Introspected, rules, now).map_err(IntrospectionError::Token)?;
    Ok(Introspection::Active(Box::new(token)))
}
