//! Requests that another site caused.

use doorward::Rule;
use http::StatusCode;
use serde_json::json;

use super::support::{Place, Raw};
use crate::support::{APP, World};

const EVIL: &str = "https://evil.test";
/// Another origin of the same site, which gets the cookies along.
const SIBLING: &str = "https://blog.example.com";

/// A POST of a program with the session's cookies and these headers, and the verdict.
async fn post(world: &World, headers: &[(&str, &str)]) -> (u16, String) {
    let mut request = Raw::post("/api/me").cookies_of(&world.browser);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.send(&world.app).await.verdict()
}

fn refused(code: &str) -> (u16, String) {
    (403, code.to_owned())
}

// weakness: M23
#[tokio::test]
async fn another_sites_request_is_refused_with_and_without_a_token() {
    // attacks: F1
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let token = world.csrf();
        for site in [
            "cross-site",
            "same-site",
            "Same-Origin",
            "SAME-ORIGIN",
            "",
            "same-origin ,none",
            "unknown",
        ] {
            for token in [None, Some(token.as_str())] {
                let mut headers = vec![("sec-fetch-site", site)];
                headers.extend(token.map(|token| ("x-csrf-token", token)));
                assert_eq!(
                    post(&world, &headers).await,
                    refused("cross_origin"),
                    "{place:?} {site}"
                );
                headers.push(("origin", APP));
                assert_eq!(
                    post(&world, &headers).await,
                    refused("cross_origin"),
                    "{place:?} {site} and our Origin"
                );
            }
        }
        assert_eq!(world.handled(), 0);
    }
}

#[tokio::test]
async fn a_request_of_our_own_with_the_right_token_passes() {
    // attacks: F2
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let token = world.csrf();
        for headers in [
            &[("sec-fetch-site", "same-origin")][..],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "same-origin"), ("origin", APP)],
            &[("origin", APP)],
            &[],
        ] {
            let mut headers = headers.to_vec();
            headers.push(("x-csrf-token", &token));
            assert_eq!(post(&world, &headers).await.0, 200, "{headers:?}");
            headers.pop();
            headers.push(("X-Csrf-Token", &token));
            assert_eq!(post(&world, &headers).await.0, 200, "header names have no case");
        }
    }
}

#[tokio::test]
async fn without_fetch_metadata_the_origin_must_be_ours_exactly() {
    // attacks: F3
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let token = world.csrf();
        for origin in [
            EVIL,
            "null",
            "",
            "https://app.example.com.evil.test",
            "https://evilapp.example.com",
            "http://app.example.com",
            "https://app.example.com:444",
            "https://app.example.com/",
            "https://app.example.com/x",
            "https://app.example.com.",
            "https://user@app.example.com",
            "app.example.com",
            "//app.example.com",
            "https://app.example.com, https://evil.test",
            "https://app.example.com https://evil.test",
            SIBLING,
        ] {
            let verdict = post(&world, &[("origin", origin), ("x-csrf-token", &token)]).await;
            assert_eq!(verdict, refused("cross_origin"), "{place:?} {origin:?}");
        }
        for pair in [[APP, EVIL], [EVIL, APP], [APP, APP]] {
            let verdict = post(
                &world,
                &[("origin", pair[0]), ("origin", pair[1]), ("x-csrf-token", &token)],
            )
            .await;
            assert_eq!(verdict, refused("cross_origin"), "{pair:?}");
        }
        let verdict = post(
            &world,
            &[
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-site", "cross-site"),
                ("x-csrf-token", &token),
            ],
        )
        .await;
        assert_eq!(verdict, refused("cross_origin"));
        assert_eq!(world.handled(), 0);
    }
}

#[tokio::test]
async fn without_any_word_of_origin_the_token_decides_and_a_referer_does_not() {
    // attacks: F4
    for place in Place::BOTH {
        let world = place.signed_in().await;
        assert_eq!(post(&world, &[]).await, refused("csrf_missing"));
        assert_eq!(
            post(&world, &[("referer", "https://app.example.com/page")]).await,
            refused("csrf_missing")
        );
        let token = world.csrf();
        assert_eq!(
            post(&world, &[("referer", "https://evil.test/"), ("x-csrf-token", &token)])
                .await
                .0,
            200
        );
    }
}

// weakness: F6
#[tokio::test]
async fn no_other_token_than_the_sessions_own_passes() {
    // attacks: F5, F18, F19
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let previous = world.csrf();
        world.sign_in().await;
        let right = world.csrf();
        let bob = world.browser.stranger();
        bob.visit_following("/auth/login").await;
        let bobs = bob.script_cookie("CSRF-TOKEN").unwrap();
        let long = right.repeat(100);
        let changed = right.chars().rev().collect::<String>();
        let padded = format!("{right}=");
        let quoted = format!("\"{right}\"");
        for (token, code) in [
            ("", "csrf_missing"),
            (bobs.as_str(), "csrf_mismatch"),
            (previous.as_str(), "csrf_mismatch"),
            (&right[..42], "csrf_mismatch"),
            (&right[1..], "csrf_mismatch"),
            (long.as_str(), "csrf_mismatch"),
            (changed.as_str(), "csrf_mismatch"),
            (padded.as_str(), "csrf_mismatch"),
            (quoted.as_str(), "csrf_mismatch"),
            ("null", "csrf_mismatch"),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "csrf_mismatch"),
        ] {
            assert_eq!(
                post(&world, &[("origin", APP), ("x-csrf-token", token)]).await,
                refused(code),
                "{token}"
            );
        }
        let twice = [
            ("origin", APP),
            ("x-csrf-token", right.as_str()),
            ("x-csrf-token", right.as_str()),
        ];
        assert_eq!(post(&world, &twice).await, refused("csrf_mismatch"));
        // In the cookie, the query, the body or under another name it counts for nothing.
        let query = format!("/api/me?x-csrf-token={right}&csrf={right}&CSRF-TOKEN={right}");
        let body = json!({"csrf": right, "_csrf": right, "X-CSRF-TOKEN": right}).to_string();
        let answer = Raw::post(&query)
            .cookies_of(&world.browser)
            .header("origin", APP)
            .header("x-xsrf-token", &right)
            .header("csrf-token", &right)
            .body("application/json", body)
            .send(&world.app)
            .await;
        assert_eq!(answer.verdict(), refused("csrf_missing"));
        // A cookie of the attacker's choice with the same value in the header: bound to the session, so no.
        let session = world.browser.cookie_header("/");
        let tossed = session.replace(&right, "attacker");
        let answer = Raw::post("/api/me")
            .header("cookie", &tossed)
            .header("origin", APP)
            .header("x-csrf-token", "attacker")
            .send(&world.app)
            .await;
        assert_eq!(answer.verdict(), refused("csrf_mismatch"));
        assert_eq!(world.handled(), 0);
        assert_eq!(post(&world, &[("origin", APP), ("x-csrf-token", &right)]).await.0, 200);
    }
}

#[tokio::test]
async fn every_method_that_is_not_safe_needs_the_token() {
    // attacks: F7
    for place in Place::BOTH {
        let world = place.signed_in().await;
        for method in [
            "POST", "PUT", "PATCH", "DELETE", "post", "get", "FOO", "CONNECT", "PROPFIND", "LINK",
        ] {
            let answer = Raw::new(method, "/api/me")
                .cookies_of(&world.browser)
                .header("origin", EVIL)
                .send(&world.app)
                .await;
            assert_eq!(answer.verdict(), refused("cross_origin"), "{method}");
            let answer = Raw::new(method, "/api/me")
                .cookies_of(&world.browser)
                .header("origin", APP)
                .send(&world.app)
                .await;
            assert_eq!(answer.verdict(), refused("csrf_missing"), "{method}");
        }
        assert_eq!(world.handled(), 0);
        for method in ["get", "FOO", "post"] {
            let answer = Raw::new(method, "/api/me")
                .cookies_of(&world.browser)
                .header("x-csrf-token", &world.csrf())
                .send(&world.app)
                .await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        }
    }
}

// weakness: M7
#[tokio::test]
async fn a_route_for_plain_forms_takes_the_origin_rule_alone() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        for (headers, code) in [
            (&[("sec-fetch-site", "same-origin")][..], ""),
            (&[("sec-fetch-site", "none")], ""),
            (&[("origin", APP)], ""),
            (&[], "cross_origin"),
            (&[("origin", "null")], "cross_origin"),
            (&[("origin", EVIL)], "cross_origin"),
            (&[("sec-fetch-site", "cross-site")], "cross_origin"),
            (&[("sec-fetch-site", "same-site"), ("origin", APP)], "cross_origin"),
        ] {
            let mut request = Raw::post("/form").cookies_of(&world.browser);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let answer = request.send(&world.app).await;
            assert_eq!(answer.code(), code, "{headers:?}");
            assert_eq!(answer.status.is_success(), code.is_empty());
        }
        // Elsewhere the same request is still short of its token, extractor or layer.
        for target in ["/api/me", "/open/extractor", "/open/layer", "/open/optional"] {
            let answer = Raw::post(target)
                .cookies_of(&world.browser)
                .header("origin", APP)
                .send(&world.app)
                .await;
            assert_eq!(answer.verdict(), refused("csrf_missing"), "{target}");
        }
    }
}

#[tokio::test]
async fn a_pass_by_origin_does_not_open_a_route_that_asks_for_the_token() {
    for place in Place::BOTH {
        let world = place.world();
        let world = super::support::with_app(world, |auth| {
            use axum::routing::post;
            auth.router()
                .nest(
                    "/outer",
                    Rule::Session.csrf_origin(),
                    axum::Router::new().route("/inner", post(|| async { "in" }).layer(auth.require_session())),
                )
                .route("/home", Rule::Public, axum::routing::get(|| async { "home" }))
                .build()
        });
        world.sign_in().await;
        let send = |token: Option<String>| {
            let mut request = Raw::post("/outer/inner")
                .cookies_of(&world.browser)
                .header("origin", APP);
            if let Some(token) = token {
                request = request.header("x-csrf-token", &token);
            }
            request
        };
        assert_eq!(
            send(None).send(&world.app).await.verdict(),
            refused("csrf_missing"),
            "{place:?}"
        );
        assert_eq!(send(Some(world.csrf())).send(&world.app).await.status, StatusCode::OK);
    }
}
