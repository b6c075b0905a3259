//! The token endpoint: RFC 6749 §4.1.3, §4.4 and §6, RFC 7636 §4.6, RFC 9700 §4.14.2.

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use doorward_crypto::{constant_time_eq, sha256_base64url};
use serde_json::{Value, json};

use crate::{
    authorize::{is_resource, parse_scopes},
    client_auth::authenticate,
    clients::Client,
    endpoint::Endpoint,
    login::random_id,
    members::{extend, object},
    mint,
    oauth_error::OAuthError,
    params::Params,
    provider::DevProvider,
    settings::RefreshTokenRotation,
    state::{Face, Grant, digest},
};

pub(crate) async fn post(State(provider): State<DevProvider>, headers: HeaderMap, body: Bytes) -> Response {
    answer(&provider, Face::Standard, &headers, &body).await
}

/// The same for either face; a code or token of one counts as unknown at the other.
pub(crate) async fn answer(provider: &DevProvider, face: Face, headers: &HeaderMap, body: &[u8]) -> Response {
    let params = Params::parse_body(headers, body);
    let grant_type = params.as_ref().ok().and_then(|params| params.get("grant_type"));
    provider.state().stats.count_grant(grant_type);
    provider
        .answer(Endpoint::Token, || async {
            let answer = params
                .map_err(OAuthError::from)
                .and_then(|params| respond(provider, face, headers, &params));
            match answer {
                Ok(body) => (
                    [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")],
                    Json(body),
                )
                    .into_response(),
                Err(error) => {
                    tracing::debug!(error = %error.error, reason = %error.description, "token request refused");
                    error.into_response()
                }
            }
        })
        .await
}

fn respond(provider: &DevProvider, face: Face, headers: &HeaderMap, params: &Params) -> Result<Value, OAuthError> {
    if face == Face::Platform && !headers.contains_key(header::AUTHORIZATION) {
        return Err(OAuthError::invalid_client("request carries no Basic authorization"));
    }
    if let Some(name) = params.repeated() {
        return Err(OAuthError::invalid_request(format!(
            "parameter '{name}' is given more than once"
        )));
    }
    let client = authenticate(provider, headers, params)?;
    match params.get("grant_type") {
        Some("authorization_code") => redeem_code(provider, face, client, params),
        Some("refresh_token") => refresh(provider, face, client, params),
        Some("client_credentials") => grant_to_client(provider, face, client, params),
        Some(_) => Err(OAuthError::new(
            "unsupported_grant_type",
            "grant_type is not one of the three known here",
        )),
        None => Err(OAuthError::invalid_request("grant_type is missing")),
    }
}

/// Exchanges a code for tokens, once.
///
/// # Security
/// A code counts as used from its first presentation by the client it was issued to, whether or not the rest of the
/// request holds: a stolen code leaves no second try. A second presentation revokes what the first one gave
/// (RFC 6749 §4.1.2).
fn redeem_code(provider: &DevProvider, face: Face, client: &Client, params: &Params) -> Result<Value, OAuthError> {
    let required = |name: &'static str| {
        params
            .get(name)
            .ok_or_else(|| OAuthError::invalid_request(format!("{name} is missing")))
    };
    let code = required("code")?;
    let redirect_uri = required("redirect_uri")?;
    let verifier = required("code_verifier")?;
    let now = provider.now();
    let (record, grant) = {
        let mut state = provider.state();
        let unknown = || OAuthError::invalid_grant("code is unknown");
        let key = digest(code);
        let record = state.codes.get(&key).cloned().ok_or_else(unknown)?;
        let grant = state.grants.get(&record.grant_id).cloned();
        let grant = grant.filter(|grant| grant.face == face).ok_or_else(unknown)?;
        if grant.client_id != client.client_id {
            return Err(OAuthError::invalid_grant("code was issued to another client"));
        }
        if record.used {
            state.revoke_grant(&record.grant_id);
            return Err(OAuthError::invalid_grant(
                "code was used before; its tokens are revoked",
            ));
        }
        if let Some(record) = state.codes.get_mut(&key) {
            record.used = true;
        }
        (record, grant)
    };
    if now >= record.expires_at {
        return Err(OAuthError::invalid_grant("code is expired"));
    }
    if redirect_uri != record.redirect_uri {
        return Err(OAuthError::invalid_grant(
            "redirect_uri differs from the authorization request",
        ));
    }
    if !is_verifier(verifier)
        || !constant_time_eq(
            sha256_base64url(verifier.as_bytes()).as_bytes(),
            record.code_challenge.as_bytes(),
        )
    {
        return Err(OAuthError::invalid_grant(
            "code_verifier does not match the code challenge",
        ));
    }
    let refresh_token = if provider.state().knobs.refresh_token && grant.allows_refresh() {
        Some(mint::refresh_token(provider, &record.grant_id, face)?)
    } else {
        None
    };
    issue(
        provider,
        &record.grant_id,
        &grant,
        &grant.scopes,
        record.nonce.as_deref(),
        refresh_token,
    )
}

/// Exchanges a refresh token for new tokens.
fn refresh(provider: &DevProvider, face: Face, client: &Client, params: &Params) -> Result<Value, OAuthError> {
    let token = params
        .get("refresh_token")
        .ok_or(OAuthError::invalid_request("refresh_token is missing"))?;
    let requested = match params.get("scope") {
        None => None,
        Some(scope) => Some(
            parse_scopes(Some(scope)).ok_or(OAuthError::new("invalid_scope", "scope is not a list of scope tokens"))?,
        ),
    };
    let now = provider.now();
    let (grant_id, grant, rotates) = {
        let mut state = provider.state();
        let unknown = || OAuthError::invalid_grant("refresh token is unknown or revoked");
        let key = digest(token);
        let record = state.refresh_tokens.get(&key).cloned().ok_or_else(unknown)?;
        let grant = state.live_grant(&record.grant_id).cloned();
        let grant = grant.filter(|grant| grant.face == face).ok_or_else(unknown)?;
        if grant.client_id != client.client_id {
            return Err(OAuthError::invalid_grant("refresh token was issued to another client"));
        }
        if record.used {
            if state.knobs.rotation == RefreshTokenRotation::ReuseDetection {
                state.revoke_grant(&record.grant_id);
                tracing::warn!(
                    client_id = client.client_id,
                    "refresh token used twice, its whole family is revoked"
                );
                return Err(OAuthError::invalid_grant(
                    "refresh token was used before; its family is revoked",
                ));
            }
            return Err(OAuthError::invalid_grant("refresh token was used before"));
        }
        if now >= record.expires_at {
            return Err(OAuthError::invalid_grant("refresh token is expired"));
        }
        if requested.iter().flatten().any(|scope| !grant.scopes.contains(scope)) {
            return Err(OAuthError::new("invalid_scope", "scope goes beyond what was granted"));
        }
        let rotates = state.knobs.rotation != RefreshTokenRotation::Off;
        if let Some(record) = state.refresh_tokens.get_mut(&key).filter(|_| rotates) {
            record.used = true;
        }
        (record.grant_id, grant, rotates)
    };
    let refresh_token = if rotates {
        Some(mint::refresh_token(provider, &grant_id, face)?)
    } else {
        None
    };
    let scopes = requested.unwrap_or_else(|| grant.scopes.clone());
    // OpenID Connect Core §12.2: a refreshed ID token should carry no nonce.
    issue(provider, &grant_id, &grant, &scopes, None, refresh_token)
}

/// Gives a client an access token of its own.
fn grant_to_client(provider: &DevProvider, face: Face, client: &Client, params: &Params) -> Result<Value, OAuthError> {
    if client.is_public() {
        return Err(OAuthError::new(
            "unauthorized_client",
            "a client without credentials has nothing to be granted",
        ));
    }
    let mut scopes = parse_scopes(params.get("scope"))
        .ok_or(OAuthError::new("invalid_scope", "scope is not a list of scope tokens"))?;
    // Both speak of a person, and there is none.
    scopes.retain(|scope| scope != "openid" && scope != "offline_access");
    let audiences: Vec<String> = params.all("resource").map(str::to_owned).collect();
    if audiences.len() > 8 || !audiences.iter().all(|resource| is_resource(resource)) {
        return Err(OAuthError::new(
            "invalid_target",
            "resource is not an absolute URI without fragment",
        ));
    }
    let grant = Grant {
        face,
        client_id: client.client_id.clone(),
        login: None,
        scopes: scopes.clone(),
        audiences,
        revoked: false,
    };
    let grant_id = random_id()?;
    provider.state().grants.insert(grant_id.clone(), grant.clone());
    issue(provider, &grant_id, &grant, &scopes, None, None)
}

fn issue(
    provider: &DevProvider,
    grant_id: &str,
    grant: &Grant,
    scopes: &[String],
    nonce: Option<&str>,
    refresh_token: Option<String>,
) -> Result<Value, OAuthError> {
    let access = mint::access_token(provider, grant_id, grant, scopes)?;
    let mut body = object([
        ("access_token", json!(access.token)),
        ("token_type", json!("Bearer")),
        ("expires_in", json!(access.expires_in)),
        ("scope", json!(scopes.join(" "))),
    ]);
    if let Some(login) = grant
        .login
        .as_ref()
        .filter(|_| scopes.iter().any(|scope| scope == "openid"))
    {
        let id_token = mint::id_token(provider, grant, login, &access.token, nonce)?;
        extend(&mut body, [("id_token", json!(id_token))]);
    }
    if let Some(refresh_token) = refresh_token {
        extend(&mut body, [("refresh_token", json!(refresh_token))]);
    }
    Ok(Value::Object(body))
}

impl Grant {
    fn allows_refresh(&self) -> bool {
        self.login.is_some() && self.scopes.iter().any(|scope| scope == "offline_access")
    }
}

/// RFC 7636 §4.1.
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}
