//! What is told of a session that was ended: that it was, until the moment at which it would be over in any case.

use std::time::Duration;

use doorward::Sessions;
use http::Method;

use super::{another_browser, delete, own_id, standing, standing_of};
use crate::attacks::support::Place;
use crate::support::{SECRET, World};

const HOUR: u64 = 3_600;

#[tokio::test]
async fn an_ended_stored_session_is_told_so_until_its_absolute_end() {
    for way in ["logout", "by its user elsewhere", "by the application"] {
        let world = Place::Stored.signed_in().await;
        let cookies = world.browser.cookie_header("/");
        match way {
            "logout" => {
                world.browser.request(Method::POST, "/auth/logout").send().await;
            }
            "by its user elsewhere" => {
                let phone = another_browser(&world).await;
                let id = own_id(&world.browser).await;
                delete(&phone, &format!("/auth/sessions/{id}")).await;
            }
            _ => {
                world.auth.sessions().end_tenant("acme").await.unwrap();
            }
        }
        for (advance, expected) in [
            (0, "session_revoked"),
            // Beyond its idle end, too.
            (2 * HOUR, "session_revoked"),
            (10 * HOUR - 1, "session_revoked"),
            (1, "session_expired"),
            (1_000 * HOUR, "session_expired"),
        ] {
            world.advance(advance);
            assert_eq!(standing_of(&world, &cookies).await, expected, "{way} +{advance}");
        }
    }
}

#[tokio::test]
async fn an_ended_sealed_session_is_told_so_for_as_long_as_its_cookie_could_be_used() {
    for (idle, last) in [(12 * HOUR, 12 * HOUR), (HOUR, HOUR)] {
        let sessions = Sessions::cookie(SECRET).idle_timeout(Duration::from_secs(idle));
        let world = World::build(sessions, |builder| builder);
        world.sign_in().await;
        let cookies = world.browser.cookie_header("/");
        world.browser.request(Method::POST, "/auth/logout").send().await;
        for (advance, expected) in [
            (0, "session_revoked"),
            (last - 1, "session_revoked"),
            // The cookie says by itself that it is over.
            (1, "session_expired"),
            (1_000 * HOUR, "session_expired"),
        ] {
            world.advance(advance);
            assert_eq!(standing_of(&world, &cookies).await, expected, "idle {idle} +{advance}");
        }
    }
}

#[tokio::test]
async fn a_session_that_was_never_ended_has_expired_and_was_not_revoked() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let cookies = world.browser.cookie_header("/");
        world.advance(HOUR - 1);
        assert_eq!(standing_of(&world, &cookies).await, "signed in");
        let world = place.signed_in().await;
        let cookies = world.browser.cookie_header("/");
        for advance in [HOUR, 11 * HOUR, HOUR] {
            world.advance(advance);
            assert_eq!(standing_of(&world, &cookies).await, "session_expired", "{place:?}");
        }
    }
}

#[tokio::test]
async fn an_end_is_not_undone_by_whatever_comes_late() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let copy = world.browser.thief();
        world.browser.request(Method::POST, "/auth/logout").send().await;
        // Its tokens are due, and it is time to extend it.
        world.advance(1_000);
        for _ in 0..3 {
            let page = copy.get("/api/me").await;
            assert_eq!(page.problem_code(), "session_revoked");
            assert!(page.set_cookies().is_empty());
        }
        assert_eq!(world.provider.token_calls("refresh_token"), 0);
        assert_eq!(standing(&copy).await, "session_revoked");
    }
}
