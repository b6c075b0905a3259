//! Revocation and the way to the provider's logout.

use std::sync::Arc;

use doorward_crypto::{Algorithm, SecretString, SigningKey};
use http::StatusCode;
use serde_json::json;

use super::support::*;
use crate::logout::MAX_URL_BYTES;
use crate::{
    Client, ClientAuthentication, EndSession, Params, RevocationError, end_session_url, parse_revocation,
    revocation_request,
};

fn end_session<'a>(hint: Option<&'a SecretString>) -> EndSession<'a> {
    EndSession {
        id_token_hint: hint,
        client_id: CLIENT_ID,
        post_logout_redirect_uri: Some("https://app.example.com/?x=1"),
        state: Some("s&t"),
    }
}

fn query(url: &str) -> Params {
    Params::parse(url.split_once('?').unwrap().1).unwrap()
}

#[test]
fn the_logout_url_names_the_session_by_its_id_token() {
    let hint = SecretString::new("a.b.c");
    let url = end_session_url(&metadata(), end_session(Some(&hint))).unwrap();
    assert!(url.starts_with("https://id.example.com/acme/logout?"));
    let sent = query(&url);
    assert_eq!(value_of(&sent, "id_token_hint"), "a.b.c");
    assert_eq!(
        value_of(&sent, "post_logout_redirect_uri"),
        "https://app.example.com/?x=1"
    );
    assert_eq!(value_of(&sent, "state"), "s&t");
    assert_eq!(sent.once("client_id"), Ok(None));
}

#[test]
fn without_a_hint_the_client_id_takes_its_place() {
    let sent = query(&end_session_url(&metadata(), end_session(None)).unwrap());
    assert_eq!(value_of(&sent, "client_id"), CLIENT_ID);
    assert_eq!(sent.once("id_token_hint"), Ok(None));
    let bare = EndSession {
        id_token_hint: None,
        client_id: CLIENT_ID,
        post_logout_redirect_uri: None,
        state: None,
    };
    assert_eq!(
        end_session_url(&metadata(), bare).unwrap(),
        "https://id.example.com/acme/logout?client_id=app"
    );
}

// attacks: J12
#[test]
fn a_hint_that_makes_the_url_too_long_is_left_out() {
    for length in [7_000, 8_000, 16_000] {
        let hint = SecretString::new("x".repeat(length));
        let url = end_session_url(&metadata(), end_session(Some(&hint))).unwrap();
        assert!(url.len() <= MAX_URL_BYTES);
        assert_eq!(
            query(&url).once("id_token_hint").unwrap().is_some(),
            length < 7_500,
            "{length}"
        );
        assert_eq!(
            query(&url).once("client_id").unwrap().is_some(),
            length > 7_500,
            "{length}"
        );
    }
}

#[test]
fn a_provider_without_logout_has_no_logout_url() {
    let metadata = metadata_with(&json!({"end_session_endpoint": "(absent)"}));
    assert_eq!(end_session_url(&metadata, end_session(None)), None);
    let own_query = metadata_with_query();
    assert_eq!(
        end_session_url(
            &own_query,
            EndSession {
                post_logout_redirect_uri: None,
                state: None,
                ..end_session(None)
            }
        ),
        Some("https://id.example.com/logout?p=1&client_id=app".to_owned())
    );
}

#[test]
fn the_endpoints_own_query_gives_way_to_what_is_sent() {
    let hint = SecretString::new("a.b.c");
    let own = "p=a%20b&client_id=theirs&state=theirs&id_token_hint=x&%73tate=y&flag&post_logout_redirect_uri=z&q=";
    let metadata = metadata_with(&json!({ "end_session_endpoint": format!("https://id.example.com/logout?{own}") }));
    assert_eq!(
        end_session_url(&metadata, end_session(None)).unwrap(),
        "https://id.example.com/logout?p=a%20b&id_token_hint=x&flag&q=&client_id=app\
         &post_logout_redirect_uri=https%3A%2F%2Fapp.example.com%2F%3Fx%3D1&state=s%26t"
    );
    let url = end_session_url(&metadata, end_session(Some(&hint))).unwrap();
    for (name, value) in [("id_token_hint", "a.b.c"), ("state", "s&t"), ("client_id", "theirs")] {
        assert_eq!(query(&url).once(name), Ok(Some(value)));
    }
}

fn metadata_with_query() -> crate::ProviderMetadata {
    metadata_with(&json!({"end_session_endpoint": "https://id.example.com/logout?p=1"}))
}

#[test]
fn a_refresh_token_is_revoked_with_the_clients_proof() {
    let token = SecretString::new("refresh-1");
    let outbound = revocation_request(&metadata(), &client(), &token, NOW, &EmptyRandom).unwrap();
    assert_eq!(outbound.request.uri(), "https://id.example.com/acme/revoke");
    assert_eq!(outbound.label, "revocation");
    assert!(outbound.request.headers().contains_key("authorization"));
    assert_eq!(value_of(&form_of(&outbound), "token"), "refresh-1");
    assert_eq!(value_of(&form_of(&outbound), "token_type_hint"), "refresh_token");
}

// attacks: J1
#[test]
fn revocation_is_left_out_where_it_cannot_be_asked_for() {
    let token = SecretString::new("refresh-1");
    let without = metadata_with(&json!({"revocation_endpoint": "(absent)"}));
    assert!(revocation_request(&without, &client(), &token, NOW, &EmptyRandom).is_none());
    let key = Arc::new(SigningKey::generate(Algorithm::Es256).unwrap());
    let client = Client {
        client_id: CLIENT_ID.to_owned(),
        authentication: ClientAuthentication::PrivateKeyJwt(key),
    };
    assert!(revocation_request(&metadata(), &client, &token, NOW, &EmptyRandom).is_none());
}

// attacks: J1
#[test]
fn a_revocation_is_judged_by_its_status() {
    for (status, expected) in [
        (200, Ok(())),
        (204, Ok(())),
        (302, Err(RevocationError::Refused(302))),
        (400, Err(RevocationError::Refused(400))),
        (401, Err(RevocationError::Refused(401))),
        (429, Err(RevocationError::Passing)),
        (503, Err(RevocationError::Passing)),
    ] {
        assert_eq!(parse_revocation(StatusCode::from_u16(status).unwrap()), expected);
    }
}
