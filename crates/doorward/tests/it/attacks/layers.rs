//! tower-http's layers outside of ours: compression, CORS, tracing, and a net for panics.

use axum::Router;
use axum::routing::get;
use doorward::{Rule, Session};
use http::{Method, StatusCode};
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::trace::TraceLayer;

use super::support::{Place, Raw, SESSION, remount};
use crate::support::World;

const SPA: &str = "https://spa.example.com";

/// The whole stack an application would put outside.
fn wrapped(place: Place, own_cors: bool) -> World {
    let mut world = place.world_with(|builder| if own_cors { builder } else { builder.app_origin(SPA) });
    let large = |session: Session| async move { session.user().subject.repeat(2_000) };
    let app: Router = world
        .auth
        .router()
        .route("/home", Rule::Public, get(|| async { "home" }))
        .route("/large", Rule::Session, get(large).post(large))
        .build();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::exact(SPA.parse().unwrap()))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(["x-csrf-token".parse().unwrap()])
        .allow_credentials(true);
    let app = app
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http())
        .layer(cors);
    remount(&mut world, app);
    world
}

#[tokio::test]
async fn login_use_and_refusals_work_below_them() {
    for place in Place::BOTH {
        for own_cors in [false, true] {
            let world = wrapped(place, own_cors);
            assert_eq!(world.browser.get("/large").await.problem_code(), "session_missing");
            world.sign_in().await;
            let page = world.browser.get("/large").await;
            assert_eq!(page.text().len(), 10_000);
            let gzip = Raw::get("/large")
                .cookies_of(&world.browser)
                .header("accept-encoding", "gzip")
                .send(&world.app)
                .await;
            assert_eq!(gzip.header("content-encoding"), Some("gzip"));
            assert_eq!(gzip.header("cache-control"), Some("no-store"));
            world.advance(400);
            let rolled = Raw::get("/large")
                .cookies_of(&world.browser)
                .header("accept-encoding", "gzip")
                .send(&world.app)
                .await;
            assert!(
                rolled
                    .all("set-cookie")
                    .iter()
                    .any(|cookie| cookie.starts_with(SESSION))
            );
            assert_eq!(
                world
                    .browser
                    .request(Method::POST, "/large")
                    .send()
                    .await
                    .problem_code(),
                "csrf_missing"
            );
        }
    }
}

#[tokio::test]
async fn an_applications_own_cors_layer_answers_preflights_and_shows_refusals() {
    // attacks: F10
    for place in Place::BOTH {
        for own_cors in [false, true] {
            let world = wrapped(place, own_cors);
            let preflight = Raw::new("OPTIONS", "/large")
                .header("origin", SPA)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "x-csrf-token")
                .send(&world.app)
                .await;
            assert!(preflight.status.is_success());
            assert_eq!(preflight.all("access-control-allow-origin"), [SPA]);
            for cookies in [false, true] {
                if cookies {
                    world.sign_in().await;
                }
                let page = world.browser.request(Method::GET, "/large").from(SPA).send().await;
                assert_eq!(page.blocked, None, "{place:?} own {own_cors}");
                assert_eq!(page.header("access-control-allow-origin"), Some(SPA), "once");
                assert_eq!(page.header("access-control-allow-credentials"), Some("true"), "once");
                assert_eq!(
                    page.status,
                    if cookies {
                        StatusCode::OK
                    } else {
                        StatusCode::UNAUTHORIZED
                    }
                );
            }
            let evil = world
                .browser
                .request(Method::GET, "/large")
                .from("https://evil.test")
                .send()
                .await;
            assert!(evil.blocked.is_some());
        }
    }
}
