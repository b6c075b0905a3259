//! Stored sessions: what the store sees, what a guess is worth, and what an outage does.

use std::collections::HashSet;
use std::sync::Arc;

use doorward::{MemoryStore, Sessions};
use doorward_testkit::{Endpoint, run_store_suite};
use http::{Method, StatusCode};

use super::support::{Meddled, Place, Raw, SESSION, assert_refused};
use crate::support::{APP, PROVIDER, SECRET, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_store_keeps_every_promise_of_a_store() {
    let memory = Arc::new(MemoryStore::new());
    run_store_suite(async || Arc::clone(&memory)).await;
    let shared = Arc::new(Meddled::default());
    run_store_suite(async || Arc::clone(&shared)).await;
}

#[tokio::test]
async fn guessed_handles_are_misses_and_leave_nothing_behind() {
    // attacks: E19, E20
    let store = Meddled::default();
    let world = store.world();
    let long = "A".repeat(4_000);
    for guess in [
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "________________________________________________________________",
        "*",
        "?",
        "a:b:c",
        "../../etc/passwd",
        "FLUSHALL",
        "' OR 1=1 --",
        long.as_str(),
        "0",
    ] {
        let cookie = format!("{SESSION}={guess}");
        for (method, target) in [
            ("GET", "/api/me"),
            ("GET", "/open/optional"),
            ("GET", "/auth/session"),
            ("GET", "/auth/login"),
            ("GET", "/auth/callback?state=x&code=y"),
        ] {
            let answer = Raw::new(method, target)
                .header("cookie", &cookie)
                .send(&world.app)
                .await;
            assert!(!answer.status.is_server_error(), "{guess} {target}");
            assert!(!(target == "/api/me" && answer.status.is_success()));
        }
        let logout = Raw::post("/auth/logout")
            .header("origin", APP)
            .header("cookie", &cookie)
            .send(&world.app)
            .await;
        assert_eq!(logout.status, StatusCode::OK, "{guess}");
    }
    assert_eq!(store.writes(), 0, "nobody outside chooses what the store holds");
    assert_eq!(world.handled(), 0);
}

#[tokio::test]
async fn a_handle_of_another_deployment_is_a_miss_and_is_never_adopted() {
    // attacks: E19, E20, M10
    let (here, there) = (Place::Stored.world(), Place::Stored.world());
    there.sign_in().await;
    let foreign = there.browser.cookie_header("/");
    let answer = Raw::get("/api/me").header("cookie", &foreign).send(&here.app).await;
    assert_eq!(answer.verdict(), (401, "session_expired".to_owned()));
    // Signing in with a planted handle gives a fresh one; the planted one stays worthless.
    for cookie in there.browser.cookies() {
        here.browser.plant(cookie);
    }
    here.sign_in().await;
    assert_ne!(here.browser.cookie(SESSION), there.browser.cookie(SESSION));
    assert_ne!(
        Raw::get("/api/me")
            .header("cookie", &foreign)
            .send(&here.app)
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn the_store_sees_digests_and_sealed_records_only() {
    // attacks: E19
    let store = Meddled::default();
    let world = store.world();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let keep = seen.clone();
    store.tamper(move |payload| {
        keep.lock().unwrap().push(payload.clone());
        payload
    });
    world.sign_in().await;
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
    let handle = world.browser.cookie(SESSION).unwrap();
    for key in store.keys() {
        assert!(!handle.contains(&key.to_hex()) && key.to_hex().len() == 64);
        assert!(!format!("{key:?}").contains(&key.to_hex()));
    }
    let records = seen.lock().unwrap().clone();
    assert!(!records.is_empty());
    let mut secrets = world.provider.minted_secrets();
    secrets.extend(["alice".to_owned(), "acme".to_owned(), handle, world.csrf()]);
    for record in records {
        let text = String::from_utf8_lossy(&record).into_owned();
        assert!(secrets.iter().all(|secret| !text.contains(secret.as_str())));
    }
}

#[tokio::test]
async fn a_record_that_is_no_record_of_ours_is_no_session_and_no_error() {
    // attacks: E21, N10
    let changes: [fn(Vec<u8>) -> Vec<u8>; 7] = [
        |_| Vec::new(),
        |_| vec![0; 5],
        |_| b"not a record at all".to_vec(),
        |mut record| {
            record[0] = record[0].wrapping_add(1);
            record
        },
        |mut record| {
            let middle = record.len() / 3;
            record[middle] ^= 1;
            record
        },
        |mut record| {
            record[1] = 0xff;
            record
        },
        |mut record| {
            record.truncate(record.len() / 4);
            record
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let store = Meddled::default();
        let world = store.world();
        world.sign_in().await;
        store.tamper(change);
        assert_refused(
            &world.browser.get("/api/me").await,
            StatusCode::UNAUTHORIZED,
            "session_invalid",
        );
        let optional = world.browser.get("/open/optional").await;
        assert_eq!(optional.status, StatusCode::OK, "change {number}");
        assert_eq!(optional.json::<serde_json::Value>()["subject"], serde_json::Value::Null);
        // The way out is there: a new login, and logging out.
        assert_eq!(
            world.browser.request(Method::POST, "/auth/logout").send().await.status,
            StatusCode::OK
        );
        assert_eq!(world.handled(), 0);
    }
}

#[tokio::test]
async fn a_record_under_another_sessions_key_does_not_open() {
    // attacks: E21
    let store = Meddled::default();
    let world = store.world();
    world.sign_in().await;
    let records = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let keep = records.clone();
    store.tamper(move |payload| {
        keep.lock().unwrap().push(payload.clone());
        payload
    });
    world.browser.get("/api/me").await;
    let alice = records.lock().unwrap().last().unwrap().clone();
    world.provider.script(|script| script.subject = "mallory".into());
    let mallory = world.browser.stranger();
    mallory.visit_following("/auth/login").await;
    store.tamper(move |_| alice.clone());
    assert_refused(
        &mallory.get("/api/me").await,
        StatusCode::UNAUTHORIZED,
        "session_invalid",
    );
}

#[tokio::test]
async fn an_outage_of_the_store_is_503_and_costs_nobody_the_session() {
    let store = Meddled::default();
    let world = store.world();
    world.sign_in().await;
    store.fail(true);
    for target in [
        "/api/me",
        "/open/optional",
        "/auth/session",
        "/auth/session?slide=false",
        "/open/extractor",
        "/open/layer",
    ] {
        let page = world.browser.get(target).await;
        assert_refused(&page, StatusCode::SERVICE_UNAVAILABLE, "store_unavailable");
        assert_eq!(page.header("retry-after"), Some("1"), "{target}");
        assert_eq!(page.header("www-authenticate"), None);
    }
    // A navigation is not sent to login for it either.
    let visit = world.browser.visit("/page").await;
    assert_eq!(visit.status, StatusCode::SERVICE_UNAVAILABLE);
    // Nor does a logout pretend.
    let logout = world.browser.request(Method::POST, "/auth/logout").send().await;
    assert_refused(&logout, StatusCode::SERVICE_UNAVAILABLE, "store_unavailable");
    assert_eq!(world.handled(), 0);
    // Who has no session cookie is told so, store or not.
    assert_eq!(
        world.browser.stranger().get("/api/me").await.problem_code(),
        "session_missing"
    );
    store.fail(false);
    // The store is asked again after a rest.
    world.advance(1);
    assert_eq!(world.browser.get("/api/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_login_during_an_outage_of_the_store_is_503_and_makes_no_session() {
    let store = Meddled::default();
    let world = store.world();
    let login = world.browser.visit("/auth/login").await;
    let provider = world.browser.follow(&login).await;
    store.fail(true);
    let page = world.browser.follow(&provider).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.text());
    assert!(page.text().contains("store_unavailable") && page.header("retry-after").is_some());
    assert!(world.browser.cookie(SESSION).is_none());
}

#[tokio::test]
async fn forged_requests_never_reach_the_store() {
    let store = Meddled::default();
    let world = store.world();
    world.sign_in().await;
    let before = store.calls();
    for (header, value) in [
        ("origin", "https://evil.test"),
        ("sec-fetch-site", "cross-site"),
        ("x-csrf-token", "wrong"),
    ] {
        let answer = Raw::post("/api/me")
            .cookies_of(&world.browser)
            .header(header, value)
            .send(&world.app)
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{header}");
    }
    assert_eq!(store.calls(), before);
}

#[tokio::test]
async fn a_changed_session_that_the_store_does_not_take_is_503_and_not_a_success() {
    // attacks: N3
    let store = Meddled::default();
    let world = store.world();
    world.sign_in().await;
    let gate = doorward_testkit::Gate::closed();
    store.hold_replacements(&gate);
    let write = tokio::spawn({
        let tab = world.browser.clone();
        let csrf = world.csrf();
        async move {
            let request = tab.request(Method::POST, "/api/data").header("x-csrf-token", &csrf);
            request.json(&serde_json::json!({"note": "kept?"})).send().await
        }
    });
    gate.arrived(1).await;
    store.fail(true);
    gate.open();
    assert_refused(
        &write.await.unwrap(),
        StatusCode::SERVICE_UNAVAILABLE,
        "store_unavailable",
    );
    store.fail(false);
    assert_eq!(
        world.browser.get("/api/data").await.json::<serde_json::Value>()["note"],
        serde_json::Value::Null
    );
}

#[tokio::test]
async fn a_worthless_handle_without_a_login_is_no_reason_to_be_sent_home() {
    // Home may send to login and login here again: a stale cookie must not make a circle of it.
    let store = Meddled::default();
    let world = store.world();
    world.sign_in().await;
    let signed_in = world.browser.visit("/auth/callback?code=x&state=y").await;
    assert_eq!(
        (signed_in.status, signed_in.header("location")),
        (StatusCode::FOUND, Some("https://app.example.com/"))
    );
    let copy = world.browser.thief();
    world.browser.request(Method::POST, "/auth/logout").send().await;
    let stale = copy.visit("/auth/callback?code=x&state=y").await;
    assert_eq!(stale.status, StatusCode::BAD_REQUEST, "a session that ended");
    let guess = format!("{SESSION}={}", "A".repeat(64));
    let answer = Raw::get("/auth/callback?code=x&state=y")
        .header("cookie", &guess)
        .send(&world.app)
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "a session that never was");
    assert_eq!(world.provider.count(Endpoint::Token), 1);
}

#[tokio::test]
async fn two_instances_over_one_store_take_a_login_once() {
    // attacks: K14
    let store = Meddled::default();
    let first = store.world();
    // Another process of the same deployment: same secret, same store, its own memory.
    let second = World::build(Sessions::stored(SECRET, store.clone()), |builder| {
        builder.fetch(first.fetch.clone())
    });
    let login = first.browser.visit("/auth/login").await;
    let provider = first.browser.follow(&login).await;
    let callback = provider.location().unwrap();
    let target = format!("{}?{}", callback.path(), callback.query().unwrap());
    let cookies = first.browser.cookie_header("/");
    let answer = Raw::get(&target).header("cookie", &cookies).send(&first.app).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    let again = Raw::get(&target).header("cookie", &cookies).send(&second.app).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert_eq!(first.provider.token_calls("authorization_code"), 1);
    let keys: HashSet<_> = store.keys().into_iter().collect();
    assert_eq!(keys.len(), 2, "one session and one used login");
}

#[tokio::test]
async fn an_answer_that_matches_no_login_costs_the_store_nothing() {
    let store = Meddled::default();
    let world = store.world();
    for answer in [
        // Another issuer, an error of the provider, and no code at all.
        "&iss=https%3A%2F%2Fevil.test&code=x",
        "&iss=https%3A%2F%2Fid.example.net&error=access_denied",
        "&iss=https%3A%2F%2Fid.example.net",
    ] {
        let login = world.browser.visit("/auth/login").await;
        let state = login.location().unwrap();
        let state = state.query_pairs().find(|(name, _)| name == "state").unwrap().1;
        let target = format!("/auth/callback?state={state}{answer}");
        let page = world.browser.visit(&target).await;
        assert!(page.status.is_client_error(), "{answer}: {}", page.status);
        let again = world.browser.visit(&target).await;
        assert!(again.status.is_client_error(), "{answer}: {}", again.status);
    }
    assert_eq!(store.writes(), 0);
    assert_eq!(world.provider.count(Endpoint::Token), 0);
    world.sign_in().await;
    assert!(store.writes() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_written_without_an_answer_is_ended_again() {
    let store = Meddled::default();
    let world = store.world();
    let sessions = async || {
        let sessions = world.auth.sessions();
        sessions.of_user(PROVIDER, "alice").await.unwrap().len()
    };
    let login = world.browser.visit("/auth/login").await;
    let provider = world.browser.follow(&login).await;
    store.lose_answers(true);
    let page = world.browser.follow(&provider).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.text());
    assert!(world.browser.cookie(SESSION).is_none());
    store.lose_answers(false);
    assert_eq!(sessions().await, 1, "it is there, and nobody has its cookie");
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(sessions().await, 0);
    world.sign_in().await;
    assert_eq!(sessions().await, 1);
}
