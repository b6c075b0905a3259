//! The default-deny router: every path has a rule, and what has none is refused.

use axum::Router;
use axum::routing::{any, get, post};
use doorward::Rule;
use http::StatusCode;

use super::support::{Place, Raw, with_app};
use crate::support::World;

async fn inside() -> &'static str {
    "inside"
}

/// Public, protected and nested routes, with and without fallbacks of their own.
fn world(place: Place) -> World {
    with_app(place.world(), |auth| {
        let plain = Router::new()
            .route("/leaf", get(inside))
            .route("/{id}/edit", post(inside));
        let own_fallback = Router::new()
            .route("/leaf", get(inside))
            .fallback(inside)
            .method_not_allowed_fallback(inside);
        let deep = Router::new().nest("/deeper", Router::new().route("/leaf", get(inside)));
        let files = Router::new().fallback_service(any(|| async { "a file" }));
        auth.router()
            .route("/home", Rule::Public, get(inside))
            .route("/only-get", Rule::Session, get(inside))
            .route("/everything", Rule::Session, any(inside))
            .route("/wild/{*rest}", Rule::Session, any(inside))
            .route("/admin", Rule::role("admin"), get(inside))
            .route("/nobody", Rule::any_role(Vec::<String>::new()), get(inside))
            .nest("/plain", Rule::Session, plain)
            .nest("/own", Rule::Session, own_fallback)
            .nest("/deep", Rule::role("auditor"), deep)
            .nest("/files", Rule::Session, files)
            .build()
    })
}

#[tokio::test]
async fn nothing_below_a_rule_is_reached_without_a_session_whatever_the_path_or_method() {
    // attacks: N4
    for place in Place::BOTH {
        let world = world(place);
        for target in [
            "/only-get",
            "/everything",
            "/wild/x",
            "/wild/x/y//z",
            "/admin",
            "/nobody",
            "/plain/leaf",
            "/plain/7/edit",
            "/own/leaf",
            "/own/unknown",
            "/own/",
            "/own",
            "/deep/deeper/leaf",
            "/files/a.css",
            "/files/a/b/c.js",
            // Paths that no route knows, below a prefix: the prefix's rule holds for them too.
            "/plain/unknown",
            "/plain/",
            "/plain",
            "/deep/unknown",
            "/deep/deeper/unknown",
        ] {
            for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "FOO"] {
                let answer = Raw::new(method, target).send(&world.app).await;
                assert!(
                    !String::from_utf8_lossy(&answer.body).contains("inside"),
                    "{method} {target}"
                );
                assert!(
                    !String::from_utf8_lossy(&answer.body).contains("a file"),
                    "{method} {target}"
                );
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{place:?} {method} {target}");
            }
        }
    }
}

// weakness: M19
#[tokio::test]
async fn what_no_route_names_is_404_and_leads_nowhere() {
    // attacks: N4
    for place in Place::BOTH {
        let world = world(place);
        world.sign_in().await;
        for target in [
            "/unknown",
            "//home",
            "/home/",
            "/HOME",
            "/only-get/",
            "/only-get/x",
            "/Plain/leaf",
            "/plainleaf",
            "/./only-get",
            "/x/../only-get",
            "/only-get%2f",
            "/%6fnly-get%00",
            "/auth",
            "/auth/",
            "/auth/unknown",
            "/AUTH/login",
            "/auth/session/",
        ] {
            let answer = Raw::get(target).cookies_of(&world.browser).send(&world.app).await;
            assert_eq!(answer.verdict(), (404, "route_unknown".to_owned()), "{target}");
            let stranger = Raw::get(target).send(&world.app).await;
            assert_eq!(stranger.status, StatusCode::NOT_FOUND, "{target}");
        }
    }
}

#[tokio::test]
async fn with_a_session_the_rules_let_through_and_wrong_methods_are_405() {
    for place in Place::BOTH {
        let world = world(place);
        world.sign_in().await;
        for (method, target, status) in [
            ("GET", "/only-get", 200),
            ("GET", "/everything", 200),
            ("GET", "/wild/a/b", 200),
            ("GET", "/admin", 200),
            ("GET", "/nobody", 403),
            ("GET", "/plain/leaf", 200),
            ("GET", "/plain/unknown", 404),
            ("GET", "/own/unknown", 200),
            ("GET", "/deep/deeper/leaf", 403),
            ("GET", "/deep/unknown", 403),
            ("GET", "/files/a.css", 200),
            ("OPTIONS", "/only-get", 405),
            ("GET", "/plain/7/edit", 405),
        ] {
            let answer = Raw::new(method, target)
                .cookies_of(&world.browser)
                .send(&world.app)
                .await;
            assert_eq!(answer.status.as_u16(), status, "{place:?} {method} {target}");
        }
    }
}

#[tokio::test]
async fn a_path_is_matched_once_decoded_like_axum_does_and_no_spelling_slips_by() {
    // attacks: N4
    let world = world(Place::Sealed);
    for target in [
        "/only%2dget",
        "/%6fnly-get",
        "/everythin%67",
        "/plain/%6ceaf",
        "/%70lain/leaf",
        "/wild/%2e%2e/home",
        "/wild/../home",
        "/wild/..%2fhome",
    ] {
        let answer = Raw::get(target).send(&world.app).await;
        assert!(
            matches!(answer.status.as_u16(), 401 | 404),
            "{target}: {}",
            answer.status
        );
        assert_ne!(answer.body, "inside", "{target}");
    }
}

#[tokio::test]
async fn audit_lists_every_route_and_prefix_with_its_rule() {
    let world = World::new();
    let router = world
        .auth
        .router::<()>()
        .route("/api/public", Rule::Public, get(inside))
        .route("/api/admin", Rule::role("admin").csrf_origin(), get(inside))
        .nest(
            "/api/orders",
            Rule::Session.or_login(),
            Router::new().route("/x", get(inside)),
        );
    let listed: Vec<String> = router.audit().iter().map(ToString::to_string).collect();
    assert_eq!(
        listed,
        [
            "/api/public: public",
            "/api/admin: role admin, csrf by origin",
            "/api/orders/…: session, or login",
            "/auth/login: public",
            "/auth/callback: public",
            "/auth/logout: public",
            "/auth/session: session",
            "/auth/sessions: session",
            "/auth/sessions/{id}: session",
            "/auth/token: session",
            "/auth/backchannel-logout: public",
            "/auth/frontchannel-logout: public",
            "/auth/complete: public",
            "/auth/complete.js: public",
        ]
    );
    let rules = router.audit();
    assert!(rules[2].is_prefix() && !rules[0].is_prefix());
    assert_eq!(
        (rules[1].path(), rules[1].rule()),
        ("/api/admin", &Rule::role("admin").csrf_origin())
    );
}

#[tokio::test]
async fn the_promised_shape_of_a_hand_made_router_protects() {
    // attacks: N4
    for place in Place::BOTH {
        let world = with_app(place.world(), |auth| {
            Router::new()
                .route("/api/protected", get(inside).post(inside))
                .route_layer(auth.require_session())
                .route("/home", get(inside))
                .merge(auth.routes())
                .layer(auth.layer())
        });
        for method in ["GET", "POST", "HEAD"] {
            let answer = Raw::new(method, "/api/protected").send(&world.app).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method}");
        }
        world.sign_in().await;
        assert_eq!(world.browser.get("/api/protected").await.text(), "inside");
        assert_eq!(
            world
                .browser
                .post_json("/api/protected", &serde_json::json!({}))
                .await
                .problem_code(),
            "csrf_missing"
        );
    }
}

#[tokio::test]
async fn several_guards_in_a_row_all_hold() {
    let world = with_app(Place::Sealed.world(), |auth| {
        let inner = Router::new()
            .route("/admin", get(inside).layer(auth.require(Rule::role("admin"))))
            .route("/auditor", get(inside).layer(auth.require(Rule::role("auditor"))));
        auth.router()
            .route("/home", Rule::Public, get(inside))
            .nest("/api", Rule::Session, inner)
            .build()
    });
    assert_eq!(world.browser.get("/api/admin").await.status, StatusCode::UNAUTHORIZED);
    world.sign_in().await;
    assert_eq!(world.browser.get("/api/admin").await.status, StatusCode::OK);
    assert_eq!(world.browser.get("/api/auditor").await.problem_code(), "role_missing");
}

#[tokio::test]
async fn another_base_path_moves_every_endpoint_and_leaves_nothing_behind() {
    for place in Place::BOTH {
        let world = place.world_with(|builder| builder.base_path("/account/sign-in_v2"));
        let page = world
            .browser
            .visit_following("/account/sign-in_v2/login?return_url=/home")
            .await;
        assert_eq!((page.url.path(), page.status), ("/home", StatusCode::OK));
        let session: serde_json::Value = world.browser.get("/account/sign-in_v2/session").await.json();
        assert_eq!(
            session["logoutUrl"],
            "https://app.example.com/account/sign-in_v2/logout"
        );
        let refused: serde_json::Value = world.browser.stranger().get("/api/me").await.json();
        assert_eq!(refused["login_url"], "https://app.example.com/account/sign-in_v2/login");
        for old in ["/auth/login", "/auth/session", "/auth/logout", "/auth/callback"] {
            assert_eq!(world.browser.get(old).await.status, StatusCode::NOT_FOUND);
        }
    }
}
