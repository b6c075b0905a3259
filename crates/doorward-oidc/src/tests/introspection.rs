//! What a provider says of a token that somebody presents.

use doorward_crypto::SecretString;
use http::header::AUTHORIZATION;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::access_token::{API, access_rules};
use super::support::*;
use crate::{
    AccessTokenRules, AudienceRule, Client, ClientAuthentication, ExchangeError, Introspection, IntrospectionError,
    SubjectKind, UnixTime, introspection_request, parse_introspection,
};

fn answer() -> Value {
    json!({
        "active": true,
        "iss": ISSUER,
        "sub": SUBJECT,
        "aud": API,
        "client_id": CLIENT_ID,
        "exp": NOW.seconds() + 300,
        "iat": NOW.seconds(),
        "scope": "orders:read",
        "token_type": "Bearer",
    })
}

fn judged(patch: &Value, rules: &AccessTokenRules) -> Result<Introspection, IntrospectionError> {
    let body = patched(answer(), patch).to_string();
    parse_introspection(
        StatusCode::OK,
        &content_type("application/json"),
        body.as_bytes(),
        rules,
        NOW,
    )
}

fn check_with(rules: &AccessTokenRules, patch: &Value, expected: &str) {
    let text = match judged(patch, rules) {
        Ok(Introspection::Active(_)) => "active".to_owned(),
        Ok(Introspection::Inactive) => "inactive".to_owned(),
        Err(error) => format!("{error:?}"),
    };
    assert_eq!(text, expected, "{patch}");
}

fn check(patch: Value, expected: &str) {
    check_with(&access_rules(), &patch, expected);
}

fn asked(client: &Client, token: &str, patch: &Value) -> Result<Option<crate::OutboundRequest>, ExchangeError> {
    let metadata = metadata_with(patch);
    introspection_request(
        &metadata,
        client,
        &SecretString::new(token),
        NOW,
        &CountingRandom::default(),
    )
}

#[test]
fn the_provider_is_asked_by_a_client_that_authenticates() {
    let endpoint = json!({"introspection_endpoint": "https://id.example.com/acme/introspect"});
    let token = "a.b&client_id=evil token+%25";
    let outbound = asked(&client(), token, &endpoint).unwrap().unwrap();
    assert_eq!(outbound.label, "introspection");
    assert_eq!(outbound.request.method(), Method::POST);
    assert_eq!(outbound.request.uri(), "https://id.example.com/acme/introspect");
    assert!(outbound.request.headers().contains_key(AUTHORIZATION));
    let form = form_of(&outbound);
    assert_eq!(value_of(&form, "token"), token);
    assert_eq!(value_of(&form, "token_type_hint"), "access_token");
    assert_eq!(value_of(&form, "client_id"), "");
    assert!(!format!("{outbound:?}").contains("evil"));

    assert!(asked(&client(), token, &json!({})).unwrap().is_none());
    let public = Client {
        authentication: ClientAuthentication::None,
        ..client()
    };
    assert!(matches!(
        asked(&public, token, &endpoint),
        Err(ExchangeError::PublicClient)
    ));
}

#[test]
fn an_active_token_has_the_claims_of_the_answer() {
    let Ok(Introspection::Active(token)) = judged(&json!({"sub": CLIENT_ID, "acr": "mfa"}), &access_rules()) else {
        panic!("expected an active token");
    };
    assert_eq!(token.issuer(), ISSUER);
    assert_eq!(token.subject(), CLIENT_ID);
    assert_eq!(token.subject_kind(), SubjectKind::Client);
    assert_eq!(token.scopes(), ["orders:read"]);
    assert_eq!(token.acr(), Some("mfa"));
    assert_eq!(token.key_id(), None);
}

// attacks: I8
#[test]
fn only_a_json_true_is_active() {
    check(json!({}), "active");
    check(json!({"active": false}), "inactive");
    // Inactive says everything; what else stands there is not looked at.
    check(json!({"active": false, "exp": "x"}), "inactive");
    for active in [
        json!("true"),
        json!(1),
        json!(null),
        json!("(absent)"),
        json!([true]),
        json!({"active": true}),
        json!("TRUE"),
    ] {
        check(json!({ "active": active }), "Active");
    }
}

// attacks: I8
#[test]
fn an_active_token_that_breaks_a_rule_of_ours_is_refused() {
    let now = NOW.seconds();
    for (patch, expected) in [
        (json!({"aud": "https://other.example.com"}), "Token(AudienceMismatch)"),
        (json!({"aud": "(absent)"}), r#"Token(Missing("aud"))"#),
        (json!({"aud": [API, "other"]}), "active"),
        (json!({"iss": "https://id.example.com/globex"}), "Token(IssuerMismatch)"),
        (json!({"iss": "(absent)"}), "active"),
        (json!({"exp": now - 61}), "Token(Expired)"),
        (json!({"exp": (now + 300).to_string()}), r#"Token(WrongType("exp"))"#),
        (json!({"exp": 1e300}), r#"Token(WrongType("exp"))"#),
        (json!({"nbf": now + 61}), "Token(NotYetValid)"),
        (json!({"iat": now + 61}), "Token(IssuedInFuture)"),
        (json!({"sub": "(absent)"}), r#"Token(Missing("sub"))"#),
        (json!({"cnf": {"jkt": "x"}}), "Token(Bound)"),
        (json!({"token_type": "DPoP"}), "Token(OtherKind)"),
        (json!({"token_use": "refresh_token"}), "Token(OtherKind)"),
        (json!({"typ": "Refresh"}), "Token(OtherKind)"),
        (json!({"nonce": "x"}), "Token(IsIdToken)"),
    ] {
        check(patch, expected);
    }
    let listed = AccessTokenRules {
        clients: vec!["worker".to_owned()],
        ..access_rules()
    };
    check_with(&listed, &json!({}), "Token(ClientRefused)");
    check_with(&listed, &json!({"client_id": "worker"}), "active");
}

// attacks: I5
#[test]
fn a_refresh_token_is_never_taken_for_an_access_token() {
    // weakness: J1
    let rules = AccessTokenRules {
        audience: AudienceRule::NoAudience,
        ..access_rules()
    };
    let unaddressed = json!({"aud": "(absent)"});
    check_with(&rules, &unaddressed, "active");
    let unsaid = json!({"aud": "(absent)", "token_type": "(absent)"});
    check_with(&rules, &unsaid, "Token(OtherKind)");
    check_with(
        &rules,
        &patched(unsaid, &json!({"token_use": "access_token"})),
        "active",
    );
}

#[test]
fn a_token_without_exp_is_believed_for_thirty_seconds() {
    let Ok(Introspection::Active(token)) = judged(&json!({"exp": "(absent)"}), &access_rules()) else {
        panic!("expected an active token");
    };
    assert_eq!(token.expires_at(), UnixTime::from_seconds(NOW.seconds() + 30));
}

// attacks: I8
#[test]
fn an_answer_that_is_none_says_nothing_of_the_token() {
    let good = answer().to_string();
    let json = content_type("application/json");
    let huge = format!(r#"{{"active":true,"x":"{}"}}"#, "x".repeat(5 << 20));
    let twice = r#"{"active":false,"active":true}"#.to_owned();
    for (status, headers, body, expected) in [
        (500, &json, &good, "Passing"),
        (503, &json, &good, "Passing"),
        (429, &json, &good, "Passing"),
        (401, &json, &good, "Status(401)"),
        (403, &json, &good, "Status(403)"),
        (302, &json, &good, "Status(302)"),
        (204, &json, &good, "Status(204)"),
        (200, &content_type("text/html"), &good, "ContentType"),
        (
            200,
            &content_type("application/token-introspection+jwt"),
            &good,
            "ContentType",
        ),
        (200, &json, &huge, "Json(TooLarge)"),
        (200, &json, &twice, "Json(DuplicateMember)"),
        (200, &json, &"[]".to_owned(), "Json(NotAnObject)"),
        (200, &json, &String::new(), "Json("),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        let error = parse_introspection(status, headers, body.as_bytes(), &access_rules(), NOW).unwrap_err();
        assert!(
            format!("{error:?}").starts_with(expected),
            "{error:?}, expected {expected}"
        );
    }
    let refused = judged(&json!({"exp": 0}), &access_rules()).unwrap_err();
    assert!(
        matches!(&refused, IntrospectionError::Token(error) if error.is_expired()),
        "{refused:?}"
    );
}
