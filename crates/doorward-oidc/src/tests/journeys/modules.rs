//! The modules of the OpenID Foundation's relying party plans.

use doorward_crypto::{SecretString, half_hash};
use serde_json::json;

use super::super::support::*;
use super::*;

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
