//! Who is sent to login, and who is told 401.

use http::StatusCode;

use super::support::{Place, Raw};
use crate::support::APP;

/// Headers, and whether they make the request a navigation.
const KINDS: &[(&[(&str, &str)], bool)] = &[
    (&[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")], true),
    (
        &[
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("accept", "*/*"),
        ],
        true,
    ),
    (&[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")], true),
    (&[("accept", "TEXT/HTML")], true),
    (
        &[
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "iframe"),
            ("accept", "text/html"),
        ],
        false,
    ),
    (
        &[
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-dest", "empty"),
            ("accept", "text/html"),
        ],
        false,
    ),
    (
        &[
            ("sec-fetch-mode", "no-cors"),
            ("sec-fetch-dest", "image"),
            ("accept", "text/html"),
        ],
        false,
    ),
    (&[("sec-fetch-site", "same-origin"), ("accept", "text/html")], false),
    (&[("accept", "application/json")], false),
    (&[("accept", "*/*")], false),
    (&[("accept", "application/json, application/text/html")], false),
    (&[], false),
];

#[tokio::test]
async fn only_get_navigations_on_routes_that_ask_for_it_are_sent_to_login() {
    for place in Place::BOTH {
        let world = place.world();
        for (headers, is_navigation) in KINDS {
            for (method, target) in [
                ("GET", "/page?x=1&y=%2F"),
                ("POST", "/page"),
                ("HEAD", "/page"),
                ("GET", "/api/me"),
                ("GET", "/auth/session"),
            ] {
                let mut request = Raw::new(method, target);
                for (name, value) in *headers {
                    request = request.header(name, value);
                }
                let answer = request.send(&world.app).await;
                if *is_navigation && method == "GET" && target.starts_with("/page") {
                    assert_eq!(answer.status, StatusCode::FOUND, "{method} {target} {headers:?}");
                    let expected = format!("{APP}/auth/login?return_url=%2Fpage%3Fx%3D1%26y%3D%252F");
                    assert_eq!(answer.header("location"), Some(expected.as_str()));
                    assert_eq!(answer.header("cache-control"), Some("no-store"));
                } else {
                    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {target} {headers:?}");
                    assert_eq!(answer.header("location"), None);
                }
            }
        }
        assert_eq!(world.handled(), 0);
    }
}

#[tokio::test]
async fn an_unreadable_session_is_sent_to_login_and_a_forbidden_one_is_not() {
    for place in Place::BOTH {
        let world = place.world();
        let navigation = |cookie: &str| {
            Raw::get("/page")
                .header("sec-fetch-mode", "navigate")
                .header("sec-fetch-dest", "document")
                .header("cookie", cookie)
        };
        let answer = navigation("__Host-session=garbage").send(&world.app).await;
        assert_eq!(answer.status, StatusCode::FOUND);
        world.sign_in().await;
        let passed = navigation(&world.browser.cookie_header("/")).send(&world.app).await;
        assert_eq!(passed.status, StatusCode::OK);
        // A form that another site posts is refused, not sent to login.
        let forged = Raw::post("/page")
            .cookies_of(&world.browser)
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .header("sec-fetch-site", "cross-site")
            .send(&world.app)
            .await;
        assert_eq!(forged.verdict(), (403, "cross_origin".to_owned()));
    }
}

// weakness: M20
#[tokio::test]
async fn a_page_visit_leads_through_login_back_to_the_page() {
    for place in Place::BOTH {
        let world = place.world();
        let page = world.browser.visit_following("/page?a=b").await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.url.as_str(), "https://app.example.com/page?a=b");
        assert_eq!(world.handled(), 1);
    }
}
