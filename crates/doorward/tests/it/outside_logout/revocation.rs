//! Sessions in cookies with a revocation store: a logout counts in every process and after a restart.

use doorward::ports::{SessionStore as _, Write};
use doorward_testkit::Browser;
use http::{Method, StatusCode};
use serde_json::json;

use super::{Ends, REVOKED, heard, sign_in, stands, stands_at, tell, token};
use crate::attacks::support::{Meddled, Raw};

const ENDS: Ends = Ends::Revoked;

async fn sign_out(browser: &Browser) -> StatusCode {
    browser.request(Method::POST, "/auth/logout").send().await.status
}

#[tokio::test]
async fn a_logout_counts_in_another_process_as_soon_as_the_feed_tells() {
    let (first, store) = ENDS.world();
    let second = ENDS.beside(&first, &store);
    let (alice, _) = sign_in(&first, "alice").await;
    let copy = alice.thief();
    assert_eq!(stands_at(&second, &copy).await, "200");
    heard().await;
    assert_eq!(sign_out(&alice).await, StatusCode::OK);
    heard().await;
    assert_eq!(stands_at(&second, &copy).await, REVOKED);
    assert_eq!(stands(&copy).await, REVOKED);
}

#[tokio::test]
async fn without_the_feed_a_logout_counts_elsewhere_after_ten_seconds_at_most() {
    let (first, store) = ENDS.world();
    store.silence();
    let second = ENDS.beside(&first, &store);
    let (alice, sid) = sign_in(&first, "alice").await;
    let (bob, _) = sign_in(&first, "bob").await;
    let copy = alice.thief();
    assert_eq!(stands_at(&second, &copy).await, "200");
    tell(&first, &token(&first, json!({"sid": sid}))).await;
    first.advance(4);
    assert_eq!(stands_at(&second, &copy).await, "200", "judged by the copy");
    first.advance(6);
    assert_eq!(stands_at(&second, &copy).await, REVOKED);
    assert_eq!(stands_at(&second, &bob).await, "200");
}

#[tokio::test]
async fn a_copy_that_is_due_is_read_behind_a_request_and_not_before_it() {
    let (first, store) = ENDS.world();
    store.silence();
    let second = ENDS.beside(&first, &store);
    let (alice, _) = sign_in(&first, "alice").await;
    let copy = alice.thief();
    assert_eq!(stands_at(&second, &copy).await, "200");
    sign_out(&alice).await;
    first.advance(5);
    assert_eq!(stands_at(&second, &copy).await, "200", "the one that has it read");
    heard().await;
    assert_eq!(stands_at(&second, &copy).await, REVOKED, "the next one");
}

#[tokio::test]
async fn a_logout_outlasts_a_restart() {
    let (first, store) = ENDS.world();
    let (alice, _) = sign_in(&first, "alice").await;
    let (bob, sid) = sign_in(&first, "bob").await;
    let (carol, _) = sign_in(&first, "carol").await;
    let (alice_copy, bob_copy) = (alice.thief(), bob.thief());
    sign_out(&alice).await;
    tell(&first, &token(&first, json!({"sid": sid}))).await;
    // At once, and when nothing of it is new any more.
    for minutes in [0, 50] {
        first.advance(minutes * 60);
        let restarted = ENDS.beside(&first, &store);
        assert_eq!(stands_at(&restarted, &carol).await, "200");
        for copy in [&alice_copy, &bob_copy] {
            assert_eq!(stands_at(&restarted, copy).await, REVOKED, "{minutes}");
        }
    }
}

#[tokio::test]
async fn a_process_that_could_not_read_for_long_reads_all_again() {
    let (first, store) = ENDS.world();
    store.silence();
    let second = ENDS.beside(&first, &store);
    let (alice, _) = sign_in(&first, "alice").await;
    let copy = alice.thief();
    assert_eq!(stands_at(&second, &copy).await, "200");
    sign_out(&alice).await;
    // Longer than anything stands in the lists of what is new.
    first.advance(3_000);
    assert_eq!(stands_at(&second, &copy).await, REVOKED);
}

#[tokio::test]
async fn requests_cost_the_store_nothing() {
    let (world, store) = ENDS.world();
    let (alice, _) = sign_in(&world, "alice").await;
    assert_eq!(stands(&alice).await, "200");
    let before = store.calls();
    for _ in 0..200 {
        assert_eq!(stands(&alice).await, "200");
    }
    assert_eq!(store.calls(), before);
    world.advance(5);
    for _ in 0..200 {
        assert_eq!(stands(&alice).await, "200");
    }
    heard().await;
    assert!(store.calls() - before <= 3, "the three lists of what is new");
}

#[tokio::test]
async fn while_the_store_is_away_the_copy_judges_for_a_minute_and_then_nobody_does() {
    let (world, store) = ENDS.world();
    let (alice, _) = sign_in(&world, "alice").await;
    let (bob, _) = sign_in(&world, "bob").await;
    assert_eq!(stands(&alice).await, "200");
    assert_eq!(sign_out(&bob.thief()).await, StatusCode::OK);
    store.fail(true);
    for _ in 0..59 {
        world.advance(1);
        assert_eq!(stands(&alice).await, "200");
    }
    world.advance(1);
    let page = alice.get("/api/me").await;
    assert_eq!(
        (page.status, page.problem_code().as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable")
    );
    assert_eq!(page.header("retry-after"), Some("1"));
    assert!(page.set_cookies().is_empty());
    // Who was ended is told so all the same, and who brings nothing is not asked to wait.
    assert_eq!(stands(&bob).await, REVOKED);
    assert_eq!(stands(&alice.stranger()).await, "session_missing");
    let calls = store.calls();
    for _ in 0..100 {
        assert_eq!(stands(&alice).await, "store_unavailable");
    }
    assert!(
        store.calls() - calls <= 2,
        "a store that is away is asked once a second"
    );
    store.fail(false);
    world.advance(1);
    assert_eq!(stands(&alice).await, "200");
}

#[tokio::test]
async fn a_process_that_has_never_read_lets_nobody_in() {
    let (first, store) = ENDS.world();
    let (alice, _) = sign_in(&first, "alice").await;
    let second = ENDS.beside(&first, &store);
    store.fail(true);
    assert_eq!(stands_at(&second, &alice).await, "store_unavailable");
    let look = Raw::get("/auth/session?slide=false").cookies_of(&alice);
    assert_eq!(look.send(&second.app).await.code(), "store_unavailable");
    store.fail(false);
    first.advance(1);
    assert_eq!(stands_at(&second, &alice).await, "200");
}

#[tokio::test]
async fn a_logout_that_the_store_does_not_take_is_503_and_finished_by_the_next() {
    // attacks: J9
    let (first, store) = ENDS.world();
    let (alice, _) = sign_in(&first, "alice").await;
    let copy = alice.thief();
    store.fail(true);
    let page = alice.request(Method::POST, "/auth/logout").send().await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.set_cookies().is_empty());
    assert_eq!(stands(&copy).await, REVOKED, "here it ended at once");
    store.fail(false);
    let second = ENDS.beside(&first, &store);
    assert_eq!(stands_at(&second, &copy).await, "200", "nobody has told the others");
    assert_eq!(sign_out(&alice).await, StatusCode::OK);
    first.advance(10);
    assert_eq!(stands_at(&second, &copy).await, REVOKED);
    while first.fetch.count("revocation") == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        first.fetch.count("revocation"),
        1,
        "the refresh token is taken back once"
    );
}

#[tokio::test]
async fn a_new_login_ends_the_session_before_it_everywhere() {
    let (first, store) = ENDS.world();
    let (alice, _) = sign_in(&first, "alice").await;
    let before = alice.thief();
    alice.visit_following("/auth/login?return_url=/home").await;
    let second = ENDS.beside(&first, &store);
    assert_eq!(stands_at(&second, &before).await, REVOKED);
    assert_eq!(stands_at(&second, &alice).await, "200");
}

#[tokio::test]
async fn entries_that_somebody_else_wrote_end_nobody() {
    let (first, store) = ENDS.world();
    let (alice, _) = sign_in(&first, "alice").await;
    let (bob, _) = sign_in(&first, "bob").await;
    assert_eq!(sign_out(&bob.thief()).await, StatusCode::OK);
    let entry = store.keys().last().copied().unwrap();
    let now = doorward::UnixTime::from_seconds(first.clock.seconds());
    let bytes = store.load(&entry, now).await.unwrap().entry.unwrap().bytes;
    // Garbage of every kind, and an authentic entry under another key.
    store.tamper(move |_| bytes.clone());
    let second = ENDS.beside(&first, &store);
    assert_eq!(stands_at(&second, &alice).await, "200");
    assert_eq!(stands_at(&second, &bob).await, REVOKED);
    for change in [
        (|_| Vec::new()) as fn(Vec<u8>) -> Vec<u8>,
        |_| vec![0; 64],
        |mut bytes| {
            bytes[0] = bytes[0].wrapping_add(1);
            bytes
        },
        |mut bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        },
        |mut bytes| {
            bytes.truncate(bytes.len() / 2);
            bytes
        },
        |_| vec![1; 100_000],
    ] {
        store.tamper(change);
        let other = ENDS.beside(&first, &store);
        assert_eq!(stands_at(&other, &alice).await, "200");
        assert_eq!(
            stands_at(&other, &bob).await,
            "200",
            "an entry that does not open is none"
        );
    }
}

#[tokio::test]
async fn the_store_sees_sealed_entries_only() {
    let (world, store) = ENDS.world();
    let (alice, sid) = sign_in(&world, "alice").await;
    tell(&world, &token(&world, json!({"sub": "alice", "sid": sid}))).await;
    sign_out(&alice).await;
    let now = doorward::UnixTime::from_seconds(world.clock.seconds());
    for key in store.keys() {
        let Some(entry) = store.load(&key, now).await.unwrap().entry else {
            continue;
        };
        let text = String::from_utf8_lossy(&entry.bytes).into_owned();
        for secret in ["alice", sid.as_str(), "id.example.net"] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
    // Nor can anybody write what counts for an entry by its key alone.
    let other = Meddled::default();
    for key in store.keys() {
        let write = Write {
            expected: None,
            bytes: b"ended",
            keep_until: now.saturating_add(std::time::Duration::from_secs(60)),
            lists: &[],
            announce: true,
        };
        other.write(&key, write, now).await.unwrap();
    }
    let (bob, _) = sign_in(&world, "bob").await;
    assert_eq!(stands_at(&ENDS.over(&other, |builder| builder), &bob).await, "200");
}

#[tokio::test]
async fn a_logout_within_the_grace_of_a_step_up_counts_in_another_process_at_once() {
    let (first, store) = ENDS.world();
    let second = ENDS.beside(&first, &store);
    let (alice, _) = sign_in(&first, "alice").await;
    let (old, copy) = (alice.thief(), alice.thief());
    assert_eq!(stands_at(&second, &copy).await, "200");
    heard().await;
    alice.visit_following("/auth/login?prompt=login").await;
    heard().await;
    assert_eq!(
        stands_at(&second, &copy).await,
        "200",
        "requests on their way are served"
    );
    assert_eq!(sign_out(&old).await, StatusCode::OK);
    heard().await;
    assert_eq!(stands_at(&second, &copy).await, REVOKED);
    assert_eq!(
        stands_at(&second, &alice).await,
        "200",
        "the one that took its place goes on"
    );
    // A process that begins now reads the same.
    let third = ENDS.beside(&first, &store);
    assert_eq!(stands_at(&third, &copy).await, REVOKED);
}
