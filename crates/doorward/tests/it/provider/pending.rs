//! Logins that nobody has finished yet: several at once, late ones, silent ones.

use doorward::{Code, UnixTime};
use doorward_testkit::{Browser, Cookie, Endpoint, Page};
use http::StatusCode;
use url::Url;

use super::harness::*;
use crate::support::{APP, World};

fn pending(browser: &Browser) -> Vec<Cookie> {
    let mut cookies = browser.cookies();
    cookies.retain(|cookie| cookie.name.starts_with("__Host-login."));
    cookies
}

fn replace(browser: &Browser, cookie: Cookie) {
    browser.forget(&cookie.name);
    browser.plant(cookie);
}

fn leads_to(page: &Page, path: &str) {
    assert_eq!(page.status, StatusCode::FOUND, "{}", page.text());
    assert_eq!(page.location().unwrap(), Url::parse(APP).unwrap().join(path).unwrap());
}

// attacks: B7
#[tokio::test]
async fn two_tabs_sign_in_at_once_and_each_arrives_where_it_wanted() {
    for reversed in [false, true] {
        let world = World::new();
        let one = answered(&world.browser, "/auth/login?return_url=/page%3Ftab%3D1").await;
        let two = answered(&world.browser, "/auth/login?return_url=/page%3Ftab%3D2%23there").await;
        let mut tabs = [(one, "/page?tab=1"), (two, "/page?tab=2#there")];
        if reversed {
            tabs.reverse();
        }
        for (answer, path) in tabs {
            let page = arrive(&world.browser, &answer.location().unwrap()).await;
            leads_to(&page, path);
            assert_is(&world.browser, "alice", path).await;
        }
        assert!(pending(&world.browser).is_empty());
        assert_eq!(world.provider.token_calls("authorization_code"), 2);
    }
}

// attacks: B8
#[tokio::test]
async fn forty_unfinished_logins_leave_a_bounded_header_and_the_newest_works() {
    let long = format!("/page%3Fx%3D{}", "y".repeat(1_500));
    for (signed_in, return_url, kept) in [
        (false, "/home", 8),
        (true, "/home", 8),
        (false, long.as_str(), 3),
        (true, &long, 2),
    ] {
        let world = World::new();
        if signed_in {
            world.sign_in().await;
        }
        for _ in 0..40 {
            let page = world
                .browser
                .visit(&format!("/auth/login?return_url={return_url}"))
                .await;
            assert_eq!(page.status, StatusCode::FOUND);
            assert!(world.browser.cookie_header("/auth/callback").len() < 7_800);
            world.advance(1);
        }
        assert!(pending(&world.browser).len() <= 8);
        assert!(
            pending(&world.browser).len() >= kept,
            "{}",
            pending(&world.browser).len()
        );
        assert_eq!(
            world.fetch.count("discovery"),
            1,
            "an unfinished login costs nobody anything"
        );

        let newest = answered(&world.browser, "/auth/login?return_url=/home").await;
        let page = arrive(&world.browser, &newest.location().unwrap()).await;
        leads_to(&page, "/home");
        assert_is(&world.browser, "alice", "newest").await;
    }
}

#[tokio::test]
async fn of_many_logins_the_oldest_are_dropped_and_the_others_work() {
    let world = World::new();
    let mut answers = Vec::new();
    for _ in 0..10 {
        answers.push(answered(&world.browser, "/auth/login?return_url=/home").await);
        world.advance(1);
    }
    for (at, answer) in answers.into_iter().enumerate().rev() {
        let browser = world.browser.thief();
        let page = arrive(&browser, &answer.location().unwrap()).await;
        if at < 2 {
            assert_refusal_page(&world, &page, Code::StateMismatch, "dropped");
        } else {
            leads_to(&page, "/home");
        }
    }
    assert_eq!(world.provider.token_calls("authorization_code"), 8);
}

// attacks: B9
// weakness: L13
#[tokio::test]
async fn a_login_of_more_than_ten_minutes_begins_anew_once_and_makes_no_token_call() {
    let world = World::new();
    let late = answered(
        &world.browser,
        "/auth/login?return_url=/page%3Fx%3D1%23y&max_age=900&acr_values=gold",
    )
    .await;
    let much_later = world.browser.thief();
    world.advance(600);
    assert_eq!(
        pending(&world.browser).len(),
        1,
        "the cookie outlives its ticket, for this"
    );
    let page = arrive(&world.browser, &late.location().unwrap()).await;
    assert_eq!(page.status, StatusCode::FOUND, "{}", page.text());
    let again = page.location().unwrap();
    assert!(again.as_str().starts_with("https://id.example.net/authorize?"));
    assert_ne!(query(&again, "state"), query(&late.location().unwrap(), "state"));
    assert_eq!(query(&again, "max_age").as_deref(), Some("900"));
    assert_eq!(query(&again, "acr_values").as_deref(), Some("gold"));
    assert_eq!(
        pending(&world.browser).len(),
        1,
        "the old ticket is gone, the new one is there"
    );
    assert_eq!(world.provider.count(Endpoint::Token), 0);

    // After as long again the browser has dropped the cookie, and there is nothing to begin anew with.
    world.advance(599);
    assert_eq!(pending(&much_later).len(), 1);
    world.advance(1);
    let gone = arrive(&much_later, &late.location().unwrap()).await;
    assert_refused(&world, &gone, Code::LoginMissing, "dropped by the browser").await;
    world.clock.set(UnixTime::from_seconds(world.clock.seconds() - 600));

    // In time, the second attempt works and still knows where to go.
    let in_time = world.browser.thief();
    let page = in_time.follow_all(page.clone()).await;
    assert_eq!(page.url.as_str(), format!("{APP}/page?x=1#y"));
    assert_is(&in_time, "alice", "second attempt").await;
}

// attacks: B9
// weakness: L9
#[tokio::test]
async fn a_login_that_is_late_twice_ends_on_a_page() {
    let world = World::new();
    let mut answer = answered(&world.browser, "/auth/login?return_url=/home").await;
    for round in 1..=2 {
        world.advance(600);
        let page = arrive(&world.browser, &answer.location().unwrap()).await;
        if round == 1 {
            answer = world.browser.follow(&page).await;
        } else {
            assert_refused(&world, &page, Code::LoginExpired, "late twice").await;
        }
    }
    assert!(pending(&world.browser).is_empty());
    assert_eq!(world.provider.count(Endpoint::Token), 0);
}

#[tokio::test]
async fn a_login_of_just_under_ten_minutes_is_in_time() {
    let world = World::new();
    let answer = answered(&world.browser, "/auth/login?return_url=/home").await;
    world.advance(599);
    let page = arrive(&world.browser, &answer.location().unwrap()).await;
    leads_to(&page, "/home");
}

// attacks: B12
#[tokio::test]
async fn a_silent_login_that_needs_the_user_leads_back_without_a_session() {
    for error in [
        "login_required",
        "interaction_required",
        "consent_required",
        "account_selection_required",
        "access_denied",
    ] {
        let world = World::new();
        world
            .provider
            .script(|s| s.authorization.error = Some(error.to_owned()));
        let begun = world.browser.visit("/auth/login?prompt=none&return_url=/home").await;
        assert_eq!(query(&begun.location().unwrap(), "prompt").as_deref(), Some("none"));
        let page = world.browser.follow(&begun).await;
        let page = world.browser.follow(&page).await;
        leads_to(&page, "/home");
        assert!(pending(&world.browser).is_empty());
        assert_no_session(&world, &world.browser, error).await;
        assert_eq!(world.provider.count(Endpoint::Authorize), 1);
        assert_eq!(world.provider.count(Endpoint::Token), 0);
    }
}

// attacks: B12
#[tokio::test]
async fn a_silent_login_never_goes_in_circles() {
    let world = World::new();
    world.provider.script(|s| s.authorization.nobody_signed_in = true);
    let page = world
        .browser
        .visit_following("/auth/login?prompt=none&return_url=/home")
        .await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/home"));
    assert_no_session(&world, &world.browser, "silent").await;
    // A page that sends people to login: the silent refusal leads to it, and from there to a login with a user.
    let page = world
        .browser
        .visit_following("/auth/login?prompt=none&return_url=/page")
        .await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/page"));
    assert_eq!(world.provider.count(Endpoint::Authorize), 3);
    assert_is(&world.browser, "alice", "with a user").await;
}

// attacks: B12
#[tokio::test]
async fn a_provider_that_needs_a_sign_in_is_asked_for_one_once_and_never_again() {
    for error in ["login_required", "access_denied", "interaction_required"] {
        let world = World::new();
        world
            .provider
            .script(|s| s.authorization.error = Some(error.to_owned()));
        let begun = world.browser.visit("/auth/login?max_age=60&return_url=/home").await;
        let answer = world.browser.follow(&begun).await;
        let again = world.browser.follow(&answer).await;
        if error != "login_required" {
            assert_refused(&world, &again, Code::LoginDenied, error).await;
            continue;
        }
        let asked = again.location().unwrap();
        assert_eq!(query(&asked, "prompt").as_deref(), Some("login"));
        assert_eq!(query(&asked, "max_age").as_deref(), Some("60"));
        assert_eq!(pending(&world.browser).len(), 1);
        // It says so again: that is its answer.
        let page = world.browser.follow_all(again.clone()).await;
        assert_refused(&world, &page, Code::LoginDenied, "twice").await;
        assert_eq!(world.provider.count(Endpoint::Authorize), 2);
        // The first answer was used up by the second login.
        let replayed = world.browser.visit(answer.location().unwrap().as_str()).await;
        assert_eq!(replayed.status, StatusCode::BAD_REQUEST);
        assert_eq!(world.provider.count(Endpoint::Authorize), 2);
        // Where it is content with the second, the user is where the first was to lead.
        let begun = world.browser.visit("/auth/login?return_url=/home").await;
        let answer = world.browser.follow(&begun).await;
        let again = world.browser.follow(&answer).await;
        world.provider.script(|s| s.authorization.error = None);
        let page = world.browser.follow_all(again).await;
        assert_signed_in(&world, &page, "the second time").await;
    }
}

#[tokio::test]
async fn a_silent_login_of_somebody_signed_in_there_makes_a_session() {
    let world = World::new();
    let page = world
        .browser
        .visit_following("/auth/login?prompt=none&return_url=/home")
        .await;
    assert_signed_in(&world, &page, "silent").await;
}

#[tokio::test]
async fn a_silent_refusal_leaves_the_session_that_is_there_alone() {
    let world = World::new();
    world.sign_in().await;
    let session = world.browser.cookie("__Host-session");
    world.provider.script(|s| s.authorization.nobody_signed_in = true);
    let page = world
        .browser
        .visit_following("/auth/login?prompt=none&return_url=/home")
        .await;
    assert_signed_in(&world, &page, "silent refusal").await;
    assert_eq!(world.browser.cookie("__Host-session"), session);
}

#[tokio::test]
async fn a_silent_refusal_by_another_provider_is_no_answer() {
    let world = World::new();
    world.provider.script(|s| {
        s.authorization.edit(|params| {
            params.retain(|(name, _)| name == "state");
            params.push(("error".into(), "login_required".into()));
            params.push(("iss".into(), "https://evil.example.org".into()));
        });
    });
    let page = world
        .browser
        .visit_following("/auth/login?prompt=none&return_url=/home")
        .await;
    assert_refused(&world, &page, Code::IssuerMismatch, "silent, of another").await;
}

// weakness: L4
#[tokio::test]
async fn a_login_cookie_that_was_changed_or_exchanged_opens_nothing() {
    let world = World::new();
    let one = answered(&world.browser, "/auth/login?return_url=/home").await;
    let [mine] = pending(&world.browser).try_into().unwrap();
    let length = mine.value.len();
    for at in (0..length).step_by(length / 40) {
        let browser = world.browser.thief();
        let mut cookie = mine.clone();
        let flipped = if cookie.value.as_bytes()[at] == b'A' { "B" } else { "A" };
        cookie.value.replace_range(at..=at, flipped);
        replace(&browser, cookie);
        let page = arrive(&browser, &one.location().unwrap()).await;
        assert_refusal_page(&world, &page, Code::LoginMissing, "changed");
        assert_no_session(&world, &browser, "changed").await;
    }
    // The ticket of another login under this login's name, as a sibling might plant it.
    let other = world.browser.stranger();
    answered(&other, "/auth/login?return_url=/").await;
    let [theirs] = pending(&other).try_into().unwrap();
    let browser = world.browser.thief();
    let mut exchanged = mine;
    exchanged.value = theirs.value;
    replace(&browser, exchanged);
    let page = arrive(&browser, &one.location().unwrap()).await;
    assert_refusal_page(&world, &page, Code::LoginMissing, "exchanged");
    assert_eq!(world.provider.count(Endpoint::Token), 0);
    let page = arrive(&world.browser, &one.location().unwrap()).await;
    leads_to(&page, "/home");
}
