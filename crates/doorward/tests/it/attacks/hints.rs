//! Mistakes that answer every request correctly and let nobody sign in: the log says so.

use axum::Router;
use axum::routing::get;
use http::StatusCode;

use super::log::{heard, listen};
use super::support::{Place, Raw, with_app};

/// The statuses of these requests, and the warnings that they caused.
async fn warnings(app: &Router, targets: &[&str]) -> (Vec<u16>, Vec<String>) {
    listen();
    let mut statuses = Vec::new();
    for target in targets {
        let answer = Raw::get(target).send(app).await;
        statuses.push(answer.verdict().0);
    }
    let log = heard();
    let warnings = log.lines().filter(|line| line.contains("hint:")).map(str::to_owned);
    (statuses, warnings.collect())
}

#[tokio::test]
async fn guard_in_front_of_the_login_is_told_once() {
    let world = with_app(Place::Sealed.world(), |auth| {
        Router::new()
            .route("/api", get(|| async { "in" }))
            .merge(auth.routes())
            .route_layer(auth.require_session())
            .layer(auth.layer())
    });
    let (statuses, warnings) = warnings(&world.app, &["/api", "/auth/login?return_url=/", "/auth/login"]).await;
    assert_eq!(statuses, [401, 401, 401]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("path=\"/auth/login\"") && warnings[0].contains("after the route_layer"));
}

#[tokio::test]
async fn forgotten_routes_are_told_once() {
    let world = with_app(Place::Sealed.world(), |auth| {
        Router::new()
            .route("/api", get(|| async { "in" }))
            .route_layer(auth.require_session())
            .layer(auth.layer())
    });
    let (statuses, warnings) = warnings(&world.app, &["/other", "/auth/login", "/auth/callback"]).await;
    assert_eq!(statuses, [404, 404, 404]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("path=\"/auth/login\"") && warnings[0].contains("merge auth.routes()"));
}

#[tokio::test]
async fn nothing_is_told_where_everything_is_in_its_place() {
    let world = with_app(Place::Sealed.world(), |auth| {
        let missing = || async { StatusCode::NOT_FOUND };
        Router::new()
            .route("/api", get(|| async { "in" }))
            .route("/auth-docs/login", get(missing))
            .route_layer(auth.require_session())
            .route("/missing", get(missing))
            .merge(auth.routes())
            .layer(auth.layer())
    });
    let targets = [
        "/api",
        "/missing",
        "/auth/session",
        "/auth/callback",
        "/auth-docs/login",
        "/auth/login",
    ];
    let (statuses, warnings) = warnings(&world.app, &targets).await;
    assert_eq!(statuses, [401, 404, 401, 400, 401, 302]);
    assert_eq!(warnings, Vec::<String>::new());
}
