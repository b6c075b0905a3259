//! The modules of the OpenID Foundation's relying party plans by their names (OIDCC; logout and optional ones apart).
//!
//! Modules that need a history stand where that is told: `-signing-key-rotation` and `-just-before-signing` in
//! `key_rotation`, `-discovery-jwks-uri-keys` in `keys`, `-3rd-party-init-login` in `discovery`, `-form-post-error` in
//! `form_post`, `-client-secret-basic` in `client_auth`, `-userinfo-bearer-header` in `userinfo`. Not offered, and so not
//! here: the token in a form body (`-userinfo-bearer-body`), hybrid flows (`-chash`), client certificates.

use doorward::{Code, Provider, ResponseMode};
use doorward_testkit::{Answer, CLIENT_ID, CLIENT_SECRET, Endpoint, IdTokenScript, KeyAlgorithm, ProviderKey, Signing};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::*;
use crate::support::{APP, PROVIDER, World};

const STOP: Ends = Ends::Refused(Code::IdTokenInvalid);

fn form_post() -> World {
    World::with(|builder| {
        let provider = Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET);
        builder.provider(provider.response_mode(ResponseMode::FormPost))
    })
}

fn id_token(name: &'static str, change: fn(&mut IdTokenScript), ends: Ends, calls: &'static [&'static str]) -> Row {
    scripted(
        format!("oidcc-client-test{name}"),
        move |s| change(&mut s.token.id_token),
        ends,
        calls,
    )
}

fn rs256(name: &'static str, signing: Signing, broken: bool, ends: Ends, calls: &'static [&'static str]) -> Row {
    scripted(
        format!("oidcc-client-test{name}"),
        move |s| {
            s.discovery = Answer::correct().with("id_token_signing_alg_values_supported", json!(["RS256"]));
            s.token.id_token.signing = signing.clone();
            if broken {
                s.token.id_token.edit_compact(|token| {
                    let at = token.rfind('.').unwrap() + 1;
                    let other = if token.as_bytes()[at] == b'A' { 'B' } else { 'A' };
                    format!("{}{other}{}", &token[..at], &token[at + 1..])
                });
            }
        },
        ends,
        calls,
    )
}

fn without_kid(token: &mut IdTokenScript) {
    token.edit_header(|header| drop(header.as_object_mut().unwrap().remove("kid")));
}

fn rows() -> Vec<Row> {
    let rs = || Signing::Published(KeyAlgorithm::Rs256);
    vec![
        id_token("", |_| {}, Ends::SignedIn, COMPLETE),
        id_token("-nonce-invalid", |t| t.claim("nonce", "other"), STOP, UNTIL_KEYS),
        id_token(
            "-nonce-unless-code-flow, nonce left out",
            |t| t.without_claim("nonce"),
            STOP,
            UNTIL_KEYS,
        ),
        id_token(
            "-invalid-iss",
            |t| t.claim("iss", "https://id.example.net/1"),
            STOP,
            UNTIL_KEYS,
        ),
        id_token("-invalid-aud", |t| t.claim("aud", "app1"), STOP, UNTIL_KEYS),
        id_token("-missing-aud", |t| t.without_claim("aud"), STOP, UNTIL_KEYS),
        id_token("-missing-sub", |t| t.without_claim("sub"), STOP, UNTIL_KEYS),
        id_token("-missing-iat", |t| t.without_claim("iat"), STOP, UNTIL_KEYS),
        id_token("-kid-absent-single-jwks", without_kid, Ends::SignedIn, COMPLETE),
        scripted(
            "oidcc-client-test-kid-absent-multiple-jwks",
            |s| {
                without_kid(&mut s.token.id_token);
                let another = || ProviderKey::generate(KeyAlgorithm::Es256, "another").public_jwk();
                s.keys.decoys = vec![another(), another()];
            },
            Ends::SignedIn,
            COMPLETE,
        ),
        rs256("-idtoken-sig-rs256", rs(), false, Ends::SignedIn, COMPLETE),
        id_token("-idtoken-sig-none", |t| t.signing = Signing::Unsigned, STOP, UNTIL_KEYS),
        rs256("-invalid-sig-rs256", rs(), true, STOP, UNTIL_KEYS),
        id_token("-invalid-sig-es256", |t| t.signing = Signing::Flipped, STOP, UNTIL_KEYS),
        id_token(
            "-invalid-sig-hs256",
            |t| t.signing = Signing::Hs256(CLIENT_SECRET.into()),
            STOP,
            UNTIL_KEYS,
        ),
        id_token(
            "-invalid-athash",
            |t| t.claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
            STOP,
            UNTIL_KEYS,
        ),
        id_token(
            "-missing-athash",
            |t| t.without_claim("at_hash"),
            Ends::SignedIn,
            COMPLETE,
        ),
        scripted(
            "oidcc-client-test-userinfo-invalid-sub",
            |s| s.userinfo.answer = Answer::correct().with("sub", "alice1"),
            Ends::Refused(Code::ProviderResponseInvalid),
            COMPLETE,
        ),
        scripted(
            "oidcc-client-test-userinfo-signed",
            |s| s.userinfo.signed = Some(IdTokenScript::default()),
            Ends::SignedIn,
            COMPLETE,
        ),
        scripted(
            "oidcc-client-test-discovery-issuer-mismatch",
            |s| s.discovery = Answer::correct().with("issuer", "https://id.example.net/1"),
            Ends::Refused(Code::ProviderUnavailable),
            UNTIL_METADATA,
        ),
        scripted(
            "oidcc-client-test-mtls-endpoint-aliases",
            |s| {
                let aliases = json!({"token_endpoint": "https://mtls.example.net/token"});
                s.discovery = Answer::correct().with("mtls_endpoint_aliases", aliases);
            },
            Ends::SignedIn,
            COMPLETE,
        ),
    ]
}

#[tokio::test]
async fn every_module_of_the_basic_and_config_plans_ends_as_it_must() {
    check(rows()).await;
}

#[tokio::test]
async fn every_module_ends_the_same_way_with_form_post() {
    check_in(form_post, rows()).await;
}

// oidcc-client-test, -scope-userinfo-claims, -nonce-unless-code-flow, -discovery-openid-config
#[tokio::test]
async fn requests_are_what_the_modules_look_for() {
    let world = World::with(|builder| {
        let provider = Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET);
        builder.provider(provider.scopes(["openid", "email", "profile"]))
    });
    // The claims come by userinfo alone, as for scopes that were asked for.
    world.provider.script(|s| {
        s.token.id_token.edit_claims(|claims| {
            claims
                .as_object_mut()
                .unwrap()
                .retain(|name, _| !["email", "email_verified", "roles"].contains(&name.as_str()));
        });
    });
    world.sign_in().await;
    let me: Value = world.browser.get("/api/me").await.json();
    assert_eq!(
        (&me["email"], &me["email_verified"]),
        (&json!("alice@acme.test"), &json!(true))
    );

    let [asked] = world.provider.requests_to(Endpoint::Authorize).try_into().unwrap();
    assert_eq!(asked.param("response_type").as_deref(), Some("code"));
    assert_eq!(asked.param("client_id").as_deref(), Some(CLIENT_ID));
    assert_eq!(asked.param("scope").as_deref(), Some("openid email profile"));
    assert_eq!(asked.param("redirect_uri"), Some(format!("{APP}/auth/callback")));
    assert!(asked.param("nonce").is_some_and(|nonce| nonce.len() == 43));
    assert_eq!(asked.param("code_challenge_method").as_deref(), Some("S256"));
    let [redeemed] = world.provider.requests_to(Endpoint::Token).try_into().unwrap();
    assert_eq!(redeemed.param("grant_type").as_deref(), Some("authorization_code"));
    assert_eq!(redeemed.param("redirect_uri"), asked.param("redirect_uri"));
    assert_eq!(redeemed.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(world.provider.count(Endpoint::Elsewhere), 0);
}

#[tokio::test]
async fn an_impossible_question_is_not_asked() {
    // The suite fails a client that asks for max_age=0 with prompt=none.
    let world = World::new();
    let page = world.browser.visit("/auth/login?prompt=none&max_age=0").await;
    assert_refused(&world, &page, Code::RequestMalformed, "max_age=0 and prompt=none").await;
    assert_eq!(world.provider.count(Endpoint::Authorize), 0);
}

// oidcc-client-test-refresh-token, -refresh-token-invalid-issuer, -refresh-token-invalid-sub
#[tokio::test]
async fn a_refreshed_id_token_of_somebody_else_ends_the_session() {
    type Change = fn(&mut IdTokenScript);
    let cases: [(&str, Change, bool); 8] = [
        ("-refresh-token", |_| {}, true),
        ("-refresh-token, no ID token", |t| t.omitted = true, true),
        (
            "-refresh-token-invalid-issuer",
            |t| t.claim("iss", "https://id.example.net/1"),
            false,
        ),
        ("-refresh-token-invalid-sub", |t| t.claim("sub", "bob"), false),
        ("other audience", |t| t.claim("aud", "other"), false),
        ("other auth_time", |t| t.claim("auth_time", 1_700_000_000), false),
        ("broken signature", |t| t.signing = Signing::Flipped, false),
        ("unsigned", |t| t.signing = Signing::Unsigned, false),
    ];
    for (name, change, goes_on) in cases {
        let world = World::new();
        world.sign_in().await;
        world.provider.script(|s| change(&mut s.refresh.id_token));
        world.advance(290);
        let copy = world.browser.thief();
        let me = world.browser.get("/api/me").await;
        assert_eq!(world.provider.token_calls("refresh_token"), 1, "{name}");
        world.tasks.idle().await;
        if goes_on {
            assert_eq!(me.json::<Value>()["subject"], "alice", "{name}");
            continue;
        }
        assert_eq!(
            (me.status, me.problem_code().as_str()),
            (StatusCode::UNAUTHORIZED, "token_refresh_failed"),
            "{name}"
        );
        assert_eq!(world.handled(), 0, "{name}");
        assert_eq!(copy.get("/api/me").await.status, StatusCode::UNAUTHORIZED, "{name}");
        let revoked = world.provider.requests_to(Endpoint::Revocation);
        assert_eq!(revoked.len(), 1, "{name}: what arrived is of no use to anybody");
        world.provider.reset();
        let out = world.browser.request(Method::POST, "/auth/logout").send().await;
        assert_eq!(out.status, StatusCode::OK, "{name}");
        world.sign_in().await;
    }
}
