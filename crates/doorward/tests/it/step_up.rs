//! Step-up (RFC 9470): a sign-in that is too old or too weak is asked for anew, once.

use doorward::Sessions;
use doorward_testkit::Page;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{APP, SECRET, World};

fn body(page: &Page) -> Value {
    serde_json::from_str(page.text()).unwrap()
}

fn both_places() -> [World; 2] {
    [Sessions::cookie(SECRET), Sessions::memory(SECRET)].map(|sessions| World::build(sessions, |builder| builder))
}

/// The next ID token says that the user authenticated just now.
fn says_auth_time(world: &World, ago: u64) {
    let at = world.clock.seconds() - ago;
    world.provider.script(|script| {
        script.token.id_token.claim("auth_time", at);
    });
}

// attacks: E29
#[tokio::test]
async fn a_sign_in_that_is_too_old_is_401_with_the_way_to_a_fresh_one() {
    for world in both_places() {
        says_auth_time(&world, 0);
        world.sign_in().await;
        assert_eq!(world.browser.get("/api/recent").await.status, StatusCode::OK);
        world.advance(300);
        assert_eq!(
            world.browser.get("/api/recent").await.status,
            StatusCode::OK,
            "at the very limit"
        );
        world.advance(1);
        let handled = world.handled();
        let refused = world.browser.get("/api/recent").await;
        assert_eq!(
            (refused.status, refused.problem_code()),
            (StatusCode::UNAUTHORIZED, "step_up_required".into())
        );
        let problem = body(&refused);
        assert_eq!(problem["max_age"], json!(300));
        assert_eq!(problem.get("acr_values"), None);
        assert_eq!(problem["login_url"], format!("{APP}/auth/login?max_age=300"));
        assert_eq!(refused.header("www-authenticate"), Some("Session realm=\"doorward\""));
        assert_eq!(world.handled(), handled);
        assert_eq!(
            world.browser.get("/api/me").await.status,
            StatusCode::OK,
            "the session itself goes on"
        );

        // The address it names leads through login and back.
        says_auth_time(&world, 0);
        let login = format!("{}&return_url=/home", problem["login_url"].as_str().unwrap());
        let page = world.browser.visit_following(&login).await;
        assert_eq!(page.url.path(), "/home", "{}", page.text());
        assert_eq!(world.browser.get("/api/recent").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_session_whose_provider_does_not_say_when_is_too_old() {
    for world in both_places() {
        world.provider.script(|script| {
            script.token.id_token.without_claim("auth_time");
        });
        world.sign_in().await;
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
        assert_eq!(
            world.browser.get("/api/recent").await.problem_code(),
            "step_up_required"
        );
    }
}

// attacks: E29
#[tokio::test]
async fn a_renewal_of_the_tokens_does_not_make_the_sign_in_fresh() {
    for world in both_places() {
        says_auth_time(&world, 0);
        world.sign_in().await;
        world.advance(3_500);
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK, "renewed");
        assert_eq!(
            world.browser.get("/api/recent").await.problem_code(),
            "step_up_required"
        );
    }
}

// attacks: I14
#[tokio::test]
async fn a_sign_in_that_is_too_weak_is_asked_for_anew_by_its_strength() {
    let world = World::new();
    for (acr, expected) in [
        ("gold", StatusCode::OK),
        ("platinum", StatusCode::OK),
        ("silver", StatusCode::UNAUTHORIZED),
        ("Gold", StatusCode::UNAUTHORIZED),
        ("gold platinum", StatusCode::UNAUTHORIZED),
    ] {
        says_auth_time(&world, 0);
        world.provider.script(|script| {
            script.token.id_token.claim("acr", acr);
        });
        world.sign_in().await;
        let page = world.browser.get("/api/gold").await;
        assert_eq!(page.status, expected, "{acr:?}");
        if expected == StatusCode::UNAUTHORIZED {
            let problem = body(&page);
            assert_eq!(problem["code"], "step_up_required");
            assert_eq!(problem["acr_values"], "gold platinum");
            assert_eq!(
                problem["login_url"],
                format!("{APP}/auth/login?max_age=60&acr_values=gold+platinum")
            );
        }
    }
}

// attacks: E29
#[tokio::test]
async fn a_navigation_goes_to_login_and_an_unmet_demand_ends_on_a_page() {
    let world = World::new();
    says_auth_time(&world, 1_000);
    world.sign_in().await;
    let page = world.browser.visit("/recent").await;
    assert_eq!(page.status, StatusCode::FOUND);
    let location: String = page.location().unwrap().into();
    assert_eq!(location, format!("{APP}/auth/login?max_age=300&return_url=%2Frecent"));

    // The provider lets the user in on the old authentication: no third try, and the session stays.
    let page = world.browser.visit_following("/recent").await;
    assert_eq!(
        (page.status, page.url.path()),
        (StatusCode::FORBIDDEN, "/auth/callback")
    );
    assert!(page.text().contains("step_up_required"), "{}", page.text());
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);

    says_auth_time(&world, 0);
    let page = world.browser.visit_following("/recent").await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/recent"));
}

#[tokio::test]
async fn a_demand_comes_after_the_csrf_token_and_without_a_session_there_is_none() {
    let world = World::new();
    let refused = world.browser.get("/api/recent").await;
    assert_eq!(refused.problem_code(), "session_missing");
    assert_eq!(body(&refused)["login_url"], format!("{APP}/auth/login"));
    says_auth_time(&world, 1_000);
    world.sign_in().await;
    let refused = world.browser.request(Method::POST, "/api/recent").send().await;
    assert_eq!(refused.problem_code(), "csrf_missing");
}
