//! Whole logins against a scripted provider: one row per way it can behave, with the calls made and the outcome.
//!
//! Rows named `oidcc-…` are the modules of the OpenID Foundation's relying party test plans (without logout and without
//! optional ones); after a fault no further call is made, which is how those modules judge.

use doorward_crypto::{KeySet, SecretString, half_hash};
use http::StatusCode;
use serde_json::{Value, json};

use super::support::*;
use crate::*;

/// What the provider does; honest until a row changes it.
struct Script {
    configured: AuthorizeSettings,
    login: LoginParameters,
    metadata: Value,
    metadata_status: u16,
    metadata_type: &'static str,
    /// The key sets of one fetch after the other; the last one stays.
    key_sets: Vec<Value>,
    /// The response's parameters; `{state}` and `{iss}` stand for the right values.
    callback: String,
    method: ResponseMethod,
    token_status: u16,
    token_type: &'static str,
    /// Changes to the token answer.
    token: Value,
    key: Key,
    /// Changes to the ID token's header and claims.
    header: Value,
    claims: Value,
    break_signature: bool,
    userinfo_status: u16,
    userinfo: Value,
    userinfo_signed: bool,
}

impl Script {
    fn honest(key: Key) -> Self {
        Self {
            configured: settings(ResponseMode::Query),
            login: LoginParameters::default(),
            metadata: metadata_json(),
            metadata_status: 200,
            metadata_type: "application/json",
            key_sets: vec![json!({"keys": [key.signing.public_jwk()]})],
            callback: "state={state}&code=code-1&iss={iss}".to_owned(),
            method: ResponseMethod::Get,
            token_status: 200,
            token_type: "application/json",
            token: json!({}),
            key,
            header: json!({}),
            claims: json!({}),
            break_signature: false,
            userinfo_status: 200,
            userinfo: json!({"sub": SUBJECT, "email": "alice@acme.test", "email_verified": true}),
            userinfo_signed: false,
        }
    }
}

/// What a login came to: the calls made, and the subject or the error.
struct Outcome {
    calls: Vec<&'static str>,
    result: Result<String, String>,
}

fn run(script: &Script) -> Outcome {
    let mut calls = Vec::new();
    let result = log_in(script, &mut calls);
    Outcome { calls, result }
}

/// Does what an engine does: builds each request, judges each answer, stops at the first fault.
fn log_in(script: &Script, calls: &mut Vec<&'static str>) -> Result<String, String> {
    let random = CountingRandom::default();
    calls.push(discovery_request(&issuer()).label);
    let metadata = ProviderMetadata::parse(
        StatusCode::from_u16(script.metadata_status).unwrap(),
        &content_type(script.metadata_type),
        script.metadata.to_string().as_bytes(),
        &issuer(),
    )
    .map_err(|error| format!("{error:?}"))?;

    let (sent, pending) = begun(&random, &metadata, &script.configured, &script.login);
    calls.push("authorize");
    let iss: String = url::form_urlencoded::byte_serialize(ISSUER.as_bytes()).collect();
    let raw = script
        .callback
        .replace("{state}", &value_of(&sent, "state"))
        .replace("{iss}", &iss);
    let params = Params::parse(&raw).unwrap();
    let matched = AuthorizationResponse::parse(&params)
        .and_then(|response| callback::check(&response, script.method, pending))
        .map_err(|error| format!("{error:?}"))?;

    let (outbound, expected) = exchange_request(matched, &metadata, &client(), NOW, &random).unwrap();
    calls.push(outbound.label);
    let tokens = TokenResponse::parse(
        StatusCode::from_u16(script.token_status).unwrap(),
        &content_type(script.token_type),
        token_answer(script, &value_of(&sent, "nonce")).to_string().as_bytes(),
    )
    .map_err(|error| format!("{error:?}"))?;
    let raw = tokens.require_id_token().map_err(|error| format!("{error:?}"))?;

    let rules = IdTokenRules {
        expected: &expected,
        algorithms: metadata.id_token_algorithms(),
        now: NOW,
        access_token: Some(&tokens.access_token),
    };
    let mut keys = fetch_keys(script, &metadata, calls)?;
    let mut verified = id_token::verify(raw, &keys, &rules);
    if verified.as_ref().is_err_and(IdTokenError::needs_key_refetch) {
        keys = fetch_keys(script, &metadata, calls)?;
        verified = id_token::verify(raw, &keys, &rules);
    }
    let id_token = verified.map_err(|error| format!("{error:?}"))?;

    let Some(outbound) = userinfo_request(&metadata, &tokens.access_token) else {
        return Ok(id_token.subject().to_owned());
    };
    calls.push(outbound.label);
    let (media_type, body) = match script.userinfo_signed {
        true => (
            "application/jwt",
            script.key.id_token(&script.userinfo).expose().to_owned(),
        ),
        false => ("application/json", script.userinfo.to_string()),
    };
    parse_userinfo(
        StatusCode::from_u16(script.userinfo_status).unwrap(),
        &content_type(media_type),
        body.as_bytes(),
        &keys,
        metadata.id_token_algorithms(),
        CLIENT_ID,
        metadata.issuer(),
        &id_token,
    )
    .map_err(|error| format!("{error:?}"))?;
    Ok(id_token.subject().to_owned())
}

fn fetch_keys(script: &Script, metadata: &ProviderMetadata, calls: &mut Vec<&'static str>) -> Result<KeySet, String> {
    let fetched = calls.iter().filter(|call| **call == "jwks").count();
    calls.push(jwks_request(metadata).label);
    let body = script.key_sets.get(fetched).or(script.key_sets.last()).unwrap();
    parse_jwks(
        StatusCode::OK,
        &content_type("application/json"),
        body.to_string().as_bytes(),
    )
    .map_err(|error| format!("{error:?}"))
}

fn token_answer(script: &Script, nonce: &str) -> Value {
    let honest = patched(claims(), &json!({ "nonce": nonce }));
    let claims = patched(honest, &script.claims);
    let header = patched(script.key.header(), &script.header);
    let mut raw = script
        .key
        .token(&header, claims.to_string().as_bytes())
        .expose()
        .to_owned();
    if script.break_signature {
        let at = raw.rfind('.').unwrap() + 1;
        let flipped = if raw.as_bytes()[at] == b'A' { "B" } else { "A" };
        raw.replace_range(at..=at, flipped);
    }
    let answer = json!({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 300, "id_token": raw});
    patched(answer, &script.token)
}

const UNTIL_METADATA: &[&str] = &["discovery"];
const UNTIL_CALLBACK: &[&str] = &["discovery", "authorize"];
const UNTIL_TOKEN: &[&str] = &["discovery", "authorize", "token"];
const UNTIL_KEYS: &[&str] = &["discovery", "authorize", "token", "jwks"];
const UNTIL_REFETCH: &[&str] = &["discovery", "authorize", "token", "jwks", "jwks"];
const COMPLETE: &[&str] = &["discovery", "authorize", "token", "jwks", "userinfo"];
const COMPLETE_REFETCH: &[&str] = &["discovery", "authorize", "token", "jwks", "jwks", "userinfo"];

type Row<'a> = (&'a str, fn(&mut Script), &'a [&'a str], &'a str);

/// Runs each row with a key of its own; `accepted` stands for a login of the right subject.
fn check(key: fn() -> Key, rows: &[Row<'_>]) {
    for (name, change, calls, expected) in rows {
        let mut script = Script::honest(key());
        change(&mut script);
        let outcome = run(&script);
        match outcome.result {
            Ok(subject) => {
                assert_eq!(*expected, "accepted", "{name}");
                assert_eq!(subject, SUBJECT, "{name}");
            }
            Err(error) => assert!(error.starts_with(expected), "{name}: {error}, expected {expected}"),
        }
        assert_eq!(outcome.calls, *calls, "{name}");
    }
}

#[test]
fn every_relying_party_module_ends_as_it_must() {
    check(
        Key::rsa,
        &[("oidcc-client-test-idtoken-sig-rs256", |_| {}, COMPLETE, "accepted")],
    );
    check(
        Key::rsa,
        &[(
            "oidcc-client-test-invalid-sig-rs256",
            |s| s.break_signature = true,
            UNTIL_KEYS,
            "Jws(SignatureInvalid)",
        )],
    );
    check(
        Key::ec,
        &[
            ("oidcc-client-test", |_| {}, COMPLETE, "accepted"),
            (
                "oidcc-client-test-nonce-invalid",
                |s| s.claims = json!({"nonce": "x"}),
                UNTIL_KEYS,
                "NonceMismatch",
            ),
            (
                "oidcc-client-test-nonce-unless-code-flow",
                |s| s.claims = json!({"nonce": "(absent)"}),
                UNTIL_KEYS,
                "Missing(\"nonce\")",
            ),
            (
                "oidcc-client-test-invalid-iss",
                |s| s.claims = json!({"iss": "https://id.example.com/acme1"}),
                UNTIL_KEYS,
                "IssuerMismatch",
            ),
            (
                "oidcc-client-test-invalid-aud",
                |s| s.claims = json!({"aud": "app1"}),
                UNTIL_KEYS,
                "AudienceMismatch",
            ),
            (
                "oidcc-client-test-missing-aud",
                |s| s.claims = json!({"aud": "(absent)"}),
                UNTIL_KEYS,
                "Missing(\"aud\")",
            ),
            (
                "oidcc-client-test-missing-sub",
                |s| s.claims = json!({"sub": "(absent)"}),
                UNTIL_KEYS,
                "Missing(\"sub\")",
            ),
            (
                "oidcc-client-test-missing-iat",
                |s| s.claims = json!({"iat": "(absent)"}),
                UNTIL_KEYS,
                "Missing(\"iat\")",
            ),
            (
                "oidcc-client-test-kid-absent-single-jwks",
                |s| {
                    s.header = json!({"kid": "(absent)"});
                    s.key_sets = vec![json!({"keys": [s.key.jwk_without_kid()]})];
                },
                COMPLETE,
                "accepted",
            ),
            (
                "oidcc-client-test-kid-absent-multiple-jwks",
                |s| {
                    s.header = json!({"kid": "(absent)"});
                    s.key_sets = vec![json!({"keys": [Key::ec().jwk_without_kid(), s.key.jwk_without_kid()]})];
                },
                COMPLETE,
                "accepted",
            ),
            (
                "oidcc-client-test-idtoken-sig-none",
                |s| s.header = json!({"alg": "none"}),
                UNTIL_KEYS,
                "Jws(AlgorithmRefused)",
            ),
            (
                "oidcc-client-test-invalid-sig-es256",
                |s| s.break_signature = true,
                UNTIL_KEYS,
                "Jws(SignatureInvalid)",
            ),
            (
                "oidcc-client-test-invalid-sig-hs256",
                |s| s.header = json!({"alg": "HS256"}),
                UNTIL_KEYS,
                "Jws(AlgorithmRefused)",
            ),
            (
                "oidcc-client-test-invalid-athash",
                |s| s.claims = json!({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}),
                UNTIL_KEYS,
                "AccessTokenHashMismatch",
            ),
            (
                "at_hash right",
                |s| s.claims = json!({"at_hash": half_hash(s.key.signing.algorithm(), ACCESS_TOKEN.as_bytes())}),
                COMPLETE,
                "accepted",
            ),
            (
                "oidcc-client-test-userinfo-invalid-sub",
                |s| s.userinfo = json!({"sub": "alice-0001x"}),
                COMPLETE,
                "SubjectMismatch",
            ),
            (
                "oidcc-client-test-userinfo-signed",
                |s| {
                    s.userinfo = json!({"iss": ISSUER, "aud": CLIENT_ID, "sub": SUBJECT});
                    s.userinfo_signed = true;
                },
                COMPLETE,
                "accepted",
            ),
            (
                "oidcc-client-test-discovery-issuer-mismatch",
                |s| s.metadata = patched(metadata_json(), &json!({"issuer": "https://id.example.com/acme1"})),
                UNTIL_METADATA,
                "IssuerMismatch",
            ),
            (
                "oidcc-client-test-signing-key-rotation",
                |s| {
                    let old = json!({"keys": [Key::ec().signing.public_jwk()]});
                    s.key_sets.insert(0, old);
                },
                COMPLETE_REFETCH,
                "accepted",
            ),
            (
                "oidcc-client-test-signing-key-rotation-just-before-signing, without kid",
                |s| {
                    let old = json!({"keys": [Key::ec().signing.public_jwk()]});
                    s.key_sets.insert(0, old);
                    s.header = json!({"kid": "(absent)"});
                },
                COMPLETE_REFETCH,
                "accepted",
            ),
            (
                "oidcc-client-test-form-post-error",
                |s| {
                    s.configured = settings(ResponseMode::FormPost);
                    s.method = ResponseMethod::Post;
                    s.callback = "state={state}&iss={iss}&error=access_denied&error_description=<script>".to_owned();
                },
                UNTIL_CALLBACK,
                "ProviderRefused { error: AccessDenied",
            ),
            (
                "form post",
                |s| {
                    s.configured = settings(ResponseMode::FormPost);
                    s.method = ResponseMethod::Post;
                },
                COMPLETE,
                "accepted",
            ),
        ],
    );
}

#[test]
fn requests_are_what_the_modules_ask_for() {
    // oidcc-client-test, -client-secret-basic, -discovery-openid-config, -discovery-jwks-uri-keys, -nonce-unless-code-flow,
    // -scope-userinfo-claims, -userinfo-bearer-header
    let random = CountingRandom::default();
    let discovery = discovery_request(&issuer());
    assert_eq!(
        discovery.request.uri(),
        "https://id.example.com/acme/.well-known/openid-configuration"
    );
    let metadata = metadata_with(&json!({"jwks_uri": "https://id.example.com/keys/run-7"}));
    assert_eq!(
        jwks_request(&metadata).request.uri(),
        "https://id.example.com/keys/run-7"
    );
    let (sent, pending) = begun(
        &random,
        &metadata,
        &settings(ResponseMode::Query),
        &LoginParameters::default(),
    );
    assert!(!value_of(&sent, "nonce").is_empty());
    assert_eq!(value_of(&sent, "scope"), "openid email");
    assert_eq!(value_of(&sent, "redirect_uri"), REDIRECT_URI);
    let params = Params::parse(&format!("state={}&code=c&iss={ISSUER}", value_of(&sent, "state"))).unwrap();
    let response = AuthorizationResponse::parse(&params).unwrap();
    let matched = callback::check(&response, ResponseMethod::Get, pending).unwrap();
    let (token, _) = exchange_request(matched, &metadata, &client(), NOW, &random).unwrap();
    assert_eq!(
        token.request.headers()["authorization"],
        "Basic YXBwOmNsaWVudC1zZWNyZXQ="
    );
    assert_eq!(value_of(&form_of(&token), "redirect_uri"), REDIRECT_URI);
    let userinfo = userinfo_request(&metadata, &SecretString::new("t")).unwrap();
    assert_eq!(userinfo.request.headers()["authorization"], "Bearer t");
    assert_eq!(userinfo.request.uri().query(), None);
}

// oidcc-client-test-refresh-token, -refresh-token-invalid-issuer, -refresh-token-invalid-sub
#[test]
fn refreshed_tokens_end_as_the_modules_ask() {
    let key = Key::ec();
    let previous = PreviousIdentity {
        issuer: ISSUER.to_owned(),
        subject: SUBJECT.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        auth_time: None,
    };
    let expected = ExpectedIdToken::after_refresh(ISSUER, CLIENT_ID);
    let metadata = metadata();
    let rules = IdTokenRules {
        expected: &expected,
        algorithms: metadata.id_token_algorithms(),
        now: NOW,
        access_token: None,
    };
    for (patch, outcome) in [
        (json!({}), "accepted"),
        (json!({"iss": "https://id.example.com/acme1"}), "IssuerChanged"),
        (json!({"sub": "alice-0001x"}), "SubjectChanged"),
    ] {
        let raw = key.id_token(&patched(claims(), &patch));
        assert_eq!(
            shown(&check_refreshed(&raw, &keys_of(&key), &rules, &previous)),
            outcome
        );
    }
}

#[test]
fn a_lying_discovery_stops_the_login_before_any_redirect() {
    fn with(script: &mut Script, patch: Value) {
        script.metadata = patched(metadata_json(), &patch);
    }
    check(
        Key::ec,
        &[
            (
                "issuer with slash",
                |s| with(s, json!({"issuer": format!("{ISSUER}/")})),
                UNTIL_METADATA,
                "IssuerMismatch",
            ),
            ("redirect", |s| s.metadata_status = 302, UNTIL_METADATA, "Status(302)"),
            ("html", |s| s.metadata_type = "text/html", UNTIL_METADATA, "ContentType"),
            (
                "array",
                |s| s.metadata = json!([metadata_json()]),
                UNTIL_METADATA,
                "Json(NotAnObject",
            ),
            (
                "http endpoint",
                |s| with(s, json!({"token_endpoint": "http://id.example.com/token"})),
                UNTIL_METADATA,
                "Endpoint { name: \"token_endpoint\", reason: NotHttps",
            ),
            (
                "loopback endpoint",
                |s| with(s, json!({"jwks_uri": "https://127.0.0.1/keys"})),
                UNTIL_METADATA,
                "Endpoint { name: \"jwks_uri\", reason: Local",
            ),
            (
                "no jwks_uri",
                |s| with(s, json!({"jwks_uri": "(absent)"})),
                UNTIL_METADATA,
                "Missing(\"jwks_uri\")",
            ),
            (
                "other https host",
                |s| with(s, json!({"token_endpoint": "https://tokens.example.net/t"})),
                COMPLETE,
                "accepted",
            ),
            (
                "no code_challenge_methods",
                |s| with(s, json!({"code_challenge_methods_supported": "(absent)"})),
                COMPLETE,
                "accepted",
            ),
            (
                "none advertised, and used",
                |s| {
                    with(s, json!({"id_token_signing_alg_values_supported": ["none", "ES256"]}));
                    s.header = json!({"alg": "none"});
                },
                UNTIL_KEYS,
                "Jws(AlgorithmRefused)",
            ),
        ],
    );
}

#[test]
fn lying_keys_stop_the_login() {
    fn decoys(script: &Script) -> Vec<Value> {
        let own = script.key.signing.public_jwk();
        vec![
            patched(own.clone(), &json!({"use": "enc"})),
            patched(own.clone(), &json!({"key_ops": ["sign"]})),
            patched(own.clone(), &json!({"alg": "ES384"})),
            patched(own.clone(), &json!({"d": "AAAA"})),
            patched(own, &json!({"y": "AAAA"})),
            json!({"kty": "oct", "k": "AAAA", "kid": script.key.signing.kid()}),
            json!({"kty": "RSA", "n": "AQAB", "e": "AQ", "kid": script.key.signing.kid()}),
        ]
    }
    check(
        Key::ec,
        &[
            (
                "empty",
                |s| s.key_sets = vec![json!({"keys": []})],
                UNTIL_KEYS,
                "NoUsableKey",
            ),
            (
                "10,000 keys",
                |s| s.key_sets = vec![json!({"keys": vec![0; 10_000]})],
                UNTIL_KEYS,
                "KeySet(",
            ),
            (
                "decoys only",
                |s| s.key_sets = vec![json!({"keys": decoys(s)})],
                UNTIL_KEYS,
                "NoUsableKey",
            ),
            (
                "decoys and the key",
                |s| {
                    let mut keys = decoys(s);
                    keys.push(s.key.signing.public_jwk());
                    s.key_sets = vec![json!({ "keys": keys })];
                },
                COMPLETE,
                "accepted",
            ),
            (
                "two keys under one kid",
                |s| {
                    let other = patched(Key::ec().signing.public_jwk(), &json!({"kid": s.key.signing.kid()}));
                    s.key_sets = vec![json!({"keys": [other, s.key.signing.public_jwk()]})];
                },
                COMPLETE,
                "accepted",
            ),
            (
                "other keys on every fetch",
                |s| {
                    let other = || json!({"keys": [Key::ec().signing.public_jwk()]});
                    s.key_sets = vec![other(), other(), other()];
                },
                UNTIL_REFETCH,
                "Jws(UnknownKey)",
            ),
        ],
    );
}

// attacks: B2, B3, B10, B11, B13, B16, B18
#[test]
fn a_lying_authorization_response_stops_the_login_before_any_call() {
    fn with(script: &mut Script, callback: &str) {
        script.callback = callback.to_owned();
    }
    check(
        Key::ec,
        &[
            ("nothing", |s| with(s, ""), UNTIL_CALLBACK, "StateMismatch"),
            (
                "no state",
                |s| with(s, "code=c&iss={iss}"),
                UNTIL_CALLBACK,
                "StateMismatch",
            ),
            (
                "other state",
                |s| with(s, "state=x&code=c&iss={iss}"),
                UNTIL_CALLBACK,
                "StateMismatch",
            ),
            (
                "two states",
                |s| with(s, "state={state}&state={state}&code=c&iss={iss}"),
                UNTIL_CALLBACK,
                "Repeated",
            ),
            (
                "no iss",
                |s| with(s, "state={state}&code=c"),
                UNTIL_CALLBACK,
                "IssuerMismatch",
            ),
            (
                "other iss",
                |s| with(s, "state={state}&code=c&iss=https://x.example"),
                UNTIL_CALLBACK,
                "IssuerMismatch",
            ),
            (
                "no code",
                |s| with(s, "state={state}&iss={iss}"),
                UNTIL_CALLBACK,
                "CodeMissing",
            ),
            (
                "error and code",
                |s| with(s, "state={state}&code=c&error=server_error&iss={iss}"),
                UNTIL_CALLBACK,
                "ProviderRefused { error: ServerError",
            ),
            (
                "POST for query",
                |s| s.method = ResponseMethod::Post,
                UNTIL_CALLBACK,
                "WrongMethod",
            ),
            (
                "GET for form_post",
                |s| s.configured = settings(ResponseMode::FormPost),
                UNTIL_CALLBACK,
                "WrongMethod",
            ),
            (
                "prompt=none refused",
                |s| {
                    s.login.prompt = Some("none".to_owned());
                    with(s, "state={state}&error=login_required&iss={iss}");
                },
                UNTIL_CALLBACK,
                "ProviderRefused { error: LoginRequired, silent: true }",
            ),
        ],
    );
}

#[test]
fn a_lying_token_endpoint_stops_the_login() {
    check(
        Key::ec,
        &[
            (
                "html",
                |s| s.token_type = "text/html",
                UNTIL_TOKEN,
                "Invalid(ContentType)",
            ),
            ("redirect", |s| s.token_status = 302, UNTIL_TOKEN, "Invalid(Redirect)"),
            (
                "200 with error",
                |s| s.token = json!({"error": "x"}),
                UNTIL_TOKEN,
                "Invalid(ErrorInSuccess)",
            ),
            (
                "token_type mac",
                |s| s.token = json!({"token_type": "mac"}),
                UNTIL_TOKEN,
                "Invalid(TokenType)",
            ),
            (
                "token_type absent",
                |s| s.token = json!({"token_type": "(absent)"}),
                UNTIL_TOKEN,
                "Invalid(Missing",
            ),
            (
                "token_type odd case",
                |s| s.token = json!({"token_type": "bEARER"}),
                COMPLETE,
                "accepted",
            ),
            (
                "no id_token",
                |s| s.token = json!({"id_token": "(absent)"}),
                UNTIL_TOKEN,
                "Invalid(Missing(\"id_token\")",
            ),
            (
                "no access_token",
                |s| s.token = json!({"access_token": "(absent)"}),
                UNTIL_TOKEN,
                "Invalid(Missing(\"access_token\")",
            ),
            (
                "expires_in text",
                |s| s.token = json!({"expires_in": "3600"}),
                UNTIL_TOKEN,
                "Invalid(WrongType",
            ),
            (
                "expires_in -1",
                |s| s.token = json!({"expires_in": -1}),
                UNTIL_TOKEN,
                "Invalid(ExpiresIn)",
            ),
            (
                "expires_in absent",
                |s| s.token = json!({"expires_in": "(absent)"}),
                COMPLETE,
                "accepted",
            ),
            (
                "no refresh_token",
                |s| s.token = json!({"refresh_token": null}),
                COMPLETE,
                "accepted",
            ),
            (
                "401 invalid_client",
                |s| {
                    s.token_status = 401;
                    s.token = json!({"error": "invalid_client"});
                },
                UNTIL_TOKEN,
                "Refused { code: \"invalid_client\" }",
            ),
            (
                "400 invalid_grant",
                |s| {
                    s.token_status = 400;
                    s.token = json!({"error": "invalid_grant"});
                },
                UNTIL_TOKEN,
                "InvalidGrant",
            ),
            ("429", |s| s.token_status = 429, UNTIL_TOKEN, "Passing"),
            ("503", |s| s.token_status = 503, UNTIL_TOKEN, "Passing"),
        ],
    );
}

#[test]
fn max_age_asked_at_login_is_enforced_on_the_id_token() {
    check(
        Key::ec,
        &[
            (
                "auth_time absent",
                |s| s.login.max_age = Some(60),
                UNTIL_KEYS,
                "Missing(\"auth_time\")",
            ),
            (
                "auth_time old",
                |s| {
                    s.login.max_age = Some(60);
                    s.claims = json!({"auth_time": NOW.seconds() - 600});
                },
                UNTIL_KEYS,
                "AuthenticationTooOld",
            ),
            (
                "auth_time recent",
                |s| {
                    s.login.max_age = Some(60);
                    s.claims = json!({"auth_time": NOW.seconds() - 30});
                },
                COMPLETE,
                "accepted",
            ),
        ],
    );
}

// attacks: D39
#[test]
fn a_lying_userinfo_endpoint_fails_the_login() {
    check(
        Key::ec,
        &[
            (
                "absent sub",
                |s| s.userinfo = json!({"email": "a@b.test"}),
                COMPLETE,
                "SubjectMissing",
            ),
            (
                "array",
                |s| s.userinfo = json!([{"sub": SUBJECT}]),
                COMPLETE,
                "Json(NotAnObject",
            ),
            ("401", |s| s.userinfo_status = 401, COMPLETE, "Status(401)"),
            ("500", |s| s.userinfo_status = 500, COMPLETE, "Passing"),
            (
                "signed for somebody else",
                |s| {
                    s.userinfo = json!({"sub": SUBJECT, "aud": "other"});
                    s.userinfo_signed = true;
                },
                COMPLETE,
                "AudienceMismatch",
            ),
            (
                "no userinfo endpoint",
                |s| s.metadata = patched(metadata_json(), &json!({"userinfo_endpoint": "(absent)"})),
                UNTIL_KEYS,
                "accepted",
            ),
        ],
    );
}
