//! Cookies that were not made here, or not for this: each counts as no session and never as an error.

use doorward::{Builder, Sessions};
use doorward_testkit::{Browser, Cookie, SeededRandom};
use http::StatusCode;

use super::support::{Place, Raw, SESSION, assert_refused};
use crate::support::{APP, SECRET, World};

const OTHER_SECRET: &str = "N8wYt3KfLr0VbQ6sZxJ2mGhDcUa7Pe4iTo9RvXyB1Ws";

async fn verdict_of(world: &World, cookie: &[u8]) -> (u16, String) {
    Raw::get("/api/me")
        .bytes("cookie", cookie)
        .send(&world.app)
        .await
        .verdict()
}

fn is_anonymous(verdict: &(u16, String)) -> bool {
    verdict.0 == 401 && ["session_missing", "session_invalid", "session_expired"].contains(&verdict.1.as_str())
}

#[tokio::test]
async fn no_changed_byte_of_a_session_cookie_is_let_in() {
    // attacks: E1
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let value = world.browser.cookie(SESSION).unwrap();
        let random = SeededRandom::new(5);
        let mut tried = 0;
        for position in 0..value.len() {
            for _ in 0..4 {
                let mut forged = value.clone().into_bytes();
                let bit = random.next_u64() % 8;
                forged[position] ^= 1 << bit;
                if forged[position] < 0x20 || forged[position] == 0x7f {
                    continue;
                }
                let verdict = verdict_of(&world, &[b"__Host-session=", forged.as_slice()].concat()).await;
                assert!(is_anonymous(&verdict), "{place:?} byte {position}: {verdict:?}");
                tried += 1;
            }
        }
        assert!(tried > 150, "{tried}");
        for length in 0..value.len() {
            let verdict = verdict_of(&world, format!("{SESSION}={}", &value[..length]).as_bytes()).await;
            assert!(is_anonymous(&verdict), "{place:?} cut at {length}: {verdict:?}");
        }
        for added in ["A", "=", "==", "%20", ".", "A".repeat(3_000).as_str()] {
            let verdict = verdict_of(&world, format!("{SESSION}={value}{added}").as_bytes()).await;
            assert!(is_anonymous(&verdict), "{place:?} with {added}: {verdict:?}");
        }
        assert_eq!(world.handled(), 0);
        assert_eq!(verdict_of(&world, format!("{SESSION}={value}").as_bytes()).await.0, 200);
    }
}

#[tokio::test]
async fn made_up_cookies_are_no_session() {
    // attacks: E2
    for place in Place::BOTH {
        let world = place.world();
        let length = {
            world.sign_in().await;
            world.browser.cookie(SESSION).unwrap().len()
        };
        let random = SeededRandom::new(9);
        let noise: String = (0..4_000)
            .map(|_| char::from(b'a' + (random.next_u64() % 26) as u8))
            .collect();
        for value in [
            "A".repeat(length),
            "A".repeat(64),
            "0".repeat(64),
            "_".repeat(4_000),
            noise,
            "e30.e30.e30".into(),
        ] {
            let verdict = verdict_of(&world, format!("{SESSION}={value}").as_bytes()).await;
            assert!(is_anonymous(&verdict), "{place:?}: {verdict:?}");
        }
        assert_eq!(world.handled(), 0);
    }
}

#[tokio::test]
async fn nothing_else_that_we_seal_or_sign_opens_as_a_session() {
    // attacks: E3
    for place in Place::BOTH {
        let world = place.signed_in().await;
        world.browser.visit("/auth/login").await;
        let cookies = world.browser.cookies();
        assert!(cookies.iter().any(|cookie| cookie.name.starts_with("__Host-login.")));
        for Cookie { name, value, .. } in cookies.iter().filter(|cookie| cookie.name != SESSION) {
            let verdict = verdict_of(&world, format!("{SESSION}={value}").as_bytes()).await;
            assert!(is_anonymous(&verdict), "{place:?} {name}: {verdict:?}");
        }
        // A logout's state, and our session under every other name of ours.
        let session = world.browser.cookie(SESSION).unwrap();
        for name in [
            "session",
            "__Secure-session",
            "doorward-session",
            "__Host-session.0",
            "CSRF-TOKEN",
            "__host-session",
        ] {
            let verdict = verdict_of(&world, format!("{name}={session}").as_bytes()).await;
            assert_eq!(verdict, (401, "session_missing".to_owned()), "{place:?} {name}");
        }
        let logout = world
            .browser
            .request(http::Method::POST, "/auth/logout")
            .navigation()
            .send()
            .await;
        let state = logout.location().unwrap();
        let state = state
            .query_pairs()
            .find(|(name, _)| name == "state")
            .unwrap()
            .1
            .into_owned();
        let verdict = verdict_of(&world, format!("{SESSION}={state}").as_bytes()).await;
        assert!(is_anonymous(&verdict), "{place:?} state: {verdict:?}");
    }
}

#[tokio::test]
async fn a_cookie_sealed_under_another_configured_name_does_not_open() {
    // attacks: E3
    let first = World::build(Sessions::cookie(SECRET).cookie_name("__Host-first"), |builder| builder);
    let second = World::build(Sessions::cookie(SECRET).cookie_name("__Host-second"), |builder| builder);
    first.sign_in().await;
    let value = first.browser.cookie("__Host-first").unwrap();
    assert_eq!(
        verdict_of(&first, format!("__Host-first={value}").as_bytes()).await.0,
        200
    );
    let verdict = verdict_of(&second, format!("__Host-second={value}").as_bytes()).await;
    assert_eq!(verdict, (401, "session_invalid".to_owned()));
}

#[tokio::test]
async fn a_session_of_another_tenant_is_403_and_its_user_cannot_sign_in() {
    // attacks: E3
    for place in Place::BOTH {
        let acme = place.world_with(|builder| builder.tenant("acme"));
        acme.sign_in().await;
        assert_eq!(acme.browser.get("/api/me").await.status, StatusCode::OK);
        let globex = place.world_with(|builder| builder.tenant("globex"));
        let page = globex.browser.visit_following("/auth/login").await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.text().contains("login_denied"));
        assert!(globex.browser.cookie(SESSION).is_none());
        if place == Place::Sealed {
            let answer = Raw::get("/api/me").cookies_of(&acme.browser).send(&globex.app).await;
            assert_eq!(answer.verdict(), (403, "tenant_mismatch".to_owned()));
            assert_eq!(globex.handled(), 0);
            // Option<Session> does not make an anonymous caller of them either.
            let optional = Raw::get("/open/optional")
                .cookies_of(&acme.browser)
                .send(&globex.app)
                .await;
            assert_eq!(optional.verdict(), (403, "tenant_mismatch".to_owned()));
        }
    }
}

fn world_of(sessions: Sessions) -> World {
    World::build(sessions, |builder: Builder| builder)
}

#[tokio::test]
async fn a_retired_secret_opens_while_it_is_listed_and_no_longer() {
    // attacks: E4
    let old = world_of(Sessions::cookie(SECRET));
    old.sign_in().await;
    let both = world_of(Sessions::cookie(OTHER_SECRET).also_open_with(SECRET));
    let new = world_of(Sessions::cookie(OTHER_SECRET));
    let answer = Raw::get("/api/me").cookies_of(&old.browser).send(&both.app).await;
    assert_eq!(answer.status, StatusCode::OK);
    // An unsafe method passes with the token of the old secret too.
    let answer = Raw::post("/api/me")
        .cookies_of(&old.browser)
        .header("origin", APP)
        .header("x-csrf-token", &old.csrf())
        .send(&both.app)
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = Raw::get("/api/me").cookies_of(&old.browser).send(&new.app).await;
    assert_eq!(answer.verdict(), (401, "session_invalid".to_owned()));
    assert_eq!(answer.all("set-cookie"), Vec::<&str>::new());
    // A page visit ends at login, not in a circle: the new session takes the old one's place.
    let browser: Browser = new.browser.clone();
    for cookie in old.browser.cookies() {
        browser.plant(cookie);
    }
    assert_eq!(browser.visit_following("/page").await.status, StatusCode::OK);
}

#[tokio::test]
async fn after_a_change_of_secret_the_next_roll_seals_with_the_new_one() {
    // attacks: E4
    let both = world_of(Sessions::cookie(OTHER_SECRET).also_open_with(SECRET));
    let old = world_of(Sessions::cookie(SECRET));
    old.provider.script(|script| script.token.expires_in = 100_000);
    old.sign_in().await;
    for cookie in old.browser.cookies() {
        both.browser.plant(cookie);
    }
    both.advance(200);
    assert_eq!(both.browser.get("/api/me").await.status, StatusCode::OK);
    both.advance(400);
    assert_eq!(both.browser.get("/api/me").await.status, StatusCode::OK);
    let rolled = both.browser.cookie(SESSION).unwrap();
    assert_ne!(rolled, old.browser.cookie(SESSION).unwrap());
    let new = world_of(Sessions::cookie(OTHER_SECRET));
    assert_eq!(verdict_of(&new, format!("{SESSION}={rolled}").as_bytes()).await.0, 200);
}

#[tokio::test]
async fn of_two_different_sessions_neither_counts_and_a_planted_copy_harms_nobody() {
    // attacks: M1
    // attacks: E10
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let alice = world.browser.cookie(SESSION).unwrap();
        let mallory = world.browser.stranger();
        world.provider.script(|script| script.subject = "mallory".into());
        mallory.visit_following("/auth/login").await;
        let planted = mallory.cookie(SESSION).unwrap();
        for line in [
            format!("{SESSION}={alice}; {SESSION}={planted}"),
            format!("{SESSION}={planted}; {SESSION}={alice}"),
        ] {
            let verdict = verdict_of(&world, line.as_bytes()).await;
            assert_eq!(verdict, (401, "session_invalid".to_owned()), "{place:?}");
        }
        for line in [
            format!("{SESSION}=garbage; {SESSION}={alice}"),
            format!("{SESSION}={alice}; {SESSION}=garbage; {SESSION}="),
            format!("{SESSION}={alice}; {SESSION}={alice}"),
            format!("a=b; {SESSION}={alice};;; c"),
        ] {
            assert_eq!(verdict_of(&world, line.as_bytes()).await.0, 200, "{place:?} {line}");
        }
    }
}

// weakness: S11
#[tokio::test]
async fn a_cookie_planted_by_a_sibling_domain_is_never_taken_for_the_session() {
    // attacks: E10
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let browser = &world.browser;
        let refused = browser.set_cookie_from(
            "https://evil.example.com/",
            "__Host-session=x; Domain=example.com; Secure; Path=/",
        );
        assert!(refused.is_err(), "browsers keep the prefix's promise");
        assert!(
            browser
                .set_cookie_from("http://app.example.com/", "__Host-session=x; Path=/")
                .is_err()
        );
        // A browser without that rule: the server still finds the right one.
        let mut planted = Cookie::planted(SESSION, "x", "example.com");
        planted.host_only = false;
        browser.plant(planted);
        assert_eq!(browser.get("/api/me").await.status, StatusCode::OK);
        let stranger = browser.stranger();
        stranger.plant(Cookie::planted(SESSION, "x", "app.example.com"));
        assert_refused(
            &stranger.get("/api/me").await,
            StatusCode::UNAUTHORIZED,
            "session_invalid",
        );
    }
}
