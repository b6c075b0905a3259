//! The authorization request.

use doorward_crypto::{Algorithm, SecretString, sha256_base64url};
use serde_json::json;

use super::support::*;
use crate::{
    AuthorizationResponse, AuthorizeSettings, BeginError, LoginParameters, Params, PendingAuthorization,
    ResponseMethod, ResponseMode, SettingsError, begin, callback, exchange_request,
};

const PROTOCOL: [&str; 8] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
];

fn extra(pairs: &[(&str, &str)]) -> AuthorizeSettings {
    let extra_params = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    AuthorizeSettings {
        extra_params,
        ..AuthorizeSettings::default()
    }
}

#[test]
fn the_request_carries_each_protocol_parameter_once() {
    let random = CountingRandom::default();
    let login = LoginParameters::default();
    let (sent, pending) = begun(&random, &metadata(), &settings(ResponseMode::Query), &login);
    assert_eq!(sent.iter().map(|(name, _)| name).collect::<Vec<_>>(), PROTOCOL);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "openid email"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(value_of(&sent, name), value);
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(value_of(&sent, name).len(), 43, "{name}");
    }
    assert_ne!(value_of(&sent, "state"), value_of(&sent, "nonce"));
    assert!(pending.state_matches(&value_of(&sent, "state")));
    assert_eq!(pending.issuer(), ISSUER);
    assert_eq!(pending.client_id(), CLIENT_ID);
    assert_eq!(pending.redirect_uri(), REDIRECT_URI);
    assert_eq!(pending.requested_scope(), "openid email");
    assert_eq!(pending.response_mode(), ResponseMode::Query);
    assert!(!pending.is_silent());
}

// attacks: B22
#[test]
fn s256_is_sent_to_a_provider_that_does_not_list_it() {
    let metadata = metadata_with(&json!({"code_challenge_methods_supported": ["plain"]}));
    let random = CountingRandom::default();
    let (sent, pending) = begun(
        &random,
        &metadata,
        &settings(ResponseMode::Query),
        &LoginParameters::default(),
    );
    assert_eq!(value_of(&sent, "code_challenge_method"), "S256");

    let raw = format!("state={}&code=c&iss={ISSUER}", value_of(&sent, "state"));
    let params = Params::parse(&raw).unwrap();
    let response = AuthorizationResponse::parse(&params).unwrap();
    let matched = callback::check(&response, ResponseMethod::Get, pending).unwrap();
    let (outbound, _) = exchange_request(matched, &metadata, &client(), NOW, &random).unwrap();
    let verifier = value_of(&form_of(&outbound), "code_verifier");
    assert_eq!(verifier.len(), 43);
    assert_eq!(sha256_base64url(verifier.as_bytes()), value_of(&sent, "code_challenge"));
}

#[test]
fn every_login_has_secrets_of_its_own() {
    let random = CountingRandom::default();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..50 {
        let (sent, _) = begun(
            &random,
            &metadata(),
            &settings(ResponseMode::Query),
            &LoginParameters::default(),
        );
        for name in ["state", "nonce", "code_challenge"] {
            assert!(seen.insert(value_of(&sent, name)), "{name} is repeated");
        }
    }
}

#[test]
fn form_post_is_asked_for_where_it_is_configured() {
    let random = CountingRandom::default();
    let login = LoginParameters::default();
    let (sent, pending) = begun(&random, &metadata(), &settings(ResponseMode::FormPost), &login);
    assert_eq!(value_of(&sent, "response_mode"), "form_post");
    assert_eq!(pending.response_mode(), ResponseMode::FormPost);
}

#[test]
fn the_endpoints_own_query_is_kept_but_never_repeats_the_protocol() {
    let own = "https://id.example.com/authorize?p=B2C%201&state=evil&%73cope=all&client_id=x&request_uri=u&flag";
    let metadata = metadata_with(&json!({ "authorization_endpoint": own }));
    let random = CountingRandom::default();
    let (url, _) = begin(
        &random,
        &metadata,
        &client(),
        &settings(ResponseMode::Query),
        &LoginParameters::default(),
        REDIRECT_URI,
    )
    .unwrap();
    assert!(
        url.starts_with("https://id.example.com/authorize?p=B2C%201&flag&response_type=code&"),
        "{url}"
    );
    let sent = Params::parse(url.split_once('?').unwrap().1).unwrap();
    for name in PROTOCOL {
        assert!(sent.once(name).unwrap().is_some(), "{name}");
    }
    assert_eq!(sent.once("request_uri"), Ok(None));
}

#[test]
fn what_a_login_asks_for_replaces_the_endpoints_own_parameter() {
    let metadata = metadata_with(&json!({"authorization_endpoint": "https://id.example.com/a?prompt=login&p=1"}));
    let login = LoginParameters {
        prompt: Some("none".to_owned()),
        ..LoginParameters::default()
    };
    let (sent, _) = begun(
        &CountingRandom::default(),
        &metadata,
        &settings(ResponseMode::Query),
        &login,
    );
    assert_eq!(value_of(&sent, "prompt"), "none");
    assert_eq!(value_of(&sent, "p"), "1");
    let (sent, _) = begun(
        &CountingRandom::default(),
        &metadata,
        &settings(ResponseMode::Query),
        &LoginParameters::default(),
    );
    assert_eq!(value_of(&sent, "prompt"), "login");
}

#[test]
fn offline_access_is_left_out_where_the_provider_does_not_know_it() {
    let wish = AuthorizeSettings::new(
        vec!["offline_access".to_owned(), "email".to_owned(), "email".to_owned()],
        Vec::new(),
        ResponseMode::Query,
    )
    .unwrap();
    for (supported, scope, dropped) in [
        (
            json!(["openid", "offline_access"]),
            "openid offline_access email",
            &[][..],
        ),
        (json!(["openid", "email"]), "openid email", &["offline_access"][..]),
        (json!("(absent)"), "openid offline_access email", &[][..]),
    ] {
        let metadata = metadata_with(&json!({ "scopes_supported": supported }));
        assert_eq!(wish.scopes_dropped(&metadata), dropped);
        let (sent, _) = begun(
            &CountingRandom::default(),
            &metadata,
            &wish,
            &LoginParameters::default(),
        );
        assert_eq!(value_of(&sent, "scope"), scope);
    }
}

#[test]
fn configured_parameters_are_sent_and_a_login_can_only_ask_for_more() {
    let settings = extra(&[
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("max_age", "60"),
        ("acr_values", "a"),
    ]);
    let (sent, pending) = begun(
        &CountingRandom::default(),
        &metadata(),
        &settings,
        &LoginParameters::default(),
    );
    assert_eq!(value_of(&sent, "access_type"), "offline");
    assert_eq!(value_of(&sent, "prompt"), "consent");
    assert_eq!(value_of(&sent, "max_age"), "60");
    assert_eq!(pending.max_age(), Some(60), "a configured max_age is enforced too");
    assert_eq!(pending.acr_values(), Some("a"));

    let login = LoginParameters {
        prompt: Some("login".to_owned()),
        max_age: Some(5),
        acr_values: Some("b".to_owned()),
        ..LoginParameters::default()
    };
    let (sent, pending) = begun(&CountingRandom::default(), &metadata(), &settings, &login);
    assert_eq!(value_of(&sent, "prompt"), "login");
    assert_eq!(value_of(&sent, "max_age"), "5");
    assert_eq!(pending.max_age(), Some(5));
    assert_eq!(value_of(&sent, "acr_values"), "a");
    assert_eq!(pending.acr_values(), Some("a"));

    let weaker = LoginParameters {
        prompt: Some("none".to_owned()),
        max_age: Some(99_999),
        ..LoginParameters::default()
    };
    let (sent, pending) = begun(&CountingRandom::default(), &metadata(), &settings, &weaker);
    assert_eq!(value_of(&sent, "prompt"), "consent");
    assert_eq!(value_of(&sent, "max_age"), "60");
    assert!(!pending.is_silent());
}

#[test]
fn settings_that_break_a_rule_are_refused() {
    for name in PROTOCOL {
        assert_eq!(
            extra(&[(name, "x")]).check(),
            Err(SettingsError::Reserved(name.to_owned()))
        );
    }
    for name in ["response_mode", "request", "request_uri", "client_secret", "dpop_jkt"] {
        assert_eq!(
            extra(&[(name, "x")]).check(),
            Err(SettingsError::Reserved(name.to_owned()))
        );
    }
    for pair in [
        ("", "x"),
        ("a", "x\ny"),
        ("a\n", "x"),
        ("max_age", "x"),
        ("max_age", "-1"),
        ("prompt", "maybe"),
    ] {
        assert_eq!(
            extra(&[pair]).check(),
            Err(SettingsError::Malformed(pair.0.to_owned())),
            "{pair:?}"
        );
    }
    assert_eq!(
        extra(&[("a", "1"), ("a", "2")]).check(),
        Err(SettingsError::Repeated("a".to_owned()))
    );
    assert_eq!(extra(&[("prompt", "login consent")]).check(), Ok(()));
    for scope in ["", "two scopes", "quo\"te", "back\\slash", "ümlaut", "line\n"] {
        let settings = AuthorizeSettings::new(vec![scope.to_owned()], Vec::new(), ResponseMode::Query);
        assert_eq!(settings.unwrap_err(), SettingsError::Scope(scope.to_owned()));
    }
    let random = CountingRandom::default();
    let wrong = extra(&[("state", "x")]);
    let result = begin(
        &random,
        &metadata(),
        &client(),
        &wrong,
        &LoginParameters::default(),
        REDIRECT_URI,
    );
    assert!(matches!(result, Err(BeginError::Settings(SettingsError::Reserved(_)))));
}

// attacks: A9
#[test]
fn a_login_parameter_cannot_become_another_parameter() {
    let login = LoginParameters {
        login_hint: Some("a@b&scope=admin&state=1#frag".to_owned()),
        idp_hint: Some("x?client_id=evil".to_owned()),
        ui_locales: Some("de en".to_owned()),
        ..LoginParameters::default()
    };
    let (sent, _) = begun(
        &CountingRandom::default(),
        &metadata(),
        &settings(ResponseMode::Query),
        &login,
    );
    assert_eq!(value_of(&sent, "login_hint"), "a@b&scope=admin&state=1#frag");
    assert_eq!(value_of(&sent, "idp_hint"), "x?client_id=evil");
    assert_eq!(value_of(&sent, "ui_locales"), "de en");
    assert_eq!(value_of(&sent, "scope"), "openid email");
    assert_eq!(value_of(&sent, "client_id"), CLIENT_ID);
}

#[test]
fn login_parameters_are_read_from_a_closed_list() {
    let raw = "login_hint=alice&idp_hint=x&prompt=create&max_age=60&acr_values=a%20b&ui_locales=de&scope=admin&foo=1";
    let login = LoginParameters::from_params(&Params::parse(raw).unwrap()).unwrap();
    let (sent, _) = begun(
        &CountingRandom::default(),
        &metadata(),
        &settings(ResponseMode::Query),
        &login,
    );
    assert_eq!(value_of(&sent, "prompt"), "create");
    assert_eq!(value_of(&sent, "acr_values"), "a b");
    assert_eq!(value_of(&sent, "scope"), "openid email");
    assert_eq!(sent.once("foo"), Ok(None));
    let empty = Params::parse("login_hint=&prompt=&max_age=").unwrap();
    assert_eq!(
        LoginParameters::from_params(&empty).unwrap(),
        LoginParameters::default()
    );
}

#[test]
fn malformed_login_parameters_are_refused() {
    let long = format!("login_hint={}", "x".repeat(513));
    for (raw, name) in [
        ("prompt=evil", "prompt"),
        ("prompt=login+none", "prompt"),
        ("max_age=-1", "max_age"),
        ("max_age=1e9", "max_age"),
        ("max_age=99999999999", "max_age"),
        ("max_age=0&prompt=none", "max_age"),
        ("login_hint=a%0d%0ab", "login_hint"),
        ("acr_values=a%01", "acr_values"),
        ("idp_hint=%C2%85", "idp_hint"),
        ("ui_locales=%7f", "ui_locales"),
        (long.as_str(), "login_hint"),
    ] {
        match LoginParameters::from_params(&Params::parse(raw).unwrap()) {
            Err(BeginError::LoginParameter(refused)) => assert_eq!(refused, name, "{raw}"),
            result => panic!("{raw}: {result:?}"),
        }
    }
    let twice = LoginParameters::from_params(&Params::parse("prompt=none&prompt=none").unwrap());
    assert!(matches!(twice, Err(BeginError::Repeated(_))));
    let login = LoginParameters {
        prompt: Some("evil".to_owned()),
        ..LoginParameters::default()
    };
    let random = CountingRandom::default();
    let result = begin(
        &random,
        &metadata(),
        &client(),
        &settings(ResponseMode::Query),
        &login,
        REDIRECT_URI,
    );
    assert!(matches!(result, Err(BeginError::LoginParameter("prompt"))));
}

#[test]
fn without_randomness_no_login_begins() {
    let login = LoginParameters::default();
    let result = begin(
        &EmptyRandom,
        &metadata(),
        &client(),
        &settings(ResponseMode::Query),
        &login,
        REDIRECT_URI,
    );
    assert!(matches!(result, Err(BeginError::Random(_))));
}

#[test]
fn a_pending_authorization_survives_being_sealed() {
    let random = CountingRandom::default();
    let login = LoginParameters {
        max_age: Some(60),
        prompt: Some("none".to_owned()),
        ..LoginParameters::default()
    };
    let (sent, pending) = begun(&random, &metadata(), &settings(ResponseMode::FormPost), &login);
    let bytes = postcard::to_allocvec(&pending).unwrap();
    let opened: PendingAuthorization = postcard::from_bytes(&bytes).unwrap();
    assert!(opened.state_matches(&value_of(&sent, "state")));
    assert!(!opened.state_matches(&value_of(&sent, "nonce")));
    assert_eq!(opened.max_age(), Some(60));
    assert!(opened.is_silent());
    assert_eq!(postcard::to_allocvec(&opened).unwrap(), bytes);
    for length in 0..bytes.len() {
        assert!(
            postcard::from_bytes::<PendingAuthorization>(&bytes[..length]).is_err(),
            "cut at {length}"
        );
    }
}

#[test]
fn client_authentication_methods_have_their_registered_names() {
    use crate::ClientAuthentication::*;
    let key = std::sync::Arc::new(doorward_crypto::SigningKey::generate(Algorithm::Es256).unwrap());
    let secret = SecretString::new("s");
    for (method, name) in [
        (SecretBasic(secret.clone()), "client_secret_basic"),
        (SecretPost(secret), "client_secret_post"),
        (PrivateKeyJwt(key), "private_key_jwt"),
        (None, "none"),
    ] {
        assert_eq!(method.method(), name);
    }
}
