//! Who may end a session, and what is left of it.

use doorward_testkit::{Answer, Endpoint, RequestKind};
use http::{Method, StatusCode};
use serde_json::Value;

use super::support::{Place, Raw, SESSION};
use crate::support::{APP, World};

async fn is_signed_in(world: &World) -> bool {
    world.browser.get("/api/me").await.status == StatusCode::OK
}

#[tokio::test]
async fn a_post_needs_our_origin_and_no_token() {
    // attacks: F11
    for place in Place::BOTH {
        for (headers, passes) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("origin", APP)], true),
            (
                &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
                false,
            ),
            (
                &[("sec-fetch-site", "same-site"), ("origin", "https://blog.example.com")],
                false,
            ),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("origin", "null")], false),
            (&[("origin", "https://evil.test"), ("origin", APP)], false),
            (&[("referer", "https://app.example.com/")], false),
            (&[], false),
        ] {
            let world = place.signed_in().await;
            let mut request = Raw::post("/auth/logout").cookies_of(&world.browser);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let answer = request.send(&world.app).await;
            if passes {
                assert_eq!(answer.status, StatusCode::OK, "{headers:?}");
            } else {
                assert_eq!(answer.verdict(), (403, "cross_origin".to_owned()), "{headers:?}");
                assert!(answer.all("set-cookie").is_empty());
                assert_eq!(world.provider.count(Endpoint::Revocation), 0);
            }
            assert_eq!(is_signed_in(&world).await, !passes, "{headers:?}");
        }
    }
}

#[tokio::test]
async fn a_get_ends_the_session_only_as_a_navigation_of_our_own_page() {
    // attacks: F11
    let own = [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    for place in Place::BOTH {
        let world = place.signed_in().await;
        for spoilt in [
            vec![],
            vec![("sec-fetch-site", "cross-site"), own[1], own[2]],
            vec![("sec-fetch-site", "same-site"), own[1], own[2]],
            vec![("sec-fetch-site", "none"), own[1], own[2]],
            vec![own[0], ("sec-fetch-mode", "no-cors"), own[2]],
            vec![own[0], own[1], ("sec-fetch-dest", "iframe")],
            vec![own[0], own[1], ("sec-fetch-dest", "image")],
            vec![own[0], own[1]],
            vec![own[0], own[1], own[2], ("sec-purpose", "prefetch")],
            vec![own[0], own[1], own[2], ("sec-purpose", "prefetch;prerender")],
            vec![("origin", APP)],
        ] {
            let mut request = Raw::get("/auth/logout").cookies_of(&world.browser);
            for (name, value) in &spoilt {
                request = request.header(name, value);
            }
            let answer = request.send(&world.app).await;
            assert_eq!(answer.status, StatusCode::OK, "{spoilt:?}");
            assert!(answer.all("set-cookie").is_empty(), "{spoilt:?}");
            let body = String::from_utf8(answer.body.to_vec()).unwrap();
            assert!(body.contains("<form method=\"post\" action=\"https://app.example.com/auth/logout\">"));
            assert_eq!(body.matches("<button").count(), 1);
            assert!(
                answer
                    .header("content-security-policy")
                    .unwrap()
                    .contains("form-action 'self' https://id.example.net")
            );
        }
        for kind in [RequestKind::Image, RequestKind::Frame, RequestKind::Navigation] {
            world
                .browser
                .request(Method::GET, "/auth/logout")
                .kind(kind)
                .from("https://evil.test")
                .send()
                .await;
        }
        assert!(is_signed_in(&world).await);
        let page = world
            .browser
            .request(Method::GET, "/auth/logout")
            .navigation()
            .send()
            .await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert!(!is_signed_in(&world).await);
    }
}

#[tokio::test]
async fn the_page_with_one_button_signs_out() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let page = world.browser.visit("/auth/logout").await;
        assert!(is_signed_in(&world).await);
        let answer = world.browser.submit(&page).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let end = world.browser.follow_all(answer).await;
        assert_eq!(end.url.path(), "/");
        assert!(!is_signed_in(&world).await);
    }
}

#[tokio::test]
async fn a_navigation_goes_to_the_provider_with_the_hint_and_a_script_gets_the_url_without_it() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let page = world
            .browser
            .request(Method::POST, "/auth/logout")
            .navigation()
            .send()
            .await;
        assert_eq!((page.status, page.body.len()), (StatusCode::SEE_OTHER, 0));
        let location = page.location().unwrap();
        let value = |name: &str| {
            location
                .query_pairs()
                .find(|(found, _)| found == name)
                .map(|(_, value)| value.into_owned())
        };
        assert!(location.as_str().starts_with("https://id.example.net/logout?"));
        assert_eq!(value("id_token_hint").unwrap().split('.').count(), 3);
        assert_eq!(
            value("post_logout_redirect_uri").as_deref(),
            Some("https://app.example.com/")
        );
        assert_eq!(value("state").unwrap().len(), 43);
        assert_eq!(value("client_id"), None);

        world.sign_in().await;
        let page = world.browser.request(Method::POST, "/auth/logout").send().await;
        let body: Value = page.json();
        assert_eq!(body.as_object().unwrap().len(), 1);
        let url: url::Url = body["logoutUrl"].as_str().unwrap().parse().unwrap();
        let names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        assert_eq!(names, ["client_id", "post_logout_redirect_uri", "state"]);
    }
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
async fn logging_out_is_the_same_twice_without_a_session_and_with_a_broken_one() {
    // attacks: J2
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let cookies = world.browser.cookie_header("/");
        let expired = {
            let other = place.signed_in().await;
            other.browser.cookie_header("/")
        };
        for cookie in [
            cookies.as_str(),
            cookies.as_str(),
            "",
            "__Host-session=x",
            expired.as_str(),
        ] {
            let mut request = Raw::post("/auth/logout").header("origin", APP);
            if !cookie.is_empty() {
                request = request.header("cookie", cookie);
            }
            let answer = request.send(&world.app).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert!(answer.json()["logoutUrl"].is_string());
            assert!(
                answer
                    .all("set-cookie")
                    .iter()
                    .any(|header| header.starts_with(&format!("{SESSION}=;")))
            );
        }
        world.advance(13 * 3_600);
        let late = Raw::post("/auth/logout")
            .header("origin", APP)
            .header("cookie", &cookies)
            .send(&world.app)
            .await;
        assert_eq!(late.status, StatusCode::OK);
        assert_eq!(world.provider.count(Endpoint::Revocation), 1);
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

#[tokio::test]
async fn where_a_logout_ends_is_configured_and_never_asked() {
    for place in Place::BOTH {
        let world = place.world_with(|builder| builder.post_logout_url("/goodbye"));
        world.sign_in().await;
        let request = Raw::post(
            "/auth/logout?return_url=https://evil.test&post_logout_redirect_uri=https://evil.test&redirect=//evil.test",
        );
        let answer = request
            .cookies_of(&world.browser)
            .header("origin", APP)
            .send(&world.app)
            .await;
        let url = answer.json()["logoutUrl"].as_str().unwrap().to_owned();
        assert!(
            url.contains("post_logout_redirect_uri=https%3A%2F%2Fapp.example.com%2Fgoodbye") && !url.contains("evil")
        );
    }
}

#[tokio::test]
async fn other_methods_are_405() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        for method in ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"] {
            for target in ["/auth/logout", "/auth/callback"] {
                let answer = Raw::new(method, target)
                    .cookies_of(&world.browser)
                    .header("origin", APP)
                    .send(&world.app)
                    .await;
                assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {target}");
                assert_eq!(answer.header("allow"), Some("GET, POST"));
                assert!(answer.all("set-cookie").is_empty());
            }
        }
        assert!(is_signed_in(&world).await);
    }
}
