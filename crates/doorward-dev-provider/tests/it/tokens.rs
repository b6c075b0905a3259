//! What the tokens hold; revocation, introspection, keys, metadata.

use axum::http::StatusCode;
use doorward_crypto::{Algorithm, JwsPolicy, KeySet};
use serde_json::json;

use crate::browser::{Browser, ISSUER};

#[tokio::test]
async fn an_access_token_has_the_size_and_claims_of_a_real_one() {
    let mut browser = Browser::new(|_| ());
    for user in browser.provider.users() {
        let tokens = browser.tokens(&user.email, &[("prompt", "login")]).await;
        let access_token = tokens["access_token"].as_str().unwrap();
        assert!(
            (880..=1_050).contains(&access_token.len()),
            "{} bytes",
            access_token.len()
        );
        let claims = browser.verified(access_token, "at+jwt").await;
        assert_eq!(claims["iss"], ISSUER);
        assert_eq!(claims["aud"], "doorward-dev-api");
        assert_eq!(claims["client_id"], "doorward-dev");
        assert_eq!(claims["sub"], user.subject);
        assert_eq!(claims["roles"], json!(user.roles));
        assert_eq!(claims["tenant"], user.tenant);
        assert_eq!(claims["scope"], "openid email offline_access");
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
    }
}

#[tokio::test]
async fn a_resource_becomes_the_audience() {
    let mut browser = Browser::new(|_| ());
    let tokens = browser
        .tokens("alice@acme.test", &[("resource", "https://api.acme.test/")])
        .await;
    let claims = browser
        .verified(tokens["access_token"].as_str().unwrap(), "at+jwt")
        .await;
    assert_eq!(claims["aud"], "https://api.acme.test/");
}

#[tokio::test]
async fn a_client_gets_a_token_of_its_own() {
    let mut browser = Browser::new(|_| ());
    let answer = browser
        .token(&[("grant_type", "client_credentials"), ("scope", "openid orders.read")])
        .await;
    let tokens = answer.json();
    assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none());
    assert_eq!(tokens["scope"], "orders.read");
    let access_token = tokens["access_token"].as_str().unwrap();
    let claims = browser.verified(access_token, "at+jwt").await;
    assert_eq!(claims["sub"], "doorward-dev");
    assert!(claims.get("roles").is_none());
    assert_eq!(browser.userinfo(access_token).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn userinfo_refuses_what_is_not_a_live_access_token() {
    let mut browser = Browser::new(|_| ());
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    let bare = browser.get("/userinfo").await;
    assert_eq!(bare.status, StatusCode::UNAUTHORIZED);
    assert!(!bare.header("www-authenticate").contains("error="));
    for token in [
        "",
        "garbage",
        tokens["id_token"].as_str().unwrap(),
        tokens["refresh_token"].as_str().unwrap(),
    ] {
        let answer = browser.userinfo(token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.header("www-authenticate").contains("invalid_token"));
    }
    let access_token = tokens["access_token"].as_str().unwrap();
    assert_eq!(browser.userinfo(access_token).await.status, StatusCode::OK);
    browser.provider.advance_clock(300);
    assert_eq!(browser.userinfo(access_token).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn revoking_a_refresh_token_ends_its_access_tokens_too() {
    let mut browser = Browser::new(|_| ());
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    let (access, refresh) = (
        tokens["access_token"].as_str().unwrap(),
        tokens["refresh_token"].as_str().unwrap(),
    );
    // RFC 7009 §2.2: an unknown token is no error; a caller without credentials is.
    assert_eq!(
        browser.as_client("/revoke", &[("token", "unknown")]).await.status,
        StatusCode::OK
    );
    assert_eq!(
        browser.post("/revoke", &[("token", refresh)]).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(browser.as_client("/revoke", &[]).await.error(), "invalid_request");
    assert_eq!(browser.userinfo(access).await.status, StatusCode::OK);
    assert_eq!(
        browser.as_client("/revoke", &[("token", refresh)]).await.status,
        StatusCode::OK
    );
    assert_eq!(browser.userinfo(access).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.refresh(refresh).await.error(), "invalid_grant");
}

#[tokio::test]
async fn revoking_an_access_token_ends_that_one_alone() {
    let mut browser = Browser::new(|_| ());
    let tokens = browser.tokens("alice@acme.test", &[]).await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(
        browser.as_client("/revoke", &[("token", access)]).await.status,
        StatusCode::OK
    );
    assert_eq!(browser.userinfo(access).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        browser.refresh(tokens["refresh_token"].as_str().unwrap()).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn introspection_tells_live_tokens_from_dead_ones() {
    let mut browser = Browser::new(|_| ());
    let tokens = browser.tokens("bob@acme.test", &[]).await;
    let (access, refresh) = (
        tokens["access_token"].as_str().unwrap(),
        tokens["refresh_token"].as_str().unwrap(),
    );
    let answer = browser.as_client("/introspect", &[("token", access)]).await.json();
    assert_eq!(answer["active"], true);
    assert_eq!(answer["username"], "bob@acme.test");
    assert_eq!(answer["client_id"], "doorward-dev");
    assert_eq!(answer["aud"], "doorward-dev-api");
    assert_eq!(
        browser.as_client("/introspect", &[("token", refresh)]).await.json()["active"],
        true
    );
    assert_eq!(
        browser.post("/introspect", &[("token", access)]).await.status,
        StatusCode::UNAUTHORIZED
    );
    browser.refresh(refresh).await;
    for dead in [refresh, "unknown", tokens["id_token"].as_str().unwrap()] {
        let answer = browser.as_client("/introspect", &[("token", dead)]).await;
        assert_eq!(answer.json(), json!({ "active": false }));
    }
    browser.provider.advance_clock(300);
    assert_eq!(
        browser.as_client("/introspect", &[("token", access)]).await.json()["active"],
        false
    );
}

#[tokio::test]
async fn rotated_keys_sign_and_the_one_before_stays_published_once() {
    let mut browser = Browser::new(|_| ());
    let verifies = |jwks: &str, token: &str| {
        let keys = KeySet::parse(jwks.as_bytes()).unwrap();
        let policy = JwsPolicy {
            algorithms: &[Algorithm::Rs256],
            refused_types: &[],
            required_type: None,
        };
        doorward_crypto::verify(token, &keys, &policy).is_ok()
    };
    let old = browser.tokens("alice@acme.test", &[]).await["id_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let before = browser.get("/jwks").await.body;
    assert_eq!(
        browser.settings(json!({ "rotate_keys": true })).await.status,
        StatusCode::OK
    );
    let new = browser.tokens("alice@acme.test", &[("prompt", "login")]).await["id_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let after = browser.get("/jwks").await.body;
    assert!(verifies(&before, &old) && !verifies(&before, &new));
    assert!(verifies(&after, &old) && verifies(&after, &new));
    browser.provider.rotate_keys().unwrap();
    let last = browser.get("/jwks").await.body;
    assert!(!verifies(&last, &old) && verifies(&last, &new));
    assert!(!last.contains("\"d\""), "a private member is published");
}

#[tokio::test]
async fn metadata_names_what_is_there() {
    let mut browser = Browser::new(|_| ());
    let metadata = browser.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["issuer"], ISSUER);
    for (name, path) in [
        ("authorization_endpoint", "/authorize"),
        ("token_endpoint", "/token"),
        ("userinfo_endpoint", "/userinfo"),
        ("jwks_uri", "/jwks"),
        ("revocation_endpoint", "/revoke"),
        ("introspection_endpoint", "/introspect"),
        ("end_session_endpoint", "/end_session"),
    ] {
        assert_eq!(metadata[name], format!("{ISSUER}{path}"));
        assert_ne!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(metadata["response_types_supported"], json!(["code"]));
    assert_eq!(metadata["response_modes_supported"], json!(["query", "form_post"]));
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["backchannel_logout_supported"], true);
    assert_eq!(metadata["frontchannel_logout_session_supported"], true);
    assert_eq!(metadata["id_token_signing_alg_values_supported"], json!(["RS256"]));
    assert!(
        metadata["scopes_supported"]
            .as_array()
            .unwrap()
            .contains(&json!("offline_access"))
    );
}
