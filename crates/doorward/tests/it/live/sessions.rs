//! `session.ended()`: when it resolves, with what, and when it must not.

use std::collections::HashMap;
use std::time::Duration;

use doorward::{Code, Ended, Sessions};
use http::StatusCode;
use serde_json::json;

use super::stage::{Ending, Stage};
use crate::support::SECRET;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn logout_in_another_tab_ends_the_connection_at_once_and_nobody_elses() {
    for mut stage in Stage::both_places().await {
        let other_browser = stage.world.browser.stranger();
        other_browser.visit_following("/auth/login?return_url=/home").await;
        let ending = stage.ended().await;
        let other = stage.session_at(&other_browser, "/session").await;
        let mut other = Ending::of(&other).await;

        let tab = stage.world.browser.clone();
        stage.log_out(&tab).await;
        let (why, took) = ending.within(SECOND).await;
        assert_eq!(why, Ended::Revoked);
        assert!(took < SECOND, "{took:?}");
        assert_eq!(other.now().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn the_other_tabs_next_call_is_401_session_revoked() {
    for mut stage in Stage::both_places().await {
        let other_tab = stage.world.browser.thief();
        let ending = stage.ended().await;
        stage.log_out(&stage.world.browser).await;
        assert_eq!(ending.within(SECOND).await.0.code(), Some(Code::SessionRevoked));
        let page = other_tab.get("/json").await;
        assert_eq!(
            (page.status, page.problem_code().as_str()),
            (StatusCode::UNAUTHORIZED, "session_revoked")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_unused_session_ends_at_its_idle_end_and_not_a_second_before() {
    for mut stage in Stage::both_places().await {
        let mut ending = stage.ended().await;
        stage.pass(3_599).await;
        assert_eq!(ending.now().await, None);
        stage.pass(2).await;
        assert_eq!(ending.now().await, Some(Ended::Expired));
    }
}

#[tokio::test(start_paused = true)]
async fn use_by_other_requests_moves_the_end_on_up_to_the_absolute_end() {
    for sessions in [Sessions::cookie(SECRET), Sessions::memory(SECRET)] {
        let lifetimes = sessions
            .idle_timeout(Duration::from_secs(600))
            .absolute_timeout(Duration::from_secs(1_800));
        let mut stage = Stage::signed_in(lifetimes).await;
        let mut ending = stage.ended().await;
        for _ in 0..5 {
            stage.pass(350).await;
            assert_eq!(ending.now().await, None);
            let page = stage.world.browser.get("/json").await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.text());
        }
        stage.pass(49).await;
        assert_eq!(ending.now().await, None);
        stage.pass(2).await;
        assert_eq!(ending.now().await, Some(Ended::Expired));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_refresh_token_the_end_of_the_access_token_is_the_end() {
    for sessions in [Sessions::cookie(SECRET), Sessions::memory(SECRET)] {
        let mut stage = Stage::new(sessions);
        stage
            .world
            .provider
            .script(|script| script.issue_refresh_tokens = false);
        stage.world.sign_in().await;
        let mut ending = stage.ended().await;
        stage.pass(299).await;
        assert_eq!(ending.now().await, None);
        stage.pass(2).await;
        assert_eq!(ending.now().await, Some(Ended::Expired));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_was_taken_back_ends_the_connections_too() {
    for mut stage in Stage::both_places().await {
        let ending = stage.ended().await;
        stage.pass(290).await;
        stage.world.provider.script(|script| {
            script.refresh.answer = doorward_testkit::Answer::error(400, "invalid_grant");
        });
        let page = stage.world.browser.get("/json").await;
        assert_eq!(page.problem_code(), "token_refresh_failed");
        let (why, _) = ending.within(SECOND).await;
        // Of a stored session every instance knows that it ended; why, is told to the request that found out.
        assert!(matches!(why, Ended::RefreshFailed | Ended::Revoked), "{why:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_a_refresh_takes_away_ends_what_asked_for_it_and_nothing_else() {
    for mut stage in Stage::both_places().await {
        let browser = stage.world.browser.clone();
        let admins = stage.session_at(&browser, "/admin/session").await;
        let ending = Ending::of(&admins).await;
        let mut plain = stage.ended().await;
        stage
            .world
            .provider
            .script(|script| script.claims["roles"] = json!(["member"]));
        stage.pass(290).await;
        assert_eq!(browser.get("/json").await.status, StatusCode::OK);
        let (why, took) = ending.within(Duration::from_secs(16)).await;
        assert_eq!(why, Ended::NotAllowed(Code::RoleMissing));
        assert_eq!(why.close_code(), 4403);
        assert!(took <= Duration::from_secs(15), "{took:?}");
        assert_eq!(plain.now().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn how_fresh_a_sign_in_must_be_is_asked_at_the_start_only() {
    for sessions in [Sessions::cookie(SECRET), Sessions::memory(SECRET)] {
        let mut stage = Stage::new(sessions);
        let at = stage.world.clock.seconds();
        stage.world.provider.script(|script| {
            script.token.id_token.claim("auth_time", at);
        });
        stage.world.sign_in().await;
        let browser = stage.world.browser.clone();
        let session = stage.session_at(&browser, "/recent/session").await;
        let mut ending = Ending::of(&session).await;
        stage.pass(400).await;
        assert_eq!(browser.get("/recent/session").await.problem_code(), "step_up_required");
        assert_eq!(ending.now().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_thousand_connections_those_of_the_one_session_end_that_was_ended() {
    for mut stage in Stage::both_places().await {
        let mut endings = HashMap::new();
        for user in 0..100 {
            let browser = stage.world.browser.stranger();
            browser.visit_following("/auth/login?return_url=/home").await;
            let session = stage.session_at(&browser, "/session").await;
            let mut connections = Vec::new();
            for _ in 0..10 {
                connections.push(Ending::of(&session).await);
            }
            endings.insert(user, (browser, connections));
        }
        let ended_browser = endings[&42].0.clone();
        stage.log_out(&ended_browser).await;
        for (user, (_, connections)) in &mut endings {
            let expected = (*user == 42).then_some(Ended::Revoked);
            for connection in connections {
                assert_eq!(connection.now().await, expected, "{user}");
            }
        }
        // Nothing is left behind by those that hang up.
        endings.clear();
        stage.pass(61).await;
        stage.world.tasks.idle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ended_before_anybody_waited_ends_at_once() {
    for mut stage in Stage::both_places().await {
        let browser = stage.world.browser.clone();
        let session = stage.session_at(&browser, "/session").await;
        stage.log_out(&browser).await;
        assert_eq!(Ending::of(&session).await.now().await, Some(Ended::Revoked));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_ends_every_connection_and_no_session() {
    for mut stage in Stage::both_places().await {
        let mut ending = stage.ended().await;
        assert_eq!(ending.now().await, None);
        stage.world.auth.end_live();
        assert_eq!(ending.now().await, Some(Ended::Stopping));
        assert_eq!(stage.world.browser.get("/json").await.status, StatusCode::OK);
    }
}
