//! Where everything is: OpenID Connect Discovery 1.0 §3, RFC 8414 §2, and the keys.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use doorward_crypto::Algorithm;
use serde_json::json;

use crate::{endpoint::Endpoint, keys::ALGORITHM, provider::DevProvider};

pub(crate) const AUTHORIZE: &str = "/authorize";
pub(crate) const LOGIN: &str = "/authorize/login";
pub(crate) const TOKEN: &str = "/token";
pub(crate) const USERINFO: &str = "/userinfo";
pub(crate) const JWKS: &str = "/jwks";
pub(crate) const REVOKE: &str = "/revoke";
pub(crate) const INTROSPECT: &str = "/introspect";
pub(crate) const END_SESSION: &str = "/end_session";

/// Authentication contexts one can ask for, weakest first; the first is what one gets unasked.
pub(crate) const ACR_VALUES: [&str; 3] = ["pwd", "mfa", "phr"];

/// Answers the provider metadata.
pub(crate) async fn configuration(State(provider): State<DevProvider>) -> Response {
    provider
        .answer(Endpoint::Discovery, || async {
            Json(metadata(provider.issuer())).into_response()
        })
        .await
}

/// Answers the public keys.
pub(crate) async fn jwks(State(provider): State<DevProvider>) -> Response {
    provider
        .answer(Endpoint::Jwks, || async {
            let keys = provider.state().keys.to_jwks();
            ([(header::CACHE_CONTROL, "no-cache")], Json(keys)).into_response()
        })
        .await
}

fn metadata(issuer: &str) -> serde_json::Value {
    let at = |path: &str| format!("{issuer}{path}");
    let assertion_algorithms: Vec<_> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
    let client_authentication = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
    json!({
        "issuer": issuer,
        "authorization_endpoint": at(AUTHORIZE),
        "token_endpoint": at(TOKEN),
        "userinfo_endpoint": at(USERINFO),
        "jwks_uri": at(JWKS),
        "revocation_endpoint": at(REVOKE),
        "introspection_endpoint": at(INTROSPECT),
        "end_session_endpoint": at(END_SESSION),
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "acr_values_supported": ACR_VALUES,
        "prompt_values_supported": ["none", "login", "create", "select_account", "consent"],
        "display_values_supported": ["page"],
        "id_token_signing_alg_values_supported": [ALGORITHM.name()],
        "claims_supported": [
            "iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid",
            "email", "email_verified", "name", "roles", "tenant",
        ],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "token_endpoint_auth_methods_supported": client_authentication,
        "token_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "revocation_endpoint_auth_methods_supported": client_authentication,
        "revocation_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "introspection_endpoint_auth_methods_supported": client_authentication,
        "introspection_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "ui_locales_supported": ["en"],
    })
}
