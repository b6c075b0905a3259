//! The token endpoint: exchanging codes and refresh tokens, and reading the answer (RFC 6749 §4.1.3, §5 and §6).
//!
//! The answer's rules, in the order applied: a status of 200, else an error is read out of it; `application/json`; one strict
//! JSON object of at most 256 KB without `error`; `token_type` is `Bearer` in any case; `access_token` is there; each token has
//! printable ASCII only and at most 16 KB; `expires_in` is a number from 0 to ten years; `scope` is text.

use std::time::Duration;

use doorward_crypto::{Random, SecretString, parse_object};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::callback::MatchedCallback;
use crate::client::Client;
use crate::client_auth::authenticate;
use crate::error::{ExchangeError, TokenError, TokenFault};
use crate::exchange::{Form, OutboundRequest, has_media_type, is_passing, retry_after};
use crate::fields;
use crate::id_token::ExpectedIdToken;
use crate::metadata::ProviderMetadata;
use crate::time::UnixTime;

pub(crate) const MAX_RESPONSE_BYTES: usize = 256 * 1024;
const MAX_TOKEN_BYTES: usize = 16 * 1024;
const MAX_SCOPE_BYTES: usize = 4 * 1024;
const MAX_LIFETIME_SECONDS: f64 = 10.0 * 365.25 * 86_400.0;

/// Error codes worth telling apart in a log (RFC 6749 §5.2, RFC 8707 §2, RFC 9449 §5 and §8).
const REFUSALS: &[&str] = &[
    "invalid_request",
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
    "invalid_dpop_proof",
    "use_dpop_nonce",
];

/// Exchanges a code: returns the request to send, and what the ID token in its answer must show.
///
/// Takes the callback by value: a code is presented once.
///
/// # Errors
/// [`ExchangeError::ProviderMismatch`] and [`ExchangeError::ClientMismatch`] if the login began elsewhere than `metadata` and
/// `client` say (RFC 9700 §4.4: a code goes to the provider that was asked, or nowhere); [`ExchangeError::Random`] and
/// [`ExchangeError::Signing`] from `private_key_jwt`.
pub fn exchange_request(
    callback: MatchedCallback,
    metadata: &ProviderMetadata,
    client: &Client,
    now: UnixTime,
    random: &dyn Random,
) -> Result<(OutboundRequest, ExpectedIdToken), ExchangeError> {
    let MatchedCallback { code, pending } = callback;
    if pending.issuer != metadata.issuer().as_str() {
        return Err(ExchangeError::ProviderMismatch);
    }
    if pending.client_id != client.client_id {
        return Err(ExchangeError::ClientMismatch);
    }
    let mut form = Form::new();
    form.push("grant_type", "authorization_code");
    form.push("code", code.expose());
    form.push("redirect_uri", &pending.redirect_uri);
    form.push("code_verifier", pending.code_verifier.expose());
    let outbound = token_request(form, metadata, client, now, random)?;
    let expected = ExpectedIdToken {
        issuer: pending.issuer,
        client_id: pending.client_id,
        nonce: Some(pending.nonce.expose().to_owned()),
        max_age: pending.max_age,
        acr_values: pending.acr_values,
        requested_scope: pending.requested_scope,
    };
    Ok((outbound, expected))
}

/// Exchanges a refresh token.
///
/// # Errors
/// [`ExchangeError::Random`] and [`ExchangeError::Signing`] from `private_key_jwt`.
pub fn refresh_request(
    refresh_token: &SecretString,
    metadata: &ProviderMetadata,
    client: &Client,
    now: UnixTime,
    random: &dyn Random,
) -> Result<OutboundRequest, ExchangeError> {
    let mut form = Form::new();
    form.push("grant_type", "refresh_token");
    form.push("refresh_token", refresh_token.expose());
    token_request(form, metadata, client, now, random)
}

pub(crate) fn token_request(
    mut form: Form,
    metadata: &ProviderMetadata,
    client: &Client,
    now: UnixTime,
    random: &dyn Random,
) -> Result<OutboundRequest, ExchangeError> {
    let authorization = authenticate(client, metadata.issuer(), now, random, &mut form)?;
    let outbound = OutboundRequest::post_form(
        metadata.token_endpoint(),
        metadata.issuer(),
        form,
        "token",
        MAX_RESPONSE_BYTES,
    );
    Ok(outbound.with_authorization(authorization))
}

/// Tokens out of a token endpoint's answer. The ID token is not verified yet.
#[derive(Clone, Debug)]
pub struct TokenResponse {
    /// The access token: 1 to 16,384 printable ASCII characters without spaces, fit for a header.
    pub access_token: SecretString,
    /// How long the access token lives; absent if the provider does not say.
    pub expires_in: Option<Duration>,
    /// The refresh token; absent after a refresh means that the old one stays.
    pub refresh_token: Option<SecretString>,
    /// The ID token, not verified.
    pub id_token: Option<SecretString>,
    /// The scope granted; absent means as requested, empty means none.
    pub scope: Option<String>,
}

impl TokenResponse {
    /// Judges a token endpoint's answer.
    ///
    /// # Errors
    /// [`TokenError::InvalidGrant`] only for a 4xx answer in JSON whose `error` is `invalid_grant`: it ends sessions, and no
    /// proxy's error page may. [`TokenError::Passing`] for what may succeed later, [`TokenError::Refused`] for other errors,
    /// [`TokenError::Invalid`] for an answer that breaks the protocol.
    pub fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Self, TokenError> {
        if status != StatusCode::OK {
            return Err(failure(status, headers, body));
        }
        success(headers, body).map_err(TokenError::Invalid)
    }

    /// Returns the ID token, which a login must have.
    ///
    /// # Errors
    /// [`TokenFault::Missing`] without one.
    pub fn require_id_token(&self) -> Result<&SecretString, TokenError> {
        self.id_token
            .as_ref()
            .ok_or(TokenError::Invalid(TokenFault::Missing("id_token")))
    }

    /// Returns the scope granted, where `requested` was asked for (RFC 6749 §5.1: absent means as requested).
    #[must_use]
    pub fn granted_scope<'a>(&'a self, requested: &'a str) -> &'a str {
        self.scope.as_deref().unwrap_or(requested)
    }
}

fn success(headers: &HeaderMap, body: &[u8]) -> Result<TokenResponse, TokenFault> {
    if !has_media_type(headers, &["application/json"]) {
        return Err(TokenFault::ContentType);
    }
    let members = parse_object(body, MAX_RESPONSE_BYTES).map_err(TokenFault::Json)?;
    if members.contains_key("error") {
        return Err(TokenFault::ErrorInSuccess);
    }
    let token_type = fields::string(&members, "token_type")?.ok_or(TokenFault::Missing("token_type"))?;
    if !token_type.eq_ignore_ascii_case("Bearer") {
        return Err(TokenFault::TokenType);
    }
    Ok(TokenResponse {
        access_token: token(&members, "access_token")?.ok_or(TokenFault::Missing("access_token"))?,
        expires_in: expires_in(&members)?,
        refresh_token: token(&members, "refresh_token")?,
        id_token: token(&members, "id_token")?,
        scope: scope(&members)?,
    })
}

pub(crate) fn failure(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> TokenError {
    if is_passing(status) {
        return TokenError::Passing {
            retry_after: retry_after(headers),
        };
    }
    if status.is_redirection() {
        return TokenError::Invalid(TokenFault::Redirect);
    }
    if !status.is_client_error() {
        return TokenError::Invalid(TokenFault::Status(status.as_u16()));
    }
    let members = match has_media_type(headers, &["application/json"]) {
        true => parse_object(body, MAX_RESPONSE_BYTES).unwrap_or_default(),
        false => Map::new(),
    };
    let code = members.get("error").and_then(Value::as_str).unwrap_or_default();
    match code {
        "invalid_grant" => TokenError::InvalidGrant,
        "temporarily_unavailable" | "server_error" | "slow_down" => TokenError::Passing {
            retry_after: retry_after(headers),
        },
        _ => TokenError::Refused {
            code: REFUSALS.iter().find(|known| **known == code).unwrap_or(&"other"),
        },
    }
}

pub(crate) fn token(members: &Map<String, Value>, name: &'static str) -> Result<Option<SecretString>, TokenFault> {
    let Some(text) = fields::string(members, name)? else {
        return Ok(None);
    };
    if text.len() > MAX_TOKEN_BYTES {
        return Err(TokenFault::TooLong(name));
    }
    // Security: a token goes into a header; a line break in it would begin another one.
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenFault::Characters(name));
    }
    Ok(Some(SecretString::new(text)))
}

pub(crate) fn expires_in(members: &Map<String, Value>) -> Result<Option<Duration>, TokenFault> {
    let seconds = match members.get("expires_in") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_f64().ok_or(TokenFault::ExpiresIn)?,
        Some(_) => return Err(TokenFault::WrongType("expires_in")),
    };
    // Written so that a NaN is refused too.
    if !(0.0..=MAX_LIFETIME_SECONDS).contains(&seconds) {
        return Err(TokenFault::ExpiresIn);
    }
    Duration::try_from_secs_f64(seconds.floor())
        .map(Some)
        .map_err(|_| TokenFault::ExpiresIn)
}

pub(crate) fn scope(members: &Map<String, Value>) -> Result<Option<String>, TokenFault> {
    let Some(text) = fields::string(members, "scope")? else {
        return Ok(None);
    };
    if text.len() > MAX_SCOPE_BYTES {
        return Err(TokenFault::TooLong("scope"));
    }
    if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err(TokenFault::Characters("scope"));
    }
    Ok(Some(text.to_owned()))
}
