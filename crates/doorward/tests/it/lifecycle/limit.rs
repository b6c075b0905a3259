//! `session.max_per_user`: the oldest go, the new one never.

use doorward::Sessions;
use doorward_testkit::Gate;
use http::StatusCode;

use super::{another_browser, listed, sign_in, standing};
use crate::support::{SECRET, World};
use crate::tenants::{ACME, GLOBEX, Hosted, two_tenants};

fn limited(most: usize) -> World {
    World::build(Sessions::memory(SECRET).max_per_user(most), |builder| builder)
}

#[tokio::test]
async fn the_oldest_session_beyond_the_limit_ends_and_is_told_so() {
    let world = limited(2);
    let first = another_browser(&world).await;
    world.advance(1);
    let second = another_browser(&world).await;
    world.advance(1);
    assert_eq!(standing(&first).await, "signed in");
    let third = another_browser(&world).await;
    assert_eq!(standing(&first).await, "session_revoked");
    assert_eq!(standing(&second).await, "signed in");
    assert_eq!(standing(&third).await, "signed in");
    assert_eq!(listed(&third).await.len(), 2);
}

#[tokio::test]
async fn a_limit_of_one_leaves_the_new_session_whatever_the_clock_says() {
    let world = limited(1);
    for _ in 0..5 {
        // No second passes between them, so that nothing but the login itself says which is new.
        let browser = another_browser(&world).await;
        assert_eq!(standing(&browser).await, "signed in");
        world.advance(1);
        let next = another_browser(&world).await;
        assert_eq!(standing(&browser).await, "session_revoked");
        assert_eq!(standing(&next).await, "signed in");
    }
}

#[tokio::test]
async fn what_a_login_replaces_and_what_others_have_does_not_count() {
    let world = limited(2);
    let first = another_browser(&world).await;
    world.advance(1);
    let second = another_browser(&world).await;
    for login in [
        "/auth/login?return_url=/home",
        "/auth/login?return_url=/home&prompt=login",
    ] {
        for _ in 0..3 {
            world.advance(1);
            sign_in(&second, login).await;
            assert_eq!(standing(&first).await, "signed in", "{login}");
        }
    }
    world.provider.script(|script| script.subject = "bob".into());
    for _ in 0..2 {
        another_browser(&world).await;
    }
    assert_eq!(standing(&first).await, "signed in");
    assert_eq!(standing(&second).await, "signed in");
}

#[tokio::test]
async fn a_user_of_two_tenants_is_counted_in_each() {
    let hosted = Hosted::with(Sessions::memory(SECRET).max_per_user(1), two_tenants);
    let other_device = hosted.browser.stranger();
    hosted.sign_in(ACME, "acme").await;
    hosted.sign_in(GLOBEX, "globex").await;
    let me = async |origin: &str| hosted.browser.get(&format!("{origin}/api/me")).await.status;
    assert_eq!((me(ACME).await, me(GLOBEX).await), (StatusCode::OK, StatusCode::OK));
    hosted.world.advance(1);
    let page = other_device
        .visit_following(&format!("{GLOBEX}/auth/login?return_url=/home"))
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        (me(ACME).await, me(GLOBEX).await),
        (StatusCode::OK, StatusCode::UNAUTHORIZED)
    );
}

#[tokio::test]
async fn of_many_logins_at_once_somebody_is_left_and_the_next_login_keeps_the_limit() {
    let world = limited(1);
    for round in 0..20 {
        let gate = Gate::closed();
        world.fetch.hold(Some("token"), &gate);
        let mut logins = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let browser = world.browser.stranger();
            logins.spawn(async move {
                sign_in(&browser, "/auth/login?return_url=/home").await;
                browser
            });
        }
        gate.arrived(8).await;
        gate.open();
        let browsers = logins.join_all().await;
        let left = async || {
            let mut left = 0;
            for browser in &browsers {
                left += usize::from(standing(browser).await == "signed in");
            }
            left
        };
        assert!(left().await >= 1, "round {round}: each ended the others");
        world.advance(1);
        let next = another_browser(&world).await;
        assert_eq!(
            (left().await, standing(&next).await.as_str()),
            (0, "signed in"),
            "round {round}"
        );
        world.advance(1);
    }
}

#[test]
fn a_limit_that_nobody_can_keep_is_refused_at_build_with_its_key() {
    for (sessions, text) in [
        (
            Sessions::cookie(SECRET).max_per_user(2),
            "session.max_per_user: expected a session store beside it, for nobody counts sessions that live in cookies alone",
        ),
        (
            Sessions::memory(SECRET).max_per_user(0),
            "session.max_per_user: expected at least 1, found 0",
        ),
    ] {
        let built = doorward::Doorward::builder()
            .public_url("https://app.example.com")
            .provider(doorward::Provider::oidc("https://id.example.net", "app", "secret"))
            .session(sessions)
            .build();
        assert_eq!(built.unwrap_err().to_string(), text);
    }
}
