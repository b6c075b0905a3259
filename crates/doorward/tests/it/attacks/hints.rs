//! Mistakes that answer every request correctly and let nobody sign in: the log says so.

use axum::Router;
use axum::routing::get;
use doorward::{Rule, Tenant};
use http::StatusCode;

use super::log::{heard, listen};
use super::support::{Place, Raw, with_app};
use crate::support::{APP, PROVIDER};

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
async fn guard_that_leads_to_the_login_it_stands_in_front_of_never_goes_in_circles() {
    let world = with_app(Place::Sealed.world(), |auth| {
        Router::new()
            .route("/page", get(|| async { "in" }))
            .merge(auth.routes())
            .route_layer(auth.require(Rule::Session.or_login()))
            .layer(auth.layer())
    });
    assert_eq!(world.browser.visit("/page").await.status, StatusCode::FOUND);
    for target in ["/auth/login", "/auth/login?return_url=%2Fpage", "/auth/callback?code=x"] {
        assert_eq!(
            world.browser.visit(target).await.problem_code(),
            "session_missing",
            "{target}"
        );
    }
}

#[tokio::test]
async fn routes_below_another_path_are_told_once() {
    for layer_outside in [true, false] {
        let world = with_app(Place::Sealed.world(), |auth| {
            let inside = Router::new().merge(auth.routes());
            match layer_outside {
                true => Router::new().nest("/app", inside).layer(auth.layer()),
                false => Router::new().nest("/app", inside.layer(auth.layer())),
            }
        });
        let (statuses, warnings) = warnings(&world.app, &["/app/auth/login", "/app/auth/session"]).await;
        assert_eq!(statuses, [302, 401]);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(
            warnings[0].contains("asked=\"/app/auth/login\"") && warnings[0].contains("base path"),
            "{warnings:?}"
        );
    }
}

#[tokio::test]
async fn login_asked_for_at_another_host_is_told_once() {
    let world = Place::Sealed.world();
    listen();
    for host in ["other.example.com", "other.example.com:8443"] {
        let answer = Raw::get("/auth/login").set("host", host).send(&world.app).await;
        assert_eq!(answer.verdict().0, 302);
    }
    let log = heard();
    let warnings: Vec<&str> = log.lines().filter(|line| line.contains("hint:")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("asked=\"https://other.example.com\""),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn login_that_names_two_hosts_is_not_sent_from_one_to_the_other() {
    let world = Place::Sealed.world();
    let location = async |target: &str, host: &str| {
        let answer = Raw::get(target).set("host", host).send(&world.app).await;
        assert_eq!(answer.status, StatusCode::FOUND);
        answer.header("location").unwrap().to_owned()
    };
    let elsewhere = "https://other.example.com/auth/login";
    assert_eq!(
        location(elsewhere, "other.example.com").await,
        format!("{APP}/auth/login")
    );
    for (target, host) in [
        (elsewhere, "app.example.com"),
        ("https://app.example.com/auth/login", "other.example.com"),
        ("https://app.example.com/auth/login", "app.example.com"),
    ] {
        let to = location(target, host).await;
        assert!(to.starts_with(PROVIDER), "{target} {host}: {to}");
    }
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

#[tokio::test]
async fn what_doorward_itself_does_not_find_is_nobodys_mistake() {
    let world = Place::Sealed.world_with(|builder| builder.tenants([Tenant::new("acme")]));
    let (statuses, warnings) = warnings(&world.app, &["/auth/login?tenant_name=initech"]).await;
    assert_eq!(statuses, [404]);
    assert_eq!(warnings, Vec::<String>::new());
}
