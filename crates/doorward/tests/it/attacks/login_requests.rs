//! What a login request may say to the provider, and configured names for the CSRF pair.

use doorward_testkit::Endpoint;
use http::{Method, StatusCode};

use super::support::{Place, Raw};
use crate::support::{APP, World};

// weakness: L21
#[tokio::test]
async fn the_parameters_of_the_contract_reach_the_provider_and_no_others() {
    // attacks: A9
    let world = World::new();
    let query = "login_hint=alice%40acme.test&idp_hint=corp&prompt=create&max_age=60&acr_values=urn%3Ax%20urn%3Ay&ui_locales=de%20en\
                 &claims=%7B%7D&resource=x&request_uri=https%3A%2F%2Fevil.test&id_token_hint=x&display=popup&unknown=1";
    let login = world.browser.visit(&format!("/auth/login?{query}")).await;
    world.browser.follow(&login).await;
    let asked = &world.provider.requests_to(Endpoint::Authorize)[0];
    for (name, value) in [
        ("login_hint", "alice@acme.test"),
        ("idp_hint", "corp"),
        ("prompt", "create"),
        ("max_age", "60"),
        ("acr_values", "urn:x urn:y"),
        ("ui_locales", "de en"),
        ("response_type", "code"),
        ("code_challenge_method", "S256"),
        ("redirect_uri", "https://app.example.com/auth/callback"),
    ] {
        assert_eq!(asked.param(name).as_deref(), Some(value), "{name}");
    }
    for name in [
        "claims",
        "resource",
        "request_uri",
        "id_token_hint",
        "display",
        "unknown",
        "return_url",
    ] {
        assert_eq!(asked.param(name), None, "{name}");
    }
}

#[tokio::test]
async fn two_logins_share_neither_state_nor_nonce_nor_challenge() {
    let world = World::new();
    for _ in 0..2 {
        let login = world.browser.visit("/auth/login").await;
        world.browser.follow(&login).await;
    }
    let asked = world.provider.requests_to(Endpoint::Authorize);
    for name in ["state", "nonce", "code_challenge"] {
        let (first, second) = (asked[0].param(name).unwrap(), asked[1].param(name).unwrap());
        assert_ne!(first, second, "{name}");
        assert_eq!((first.len(), second.len()), (43, 43), "256 bits of {name}");
    }
}

// weakness: M6
#[tokio::test]
async fn the_names_of_the_csrf_pair_are_configurable_and_the_old_ones_count_for_nothing() {
    for place in Place::BOTH {
        let sessions = place
            .sessions()
            .csrf_cookie_name("XSRF-TOKEN")
            .csrf_header_name("X-Xsrf-Token");
        let world = World::build(sessions, |builder| builder);
        world.sign_in().await;
        assert_eq!(world.browser.script_cookie("CSRF-TOKEN"), None);
        let token = world.browser.script_cookie("XSRF-TOKEN").unwrap();
        for (name, status) in [
            ("x-csrf-token", StatusCode::FORBIDDEN),
            ("x-xsrf-token", StatusCode::OK),
            ("X-XSRF-TOKEN", StatusCode::OK),
        ] {
            let answer = Raw::post("/api/me")
                .cookies_of(&world.browser)
                .header("origin", APP)
                .header(name, &token)
                .send(&world.app)
                .await;
            assert_eq!(answer.status, status, "{place:?} {name}");
        }
    }
}

#[tokio::test]
async fn a_visit_of_the_callback_by_another_method_begins_nothing() {
    for place in Place::BOTH {
        let world = place.world();
        let login = world.browser.visit("/auth/login").await;
        let provider = world.browser.follow(&login).await;
        let callback = provider.location().unwrap();
        for method in [Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let page = world.browser.request(method.clone(), callback.as_str()).send().await;
            assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
            assert!(page.set_cookies().is_empty(), "the login stays pending");
        }
        assert_eq!(world.provider.token_calls("authorization_code"), 0);
        let page = world.browser.visit(callback.as_str()).await;
        assert_eq!(page.status, StatusCode::FOUND, "a HEAD before it did no harm");
    }
}
