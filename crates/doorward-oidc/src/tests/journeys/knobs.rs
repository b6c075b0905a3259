//! Further ways to lie, endpoint by endpoint.

use serde_json::{Value, json};

use super::super::support::*;
use super::*;

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
