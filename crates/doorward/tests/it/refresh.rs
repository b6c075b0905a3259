//! Renewing tokens under everything that goes wrong, with sealed cookies and with stored sessions alike.

use std::time::Duration;

use doorward::ports::FetchError;
use doorward::{Provider, Sessions};
use doorward_testkit::{Answer, Browser, CLIENT_ID, CLIENT_SECRET, Gate, Page, Rotation};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{PROVIDER, SECRET, World};

/// Both places where sessions live; every claim here holds for each.
fn worlds() -> [World; 2] {
    [World::new(), World::build(Sessions::memory(SECRET), |builder| builder)]
}

/// The seconds after which a token of 300 seconds is due, and after which it has ended.
const DUE: u64 = 245;
const ENDED: u64 = 301;

async fn storm(browser: &Browser, count: usize) -> Vec<Page> {
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..count {
        let tab = browser.clone();
        requests.spawn(async move { tab.get("/api/token").await });
    }
    requests.join_all().await
}

// weakness: M11
#[tokio::test]
async fn two_hundred_parallel_requests_on_an_ended_token_cost_one_token_call() {
    for world in worlds() {
        world.sign_in().await;
        for round in 1..=3 {
            world.advance(ENDED);
            let answers = storm(&world.browser, 200).await;
            assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
            let first = answers[0].text();
            assert!(
                answers.iter().all(|answer| answer.text() == first),
                "every caller sees the new token"
            );
            assert_eq!(world.provider.token_calls("refresh_token"), round);
        }
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_during_a_refresh_loses_nothing() {
    // attacks: N8
    for world in worlds() {
        world.sign_in().await;
        world.advance(ENDED);
        let gate = Gate::closed();
        world.fetch.hold(Some("token"), &gate);
        let impatient = world.browser.clone();
        let request = tokio::spawn(async move { impatient.get("/api/token").await });
        gate.arrived(1).await;
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        gate.open();
        world.tasks.idle().await;
        // Its browser never saw the new cookies; the old ones still lead to the new tokens.
        assert_eq!(world.browser.get("/api/token").await.status, StatusCode::OK);
        assert_eq!(world.provider.token_calls("refresh_token"), 1);
    }
}

// weakness: M11
#[tokio::test]
async fn a_late_request_with_the_cookies_of_before_gets_the_new_tokens() {
    // attacks: E8
    for world in worlds() {
        world.sign_in().await;
        let late = world.browser.thief();
        world.advance(DUE);
        let new = world.browser.get("/api/token").await.text().to_owned();
        world.advance(60);
        let answer = late.get("/api/token").await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, new.as_str()));
        assert_eq!(world.provider.token_calls("refresh_token"), 1);
    }
}

// weakness: M12, M13
#[tokio::test]
async fn a_passing_failure_logs_nobody_out() {
    type Fail = fn(&World);
    let failures: [Fail; 5] = [
        |world| world.fetch.fail_next_of("token", 1, || FetchError::Unreachable),
        |world| world.fetch.fail_next_of("token", 1, || FetchError::Timeout),
        |world| {
            world
                .provider
                .script(|script| script.refresh.answer = Answer::error(503, "temporarily_unavailable").times(1))
        },
        |world| {
            world.provider.script(|script| {
                script.refresh.answer = Answer::error(429, "slow_down").header("retry-after", "7").times(1);
            });
        },
        |world| {
            world
                .provider
                .script(|script| script.refresh.answer = Answer::error(401, "invalid_client").times(1))
        },
    ];
    for fail in failures {
        for world in worlds() {
            world.sign_in().await;
            world.advance(DUE);
            fail(&world);
            let answer = world.browser.get("/api/me").await;
            assert_eq!(
                answer.status,
                StatusCode::OK,
                "the access token still lives: {}",
                answer.text()
            );
            world.advance(10);
            assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
            assert_eq!(
                world.browser.get("/api/token").await.status,
                StatusCode::OK,
                "the next try succeeds"
            );
        }
    }
}

// weakness: M25
#[tokio::test]
async fn while_the_provider_is_down_an_ended_token_is_503_and_the_cookies_stay() {
    for world in worlds() {
        world.sign_in().await;
        world.advance(ENDED);
        world
            .fetch
            .fail_next_of("token", usize::MAX, || FetchError::Unreachable);
        for _ in 0..50 {
            let answer = world.browser.get("/api/me").await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.problem_code(), "provider_unavailable");
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert!(answer.set_cookies().is_empty(), "an outage clears no cookie");
        }
        assert_eq!(
            world.fetch.count("token"),
            2,
            "one sign-in, one probe: an outage is asked at most once a second"
        );
        world.fetch.heal();
        world.advance(2);
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn retry_after_of_the_provider_is_kept_to() {
    let world = World::new();
    world.sign_in().await;
    world.advance(ENDED);
    world.provider.script(|script| {
        script.refresh.answer = Answer::error(429, "slow_down").header("retry-after", "30").times(1);
    });
    assert_eq!(world.browser.get("/api/me").await.header("retry-after"), Some("30"));
    world.advance(29);
    assert_eq!(
        world.browser.get("/api/me").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(world.provider.token_calls("refresh_token"), 1);
    world.advance(1);
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
}

// weakness: M16
#[tokio::test]
async fn a_refresh_token_taken_back_ends_the_session_and_nothing_revives_it() {
    // attacks: K4
    for world in worlds() {
        world.sign_in().await;
        let copy = world.browser.thief();
        world.advance(DUE);
        world.provider.revoke_everything();
        let answer = world.browser.get("/api/me").await;
        assert_eq!(
            (answer.status, answer.problem_code().as_str()),
            (StatusCode::UNAUTHORIZED, "token_refresh_failed")
        );
        assert!(answer.set_cookies().is_empty(), "a refusal deletes no cookie");
        assert_eq!(copy.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            world.provider.token_calls("refresh_token"),
            1,
            "an ended session asks no more"
        );
        world.sign_in().await;
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    }
}

// weakness: M10, M28
#[tokio::test]
async fn the_old_refresh_token_is_kept_where_no_new_one_comes() {
    // attacks: K6
    for rotation in [
        Rotation::Off,
        Rotation::Same,
        Rotation::Rotate,
        Rotation::ReuseDetection,
    ] {
        for world in worlds() {
            world.provider.script(|script| script.rotation = rotation);
            world.sign_in().await;
            for _ in 0..3 {
                world.advance(DUE);
                assert_eq!(
                    world.browser.get("/api/me").await.status,
                    StatusCode::OK,
                    "{rotation:?}"
                );
            }
            assert_eq!(world.provider.token_calls("refresh_token"), 3);
        }
    }
}

#[tokio::test]
async fn a_refreshed_id_token_of_somebody_else_ends_the_session() {
    // attacks: K5
    type Forge = fn(&mut doorward_testkit::Script);
    let forgeries: [Forge; 4] = [
        |script| script.refresh.id_token.claim("sub", "mallory"),
        |script| script.refresh.id_token.claim("iss", "https://evil.example"),
        |script| script.refresh.id_token.claim("aud", "somebody-else"),
        |script| script.refresh.id_token.signing = doorward_testkit::Signing::Flipped,
    ];
    for forge in forgeries {
        for world in worlds() {
            world.sign_in().await;
            world.provider.script(forge);
            world.advance(DUE);
            let answer = world.browser.get("/api/me").await;
            assert_eq!(
                (answer.status, answer.problem_code().as_str()),
                (StatusCode::UNAUTHORIZED, "token_refresh_failed")
            );
            assert_eq!(world.handled(), 0);
            assert_eq!(world.browser.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
        }
    }
}

#[tokio::test]
async fn roles_follow_the_provider_at_the_next_refresh() {
    // attacks: E30
    for world in worlds() {
        world.sign_in().await;
        assert_eq!(world.browser.get("/api/admin").await.status, StatusCode::OK);
        world
            .provider
            .script(|script| script.claims["roles"] = json!(["auditor"]));
        world.advance(DUE);
        assert_eq!(world.browser.get("/api/admin").await.problem_code(), "role_missing");
        assert_eq!(world.browser.get("/api/auditor").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn roles_that_the_application_set_stay_through_a_refresh() {
    let world = World::with(|builder| {
        builder.on_login(|mut login| async move {
            login.set_roles(["auditor"]);
            Ok(login)
        })
    });
    world.sign_in().await;
    world.advance(DUE);
    assert_eq!(world.browser.get("/api/auditor").await.status, StatusCode::OK);
    assert_eq!(world.provider.token_calls("refresh_token"), 1);
    assert_eq!(world.browser.get("/api/admin").await.status, StatusCode::FORBIDDEN);
}

// weakness: M9
#[tokio::test]
async fn without_a_refresh_token_the_session_ends_with_its_access_token() {
    // attacks: C8
    for world in worlds() {
        world.provider.script(|script| script.issue_refresh_tokens = false);
        world.sign_in().await;
        world.advance(299);
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
        world.advance(1);
        assert_eq!(world.browser.get("/api/me").await.problem_code(), "session_expired");
    }
}

#[tokio::test]
async fn outlive_access_token_lets_it_go_on_to_its_own_end() {
    let sessions = Sessions::cookie(SECRET).outlive_access_token(true);
    let world = World::build(sessions, |builder| builder);
    world.provider.script(|script| script.issue_refresh_tokens = false);
    world.sign_in().await;
    world.advance(3_000);
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    world.advance(3_600);
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_without_its_token_part_lives_until_its_access_token_ends() {
    let world = World::new();
    world.sign_in().await;
    for chunk in ["__Host-session.0", "__Host-session.1"] {
        world.browser.forget(chunk);
    }
    world.advance(DUE);
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    world.advance(ENDED - DUE);
    assert_eq!(world.browser.get("/api/me").await.problem_code(), "session_expired");
    assert_eq!(world.provider.token_calls("refresh_token"), 0);
}

#[tokio::test]
async fn logout_during_a_refresh_wins_and_the_new_token_is_revoked() {
    // attacks: J13
    for world in worlds() {
        world.sign_in().await;
        world.advance(ENDED);
        let gate = Gate::closed();
        // The provider has rotated already; only its answer is on the way.
        let answer = Answer::correct().held_after_acting(&gate);
        world.provider.script(|script| script.refresh.answer = answer);
        let tab = world.browser.clone();
        let waiting = tokio::spawn(async move { tab.get("/api/me").await });
        gate.arrived(1).await;
        let logout = world.browser.request(Method::POST, "/auth/logout").send().await;
        assert_eq!(logout.status, StatusCode::OK);
        gate.open();
        let answer = waiting.await.unwrap();
        assert_eq!(
            (answer.status, answer.problem_code().as_str()),
            (StatusCode::UNAUTHORIZED, "session_revoked")
        );
        assert!(answer.set_cookies().is_empty(), "a late response brings nothing back");
        world.tasks.idle().await;
        assert_eq!(
            world.fetch.count("revocation"),
            2,
            "the old refresh token at logout, the new one at its arrival"
        );
    }
}

#[tokio::test]
async fn of_logout_and_refresh_at_once_logout_wins_every_time_with_sealed_cookies() {
    // attacks: K13
    logout_wins(World::new()).await;
}

#[tokio::test]
async fn of_logout_and_refresh_at_once_logout_wins_every_time_with_stored_sessions() {
    // attacks: K13
    logout_wins(World::build(Sessions::memory(SECRET), |builder| builder)).await;
}

async fn logout_wins(world: World) {
    for _ in 0..1_000 {
        world.sign_in().await;
        world.advance(ENDED);
        let (thief, tab) = (world.browser.thief(), world.browser.clone());
        let refreshing = tokio::spawn(async move { tab.get("/api/me").await });
        let logout = world.browser.request(Method::POST, "/auth/logout").send().await;
        assert_eq!(logout.status, StatusCode::OK);
        refreshing.await.unwrap();
        world.tasks.idle().await;
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(thief.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_narrower_scope_at_refresh_narrows_the_session() {
    let world = World::new();
    world.sign_in().await;
    world
        .provider
        .script(|script| script.refresh.scope = Some("openid".into()));
    world.advance(DUE);
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
}

// weakness: L15
#[tokio::test]
async fn a_short_token_is_renewed_in_its_last_third() {
    let world = World::new();
    world.provider.script(|script| {
        script.token.expires_in = 30;
        script.refresh.expires_in = 30;
    });
    world.sign_in().await;
    world.advance(19);
    world.browser.get("/api/me").await;
    assert_eq!(world.provider.token_calls("refresh_token"), 0);
    world.advance(1);
    world.browser.get("/api/me").await;
    assert_eq!(world.provider.token_calls("refresh_token"), 1);
}

// weakness: M9
#[tokio::test]
async fn expiry_is_enforced_whether_or_not_there_is_a_refresh_token() {
    // attacks: E6
    for world in worlds() {
        world.sign_in().await;
        for _ in 0..(12 * 3600 / 1800 - 1) {
            world.advance(1800);
            assert_eq!(
                world.browser.get("/api/me").await.status,
                StatusCode::OK,
                "used in time"
            );
        }
        world.advance(1800);
        assert_eq!(
            world.browser.get("/api/me").await.status,
            StatusCode::UNAUTHORIZED,
            "twelve hours are over"
        );
    }
    for world in worlds() {
        world.sign_in().await;
        world.advance(3600);
        assert_eq!(
            world.browser.get("/api/me").await.status,
            StatusCode::UNAUTHORIZED,
            "an hour of silence"
        );
    }
}

#[tokio::test]
async fn rotating_access_tokens_of_many_users_never_mix() {
    // attacks: E24
    let world = World::with(|builder| {
        builder.provider(Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET).scopes(["openid", "offline_access"]))
    });
    let mut users = Vec::new();
    for number in 0..40 {
        let subject = format!("user-{number}");
        world.provider.script(|script| script.subject.clone_from(&subject));
        let browser = world.browser.stranger();
        let page = browser.visit_following("/auth/login").await;
        assert_eq!(page.status, StatusCode::OK);
        users.push((subject, browser));
    }
    world.clock.advance(Duration::from_secs(ENDED));
    let mut requests = tokio::task::JoinSet::new();
    for (subject, browser) in &users {
        for _ in 0..10 {
            let (subject, browser) = (subject.clone(), browser.clone());
            requests.spawn(async move { (subject, browser.get("/api/me").await.json::<Value>()) });
        }
    }
    for (subject, answer) in requests.join_all().await {
        assert_eq!(answer["subject"], subject.as_str());
    }
    assert_eq!(world.provider.token_calls("refresh_token"), users.len());
}
