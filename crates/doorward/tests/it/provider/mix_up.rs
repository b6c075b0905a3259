//! Answers that belong to somebody else: another browser, another user, another client, another provider.

use doorward::{Code, Provider, Sessions};
use doorward_testkit::{Browser, CLIENT_ID, CLIENT_SECRET, ClientKind, Endpoint, ScriptedProvider};
use http::StatusCode;
use url::Url;

use super::harness::*;
use crate::support::{APP, PROVIDER, SECRET, World};

/// Lets somebody else sign in at the provider from now on.
fn is_now(world: &World, subject: &str) {
    let (subject, email) = (subject.to_owned(), format!("{subject}@acme.test"));
    world.provider.script(|s| {
        s.subject = subject;
        s.claims.insert("email".into(), email.into());
    });
}

/// Sessions in cookies, and in a store.
fn both_places() -> [World; 2] {
    [World::new(), World::build(Sessions::memory(SECRET), |builder| builder)]
}

async fn answer_for(browser: &Browser) -> Url {
    answered(browser, "/auth/login?return_url=/home")
        .await
        .location()
        .unwrap()
}

// attacks: B5, B6
#[tokio::test]
async fn an_answer_opens_only_in_the_browser_that_asked() {
    let world = World::new();
    is_now(&world, "mallory");
    let mallory = world.browser.stranger();
    let hers = answer_for(&mallory).await;
    is_now(&world, "alice");

    // Login CSRF: her answer in a victim's browser, with and without a login pending there.
    let page = arrive(&world.browser, &hers).await;
    assert_refused(&world, &page, Code::LoginMissing, "no login pending").await;
    let own = answer_for(&world.browser).await;
    let page = arrive(&world.browser, &hers).await;
    assert_refused(&world, &page, Code::StateMismatch, "another login pending").await;

    // And the other way round: a victim's answer in her browser.
    let page = arrive(&mallory, &own).await;
    assert_refusal_page(&world, &page, Code::StateMismatch, "stolen answer");
    assert_no_session(&world, &mallory, "stolen answer").await;
    assert_eq!(world.provider.count(Endpoint::Token), 0);

    // Neither attempt has cost anybody their own login.
    arrive(&world.browser, &own).await;
    assert_is(&world.browser, "alice", "own answer").await;
    arrive(&mallory, &hers).await;
    assert_is(&mallory, "mallory", "own answer").await;
}

// attacks: B5
#[tokio::test]
async fn an_answer_of_somebody_else_leaves_a_session_alone() {
    let world = World::new();
    world.sign_in().await;
    is_now(&world, "mallory");
    let mallory = world.browser.stranger();
    let hers = answer_for(&mallory).await;
    let page = arrive(&world.browser, &hers).await;
    assert_eq!(page.status, StatusCode::FOUND);
    assert_is(&world.browser, "alice", "still herself").await;
    assert_eq!(world.provider.count(Endpoint::Token), 1);
}

#[tokio::test]
async fn a_code_of_another_user_or_client_is_worth_nothing_with_our_state() {
    let world = World::new();
    is_now(&world, "mallory");
    let hers = query(&answer_for(&world.browser.stranger()).await, "code").unwrap();
    is_now(&world, "alice");
    world
        .provider
        .set_client("other", ClientKind::Secret("another secret".to_owned()));
    let begun = world.browser.stranger().visit("/auth/login").await.location().unwrap();
    let asked = with_query(&begun, |pairs| {
        for (_, value) in pairs.iter_mut().filter(|(name, _)| name == "client_id") {
            *value = "other".to_owned();
        }
    });
    let of_other_client = query(&world.browser.visit(asked.as_str()).await.location().unwrap(), "code").unwrap();

    for (name, code) in [("user", hers), ("client", of_other_client)] {
        let injected = with_query(&answer_for(&world.browser).await, |pairs| {
            for (_, value) in pairs.iter_mut().filter(|(name, _)| name == "code") {
                *value = code.clone();
            }
        });
        let page = arrive(&world.browser, &injected).await;
        assert_refused(&world, &page, Code::ProviderResponseInvalid, name).await;
    }
    assert_eq!(world.provider.count(Endpoint::Token), 2);
    assert_eq!(world.provider.count(Endpoint::Userinfo), 0);
}

const OTHER: &str = "https://id.other.example";

/// The same application at another provider: the same secret, so that its cookies open.
fn other_world() -> (World, ScriptedProvider) {
    let world = World::with(|builder| builder.provider(Provider::oidc(OTHER, CLIENT_ID, CLIENT_SECRET)));
    let other = ScriptedProvider::new(OTHER, world.clock.clone());
    drop(world.fetch.clone().mount("id.other.example", other.router()));
    let mut world = world;
    world.browser = world.browser.mount(OTHER, other.router());
    (world, other)
}

fn with_cookies_of(browser: &Browser, source: &Browser) {
    for cookie in source.cookies() {
        browser.plant(cookie);
    }
}

// attacks: B15
#[tokio::test]
async fn a_login_that_began_at_another_provider_is_not_finished_here() {
    let (world, other) = (World::new(), other_world());
    let answer = answer_for(&world.browser).await;
    let (here, _) = &other;
    with_cookies_of(&here.browser, &world.browser);
    let page = arrive(&here.browser, &answer).await;
    assert_refused(here, &page, Code::IssuerMismatch, "began elsewhere").await;
    assert!(labels(here).is_empty(), "{:?}", labels(here));
    assert_eq!(world.provider.count(Endpoint::Token), 0);
}

// attacks: B14
#[tokio::test]
async fn a_code_of_one_provider_goes_to_no_other() {
    let world = World::new();
    let (there, other) = other_world();
    let foreign = answer_for(&there.browser).await;
    let code = query(&foreign, "code").unwrap();
    // The other provider's code, under the state of a login that began here: with its own iss, with ours, with none.
    for (iss, expected) in [
        (Some(OTHER), Code::IssuerMismatch),
        (None, Code::IssuerMismatch),
        (Some(PROVIDER), Code::ProviderResponseInvalid),
    ] {
        let answer = answer_for(&world.browser).await;
        let mixed = with_query(&answer, |pairs| {
            pairs.retain(|(name, _)| name == "state");
            pairs.push(("code".to_owned(), code.clone()));
            pairs.extend(iss.map(|iss| ("iss".to_owned(), iss.to_owned())));
        });
        let page = arrive(&world.browser, &mixed).await;
        assert_refused(&world, &page, expected, "mixed up").await;
    }
    // Only where the answer claims to be of the provider asked was that provider asked, and it does not know the code.
    assert_eq!(world.provider.count(Endpoint::Token), 1);
    assert_eq!(other.count(Endpoint::Token), 0);
    assert!(there.fetch.calls().iter().all(|call| call.label == "discovery"));
}

#[tokio::test]
async fn a_login_that_began_under_another_client_makes_no_token_call() {
    let world = World::new();
    let answer = answer_for(&world.browser).await;
    let renamed = World::with(|builder| builder.provider(Provider::oidc(PROVIDER, "renamed", CLIENT_SECRET)));
    with_cookies_of(&renamed.browser, &world.browser);
    let page = arrive(&renamed.browser, &answer).await;
    assert_refused(&renamed, &page, Code::IssuerMismatch, "another client").await;
    assert_eq!(renamed.provider.count(Endpoint::Token), 0);
}

// attacks: B23
#[tokio::test]
async fn a_session_that_was_planted_before_the_login_dies_with_it() {
    for world in both_places() {
        planted_session_dies(world).await;
    }
}

async fn planted_session_dies(world: World) {
    is_now(&world, "mallory");
    let mallory = world.browser.stranger();
    log_in(&mallory).await;
    assert_is(&mallory, "mallory", "her own").await;
    with_cookies_of(&world.browser, &mallory);
    is_now(&world, "alice");
    let page = log_in(&world.browser).await;
    assert_signed_in(&world, &page, "after fixation").await;
    assert_ne!(world.browser.cookie("__Host-session"), mallory.cookie("__Host-session"));
    assert_eq!(mallory.get("/api/me").await.problem_code(), "session_revoked");

    // Rubbish under our names, and names without the prefix, are not in the way either.
    for name in [
        "__Host-session",
        "__Host-session.0",
        "doorward-session",
        "session",
        "CSRF-TOKEN",
    ] {
        let browser = world.browser.stranger();
        browser.plant(doorward_testkit::Cookie::planted(name, "AAAA", "app.example.com"));
        log_in(&browser).await;
        assert_is(&browser, "alice", name).await;
    }
}

// attacks: B24
// weakness: S8
#[tokio::test]
async fn a_login_over_somebody_elses_session_ends_it_and_mixes_nothing() {
    for world in both_places() {
        session_is_replaced(world).await;
    }
}

async fn session_is_replaced(world: World) {
    is_now(&world, "bob");
    log_in(&world.browser).await;
    assert_is(&world.browser, "bob", "first").await;
    let note = world.browser.request(http::Method::POST, "/api/data");
    let note = note
        .json(&serde_json::json!({"note": "bob's"}))
        .header("x-csrf-token", &world.csrf());
    assert_eq!(note.send().await.status, StatusCode::OK);
    let bobs = world.browser.thief();

    is_now(&world, "alice");
    let page = log_in(&world.browser).await;
    assert_signed_in(&world, &page, "second").await;
    let data: serde_json::Value = world.browser.get("/api/data").await.json();
    assert_eq!(data["note"], serde_json::Value::Null);
    assert_eq!(bobs.get("/api/me").await.problem_code(), "session_revoked");
    assert!(page.url.as_str().starts_with(APP));
}
