//! The userinfo endpoint: OpenID Connect Core §5.3, RFC 6750.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

use crate::{
    endpoint::Endpoint, mint::extend_with_user, oauth_error::OAuthError, platform, provider::DevProvider, state::Face,
};

pub(crate) async fn respond(State(provider): State<DevProvider>, headers: HeaderMap) -> Response {
    answer(&provider, Face::Standard, &headers).await
}

/// The same for either face; a token of one counts as unknown at the other.
pub(crate) async fn answer(provider: &DevProvider, face: Face, headers: &HeaderMap) -> Response {
    provider
        .answer(Endpoint::Userinfo, || async {
            match claims(provider, face, headers) {
                Ok(claims) => ([(header::CACHE_CONTROL, "no-store")], Json(claims)).into_response(),
                Err(error) => error.into_response(),
            }
        })
        .await
}

fn claims(provider: &DevProvider, face: Face, headers: &HeaderMap) -> Result<Value, OAuthError> {
    let Some(token) = bearer_token(headers) else {
        return Err(OAuthError {
            status: StatusCode::UNAUTHORIZED,
            challenge: Some("Bearer realm=\"doorward development provider\""),
            ..OAuthError::invalid_request("request carries no bearer token")
        });
    };
    let invalid = OAuthError {
        status: StatusCode::UNAUTHORIZED,
        challenge: Some("Bearer realm=\"doorward development provider\", error=\"invalid_token\""),
        ..OAuthError::new("invalid_token", "access token is unknown, expired or revoked")
    };
    let login = {
        let state = provider.state();
        let live = state
            .live_access_token(token, provider.now())
            .filter(|(_, grant)| grant.face == face);
        let Some((token, grant)) = live else {
            return Err(invalid);
        };
        let opened = token.scopes.iter().any(|scope| scope == "openid");
        grant.login.clone().filter(|_| opened).zip(Some(token.scopes.clone()))
    };
    let Some((login, scopes)) = login else {
        return Err(OAuthError {
            status: StatusCode::FORBIDDEN,
            challenge: Some(
                "Bearer realm=\"doorward development provider\", error=\"insufficient_scope\", scope=\"openid\"",
            ),
            ..OAuthError::new("insufficient_scope", "access token lacks the scope openid")
        });
    };
    let Some(user) = provider.user_registry().by_subject(&login.subject) else {
        return Err(invalid);
    };
    let mut claims = Map::new();
    match face {
        Face::Standard => extend_with_user(&mut claims, user),
        Face::Platform => platform::claims::extend_userinfo(&mut claims, provider, &login, user, &scopes),
    }
    Ok(Value::Object(claims))
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
