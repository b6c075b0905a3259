//! The application's own data in a session.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use doorward::{DataError, Doorward, Rule, Session};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::support::{Place, Raw, SESSION, with_app};
use crate::support::World;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
    total: u64,
}

/// Writes what the body says: `{"insert": {key: value}, "remove": [key]}`, and answers what each call said.
async fn change(session: Session, Json(body): Json<Value>) -> Json<Value> {
    let mut said = serde_json::Map::new();
    for (key, value) in body["insert"].as_object().into_iter().flatten() {
        let outcome = match session.insert(key, value) {
            Ok(()) => "ok",
            Err(DataError::TooLarge { .. }) => "too large",
            Err(DataError::Key) => "key",
            Err(_) => "other",
        };
        said.insert(key.clone(), outcome.into());
    }
    for key in body["remove"].as_array().into_iter().flatten() {
        session.remove(key.as_str().unwrap()).unwrap();
    }
    said.insert("seen".into(), session.get::<Value>("note").unwrap().unwrap_or_default());
    Json(Value::Object(said))
}

async fn show(session: Session) -> Json<Value> {
    let value = |key: &str| session.get::<Value>(key).unwrap();
    let user = session.user();
    Json(json!({
        "note": value("note"), "other": value("other"), "cart": value("cart"),
        "subject": user.subject, "tenant": user.tenant, "roles": user.roles, "email": user.email,
        "expires": session.expires_at().seconds(),
    }))
}

pub(super) fn app(auth: &Doorward) -> Router {
    auth.router()
        .route("/home", Rule::Public, get(|| async { "home" }))
        .route("/data", Rule::Session, get(show).post(change))
        .route("/admin", Rule::role("owner"), get(|| async { "in" }))
        .route("/panic", Rule::Session, post(panics))
        .build()
}

async fn panics(session: Session) -> String {
    session.insert("note", &"half").unwrap();
    panic!("a handler that breaks");
}

async fn signed_in(place: Place) -> World {
    let world = with_app(place.world(), app);
    world.sign_in().await;
    world
}

async fn post_change(world: &World, body: Value) -> Value {
    let request = world
        .browser
        .request(Method::POST, "/data")
        .header("x-csrf-token", &world.csrf());
    let page = request.json(&body).send().await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    page.json()
}

async fn read(world: &World) -> Value {
    let page = world.browser.get("/data").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    page.json()
}

#[tokio::test]
async fn data_is_read_back_in_this_request_the_next_and_after_a_refresh() {
    for place in Place::BOTH {
        let world = signed_in(place).await;
        assert_eq!(read(&world).await["note"], Value::Null);
        let cart = serde_json::to_value(Cart {
            items: vec!["ä".into(), "\u{0}\"".into()],
            total: u64::MAX,
        })
        .unwrap();
        let said = post_change(&world, json!({"insert": {"note": "first", "cart": cart}})).await;
        assert_eq!(said["seen"], "first", "{place:?}: seen by the handler that wrote it");
        assert_eq!(read(&world).await["cart"], cart);
        world.advance(290);
        assert_eq!(read(&world).await["note"], "first", "{place:?}: over a refresh");
        assert_eq!(world.provider.token_calls("refresh_token"), 1);
        world.advance(500);
        assert_eq!(read(&world).await["note"], "first", "{place:?}: over a roll");
        post_change(
            &world,
            json!({"insert": {"note": "second"}, "remove": ["cart", "never was"]}),
        )
        .await;
        let now = read(&world).await;
        assert_eq!((&now["note"], &now["cart"]), (&json!("second"), &Value::Null));
        // A new login starts with nothing of the old one.
        world.sign_in().await;
        assert_eq!(read(&world).await["note"], Value::Null, "{place:?}");
    }
}

#[tokio::test]
async fn too_much_data_is_an_error_for_the_developer_and_never_a_lost_session() {
    let world = signed_in(Place::Sealed).await;
    post_change(&world, json!({"insert": {"note": "kept"}})).await;
    let said = post_change(&world, json!({"insert": {"other": "x".repeat(5_000)}})).await;
    assert_eq!(said["other"], "too large");
    assert_eq!(read(&world).await["note"], "kept");
    // Filled up in small steps: the step that does not fit is refused, the ones before are kept.
    let mut refused = 0;
    for step in 0..30 {
        let key = format!("k{step}");
        let said = post_change(&world, json!({"insert": {key.clone(): "y".repeat(200)}})).await;
        refused += usize::from(said[&key] == "too large");
    }
    assert!((10..25).contains(&refused), "{refused}");
    assert_eq!(read(&world).await["note"], "kept");
    assert!(
        world
            .browser
            .cookies()
            .iter()
            .all(|cookie| cookie.name.len() + cookie.value.len() < 4_096)
    );
    // A session filled to the brim still rolls and refreshes.
    world.advance(290);
    assert_eq!(read(&world).await["note"], "kept");
    world.advance(1_000);
    assert_eq!(read(&world).await["note"], "kept");
    // A store has the room.
    let world = signed_in(Place::Stored).await;
    let said = post_change(&world, json!({"insert": {"other": "x".repeat(50_000)}})).await;
    assert_eq!(said["other"], "ok");
    assert_eq!(read(&world).await["other"].as_str().unwrap().len(), 50_000);
}

#[tokio::test]
async fn keys_have_1_to_64_bytes() {
    for place in Place::BOTH {
        let world = signed_in(place).await;
        let (long, longest) = ("k".repeat(65), "k".repeat(64));
        let said = post_change(
            &world,
            json!({"insert": {"": 1, long.clone(): 1, longest.clone(): 1, "ü": 1}}),
        )
        .await;
        assert_eq!(
            (&said[""], &said[&long], &said[&longest], &said["ü"]),
            (&json!("key"), &json!("key"), &json!("ok"), &json!("ok"))
        );
    }
}

// weakness: S7
#[tokio::test]
async fn no_key_reaches_what_the_session_itself_is_made_of() {
    for place in Place::BOTH {
        let world = signed_in(place).await;
        let before = read(&world).await;
        let mut insert = serde_json::Map::new();
        for key in [
            "subject",
            "sub",
            "user",
            "user.roles",
            "roles",
            "tenant",
            "email",
            "id",
            "csrf",
            "issued_at",
            "idle_expires_at",
            "absolute_expires_at",
            "expires_at",
            "revision",
            "refresh_token",
            "access_token",
            "scopes",
            "provider",
            "__proto__",
        ] {
            insert.insert(key.into(), json!(["owner"]));
        }
        post_change(&world, json!({ "insert": insert })).await;
        let after = read(&world).await;
        for field in ["subject", "tenant", "roles", "email", "expires"] {
            assert_eq!(after[field], before[field], "{place:?} {field}");
        }
        assert_eq!(world.browser.get("/admin").await.status, StatusCode::FORBIDDEN);
        let answer = Raw::post("/data")
            .cookies_of(&world.browser)
            .header("x-csrf-token", "owner")
            .send(&world.app)
            .await;
        assert_eq!(answer.verdict(), (403, "csrf_mismatch".to_owned()));
    }
}

#[tokio::test]
async fn a_handler_that_panics_leaves_the_session_as_it_was() {
    // attacks: N3
    for place in Place::BOTH {
        let world = signed_in(place).await;
        post_change(&world, json!({"insert": {"note": "whole"}})).await;
        let before = world.browser.cookie(SESSION);
        let broken = tokio::spawn({
            let request = Raw::post("/panic")
                .cookies_of(&world.browser)
                .header("x-csrf-token", &world.csrf());
            let app = world.app.clone();
            async move { request.send(&app).await.status }
        });
        assert!(broken.await.is_err(), "the panic is the application's to catch");
        assert_eq!(world.browser.cookie(SESSION), before);
        assert_eq!(read(&world).await["note"], "whole", "{place:?}");
    }
}

#[tokio::test]
async fn a_value_of_another_type_is_an_error_and_no_panic() {
    for place in Place::BOTH {
        let world = with_app(place.world(), |auth| {
            async fn typed(session: Session) -> String {
                session.insert("note", &"text").unwrap();
                let error = session.get::<Cart>("note").unwrap_err();
                assert!(
                    session
                        .insert("bad", &std::collections::HashMap::from([((1, 2), 3)]))
                        .is_err()
                );
                error.to_string()
            }
            auth.router()
                .route("/home", Rule::Public, get(|| async { "home" }))
                .route("/typed", Rule::Session, get(typed))
                .build()
        });
        world.sign_in().await;
        let page = world.browser.get("/typed").await;
        assert_eq!(
            (page.status, page.text()),
            (StatusCode::OK, "value is not serializable as JSON")
        );
    }
}

#[tokio::test]
async fn data_changed_after_the_headers_went_out_is_refused_and_nothing_is_half_written() {
    // attacks: N3
    type Late = std::sync::Arc<std::sync::Mutex<Option<Session>>>;
    async fn keep(State(late): State<Late>, session: Session) -> &'static str {
        session.insert("note", &"in time").unwrap();
        *late.lock().unwrap() = Some(session);
        "answered"
    }
    for place in Place::BOTH {
        let late = Late::default();
        let state = late.clone();
        let world = with_app(place.world(), |auth| {
            let router: doorward::ProtectedRouter<Late> = auth.router();
            router
                .route("/home", Rule::Public, get(|| async { "home" }))
                .route("/keep", Rule::Session, get(keep))
                .route("/data", Rule::Session, get(show))
                .build()
                .with_state(state)
        });
        world.sign_in().await;
        world.browser.get("/keep").await;
        let session = late.lock().unwrap().take().unwrap();
        assert!(matches!(session.insert("note", &"late"), Err(DataError::TooLate)));
        assert!(matches!(session.remove("note"), Err(DataError::TooLate)));
        assert_eq!(read(&world).await["note"], "in time", "{place:?}");
    }
}
