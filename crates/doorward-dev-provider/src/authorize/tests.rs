#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use super::*;
use crate::{reply::ResponseMode, settings::ProviderSettings, state::Session};

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn query(changes: &[(&str, Option<&str>)]) -> Params {
    let mut pairs: Vec<(&str, &str)> = vec![
        ("client_id", "doorward-dev"),
        ("redirect_uri", "http://localhost:6001/auth/callback"),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "the-state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        if let Some(value) = value {
            pairs.push((name, value));
        }
    }
    let text = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    Params::parse(text.as_bytes()).unwrap()
}

fn provider() -> DevProvider {
    DevProvider::new(ProviderSettings::new("http://localhost:6002").unwrap()).unwrap()
}

#[test]
fn faulty_requests_are_told_to_the_client_by_redirect() {
    let provider = provider();
    let long_scope = (0..40).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
    for (name, value, expected) in [
        ("response_type", None, "invalid_request"),
        ("response_type", Some("token"), "unsupported_response_type"),
        ("response_type", Some("code id_token"), "unsupported_response_type"),
        ("response_mode", Some("fragment"), "invalid_request"),
        ("code_challenge", None, "invalid_request"),
        ("code_challenge", Some("short"), "invalid_request"),
        (
            "code_challenge",
            Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"),
            "invalid_request",
        ),
        ("code_challenge_method", None, "invalid_request"),
        ("code_challenge_method", Some("plain"), "invalid_request"),
        ("scope", Some("openid \"quoted\""), "invalid_scope"),
        ("scope", Some(long_scope.as_str()), "invalid_scope"),
        ("prompt", Some("none login"), "invalid_request"),
        ("prompt", Some("shout"), "invalid_request"),
        ("max_age", Some("-1"), "invalid_request"),
        ("max_age", Some("1e3"), "invalid_request"),
        ("request", Some("x.y.z"), "request_not_supported"),
        ("request_uri", Some("https://a.test/"), "request_uri_not_supported"),
        ("registration", Some("{}"), "registration_not_supported"),
        ("resource", Some("not a uri"), "invalid_target"),
    ] {
        match parse(&provider, &Site::Standard, &query(&[(name, value)])) {
            Err(RequestFault::Reply(target, error, _)) => {
                assert_eq!(error, expected, "{name}={value:?}");
                assert_eq!(target.state.as_deref(), Some("the-state"));
            }
            other => panic!("{name}={value:?}: {other:?}"),
        }
    }
}

#[test]
fn a_request_without_trusted_address_is_answered_by_a_page() {
    let provider = provider();
    for (name, value) in [
        ("client_id", None),
        ("client_id", Some("stranger")),
        ("redirect_uri", None),
        ("redirect_uri", Some("https://evil.test/cb")),
        ("redirect_uri", Some("http://localhost:6001/cb#f")),
    ] {
        let parsed = parse(&provider, &Site::Standard, &query(&[(name, value)]));
        assert!(
            matches!(parsed, Err(RequestFault::Page(_))),
            "{name}={value:?}: {parsed:?}"
        );
    }
    let twice = Params::parse(b"client_id=doorward-dev&client_id=other&redirect_uri=http://localhost/").unwrap();
    assert!(matches!(
        parse(&provider, &Site::Standard, &twice),
        Err(RequestFault::Page(_))
    ));
}

#[test]
fn a_repeated_parameter_is_told_to_the_client() {
    let provider = provider();
    let text = "client_id=doorward-dev&redirect_uri=http://localhost/&scope=openid&scope=email";
    let parsed = parse(&provider, &Site::Standard, &Params::parse(text.as_bytes()).unwrap());
    assert!(
        matches!(parsed, Err(RequestFault::Reply(_, "invalid_request", _))),
        "{parsed:?}"
    );
}

#[test]
fn a_well_formed_request_is_read_in_full() {
    let params = query(&[
        ("prompt", Some("login consent")),
        ("max_age", Some("60")),
        ("acr_values", Some("urn:unknown mfa")),
        ("login_hint", Some("bob@acme.test")),
        ("nonce", Some("n")),
        ("response_mode", Some("form_post")),
        ("resource", Some("https://api.acme.test/")),
    ]);
    let request = parse(&provider(), &Site::Standard, &params).unwrap();
    assert_eq!(request.prompts, [Prompt::Login, Prompt::Consent]);
    assert_eq!(request.max_age, Some(60));
    assert_eq!(request.acr_values, ["mfa"]);
    assert_eq!(request.login_hint.as_deref(), Some("bob@acme.test"));
    assert_eq!(request.nonce.as_deref(), Some("n"));
    assert_eq!(request.target.mode, ResponseMode::FormPost);
    assert_eq!(request.scopes, ["openid", "email"]);
    assert_eq!(request.audiences, ["https://api.acme.test/"]);
}

fn check(
    changes: &[(&str, Option<&str>)],
    signed_in: bool,
    hint: Option<&str>,
    auto: Option<&str>,
    expected: Decision<'_>,
) {
    let request = parse(&provider(), &Site::Standard, &query(changes)).unwrap();
    let session = Session {
        site: Site::Standard,
        sid: "sid".into(),
        subject: "alice".into(),
        auth_time: 1_000,
        acr: "pwd".into(),
        identity_provider: "Wristband".into(),
        expires_at: 9_000,
        client_ids: vec![],
    };
    let decision = decide(&request, signed_in.then_some(&session), hint, auto, 1_060);
    assert_eq!(
        decision, expected,
        "{changes:?} signed_in={signed_in} hint={hint:?} auto={auto:?}"
    );
}

#[test]
fn a_session_is_used_only_where_it_answers_the_request() {
    use Decision::{LoginRequired, ShowPage, UseSession};
    check(&[], true, None, None, UseSession);
    check(&[], false, None, None, ShowPage);
    check(&[], true, Some("alice"), None, UseSession);
    check(&[], true, Some("bob"), None, ShowPage);
    check(&[("prompt", Some("none"))], true, None, None, UseSession);
    check(&[("prompt", Some("none"))], false, None, None, LoginRequired);
    check(&[("prompt", Some("none"))], true, Some("bob"), None, LoginRequired);
    check(
        &[("prompt", Some("none")), ("max_age", Some("59"))],
        true,
        None,
        None,
        LoginRequired,
    );
    check(
        &[("prompt", Some("none")), ("acr_values", Some("mfa"))],
        true,
        None,
        None,
        LoginRequired,
    );
    for prompt in ["login", "create", "select_account", "consent"] {
        check(&[("prompt", Some(prompt))], true, None, None, ShowPage);
    }
    check(&[("max_age", Some("60"))], true, None, None, UseSession);
    check(&[("max_age", Some("59"))], true, None, None, ShowPage);
    check(&[("max_age", Some("0"))], true, None, None, ShowPage);
    check(&[("acr_values", Some("mfa pwd"))], true, None, None, UseSession);
    check(&[("acr_values", Some("mfa"))], true, None, None, ShowPage);
    check(&[("acr_values", Some("urn:unknown"))], true, None, None, UseSession);
}

#[test]
fn auto_login_stands_for_a_person_who_presses_the_button() {
    use Decision::{LoginRequired, SignIn, UseSession};
    check(&[], false, None, Some("bob"), SignIn("bob"));
    check(&[], true, None, Some("alice"), UseSession);
    check(&[], true, None, Some("bob"), SignIn("bob"));
    check(&[("prompt", Some("login"))], true, None, Some("alice"), SignIn("alice"));
    // Nobody may be asked, so nobody answers.
    check(&[("prompt", Some("none"))], false, None, Some("bob"), LoginRequired);
    check(&[("prompt", Some("none"))], true, None, Some("bob"), UseSession);
}
