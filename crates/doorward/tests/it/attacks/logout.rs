//! Who may end a session, and what is left of it.

use doorward_testkit::{Endpoint, RequestKind};
use http::{Method, StatusCode};
use serde_json::Value;

use super::support::{Place, Raw, SESSION};
use crate::support::{APP, World};

async fn is_signed_in(world: &World) -> bool {
    world.browser.get("/api/me").await.status == StatusCode::OK
}

// weakness: S14
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

// weakness: S14
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
