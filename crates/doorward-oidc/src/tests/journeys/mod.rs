//! Whole logins against a scripted provider: one row per way it can behave, with the calls made and the outcome.
//!
//! Rows named `oidcc-…` are the modules of the OpenID Foundation's relying party test plans (without logout and without
//! optional ones); after a fault no further call is made, which is how those modules judge.

mod knobs;
mod modules;

use doorward_crypto::KeySet;
use http::StatusCode;
use serde_json::{Value, json};

use super::support::*;
use crate::*;

/// What the provider does; honest until a row changes it.
struct Script {
    configured: AuthorizeSettings,
    login: LoginParameters,
    metadata: Value,
    metadata_status: u16,
    metadata_type: &'static str,
    /// The key sets of one fetch after the other; the last one stays.
    key_sets: Vec<Value>,
    /// The response's parameters; `{state}` and `{iss}` stand for the right values.
    callback: String,
    method: ResponseMethod,
    token_status: u16,
    token_type: &'static str,
    /// Changes to the token answer.
    token: Value,
    key: Key,
    /// Changes to the ID token's header and claims.
    header: Value,
    claims: Value,
    break_signature: bool,
    userinfo_status: u16,
    userinfo: Value,
    userinfo_signed: bool,
}

impl Script {
    fn honest(key: Key) -> Self {
        Self {
            configured: settings(ResponseMode::Query),
            login: LoginParameters::default(),
            metadata: metadata_json(),
            metadata_status: 200,
            metadata_type: "application/json",
            key_sets: vec![json!({"keys": [key.signing.public_jwk()]})],
            callback: "state={state}&code=code-1&iss={iss}".to_owned(),
            method: ResponseMethod::Get,
            token_status: 200,
            token_type: "application/json",
            token: json!({}),
            key,
            header: json!({}),
            claims: json!({}),
            break_signature: false,
            userinfo_status: 200,
            userinfo: json!({"sub": SUBJECT, "email": "alice@acme.test", "email_verified": true}),
            userinfo_signed: false,
        }
    }
}

/// What a login came to: the calls made, and the subject or the error.
struct Outcome {
    calls: Vec<&'static str>,
    result: Result<String, String>,
}

fn run(script: &Script) -> Outcome {
    let mut calls = Vec::new();
    let result = log_in(script, &mut calls);
    Outcome { calls, result }
}

/// Does what an engine does: builds each request, judges each answer, stops at the first fault.
fn log_in(script: &Script, calls: &mut Vec<&'static str>) -> Result<String, String> {
    let random = CountingRandom::default();
    calls.push(discovery_request(&issuer()).label);
    let metadata = ProviderMetadata::parse(
        StatusCode::from_u16(script.metadata_status).unwrap(),
        &content_type(script.metadata_type),
        script.metadata.to_string().as_bytes(),
        &issuer(),
    )
    .map_err(|error| format!("{error:?}"))?;

    let (sent, pending) = begun(&random, &metadata, &script.configured, &script.login);
    calls.push("authorize");
    let iss: String = url::form_urlencoded::byte_serialize(ISSUER.as_bytes()).collect();
    let raw = script
        .callback
        .replace("{state}", &value_of(&sent, "state"))
        .replace("{iss}", &iss);
    let params = Params::parse(&raw).unwrap();
    let matched = AuthorizationResponse::parse(&params)
        .and_then(|response| callback::check(&response, script.method, pending))
        .map_err(|error| format!("{error:?}"))?;

    let (outbound, expected) = exchange_request(matched, &metadata, &client(), NOW, &random).unwrap();
    calls.push(outbound.label);
    let tokens = TokenResponse::parse(
        StatusCode::from_u16(script.token_status).unwrap(),
        &content_type(script.token_type),
        token_answer(script, &value_of(&sent, "nonce")).to_string().as_bytes(),
    )
    .map_err(|error| format!("{error:?}"))?;
    let raw = tokens.require_id_token().map_err(|error| format!("{error:?}"))?;

    let rules = IdTokenRules {
        expected: &expected,
        algorithms: metadata.id_token_algorithms(),
        now: NOW,
        access_token: Some(&tokens.access_token),
    };
    let mut keys = fetch_keys(script, &metadata, calls)?;
    let mut verified = id_token::verify(raw, &keys, &rules);
    if verified.as_ref().is_err_and(IdTokenError::needs_key_refetch) {
        keys = fetch_keys(script, &metadata, calls)?;
        verified = id_token::verify(raw, &keys, &rules);
    }
    let id_token = verified.map_err(|error| format!("{error:?}"))?;

    let Some(outbound) = userinfo_request(&metadata, &tokens.access_token) else {
        return Ok(id_token.subject().to_owned());
    };
    calls.push(outbound.label);
    let (media_type, body) = match script.userinfo_signed {
        true => (
            "application/jwt",
            script.key.id_token(&script.userinfo).expose().to_owned(),
        ),
        false => ("application/json", script.userinfo.to_string()),
    };
    parse_userinfo(
        StatusCode::from_u16(script.userinfo_status).unwrap(),
        &content_type(media_type),
        body.as_bytes(),
        &keys,
        metadata.id_token_algorithms(),
        CLIENT_ID,
        metadata.issuer(),
        &id_token,
    )
    .map_err(|error| format!("{error:?}"))?;
    Ok(id_token.subject().to_owned())
}

fn fetch_keys(script: &Script, metadata: &ProviderMetadata, calls: &mut Vec<&'static str>) -> Result<KeySet, String> {
    let fetched = calls.iter().filter(|call| **call == "jwks").count();
    calls.push(jwks_request(metadata).label);
    let body = script.key_sets.get(fetched).or(script.key_sets.last()).unwrap();
    parse_jwks(
        StatusCode::OK,
        &content_type("application/json"),
        body.to_string().as_bytes(),
    )
    .map_err(|error| format!("{error:?}"))
}

fn token_answer(script: &Script, nonce: &str) -> Value {
    let honest = patched(claims(), &json!({ "nonce": nonce }));
    let claims = patched(honest, &script.claims);
    let header = patched(script.key.header(), &script.header);
    let mut raw = script
        .key
        .token(&header, claims.to_string().as_bytes())
        .expose()
        .to_owned();
    if script.break_signature {
        let at = raw.rfind('.').unwrap() + 1;
        let flipped = if raw.as_bytes()[at] == b'A' { "B" } else { "A" };
        raw.replace_range(at..=at, flipped);
    }
    let answer = json!({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 300, "id_token": raw});
    patched(answer, &script.token)
}

const UNTIL_METADATA: &[&str] = &["discovery"];
const UNTIL_CALLBACK: &[&str] = &["discovery", "authorize"];
const UNTIL_TOKEN: &[&str] = &["discovery", "authorize", "token"];
const UNTIL_KEYS: &[&str] = &["discovery", "authorize", "token", "jwks"];
const UNTIL_REFETCH: &[&str] = &["discovery", "authorize", "token", "jwks", "jwks"];
const COMPLETE: &[&str] = &["discovery", "authorize", "token", "jwks", "userinfo"];
const COMPLETE_REFETCH: &[&str] = &["discovery", "authorize", "token", "jwks", "jwks", "userinfo"];

type Row<'a> = (&'a str, fn(&mut Script), &'a [&'a str], &'a str);

/// Runs each row with a key of its own; `accepted` stands for a login of the right subject.
fn check(key: fn() -> Key, rows: &[Row<'_>]) {
    for (name, change, calls, expected) in rows {
        let mut script = Script::honest(key());
        change(&mut script);
        let outcome = run(&script);
        match outcome.result {
            Ok(subject) => {
                assert_eq!(*expected, "accepted", "{name}");
                assert_eq!(subject, SUBJECT, "{name}");
            }
            Err(error) => assert!(error.starts_with(expected), "{name}: {error}, expected {expected}"),
        }
        assert_eq!(outcome.calls, *calls, "{name}");
    }
}
