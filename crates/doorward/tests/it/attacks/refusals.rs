//! The order of checks, and what a refusal looks like, member by member.

use doorward::{Refusal, Rule, Sessions};
use doorward_testkit::{Answer as Reply, Browser};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::support::{Answer, Meddled, Place, Raw, SESSION, with_app};
use crate::support::{APP, SECRET, World};

const EVIL: (&str, &str) = ("origin", "https://evil.test");

async fn verdict(world: &World, method: &str, target: &str, cookie: &str, headers: &[(&str, &str)]) -> String {
    let mut request = Raw::new(method, target);
    if !cookie.is_empty() {
        request = request.header("cookie", cookie);
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answer = request.send(&world.app).await;
    format!("{} {}", answer.status.as_u16(), answer.code())
}

#[tokio::test]
async fn each_check_comes_before_the_next() {
    // Every line fails this check and all later ones.
    let store = Meddled::default();
    for place in Place::BOTH {
        let world = match place {
            Place::Sealed => place.world(),
            Place::Stored => store.world(),
        };
        world.sign_in().await;
        let live = world.browser.cookie_header("/");
        let csrf = world.csrf();
        store.fail(true);
        let target = "/api/auditor";
        let post = |cookie: &'static str, headers: &'static [(&'static str, &'static str)]| {
            verdict(&world, "POST", target, cookie, headers)
        };
        assert_eq!(post("", &[EVIL]).await, "401 session_missing", "{place:?}");
        assert_eq!(
            post("__Host-session=garbage", &[EVIL]).await,
            "403 cross_origin",
            "{place:?}"
        );
        assert_eq!(
            post("__Host-session=garbage", &[]).await,
            "401 session_invalid",
            "{place:?}"
        );
        assert_eq!(
            verdict(&world, "POST", target, &live, &[EVIL]).await,
            "403 cross_origin"
        );
        assert_eq!(verdict(&world, "POST", target, &live, &[]).await, "403 csrf_missing");
        assert_eq!(
            verdict(&world, "POST", target, &live, &[("x-csrf-token", "x")]).await,
            "403 csrf_mismatch"
        );
        if place == Place::Stored {
            let tokened = [("x-csrf-token", csrf.as_str())];
            assert_eq!(
                verdict(&world, "POST", target, &live, &tokened).await,
                "503 store_unavailable"
            );
            assert_eq!(
                verdict(&world, "GET", target, &live, &[]).await,
                "503 store_unavailable"
            );
        }
        store.fail(false);
        assert_eq!(verdict(&world, "GET", target, &live, &[]).await, "403 role_missing");
        assert_eq!(
            verdict(&world, "POST", target, &live, &[("x-csrf-token", &csrf)]).await,
            "403 role_missing"
        );

        // Expired by its own seal: before the token for a sealed session, whose end stands in the cookie.
        world.advance(3_601);
        let expired = verdict(&world, "POST", target, &live, &[]).await;
        match place {
            Place::Sealed => assert_eq!(expired, "401 session_expired"),
            Place::Stored => assert_eq!(expired, "403 csrf_missing"),
        }
        assert_eq!(
            verdict(&world, "POST", target, &live, &[EVIL]).await,
            "403 cross_origin"
        );
        assert_eq!(
            verdict(&world, "POST", target, &live, &[("x-csrf-token", &csrf)]).await,
            "401 session_expired"
        );
        assert_eq!(world.handled(), 0);
    }
}

#[tokio::test]
async fn an_ended_session_is_told_apart_only_from_whoever_has_its_token() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let live = world.browser.cookie_header("/");
        let csrf = world.csrf();
        world.browser.request(http::Method::POST, "/auth/logout").send().await;
        assert_eq!(
            verdict(&world, "POST", "/api/me", &live, &[EVIL]).await,
            "403 cross_origin"
        );
        assert_eq!(verdict(&world, "POST", "/api/me", &live, &[]).await, "403 csrf_missing");
        assert_eq!(
            verdict(&world, "POST", "/api/me", &live, &[("x-csrf-token", &csrf)]).await,
            "401 session_revoked"
        );
        assert_eq!(
            verdict(&world, "GET", "/api/me", &live, &[]).await,
            "401 session_revoked"
        );
    }
}

// weakness: M12, F1
#[tokio::test]
async fn a_provider_out_of_reach_comes_before_the_rule_and_never_as_401() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        world
            .provider
            .script(|script| script.refresh.answer = Reply::error(503, "temporarily_unavailable"));
        world.advance(301);
        let live = world.browser.cookie_header("/");
        assert_eq!(
            verdict(&world, "GET", "/api/auditor", &live, &[]).await,
            "503 provider_unavailable"
        );
        assert_eq!(
            verdict(&world, "POST", "/api/auditor", &live, &[]).await,
            "403 csrf_missing"
        );
        let answer = Raw::get("/page")
            .cookies_of(&world.browser)
            .header("accept", "text/html")
            .send(&world.app)
            .await;
        assert_eq!(
            answer.verdict(),
            (503, "provider_unavailable".to_owned()),
            "no way to login"
        );
        assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    }
}

fn assert_problem(answer: &Answer, status: u16, code: &str, reason: &str) {
    assert_eq!(answer.status.as_u16(), status, "{code}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.all("set-cookie").is_empty());
    assert_eq!(answer.header("location"), None);
    let problem = answer.json();
    let members: Vec<&str> = problem.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = vec!["code", "error", "request_id", "status", "title", "type"];
    if status == 401 {
        expected.insert(2, "login_url");
    }
    if code == "insufficient_scope" {
        expected.insert(3, "scope");
    }
    assert_eq!(members, expected, "{code}");
    assert_eq!(problem["type"], format!("urn:doorward:error:{code}"));
    assert_eq!(problem["code"], code);
    assert_eq!(problem["status"], status);
    assert_eq!(problem["error"], reason);
    assert!(problem["title"].as_str().unwrap().len() > 5);
    let request_id = problem["request_id"].as_str().unwrap();
    assert!(request_id.len() == 16 && request_id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if status == 401 {
        assert_eq!(problem["login_url"], format!("{APP}/auth/login"));
        assert_eq!(answer.all("www-authenticate"), ["Session realm=\"doorward\""]);
    } else {
        assert!(answer.all("www-authenticate").is_empty());
    }
    assert_eq!(answer.header("retry-after").is_some(), status == 503);
}

// weakness: M24
#[tokio::test]
async fn every_refusal_has_the_members_and_headers_of_the_contract() {
    // attacks: I17
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let live = || Raw::get("/api/auditor").cookies_of(&world.browser);
        let app = &world.app;
        let unauthorized = "Unauthorized";
        assert_problem(
            &Raw::get("/api/me").send(app).await,
            401,
            "session_missing",
            unauthorized,
        );
        let garbage = Raw::get("/api/me").header("cookie", "__Host-session=x").send(app).await;
        assert_problem(&garbage, 401, "session_invalid", unauthorized);
        assert_problem(&live().send(app).await, 403, "role_missing", "Forbidden");
        let post = || Raw::post("/api/me").cookies_of(&world.browser);
        assert_problem(&post().send(app).await, 403, "csrf_missing", "Forbidden");
        assert_problem(
            &post().header("x-csrf-token", "x").send(app).await,
            403,
            "csrf_mismatch",
            "Forbidden",
        );
        assert_problem(
            &post().header("origin", "null").send(app).await,
            403,
            "cross_origin",
            "Forbidden",
        );
        assert_problem(&Raw::get("/nowhere").send(app).await, 404, "route_unknown", "Not Found");
        assert_problem(
            &Raw::get("/auth/token").send(app).await,
            404,
            "route_unknown",
            "Not Found",
        );
        assert_problem(
            &Raw::post("/auth/session").send(app).await,
            405,
            "method_not_allowed",
            "Method Not Allowed",
        );
        assert_problem(
            &Raw::get("/auth/session?slide=1&slide=2").send(app).await,
            400,
            "request_malformed",
            "Bad Request",
        );
        let copy = Raw::get("/api/me").cookies_of(&world.browser);
        world.browser.request(http::Method::POST, "/auth/logout").send().await;
        assert_problem(&copy.send(app).await, 401, "session_revoked", unauthorized);
    }
    let store = Meddled::default();
    let world = store.world();
    world.sign_in().await;
    store.fail(true);
    let answer = Raw::get("/api/me").cookies_of(&world.browser).send(&world.app).await;
    assert_problem(&answer, 503, "store_unavailable", "Service Unavailable");
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    for place in Place::BOTH {
        let world = with_app(place.world(), |auth| {
            let handler = || axum::routing::get(|| async { "in" });
            auth.router()
                .route("/home", Rule::Public, handler())
                .route("/email", Rule::scope("email"), handler())
                .route("/orders", Rule::scope("email").with_scope("orders"), handler())
                .build()
        });
        world.sign_in().await;
        assert_eq!(world.browser.get("/email").await.status, StatusCode::OK);
        let answer = Raw::get("/orders").cookies_of(&world.browser).send(&world.app).await;
        assert_problem(&answer, 403, "insufficient_scope", "Forbidden");
        assert_eq!(answer.json()["scope"], "email orders");
    }
}

#[tokio::test]
async fn a_refusal_carries_cookies_neither_away_nor_along() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        for target in ["/api/me", "/open/layer"] {
            let page = world.browser.request(http::Method::POST, target).send().await;
            assert_eq!(page.set_cookies(), Vec::<&str>::new());
        }
        assert!(world.browser.cookie(SESSION).is_some());
        let broken: Browser = world.browser.stranger();
        broken.plant(doorward_testkit::Cookie::planted(SESSION, "x", "app.example.com"));
        broken.get("/api/me").await;
        assert!(broken.cookie(SESSION).is_some(), "a newer one may be on its way");
    }
}

#[tokio::test]
async fn an_application_dresses_refusals_and_cannot_turn_one_into_a_success() {
    for place in Place::BOTH {
        let world = World::build(place.sessions(), |builder| {
            builder.on_refusal(|mut refusal: Refusal| {
                let body = json!({"mine": refusal.code().as_str(), "id": refusal.request_id(), "was": refusal.status().as_u16()});
                refusal.set_body(HeaderValue::from_static("application/vnd.mine+json"), body.to_string());
                let headers = refusal.headers_mut();
                headers.insert("x-mine", HeaderValue::from_static("1"));
                headers.insert("cache-control", HeaderValue::from_static("public, max-age=600"));
                headers.insert("set-cookie", HeaderValue::from_static("__Host-session=; Max-Age=0"));
                headers.insert("location", HeaderValue::from_static("https://evil.test"));
                headers.insert("status", HeaderValue::from_static("200"));
                refusal
            })
        });
        let answer = Raw::get("/api/me").send(&world.app).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{place:?}");
        assert_eq!(answer.header("content-type"), Some("application/vnd.mine+json"));
        assert_eq!(answer.header("x-mine"), Some("1"));
        assert_eq!(answer.all("cache-control"), ["no-store"]);
        assert!(answer.all("set-cookie").is_empty() && answer.all("location").is_empty());
        assert_eq!(answer.json()["mine"], "session_missing");
        assert_eq!(answer.json()["was"], 401);
        world.sign_in().await;
        let answer = Raw::post("/api/me").cookies_of(&world.browser).send(&world.app).await;
        assert_eq!(
            (answer.status, answer.json()["mine"].as_str()),
            (StatusCode::FORBIDDEN, Some("csrf_missing"))
        );
        let unknown = Raw::get("/nowhere").send(&world.app).await;
        assert_eq!(
            (unknown.status, unknown.json()["mine"].as_str()),
            (StatusCode::NOT_FOUND, Some("route_unknown"))
        );
        assert_eq!(world.handled(), 0);
    }
}

#[tokio::test]
async fn a_hook_that_panics_lets_nobody_through() {
    let world = World::build(Sessions::cookie(SECRET), |builder| {
        builder.on_refusal(|_| panic!("a broken hook"))
    });
    let app = world.app.clone();
    let outcome = tokio::spawn(async move { Raw::get("/api/me").send(&app).await.status }).await;
    assert!(outcome.is_err());
    assert_eq!(world.handled(), 0);
}

#[tokio::test]
async fn the_pages_of_failed_logins_carry_a_strict_policy_and_no_text_of_anybody_else() {
    let world = World::new();
    for target in [
        "/auth/callback",
        "/auth/callback?state=x&code=y",
        "/auth/callback?error=<script>alert(1)</script>&state=x&error_description=<script>&error_uri=javascript:x",
        "/auth/login?max_age=<script>",
        "/auth/logout?<script>",
    ] {
        let target = target.replace('<', "%3C").replace('>', "%3E");
        let answer = Raw::get(&target).send(&world.app).await;
        let policy = answer.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action",
        ] {
            assert!(policy.contains(part), "{target}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"));
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let body = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(
            !body.contains("<script") && !body.contains("alert(1)") && !body.contains("javascript"),
            "{target}"
        );
    }
}
