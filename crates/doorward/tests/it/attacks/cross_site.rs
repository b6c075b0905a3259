//! What pages of other sites can make a browser send.

use doorward_testkit::RequestKind;
use http::{Method, StatusCode};

use super::support::{Place, Raw, assert_refused};
use crate::support::APP;

const EVIL: &str = "https://evil.test";
/// Another origin of the same site, which gets the cookies along.
const SIBLING: &str = "https://blog.example.com";

fn refused(code: &str) -> (u16, String) {
    (403, code.to_owned())
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
