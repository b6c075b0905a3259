//! Requests to the token endpoint, and how the client proves itself.

use std::sync::Arc;

use doorward_crypto::{Algorithm, JwsPolicy, SecretString, SigningKey};
use http::Method;
use serde_json::json;

use super::support::*;
use crate::{
    AuthorizationResponse, Client, ClientAuthentication, ExchangeError, LoginParameters, OutboundRequest, Params,
    Reach, ResponseMethod, ResponseMode, callback, exchange_request, refresh_request,
};

fn with(authentication: ClientAuthentication) -> Client {
    Client {
        client_id: CLIENT_ID.to_owned(),
        authentication,
    }
}

fn refresh(client: &Client) -> OutboundRequest {
    let token = SecretString::new("refresh-1");
    refresh_request(&token, &metadata(), client, NOW, &CountingRandom::default()).unwrap()
}

#[test]
fn a_code_is_exchanged_with_its_verifier_and_redirect_uri() {
    let random = CountingRandom::default();
    let login = LoginParameters {
        max_age: Some(60),
        ..LoginParameters::default()
    };
    let (sent, pending) = begun(&random, &metadata(), &settings(ResponseMode::Query), &login);
    let params = Params::parse(&format!(
        "state={}&code=a%2Bb%26c&iss={ISSUER}",
        value_of(&sent, "state")
    ))
    .unwrap();
    let response = AuthorizationResponse::parse(&params).unwrap();
    let matched = callback::check(&response, ResponseMethod::Get, pending).unwrap();
    let (outbound, expected) = exchange_request(matched, &metadata(), &client(), NOW, &random).unwrap();

    assert_eq!(outbound.request.method(), Method::POST);
    assert_eq!(outbound.request.uri(), "https://id.example.com/acme/token");
    assert_eq!(
        outbound.request.headers()["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert_eq!(outbound.request.headers()["accept"], "application/json");
    assert_eq!((outbound.label, outbound.reach), ("token", Reach::Any));
    let form = form_of(&outbound);
    assert_eq!(value_of(&form, "grant_type"), "authorization_code");
    assert_eq!(value_of(&form, "code"), "a+b&c");
    assert_eq!(value_of(&form, "redirect_uri"), REDIRECT_URI);
    assert_eq!(value_of(&form, "code_verifier").len(), 43);

    assert_eq!(expected.issuer, ISSUER);
    assert_eq!(expected.client_id, CLIENT_ID);
    assert_eq!(expected.nonce, Some(value_of(&sent, "nonce")));
    assert_eq!(expected.max_age, Some(60));
    assert_eq!(expected.requested_scope, "openid email");
}

#[test]
fn a_refresh_token_is_exchanged() {
    let outbound = refresh(&client());
    let form = form_of(&outbound);
    assert_eq!(value_of(&form, "grant_type"), "refresh_token");
    assert_eq!(value_of(&form, "refresh_token"), "refresh-1");
    assert_eq!(outbound.label, "token");
}

#[test]
fn basic_authentication_form_encodes_id_and_secret_first() {
    // The header in each row was computed by hand: base64 of the form-encoded pair.
    for (client_id, secret, header) in [
        ("app", "client-secret", "Basic YXBwOmNsaWVudC1zZWNyZXQ="),
        ("a:b", "c d%", "Basic YSUzQWI6YytkJTI1"),
        ("a", "~?>", "Basic YTolN0UlM0YlM0U="),
    ] {
        let client = Client {
            client_id: client_id.to_owned(),
            authentication: ClientAuthentication::SecretBasic(SecretString::new(secret)),
        };
        let outbound = refresh(&client);
        assert_eq!(outbound.request.headers()["authorization"], header, "{client_id}");
        assert!(outbound.request.headers()["authorization"].is_sensitive());
        assert_eq!(form_of(&outbound).once("client_secret"), Ok(None));
        assert_eq!(form_of(&outbound).once("client_id"), Ok(None));
    }
}

#[test]
fn the_other_methods_send_no_authorization_header() {
    let outbound = refresh(&with(ClientAuthentication::SecretPost(SecretString::new("p&q=r"))));
    assert!(!outbound.request.headers().contains_key("authorization"));
    assert_eq!(value_of(&form_of(&outbound), "client_id"), CLIENT_ID);
    assert_eq!(value_of(&form_of(&outbound), "client_secret"), "p&q=r");

    let outbound = refresh(&with(ClientAuthentication::None));
    assert!(!outbound.request.headers().contains_key("authorization"));
    assert_eq!(value_of(&form_of(&outbound), "client_id"), CLIENT_ID);
    assert_eq!(form_of(&outbound).once("client_secret"), Ok(None));
}

// attacks: C12
#[test]
fn each_request_has_a_fresh_assertion_for_this_issuer() {
    let key = Arc::new(SigningKey::generate(Algorithm::Es256).unwrap());
    let keys = key_set(&[key.public_jwk()]);
    let client = with(ClientAuthentication::PrivateKeyJwt(key));
    let random = CountingRandom::default();
    let token = SecretString::new("refresh-1");
    let mut seen = Vec::new();
    for _ in 0..2 {
        let outbound = refresh_request(&token, &metadata(), &client, NOW, &random).unwrap();
        let form = form_of(&outbound);
        assert_eq!(
            value_of(&form, "client_assertion_type"),
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        let policy = JwsPolicy {
            algorithms: &[Algorithm::Es256],
            refused_types: &[],
            required_type: Some("JWT"),
        };
        let assertion = doorward_crypto::verify(&value_of(&form, "client_assertion"), &keys, &policy).unwrap();
        let claims = assertion.claims();
        assert_eq!(claims["iss"], CLIENT_ID);
        assert_eq!(claims["sub"], CLIENT_ID);
        assert_eq!(claims["aud"], ISSUER);
        assert_eq!(claims["iat"], json!(NOW.seconds()));
        assert_eq!(claims["exp"], json!(NOW.seconds() + 60));
        seen.push(claims["jti"].as_str().unwrap().to_owned());
    }
    assert_ne!(seen[0], seen[1]);
    assert_eq!(seen[0].len(), 43);
}

#[test]
fn without_randomness_no_assertion_is_made() {
    let key = Arc::new(SigningKey::generate(Algorithm::Es256).unwrap());
    let client = with(ClientAuthentication::PrivateKeyJwt(key));
    let result = refresh_request(&SecretString::new("r"), &metadata(), &client, NOW, &EmptyRandom);
    assert!(matches!(result, Err(ExchangeError::Random(_))));
}

#[test]
fn a_token_endpoint_on_another_host_is_reached_at_public_addresses_only() {
    let metadata = metadata_with(&json!({"token_endpoint": "https://tokens.example.net/t?v=2"}));
    let outbound = refresh_request(&SecretString::new("r"), &metadata, &client(), NOW, &EmptyRandom).unwrap();
    assert_eq!(outbound.reach, Reach::PublicOnly);
    assert_eq!(outbound.request.uri(), "https://tokens.example.net/t?v=2");
}
