//! The provider is correct by default, strict towards the client, and misbehaves only as told.

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::keys::{decode, verify};
use super::*;
use crate::{Browser, FixedClock, Gate, Page};

mod client;
mod misbehaviour;

const ISSUER: &str = "https://id.example.com";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CALLBACK: &str = "https://app.example.com/auth/callback";

struct Setup {
    provider: ScriptedProvider,
    browser: Browser,
    clock: FixedClock,
}

fn setup() -> Setup {
    setup_with(|builder| builder)
}

fn setup_with(change: impl FnOnce(ScriptedProviderBuilder) -> ScriptedProviderBuilder) -> Setup {
    let clock = FixedClock::default();
    let provider = change(ScriptedProvider::builder(ISSUER, clock.clone())).build();
    let browser = Browser::new(ISSUER).mount(ISSUER, provider.router());
    Setup {
        provider,
        browser,
        clock,
    }
}

fn authorization() -> Vec<(&'static str, String)> {
    vec![
        ("response_type", "code".to_owned()),
        ("client_id", CLIENT_ID.to_owned()),
        ("redirect_uri", CALLBACK.to_owned()),
        ("scope", "openid offline_access".to_owned()),
        ("state", "the-state".to_owned()),
        ("nonce", "the-nonce".to_owned()),
        ("code_challenge", keys::sha256(VERIFIER)),
        ("code_challenge_method", "S256".to_owned()),
    ]
}

impl Setup {
    async fn authorize(&self, params: &[(&str, String)]) -> Page {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(params);
        self.browser.visit(&format!("/authorize?{}", query.finish())).await
    }

    async fn code(&self) -> String {
        let page = self.authorize(&authorization()).await;
        let location = page.location().unwrap_or_else(|| panic!("{}", page.text()));
        let code = location.query_pairs().find(|(name, _)| name == "code");
        code.unwrap().1.into_owned()
    }

    async fn post(&self, path: &str, authorization: Option<&str>, fields: &[(&str, &str)]) -> Page {
        let request = self.browser.request(Method::POST, path).form(fields);
        match authorization {
            Some(value) => request.header("authorization", value).send().await,
            None => request.send().await,
        }
    }

    async fn redeem(&self, code: &str) -> Page {
        self.post("/token", Some(&basic(CLIENT_ID, CLIENT_SECRET)), &code_grant(code))
            .await
    }

    async fn refresh(&self, token: &str) -> Page {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post("/token", Some(&basic(CLIENT_ID, CLIENT_SECRET)), &fields)
            .await
    }
}

fn code_grant(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("code_verifier", VERIFIER),
        ("redirect_uri", CALLBACK),
    ]
}

fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let pair = format!("{}:{}", encode(id), encode(secret));
    format!("Basic {}", base64_simd::STANDARD.encode_to_string(pair))
}

fn part(token: &str, index: usize) -> Value {
    serde_json::from_slice(&decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_correct_login_gives_a_token_that_says_who_it_is() {
    let all = [
        KeyAlgorithm::Rs256,
        KeyAlgorithm::Ps256,
        KeyAlgorithm::Es256,
        KeyAlgorithm::Es384,
        KeyAlgorithm::EdDsa,
    ];
    for algorithm in all {
        let setup = setup_with(|builder| builder.algorithm(algorithm));
        let response: Value = setup.redeem(&setup.code().await).await.json();
        let id_token = response["id_token"].as_str().unwrap();
        let (message, signature) = id_token.rsplit_once('.').unwrap();
        let keys: Value = setup.browser.get("/jwks").await.json();
        let header = part(id_token, 0);
        assert_eq!(header["kid"], keys["keys"][0]["kid"]);
        let signature = decode(signature).unwrap();
        assert!(verify(
            &keys["keys"][0],
            algorithm.name(),
            message.as_bytes(),
            &signature
        ));
        let claims = part(id_token, 1);
        for (name, expected) in [
            ("iss", ISSUER.into()),
            ("sub", "alice".into()),
            ("aud", CLIENT_ID.into()),
            ("nonce", "the-nonce".into()),
            ("exp", (setup.clock.seconds() + 300).into()),
            ("email", "alice@acme.test".into()),
            (
                "at_hash",
                algorithm.half_hash(response["access_token"].as_str().unwrap()).into(),
            ),
        ] {
            assert_eq!(claims[name], Value::clone(&expected), "{name}");
        }
        assert_eq!(response["token_type"], "Bearer");
        assert_eq!(response["expires_in"], 300);
    }
}

#[tokio::test]
async fn the_product_verifies_what_the_provider_signs() {
    use doorward_crypto::{Algorithm, JwsPolicy, KeySet};
    for (algorithm, theirs) in [
        (KeyAlgorithm::Rs256, Algorithm::Rs256),
        (KeyAlgorithm::Ps256, Algorithm::Ps256),
        (KeyAlgorithm::Es256, Algorithm::Es256),
        (KeyAlgorithm::Es384, Algorithm::Es384),
        (KeyAlgorithm::EdDsa, Algorithm::EdDsa),
    ] {
        let setup = setup_with(|builder| builder.algorithm(algorithm));
        let token = setup.provider.sign("JWT", &serde_json::json!({"sub": "alice"}));
        let keys = KeySet::parse(&setup.browser.get("/jwks").await.body).unwrap();
        let policy = JwsPolicy {
            algorithms: &[theirs],
            refused_types: &[],
            required_type: None,
        };
        let verified = doorward_crypto::verify(&token, &keys, &policy).unwrap();
        assert_eq!(verified.claims()["sub"], "alice");
    }
}

#[tokio::test]
async fn refresh_tokens_rotate_as_told() {
    for (rotation, second_use, next_after_reuse) in [
        (Rotation::Off, StatusCode::OK, None),
        (Rotation::Same, StatusCode::OK, Some(StatusCode::OK)),
        (Rotation::Rotate, StatusCode::BAD_REQUEST, Some(StatusCode::OK)),
        (
            Rotation::ReuseDetection,
            StatusCode::BAD_REQUEST,
            Some(StatusCode::BAD_REQUEST),
        ),
    ] {
        let setup = setup();
        setup.provider.script(|script| script.rotation = rotation);
        let first: Value = setup.redeem(&setup.code().await).await.json();
        let first = first["refresh_token"].as_str().unwrap();
        let answer: Value = setup.refresh(first).await.json();
        assert_eq!(part(answer["id_token"].as_str().unwrap(), 1)["nonce"], Value::Null);
        assert_eq!(setup.refresh(first).await.status, second_use, "{rotation:?}");
        let next = answer["refresh_token"].as_str();
        assert_eq!(next.is_some(), next_after_reuse.is_some(), "{rotation:?}");
        if let (Some(next), Some(expected)) = (next, next_after_reuse) {
            assert_eq!(setup.provider.accepts_refresh_token(next), expected == StatusCode::OK);
            assert_eq!(setup.refresh(next).await.status, expected, "{rotation:?}");
        }
    }
}

#[tokio::test]
async fn userinfo_demands_a_token_of_its_own() {
    let setup = setup();
    let response: Value = setup.redeem(&setup.code().await).await.json();
    let bearer = format!("Bearer {}", response["access_token"].as_str().unwrap());
    let ask = |value: String| {
        let request = setup.browser.request(Method::GET, "/userinfo");
        request.header("authorization", &value).send()
    };
    let claims: Value = ask(bearer.clone()).await.json();
    assert_eq!(claims["sub"], "alice");
    assert_eq!(ask("Bearer other".to_owned()).await.status, StatusCode::UNAUTHORIZED);
    setup
        .provider
        .script(|script| script.userinfo.signed = Some(IdTokenScript::default()));
    let signed = ask(bearer).await;
    assert_eq!(signed.header("content-type"), Some("application/jwt"));
    assert_eq!(part(signed.text(), 1)["sub"], "alice");
}

#[tokio::test]
async fn revocation_ends_every_token_of_a_login() {
    let setup = setup();
    let first: Value = setup.redeem(&setup.code().await).await.json();
    let token = first["refresh_token"].as_str().unwrap();
    assert!(setup.provider.accepts_refresh_token(token));
    let page = setup.post("/revoke", None, &[("token", token)]).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    let header = basic(CLIENT_ID, CLIENT_SECRET);
    assert_eq!(
        setup.post("/revoke", Some(&header), &[("token", token)]).await.status,
        StatusCode::OK
    );
    assert!(!setup.provider.accepts_refresh_token(token));
}

#[tokio::test]
async fn what_was_minted_and_asked_is_on_record() {
    let setup = setup();
    let code = setup.code().await;
    let response: Value = setup.redeem(&code).await.json();
    let minted = setup.provider.minted_secrets();
    assert!(minted.contains(&code));
    for member in ["access_token", "refresh_token", "id_token"] {
        assert!(
            minted.contains(&response[member].as_str().unwrap().to_owned()),
            "{member}"
        );
    }
    assert_eq!(setup.provider.count(Endpoint::Authorize), 1);
    assert_eq!(setup.provider.token_calls("authorization_code"), 1);
    assert_eq!(setup.provider.token_calls("refresh_token"), 0);
    let token = &setup.provider.requests_to(Endpoint::Token)[0];
    assert_eq!(token.param("redirect_uri").as_deref(), Some(CALLBACK));
    assert_eq!(token.method, Method::POST);
    assert_ne!(token.headers, HeaderMap::new());
}

#[tokio::test]
async fn an_issuer_with_a_path_stands_before_its_endpoints() {
    let clock = FixedClock::default();
    let provider = ScriptedProvider::new("https://id.example.com/acme/", clock);
    let browser = Browser::new(ISSUER).mount(ISSUER, provider.router());
    let page = browser.get("/acme/.well-known/openid-configuration").await;
    let metadata: Value = page.json();
    assert_eq!(metadata["issuer"], "https://id.example.com/acme/");
    assert_eq!(metadata["token_endpoint"], "https://id.example.com/acme/token");
    assert_eq!(browser.get("/jwks").await.status, StatusCode::NOT_FOUND);
    assert_eq!(provider.count(Endpoint::Elsewhere), 1);
}
