//! How the application proves to the provider who it is.

use doorward::{Algorithm, ClientAuthentication, Code, Provider, SecretString, SigningKey};
use doorward_testkit::{CLIENT_ID, CLIENT_SECRET, ClientKind, Endpoint, Recorded};
use http::{Method, StatusCode};
use serde_json::Value;

use super::harness::*;
use crate::support::{PROVIDER, World};

fn world(authentication: ClientAuthentication, registered: ClientKind) -> World {
    let provider = Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET).client_authentication(authentication);
    let world = World::with(|builder| builder.provider(provider));
    world.provider.set_client(CLIENT_ID, registered);
    world
}

/// Login, refresh and logout: every request in which a client proves itself.
async fn everything(world: &World) -> Vec<Recorded> {
    world.sign_in().await;
    world.advance(290);
    assert_is(&world.browser, "alice", "after a refresh").await;
    let out = world.browser.request(Method::POST, "/auth/logout").send().await;
    assert_eq!(out.status, StatusCode::OK);
    world.tasks.idle().await;
    let mut requests = world.provider.requests_to(Endpoint::Token);
    requests.extend(world.provider.requests_to(Endpoint::Revocation));
    assert_eq!(requests.len(), 3);
    // The last one was believed too: what it revoked is dead.
    let refresh_token = requests[2].param("token").unwrap();
    assert!(!world.provider.accepts_refresh_token(&refresh_token));
    requests
}

fn secret() -> SecretString {
    CLIENT_SECRET.into()
}

// oidcc-client-test-client-secret-basic
#[tokio::test]
async fn client_secret_basic_goes_form_encoded_into_the_header() {
    let world = world(
        ClientAuthentication::SecretBasic(secret()),
        ClientKind::SecretBasic(CLIENT_SECRET.to_owned()),
    );
    for request in everything(&world).await {
        assert!(request.headers["authorization"].to_str().unwrap().starts_with("Basic "));
        for name in ["client_id", "client_secret", "client_assertion"] {
            assert_eq!(request.param(name), None, "{name}");
        }
    }
}

#[tokio::test]
async fn client_secret_post_goes_into_the_form() {
    let world = world(
        ClientAuthentication::SecretPost(secret()),
        ClientKind::SecretPost(CLIENT_SECRET.to_owned()),
    );
    for request in everything(&world).await {
        assert!(request.headers.get("authorization").is_none());
        assert_eq!(request.param("client_id").as_deref(), Some(CLIENT_ID));
        assert_eq!(request.param("client_secret").as_deref(), Some(CLIENT_SECRET));
    }
}

#[tokio::test]
async fn a_public_client_says_who_it_is_and_proves_nothing() {
    let world = world(ClientAuthentication::None, ClientKind::Public);
    for request in everything(&world).await {
        assert!(request.headers.get("authorization").is_none());
        assert_eq!(request.param("client_id").as_deref(), Some(CLIENT_ID));
        assert_eq!(request.param("client_secret"), None);
    }
    let [exchange, _] = world.provider.requests_to(Endpoint::Token).try_into().unwrap();
    assert!(exchange.param("code_verifier").is_some(), "PKCE is its only proof");
}

// attacks: C12
#[tokio::test]
async fn each_assertion_of_private_key_jwt_is_new_short_lived_and_for_this_issuer() {
    for algorithm in Algorithm::ALL.iter().copied() {
        let key = SigningKey::generate(algorithm).unwrap();
        let public = key.public_jwk();
        let provider = Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET).private_key_jwt(key);
        let world = World::with(|builder| builder.provider(provider));
        world.provider.set_client(CLIENT_ID, ClientKind::Key(public));
        let mut seen = Vec::new();
        for request in everything(&world).await {
            assert!(request.headers.get("authorization").is_none());
            assert_eq!(request.param("client_secret"), None);
            assert_eq!(request.param("client_id").as_deref(), Some(CLIENT_ID));
            let claims = claims(&request.param("client_assertion").unwrap());
            assert_eq!((&claims["iss"], &claims["sub"]), (&CLIENT_ID.into(), &CLIENT_ID.into()));
            assert_eq!(claims["aud"], PROVIDER);
            let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
            assert!(lifetime <= 60, "{lifetime}");
            let id = claims["jti"].as_str().unwrap().to_owned();
            assert!(id.len() >= 22 && !seen.contains(&id), "{id}");
            seen.push(id);
        }
    }
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64_simd::URL_SAFE_NO_PAD.decode_to_vec(payload).unwrap()).unwrap()
}

// attacks: C10
#[tokio::test]
async fn a_client_that_the_provider_refuses_tries_nothing_else() {
    let cases = [
        (
            "basic where post is registered",
            ClientAuthentication::SecretBasic(secret()),
            ClientKind::SecretPost(CLIENT_SECRET.into()),
        ),
        (
            "post where basic is registered",
            ClientAuthentication::SecretPost(secret()),
            ClientKind::SecretBasic(CLIENT_SECRET.into()),
        ),
        (
            "nothing where a secret is registered",
            ClientAuthentication::None,
            ClientKind::Secret(CLIENT_SECRET.into()),
        ),
        (
            "another secret",
            ClientAuthentication::SecretBasic("wrong but long enough".into()),
            ClientKind::Secret(CLIENT_SECRET.into()),
        ),
    ];
    for (name, authentication, registered) in cases {
        let world = world(authentication, registered);
        let page = log_in(&world.browser).await;
        assert_refused(&world, &page, Code::ProviderResponseInvalid, name).await;
        assert_eq!(labels(&world), UNTIL_TOKEN, "{name}");
        assert!(!page.text().contains(CLIENT_SECRET));
    }
}

#[tokio::test]
async fn an_assertion_signed_by_another_key_is_refused_by_the_provider_and_the_login_fails() {
    let registered = SigningKey::generate(Algorithm::Es256).unwrap().public_jwk();
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let provider = Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET).private_key_jwt(key);
    let world = World::with(|builder| builder.provider(provider));
    world.provider.set_client(CLIENT_ID, ClientKind::Key(registered));
    let page = log_in(&world.browser).await;
    assert_refused(&world, &page, Code::ProviderResponseInvalid, "another key").await;
}
