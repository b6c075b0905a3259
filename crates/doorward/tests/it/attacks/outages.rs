//! Outages that last, and clocks that step: nobody is logged out for them, and nobody is let in.

use std::time::Duration;

use doorward::ports::FetchError;
use doorward::{Sessions, UnixTime};
use http::StatusCode;

use crate::support::{SECRET, World};

/// Beyond the life of the scripted provider's access tokens, which is five minutes.
const ENDED: u64 = 310;
const TEN_MINUTES: u64 = 600;

/// Sealed and stored sessions that may go unused for a day.
fn worlds() -> [World; 2] {
    [Sessions::cookie(SECRET), Sessions::memory(SECRET)].map(|sessions| {
        let long = Duration::from_secs(24 * 3_600);
        World::build(sessions.idle_timeout(long).absolute_timeout(2 * long), |builder| {
            builder
        })
    })
}

// RL4 of the reliability targets, on a clock that is moved.
#[tokio::test]
async fn provider_that_is_down_for_ten_minutes_costs_nobody_the_session() {
    // attacks: K9
    for world in worlds() {
        world.sign_in().await;
        let other = world.browser.stranger();
        world.advance(ENDED);
        // One session has its tokens due, one has fresh ones.
        assert_eq!(
            other.visit_following("/auth/login?return_url=/home").await.url.path(),
            "/home"
        );
        world
            .fetch
            .fail_next_of("token", usize::MAX, || FetchError::Unreachable);
        let before = world.fetch.count("token");
        for second in 0..TEN_MINUTES {
            // Until its own access token ends, after five minutes.
            if second < 299 {
                assert_eq!(other.get("/api/me").await.status, StatusCode::OK, "second {second}");
            }
            for _ in 0..3 {
                let answer = world.browser.get("/api/me").await;
                assert_eq!(
                    (answer.status, answer.problem_code().as_str()),
                    (StatusCode::SERVICE_UNAVAILABLE, "provider_unavailable")
                );
                assert!(answer.header("retry-after").is_some());
                assert!(answer.set_cookies().is_empty(), "an outage clears no cookie");
            }
            world.advance(1);
        }
        let probes = world.fetch.count("token") - before;
        assert!(
            (60..=600).contains(&probes),
            "{probes} probes in ten minutes: at most one a second, and not given up"
        );
        world.fetch.heal();
        world.advance(5);
        assert_eq!(
            world.browser.get("/api/me").await.status,
            StatusCode::OK,
            "recovered at the first success"
        );
    }
}

#[tokio::test]
async fn host_clock_that_steps_by_an_hour_logs_nobody_out_and_renews_no_token_twice() {
    // attacks: K12
    for world in worlds() {
        world.sign_in().await;
        let now = world.clock.seconds();
        for step in [now + 3_600, now - 3_600, now - 61, now + 61, now] {
            world.clock.set(UnixTime::from_seconds(step));
            let answer = world.browser.get("/api/me").await;
            assert_eq!(answer.status, StatusCode::OK, "at {step}: {}", answer.text());
        }
        // Forth over the end of the access token: renewed, once, and neither back again nor once more.
        assert_eq!(world.fetch.count("token"), 2, "one sign-in, one renewal");
    }
}

#[tokio::test]
async fn instances_whose_clocks_differ_by_a_minute_share_sessions_and_renew_once() {
    // attacks: K12
    let store = super::support::Meddled::default();
    let first = store.world();
    let second = World::build(Sessions::stored(SECRET, store.clone()), |builder| {
        builder.fetch(first.fetch.clone())
    });
    first.sign_in().await;
    let copy = {
        let browser = second.browser.stranger();
        for name in ["__Host-session", "CSRF-TOKEN"] {
            let value = first.browser.cookie(name).unwrap();
            let attributes = "Secure; Path=/; SameSite=Lax";
            browser.set_cookie(&format!("{name}={value}; {attributes}")).unwrap();
        }
        browser
    };
    for skew in [61, -61] {
        let now = first.clock.seconds();
        second
            .clock
            .set(UnixTime::from_seconds(now.saturating_add_signed(skew)));
        assert_eq!(first.browser.get("/api/me").await.status, StatusCode::OK);
        let answer = copy.get("/api/me").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    first.advance(ENDED);
    second.clock.set(UnixTime::from_seconds(first.clock.seconds() + 61));
    let before = first.fetch.count("token");
    for browser in [&first.browser, &copy, &first.browser, &copy] {
        assert_eq!(browser.get("/api/me").await.status, StatusCode::OK);
    }
    assert_eq!(first.fetch.count("token") - before, 1, "one token call for both");
}
