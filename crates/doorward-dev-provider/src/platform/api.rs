//! What servers call at the application host.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    Site,
    browser::{AUTHORIZE, LOGOUT},
};
use crate::{
    client_auth::authenticate, endpoint::Endpoint, keys::ALGORITHM, oauth_error::OAuthError, params::Params,
    provider::DevProvider, state::Face, token, userinfo,
};

pub(crate) const SDK_CONFIGURATION: &str = "/api/v1/clients/{client_id}/sdk-configuration";
pub(crate) const TOKEN: &str = "/api/v1/oauth2/token";
pub(crate) const USERINFO: &str = "/api/v1/oauth2/userinfo";
pub(crate) const REVOKE: &str = "/api/v1/oauth2/revoke";
pub(crate) const JWKS: &str = "/api/v1/oauth2/jwks";
pub(crate) const VALIDATE_CUSTOM_DOMAIN: &str = "/api/v1/custom-domains/validate";

const MAX_BODY_BYTES: usize = 4 * 1024;

/// Tells an SDK how the application is set up. Anybody may ask.
pub(crate) async fn sdk_configuration(State(provider): State<DevProvider>, Path(client_id): Path<String>) -> Response {
    provider
        .answer(Endpoint::SdkConfiguration, || async {
            if provider.clients().get(&client_id).is_none() {
                let unknown = OAuthError {
                    status: StatusCode::NOT_FOUND,
                    ..OAuthError::new("not_found", "client is not known here")
                };
                return unknown.into_response();
            }
            let configuration = provider.state().knobs.platform.sdk_configuration.clone();
            Json(configuration).into_response()
        })
        .await
}

pub(crate) async fn token(State(provider): State<DevProvider>, headers: HeaderMap, body: Bytes) -> Response {
    token::answer(&provider, Face::Platform, &headers, &body).await
}

pub(crate) async fn userinfo(State(provider): State<DevProvider>, headers: HeaderMap) -> Response {
    userinfo::answer(&provider, Face::Platform, &headers).await
}

/// Says whether a domain is some tenant's own. Who asks need not say who they are; who does so must be right.
pub(crate) async fn validate_custom_domain(
    State(provider): State<DevProvider>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    provider
        .answer(Endpoint::CustomDomains, || async {
            match is_valid(&provider, &headers, &body) {
                Ok(valid) => Json(json!({ "valid": valid })).into_response(),
                Err(error) => error.into_response(),
            }
        })
        .await
}

fn is_valid(provider: &DevProvider, headers: &HeaderMap, body: &[u8]) -> Result<bool, OAuthError> {
    if headers.contains_key(header::AUTHORIZATION) {
        authenticate(provider, headers, &Params::default())?;
    }
    let members = doorward_crypto::parse_object(body, MAX_BODY_BYTES)
        .map_err(|error| OAuthError::invalid_request(format!("body is not a JSON object: {error}")))?;
    let domain = members
        .get("tenantCustomDomain")
        .and_then(Value::as_str)
        .ok_or(OAuthError::invalid_request("\"tenantCustomDomain\" is not a string"))?
        .to_ascii_lowercase();
    let judged = provider.state().knobs.platform.custom_domains.get(&domain).copied();
    Ok(judged.unwrap_or_else(|| {
        provider
            .platform()
            .is_some_and(|platform| platform.is_custom_domain(&domain))
    }))
}

/// OpenID Connect Discovery §3, as far as the platform goes.
pub(crate) async fn configuration(State(provider): State<DevProvider>) -> Response {
    provider
        .answer(Endpoint::Discovery, || async {
            let origin = provider
                .platform()
                .map(|platform| platform.origin_of(&Site::Application, false))
                .unwrap_or_default();
            Json(metadata(&origin)).into_response()
        })
        .await
}

fn metadata(issuer: &str) -> Value {
    let at = |path: &str| format!("{issuer}{path}");
    json!({
        "issuer": issuer,
        "authorization_endpoint": at(AUTHORIZE),
        "token_endpoint": at(TOKEN),
        "userinfo_endpoint": at(USERINFO),
        "jwks_uri": at(JWKS),
        "revocation_endpoint": at(REVOKE),
        "end_session_endpoint": at(LOGOUT),
        "scopes_supported": ["openid", "offline_access", "profile", "email", "phone", "roles"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM.name()],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
    })
}
