//! Much of everything: headers, cookies, bodies, logins. It costs its bytes and nothing more.

use http::StatusCode;

use super::support::{Meddled, Place, Raw};
use crate::support::APP;

#[tokio::test]
async fn ten_thousand_cookies_and_headers_of_64_kb_are_read_past() {
    // attacks: E14
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let session = world.browser.cookie_header("/");
        let login_flood: String = (0..1_000)
            .map(|index| format!("__Host-login.{index:010}=x; "))
            .collect();
        let session_flood: String = (0..1_000).map(|index| format!("__Host-session={index}; ")).collect();
        let token_flood: String = (0..1_000)
            .map(|index| format!("__Host-session.0={index}; __Host-session.1={index}; "))
            .collect();
        let csrf_flood = "CSRF-TOKEN=x; ".repeat(2_000);
        for flood in [&login_flood, &session_flood, &token_flood, &csrf_flood] {
            for target in [
                "/api/me",
                "/auth/login",
                "/auth/callback?state=x&code=y",
                "/auth/session",
                "/open/optional",
            ] {
                let answer = Raw::get(target).header("cookie", flood).send(&world.app).await;
                assert!(!answer.status.is_server_error(), "{target}");
                let size: usize = answer.all("set-cookie").iter().map(|cookie| cookie.len()).sum();
                assert!(size < 16_384, "{target}: {size} bytes of Set-Cookie");
            }
            let beside = Raw::get("/api/me")
                .header("cookie", &session)
                .header("cookie", flood)
                .send(&world.app)
                .await;
            assert!(matches!(beside.status.as_u16(), 200 | 401));
        }
        for name in [
            "x-csrf-token",
            "origin",
            "accept",
            "sec-fetch-site",
            "host",
            "authorization",
            "upgrade",
        ] {
            let value = "z".repeat(64 * 1_024);
            let answer = Raw::post("/api/me")
                .cookies_of(&world.browser)
                .header(name, &value)
                .send(&world.app)
                .await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
        }
        let mut many = Raw::get("/api/me").cookies_of(&world.browser);
        for index in 0..2_000 {
            many = many.header("cookie", &format!("c{index}=v"));
        }
        assert_eq!(many.send(&world.app).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn forty_logins_nobody_finishes_leave_few_cookies_and_a_header_under_8_kb() {
    // attacks: B8
    for place in Place::BOTH {
        let world = place.signed_in().await;
        for number in 0..40 {
            let page = world
                .browser
                .visit(&format!("/auth/login?return_url=/{}", "a".repeat(40 * number)))
                .await;
            assert_eq!(page.status, StatusCode::FOUND);
            let line = world.browser.cookie_header("/auth/callback");
            assert!(line.len() <= 7_800, "{place:?} {number}: {}", line.len());
        }
        let pending = world
            .browser
            .cookies()
            .into_iter()
            .filter(|cookie| cookie.name.starts_with("__Host-login."))
            .count();
        assert!((1..=8).contains(&pending), "{pending}");
        world.sign_in().await;
    }
}

#[tokio::test]
async fn bodies_are_read_only_where_a_form_is_expected_and_only_up_to_64_kb() {
    for place in Place::BOTH {
        let world = place.world_with(|builder| {
            let provider = doorward::Provider::oidc(crate::support::PROVIDER, "app", doorward_testkit::CLIENT_SECRET);
            builder.provider(provider.response_mode(doorward::ResponseMode::FormPost))
        });
        let form = "application/x-www-form-urlencoded";
        for (content_type, body, status) in [
            (form, "a=".to_owned() + &"x".repeat(70_000), 413),
            (form, "%".to_owned(), 400),
            (form, "state=a&state=b".to_owned(), 400),
            (form, String::new(), 400),
            ("application/json", "{\"state\":\"x\"}".to_owned(), 400),
            ("text/plain", "state=x&code=y".to_owned(), 400),
            ("multipart/form-data; boundary=x", "--x--".to_owned(), 400),
            ("", "state=x".to_owned(), 400),
        ] {
            let answer = Raw::post("/auth/callback")
                .body(content_type, body)
                .send(&world.app)
                .await;
            assert_eq!(answer.status.as_u16(), status, "{content_type}");
        }
        let binary = Raw::post("/auth/callback")
            .body(form, vec![0xff_u8, 0xfe, 0])
            .send(&world.app)
            .await;
        assert_eq!(binary.status, StatusCode::BAD_REQUEST);
        // An endless body of a logout or a refused request is not waited for.
        let endless = || {
            axum::body::Body::from_stream(futures_util::stream::repeat_with(|| {
                Ok::<_, std::io::Error>("x".repeat(1_000))
            }))
        };
        let answer = Raw::post("/auth/logout")
            .header("origin", APP)
            .body("text/plain", endless())
            .send(&world.app)
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        let answer = Raw::post("/api/me")
            .body("text/plain", endless())
            .send(&world.app)
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let answer = Raw::post("/auth/callback").body(form, endless()).send(&world.app).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        let broken = futures_util::stream::iter([Ok("state=x"), Err(std::io::Error::other("cut"))]);
        let answer = Raw::post("/auth/callback")
            .body(form, axum::body::Body::from_stream(broken))
            .send(&world.app)
            .await;
        assert!(answer.status.is_client_error());
    }
}

#[tokio::test]
async fn a_flood_of_logins_and_garbage_asks_the_provider_nothing_and_the_store_nothing() {
    // attacks: L4
    let store = Meddled::default();
    let world = store.world();
    for index in 0..300 {
        let state = format!("state-{index}");
        Raw::get("/auth/login").send(&world.app).await;
        Raw::get(&format!("/auth/callback?code=c&state={state}"))
            .send(&world.app)
            .await;
        Raw::get("/api/me")
            .header("cookie", &format!("__Host-session={state}"))
            .send(&world.app)
            .await;
        Raw::post("/auth/logout")
            .header("cookie", &format!("__Host-session={state}"))
            .send(&world.app)
            .await;
    }
    assert_eq!(world.provider.requests().len(), 1, "the metadata, once");
    assert_eq!(store.calls(), 0);
    assert_eq!(world.handled(), 0);
}
