//! Which client is calling: RFC 6749 §2.3, RFC 7523 §3.
//!
//! In this order: exactly one method is used; the client is known; the method fits the client; the proof holds.

use axum::http::{HeaderMap, header};
use doorward_crypto::{Algorithm, JwsPolicy};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::{clients::Client, discovery, oauth_error::OAuthError, params::Params, provider::DevProvider};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far in the future an assertion may end, in seconds.
const MAX_ASSERTION_LIFETIME: u64 = 600;

/// Finds out which client sent a request and makes it prove so.
pub(crate) fn authenticate<'a>(
    provider: &'a DevProvider,
    headers: &HeaderMap,
    params: &Params,
) -> Result<&'a Client, OAuthError> {
    let authorization = headers.get(header::AUTHORIZATION);
    let secret = params.get("client_secret");
    let assertion = params.get("client_assertion");
    let methods = [authorization.is_some(), secret.is_some(), assertion.is_some()];
    if methods.into_iter().filter(|used| *used).count() > 1 {
        return Err(OAuthError::invalid_request(
            "request uses more than one client authentication method",
        ));
    }
    if let Some(authorization) = authorization {
        let (client_id, secret) =
            authorization
                .to_str()
                .ok()
                .and_then(parse_basic)
                .ok_or(OAuthError::invalid_client(
                    "authorization header is not well-formed Basic",
                ))?;
        if params.get("client_id").is_some_and(|other| other != client_id) {
            return Err(OAuthError::invalid_request(
                "client_id differs from the authorization header",
            ));
        }
        return check_secret(provider, &client_id, &secret);
    }
    if let Some(assertion) = assertion {
        if params.get("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(OAuthError::invalid_request("client_assertion_type is not jwt-bearer"));
        }
        return check_assertion(provider, assertion, params.get("client_id"));
    }
    let client_id = params
        .get("client_id")
        .ok_or(OAuthError::invalid_client("request carries no client authentication"))?;
    if let Some(secret) = secret {
        return check_secret(provider, client_id, secret);
    }
    provider
        .clients()
        .get(client_id)
        .filter(|client| client.is_public())
        .ok_or(OAuthError::invalid_client("client is unknown or has to authenticate"))
}

fn check_secret<'a>(provider: &'a DevProvider, client_id: &str, secret: &str) -> Result<&'a Client, OAuthError> {
    provider
        .clients()
        .get(client_id)
        .filter(|client| client.secret.as_ref().is_some_and(|expected| expected.matches(secret)))
        .ok_or(OAuthError::invalid_client("client is unknown or its secret is wrong"))
}

/// RFC 6749 §2.3.1: ID and secret are each form-urlencoded before they are joined by a colon.
fn parse_basic(header: &str) -> Option<(String, String)> {
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64_simd::STANDARD
        .decode_to_vec(credentials.trim_start_matches(' '))
        .ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (client_id, secret) = decoded.split_once(':')?;
    Some((form_decode(client_id)?, form_decode(secret)?))
}

fn form_decode(text: &str) -> Option<String> {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8()
        .ok()
        .map(|decoded| decoded.into_owned())
}

/// RFC 7523 §3: issued and signed by the client about itself, for us, once, soon over.
fn check_assertion<'a>(
    provider: &'a DevProvider,
    assertion: &str,
    client_id: Option<&str>,
) -> Result<&'a Client, OAuthError> {
    let refuse = OAuthError::invalid_client;
    let policy = JwsPolicy {
        algorithms: Algorithm::ALL,
        refused_types: &["at+jwt", "id+jwt", "logout+jwt"],
        required_type: None,
    };
    let (client, payload) = provider
        .clients()
        .iter()
        .filter(|client| client_id.is_none_or(|client_id| client.client_id == client_id))
        .filter_map(|client| Some((client, client.keys.as_ref()?)))
        .find_map(|(client, keys)| Some((client, doorward_crypto::verify(assertion, keys, &policy).ok()?)))
        .ok_or(refuse("client assertion is not signed by a known client"))?;
    let claims = payload.claims();
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(&client.client_id) || text("sub") != Some(&client.client_id) {
        return Err(refuse("client assertion is not issued by the client about itself"));
    }
    let is_ours = |audience: &Value| {
        audience.as_str().is_some_and(|audience| {
            audience == provider.issuer() || audience.strip_prefix(provider.issuer()) == Some(discovery::TOKEN)
        })
    };
    let for_us = match claims.get("aud") {
        Some(Value::Array(audiences)) => audiences.iter().any(is_ours),
        Some(audience) => is_ours(audience),
        None => false,
    };
    if !for_us {
        return Err(refuse("client assertion has another audience"));
    }
    let now = provider.now();
    let expires_at = claims
        .get("exp")
        .and_then(Value::as_u64)
        .filter(|expires_at| (now..=now + MAX_ASSERTION_LIFETIME).contains(expires_at))
        .ok_or(refuse("client assertion is expired or lives too long"))?;
    let jti = text("jti")
        .filter(|jti| jti.len() <= 256)
        .ok_or(refuse("client assertion has no \"jti\" claim"))?;
    let key = format!("{} {jti}", client.client_id);
    let mut state = provider.state();
    if state.assertions.get(&key).is_some_and(|used_until| now <= *used_until) {
        return Err(refuse("client assertion was used before"));
    }
    state.assertions.insert(key, expires_at);
    Ok(client)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_form_decoded() {
        let encode = |text: &str| base64_simd::STANDARD.encode_to_string(text);
        let parse = |text: &str| parse_basic(&format!("Basic {}", encode(text)));
        assert_eq!(parse("app:secret"), Some(("app".into(), "secret".into())));
        assert_eq!(parse("a%3Ab:p%2Bq+r"), Some(("a:b".into(), "p+q r".into())));
        assert_eq!(parse("app:a:b"), Some(("app".into(), "a:b".into())));
        assert_eq!(parse("app"), None);
        assert_eq!(parse_basic("Bearer abc"), None);
        assert_eq!(parse_basic("Basic !!!"), None);
        assert_eq!(parse_basic("Basic"), None);
    }
}
