//! Ends of sessions, and what a late or an old cookie is worth.

use std::time::Duration;

use doorward_testkit::{Browser, Cookie, Gate};
use http::{Method, StatusCode};

use super::support::{Place, Raw, SESSION, assert_refused};
use crate::support::World;

/// A copy of the browser that keeps every cookie for good.
fn keeper(world: &World) -> Browser {
    let keeper = world.browser.stranger();
    for mut cookie in world.browser.cookies() {
        cookie.expires = None;
        keeper.plant(cookie);
    }
    keeper
}

// weakness: S2
#[tokio::test]
async fn a_session_is_over_by_its_own_seal_whatever_the_browser_made_of_max_age() {
    // attacks: E5
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let thief = keeper(&world);
        world.advance(3_599);
        assert_eq!(thief.get("/api/me").await.status, StatusCode::OK, "{place:?}");
        let thief = keeper(&world);
        world.advance(3_601);
        assert_refused(&thief.get("/api/me").await, StatusCode::UNAUTHORIZED, "session_expired");
        world.advance(10 * 365 * 24 * 3_600);
        assert_refused(&thief.get("/api/me").await, StatusCode::UNAUTHORIZED, "session_expired");
    }
}

// weakness: S2, S3
#[tokio::test]
async fn idle_and_absolute_end_hold_to_the_second() {
    // attacks: E6
    for place in Place::BOTH {
        let sessions = || {
            let sessions = place.sessions().idle_timeout(Duration::from_secs(100));
            sessions.absolute_timeout(Duration::from_secs(1_000))
        };
        let world = World::build(sessions(), |builder| builder);
        world.sign_in().await;
        world.advance(99);
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
        let copy = world.browser.thief();
        world.advance(100);
        let answer = copy.get("/api/me").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{place:?}: idle");

        let world = World::build(sessions(), |builder| builder);
        world.sign_in().await;
        for _ in 0..99 {
            world.advance(10);
            assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK, "{place:?}");
        }
        world.advance(10);
        assert_eq!(
            world.browser.get("/api/me").await.status,
            StatusCode::UNAUTHORIZED,
            "{place:?}: absolute"
        );
    }
}

// weakness: S5
#[tokio::test]
async fn the_session_cookie_is_written_only_after_a_tenth_of_the_idle_time() {
    for place in Place::BOTH {
        let sessions = place.sessions().idle_timeout(Duration::from_secs(1_000));
        let world = World::build(sessions, |builder| builder);
        world.provider.script(|script| script.token.expires_in = 100_000);
        world.sign_in().await;
        world.advance(99);
        assert!(world.browser.get("/api/me").await.set_cookies().is_empty(), "{place:?}");
        world.advance(1);
        let page = world.browser.get("/api/me").await;
        let names: Vec<&str> = page
            .set_cookies()
            .iter()
            .map(|header| header.split('=').next().unwrap())
            .collect();
        assert_eq!(names, [SESSION], "{place:?}: rolling touches the identity part only");
    }
}

#[tokio::test]
async fn a_user_whom_the_provider_disabled_is_out_at_the_next_refresh() {
    // attacks: E28
    for place in Place::BOTH {
        let world = place.signed_in().await;
        world.provider.revoke_everything();
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK, "not before");
        world.advance(300);
        assert_refused(
            &world.browser.get("/api/me").await,
            StatusCode::UNAUTHORIZED,
            "token_refresh_failed",
        );
        assert_refused(
            &world.browser.get("/api/me").await,
            StatusCode::UNAUTHORIZED,
            ended_code(place),
        );
        assert_eq!(world.provider.token_calls("refresh_token"), 1, "and nobody asks again");
    }
}

fn ended_code(place: Place) -> &'static str {
    match place {
        Place::Sealed => "token_refresh_failed",
        Place::Stored => "session_revoked",
    }
}

#[tokio::test]
async fn an_ended_session_stays_ended_until_its_cookies_are_worthless() {
    // attacks: E7
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let copy = world.browser.thief();
        world.browser.request(Method::POST, "/auth/logout").send().await;
        for _ in 0..11 {
            assert_eq!(copy.get("/api/me").await.status, StatusCode::UNAUTHORIZED, "{place:?}");
            let optional = copy.get("/open/optional").await;
            assert_eq!(optional.json::<serde_json::Value>()["subject"], serde_json::Value::Null);
            assert_eq!(copy.get("/auth/session").await.status, StatusCode::UNAUTHORIZED);
            world.advance(3_600);
        }
        assert_eq!(world.provider.token_calls("refresh_token"), 0);
    }
}

#[tokio::test]
async fn the_cookies_of_before_a_refresh_get_the_new_tokens_and_never_spend_the_old_one() {
    // attacks: E8
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let before = world.browser.thief();
        world.advance(290);
        let token = world.browser.get("/api/token").await.text().to_owned();
        for _ in 0..3 {
            assert_eq!(before.get("/api/token").await.text(), token, "{place:?}");
        }
        let again = world.browser.thief();
        assert_eq!(again.get("/api/token").await.text(), token);
        assert_eq!(world.provider.token_calls("refresh_token"), 1);
        // And the live session goes on over the next refresh.
        world.advance(290);
        assert_ne!(before.get("/api/token").await.text(), token);
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
        assert_eq!(world.provider.token_calls("refresh_token"), 2);
    }
}

// weakness: M11
#[tokio::test]
async fn no_response_writes_a_state_older_than_the_newest() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let old = world.browser.thief();
        // The newest state has data that the old cookies know nothing of.
        let write = world
            .browser
            .request(Method::POST, "/api/data")
            .header("x-csrf-token", &world.csrf());
        assert_eq!(
            write.json(&serde_json::json!({"note": "newest"})).send().await.status,
            StatusCode::OK
        );
        world.advance(400);
        let late = old.get("/api/data").await;
        assert_eq!(late.json::<serde_json::Value>()["note"], "newest", "{place:?}");
        if place == Place::Sealed {
            assert!(
                !late.set_cookie(SESSION).is_empty(),
                "the old browser is brought up to date"
            );
        }
        assert_eq!(old.get("/api/data").await.json::<serde_json::Value>()["note"], "newest");
    }
}

#[tokio::test]
async fn a_response_that_was_under_way_while_another_wrote_does_not_undo_it() {
    // attacks: N3
    for place in Place::BOTH {
        let world = place.signed_in().await;
        world.advance(400);
        let gate = Gate::closed();
        world.fetch.hold(Some("token"), &gate);
        // Due for a refresh: this one waits at the provider.
        let slow = tokio::spawn({
            let tab = world.browser.clone();
            async move { tab.get("/api/data").await }
        });
        gate.arrived(1).await;
        world.browser.request(Method::POST, "/auth/logout").send().await;
        gate.open();
        let late = slow.await.unwrap();
        assert_eq!(late.status, StatusCode::UNAUTHORIZED, "{place:?}: logout wins");
        assert!(late.set_cookies().is_empty());
        assert!(world.browser.cookie(SESSION).is_none());
        world.tasks.idle().await;
    }
}

#[tokio::test]
async fn without_its_token_part_a_session_has_no_tokens_and_ends_with_the_access_token() {
    let world = Place::Sealed.signed_in().await;
    world.browser.forget("__Host-session.0");
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    world.advance(301);
    let answer = Raw::get("/api/me").cookies_of(&world.browser).send(&world.app).await;
    assert_eq!(answer.verdict(), (401, "session_expired".to_owned()));
    assert_eq!(world.provider.token_calls("refresh_token"), 0);
}

#[tokio::test]
async fn a_token_part_of_another_session_counts_as_none() {
    let world = Place::Sealed.signed_in().await;
    let other = world.browser.stranger();
    other.visit_following("/auth/login").await;
    let foreign = other.cookie("__Host-session.0").unwrap();
    world.browser.forget("__Host-session.0");
    world
        .browser
        .plant(Cookie::planted("__Host-session.0", &foreign, "app.example.com"));
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    world.advance(301);
    assert_eq!(world.browser.get("/api/me").await.problem_code(), "session_expired");
    assert_eq!(
        world.provider.token_calls("refresh_token"),
        0,
        "nobody's token is sent for another"
    );
}
