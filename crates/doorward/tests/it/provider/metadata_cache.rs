//! How long what a provider said about itself counts, and what happens while it says nothing.

use std::time::Duration;

use doorward::Code;
use doorward::ports::FetchError;
use doorward_testkit::{Answer, Endpoint, Gate, Page, ScriptedProvider};
use http::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;

use super::harness::*;
use crate::support::World;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

async fn begins(world: &World) -> StatusCode {
    world.browser.stranger().visit("/auth/login").await.status
}

#[tokio::test]
async fn many_logins_cost_one_discovery_and_one_key_fetch() {
    let world = World::new();
    for _ in 0..20 {
        let page = log_in(&world.browser.stranger()).await;
        assert_eq!(page.url.path(), "/home");
    }
    assert_eq!(world.fetch.count("discovery"), 1);
    assert_eq!(world.fetch.count("jwks"), 1);
    assert_eq!(world.fetch.count("token"), 20);
}

#[tokio::test]
async fn a_hundred_first_logins_at_once_share_one_discovery() {
    let world = World::new();
    let gate = Gate::closed();
    world.fetch.hold(Some("discovery"), &gate);
    let mut logins: JoinSet<Page> = JoinSet::new();
    for _ in 0..100 {
        let browser = world.browser.stranger();
        logins.spawn(async move { browser.visit("/auth/login").await });
    }
    gate.arrived(1).await;
    // While discovery hangs, everything that does not need it answers.
    assert_eq!(world.browser.visit("/home").await.status, StatusCode::OK);
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
    gate.open();
    assert!(
        logins
            .join_all()
            .await
            .iter()
            .all(|page| page.status == StatusCode::FOUND)
    );
    assert_eq!(world.fetch.count("discovery"), 1);
}

#[tokio::test]
async fn a_browser_that_hangs_up_leaves_the_metadata_it_asked_for_behind() {
    let world = World::new();
    let gate = Gate::closed();
    world.fetch.hold(Some("discovery"), &gate);
    let browser = world.browser.stranger();
    let login = tokio::spawn(async move { browser.visit("/auth/login").await });
    gate.arrived(1).await;
    login.abort();
    assert!(login.await.unwrap_err().is_cancelled());
    gate.open();
    world.tasks.idle().await;
    assert_eq!(begins(&world).await, StatusCode::FOUND);
    assert_eq!(world.fetch.count("discovery"), 1);
}

#[tokio::test]
async fn metadata_is_renewed_in_the_background_after_an_hour() {
    let world = World::new();
    assert_eq!(begins(&world).await, StatusCode::FOUND);
    world.advance(HOUR - 1);
    assert_eq!(begins(&world).await, StatusCode::FOUND);
    world.tasks.idle().await;
    assert_eq!(world.fetch.count("discovery"), 1);

    world.advance(1);
    let gate = Gate::closed();
    world.fetch.hold(Some("discovery"), &gate);
    world.provider.script(|s| {
        s.discovery = Answer::correct().with("authorization_endpoint", "https://id.example.net/moved");
    });
    let asked = |page: Page| page.location().unwrap().path().to_owned();
    // The old copy serves at once, however long the renewal takes.
    for _ in 0..10 {
        assert_eq!(asked(world.browser.visit("/auth/login").await), "/authorize");
    }
    gate.arrived(1).await;
    gate.open();
    world.tasks.idle().await;
    assert_eq!(world.fetch.count("discovery"), 2);
    assert_eq!(asked(world.browser.visit("/auth/login").await), "/moved");
    world.tasks.idle().await;
    assert_eq!(world.fetch.count("discovery"), 2);
}

#[tokio::test]
async fn stale_metadata_serves_for_a_day_and_not_beyond() {
    let world = World::new();
    world.sign_in().await;
    world.fetch.fail_next(usize::MAX, || FetchError::Unreachable);
    for hour in 1..24 {
        world.advance(HOUR);
        assert_eq!(begins(&world).await, StatusCode::FOUND, "hour {hour}");
        world.tasks.idle().await;
    }
    world.advance(HOUR - 1);
    assert_eq!(begins(&world).await, StatusCode::FOUND);
    world.tasks.idle().await;
    world.advance(1);
    let page = world.browser.visit("/auth/login").await;
    assert_eq!(
        (page.status, page_code(&page)),
        (StatusCode::SERVICE_UNAVAILABLE, "provider_unavailable")
    );

    world.fetch.heal();
    world.advance(1);
    world.sign_in().await;
}

#[tokio::test]
async fn a_provider_that_is_down_is_asked_for_metadata_once_a_second_at_most() {
    let world = World::new();
    assert_eq!(begins(&world).await, StatusCode::FOUND);
    world.advance(HOUR);
    world.fetch.fail_next(usize::MAX, || FetchError::Timeout);
    for second in 1..=5 {
        for _ in 0..20 {
            assert_eq!(begins(&world).await, StatusCode::FOUND);
            world.tasks.idle().await;
        }
        assert_eq!(world.fetch.count("discovery"), 1 + second);
        world.advance(1);
    }
}

#[tokio::test]
async fn retry_after_of_the_metadata_is_kept_to_but_for_a_minute_at_most() {
    let world = World::new();
    world
        .provider
        .script(|s| s.discovery = Answer::error(503, "x").header("retry-after", "86400").times(1));
    for seconds in [0, 1, 58] {
        world.advance(seconds);
        assert_eq!(begins(&world).await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(world.fetch.count("discovery"), 1);
    }
    world.advance(1);
    assert_eq!(begins(&world).await, StatusCode::FOUND);
}

#[tokio::test]
async fn an_application_starts_without_its_provider_and_serves_what_needs_none() {
    let world = World::new();
    world.fetch.fail_next(1, || FetchError::Unreachable);
    assert_eq!(world.fetch.calls().len(), 0, "starting asks nobody");
    assert_eq!(world.browser.visit("/home").await.status, StatusCode::OK);
    assert_eq!(world.browser.get("/api/me").await.problem_code(), "session_missing");
    assert_eq!(world.fetch.calls().len(), 0);

    let page = world.browser.visit("/auth/login?return_url=/home").await;
    assert_refused(&world, &page, Code::ProviderUnavailable, "provider down").await;
    let page = world.browser.visit("/page").await;
    assert_eq!(page.location().unwrap().path(), "/auth/login");
    world.advance(1);
    world.sign_in().await;
}

#[tokio::test]
async fn sessions_go_on_while_the_provider_is_away() {
    let world = World::new();
    world.sign_in().await;
    world.fetch.fail_next(usize::MAX, || FetchError::Unreachable);
    for _ in 0..3 {
        world.advance(60);
        assert_is(&world.browser, "alice", "provider away").await;
    }
}

#[tokio::test]
async fn metadata_that_turns_bad_does_not_displace_the_good() {
    let world = World::new();
    assert_eq!(begins(&world).await, StatusCode::FOUND);
    world.advance(HOUR);
    let evil = ScriptedProvider::new("https://evil.example.org", world.clock.clone());
    drop(world.fetch.clone().mount("evil.example.org", evil.router()));
    world.provider.script(|s| {
        s.discovery = Answer::correct().edit(|document| {
            document["issuer"] = "https://evil.example.org".into();
            document["token_endpoint"] = "https://evil.example.org/token".into();
        });
    });
    world.sign_in().await;
    world.tasks.idle().await;
    world.sign_in().await;
    assert_eq!(evil.requests().len(), 0);
}

#[tokio::test]
async fn metadata_that_changes_between_login_and_callback_changes_nothing_of_that_login() {
    let world = World::new();
    let answer = answered(&world.browser, "/auth/login?return_url=/home").await;
    world.provider.script(|s| {
        s.discovery = Answer::correct().edit(|document| {
            document["token_endpoint"] = "https://tokens.example.com/token".into();
            document["authorization_response_iss_parameter_supported"] = json!(false);
        });
    });
    let page = world.browser.follow(&answer).await;
    let page = world.browser.follow_all(page).await;
    assert_signed_in(&world, &page, "changed in flight").await;
}

// attacks: B13
#[tokio::test]
async fn a_promised_iss_is_demanded_of_a_login_that_began_under_the_promise() {
    let world = World::new();
    let answer = answered(&world.browser, "/auth/login").await;
    world.advance(30);
    // The promise was made when the login began; taking it back later does not help a mix-up.
    world.provider.script(|s| {
        s.discovery = Answer::correct().with("authorization_response_iss_parameter_supported", false);
    });
    let callback = with_query(&answer.location().unwrap(), |pairs| {
        pairs.retain(|(name, _)| name != "iss")
    });
    let page = arrive(&world.browser, &callback).await;
    assert_refused(&world, &page, Code::IssuerMismatch, "iss left out").await;
    assert_eq!(world.provider.count(Endpoint::Token), 0);
}

// attacks: B22
#[tokio::test]
async fn pkce_stays_when_the_provider_hides_that_it_knows_it() {
    let world = World::new();
    for hidden in [false, true] {
        if hidden {
            world
                .provider
                .script(|s| s.discovery = Answer::correct().without("code_challenge_methods_supported"));
            world.advance(HOUR);
            assert_eq!(begins(&world).await, StatusCode::FOUND);
            world.tasks.idle().await;
        }
        let begun = world.browser.visit("/auth/login").await;
        let asked = begun.location().unwrap();
        assert_eq!(query(&asked, "code_challenge_method").as_deref(), Some("S256"));
        assert_eq!(query(&asked, "code_challenge").unwrap().len(), 43);
        world.sign_in().await;
    }
    assert_eq!(world.provider.count(Endpoint::Discovery), 2);
}

#[tokio::test]
async fn a_clock_that_is_set_back_or_forth_neither_drops_nor_refetches_metadata() {
    let world = World::new();
    assert_eq!(begins(&world).await, StatusCode::FOUND);
    let now = world.clock.seconds();
    for wall in [now + 2 * DAY, now - 2 * DAY, now] {
        world.clock.set(doorward::UnixTime::from_seconds(wall));
        assert_eq!(begins(&world).await, StatusCode::FOUND);
        world.tasks.idle().await;
    }
    assert_eq!(world.fetch.count("discovery"), 1);
    world.clock.advance(Duration::from_secs(HOUR));
    assert_eq!(begins(&world).await, StatusCode::FOUND);
    world.tasks.idle().await;
    assert_eq!(world.fetch.count("discovery"), 2);
}
