//! What the provider does when told to.

use super::*;

#[tokio::test]
async fn an_answer_misbehaves_as_often_as_told() {
    let setup = setup();
    setup.provider.script(|script| {
        let answer = Answer::error(503, "temporarily_unavailable").header("retry-after", "2");
        script.token.answer = answer.times(1);
    });
    let code = setup.code().await;
    let first = setup.redeem(&code).await;
    assert_eq!(first.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(first.header("retry-after"), Some("2"));
    // The first call did not use up the code.
    assert_eq!(setup.redeem(&code).await.status, StatusCode::OK);
    setup
        .provider
        .script(|script| script.token.answer = Answer::error(500, "x").after_acting());
    let code = setup.code().await;
    assert_eq!(setup.redeem(&code).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    setup.provider.reset();
    assert_eq!(setup.redeem(&code).await.json::<Value>()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_gate_holds_a_request_before_or_after_it_counts() {
    let setup = setup();
    let gate = Gate::closed();
    setup.provider.script(|script| {
        script.token.answer = Answer::correct().held_after_acting(&gate);
    });
    let code = setup.code().await;
    let browser = setup.browser.clone();
    let held = tokio::spawn(async move {
        let request = browser.request(Method::POST, "/token").form(&code_grant(&code));
        request
            .header("authorization", &basic(CLIENT_ID, CLIENT_SECRET))
            .send()
            .await
    });
    gate.arrived(1).await;
    assert!(!held.is_finished());
    gate.open();
    assert_eq!(held.await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn parameters_travel_as_asked_or_as_told() {
    let setup = setup();
    let mut asked = authorization();
    asked.push(("response_mode", "form_post".to_owned()));
    let form = setup.authorize(&asked).await.form().unwrap();
    assert!(form.is_post);
    assert_eq!(form.action.as_str(), CALLBACK);
    let names: Vec<&str> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    setup
        .provider
        .script(|script| script.authorization.delivery = Delivery::Fragment);
    let location = setup.authorize(&asked).await.location().unwrap();
    assert!(location.query().is_none() && location.fragment().unwrap().contains("state=the-state"));
    setup.provider.script(|script| {
        script.authorization.delivery = Delivery::Query;
        script.authorization.repeat("state", "evil", true);
    });
    let location = setup.authorize(&asked).await.location().unwrap();
    assert!(location.query().unwrap().starts_with("state=evil&code="));
}

#[tokio::test]
async fn rotated_keys_stay_or_go() {
    let setup = setup();
    let kids = |page: Page| -> Vec<String> {
        let keys: Value = page.json();
        let keys = keys["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    setup.provider.rotate_keys(true);
    assert_eq!(kids(setup.browser.get("/jwks").await), ["key-1", "key-2"]);
    setup.provider.rotate_keys(false);
    assert_eq!(kids(setup.browser.get("/jwks").await), ["key-3"]);
    assert_eq!(setup.provider.current_key().kid(), "key-3");
}

#[tokio::test]
async fn the_product_skips_every_decoy() {
    use doorward_crypto::{Algorithm, JwsPolicy, KeySet};
    for (algorithm, theirs) in [
        (KeyAlgorithm::Es256, Algorithm::Es256),
        (KeyAlgorithm::Rs256, Algorithm::Rs256),
    ] {
        let setup = setup_with(|builder| builder.algorithm(algorithm));
        let token = setup.provider.sign("JWT", &serde_json::json!({"sub": "alice"}));
        let policy = JwsPolicy {
            algorithms: &[theirs],
            refused_types: &[],
            required_type: None,
        };
        for (fault, decoy) in decoys::decoys(&setup.provider.current_key().public_jwk()) {
            setup.provider.script(|script| script.keys.decoys = vec![decoy]);
            let keys = KeySet::parse(&setup.browser.get("/jwks").await.body).unwrap();
            assert!(doorward_crypto::verify(&token, &keys, &policy).is_ok(), "{fault}");
        }
    }
}

#[tokio::test]
async fn bodies_are_rewritten_bombed_and_broken_off_as_told() {
    let setup = setup();
    let page = |answer: Answer| {
        setup.provider.script(|script| script.discovery = answer);
        setup.browser.get("/.well-known/openid-configuration")
    };
    let twice = page(Answer::correct().with_twice("issuer", "https://evil.example")).await;
    assert_eq!(twice.text().matches("\"issuer\"").count(), 2);
    let bomb = page(Answer::correct().gzip_bomb()).await;
    assert_eq!(bomb.header("content-encoding"), Some("gzip"));
    setup
        .provider
        .script(|script| script.discovery = Answer::correct().endless());
    let request = || doorward_core::OutboundRequest {
        request: http::Request::get("https://id.example.com/.well-known/openid-configuration")
            .body(Bytes::new())
            .unwrap(),
        reach: doorward_core::Reach::Any,
        max_response_bytes: 100_000,
        label: "discovery",
    };
    use doorward_core::ports::{Fetch as _, FetchError};
    let fetch = crate::RouterFetch::new(setup.provider.router());
    assert_eq!(fetch.fetch(request()).await.unwrap_err(), FetchError::TooLarge);
    setup.provider.script(|script| script.discovery = Answer::reset());
    assert_eq!(fetch.fetch(request()).await.unwrap_err(), FetchError::Interrupted);
}

#[tokio::test]
async fn keys_that_rotate_before_each_answer_never_show_the_signer() {
    let setup = setup();
    setup
        .provider
        .script(|script| script.keys.rotate_before_each_answer = true);
    let token = setup.provider.sign("JWT", &Value::Object(Map::new()));
    let keys: Value = setup.browser.get("/jwks").await.json();
    assert_ne!(part(&token, 0)["kid"], keys["keys"][0]["kid"]);
}

#[test]
fn an_ecdsa_signature_turns_into_asn1() {
    let mut fixed = vec![0; 64];
    (fixed[31], fixed[32]) = (5, 0x80);
    let der = keys::der_signature(&fixed);
    assert_eq!(&der[..5], &[0x30, 3 + 2 + 33, 0x02, 1, 5]);
    assert_eq!(&der[5..9], &[0x02, 33, 0, 0x80]);
}
