//! `/auth/complete`, where a login in a window of its own ends.

use http::{Method, StatusCode};

use super::support::{Place, Raw};
use crate::support::World;

const SPA: &str = "https://spa.example.com";

fn world() -> World {
    Place::Sealed.world_with(|builder| builder.app_origin(SPA))
}

async fn page(world: &World, query: &str) -> (u16, String) {
    let answer = Raw::get(&format!("/auth/complete{query}")).send(&world.app).await;
    (answer.verdict().0, String::from_utf8(answer.body.to_vec()).unwrap())
}

#[tokio::test]
async fn message_goes_to_a_frontend_of_ours_and_to_nobody_else() {
    let world = world();
    let (status, text) = page(&world, "?opener=https%3A%2F%2Fspa.example.com").await;
    assert_eq!(status, 200);
    assert!(
        text.contains("<script src=\"/auth/complete.js\" data-opener=\"https://spa.example.com\" defer></script>"),
        "{text}"
    );
    for opener in [
        "",
        "?opener=",
        "?opener=*",
        "?opener=/",
        "?opener=null",
        "?opener=https%3A%2F%2Fevil.example",
        "?opener=http%3A%2F%2Fspa.example.com",
        "?opener=https%3A%2F%2Fspa.example.com.evil.example",
        "?opener=https%3A%2F%2Fspa.example.com%40evil.example",
        "?opener=https%3A%2F%2Fspa.example.com%22%3E%3Cscript%3E",
    ] {
        let (status, text) = page(&world, opener).await;
        assert_eq!(status, 200, "{opener}");
        assert!(text.contains("data-opener=\"\""), "{opener}: {text}");
        assert!(!text.contains("evil"), "{opener}: {text}");
    }
    let twice = "?opener=https%3A%2F%2Fspa.example.com&opener=https%3A%2F%2Fevil.example";
    assert_eq!(page(&world, twice).await.0, 400);
}

#[tokio::test]
async fn page_runs_the_script_of_ours_alone_and_is_kept_by_no_cache() {
    let world = world();
    let answer = Raw::get("/auth/complete").send(&world.app).await;
    let policy = answer.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'; "),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let script = Raw::get("/auth/complete.js").send(&world.app).await;
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(script.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(script.header("cache-control"), Some("no-store"));
    assert!(String::from_utf8_lossy(&script.body).contains("BroadcastChannel('doorward')"));
    for path in ["/auth/complete", "/auth/complete.js"] {
        let posted = world.browser.request(Method::POST, path).send().await;
        assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

#[tokio::test]
async fn login_comes_back_to_it_with_the_frontend_that_waits() {
    let world = world();
    let to = "%2Fauth%2Fcomplete%3Fopener%3Dhttps%253A%252F%252Fspa.example.com";
    let page = world
        .browser
        .visit_following(&format!("/auth/login?return_url={to}"))
        .await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/auth/complete"));
    assert!(page.text().contains("data-opener=\"https://spa.example.com\""));
    assert_eq!(world.browser.get("/auth/session").await.status, StatusCode::OK);
}
