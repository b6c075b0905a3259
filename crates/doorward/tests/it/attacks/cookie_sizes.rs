//! Cookies that are too many, too large, or of no shape at all.

use doorward_testkit::Cookie;
use http::{Method, StatusCode};

use super::support::{Place, Raw};
use crate::support::World;

#[tokio::test]
async fn a_token_part_that_shrinks_takes_its_second_chunk_along() {
    // attacks: E13
    let world = World::new();
    world.provider.script(|script| {
        script.claims.insert("padding".into(), "x".repeat(2_600).into());
        script.token.id_token.claim("padding", "x".repeat(2_600));
    });
    world.sign_in().await;
    assert!(world.browser.cookie("__Host-session.1").is_some());
    world.provider.script(|script| {
        script.claims.remove("padding");
        script.refresh.id_token = Default::default();
        script.token.id_token = Default::default();
    });
    world.advance(290);
    let page = world.browser.get("/api/token").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        world.browser.cookie("__Host-session.1").is_none(),
        "the stale chunk is deleted"
    );
    let after = page.text().to_owned();
    assert_eq!(world.browser.get("/api/token").await.text(), after);
    assert_eq!(world.provider.token_calls("refresh_token"), 1);
    // The stale chunk of another write beside the new first one is no token part of it.
    world
        .browser
        .plant(Cookie::planted("__Host-session.1", "AAAAAAAACxxxx", "app.example.com"));
    assert_eq!(world.browser.get("/api/token").await.text(), after);
}

// weakness: S4
#[tokio::test]
async fn tokens_too_large_for_cookies_lose_the_id_token_first_and_then_the_login_names_a_store() {
    let world = World::new();
    world
        .provider
        .script(|script| script.token.id_token.claim("padding", "x".repeat(6_000)));
    world.sign_in().await;
    let logout = world
        .browser
        .request(Method::POST, "/auth/logout")
        .navigation()
        .send()
        .await;
    let location = logout.location().unwrap();
    let names: Vec<String> = location.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert!(names.contains(&"client_id".to_owned()) && !names.contains(&"id_token_hint".to_owned()));

    let world = World::new();
    world.provider.script(|script| {
        script.token.access_token = doorward_testkit::AccessTokenKind::Jwt;
        script.claims.insert("padding".into(), "x".repeat(6_000).into());
    });
    let page = world.browser.visit_following("/auth/login").await;
    assert!(page.text().contains("session_too_large"), "{}", page.text());
    assert!(page.text().contains("store"), "the way out is named");
    assert!(world.browser.cookies().is_empty());
    let stored = Place::Stored.world();
    stored.provider.script(|script| {
        script.token.access_token = doorward_testkit::AccessTokenKind::Jwt;
        script.claims.insert("padding".into(), "x".repeat(6_000).into());
    });
    stored.sign_in().await;
}

// weakness: L10
#[tokio::test]
async fn cookies_of_any_shape_are_no_error() {
    // attacks: E14
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let session = world.browser.cookie_header("/");
        let many: String = (0..10_000).map(|index| format!("c{index}=v; ")).collect();
        let long = format!("x={}", "y".repeat(64 * 1_024));
        for junk in [
            "__Host-session",
            "__Host-session=",
            "=v",
            ";;;",
            "",
            "  ;  ; ",
            "a=\"b;c\"",
            "\t",
            many.as_str(),
            long.as_str(),
        ] {
            let alone = Raw::get("/api/me").header("cookie", junk).send(&world.app).await;
            assert_eq!(alone.status, StatusCode::UNAUTHORIZED, "{place:?}");
            // Beside a session, in a header of its own as HTTP/2 splits them.
            let beside = Raw::get("/api/me")
                .header("cookie", &session)
                .header("cookie", junk)
                .send(&world.app)
                .await;
            assert_eq!(beside.status, StatusCode::OK, "{place:?} {:?}", junk.get(..20));
        }
        for junk in [&b"\xff\xfe=\x80"[..], "ä=ö".as_bytes(), b"__Host-session=\xff\xff"] {
            let answer = Raw::get("/api/me").bytes("cookie", junk).send(&world.app).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            let beside = Raw::get("/api/me")
                .bytes("cookie", junk)
                .header("cookie", &session)
                .send(&world.app)
                .await;
            assert_eq!(beside.status, StatusCode::OK);
        }
        // Past the cap of what is searched a session counts as absent.
        let buried = Raw::get("/api/me")
            .header("cookie", &long)
            .header("cookie", &session)
            .send(&world.app)
            .await;
        assert_eq!(buried.status, StatusCode::UNAUTHORIZED);
    }
}
