//! Answers of the token endpoint.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::*;
use crate::{TokenError, TokenFault, TokenResponse};

fn honest() -> Value {
    json!({
        "access_token": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": 300,
        "refresh_token": "refresh-1",
        "id_token": "a.b.c",
        "scope": "openid email",
    })
}

fn parse(status: u16, headers: &HeaderMap, body: &str) -> Result<TokenResponse, TokenError> {
    TokenResponse::parse(StatusCode::from_u16(status).unwrap(), headers, body.as_bytes())
}

fn parse_patched(patch: &Value) -> Result<TokenResponse, TokenError> {
    parse(
        200,
        &content_type("application/json"),
        &patched(honest(), patch).to_string(),
    )
}

fn check(patch: Value, expected: &str) {
    let result = parse_patched(&patch);
    assert_eq!(shown(&result), expected, "{patch}");
}

#[test]
fn an_honest_answer_is_read() {
    let tokens = parse_patched(&json!({})).unwrap();
    assert_eq!(tokens.access_token.expose(), ACCESS_TOKEN);
    assert_eq!(tokens.expires_in, Some(Duration::from_secs(300)));
    assert_eq!(tokens.refresh_token.as_ref().unwrap().expose(), "refresh-1");
    assert_eq!(tokens.require_id_token().unwrap().expose(), "a.b.c");
    assert_eq!(tokens.scope.as_deref(), Some("openid email"));
}

// attacks: C1, C2, C10
// weakness: M13, M16
#[test]
fn statuses_other_than_200_come_to_what_they_mean() {
    let json = content_type("application/json");
    for (status, body, expected) in [
        (204, "", "Invalid(Status(204))"),
        (201, "{}", "Invalid(Status(201))"),
        (302, "", "Invalid(Redirect)"),
        (307, "", "Invalid(Redirect)"),
        (304, "", "Invalid(Redirect)"),
        (400, r#"{"error":"invalid_grant"}"#, "InvalidGrant"),
        (401, r#"{"error":"invalid_grant"}"#, "InvalidGrant"),
        (
            401,
            r#"{"error":"invalid_client"}"#,
            "Refused { code: \"invalid_client\" }",
        ),
        (
            400,
            r#"{"error":"invalid_scope"}"#,
            "Refused { code: \"invalid_scope\" }",
        ),
        (
            400,
            r#"{"error":"unauthorized_client"}"#,
            "Refused { code: \"unauthorized_client\" }",
        ),
        (400, r#"{"error":"<script>"}"#, "Refused { code: \"other\" }"),
        (400, r#"{"error":["invalid_grant"]}"#, "Refused { code: \"other\" }"),
        (
            400,
            r#"{"error":"invalid_grant","error":"x"}"#,
            "Refused { code: \"other\" }",
        ),
        (400, "<html>", "Refused { code: \"other\" }"),
        (403, "", "Refused { code: \"other\" }"),
        (
            400,
            r#"{"error":"temporarily_unavailable"}"#,
            "Passing { retry_after: None }",
        ),
        (400, r#"{"error":"server_error"}"#, "Passing { retry_after: None }"),
        (408, "", "Passing { retry_after: None }"),
        (429, r#"{"error":"invalid_grant"}"#, "Passing { retry_after: None }"),
        (500, r#"{"error":"invalid_grant"}"#, "Passing { retry_after: None }"),
        (502, "<html>", "Passing { retry_after: None }"),
        (503, "", "Passing { retry_after: None }"),
    ] {
        assert_eq!(shown(&parse(status, &json, body)), expected, "{status} {body}");
    }
    // A proxy's page must not end sessions, whatever it says.
    let result = parse(400, &content_type("text/html"), r#"{"error":"invalid_grant"}"#);
    assert!(matches!(result, Err(TokenError::Refused { code: "other" })));
}

#[test]
fn retry_after_is_read_in_seconds_up_to_an_hour() {
    for (value, expected) in [
        ("2", Some(2)),
        ("0", Some(0)),
        ("3600", Some(3_600)),
        ("9999999999", Some(3_600)),
        ("99999999999999999999", None),
        ("-1", None),
        ("1.5", None),
        ("", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().unwrap());
        match parse(429, &headers, "") {
            Err(TokenError::Passing { retry_after }) => {
                assert_eq!(retry_after, expected.map(Duration::from_secs), "{value}");
            }
            result => panic!("{value}: {result:?}"),
        }
    }
}

// attacks: C2, C4
#[test]
fn a_200_must_be_one_strict_json_object_without_error() {
    let body = honest().to_string();
    for value in ["text/html", "application/x-www-form-urlencoded", "text/plain"] {
        let result = parse(200, &content_type(value), &body);
        assert!(
            matches!(result, Err(TokenError::Invalid(TokenFault::ContentType))),
            "{value}"
        );
    }
    let json = content_type("application/json; charset=utf-8");
    assert!(parse(200, &json, &body).is_ok());
    let twice = body.replacen('{', r#"{"id_token":"x.y.z","#, 1);
    for (body, expected) in [
        (twice.as_str(), "Invalid(Json(DuplicateMember"),
        ("[]", "Invalid(Json(NotAnObject"),
        ("", "Invalid(Json(Malformed"),
        ("access_token=a&token_type=Bearer", "Invalid(Json(Malformed"),
        (&format!("{}{}", " ".repeat(256 * 1024), body), "Invalid(Json(TooLarge"),
    ] {
        let result = shown(&parse(200, &json, body));
        assert!(result.starts_with(expected), "{result}, expected {expected}");
    }
    check(json!({"error": "invalid_grant"}), "Invalid(ErrorInSuccess)");
    check(json!({"error": null}), "Invalid(ErrorInSuccess)");
}

// attacks: C4
#[test]
fn a_login_needs_an_id_token() {
    for absent in [json!("(absent)"), json!(null)] {
        let tokens = parse_patched(&json!({ "id_token": absent })).unwrap();
        let result = tokens.require_id_token();
        assert!(matches!(
            result,
            Err(TokenError::Invalid(TokenFault::Missing("id_token")))
        ));
    }
    check(json!({"id_token": ["a.b.c"]}), r#"Invalid(WrongType("id_token"))"#);
    check(json!({"id_token": {}}), r#"Invalid(WrongType("id_token"))"#);
    check(json!({"id_token": ""}), r#"Invalid(Characters("id_token"))"#);
    check(
        json!({"id_token": "x".repeat(16 * 1024 + 1)}),
        r#"Invalid(TooLong("id_token"))"#,
    );
}

// attacks: C5
#[test]
fn the_token_type_is_bearer_in_any_case() {
    for accepted in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        check(json!({ "token_type": accepted }), "accepted");
    }
    for refused in ["mac", "DPoP", "", "Bearer ", "N_A"] {
        check(json!({ "token_type": refused }), "Invalid(TokenType)");
    }
    check(json!({"token_type": "(absent)"}), r#"Invalid(Missing("token_type"))"#);
    check(json!({"token_type": null}), r#"Invalid(Missing("token_type"))"#);
    check(json!({"token_type": ["Bearer"]}), r#"Invalid(WrongType("token_type"))"#);
}

// attacks: C6
#[test]
fn expires_in_is_a_number_within_bounds_or_absent() {
    for (value, seconds) in [
        (json!("(absent)"), None),
        (json!(null), None),
        (json!(0), Some(0)),
        (json!(3600), Some(3_600)),
        (json!(3600.5), Some(3_600)),
        (json!(315_000_000), Some(315_000_000)),
    ] {
        let tokens = parse_patched(&json!({ "expires_in": value })).unwrap();
        assert_eq!(tokens.expires_in, seconds.map(Duration::from_secs), "{value}");
    }
    for value in [
        json!(-1),
        json!(-0.5),
        json!(1e12),
        json!(1e300),
        json!(u64::MAX),
        json!(316_000_000),
    ] {
        check(json!({ "expires_in": value }), "Invalid(ExpiresIn)");
    }
    for value in [json!("3600"), json!(true), json!([1]), json!({})] {
        check(json!({ "expires_in": value }), r#"Invalid(WrongType("expires_in"))"#);
    }
}

// attacks: C7
#[test]
fn tokens_fit_a_header_or_are_refused() {
    for name in ["access_token", "refresh_token"] {
        check(json!({ name: "x".repeat(16 * 1024) }), "accepted");
        check(
            json!({ name: "x".repeat(100_000) }),
            &format!("Invalid(TooLong({name:?}))"),
        );
        for value in ["", " ", "a b", "a\r\nSet-Cookie: x=y", "a\0", "é", "a\u{7f}"] {
            check(json!({ name: value }), &format!("Invalid(Characters({name:?}))"));
        }
        check(json!({ name: 7 }), &format!("Invalid(WrongType({name:?}))"));
    }
    check(
        json!({"access_token": "(absent)"}),
        r#"Invalid(Missing("access_token"))"#,
    );
    check(json!({"access_token": null}), r#"Invalid(Missing("access_token"))"#);
}

// attacks: C8
#[test]
fn a_refresh_token_may_be_absent() {
    for absent in [json!("(absent)"), json!(null)] {
        assert!(
            parse_patched(&json!({ "refresh_token": absent }))
                .unwrap()
                .refresh_token
                .is_none()
        );
    }
}

// attacks: C9
#[test]
fn the_scope_granted_is_the_one_answered() {
    for (value, granted) in [
        (json!("(absent)"), "openid email"),
        (json!(null), "openid email"),
        (json!("openid"), "openid"),
        (json!(""), ""),
    ] {
        let tokens = parse_patched(&json!({ "scope": value })).unwrap();
        assert_eq!(tokens.granted_scope("openid email"), granted, "{value}");
    }
    check(json!({"scope": ["openid"]}), r#"Invalid(WrongType("scope"))"#);
    check(json!({"scope": "a\nb"}), r#"Invalid(Characters("scope"))"#);
    check(json!({"scope": "x".repeat(5_000)}), r#"Invalid(TooLong("scope"))"#);
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused_without_panic(
        status in 100_u16..600,
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let status = StatusCode::from_u16(status).unwrap();
        let _ = TokenResponse::parse(status, &content_type("application/json"), &body);
    }
}
