//! The authorization response: every way to bring the wrong one.

use serde_json::json;

use super::support::*;
use crate::{
    AuthorizationResponse, CallbackError, ExchangeError, HttpIssuer, Issuer, LoginParameters, MatchedCallback, Params,
    PendingAuthorization, ProviderErrorCode, ProviderMetadata, ResponseMethod, ResponseMode, callback,
    exchange_request,
};

struct Login {
    state: String,
    pending: PendingAuthorization,
}

fn login(promised: bool, mode: ResponseMode, prompt: Option<&str>) -> Login {
    let metadata = metadata_with(&json!({ "authorization_response_iss_parameter_supported": promised }));
    let login = LoginParameters {
        prompt: prompt.map(str::to_owned),
        ..LoginParameters::default()
    };
    let (sent, pending) = begun(&CountingRandom::default(), &metadata, &settings(mode), &login);
    Login {
        state: value_of(&sent, "state"),
        pending,
    }
}

fn judge(raw: &str, method: ResponseMethod, pending: PendingAuthorization) -> Result<MatchedCallback, CallbackError> {
    let params = Params::parse(raw).unwrap();
    callback::check(&AuthorizationResponse::parse(&params)?, method, pending)
}

/// Judges a query in which `{state}` and `{iss}` stand for the right values; the provider promised `iss`.
fn check(template: &str, expected: &str) {
    let Login { state, pending } = login(true, ResponseMode::Query, None);
    let raw = template
        .replace("{state}", &state)
        .replace("{iss}", "https%3A%2F%2Fid.example.com%2Facme");
    let result = judge(&raw, ResponseMethod::Get, pending);
    assert!(
        shown(&result).starts_with(expected),
        "{template}: {}, expected {expected}",
        shown(&result)
    );
}

#[test]
fn the_response_to_our_own_request_is_accepted() {
    check("state={state}&code=abc&iss={iss}", "accepted");
    check(
        "code=abc&session_state=x.y&scope=openid&iss={iss}&state={state}&extra=1&extra=2",
        "accepted",
    );
}

// attacks: B2, B5, B18
#[test]
fn callback_with_a_foreign_state_is_refused() {
    let Login { state, pending } = login(true, ResponseMode::Query, None);
    let flipped: String = state.chars().rev().collect();
    drop(pending);
    for other in [
        "",
        "x",
        &flipped,
        &state.to_uppercase(),
        &format!("{state}%20"),
        &format!("{state}="),
        &state[1..],
    ] {
        let Login { pending, .. } = login(true, ResponseMode::Query, None);
        let raw = format!("state={other}&code=abc&iss=https://id.example.com/acme");
        assert!(
            matches!(
                judge(&raw, ResponseMethod::Get, pending),
                Err(CallbackError::StateMismatch)
            ),
            "{other}"
        );
    }
    check("code=abc&iss={iss}", "StateMismatch");
    check("", "StateMismatch");
    // Another login's state, right as it is for that one.
    let random = CountingRandom::default();
    let settings = settings(ResponseMode::Query);
    let (_, victim) = begun(&random, &metadata(), &settings, &LoginParameters::default());
    let (attacker, _) = begun(&random, &metadata(), &settings, &LoginParameters::default());
    let raw = format!("state={}&code=abc&iss={ISSUER}", value_of(&attacker, "state"));
    assert!(matches!(
        judge(&raw, ResponseMethod::Get, victim),
        Err(CallbackError::StateMismatch)
    ));
}

// attacks: B3
#[test]
fn a_repeated_parameter_of_the_response_is_refused() {
    for template in [
        "state={state}&state=wrong&code=abc&iss={iss}",
        "state=wrong&state={state}&code=abc&iss={iss}",
        "state={state}&code=abc&code=abc&iss={iss}",
        "state={state}&code=abc&iss={iss}&iss={iss}",
        "state={state}&error=a&error=b&iss={iss}",
    ] {
        check(template, "Repeated");
    }
}

// attacks: B13
#[test]
fn a_response_of_another_issuer_is_refused() {
    for iss in [
        "",
        "https://id.example.com/acme/",
        "https://ID.example.com/acme",
        "https://id.example.com:443/acme",
        "https://id.example.com/globex",
        "http://id.example.com/acme",
    ] {
        check(&format!("state={{state}}&code=abc&iss={iss}"), "IssuerMismatch");
        check(
            &format!("state={{state}}&error=access_denied&iss={iss}"),
            "IssuerMismatch",
        );
    }
    check("state={state}&code=abc", "IssuerMismatch");
    check("state={state}&error=access_denied", "IssuerMismatch");
}

// attacks: B13
#[test]
fn iss_may_be_absent_only_where_it_was_not_promised() {
    for (iss, accepted) in [
        ("", true),
        ("&iss=https://id.example.com/acme", true),
        ("&iss=https://evil.example", false),
    ] {
        let Login { state, pending } = login(false, ResponseMode::Query, None);
        let result = judge(&format!("state={state}&code=abc{iss}"), ResponseMethod::Get, pending);
        assert_eq!(result.is_ok(), accepted, "{iss}");
    }
}

// attacks: B10, B11
#[test]
fn a_provider_error_is_one_of_a_closed_list_and_goes_before_a_code() {
    for (error, expected) in [
        ("access_denied", "ProviderRefused { error: AccessDenied"),
        ("server_error", "ProviderRefused { error: ServerError"),
        (
            "temporarily_unavailable",
            "ProviderRefused { error: TemporarilyUnavailable",
        ),
        ("login_required", "ProviderRefused { error: LoginRequired"),
        ("<script>alert(1)</script>", "ProviderRefused { error: Other"),
        ("ACCESS_DENIED", "ProviderRefused { error: Other"),
        ("", "ProviderRefused { error: Other"),
    ] {
        check(&format!("state={{state}}&error={error}&iss={{iss}}"), expected);
        let rest = "&code=abc&error_description=<script>alert(1)</script>&error_uri=javascript:x";
        check(&format!("state={{state}}&error={error}{rest}&iss={{iss}}"), expected);
    }
    let error = CallbackError::ProviderRefused {
        error: ProviderErrorCode::Other,
        silent: false,
    };
    assert_eq!(error.to_string(), "provider refused the authorization request: other");
}

#[test]
fn every_known_error_code_is_told_apart() {
    for code in [
        "invalid_request",
        "unauthorized_client",
        "access_denied",
        "unsupported_response_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
        "interaction_required",
        "login_required",
        "account_selection_required",
        "consent_required",
        "invalid_request_uri",
        "invalid_request_object",
        "request_not_supported",
        "request_uri_not_supported",
        "registration_not_supported",
        "unmet_authentication_requirements",
    ] {
        assert_eq!(ProviderErrorCode::parse(code).as_str(), code);
    }
    assert_eq!(ProviderErrorCode::parse("anything"), ProviderErrorCode::Other);
}

// attacks: B12
#[test]
fn a_refused_silent_login_is_told_apart_from_a_failure() {
    for (prompt, error, expected) in [
        (Some("none"), "login_required", true),
        (Some("none"), "interaction_required", true),
        (Some("none"), "account_selection_required", true),
        (Some("none"), "consent_required", true),
        (Some("none"), "access_denied", false),
        (Some("login"), "login_required", false),
        (None, "login_required", false),
    ] {
        let Login { state, pending } = login(false, ResponseMode::Query, prompt);
        match judge(&format!("state={state}&error={error}"), ResponseMethod::Get, pending) {
            Err(CallbackError::ProviderRefused { silent, .. }) => assert_eq!(silent, expected, "{prompt:?} {error}"),
            result => panic!("{error}: {result:?}"),
        }
    }
}

// attacks: B16
#[test]
fn only_the_method_asked_for_is_accepted() {
    for (mode, method, accepted) in [
        (ResponseMode::Query, ResponseMethod::Get, true),
        (ResponseMode::Query, ResponseMethod::Post, false),
        (ResponseMode::FormPost, ResponseMethod::Post, true),
        (ResponseMode::FormPost, ResponseMethod::Get, false),
    ] {
        let Login { state, pending } = login(false, mode, None);
        let result = judge(&format!("state={state}&code=abc"), method, pending);
        assert_eq!(result.is_ok(), accepted);
        assert!(accepted || matches!(result, Err(CallbackError::WrongMethod)));
    }
}

// attacks: B19
#[test]
fn a_missing_or_malformed_code_is_refused() {
    check("state={state}&iss={iss}", "CodeMissing");
    check("state={state}&code=&iss={iss}", "CodeMissing");
    check(
        &format!("state={{state}}&code={}&iss={{iss}}", "x".repeat(4 * 1024)),
        "accepted",
    );
    check(
        &format!("state={{state}}&code={}&iss={{iss}}", "x".repeat(4 * 1024 + 1)),
        "CodeMalformed",
    );
    check("state={state}&code=a%0d%0ab&iss={iss}", "CodeMalformed");
    check("state={state}&code=%C3%A9&iss={iss}", "CodeMalformed");
}

#[test]
fn the_first_rule_broken_is_the_one_reported() {
    let Login { pending, .. } = login(true, ResponseMode::FormPost, None);
    let result = judge("state=wrong&error=x", ResponseMethod::Get, pending);
    assert!(matches!(result, Err(CallbackError::WrongMethod)));
    check("state=wrong&iss=https://evil.example&error=x", "StateMismatch");
    check("state={state}&iss=https://evil.example&error=x", "IssuerMismatch");
    check("state={state}&iss={iss}&error=x&code=", "ProviderRefused");
}

// attacks: B14, B15
#[test]
fn a_code_goes_to_the_provider_that_was_asked_or_nowhere() {
    let other = "https://id.example.com/globex";
    let body = patched(metadata_json(), &json!({ "issuer": other })).to_string();
    let other = Issuer::parse(other, HttpIssuer::LoopbackOnly).unwrap();
    let json = content_type("application/json");
    let other = ProviderMetadata::parse(http::StatusCode::OK, &json, body.as_bytes(), &other).unwrap();
    let matched = || {
        let Login { state, pending } = login(false, ResponseMode::Query, None);
        judge(&format!("state={state}&code=abc"), ResponseMethod::Get, pending).unwrap()
    };
    let random = CountingRandom::default();
    let result = exchange_request(matched(), &other, &client(), NOW, &random);
    assert!(matches!(result, Err(ExchangeError::ProviderMismatch)));
    let mut stranger = client();
    stranger.client_id = "other-app".to_owned();
    let result = exchange_request(matched(), &metadata(), &stranger, NOW, &random);
    assert!(matches!(result, Err(ExchangeError::ClientMismatch)));
    assert!(exchange_request(matched(), &metadata(), &client(), NOW, &random).is_ok());
}

#[test]
fn a_matched_callback_tells_whom_it_answers() {
    let Login { state, pending } = login(false, ResponseMode::Query, None);
    let params = Params::parse(&format!("state={state}&code=abc")).unwrap();
    let response = AuthorizationResponse::parse(&params).unwrap();
    assert_eq!(response.state(), Some(state.as_str()));
    let matched = callback::check(&response, ResponseMethod::Get, pending).unwrap();
    assert_eq!(matched.issuer(), ISSUER);
    assert_eq!(matched.client_id(), CLIENT_ID);
    assert_eq!(matched.redirect_uri(), REDIRECT_URI);
    assert_eq!(matched.requested_scope(), "openid email");
}
