//! Where the application takes part in a login.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use doorward::{DataError, Login, LoginDenied};
use doorward_testkit::Endpoint;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::support::{Place, SESSION};

// weakness: C6
#[tokio::test]
async fn on_login_sets_roles_and_data_and_the_rules_go_by_them() {
    for place in Place::BOTH {
        let world = place.world_with(|builder| {
            builder.on_login(|mut login: Login| async move {
                assert_eq!(login.user().subject, "alice");
                assert_eq!(login.user().email.as_deref(), Some("alice@acme.test"));
                login.insert("note", &"from the login").unwrap();
                login.set_roles(["auditor"]);
                Ok(login)
            })
        });
        world.sign_in().await;
        assert_eq!(world.browser.get("/api/auditor").await.status, StatusCode::OK);
        assert_eq!(
            world.browser.get("/api/admin").await.problem_code(),
            "role_missing",
            "the provider's roles are replaced"
        );
        assert_eq!(
            world.browser.get("/api/data").await.json::<Value>()["note"],
            "from the login"
        );
    }
}

#[tokio::test]
async fn a_login_that_the_application_refuses_is_403_and_no_session() {
    for place in Place::BOTH {
        let world = place.world_with(|builder| {
            builder.on_login(|_: Login| async { Err(LoginDenied::new("user is on leave <b>until Monday</b>")) })
        });
        let page = world.browser.visit_following("/auth/login").await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.text().contains("login_denied"));
        assert!(!page.text().contains("on leave"), "the reason is for the log");
        assert!(world.browser.cookie(SESSION).is_none());
        assert!(world.browser.cookies().is_empty(), "the login's cookie is used up");
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_refused_login_leaves_the_session_before_it_alone() {
    for place in Place::BOTH {
        let allow = Arc::new(AtomicUsize::new(1));
        let left = allow.clone();
        let world = place.world_with(|builder| {
            builder.on_login(move |login: Login| {
                let allowed = left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                    .is_ok();
                async move {
                    if allowed {
                        Ok(login)
                    } else {
                        Err(LoginDenied::new("no more"))
                    }
                }
            })
        });
        world.sign_in().await;
        let refused = world.browser.visit_following("/auth/login").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK, "{place:?}");
    }
}

#[tokio::test]
async fn the_hook_runs_once_for_a_verified_login_and_never_for_another() {
    let runs = Arc::new(AtomicUsize::new(0));
    let seen = runs.clone();
    let world = Place::Sealed.world_with(|builder| {
        builder.on_login(move |login: Login| {
            seen.fetch_add(1, Ordering::SeqCst);
            async { Ok(login) }
        })
    });
    world.browser.visit("/auth/callback?code=x&state=y").await;
    world
        .provider
        .script(|script| script.token.id_token.claim("nonce", "another"));
    assert_eq!(
        world.browser.visit_following("/auth/login").await.status,
        StatusCode::BAD_GATEWAY
    );
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    world.provider.reset();
    world.sign_in().await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    world.advance(290);
    world.browser.get("/api/me").await;
    assert_eq!(runs.load(Ordering::SeqCst), 1, "a refresh is no login");
}

#[tokio::test]
async fn a_hook_that_panics_makes_no_session() {
    for place in Place::BOTH {
        let world = place.world_with(|builder| builder.on_login(|_: Login| async { panic!("the database is away") }));
        let browser = world.browser.clone();
        let outcome = tokio::spawn(async move { browser.visit_following("/auth/login").await.status }).await;
        assert!(outcome.is_err());
        assert!(world.browser.cookie(SESSION).is_none());
        assert_eq!(world.browser.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn too_much_data_at_login_is_an_error_for_the_developer_and_the_login_goes_on() {
    let world = Place::Sealed.world_with(|builder| {
        builder.on_login(|mut login: Login| async move {
            login.insert("note", &"small").unwrap();
            let refused = login.insert("profile", &"x".repeat(5_000));
            assert!(matches!(refused, Err(DataError::TooLarge { .. })));
            assert!(matches!(login.insert("", &1), Err(DataError::Key)));
            Ok(login)
        })
    });
    world.sign_in().await;
    assert_eq!(world.browser.get("/api/data").await.json::<Value>()["note"], "small");
    // A store has the room.
    let world = Place::Stored.world_with(|builder| {
        builder.on_login(|mut login: Login| async move {
            login.insert("note", &"x".repeat(5_000)).unwrap();
            Ok(login)
        })
    });
    world.sign_in().await;
    assert_eq!(
        world.browser.get("/api/data").await.json::<Value>()["note"]
            .as_str()
            .unwrap()
            .len(),
        5_000
    );
}

#[tokio::test]
async fn session_metadata_fills_the_session_endpoint() {
    for place in Place::BOTH {
        let world = place.world_with(|builder| {
            builder.session_metadata(|session| {
                json!({
                    "name": session.user().name,
                    "note": session.get::<String>("note").unwrap(),
                    "since": session.issued_at().seconds(),
                })
            })
        });
        world.sign_in().await;
        let write = world
            .browser
            .request(Method::POST, "/api/data")
            .header("x-csrf-token", &world.csrf());
        write.json(&json!({"note": "mine"})).send().await;
        let body: Value = world.browser.get("/auth/session").await.json();
        assert_eq!(
            body["metadata"],
            json!({"name": "Alice Archer", "note": "mine", "since": 1_790_000_000_u64})
        );
        assert_eq!(body["userId"], "alice");
    }
}

// weakness: S8
#[tokio::test]
async fn a_second_login_ends_the_first_session_and_mixes_nothing() {
    // attacks: B24
    for place in Place::BOTH {
        let world = place.world();
        world.provider.script(|script| script.subject = "bob".into());
        world.sign_in().await;
        let write = world
            .browser
            .request(Method::POST, "/api/data")
            .header("x-csrf-token", &world.csrf());
        write.json(&json!({"note": "bob's"})).send().await;
        let bob = world.browser.thief();
        world.provider.script(|script| script.subject = "alice".into());
        world.sign_in().await;
        assert_eq!(world.browser.get("/api/me").await.json::<Value>()["subject"], "alice");
        assert_eq!(
            world.browser.get("/api/data").await.json::<Value>()["note"],
            Value::Null
        );
        assert_eq!(bob.get("/api/me").await.problem_code(), "session_revoked", "{place:?}");
        assert_eq!(world.provider.count(Endpoint::Token), 2);
    }
}

#[tokio::test]
async fn parameter_of_the_link_reaches_on_login_only_where_the_application_asked_for_it() {
    // weakness: L13
    for place in Place::BOTH {
        let world = place.world_with(|builder| {
            builder
                .carry_through_login(["invite", "plan"])
                .on_login(|mut login: Login| async move {
                    assert_eq!(login.carried("other"), None);
                    assert_eq!(login.carried("return_url"), None);
                    let note = format!("{:?} {:?}", login.carried("invite"), login.carried("plan"));
                    login.insert("note", &note).unwrap();
                    Ok(login)
                })
        });
        let note = async || world.browser.get("/api/data").await.json::<Value>()["note"].clone();
        let login = "/auth/login?return_url=/home&invite=i%261%3D&other=x";
        assert_eq!(world.browser.visit_following(login).await.url.path(), "/home");
        assert_eq!(note().await, json!("Some(\"i&1=\") None"));
        assert_eq!(world.provider.requests_to(Endpoint::Authorize)[0].param("invite"), None);

        // Nor is it lost where the login took too long and begins anew.
        let begun = world.browser.visit("/auth/login?return_url=/home&plan=gold").await;
        let answer = world.browser.follow(&begun).await;
        world.advance(700);
        let page = world.browser.follow(&answer).await;
        assert_eq!(world.browser.follow_all(page).await.url.path(), "/home");
        assert_eq!(note().await, json!("None Some(\"gold\")"));

        for (query, status) in [
            ("invite=a&invite=a".to_owned(), StatusCode::BAD_REQUEST),
            (format!("invite={}", "i".repeat(507)), StatusCode::PAYLOAD_TOO_LARGE),
            (format!("invite={}", "i".repeat(506)), StatusCode::FOUND),
        ] {
            let page = world.browser.visit(&format!("/auth/login?{query}")).await;
            assert_eq!(page.status, status, "{:.20}: {}", query, page.text());
        }
    }
}
