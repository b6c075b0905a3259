//! Changes to one session from several requests at once.

use axum::Json;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use doorward::{ProtectedRouter, Rule, Session};
use doorward_testkit::{Browser, Gate, Page};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::support::{Place, Raw, with_app};
use crate::support::World;

/// Inserts, then waits at the gate, so that both requests hold the same state before either writes.
async fn insert(State(gate): State<Gate>, Path((key, size)): Path<(String, usize)>, session: Session) -> StatusCode {
    let outcome = session.insert(&key, &"v".repeat(size));
    gate.pass().await;
    match outcome {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE,
    }
}

async fn remove(State(gate): State<Gate>, Path(key): Path<String>, session: Session) {
    session.remove(&key).unwrap();
    gate.pass().await;
}

async fn sizes(session: Session) -> Json<Value> {
    let size = |key: &str| session.get::<String>(key).unwrap().map(|value| value.len());
    Json(json!({"a": size("a"), "b": size("b"), "c": size("c")}))
}

fn world(place: Place, gate: &Gate) -> World {
    let gate = gate.clone();
    with_app(place.world(), |auth| {
        let router: ProtectedRouter<Gate> = auth.router();
        router
            .route("/home", Rule::Public, get(|| async { "home" }))
            .route("/insert/{key}/{size}", Rule::Session, post(insert))
            .route("/remove/{key}", Rule::Session, post(remove))
            .route("/sizes", Rule::Session, get(sizes))
            .build()
            .with_state(gate)
    })
}

async fn together(world: &World, gate: &Gate, targets: &[&str]) -> Vec<Page> {
    gate.close();
    let already = gate.arrivals();
    let mut requests = Vec::new();
    for target in targets {
        // One tab after another, so that their order is the same every time.
        let (tab, csrf, target): (Browser, String, String) =
            (world.browser.clone(), world.csrf(), (*target).to_owned());
        requests.push(tokio::spawn(async move {
            tab.request(Method::POST, &target)
                .header("x-csrf-token", &csrf)
                .send()
                .await
        }));
        gate.arrived(already + requests.len()).await;
    }
    gate.open();
    let mut pages = Vec::new();
    for request in requests {
        pages.push(request.await.unwrap());
    }
    pages
}

async fn sizes_of(world: &World) -> Value {
    let page = world.browser.get("/sizes").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    page.json()
}

#[tokio::test]
async fn changes_of_two_requests_at_once_are_both_kept() {
    for place in Place::BOTH {
        let gate = Gate::closed();
        let world = world(place, &gate);
        world.sign_in().await;
        let pages = together(&world, &gate, &["/insert/a/10", "/insert/b/20", "/insert/c/30"]).await;
        assert!(pages.iter().all(|page| page.status == StatusCode::OK));
        assert_eq!(sizes_of(&world).await, json!({"a": 10, "b": 20, "c": 30}), "{place:?}");
        // A removal beside an insertion too.
        together(&world, &gate, &["/remove/a", "/insert/b/5"]).await;
        assert_eq!(sizes_of(&world).await, json!({"a": null, "b": 5, "c": 30}), "{place:?}");
    }
}

#[tokio::test]
async fn a_refresh_beside_a_change_loses_neither() {
    for place in Place::BOTH {
        let gate = Gate::closed();
        let world = world(place, &gate);
        world.sign_in().await;
        world.advance(290);
        let at_provider = Gate::closed();
        world.fetch.hold(Some("token"), &at_provider);
        gate.open();
        // Both find the tokens due; one job serves both, and then the change is written on top.
        let slow = tokio::spawn({
            let (tab, csrf) = (world.browser.clone(), world.csrf());
            async move {
                tab.request(Method::POST, "/insert/a/10")
                    .header("x-csrf-token", &csrf)
                    .send()
                    .await
            }
        });
        at_provider.arrived(1).await;
        let second = tokio::spawn({
            let (tab, csrf) = (world.browser.clone(), world.csrf());
            async move {
                tab.request(Method::POST, "/insert/b/20")
                    .header("x-csrf-token", &csrf)
                    .send()
                    .await
            }
        });
        tokio::task::yield_now().await;
        at_provider.open();
        assert_eq!(slow.await.unwrap().status, StatusCode::OK);
        assert_eq!(second.await.unwrap().status, StatusCode::OK);
        assert_eq!(
            sizes_of(&world).await,
            json!({"a": 10, "b": 20, "c": null}),
            "{place:?}"
        );
        assert_eq!(world.provider.token_calls("refresh_token"), 1);
    }
}

#[tokio::test]
async fn two_changes_that_fit_alone_and_not_together_never_cost_the_session() {
    let gate = Gate::closed();
    let world = world(Place::Sealed, &gate);
    world.sign_in().await;
    let pages = together(&world, &gate, &["/insert/a/1500", "/insert/b/1500"]).await;
    let statuses: Vec<u16> = pages.iter().map(|page| page.status.as_u16()).collect();
    let sizes = sizes_of(&world).await;
    // Whoever was told yes has it kept; the other was not told yes.
    for (index, key) in ["a", "b"].into_iter().enumerate() {
        let kept = sizes[key] == 1_500;
        assert_eq!(statuses[index] == 200, kept, "{key}: {statuses:?} {sizes}");
    }
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    let refused = pages.iter().find(|page| page.status != StatusCode::OK).unwrap();
    assert_eq!(refused.problem_code(), "session_too_large");
    // The session goes on: it rolls, refreshes, and what the browser holds is the newest state.
    world.advance(290);
    assert_eq!(sizes_of(&world).await, sizes);
    world.advance(400);
    assert_eq!(sizes_of(&world).await, sizes);
    let fresh = World::build(Place::Sealed.sessions(), |builder| builder);
    fresh.clock.set(doorward::UnixTime::from_seconds(world.clock.seconds()));
    let after_a_restart = Raw::get("/api/me").cookies_of(&world.browser).send(&fresh.app).await;
    assert_eq!(after_a_restart.status, StatusCode::OK, "the cookies alone carry it");
}
