//! Logging out at a provider that answers, that fails, and that takes its time.

use doorward_testkit::{Answer, Endpoint};
use http::{Method, StatusCode};

use super::support::Place;
use crate::support::World;

async fn is_signed_in(world: &World) -> bool {
    world.browser.get("/api/me").await.status == StatusCode::OK
}

#[tokio::test]
async fn the_refresh_token_is_revoked_and_every_cookie_deleted() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let refresh_token = world
            .provider
            .minted_secrets()
            .into_iter()
            .find(|secret| secret.starts_with("rt-"))
            .unwrap();
        assert!(world.provider.accepts_refresh_token(&refresh_token));
        let page = world.browser.request(Method::POST, "/auth/logout").send().await;
        assert!(
            page.set_cookies()
                .iter()
                .all(|cookie| cookie.contains("=; ") && cookie.contains("Max-Age=0"))
        );
        assert!(world.browser.cookies().is_empty());
        assert!(!world.provider.accepts_refresh_token(&refresh_token));
        assert_eq!(world.provider.count(Endpoint::Revocation), 1);
    }
}

#[tokio::test]
async fn after_a_refresh_the_newest_refresh_token_is_revoked_also_with_old_cookies() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let old = world.browser.thief();
        world.advance(290);
        world.browser.get("/api/me").await;
        let newest = world
            .provider
            .minted_secrets()
            .into_iter()
            .rfind(|secret| secret.starts_with("rt-"))
            .unwrap();
        assert!(world.provider.accepts_refresh_token(&newest));
        old.request(Method::POST, "/auth/logout").send().await;
        assert!(!world.provider.accepts_refresh_token(&newest), "{place:?}");
        assert!(!is_signed_in(&world).await);
    }
}

#[tokio::test]
async fn the_provider_failing_does_not_keep_anybody_signed_in() {
    // attacks: J1
    for place in Place::BOTH {
        // Revocation refuses.
        let world = place.signed_in().await;
        world
            .provider
            .script(|script| script.revocation = Answer::error(503, "unavailable"));
        let page = world
            .browser
            .request(Method::POST, "/auth/logout")
            .navigation()
            .send()
            .await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert!(!is_signed_in(&world).await);

        // Neither endpoint is announced: the logout ends at home.
        let world = place.world();
        world.provider.script(|script| {
            script.discovery = Answer::correct().edit(|document| {
                let document = document.as_object_mut().unwrap();
                document.remove("end_session_endpoint");
                document.remove("revocation_endpoint");
            });
        });
        world.sign_in().await;
        let page = world
            .browser
            .request(Method::POST, "/auth/logout")
            .navigation()
            .send()
            .await;
        assert_eq!(page.header("location"), Some("https://app.example.com/"));
        assert!(!is_signed_in(&world).await);
        assert_eq!(world.provider.count(Endpoint::Revocation), 0);

        // Nothing of the provider answers.
        let world = place.signed_in().await;
        world.fetch.fail_next(100, || doorward::ports::FetchError::Unreachable);
        let page = world.browser.request(Method::POST, "/auth/logout").send().await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!is_signed_in(&world).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_logout_waits_two_seconds_for_the_provider_and_no_longer() {
    // attacks: J1
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let gate = doorward_testkit::Gate::closed();
        world
            .provider
            .script(|script| script.revocation = Answer::correct().held_at(&gate));
        let begun = tokio::time::Instant::now();
        let page = world.browser.request(Method::POST, "/auth/logout").send().await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(begun.elapsed().as_secs(), 2);
        assert!(!is_signed_in(&world).await);
        gate.open();
        world.tasks.idle().await;
        assert_eq!(
            world.provider.count(Endpoint::Revocation),
            1,
            "the call goes on without anybody waiting"
        );
    }
}

#[tokio::test]
async fn the_session_is_ended_here_before_the_provider_is_asked() {
    // attacks: J1
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let copy = world.browser.thief();
        let gate = doorward_testkit::Gate::closed();
        world
            .provider
            .script(|script| script.revocation = Answer::correct().held_at(&gate));
        let logout = tokio::spawn({
            let tab = world.browser.clone();
            async move { tab.request(Method::POST, "/auth/logout").send().await.status }
        });
        gate.arrived(1).await;
        assert_eq!(copy.get("/api/me").await.problem_code(), "session_revoked");
        gate.open();
        assert_eq!(logout.await.unwrap(), StatusCode::OK);
    }
}

#[tokio::test]
async fn coming_back_from_the_provider_changes_nothing_whoever_sends_one() {
    // attacks: J3
    for place in Place::BOTH {
        let world = place.signed_in().await;
        for query in [
            "",
            "?state=x",
            "?state=x&state=y",
            "?error=x&state=%3Cscript%3E",
            "?code=x&state=y&iss=z",
        ] {
            let page = world
                .browser
                .request(Method::GET, &format!("/{query}"))
                .navigation()
                .from("https://evil.test")
                .send()
                .await;
            assert_eq!(page.status, StatusCode::OK, "{query}");
            assert!(page.set_cookies().is_empty());
        }
        assert!(is_signed_in(&world).await);
    }
}

#[tokio::test]
async fn a_hint_too_long_for_a_url_is_left_out_and_the_client_named() {
    // attacks: J12
    let world = Place::Stored.world();
    world
        .provider
        .script(|script| script.token.id_token.claim("padding", "x".repeat(9_000)));
    world.sign_in().await;
    let page = world
        .browser
        .request(Method::POST, "/auth/logout")
        .navigation()
        .send()
        .await;
    let location = page.location().unwrap();
    assert!(location.as_str().len() < 8_000);
    let names: Vec<String> = location.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["client_id", "post_logout_redirect_uri", "state"]);
    assert_eq!(world.browser.follow_all(page).await.url.path(), "/");
}
