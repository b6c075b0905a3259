//! Requests for metadata and keys, and key sets.

use http::{Method, StatusCode};
use serde_json::json;

use super::support::*;
use crate::{HttpIssuer, Issuer, KeysError, Reach, discovery_request, jwks_request, parse_jwks};

#[test]
fn metadata_is_asked_for_at_the_well_known_path() {
    for (text, url) in [
        (
            "https://id.example.com",
            "https://id.example.com/.well-known/openid-configuration",
        ),
        (
            "https://id.example.com/",
            "https://id.example.com/.well-known/openid-configuration",
        ),
        (
            "https://id.example.com/a/b",
            "https://id.example.com/a/b/.well-known/openid-configuration",
        ),
        (
            "https://id.example.com/a/b/",
            "https://id.example.com/a/b/.well-known/openid-configuration",
        ),
    ] {
        let outbound = discovery_request(&Issuer::parse(text, HttpIssuer::LoopbackOnly).unwrap());
        assert_eq!(outbound.request.uri(), url);
        assert_eq!(outbound.request.method(), Method::GET);
        assert_eq!(outbound.request.headers()["accept"], "application/json");
        assert_eq!(outbound.reach, Reach::Any);
        assert_eq!(outbound.label, "discovery");
        assert_eq!(outbound.max_response_bytes, 256 * 1024);
    }
}

#[test]
fn keys_are_asked_for_where_the_metadata_says() {
    let outbound = jwks_request(&metadata());
    assert_eq!(outbound.request.uri(), "https://keys.example.net/acme");
    assert_eq!(outbound.reach, Reach::PublicOnly);
    assert_eq!(outbound.label, "jwks");
}

#[test]
fn key_sets_are_accepted_or_refused_as_a_whole() {
    let key = Key::ec();
    let good = json!({"keys": [key.signing.public_jwk()]}).to_string();
    let unusable = json!({"keys": [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        patched(key.signing.public_jwk(), &json!({"use": "enc"})),
        patched(key.signing.public_jwk(), &json!({"key_ops": ["sign"]})),
        patched(key.signing.public_jwk(), &json!({"d": "AAAA"})),
        patched(key.signing.public_jwk(), &json!({"alg": "RS256"})),
        patched(key.signing.public_jwk(), &json!({"x": "AAAA"})),
        7,
    ]});
    let many = json!({"keys": vec![key.signing.public_jwk(); 10_000]}).to_string();
    let json_type = "application/json";
    for (status, media_type, body, expected) in [
        (200, json_type, good.as_str(), "accepted"),
        (200, "application/jwk-set+json", &good, "accepted"),
        (200, "text/html", &good, "ContentType"),
        (304, json_type, "", "Status(304)"),
        (500, json_type, &good, "Status(500)"),
        (302, json_type, &good, "Status(302)"),
        (200, json_type, r#"{"keys":[]}"#, "NoUsableKey"),
        (200, json_type, &unusable.to_string(), "NoUsableKey"),
        (200, json_type, "{}", "KeySet(NoKeys)"),
        (200, json_type, "[]", "KeySet(Json(NotAnObject))"),
        (200, json_type, "<html>", "KeySet(Json(Malformed"),
        (200, json_type, &many, "KeySet("),
    ] {
        let result = parse_jwks(
            StatusCode::from_u16(status).unwrap(),
            &content_type(media_type),
            body.as_bytes(),
        );
        assert!(
            shown(&result).starts_with(expected),
            "{}, expected {expected}",
            shown(&result)
        );
    }
}

#[test]
fn one_usable_key_among_decoys_is_enough() {
    let key = Key::ec();
    let body = json!({"keys": [
        {"kty": "oct", "k": "c2VjcmV0", "kid": key.signing.kid()},
        patched(key.signing.public_jwk(), &json!({"use": "enc"})),
        key.signing.public_jwk(),
    ]});
    let keys = parse_jwks(
        StatusCode::OK,
        &content_type("application/json"),
        body.to_string().as_bytes(),
    )
    .unwrap();
    assert_eq!(keys.len(), 1);
    assert!(verify_at_login(&key.id_token(&claims()), &keys).is_ok());
}

#[test]
fn too_many_keys_are_an_error_of_their_own() {
    let body = json!({"keys": vec![json!({}); 65]}).to_string();
    let result = parse_jwks(StatusCode::OK, &content_type("application/json"), body.as_bytes());
    assert!(matches!(result, Err(KeysError::KeySet(_))));
}
