//! How clients prove who they are.

use axum::http::StatusCode;
use doorward_crypto::{Algorithm, SigningKey};
use serde_json::{Value, json};

use crate::browser::{Browser, ISSUER, REDIRECT_URI, VERIFIER, basic};

const SECRET: &str = "p+q/r s:t%u=0123456789abcdefghijklmn";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

#[tokio::test]
async fn a_secret_is_taken_from_the_header_or_the_body_but_not_from_both() {
    let mut browser = Browser::new(|settings| settings.client_secret = SECRET.into());
    let header = basic("doorward-dev", SECRET);
    let authorization = [("authorization", header.as_str())];
    let in_body = [GRANT, ("client_id", "doorward-dev"), ("client_secret", SECRET)];
    assert_eq!(
        browser.post_with("/token", &[GRANT], &authorization).await.status,
        StatusCode::OK
    );
    assert_eq!(browser.post("/token", &in_body).await.status, StatusCode::OK);
    assert_eq!(
        browser.post_with("/token", &in_body, &authorization).await.error(),
        "invalid_request"
    );
    let other_id = [GRANT, ("client_id", "other")];
    assert_eq!(
        browser.post_with("/token", &other_id, &authorization).await.error(),
        "invalid_request"
    );
}

#[tokio::test]
async fn wrong_and_missing_credentials_are_refused_with_a_challenge() {
    let mut browser = Browser::new(|_| ());
    let wrong = basic("doorward-dev", "wrong");
    let stranger = basic("stranger", "wrong");
    for (pairs, header) in [
        (vec![GRANT], None),
        (vec![GRANT, ("client_id", "doorward-dev")], None),
        (
            vec![GRANT, ("client_id", "doorward-dev"), ("client_secret", "wrong")],
            None,
        ),
        (vec![GRANT], Some(wrong.as_str())),
        (vec![GRANT], Some(stranger.as_str())),
        (vec![GRANT], Some("Basic !!")),
        (vec![GRANT], Some("Bearer abc")),
    ] {
        let headers: Vec<_> = header.map(|header| ("authorization", header)).into_iter().collect();
        let answer = browser.post_with("/token", &pairs, &headers).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{pairs:?} {header:?}");
        assert_eq!(answer.error(), "invalid_client");
        assert!(answer.header("www-authenticate").starts_with("Basic "));
    }
}

#[tokio::test]
async fn a_public_client_redeems_codes_and_gets_nothing_of_its_own() {
    let mut browser = Browser::new(|settings| settings.danger_public_client = true);
    let code = browser
        .sign_in("alice@acme.test", &[])
        .await
        .location_param("code")
        .unwrap();
    let request = [
        ("grant_type", "authorization_code"),
        ("client_id", "doorward-dev"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(browser.post("/token", &request).await.status, StatusCode::OK);
    let own = browser.post("/token", &[GRANT, ("client_id", "doorward-dev")]).await;
    assert_eq!(own.error(), "unauthorized_client");
    let introspection = browser
        .post("/introspect", &[("client_id", "doorward-dev"), ("token", "x")])
        .await;
    assert_eq!(introspection.error(), "invalid_client");
}

#[tokio::test]
async fn a_signed_assertion_is_good_once() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let mut browser = Browser::new(|settings| {
        settings.client_keys = Some(json!({ "keys": [key.public_jwk()] }));
    });
    let now = browser.tokens("alice@acme.test", &[]).await;
    let now = browser.verified(now["id_token"].as_str().unwrap(), "JWT").await["iat"]
        .as_u64()
        .unwrap();
    let claims = |name: &str, value: Value| {
        let mut claims = json!({
            "iss": "doorward-dev", "sub": "doorward-dev", "aud": format!("{ISSUER}/token"), "exp": now + 60, "jti": name,
        });
        claims[name] = value;
        claims
    };
    let foreign_key = SigningKey::generate(Algorithm::Es256).unwrap();
    for (key, claims, expected) in [
        (&key, claims("extra", json!(1)), StatusCode::OK),
        (&key, claims("aud", json!([ISSUER, "https://a.test"])), StatusCode::OK),
        (&key, claims("extra", json!(1)), StatusCode::UNAUTHORIZED), // the jti of the first
        (&foreign_key, claims("other", json!(1)), StatusCode::UNAUTHORIZED),
        (&key, claims("iss", json!("other")), StatusCode::UNAUTHORIZED),
        (&key, claims("sub", json!("other")), StatusCode::UNAUTHORIZED),
        (&key, claims("aud", json!("https://a.test")), StatusCode::UNAUTHORIZED),
        (&key, claims("aud", json!(7)), StatusCode::UNAUTHORIZED),
        (&key, claims("exp", json!(now - 1)), StatusCode::UNAUTHORIZED),
        (&key, claims("exp", json!(now + 100_000)), StatusCode::UNAUTHORIZED),
        (&key, claims("exp", json!("soon")), StatusCode::UNAUTHORIZED),
        (&key, claims("jti", json!(null)), StatusCode::UNAUTHORIZED),
    ] {
        let assertion = key.sign("JWT", &claims).unwrap();
        let pairs = [
            GRANT,
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion.as_str()),
        ];
        assert_eq!(browser.post("/token", &pairs).await.status, expected, "{claims}");
    }
    let assertion = key.sign("JWT", &claims("fresh", json!(1))).unwrap();
    let pairs = [
        GRANT,
        ("client_assertion_type", "saml"),
        ("client_assertion", assertion.as_str()),
    ];
    assert_eq!(browser.post("/token", &pairs).await.error(), "invalid_request");
}
