//! What tests turn: statistics, settings, faults.
//!
//! # Security
//! Any web page can send requests to loopback. A POST must therefore be JSON, which a foreign page cannot send without
//! asking first, and nothing may come from a foreign page at all.

use std::time::Duration;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::{
    endpoint::{Endpoint, Fault, FaultBody, Faults},
    guard,
    keys::new_key,
    members::{extend, object},
    oauth_error::OAuthError,
    provider::DevProvider,
    settings::RefreshTokenRotation,
    state::Knobs,
};

const MAX_BODY_BYTES: usize = 64 * 1024;
const MAX_DELAY_MS: u64 = 120_000;

pub(crate) async fn stats(State(provider): State<DevProvider>, headers: HeaderMap) -> Response {
    match admit(&headers) {
        Ok(()) => no_store(Json(provider.stats()).into_response()),
        Err(refusal) => *refusal,
    }
}

/// Every secret of this run; hidden unless the settings expose it.
pub(crate) async fn minted(State(provider): State<DevProvider>, headers: HeaderMap) -> Response {
    if !provider.exposes_minted() {
        return StatusCode::NOT_FOUND.into_response();
    }
    match admit(&headers) {
        Ok(()) => no_store(Json(provider.minted_secrets()).into_response()),
        Err(refusal) => *refusal,
    }
}

/// Hosts and ids of the platform.
pub(crate) async fn platform(State(provider): State<DevProvider>, headers: HeaderMap) -> Response {
    match (admit(&headers), provider.platform_info()) {
        (Ok(()), Some(info)) => no_store(Json(info).into_response()),
        (Ok(()), None) => StatusCode::NOT_FOUND.into_response(),
        (Err(refusal), _) => *refusal,
    }
}

pub(crate) async fn show_settings(State(provider): State<DevProvider>, headers: HeaderMap) -> Response {
    match admit(&headers) {
        Ok(()) => no_store(Json(to_json(&provider, &provider.state().knobs)).into_response()),
        Err(refusal) => *refusal,
    }
}

/// Changes settings, all of those given or none.
pub(crate) async fn change_settings(State(provider): State<DevProvider>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(refusal) = admit_post(&headers) {
        return *refusal;
    }
    let knobs = provider.state().knobs.clone();
    let members = match parse_body(&body) {
        Ok(members) => members,
        Err(error) => return error.into_response(),
    };
    let rotate_keys = match changed(&provider, knobs, members.clone()) {
        Ok((_, rotate_keys)) => rotate_keys,
        Err(error) => return error.into_response(),
    };
    if rotate_keys {
        // Making an RSA key takes long enough to hold up everybody else on this thread.
        let Ok(Ok(key)) = tokio::task::spawn_blocking(new_key).await else {
            return OAuthError::server_error("no signing key could be made").into_response();
        };
        provider.state().keys.rotate(key);
    }
    // Applied to the settings of now: a counted fault may have been taken in the meantime.
    let mut state = provider.state();
    match changed(&provider, state.knobs.clone(), members) {
        Ok((knobs, _)) => state.knobs = knobs,
        Err(error) => return error.into_response(),
    }
    no_store(Json(to_json(&provider, &state.knobs)).into_response())
}

/// Refuses what comes from a foreign page.
fn admit(headers: &HeaderMap) -> Result<(), Box<Response>> {
    if guard::is_same_origin(headers) {
        return Ok(());
    }
    let refusal = OAuthError {
        status: StatusCode::FORBIDDEN,
        ..OAuthError::new(
            "cross_origin",
            "control endpoints answer the provider's own pages and no page",
        )
    };
    Err(Box::new(refusal.into_response()))
}

/// Refuses what comes from a foreign page or is not JSON.
pub(crate) fn admit_post(headers: &HeaderMap) -> Result<(), Box<Response>> {
    admit(headers)?;
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/json")
    {
        return Ok(());
    }
    let refusal = OAuthError {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ..OAuthError::invalid_request("content type is not application/json")
    };
    Err(Box::new(refusal.into_response()))
}

pub(crate) fn parse_body(body: &[u8]) -> Result<Map<String, Value>, OAuthError> {
    doorward_crypto::parse_object(body, MAX_BODY_BYTES)
        .map_err(|error| OAuthError::invalid_request(format!("body is not a JSON object: {error}")))
}

fn changed(provider: &DevProvider, mut knobs: Knobs, members: Map<String, Value>) -> Result<(Knobs, bool), OAuthError> {
    let mut rotate_keys = false;
    for (name, value) in members {
        match name.as_str() {
            "access_token_ttl" => knobs.access_token_ttl = number(&name, &value, 0..=86_400)?,
            "refresh_token_rotation" => {
                knobs.rotation = serde_json::from_value::<RefreshTokenRotation>(value)
                    .map_err(|_| wrong(&name, "\"off\", \"on\" or \"reuse_detection\""))?;
            }
            "refresh_token" => knobs.refresh_token = value.as_bool().ok_or_else(|| wrong(&name, "true or false"))?,
            "auto_login" => {
                knobs.auto_login = match &value {
                    Value::Null => None,
                    Value::String(email) if provider.user_registry().by_email(email).is_some() => Some(email.clone()),
                    _ => return Err(wrong(&name, "the address of a user, or null")),
                }
            }
            "rotate_keys" => rotate_keys = value.as_bool().ok_or_else(|| wrong(&name, "true or false"))?,
            "delays" => change_delays(&mut knobs.faults, &name, value)?,
            "errors" => change_errors(&mut knobs.faults, &name, value)?,
            "platform" if provider.platform().is_some() => knobs.platform.change(provider, &name, value)?,
            _ => return Err(unknown(&name)),
        }
    }
    Ok((knobs, rotate_keys))
}

/// `{"token": 500}`; zero or null takes a delay away, null for the whole takes all away.
fn change_delays(faults: &mut Faults, name: &str, value: Value) -> Result<(), OAuthError> {
    if value.is_null() {
        faults.delays.clear();
    }
    for (path, endpoint, value) in by_endpoint(name, value)? {
        let milliseconds = if value.is_null() {
            0
        } else {
            number(&path, &value, 0..=MAX_DELAY_MS)?
        };
        if milliseconds == 0 {
            faults.delays.remove(&endpoint);
        } else {
            faults.delays.insert(endpoint, Duration::from_millis(milliseconds));
        }
    }
    Ok(())
}

/// `{"token": {"status": 503, "error": "temporarily_unavailable", "retry_after": 2, "count": 3}}`; null takes away.
fn change_errors(faults: &mut Faults, name: &str, value: Value) -> Result<(), OAuthError> {
    if value.is_null() {
        faults.errors.clear();
    }
    for (path, endpoint, value) in by_endpoint(name, value)? {
        let members = match value {
            Value::Null => {
                faults.errors.remove(&endpoint);
                continue;
            }
            Value::Object(members) => members,
            _ => return Err(wrong(&path, "an object or null")),
        };
        let mut fault = Fault {
            status: None,
            error: "server_error".to_owned(),
            retry_after: None,
            count: None,
            body: FaultBody::Error,
            omit: Vec::new(),
        };
        for (member, value) in members {
            let path = format!("{path}.{member}");
            match member.as_str() {
                "status" => fault.status = u16::try_from(number(&path, &value, 400..=599)?).ok(),
                "error" => {
                    fault.error = value
                        .as_str()
                        .filter(|error| crate::params::is_scope_token(error))
                        .ok_or_else(|| wrong(&path, "an error code"))?
                        .to_owned();
                }
                "retry_after" => fault.retry_after = Some(number(&path, &value, 0..=86_400)?),
                "count" => fault.count = Some(number(&path, &value, 1..=1_000_000)?),
                "body" => {
                    fault.body = serde_json::from_value(value)
                        .map_err(|_| wrong(&path, "\"error\", \"empty\", \"invalid_json\" or \"reset\""))?;
                }
                "omit" => fault.omit = names(&path, &value)?,
                _ => return Err(unknown(&path)),
            }
        }
        faults.errors.insert(endpoint, fault);
    }
    Ok(())
}

fn by_endpoint(name: &str, value: Value) -> Result<Vec<(String, Endpoint, Value)>, OAuthError> {
    let members = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Object(members) => members,
        _ => return Err(wrong(name, "an object or null")),
    };
    members
        .into_iter()
        .map(|(member, value)| {
            let path = format!("{name}.{member}");
            match Endpoint::from_name(&member) {
                Some(endpoint) => Ok((path, endpoint, value)),
                None => Err(unknown(&path)),
            }
        })
        .collect()
}

pub(crate) fn number(name: &str, value: &Value, range: std::ops::RangeInclusive<u64>) -> Result<u64, OAuthError> {
    let (first, last) = (range.start(), range.end());
    value
        .as_u64()
        .filter(|number| range.contains(number))
        .ok_or_else(|| wrong(name, &format!("a whole number from {first} to {last}")))
}

/// At least one and at most 16 names of members.
pub(crate) fn names(path: &str, value: &Value) -> Result<Vec<String>, OAuthError> {
    let names: Option<Vec<String>> = value
        .as_array()
        .filter(|names| (1..=16).contains(&names.len()))
        .and_then(|names| names.iter().map(|name| name.as_str().map(str::to_owned)).collect());
    names.ok_or_else(|| wrong(path, "a list of at most 16 names"))
}

pub(crate) fn unknown(path: &str) -> OAuthError {
    OAuthError::invalid_request(format!("unknown setting {path:?}"))
}

pub(crate) fn wrong(name: &str, expected: &str) -> OAuthError {
    OAuthError::invalid_request(format!("setting {name:?} is not {expected}"))
}

fn to_json(provider: &DevProvider, knobs: &Knobs) -> Value {
    let delays: Map<String, Value> = knobs
        .faults
        .delays
        .iter()
        .map(|(endpoint, delay)| (endpoint.name().to_owned(), json!(delay.as_millis() as u64)))
        .collect();
    let errors: Map<String, Value> = knobs
        .faults
        .errors
        .iter()
        .map(|(endpoint, fault)| {
            let fault = json!({
                "status": fault.status, "error": fault.error, "retry_after": fault.retry_after, "count": fault.count,
                "body": fault.body, "omit": fault.omit,
            });
            (endpoint.name().to_owned(), fault)
        })
        .collect();
    let mut settings = object([
        ("access_token_ttl", json!(knobs.access_token_ttl)),
        ("refresh_token_rotation", json!(knobs.rotation)),
        ("refresh_token", json!(knobs.refresh_token)),
        ("auto_login", json!(knobs.auto_login)),
        ("delays", Value::Object(delays)),
        ("errors", Value::Object(errors)),
    ]);
    if provider.platform().is_some() {
        extend(&mut settings, [("platform", knobs.platform.to_json())]);
    }
    Value::Object(settings)
}

pub(crate) fn no_store(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
