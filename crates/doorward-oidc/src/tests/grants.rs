//! Tokens for our own calls.

use std::time::Duration;

use doorward_crypto::SecretString;
use http::StatusCode;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::support::*;
use crate::{
    Client, ClientAuthentication, ExchangeError, ServiceToken, ServiceTokenType, TokenError, TokenExchange,
    TokenTarget, TokenTypeUri, client_credentials_request, token_exchange_request,
};

fn target() -> TokenTarget {
    TokenTarget {
        scope: Some("orders:read a&b=c".to_owned()),
        audience: vec!["billing".to_owned(), "a+b %20".to_owned()],
        resource: vec!["https://api.example.com/?x=1&y=2".to_owned()],
    }
}

fn pairs(outbound: &crate::OutboundRequest) -> Vec<(String, String)> {
    url::form_urlencoded::parse(outbound.request.body())
        .into_owned()
        .collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn public() -> Client {
    Client {
        authentication: ClientAuthentication::None,
        ..client()
    }
}

#[test]
fn client_credentials_ask_with_every_value_encoded() {
    let random = CountingRandom::default();
    let outbound = client_credentials_request(&target(), &metadata(), &client(), NOW, &random).unwrap();
    assert_eq!(outbound.label, "token");
    assert_eq!(outbound.request.uri(), "https://id.example.com/acme/token");
    assert!(outbound.request.headers().contains_key(AUTHORIZATION));
    assert_eq!(
        pairs(&outbound),
        [
            pair("grant_type", "client_credentials"),
            pair("scope", "orders:read a&b=c"),
            pair("audience", "billing"),
            pair("audience", "a+b %20"),
            pair("resource", "https://api.example.com/?x=1&y=2"),
        ]
    );
    let plain = client_credentials_request(&TokenTarget::default(), &metadata(), &client(), NOW, &random).unwrap();
    assert_eq!(pairs(&plain), [pair("grant_type", "client_credentials")]);
}

#[test]
fn a_client_that_does_not_authenticate_gets_no_token_of_its_own() {
    let random = CountingRandom::default();
    let asked = client_credentials_request(&target(), &metadata(), &public(), NOW, &random);
    assert!(matches!(asked, Err(ExchangeError::PublicClient)));
    let token = SecretString::new(ACCESS_TOKEN);
    let exchange = TokenExchange {
        subject_token: &token,
        subject_token_type: TokenTypeUri::AccessToken,
        actor: None,
        requested_token_type: None,
        target: &target(),
    };
    let asked = token_exchange_request(&exchange, &metadata(), &public(), NOW, &random);
    assert!(matches!(asked, Err(ExchangeError::PublicClient)));
}

#[test]
fn a_token_exchange_names_both_tokens_and_what_is_wanted() {
    let (subject, actor) = (SecretString::new("subject&x=y"), SecretString::new("actor token"));
    let exchange = TokenExchange {
        subject_token: &subject,
        subject_token_type: TokenTypeUri::AccessToken,
        actor: Some((&actor, TokenTypeUri::Jwt)),
        requested_token_type: Some(TokenTypeUri::Other("urn:acme:ticket".to_owned())),
        target: &target(),
    };
    let outbound = token_exchange_request(&exchange, &metadata(), &client(), NOW, &CountingRandom::default()).unwrap();
    let sent = pairs(&outbound);
    assert_eq!(
        sent[..6],
        [
            pair("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            pair("subject_token", "subject&x=y"),
            pair("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            pair("actor_token", "actor token"),
            pair("actor_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            pair("requested_token_type", "urn:acme:ticket"),
        ]
    );
    assert_eq!(sent.len(), 10);
    assert!(!format!("{exchange:?} {outbound:?}").contains("subject&x"));
}

fn parsed(status: u16, patch: &Value) -> Result<ServiceToken, TokenError> {
    let answer = json!({"access_token": "service-token", "token_type": "Bearer", "expires_in": 300, "scope": "a b"});
    let body = patched(answer, patch).to_string();
    ServiceToken::parse(
        StatusCode::from_u16(status).unwrap(),
        &content_type("application/json"),
        body.as_bytes(),
    )
}

#[test]
fn a_service_token_is_read_out_of_the_answer() {
    let token = parsed(200, &json!({"refresh_token": "unasked"})).unwrap();
    assert_eq!(token.token.expose(), "service-token");
    assert_eq!(token.token_type, ServiceTokenType::Bearer);
    assert_eq!(token.expires_in, Some(Duration::from_secs(300)));
    assert_eq!(token.scope.as_deref(), Some("a b"));
    assert_eq!(token.issued_token_type, None);
    assert!(!format!("{token:?}").contains("service-token"));

    let uri = |kind: TokenTypeUri| json!(kind.as_str());
    let exchanged = json!({"issued_token_type": uri(TokenTypeUri::IdToken), "token_type": "N_A"});
    let token = parsed(200, &exchanged).unwrap();
    assert_eq!(token.token_type, ServiceTokenType::NotApplicable);
    assert_eq!(token.issued_token_type, Some(TokenTypeUri::IdToken));
    let other = parsed(
        200,
        &json!({"issued_token_type": "urn:acme:ticket", "token_type": "n_a"}),
    )
    .unwrap();
    assert_eq!(
        other.issued_token_type,
        Some(TokenTypeUri::Other("urn:acme:ticket".to_owned()))
    );
}

#[test]
fn an_answer_that_is_no_token_is_refused() {
    let access = "urn:ietf:params:oauth:token-type:access_token";
    for (status, patch, expected) in [
        (200, json!({"token_type": "N_A"}), "Invalid(TokenType)"),
        (
            200,
            json!({"token_type": "N_A", "issued_token_type": access}),
            "Invalid(TokenType)",
        ),
        (200, json!({"token_type": "DPoP"}), "Invalid(TokenType)"),
        (
            200,
            json!({"token_type": "(absent)"}),
            r#"Invalid(Missing("token_type"))"#,
        ),
        (
            200,
            json!({"access_token": "(absent)"}),
            r#"Invalid(Missing("access_token"))"#,
        ),
        (
            200,
            json!({"access_token": "a b"}),
            r#"Invalid(Characters("access_token"))"#,
        ),
        (200, json!({"expires_in": "300"}), r#"Invalid(WrongType("expires_in"))"#),
        (
            200,
            json!({"issued_token_type": 7}),
            r#"Invalid(WrongType("issued_token_type"))"#,
        ),
        (
            200,
            json!({"issued_token_type": "x".repeat(257)}),
            r#"Invalid(TooLong("issued_token_type"))"#,
        ),
        (200, json!({"error": "x"}), "Invalid(ErrorInSuccess)"),
        (400, json!({"error": "invalid_grant"}), "InvalidGrant"),
        (
            400,
            json!({"error": "invalid_target"}),
            r#"Refused { code: "invalid_target" }"#,
        ),
        (
            401,
            json!({"error": "invalid_client"}),
            r#"Refused { code: "invalid_client" }"#,
        ),
        (503, json!({}), "Passing { retry_after: None }"),
        (302, json!({}), "Invalid(Redirect)"),
    ] {
        assert_eq!(shown(&parsed(status, &patch)), expected, "{status} {patch}");
    }
}
