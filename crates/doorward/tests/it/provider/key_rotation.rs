//! Keys that come and go.

use doorward::Code;
use doorward::ports::FetchError;
use doorward_testkit::{Answer, Gate, KeyAlgorithm, Page, ProviderKey, Signing};
use http::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;

use super::harness::*;
use crate::support::World;

const INVALID: Ends = Ends::Refused(Code::IdTokenInvalid);
/// Held keys count this long without a look at the provider.
const FRESH: u64 = 900;

async fn signs_in(world: &World, name: &str) {
    let browser = world.browser.stranger();
    let page = log_in(&browser).await;
    assert_eq!(page.url.path(), "/home", "{name}: {}", page.text());
    assert_is(&browser, "alice", name).await;
}

async fn is_refused(world: &World, code: Code, name: &str) {
    let browser = world.browser.stranger();
    let page = log_in(&browser).await;
    assert_refusal_page(world, &page, code, name);
    assert_no_session(world, &browser, name).await;
}

// oidcc-client-test-signing-key-rotation, -signing-key-rotation-just-before-signing; attacks: D23, D35
#[tokio::test]
async fn a_rotated_key_costs_one_fetch_and_no_login() {
    for keep_old in [true, false] {
        let world = World::new();
        signs_in(&world, "before").await;
        assert_eq!(world.fetch.count("jwks"), 1);
        world.provider.rotate_keys(keep_old);
        signs_in(&world, "after").await;
        assert_eq!(world.fetch.count("jwks"), 2);
        signs_in(&world, "later").await;
        assert_eq!(world.fetch.count("jwks"), 2);
    }
}

#[tokio::test]
async fn a_key_that_changes_between_key_fetch_and_signing_costs_one_fetch() {
    // The set fetched first never has the key that signed.
    let world = World::new();
    let old = ProviderKey::generate(KeyAlgorithm::Es256, "old").public_jwk();
    world
        .provider
        .script(|s| s.jwks = Answer::correct().with("keys", json!([old])).times(1));
    signs_in(&world, "just before signing").await;
    assert_eq!(labels(&world), COMPLETE_REFETCH);
}

// attacks: D23
#[tokio::test]
async fn a_flood_of_unknown_keys_costs_one_fetch_in_thirty_seconds() {
    let world = World::new();
    signs_in(&world, "before").await;
    world
        .provider
        .script(|s| s.token.id_token.signing = Signing::UnknownKey);
    for window in 1..=3 {
        for _ in 0..20 {
            is_refused(&world, Code::IdTokenInvalid, "unknown key").await;
        }
        assert_eq!(world.fetch.count("jwks"), 1 + window);
        world.advance(29);
        is_refused(&world, Code::IdTokenInvalid, "unknown key").await;
        assert_eq!(world.fetch.count("jwks"), 1 + window);
        world.advance(1);
    }
    // A right token needs no fetch, whatever the flood did.
    world.provider.reset();
    signs_in(&world, "after the flood").await;
    assert_eq!(world.fetch.count("jwks"), 4);
}

#[tokio::test]
async fn a_hundred_logins_at_the_moment_of_a_rotation_share_one_fetch_and_all_succeed() {
    let world = World::new();
    signs_in(&world, "before").await;
    world.provider.rotate_keys(false);
    let gate = Gate::closed();
    world.fetch.hold(Some("jwks"), &gate);
    let mut logins: JoinSet<Page> = JoinSet::new();
    for _ in 0..100 {
        let browser = world.browser.stranger();
        logins.spawn(async move { log_in(&browser).await });
    }
    gate.arrived(1).await;
    while world.fetch.count("token") < 101 {
        tokio::task::yield_now().await;
    }
    gate.open();
    for page in logins.join_all().await {
        assert_eq!(
            (page.status, page.url.path()),
            (StatusCode::OK, "/home"),
            "{}",
            page.text()
        );
    }
    assert_eq!(world.fetch.count("jwks"), 2);
}

#[tokio::test]
async fn a_login_that_came_with_the_old_keys_uses_those_that_another_fetched_meanwhile() {
    let world = World::new();
    signs_in(&world, "before").await;
    world.provider.rotate_keys(true);
    // Two logins see the new key one after the other; only the first asks.
    signs_in(&world, "first").await;
    signs_in(&world, "second").await;
    assert_eq!(world.fetch.count("jwks"), 2);
    // A second rotation within thirty seconds has to wait for its turn.
    world.provider.rotate_keys(true);
    is_refused(&world, Code::IdTokenInvalid, "too soon").await;
    assert_eq!(world.fetch.count("jwks"), 2);
    world.advance(30);
    signs_in(&world, "in time").await;
    assert_eq!(world.fetch.count("jwks"), 3);
}

#[tokio::test]
async fn keys_that_change_with_every_fetch_are_asked_for_twice_and_believed_never() {
    check([scripted(
        "rotating before each answer",
        |s| s.keys.rotate_before_each_answer = true,
        INVALID,
        UNTIL_REFETCH,
    )])
    .await;
}

// attacks: D35
#[tokio::test]
async fn a_withdrawn_key_stops_counting_after_fifteen_minutes() {
    let world = World::new();
    signs_in(&world, "before").await;
    // The key leaves the set, and whoever stole it goes on signing.
    let other = ProviderKey::generate(KeyAlgorithm::Es256, "other").public_jwk();
    world
        .provider
        .script(|s| s.jwks = Answer::correct().with("keys", json!([other])));
    world.advance(FRESH - 1);
    signs_in(&world, "within the limit").await;
    assert_eq!(world.fetch.count("jwks"), 1);
    world.advance(1);
    is_refused(&world, Code::IdTokenInvalid, "beyond the limit").await;
}

#[tokio::test]
async fn held_keys_outlast_an_outage_of_the_key_set_for_a_day_and_not_beyond() {
    for broken in [
        Answer::error(500, "server_error"),
        Answer::correct().with("keys", json!([])),
        Answer::correct().raw("garbage"),
        Answer::instead(304, "application/json", ""),
    ] {
        let world = World::new();
        signs_in(&world, "before").await;
        world.provider.script(|s| s.jwks = broken.clone());
        for _ in 0..23 {
            world.advance(3_600);
            signs_in(&world, "during").await;
            world.tasks.idle().await;
        }
        world.advance(3_599);
        signs_in(&world, "last").await;
        world.advance(1);
        is_refused(&world, Code::ProviderUnavailable, "beyond").await;
        world.provider.reset();
        world.advance(1);
        signs_in(&world, "after").await;
    }
}

#[tokio::test]
async fn a_key_set_that_is_down_is_asked_once_a_second_at_most() {
    let world = World::new();
    world.fetch.fail_next_of("jwks", usize::MAX, || FetchError::Timeout);
    for second in 1..=3 {
        for _ in 0..20 {
            is_refused(&world, Code::ProviderUnavailable, "down").await;
        }
        assert_eq!(world.fetch.count("jwks"), second);
        world.advance(1);
    }
}
