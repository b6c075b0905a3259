//! Framed logouts: what they may end, and who may frame the page.

use doorward_testkit::Browser;
use http::StatusCode;

use super::{Ends, REVOKED, sign_in, stands};
use crate::attacks::support::{Answer, Raw, SESSION};
use crate::support::{PROVIDER, World};

const FRONT: &str = "/auth/frontchannel-logout";

fn frame(sid: &str) -> String {
    let issuer: String = url::form_urlencoded::byte_serialize(PROVIDER.as_bytes()).collect();
    format!("{FRONT}?iss={issuer}&sid={sid}")
}

async fn framed(world: &World, target: &str, browser: Option<&Browser>) -> Answer {
    let request = Raw::get(target)
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "navigate")
        .header("sec-fetch-dest", "iframe");
    let request = match browser {
        Some(browser) => request.cookies_of(browser),
        None => request,
    };
    let answer = request.send(&world.app).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer
}

#[tokio::test]
async fn a_frame_ends_the_one_session_that_it_names() {
    // attacks: J10
    for ends in Ends::BOTH {
        let (world, _) = ends.world();
        let (alice, sid) = sign_in(&world, "alice").await;
        let (elsewhere, _) = sign_in(&world, "alice").await;
        let (bob, _) = sign_in(&world, "bob").await;
        let answer = framed(&world, &frame(&sid), Some(&alice)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(
            answer.header("content-security-policy"),
            Some("default-src 'none'; frame-ancestors https://id.example.net")
        );
        assert_eq!(answer.header("x-frame-options"), None);
        assert!(
            answer
                .all("set-cookie")
                .iter()
                .any(|cookie| cookie.starts_with(&format!("{SESSION}=;")))
        );
        assert_eq!(stands(&alice).await, REVOKED, "{ends:?}");
        assert_eq!(
            stands(&elsewhere).await,
            "200",
            "{ends:?}: the same user's other session"
        );
        assert_eq!(stands(&bob).await, "200", "{ends:?}");
        assert_eq!(world.fetch.count("revocation"), 0, "no token is taken back");
    }
}

#[tokio::test]
async fn a_frame_that_names_nobody_of_ours_ends_nothing() {
    // attacks: J10
    for ends in Ends::BOTH {
        let (world, store) = ends.world();
        let (alice, sid) = sign_in(&world, "alice").await;
        let (_, other) = sign_in(&world, "bob").await;
        let issuer = PROVIDER;
        let before = store.writes();
        for target in [
            FRONT.to_owned(),
            format!("{FRONT}?iss={issuer}"),
            format!("{FRONT}?sid={sid}"),
            format!("{FRONT}?iss=&sid={sid}"),
            format!("{FRONT}?iss={issuer}&sid="),
            format!("{FRONT}?iss=https://evil.test&sid={sid}"),
            format!("{FRONT}?iss={issuer}/&sid={sid}"),
            format!("{FRONT}?iss={issuer}&sid={sid}&sid={sid}"),
            format!("{FRONT}?iss={issuer}&iss=https://evil.test&sid={sid}"),
            format!("{FRONT}?iss={issuer}&sid={sid}%zz"),
            format!("{FRONT}?iss={issuer}&sid={}", "a".repeat(2_000)),
        ] {
            for browser in [None, Some(&alice)] {
                let answer = framed(&world, &target, browser).await;
                assert_eq!(answer.verdict(), (400, "request_malformed".to_owned()), "{target}");
                assert!(answer.all("set-cookie").is_empty());
            }
        }
        // Somebody else's session, shown by alice's browser: hers stays, and so does that one.
        for sid in [other.as_str(), "nobody-has-this-session", "*", "' OR 1=1 --"] {
            let sid: String = url::form_urlencoded::byte_serialize(sid.as_bytes()).collect();
            let answer = framed(&world, &frame(&sid), Some(&alice)).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert!(answer.all("set-cookie").is_empty());
        }
        assert_eq!(stands(&alice).await, "200", "{ends:?}");
        assert_eq!(store.writes(), before, "{ends:?}");
    }
}

#[tokio::test]
async fn without_a_cookie_a_stored_session_ends_by_its_provider_session_id() {
    // attacks: J10
    let (world, _) = Ends::Stored.world();
    let (alice, sid) = sign_in(&world, "alice").await;
    let (bob, _) = sign_in(&world, "bob").await;
    let answer = framed(&world, &frame(&sid), None).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.all("set-cookie").is_empty());
    assert_eq!(stands(&alice).await, REVOKED);
    assert_eq!(stands(&bob).await, "200");
    // Whether there was one is told to nobody.
    let unknown = framed(&world, &frame(&"0".repeat(32)), None).await;
    assert_eq!(
        (unknown.status, &unknown.headers, &unknown.body),
        (answer.status, &answer.headers, &answer.body)
    );
}

#[tokio::test]
async fn without_a_cookie_a_session_id_that_could_be_guessed_ends_nothing() {
    for (sid, ended) in [("fifteen-letters", false), ("sixteen-letters!", true)] {
        let (world, store) = Ends::Stored.world();
        world.provider.script(|script| script.token.id_token.claim("sid", sid));
        let (alice, _) = sign_in(&world, "alice").await;
        let before = store.calls();
        let target = frame(&sid.replace('!', "%21"));
        framed(&world, &target, None).await;
        assert_eq!(store.calls() == before, !ended);
        assert_eq!(stands(&alice).await == REVOKED, ended, "{sid}");
        framed(&world, &target, Some(&alice)).await;
        assert_eq!(stands(&alice).await, REVOKED, "{sid}: its own browser may");
    }
}

#[tokio::test]
async fn without_a_cookie_a_frame_writes_nothing_for_sessions_in_cookies() {
    let (world, store) = Ends::Revoked.world();
    let (alice, sid) = sign_in(&world, "alice").await;
    let before = store.calls();
    assert_eq!(framed(&world, &frame(&sid), None).await.status, StatusCode::OK);
    assert_eq!(store.calls(), before, "strangers do not fill the store");
    assert_eq!(stands(&alice).await, "200");
}

#[tokio::test]
async fn a_framed_logout_that_the_store_does_not_take_is_503() {
    // attacks: J9
    for ends in Ends::BOTH {
        let (world, store) = ends.world();
        let (alice, sid) = sign_in(&world, "alice").await;
        store.fail(true);
        let answer = framed(&world, &frame(&sid), Some(&alice)).await;
        assert_eq!(answer.verdict(), (503, "store_unavailable".to_owned()), "{ends:?}");
        store.fail(false);
        assert_eq!(framed(&world, &frame(&sid), Some(&alice)).await.status, StatusCode::OK);
        assert_eq!(stands(&alice).await, REVOKED, "{ends:?}");
    }
}

#[tokio::test]
async fn a_frame_is_a_get_and_nothing_else() {
    let (world, _) = Ends::Stored.world();
    let (alice, sid) = sign_in(&world, "alice").await;
    for method in ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = Raw::new(method, &frame(&sid)).cookies_of(&alice).send(&world.app).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.header("allow"), Some("GET"));
    }
    assert_eq!(stands(&alice).await, "200");
}

#[tokio::test]
async fn the_page_may_be_framed_where_the_provider_says_goodbye_too() {
    let (world, _) = Ends::Stored.world();
    world.provider.script(|script| {
        script.discovery =
            doorward_testkit::Answer::correct().with("end_session_endpoint", "https://goodbye.example.net/logout?x=1");
    });
    let answer = framed(&world, &frame(&"0".repeat(32)), None).await;
    assert_eq!(
        answer.header("content-security-policy"),
        Some("default-src 'none'; frame-ancestors https://id.example.net https://goodbye.example.net")
    );
}
