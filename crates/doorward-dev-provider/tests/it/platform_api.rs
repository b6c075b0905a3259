//! What servers call at the application host.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::{
    browser::{REDIRECT_URI, VERIFIER, basic, encode},
    platform_browser::{ACME, ACME_DOMAIN, APPLICATION, GLOBEX, PlatformBrowser, TOKEN},
};

const ISSUER: &str = "http://app.localhost:6002";

#[tokio::test]
async fn the_sdk_configuration_holds_what_it_is_told_to_hold() {
    let mut browser = PlatformBrowser::new(|_| ());
    let original = json!({
        "loginUrl": "http://localhost:6001/auth/login",
        "redirectUri": REDIRECT_URI,
        "isApplicationCustomDomainActive": false,
        "customApplicationLoginPageUrl": null,
        "loginUrlTenantDomainSuffix": null,
        "applicationAuthorizationRequestsEnabled": false,
        "fallbackLoginUrl": null,
    });
    assert_eq!(browser.sdk_configuration().await.json(), original);
    for (member, value) in [
        ("redirectUri", json!(null)),
        ("loginUrlTenantDomainSuffix", json!("shop.localhost")),
        (
            "customApplicationLoginPageUrl",
            json!("http://localhost:6001/choose?x=1"),
        ),
        ("applicationAuthorizationRequestsEnabled", json!(true)),
        ("fallbackLoginUrl", json!("http://localhost:6001/auth/login")),
        ("loginUrl", json!(7)),
        ("isApplicationCustomDomainActive", json!("yes")),
    ] {
        let change = |value: Value| json!({ "platform": { "sdk_configuration": { member: value } } });
        browser.set(change(value.clone())).await;
        let mut expected = original.clone();
        expected[member] = value;
        assert_eq!(browser.sdk_configuration().await.json(), expected);
        browser.set(json!({ "platform": { "sdk_configuration": null } })).await;
    }
    assert_eq!(browser.sdk_configuration().await.json(), original);
    let missing = json!({ "omit": ["loginUrl"], "count": 1 });
    browser.set(json!({ "errors": { "sdk_configuration": missing } })).await;
    assert!(browser.sdk_configuration().await.json().get("loginUrl").is_none());
    assert!(browser.sdk_configuration().await.json().get("loginUrl").is_some());

    let unknown = browser
        .get(APPLICATION, "/api/v1/clients/nobody/sdk-configuration")
        .await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(unknown.error(), "not_found");
}

#[tokio::test]
async fn tokens_have_the_platforms_form() {
    let mut browser = PlatformBrowser::new(|settings| {
        settings.custom_claims = Some(json!({ "plan": "gold" }).as_object().unwrap().clone());
    });
    let info = browser.provider.platform_info().unwrap();
    let tokens = browser.tokens(ACME, "alice@acme.test", &[]).await;
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["scope"], "openid email offline_access");
    for name in ["access_token", "id_token", "refresh_token", "expires_in"] {
        assert!(!tokens[name].is_null(), "{name}");
    }

    let access = browser.verified(&tokens["access_token"], "at+jwt").await;
    for (name, expected) in [
        ("iss", json!(ISSUER)),
        ("sub", json!(info.users[0].id)),
        ("sub_kind", json!("user")),
        ("client_id", json!("doorward-dev")),
        ("tnt_id", json!(info.tenants[0].id)),
        ("app_id", json!(info.application_id)),
        ("idp_name", json!("Wristband")),
        ("van_dom", json!(ACME)),
        ("scope", json!("openid email offline_access")),
        ("amr", json!(["pwd"])),
        ("custom_claims", json!({ "plan": "gold" })),
    ] {
        assert_eq!(access[name], expected, "{name}");
    }
    assert!(access["jti"].is_string() && access["auth_time"].is_u64());
    for absent in ["aud", "email", "roles", "tenant"] {
        assert!(access.get(absent).is_none(), "{absent}");
    }

    let id = browser.verified(&tokens["id_token"], "id+jwt").await;
    for (name, expected) in [
        ("iss", json!(ISSUER)),
        ("sub", access["sub"].clone()),
        ("aud", json!("doorward-dev")),
        ("nonce", json!("the-nonce")),
        ("tnt_id", access["tnt_id"].clone()),
        ("app_id", access["app_id"].clone()),
        ("idp_name", json!("Wristband")),
        ("email", json!("alice@acme.test")),
    ] {
        assert_eq!(id[name], expected, "{name}");
    }
    assert!(id.get("name").is_none(), "profile was not asked for");

    // The header is written as the platform writes it.
    for (token, typ) in [("access_token", "at+JWT"), ("id_token", "id+JWT")] {
        let header = tokens[token].as_str().unwrap().split('.').next().unwrap();
        let header: Value =
            serde_json::from_slice(&doorward_crypto::base64url_decode(header.as_bytes()).unwrap()).unwrap();
        assert_eq!((&header["typ"], &header["alg"]), (&json!(typ), &json!("RS256")));
        assert!(header["kid"].is_string());
    }
}

#[tokio::test]
async fn ids_are_fixed_and_of_the_platforms_form() {
    let one = PlatformBrowser::new(|_| ()).provider.platform_info().unwrap();
    let mut other = PlatformBrowser::new(|_| ());
    assert_eq!(Some(&one), other.provider.platform_info().as_ref());
    let shown = other.get(APPLICATION, "/_control/platform").await.json();
    assert_eq!(shown, serde_json::to_value(&one).unwrap());
    let ids: BTreeSet<&str> = one
        .users
        .iter()
        .map(|user| user.id.as_str())
        .chain(one.tenants.iter().map(|tenant| tenant.id.as_str()))
        .chain([one.application_id.as_str()])
        .collect();
    assert_eq!(ids.len(), 6);
    for id in ids {
        assert_eq!(id.len(), 26);
        assert!(id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7')), "{id}");
    }
    assert_eq!(
        (one.issuer.as_str(), one.application_host.as_str()),
        (ISSUER, APPLICATION)
    );
    assert_eq!(one.tenants[0].custom_domain, ACME_DOMAIN);
}

#[tokio::test]
async fn userinfo_tells_what_the_scopes_open() {
    let always = ["app_id", "app_name", "idp_name", "sub", "tnt_id", "tnt_name"];
    for (scope, more) in [
        ("openid", vec![]),
        ("openid email", vec!["email", "email_verified"]),
        ("openid phone", vec!["phone_number", "phone_number_verified"]),
        ("openid roles", vec!["roles"]),
        (
            "openid profile",
            vec![
                "family_name",
                "given_name",
                "locale",
                "name",
                "preferred_username",
                "updated_at",
                "zoneinfo",
            ],
        ),
    ] {
        let mut browser = PlatformBrowser::new(|_| ());
        let tokens = browser.tokens(GLOBEX, "carol@globex.test", &[("scope", scope)]).await;
        let userinfo = browser.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
        let names: BTreeSet<&str> = userinfo.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, always.into_iter().chain(more).collect(), "{scope}");
        assert_eq!(userinfo["tnt_name"], "globex");
        if scope.contains("roles") {
            let role = &userinfo["roles"][0];
            assert_eq!(
                (&role["name"], &role["display_name"]),
                (&json!("admin"), &json!("Admin"))
            );
            assert_eq!(role["id"].as_str().unwrap().len(), 26);
        }
        assert!(tokens.get("refresh_token").is_none(), "{scope}");
    }
}

#[tokio::test]
async fn userinfo_refuses_what_is_no_live_token_of_the_platform() {
    let mut browser = PlatformBrowser::new(|_| ());
    let tokens = browser.tokens(ACME, "alice@acme.test", &[]).await;
    let access_token = tokens["access_token"].as_str().unwrap();
    let mut standard = crate::browser::Browser::of(&browser.provider);
    let foreign = standard.tokens("alice@acme.test", &[]).await;
    for token in [
        "",
        "garbage",
        tokens["id_token"].as_str().unwrap(),
        tokens["refresh_token"].as_str().unwrap(),
        foreign["access_token"].as_str().unwrap(),
    ] {
        assert_eq!(browser.userinfo(token).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(browser.userinfo(access_token).await.status, StatusCode::OK);
    assert_eq!(standard.userinfo(access_token).await.status, StatusCode::UNAUTHORIZED);
    for name in ["access_token", "refresh_token"] {
        let pairs = [("token", tokens[name].as_str().unwrap())];
        let described = standard.as_client("/introspect", &pairs).await.json();
        assert_eq!(described, json!({ "active": false }), "{name}");
    }
}

#[tokio::test]
async fn a_code_counts_once_for_a_minute_and_for_its_request_alone() {
    let mut browser = PlatformBrowser::new(|_| ());
    browser.sign_in(ACME, "alice@acme.test", &[]).await;
    let other = "http://localhost:6001/other";
    for (verifier, redirect_uri, wait, expected) in [
        (VERIFIER, REDIRECT_URI, 59, StatusCode::OK),
        (VERIFIER, REDIRECT_URI, 60, StatusCode::BAD_REQUEST),
        (VERIFIER, other, 0, StatusCode::BAD_REQUEST),
        ("a".repeat(43).as_str(), REDIRECT_URI, 0, StatusCode::BAD_REQUEST),
    ] {
        let code = browser.authorize(ACME, &[]).await.location_param("code").unwrap();
        browser.provider.advance_clock(wait);
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        assert_eq!(browser.as_client(TOKEN, &pairs).await.status, expected);
        assert_eq!(browser.as_client(TOKEN, &pairs).await.error(), "invalid_grant");
    }
    // Nor is it known to the other face of the provider.
    let code = browser.authorize(ACME, &[]).await.location_param("code").unwrap();
    let mut standard = crate::browser::Browser::of(&browser.provider);
    assert_eq!(standard.redeem(&code).await.error(), "invalid_grant");
    assert_eq!(browser.redeem(&code, REDIRECT_URI).await.status, StatusCode::OK);
}

#[tokio::test]
async fn codes_and_refresh_tokens_survive_encoding_and_nothing_less() {
    let mut browser = PlatformBrowser::new(|_| ());
    browser.set(json!({ "platform": { "special_characters": true } })).await;
    let code = browser
        .sign_in(ACME, "alice@acme.test", &[])
        .await
        .location_param("code")
        .unwrap();
    assert!(code.ends_with("+&%25=/"), "{code}");
    let rest = encode(&[("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)]);
    let joined = format!("grant_type=authorization_code&code={code}&{rest}");
    let request = Request::post(TOKEN)
        .header(header::AUTHORIZATION, browser.basic())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = browser
        .send(APPLICATION, request.body(Body::from(joined)).unwrap())
        .await;
    assert_eq!(answer.error(), "invalid_grant");
    let tokens = browser.redeem(&code, REDIRECT_URI).await.json();
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    assert!(refresh_token.ends_with("+&%25=/"));
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    let answer = browser.as_client(TOKEN, &pairs).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let next = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    let answer = browser.as_client("/api/v1/oauth2/revoke", &[("token", &next)]).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", next.as_str())];
    assert_eq!(browser.as_client(TOKEN, &pairs).await.error(), "invalid_grant");
}

#[tokio::test]
async fn refresh_follows_the_rotation_that_is_set() {
    let mut browser = PlatformBrowser::new(|_| ());
    for (rotation, replaced, reuse_kills) in [
        ("off", false, false),
        ("on", true, false),
        ("reuse_detection", true, true),
    ] {
        browser.set(json!({ "refresh_token_rotation": rotation })).await;
        let tokens = browser.tokens(ACME, "alice@acme.test", &[("prompt", "login")]).await;
        let first = tokens["refresh_token"].as_str().unwrap().to_owned();
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", first.as_str())];
        let refreshed = browser.as_client(TOKEN, &pairs).await.json();
        let id = browser.verified(&refreshed["id_token"], "id+jwt").await;
        assert_eq!(id["tnt_id"], browser.provider.platform_info().unwrap().tenants[0].id);
        assert_eq!(refreshed.get("refresh_token").is_some(), replaced, "{rotation}");
        let again = browser.as_client(TOKEN, &pairs).await;
        assert_eq!(again.status == StatusCode::OK, !replaced, "{rotation}");
        let live = browser.userinfo(refreshed["access_token"].as_str().unwrap()).await;
        assert_eq!(live.status == StatusCode::OK, !reuse_kills, "{rotation}");
    }
}

#[tokio::test]
async fn the_token_endpoint_wants_a_client_with_basic_and_a_known_grant() {
    let mut browser = PlatformBrowser::new(|_| ());
    let good = browser.basic();
    let secret = browser.provider.client_secret().expose().to_owned();
    let grant = ("grant_type", "client_credentials");
    for (authorization, pairs, expected) in [
        (None, vec![grant], (401, "invalid_client")),
        (
            None,
            vec![grant, ("client_id", "doorward-dev"), ("client_secret", &secret)],
            (401, "invalid_client"),
        ),
        (
            Some(basic("doorward-dev", "wrong")),
            vec![grant],
            (401, "invalid_client"),
        ),
        (Some("Bearer x".to_owned()), vec![grant], (401, "invalid_client")),
        (Some(good.clone()), vec![], (400, "invalid_request")),
        (
            Some(good.clone()),
            vec![("grant_type", "password")],
            (400, "unsupported_grant_type"),
        ),
        (Some(good.clone()), vec![grant, grant], (400, "invalid_request")),
        (
            Some(good.clone()),
            vec![("grant_type", "refresh_token"), ("refresh_token", "unknown")],
            (400, "invalid_grant"),
        ),
    ] {
        let headers: Vec<(&str, &str)> = authorization
            .iter()
            .map(|value| ("authorization", value.as_str()))
            .collect();
        let answer = browser.post(APPLICATION, TOKEN, &pairs, &headers).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), expected, "{pairs:?}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let answer = browser
        .as_client(TOKEN, &[grant, ("scope", "orders.read")])
        .await
        .json();
    assert!(answer.get("refresh_token").is_none() && answer.get("id_token").is_none());
    let claims = browser.verified(&answer["access_token"], "at+jwt").await;
    assert_eq!(
        (&claims["sub"], &claims["sub_kind"]),
        (&json!("doorward-dev"), &json!("client"))
    );
    assert_eq!(claims["iss"], ISSUER);
    for absent in ["aud", "tnt_id", "van_dom", "auth_time"] {
        assert!(claims.get(absent).is_none(), "{absent}");
    }
    let userinfo = browser.userinfo(answer["access_token"].as_str().unwrap()).await;
    assert_eq!(userinfo.status, StatusCode::FORBIDDEN);
    assert_eq!(
        browser
            .post(APPLICATION, "/api/v1/oauth2/revoke", &[("token", "x")], &[])
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn only_the_tenants_own_domains_are_valid() {
    let mut browser = PlatformBrowser::new(|_| ());
    let path = "/api/v1/custom-domains/validate";
    for (domain, expected) in [
        ("login-acme.localhost", true),
        ("LOGIN-acme.localhost:6002", true),
        ("login-globex.localhost", true),
        ("login-acme.localhost:1", false),
        ("login-acme.localhost/", false),
        ("acme-app.localhost", false),
        ("evil.test", false),
        ("", false),
    ] {
        let answer = browser.post_json(path, &json!({ "tenantCustomDomain": domain })).await;
        assert_eq!(answer.json(), json!({ "valid": expected }), "{domain}");
    }
    for body in [json!({}), json!({ "tenantCustomDomain": 5 }), json!(["x"])] {
        assert_eq!(
            browser.post_json(path, &body).await.status,
            StatusCode::BAD_REQUEST,
            "{body}"
        );
    }
    let judged = json!({ "login-acme.localhost": false, "evil.test": true });
    browser.set(json!({ "platform": { "custom_domains": judged } })).await;
    for (domain, expected) in [
        ("login-acme.localhost", false),
        ("evil.test", true),
        ("login-globex.localhost", true),
    ] {
        let answer = browser.post_json(path, &json!({ "tenantCustomDomain": domain })).await;
        assert_eq!(answer.json(), json!({ "valid": expected }), "{domain}");
    }
    // Who gives credentials gives the right ones.
    for (authorization, expected) in [
        (browser.basic(), StatusCode::OK),
        (basic("doorward-dev", "x"), StatusCode::UNAUTHORIZED),
    ] {
        let request = Request::post(path)
            .header(header::AUTHORIZATION, authorization)
            .body(Body::from("{\"tenantCustomDomain\":\"x.test\"}"));
        assert_eq!(browser.send(APPLICATION, request.unwrap()).await.status, expected);
    }
    assert_eq!(browser.provider.stats()["custom_domains"], 16);
}

#[tokio::test]
async fn metadata_is_that_of_the_application_host() {
    let mut browser = PlatformBrowser::new(|_| ());
    let metadata = browser
        .get(APPLICATION, "/.well-known/openid-configuration")
        .await
        .json();
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(metadata["token_endpoint"], format!("{ISSUER}{TOKEN}"));
    assert_eq!(metadata["jwks_uri"], format!("{ISSUER}/api/v1/oauth2/jwks"));
    assert!(metadata.get("authorization_response_iss_parameter_supported").is_none());
    let jwks = browser.get(APPLICATION, "/api/v1/oauth2/jwks").await.json();
    let key = &jwks["keys"][0];
    assert_eq!(
        (&key["kty"], &key["use"], &key["alg"]),
        (&json!("RSA"), &json!("sig"), &json!("RS256"))
    );
}

#[tokio::test]
async fn claims_can_be_changed_and_left_out_in_each_place() {
    let mut browser = PlatformBrowser::new(|_| ());
    let changes = json!({
        "userinfo": { "tnt_name": null, "sub": "somebody-else" },
        "access_token": { "van_dom": null, "exp": null },
        "id_token": { "nonce": "another", "tnt_id": null },
    });
    browser.set(json!({ "platform": { "claims": changes } })).await;
    let tokens = browser.tokens(ACME, "alice@acme.test", &[]).await;
    let access = browser.verified(&tokens["access_token"], "at+jwt").await;
    assert!(access.get("van_dom").is_none() && access.get("exp").is_none() && access["tnt_id"].is_string());
    let id = browser.verified(&tokens["id_token"], "id+jwt").await;
    assert!(id["nonce"] == "another" && id.get("tnt_id").is_none());
    let access_token = tokens["access_token"].as_str().unwrap();
    let userinfo = browser.userinfo(access_token).await.json();
    assert!(userinfo["sub"] == "somebody-else" && userinfo.get("tnt_name").is_none());
    browser.set(json!({ "platform": { "claims": null } })).await;
    assert_eq!(browser.userinfo(access_token).await.json()["tnt_name"], "acme");
}

#[tokio::test]
async fn every_endpoint_can_fail_in_every_way() {
    let mut browser = PlatformBrowser::new(|_| ());
    let sdk = "/api/v1/clients/doorward-dev/sdk-configuration";
    for (endpoint, host, path) in [
        ("sdk_configuration", APPLICATION, sdk),
        ("discovery", APPLICATION, "/.well-known/openid-configuration"),
        ("jwks", APPLICATION, "/api/v1/oauth2/jwks"),
        ("userinfo", APPLICATION, "/api/v1/oauth2/userinfo"),
        ("authorize", ACME, "/api/v1/oauth2/authorize"),
        ("login_page", ACME, "/login"),
        ("logout", ACME, "/api/v1/logout"),
    ] {
        for (fault, status, body) in [
            (
                json!({ "status": 503, "error": "temporarily_unavailable" }),
                503,
                "temporarily_unavailable",
            ),
            (json!({ "status": 429, "retry_after": 3 }), 429, "server_error"),
            (json!({ "body": "empty" }), 200, ""),
            (json!({ "body": "empty", "status": 502 }), 502, ""),
            (json!({ "body": "invalid_json" }), 200, "{\"cut\": [\"off"),
            (json!({ "body": "reset" }), 200, "broken off"),
        ] {
            browser.set(json!({ "errors": { endpoint: fault } })).await;
            let before = browser.provider.stats()[endpoint].as_u64().unwrap();
            let answer = browser.get(host, path).await;
            assert_eq!(answer.status.as_u16(), status, "{endpoint} {fault}");
            assert!(
                answer.body.contains(body) && (answer.body.is_empty() == body.is_empty()),
                "{endpoint} {fault}"
            );
            assert_eq!(answer.header("retry-after"), if status == 429 { "3" } else { "" });
            assert_eq!(browser.provider.stats()[endpoint], before + 1);
        }
        browser.set(json!({ "errors": null })).await;
    }
    let code = browser
        .sign_in(ACME, "alice@acme.test", &[])
        .await
        .location_param("code")
        .unwrap();
    browser
        .set(json!({ "errors": { "token": { "omit": ["expires_in", "id_token"] } } }))
        .await;
    let tokens = browser.redeem(&code, REDIRECT_URI).await.json();
    assert!(tokens.get("expires_in").is_none() && tokens.get("id_token").is_none());
    assert!(tokens["access_token"].is_string());
}

#[tokio::test]
async fn faulty_platform_settings_are_named_and_nothing_changes() {
    let mut browser = PlatformBrowser::new(|_| ());
    let before = browser.get(APPLICATION, "/_control/settings").await.body;
    for (settings, named) in [
        (json!({ "platform": 5 }), "platform"),
        (json!({ "platform": { "colour": 1 } }), "platform.colour"),
        (
            json!({ "platform": { "special_characters": 1 } }),
            "platform.special_characters",
        ),
        (
            json!({ "platform": { "max_age_exceeded": "x" } }),
            "platform.max_age_exceeded",
        ),
        (
            json!({ "platform": { "sdk_configuration": { "loginURL": "" } } }),
            "platform.sdk_configuration.loginURL",
        ),
        (
            json!({ "platform": { "sdk_configuration": [] } }),
            "platform.sdk_configuration",
        ),
        (
            json!({ "platform": { "custom_domains": { "a": 1 } } }),
            "platform.custom_domains.a",
        ),
        (
            json!({ "platform": { "claims": { "refresh_token": {} } } }),
            "platform.claims.refresh_token",
        ),
        (
            json!({ "platform": { "claims": { "id_token": 1 } } }),
            "platform.claims.id_token",
        ),
        (
            json!({ "errors": { "token": { "body": "burn" } } }),
            "errors.token.body",
        ),
        (json!({ "errors": { "token": { "omit": [] } } }), "errors.token.omit"),
        (json!({ "errors": { "token": { "omit": [1] } } }), "errors.token.omit"),
    ] {
        let answer = browser.settings(settings.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{settings}");
        assert!(
            answer.body.contains(&format!("\\\"{named}\\\"")),
            "{settings}: {}",
            answer.body
        );
    }
    assert_eq!(browser.get(APPLICATION, "/_control/settings").await.body, before);
}
