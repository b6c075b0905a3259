//! What the provider demands of its client.

use super::*;

#[tokio::test]
async fn an_authorization_request_with_a_fault_is_refused() {
    for (name, value) in [
        ("response_type", Some("token")),
        ("response_type", None),
        ("client_id", Some("stranger")),
        ("redirect_uri", None),
        ("state", None),
        ("state", Some("")),
        ("nonce", None),
        ("scope", Some("profile")),
        ("code_challenge", None),
        ("code_challenge", Some("short")),
        ("code_challenge_method", Some("plain")),
        ("code_challenge_method", None),
    ] {
        let setup = setup();
        let mut params = authorization();
        params.retain(|(found, _)| *found != name);
        params.extend(value.map(|value| (name, value.to_owned())));
        let page = setup.authorize(&params).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name} {value:?}");
    }
    let mut twice = authorization();
    twice.push(("state", "other".to_owned()));
    assert_eq!(setup().authorize(&twice).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_code_is_good_once_for_its_client_verifier_and_redirect_uri() {
    for (name, value) in [
        ("code", "code-unknown"),
        ("code_verifier", "another-verifier-that-is-long-enough-for-the-rules"),
        ("redirect_uri", "https://app.example.com/elsewhere"),
    ] {
        let setup = setup();
        let code = setup.code().await;
        let mut fields = code_grant(&code);
        fields.iter_mut().find(|(found, _)| *found == name).unwrap().1 = value;
        let page = setup
            .post("/token", Some(&basic(CLIENT_ID, CLIENT_SECRET)), &fields)
            .await;
        assert_eq!(page.json::<Value>()["error"], "invalid_grant", "{name}");
    }
    let setup = setup();
    let code = setup.code().await;
    assert_eq!(setup.redeem(&code).await.status, StatusCode::OK);
    assert_eq!(setup.redeem(&code).await.json::<Value>()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_client_has_to_authenticate_as_registered() {
    let (secret, id) = ("a secret & more", "an id");
    let right = basic(id, secret);
    let wrong = basic(id, "other");
    let post = [("client_id", id), ("client_secret", secret)];
    let only_id = [("client_id", id)];
    let kinds = |kind: fn(String) -> ClientKind| kind(secret.to_owned());
    let none: &[(&str, &str)] = &[];
    for (kind, header, fields, expected) in [
        (kinds(ClientKind::Secret), Some(&right), none, StatusCode::OK),
        (kinds(ClientKind::Secret), None, &post[..], StatusCode::OK),
        (kinds(ClientKind::Secret), Some(&right), &only_id[..], StatusCode::OK),
        (
            kinds(ClientKind::Secret),
            Some(&right),
            &post[..],
            StatusCode::UNAUTHORIZED,
        ),
        (kinds(ClientKind::Secret), Some(&wrong), none, StatusCode::UNAUTHORIZED),
        (kinds(ClientKind::Secret), None, &only_id[..], StatusCode::UNAUTHORIZED),
        (kinds(ClientKind::Secret), None, none, StatusCode::UNAUTHORIZED),
        (
            kinds(ClientKind::SecretBasic),
            None,
            &post[..],
            StatusCode::UNAUTHORIZED,
        ),
        (
            kinds(ClientKind::SecretPost),
            Some(&right),
            none,
            StatusCode::UNAUTHORIZED,
        ),
        (ClientKind::Public, None, &only_id[..], StatusCode::OK),
        (ClientKind::Public, Some(&right), none, StatusCode::UNAUTHORIZED),
    ] {
        let setup = setup_with(|builder| builder.client(id, kind.clone()));
        let mut params = authorization();
        params.iter_mut().find(|(name, _)| *name == "client_id").unwrap().1 = id.to_owned();
        let page = setup.authorize(&params).await;
        let location = page.location().unwrap();
        let code = location
            .query_pairs()
            .find(|(name, _)| name == "code")
            .unwrap()
            .1
            .into_owned();
        let mut all = code_grant(&code).to_vec();
        all.extend_from_slice(fields);
        let page = setup.post("/token", header.map(String::as_str), &all).await;
        assert_eq!(page.status, expected, "{kind:?} {header:?} {fields:?}");
    }
}

#[tokio::test]
async fn a_client_assertion_is_checked_and_good_once() {
    let key = ProviderKey::generate(KeyAlgorithm::Es256, "client-key");
    let kind = ClientKind::Key(key.public_jwk());
    let setup = setup_with(|builder| builder.client(CLIENT_ID, kind));
    let now = setup.clock.seconds();
    let right = serde_json::json!({
        "iss": CLIENT_ID, "sub": CLIENT_ID, "aud": ISSUER, "exp": now + 60, "jti": "one",
    });
    let changed = |name: &str, value: Value| {
        let mut claims = right.clone();
        claims[name] = value;
        claims
    };
    for (claims, expected) in [
        (right.clone(), StatusCode::OK),
        (right.clone(), StatusCode::UNAUTHORIZED),
        (changed("jti", "two".into()), StatusCode::OK),
        (
            changed("aud", format!("{ISSUER}/token").into()),
            StatusCode::UNAUTHORIZED,
        ),
        (changed("exp", (now + 61).into()), StatusCode::UNAUTHORIZED),
        (changed("exp", now.into()), StatusCode::UNAUTHORIZED),
        (changed("sub", "other".into()), StatusCode::UNAUTHORIZED),
        (changed("jti", Value::Null), StatusCode::UNAUTHORIZED),
    ] {
        let header = serde_json::json!({"alg": "ES256"});
        let assertion = keys::compact(&header, &claims.to_string(), |message| key.sign(message));
        let code = setup.code().await;
        let mut fields = code_grant(&code).to_vec();
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        fields.extend([("client_assertion_type", kind), ("client_assertion", &assertion)]);
        let page = setup.post("/token", None, &fields).await;
        assert_eq!(page.status, expected, "{claims}: {}", page.text());
    }
}
