//! Revocation (RFC 7009) and introspection (RFC 7662).

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{
    client_auth::authenticate,
    clients::Client,
    endpoint::Endpoint,
    members::{extend, object},
    mint::audience,
    oauth_error::OAuthError,
    params::Params,
    provider::DevProvider,
    state::{Face, Grant, digest},
};

pub(crate) async fn revoke(State(provider): State<DevProvider>, headers: HeaderMap, body: Bytes) -> Response {
    provider
        .answer(Endpoint::Revoke, || async {
            let revoked =
                read(&provider, &headers, &body).and_then(|(client, token)| revoke_token(&provider, client, &token));
            match revoked {
                Ok(()) => StatusCode::OK.into_response(),
                Err(error) => error.into_response(),
            }
        })
        .await
}

pub(crate) async fn introspect(State(provider): State<DevProvider>, headers: HeaderMap, body: Bytes) -> Response {
    provider
        .answer(Endpoint::Introspect, || async {
            let described = read(&provider, &headers, &body).and_then(|(client, token)| {
                // RFC 7662 §2.1: the caller has to be somebody, lest tokens be guessed here.
                if client.is_public() {
                    return Err(OAuthError::invalid_client(
                        "introspection needs a client that authenticates",
                    ));
                }
                Ok(describe(&provider, &token))
            });
            match described {
                Ok(body) => ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response(),
                Err(error) => error.into_response(),
            }
        })
        .await
}

fn read<'a>(provider: &'a DevProvider, headers: &HeaderMap, body: &[u8]) -> Result<(&'a Client, String), OAuthError> {
    let params = Params::parse_body(headers, body)?;
    if let Some(name) = params.repeated() {
        return Err(OAuthError::invalid_request(format!(
            "parameter '{name}' is given more than once"
        )));
    }
    let client = authenticate(provider, headers, &params)?;
    let token = params
        .get("token")
        .ok_or(OAuthError::invalid_request("token is missing"))?;
    Ok((client, token.to_owned()))
}

/// RFC 7009 §2.1: a refresh token takes its access tokens with it; an unknown token is as good as revoked.
fn revoke_token(provider: &DevProvider, client: &Client, token: &str) -> Result<(), OAuthError> {
    let key = digest(token);
    let mut state = provider.state();
    let refresh_grant = state.refresh_tokens.get(&key).map(|token| token.grant_id.clone());
    let access_grant = state.access_tokens.get(&key).map(|token| token.grant_id.clone());
    let Some(grant_id) = refresh_grant.as_ref().or(access_grant.as_ref()) else {
        return Ok(());
    };
    let owner = state.grants.get(grant_id).map(|grant| grant.client_id.as_str());
    if owner.is_some_and(|owner| owner != client.client_id) {
        return Err(OAuthError::invalid_grant("token was issued to another client"));
    }
    match refresh_grant {
        Some(grant_id) => state.revoke_grant(&grant_id),
        None => drop(state.access_tokens.remove(&key)),
    }
    Ok(())
}

/// RFC 7662 §2.2: whatever does not count is `{"active": false}` and nothing more.
fn describe(provider: &DevProvider, token: &str) -> Value {
    let now = provider.now();
    let state = provider.state();
    // Only the standard face has this endpoint, so the platform's tokens are unknown to it.
    let is_standard = |grant: &&Grant| grant.face == Face::Standard;
    let access_token = state
        .live_access_token(token, now)
        .filter(|(_, grant)| is_standard(grant));
    let (grant, scopes, mut body) = if let Some((record, grant)) = access_token {
        let body = object([
            ("token_type", json!("Bearer")),
            ("iat", json!(record.issued_at)),
            ("exp", json!(record.expires_at)),
            ("jti", json!(record.jti)),
            ("aud", audience(provider, grant)),
        ]);
        (grant, &record.scopes, body)
    } else if let Some(record) = state
        .refresh_tokens
        .get(&digest(token))
        .filter(|record| !record.used && now < record.expires_at)
    {
        let Some(grant) = state.live_grant(&record.grant_id).filter(is_standard) else {
            return json!({ "active": false });
        };
        let body = object([
            ("token_type", json!("refresh_token")),
            ("exp", json!(record.expires_at)),
        ]);
        (grant, &grant.scopes, body)
    } else {
        return json!({ "active": false });
    };
    let members = [
        ("active", json!(true)),
        ("iss", json!(provider.issuer())),
        ("client_id", json!(grant.client_id)),
        ("scope", json!(scopes.join(" "))),
        (
            "sub",
            json!(grant.login.as_ref().map_or(&grant.client_id, |login| &login.subject)),
        ),
    ];
    extend(&mut body, members);
    if let Some(login) = &grant.login {
        let user = provider.user_registry().by_subject(&login.subject);
        let members = [
            ("auth_time", json!(login.auth_time)),
            ("acr", json!(login.acr)),
            ("username", json!(user.map(|user| user.email.as_str()))),
        ];
        extend(&mut body, members);
    }
    Value::Object(body)
}
