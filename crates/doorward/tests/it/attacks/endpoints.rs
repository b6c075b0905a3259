//! `/auth/session` and `/auth/token`, and callbacks that nobody waits for.

use std::time::Duration;

use doorward_testkit::Endpoint;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::support::{Place, Raw, SESSION, assert_refused};
use crate::support::{APP, World};

const LOGIN_AT: u64 = 1_790_000_000;

#[tokio::test]
async fn the_session_endpoint_says_who_and_until_when_and_nothing_else() {
    // attacks: E25
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let page = world.browser.get("/auth/session").await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(
            page.json::<Value>(),
            json!({
                "userId": "alice",
                "tenantId": "acme",
                "metadata": {},
                "expiresAt": (LOGIN_AT + 3_600) * 1_000,
                "logoutUrl": format!("{APP}/auth/logout"),
            })
        );
        for secret in world.provider.minted_secrets() {
            assert!(!page.text().contains(&secret));
        }
        let head = world.browser.request(Method::HEAD, "/auth/session").send().await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
        let stranger = world.browser.stranger();
        assert_refused(
            &stranger.get("/auth/session").await,
            StatusCode::UNAUTHORIZED,
            "session_missing",
        );
        let visit = stranger.visit("/auth/session").await;
        assert_refused(&visit, StatusCode::UNAUTHORIZED, "session_missing");
    }
}

#[tokio::test]
async fn without_tenants_the_tenant_is_called_default() {
    for place in Place::BOTH {
        let world = place.world();
        world.provider.script(|script| script.claims.remove("tenant"));
        world.sign_in().await;
        assert_eq!(
            world.browser.get("/auth/session").await.json::<Value>()["tenantId"],
            "default"
        );
    }
}

async fn expires_at(world: &World, target: &str) -> u64 {
    let page = world.browser.get(target).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    page.json::<Value>()["expiresAt"].as_u64().unwrap() / 1_000 - LOGIN_AT
}

#[tokio::test]
async fn expires_at_is_the_earliest_end_and_moves_with_use() {
    for place in Place::BOTH {
        let world = World::build(
            place.sessions().absolute_timeout(Duration::from_secs(5_000)),
            |builder| builder,
        );
        world.provider.script(|script| script.token.expires_in = 100_000);
        world.sign_in().await;
        assert_eq!(expires_at(&world, "/auth/session").await, 3_600);
        world.advance(1_000);
        assert_eq!(
            expires_at(&world, "/auth/session").await,
            4_600,
            "{place:?}: extended by this very request"
        );
        world.advance(1_000);
        assert_eq!(expires_at(&world, "/auth/session").await, 5_000, "the absolute end");
    }
}

#[tokio::test]
async fn expires_at_is_the_access_tokens_end_where_nothing_can_renew_it() {
    for place in Place::BOTH {
        let world = place.world();
        world.provider.script(|script| {
            script.issue_refresh_tokens = false;
            script.token.expires_in = 2_000;
        });
        world.sign_in().await;
        assert_eq!(expires_at(&world, "/auth/session").await, 2_000);
        world.advance(1_000);
        assert_eq!(
            expires_at(&world, "/auth/session").await,
            2_000,
            "{place:?}: also in the answer that rolls the cookie"
        );
        world.advance(1_000);
        assert_eq!(
            world.browser.get("/auth/session").await.problem_code(),
            "session_expired"
        );
    }
}

// weakness: F8
#[tokio::test]
async fn slide_false_neither_extends_nor_writes_nor_refreshes() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        world.browser.forget("CSRF-TOKEN");
        world.advance(1_000);
        for _ in 0..3 {
            let page = world.browser.get("/auth/session?slide=false").await;
            assert_eq!(
                (page.status, page.set_cookies().len()),
                (StatusCode::OK, 0),
                "{place:?}"
            );
            assert_eq!(page.json::<Value>()["expiresAt"], (LOGIN_AT + 3_600) * 1_000);
        }
        world.tasks.idle().await;
        assert_eq!(world.provider.token_calls("refresh_token"), 0);
        // Polling alone keeps nobody signed in.
        for _ in 0..26 {
            world.advance(100);
            world.browser.get("/auth/session?slide=false").await;
        }
        assert_eq!(
            world.browser.get("/auth/session?slide=false").await.status,
            StatusCode::UNAUTHORIZED
        );
        // Without it the same request does all three.
        world.sign_in().await;
        world.browser.forget("CSRF-TOKEN");
        world.advance(1_000);
        let page = world.browser.get("/auth/session?slide=true").await;
        assert!(!page.set_cookie(SESSION).is_empty() && !page.set_cookie("CSRF-TOKEN").is_empty());
        assert_eq!(world.provider.token_calls("refresh_token"), 1);
    }
}

#[tokio::test]
async fn slide_false_sees_the_newest_state_and_the_end() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let old = world.browser.thief();
        world.browser.request(Method::POST, "/auth/logout").send().await;
        assert_refused(
            &old.get("/auth/session?slide=false").await,
            StatusCode::UNAUTHORIZED,
            "session_revoked",
        );
    }
}

// weakness: S10
#[tokio::test]
async fn the_token_endpoint_is_off_unless_switched_on_and_guarded_where_it_is() {
    for place in Place::BOTH {
        let off = place.signed_in().await;
        assert_refused(
            &off.browser.get("/auth/token").await,
            StatusCode::NOT_FOUND,
            "route_unknown",
        );

        let world = place.world_with(|builder| builder.token_endpoint(true));
        assert_refused(
            &world.browser.get("/auth/token").await,
            StatusCode::UNAUTHORIZED,
            "session_missing",
        );
        world.sign_in().await;
        let page = world.browser.get("/auth/token").await;
        let body: Value = page.json();
        let token = world
            .provider
            .minted_secrets()
            .into_iter()
            .find(|secret| secret.starts_with("at-"))
            .unwrap();
        assert_eq!(
            body,
            json!({"accessToken": token, "expiresAt": (LOGIN_AT + 300) * 1_000})
        );
        world.advance(290);
        let renewed: Value = world.browser.get("/auth/token").await.json();
        assert_ne!(renewed["accessToken"], body["accessToken"], "already fresh");
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let page = world
                .browser
                .request(method, "/auth/token")
                .header("x-csrf-token", &world.csrf())
                .send()
                .await;
            assert_refused(&page, StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
        }
        let other = world
            .browser
            .request(Method::GET, "/auth/token")
            .from("https://blog.example.com")
            .send()
            .await;
        assert!(other.blocked.is_some());
    }
}

#[tokio::test]
async fn a_token_endpoint_without_tokens_at_hand_says_the_session_is_over() {
    let world = Place::Sealed.world_with(|builder| builder.token_endpoint(true));
    world.sign_in().await;
    world.browser.forget("__Host-session.0");
    let answer = Raw::get("/auth/token")
        .cookies_of(&world.browser)
        .send(&world.app)
        .await;
    assert_eq!(answer.verdict(), (401, "session_expired".to_owned()));
}

#[tokio::test]
async fn a_callback_twice_at_once_makes_one_session_and_one_token_call() {
    // attacks: K14
    for place in Place::BOTH {
        let world = place.world();
        let login = world.browser.visit("/auth/login?return_url=/home").await;
        let provider = world.browser.follow(&login).await;
        let callback = provider.location().unwrap();
        let target = format!("{}?{}", callback.path(), callback.query().unwrap());
        let cookies = world.browser.cookie_header("/");
        let mut attempts = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (app, target, cookies) = (world.app.clone(), target.clone(), cookies.clone());
            attempts.spawn(async move {
                let answer = Raw::get(&target).header("cookie", &cookies).send(&app).await;
                let begins = answer
                    .all("set-cookie")
                    .iter()
                    .any(|cookie| cookie.starts_with(&format!("{SESSION}=")));
                (answer.status, begins)
            });
        }
        let answers = attempts.join_all().await;
        assert_eq!(answers.iter().filter(|(_, begins)| *begins).count(), 1, "{place:?}");
        assert_eq!(
            answers
                .iter()
                .filter(|(status, _)| *status == StatusCode::FOUND)
                .count(),
            1
        );
        assert_eq!(world.provider.token_calls("authorization_code"), 1);
    }
}

#[tokio::test]
async fn a_callback_without_a_login_leads_home_if_signed_in_and_to_a_page_if_not() {
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let before = world.browser.cookies();
        for query in ["", "?code=x&state=y", "?state=y", "?error=access_denied&state=x"] {
            let target = format!("/auth/callback{query}");
            let page = world.browser.visit(&target).await;
            assert_eq!(
                (page.status, page.header("location")),
                (StatusCode::FOUND, Some("https://app.example.com/")),
                "{query}"
            );
            let page = world.browser.stranger().visit(&target).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}");
            assert!(page.text().contains("href=\"https://app.example.com/auth/login\""));
        }
        assert_eq!(world.browser.cookies(), before, "{place:?}: the session is as it was");
        assert_eq!(world.provider.count(Endpoint::Token), 1, "the login's own");
    }
}

#[tokio::test]
async fn trace_is_refused_and_head_is_like_get() {
    // attacks: E27
    for place in Place::BOTH {
        let world = place.signed_in().await;
        let trace = Raw::new("TRACE", "/api/me")
            .cookies_of(&world.browser)
            .send(&world.app)
            .await;
        assert_eq!((trace.status, trace.body.len()), (StatusCode::METHOD_NOT_ALLOWED, 0));
        for target in ["/api/me", "/auth/session", "/open/extractor"] {
            let head = world.browser.request(Method::HEAD, target).send().await;
            assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0), "{target}");
            let stranger = world
                .browser
                .stranger()
                .request(Method::HEAD, target)
                .send()
                .await
                .status;
            assert_eq!(stranger, StatusCode::UNAUTHORIZED);
        }
    }
}
