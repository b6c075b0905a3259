//! Answers that come again, or that nobody asked for.

use doorward::Code;
use doorward_testkit::{Endpoint, Page};
use http::StatusCode;
use url::Url;

use super::harness::*;
use crate::support::{APP, World};

fn session_of(page: &Page) -> bool {
    page.set_cookies()
        .iter()
        .any(|cookie| cookie.starts_with("__Host-session"))
}

// attacks: B4, B20
// weakness: L16
#[tokio::test]
async fn an_answer_that_comes_again_makes_no_token_call_and_leaves_the_session_alone() {
    let world = World::new();
    let answer = answered(&world.browser, "/auth/login?return_url=/home").await;
    let twin = world.browser.thief();
    let callback = answer.location().unwrap();
    let first = arrive(&world.browser, &callback).await;
    assert!(session_of(&first));
    let session = world.browser.cookie("__Host-session");

    // The back button: signed in, so home.
    let again = arrive(&world.browser, &callback).await;
    assert_eq!(
        (again.status, again.location()),
        (StatusCode::FOUND, Some(Url::parse(APP).unwrap()))
    );
    assert!(!session_of(&again));
    assert_eq!(world.browser.cookie("__Host-session"), session);
    assert_is(&world.browser, "alice", "after the replay").await;

    // Whoever copied the login cookie before gets nothing.
    let page = arrive(&twin, &callback).await;
    assert_refusal_page(&world, &page, Code::LoginMissing, "a copy");
    assert_no_session(&world, &twin, "a copy").await;
    // Nor anybody else.
    let stranger = world.browser.stranger();
    let page = arrive(&stranger, &callback).await;
    assert_refusal_page(&world, &page, Code::LoginMissing, "a stranger");
    assert_eq!(world.provider.token_calls("authorization_code"), 1);
}

#[tokio::test]
async fn an_unsolicited_answer_does_not_disturb_who_is_signed_in() {
    let world = World::new();
    world.sign_in().await;
    let before = world.browser.cookies();
    for callback in [
        "/auth/callback?state=AAAA&code=stolen",
        "/auth/callback?error=access_denied&state=AAAA",
        "/auth/callback",
    ] {
        let page = world.browser.visit(callback).await;
        assert_eq!(
            (page.status, page.location()),
            (StatusCode::FOUND, Some(Url::parse(APP).unwrap())),
            "{callback}"
        );
    }
    let after = world.browser.cookies();
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    assert_eq!(world.provider.count(Endpoint::Token), 1);
}
