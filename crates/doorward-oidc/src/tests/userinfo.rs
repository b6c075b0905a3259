//! Userinfo answers.

use doorward_crypto::{Algorithm, SecretString};
use http::StatusCode;
use serde_json::{Value, json};

use super::support::*;
use crate::{Reach, UserInfo, UserInfoError, parse_userinfo, userinfo_request};

fn judge(status: u16, media_type: &'static str, body: &[u8], key: &Key) -> Result<UserInfo, UserInfoError> {
    let keys = keys_of(key);
    let id_token = verify_at_login(&key.id_token(&claims()), &keys).unwrap();
    parse_userinfo(
        StatusCode::from_u16(status).unwrap(),
        &content_type(media_type),
        body,
        &keys,
        &[Algorithm::Es256],
        CLIENT_ID,
        &issuer(),
        &id_token,
    )
}

fn check(status: u16, media_type: &'static str, body: &str, expected: &str) {
    let result = judge(status, media_type, body.as_bytes(), &Key::ec());
    assert!(
        shown(&result).starts_with(expected),
        "{body}: {}, expected {expected}",
        shown(&result)
    );
}

fn check_signed(patch: Value, expected: &str) {
    let key = Key::ec();
    let claims = patched(
        json!({"sub": SUBJECT, "iss": ISSUER, "aud": CLIENT_ID, "email": "a@b.test"}),
        &patch,
    );
    let result = judge(200, "application/jwt", key.id_token(&claims).expose().as_bytes(), &key);
    assert_eq!(shown(&result), expected, "{patch}");
}

#[test]
fn userinfo_is_asked_for_with_the_token_in_the_header() {
    let outbound = userinfo_request(&metadata(), &SecretString::new(ACCESS_TOKEN)).unwrap();
    assert_eq!(outbound.request.method(), http::Method::GET);
    assert_eq!(outbound.request.uri(), "https://id.example.com/acme/userinfo");
    assert_eq!(
        outbound.request.headers()["authorization"],
        format!("Bearer {ACCESS_TOKEN}")
    );
    assert!(outbound.request.headers()["authorization"].is_sensitive());
    assert_eq!(
        outbound.request.headers()["accept"],
        "application/json, application/jwt"
    );
    assert!(outbound.request.body().is_empty());
    assert_eq!((outbound.label, outbound.reach), ("userinfo", Reach::Any));
}

#[test]
fn userinfo_is_not_asked_for_without_endpoint_or_with_a_token_no_header_can_hold() {
    let without = metadata_with(&json!({"userinfo_endpoint": "(absent)"}));
    assert!(userinfo_request(&without, &SecretString::new("t")).is_none());
    assert!(userinfo_request(&metadata(), &SecretString::new("t\r\nx: y")).is_none());
}

#[test]
fn userinfo_about_the_same_subject_is_accepted() {
    let body = json!({"sub": SUBJECT, "email": "a@b.test"}).to_string();
    let userinfo = judge(200, "application/json; charset=utf-8", body.as_bytes(), &Key::ec()).unwrap();
    assert_eq!(userinfo.claims()["email"], "a@b.test");
}

// attacks: D39
#[test]
fn userinfo_that_breaks_a_rule_is_refused() {
    let json = "application/json";
    let good = format!(r#"{{"sub":"{SUBJECT}"}}"#);
    for (status, media_type, body, expected) in [
        (200, json, good.as_str(), "accepted"),
        (200, json, r#"{"sub":"mallory"}"#, "SubjectMismatch"),
        (200, json, r#"{"sub":"ALICE-0001"}"#, "SubjectMismatch"),
        (200, json, r#"{"sub":""}"#, "SubjectMismatch"),
        (200, json, r#"{"email":"a@b.test"}"#, "SubjectMissing"),
        (200, json, r#"{"sub":null}"#, "SubjectMissing"),
        (200, json, r#"{"sub":7}"#, r#"WrongType("sub")"#),
        (200, json, r#"{"sub":["alice-0001"]}"#, r#"WrongType("sub")"#),
        (200, json, r#"[{"sub":"alice-0001"}]"#, "Json(NotAnObject"),
        (
            200,
            json,
            r#"{"sub":"mallory","sub":"alice-0001"}"#,
            "Json(DuplicateMember",
        ),
        (200, json, "<html>", "Json(Malformed"),
        (200, "text/html", &good, "ContentType"),
        (401, json, &good, "Status(401)"),
        (302, json, &good, "Status(302)"),
        (204, json, "", "Status(204)"),
        (500, json, &good, "Passing"),
        (429, json, &good, "Passing"),
        (200, "application/jwt", &good, "Jws("),
        (
            200,
            "application/jwt",
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZS0wMDAxIn0.",
            "Jws(",
        ),
    ] {
        check(status, media_type, body, expected);
    }
    let huge = format!(r#"{{"sub":"{SUBJECT}","x":"{}"}}"#, "x".repeat(256 * 1024));
    check(200, json, &huge, "Json(TooLarge");
    let result = judge(200, "application/jwt", &[0xff, 0xfe], &Key::ec());
    assert!(matches!(result, Err(UserInfoError::ContentType)));
}

// attacks: D39
#[test]
fn signed_userinfo_is_verified_like_an_id_token() {
    check_signed(json!({}), "accepted");
    check_signed(json!({"iss": "(absent)", "aud": "(absent)"}), "accepted");
    check_signed(json!({"aud": ["other", CLIENT_ID]}), "accepted");
    check_signed(json!({"iss": "https://evil.example"}), "IssuerMismatch");
    check_signed(json!({"iss": 7}), r#"WrongType("iss")"#);
    check_signed(json!({"aud": "other"}), "AudienceMismatch");
    check_signed(json!({"aud": []}), "AudienceMismatch");
    check_signed(json!({"aud": 7}), r#"WrongType("aud")"#);
    check_signed(json!({"sub": "mallory"}), "SubjectMismatch");
    check_signed(json!({"sub": "(absent)"}), "SubjectMissing");
}

#[test]
fn signed_userinfo_by_another_key_or_of_another_type_is_refused() {
    let (ours, other) = (Key::ec(), Key::ec());
    let body = json!({"sub": SUBJECT});
    let error = judge(200, "application/jwt", other.id_token(&body).expose().as_bytes(), &ours).unwrap_err();
    assert!(error.needs_key_refetch());
    let header = patched(ours.header(), &json!({"typ": "at+jwt"}));
    let raw = ours.token(&header, body.to_string().as_bytes());
    let error = judge(200, "application/jwt", raw.expose().as_bytes(), &ours).unwrap_err();
    assert!(matches!(error, UserInfoError::Jws(_)));
    assert!(!error.needs_key_refetch());
}
