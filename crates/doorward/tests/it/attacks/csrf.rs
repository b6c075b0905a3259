//! Requests that another site caused.

use doorward::Rule;
use doorward_testkit::RequestKind;
use http::{Method, StatusCode};
use serde_json::json;

use super::support::{Place, Raw, assert_refused};
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
async fn a_form_that_another_site_posts_has_no_effect_whatever_its_type() {
    // attacks: F6
    for place in Place::BOTH {
        let world = place.signed_in().await;
        for content_type in [
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded",
            "application/json",
        ] {
            for from in [EVIL, SIBLING] {
                for target in [
                    "/api/me",
                    "/form",
                    "/page",
                    "/open/layer",
                    "/open/extractor",
                    "/open/optional",
                ] {
                    let request = world.browser.request(Method::POST, target).navigation().from(from);
                    let page = request.body(content_type, "{\"a\":1}").send().await;
                    // From another site Lax keeps the cookie back; from a sibling it comes along.
                    let expected = if from == SIBLING {
                        StatusCode::FORBIDDEN
                    } else {
                        StatusCode::UNAUTHORIZED
                    };
                    let optional = target == "/open/optional" && from == EVIL;
                    assert!(
                        page.status == expected || optional,
                        "{place:?} {target} {from}: {}",
                        page.status
                    );
                    assert_eq!(page.set_cookies(), Vec::<&str>::new());
                }
            }
        }
        assert_eq!(world.handled(), 0);
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

#[tokio::test]
async fn a_method_override_changes_nothing() {
    // attacks: F8
    for place in Place::BOTH {
        let world = place.signed_in().await;
        for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
            // A GET that says it is a POST is a GET, and a POST that says it is a GET is a POST.
            let get = Raw::get("/api/me?_method=POST")
                .cookies_of(&world.browser)
                .header(name, "POST")
                .send(&world.app)
                .await;
            assert_eq!(get.status, StatusCode::OK);
            let post = Raw::post("/api/me?_method=GET")
                .cookies_of(&world.browser)
                .header(name, "GET")
                .send(&world.app)
                .await;
            assert_eq!(post.verdict(), refused("csrf_missing"));
            let logout = Raw::get("/auth/logout?_method=POST")
                .cookies_of(&world.browser)
                .header(name, "POST")
                .send(&world.app)
                .await;
            assert!(logout.all("set-cookie").is_empty());
        }
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    }
}

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

#[tokio::test]
async fn a_websocket_handshake_needs_an_origin_that_is_ours_and_no_token() {
    // attacks: F13
    for place in Place::BOTH {
        let world = place.world_with(|builder| builder.app_origin("https://spa.example.com"));
        world.sign_in().await;
        let handshake = || {
            Raw::get("/api/me")
                .cookies_of(&world.browser)
                .header("connection", "Upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        };
        assert_eq!(
            handshake().send(&world.app).await.verdict(),
            refused("cross_origin"),
            "no Origin"
        );
        for origin in [
            EVIL,
            "null",
            SIBLING,
            "http://app.example.com",
            "https://spa.example.com.evil.test",
        ] {
            assert_eq!(
                handshake().header("origin", origin).send(&world.app).await.verdict(),
                refused("cross_origin"),
                "{origin}"
            );
        }
        assert_eq!(
            handshake()
                .header("origin", EVIL)
                .header("origin", APP)
                .send(&world.app)
                .await
                .verdict(),
            refused("cross_origin")
        );
        assert_eq!(world.handled(), 0);
        for origin in [APP, "https://spa.example.com"] {
            assert_eq!(
                handshake().header("origin", origin).send(&world.app).await.status,
                StatusCode::OK,
                "{origin}"
            );
        }
        // As browsers do it, and without a session.
        let page = world
            .browser
            .request(Method::GET, "/api/me")
            .kind(RequestKind::WebSocket)
            .send()
            .await;
        assert_eq!(page.status, StatusCode::OK);
        let page = world
            .browser
            .request(Method::GET, "/api/me")
            .kind(RequestKind::WebSocket)
            .from(SIBLING)
            .send()
            .await;
        assert_refused(&page, StatusCode::FORBIDDEN, "cross_origin");
        let stranger = world.browser.stranger();
        let page = stranger
            .request(Method::GET, "/page")
            .kind(RequestKind::WebSocket)
            .send()
            .await;
        assert_refused(&page, StatusCode::UNAUTHORIZED, "session_missing");
    }
}

#[tokio::test]
async fn a_login_that_another_site_began_in_a_frame_or_image_makes_no_session() {
    // attacks: F12
    for place in Place::BOTH {
        let world = place.world();
        for kind in [RequestKind::Frame, RequestKind::Image] {
            let browser = world.browser.stranger();
            let login = browser
                .request(Method::GET, "/auth/login")
                .kind(kind)
                .from(EVIL)
                .send()
                .await;
            assert_eq!(
                login.set_cookies().len(),
                login.refused_cookies.len(),
                "the browser keeps no cookie of it"
            );
            let end = browser.follow_all(login).await;
            assert!(end.status.is_client_error(), "{kind:?}: {}", end.status);
            assert!(
                end.header("content-security-policy")
                    .unwrap()
                    .contains("frame-ancestors 'none'")
            );
            assert_eq!(end.header("x-frame-options"), Some("DENY"));
            assert!(browser.cookies().is_empty());
        }
        let browser = world.browser.stranger();
        let fetched = browser.request(Method::GET, "/auth/login").from(EVIL).send().await;
        assert!(fetched.blocked.is_some(), "no script of another site reads it");
        assert!(browser.cookies().is_empty());
    }
}

#[tokio::test]
async fn an_authorization_header_neither_opens_nor_replaces_a_session() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let token = world.browser.get("/api/token").await.text().to_owned();
        for value in [
            format!("Bearer {token}"),
            "Basic YTpi".to_owned(),
            "Bearer".to_owned(),
            "x".repeat(5_000),
        ] {
            let stranger = Raw::get("/api/me")
                .header("authorization", &value)
                .send(&world.app)
                .await;
            assert_eq!(stranger.verdict(), (401, "session_missing".to_owned()));
            assert_eq!(stranger.header("www-authenticate"), Some("Session realm=\"doorward\""));
            let forged = Raw::post("/api/me")
                .cookies_of(&world.browser)
                .header("authorization", &value)
                .send(&world.app)
                .await;
            assert_eq!(forged.verdict(), refused("csrf_missing"), "no way around the token");
            let beside = Raw::get("/api/me")
                .cookies_of(&world.browser)
                .header("authorization", &value)
                .send(&world.app)
                .await;
            assert_eq!(beside.status, StatusCode::OK);
        }
    }
}
