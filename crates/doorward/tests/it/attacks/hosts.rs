//! The public URL is what the configuration says, whatever a request calls us.

use http::{Method, StatusCode};

use super::support::{Place, Raw};
use crate::support::{APP, PROVIDER, World};

// weakness: R8
#[tokio::test]
async fn a_foreign_host_never_names_the_redirect_uri_or_a_location() {
    // attacks: A10, F17
    let world = World::new();
    for (name, value) in [
        ("host", "evil.test"),
        ("x-forwarded-host", "evil.test"),
        ("x-original-host", "evil.test"),
        ("forwarded", "host=evil.test;proto=http"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-port", "1"),
        ("x-forwarded-prefix", "/evil"),
        ("x-original-url", "/evil"),
    ] {
        for target in [
            "/auth/login?return_url=/home",
            "/auth/callback?code=x&state=y",
            "/auth/logout",
            "/page",
        ] {
            let answer = Raw::get(target)
                .set(name, value)
                .header("accept", "text/html")
                .send(&world.app)
                .await;
            assert!(!answer.status.is_server_error(), "{name} {target}");
            for location in answer.all("location") {
                let ours =
                    location.starts_with(&format!("{APP}/")) || location.starts_with(&format!("{PROVIDER}/authorize?"));
                assert!(ours && !location.contains("evil"), "{name} {target}: {location}");
            }
            assert!(
                !String::from_utf8_lossy(&answer.body).contains("evil"),
                "{name} {target}"
            );
        }
    }
    // The decision about a request with a session is the same under any Host.
    world.sign_in().await;
    let answer = Raw::get("/api/me")
        .set("host", "internal:8080")
        .cookies_of(&world.browser)
        .send(&world.app)
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    for (origin, status) in [("https://internal:8080", 403), (APP, 200)] {
        let answer = Raw::post("/api/me")
            .set("host", "internal:8080")
            .header("origin", origin)
            .header("x-csrf-token", &world.csrf())
            .cookies_of(&world.browser)
            .send(&world.app)
            .await;
        assert_eq!(answer.status.as_u16(), status, "{origin}");
    }
}

#[tokio::test]
async fn a_login_under_a_foreign_host_moves_to_the_public_url_once() {
    let world = World::new();
    for host in ["www.example.com", "app.example.com:8443", "10.0.0.1", "evil.test"] {
        let first = Raw::get("/auth/login?return_url=/home&login_hint=a%20b")
            .set("host", host)
            .send(&world.app)
            .await;
        assert_eq!(first.status, StatusCode::FOUND);
        assert_eq!(
            first.header("location"),
            Some("https://app.example.com/auth/login?return_url=/home&login_hint=a%20b"),
            "{host}"
        );
        assert_eq!(first.header("cache-control"), Some("no-store"));
        // A proxy that rewrites Host: the browser comes back to the same name with the note, and goes on.
        let cookie = first
            .header("set-cookie")
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        let second = Raw::get("/auth/login?return_url=/home")
            .set("host", host)
            .header("cookie", &cookie)
            .send(&world.app)
            .await;
        assert!(
            second.header("location").unwrap().starts_with(PROVIDER),
            "{host}: no loop"
        );
    }
    for own in ["app.example.com", "APP.example.com", "app.example.com:443"] {
        let answer = Raw::get("/auth/login").set("host", own).send(&world.app).await;
        assert!(answer.header("location").unwrap().starts_with(PROVIDER), "{own}");
    }
}

#[tokio::test]
async fn a_target_that_is_no_ascii_is_no_server_error_under_any_host() {
    let world = World::new();
    for host in ["app.example.com", "evil.test"] {
        for target in [
            "/auth/login?return_url=/ä",
            "/auth/callback?state=ä",
            "/page/ä?ö",
            "/page?ä",
            "/auth/logout?ä",
            "/auth/session?ä",
        ] {
            let answer = Raw::get(target)
                .set("host", host)
                .header("accept", "text/html")
                .send(&world.app)
                .await;
            assert!(!answer.status.is_server_error(), "{host} {target}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn other_methods_than_get_begin_no_login() {
    for place in Place::BOTH {
        let world = place.world();
        for method in [
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::OPTIONS,
            Method::TRACE,
        ] {
            let page = world.browser.request(method.clone(), "/auth/login").send().await;
            assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
            assert_eq!(page.header("allow"), Some("GET"));
            assert_eq!(page.set_cookies(), Vec::<&str>::new());
        }
    }
}
