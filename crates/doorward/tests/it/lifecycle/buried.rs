//! Records that an instance cannot read: logging out puts a tombstone over them, and what was there does not come back.

use doorward::ports::{Entry, SessionStore as _, StoreKey, Write, Written};
use doorward::{Sessions, UnixTime};
use http::{Method, StatusCode};

use super::{standing, standing_of};
use crate::attacks::support::{Meddled, SESSION};
use crate::support::{SECRET, World};

/// A secret of another release of the deployment.
const OTHER: &str = "kQ2ZrB8vT6yLw4nXc1Fh9GdJs3UaPeMo7ViKbYxRt5E";

type Damage = fn(Vec<u8>) -> Vec<u8>;

fn now(world: &World) -> UnixTime {
    UnixTime::from_seconds(world.clock.seconds())
}

async fn kept(store: &Meddled, key: &StoreKey, world: &World) -> Entry {
    let loaded = store.load(key, now(world)).await.unwrap();
    loaded.entry.expect("something is kept")
}

/// The key of the one session there is; a login that was used up leaves an empty entry.
async fn session_key(store: &Meddled, world: &World) -> StoreKey {
    for key in store.keys() {
        if !kept(store, &key, world).await.bytes.is_empty() {
            return key;
        }
    }
    panic!("no session is stored");
}

/// Compares and sets, as a late writer would.
async fn put(store: &Meddled, key: &StoreKey, expected: Option<u64>, bytes: &[u8], world: &World) -> Written {
    let write = Write {
        expected,
        bytes,
        keep_until: now(world).saturating_add(std::time::Duration::from_secs(3_600)),
        lists: &[],
        announce: false,
    };
    store.write(key, write, now(world)).await.unwrap()
}

async fn sign_out(browser: &doorward_testkit::Browser) {
    let page = browser.request(Method::POST, "/auth/logout").send().await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let deleted = page.set_cookie(SESSION);
    assert!(
        deleted.iter().any(|cookie| cookie.contains("Max-Age=0")),
        "{:?}",
        page.set_cookies()
    );
    assert_eq!((browser.cookie(SESSION), browser.cookie("CSRF-TOKEN")), (None, None));
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_buried_at_logout_and_does_not_come_back() {
    // attacks: E21, N10
    let changes: [(&str, Damage); 5] = [
        ("another version", |mut bytes| {
            bytes[0] = bytes[0].wrapping_add(1);
            bytes
        }),
        ("a flipped bit", |mut bytes| {
            let middle = bytes.len() / 3;
            bytes[middle] ^= 1;
            bytes
        }),
        ("cut short", |mut bytes| {
            bytes.truncate(bytes.len() / 4);
            bytes
        }),
        ("something else", |_| b"not a record at all".to_vec()),
        ("nothing", |_| Vec::new()),
    ];
    for (what, change) in changes {
        let store = Meddled::default();
        let world = store.world();
        world.sign_in().await;
        let (copy, cookies) = (world.browser.thief(), world.browser.cookie_header("/"));
        let key = session_key(&store, &world).await;
        let before = kept(&store, &key, &world).await;
        let damaged = change(before.bytes.clone());
        let written = put(&store, &key, Some(before.version), &damaged, &world).await;
        let Written::Done { version } = written else {
            panic!("{what}: {written:?}");
        };
        assert_eq!(standing(&copy).await, "session_invalid", "{what}");
        sign_out(&world.browser).await;
        assert_eq!(standing(&copy).await, "session_revoked", "{what}");
        let tombstone = kept(&store, &key, &world).await;
        for expected in [None, Some(before.version), Some(version)] {
            for bytes in [&before.bytes, &damaged] {
                let late = put(&store, &key, expected, bytes, &world).await;
                assert!(matches!(late, Written::Conflict), "{what}: {late:?}");
            }
        }
        assert_eq!(kept(&store, &key, &world).await.bytes, tombstone.bytes, "{what}");
        assert_eq!(standing(&copy).await, "session_revoked", "{what}");
        // Nor for as long as it could have lasted.
        world.advance(11 * 3_600);
        assert_eq!(standing_of(&world, &cookies).await, "session_revoked", "{what}");
    }
}

#[tokio::test]
async fn a_logout_at_an_instance_with_another_secret_counts_where_the_record_could_be_read() {
    let store = Meddled::default();
    let first = store.world();
    let beside = |sessions: Sessions| {
        World::build(sessions, |builder| {
            builder.fetch(first.fetch.clone()).clock(first.clock.clone())
        })
    };
    let other = beside(Sessions::stored(OTHER, store.clone()));
    let both = beside(Sessions::stored(SECRET, store.clone()).also_open_with(OTHER));
    first.sign_in().await;
    let at = |world: &World| {
        let browser = world.browser.stranger();
        first
            .browser
            .cookies()
            .into_iter()
            .for_each(|cookie| browser.plant(cookie));
        browser
    };
    let (at_other, at_both) = (at(&other), at(&both));
    let key = session_key(&store, &first).await;
    let before = kept(&store, &key, &first).await;
    assert_eq!(standing(&at_other).await, "session_invalid");
    assert_eq!(standing(&at_both).await, "signed in");
    sign_out(&at_other).await;
    // Whoever cannot read the tombstone lets nobody in by it.
    assert_eq!(standing(&first.browser).await, "session_invalid");
    assert_eq!(standing(&at_both).await, "session_revoked");
    let late = put(&store, &key, Some(before.version), &before.bytes, &first).await;
    assert!(matches!(late, Written::Conflict), "{late:?}");
    assert_eq!(standing(&first.browser).await, "session_invalid");
    assert_eq!(standing(&at_both).await, "session_revoked");
}

#[tokio::test]
async fn a_logout_with_a_cookie_that_names_no_record_leaves_nothing_in_the_store() {
    let store = Meddled::default();
    let world = store.world();
    world.sign_in().await;
    let elsewhere = Meddled::default();
    let stranger = elsewhere.world();
    for cookie in world.browser.cookies() {
        stranger.browser.plant(cookie);
    }
    sign_out(&stranger.browser).await;
    assert_eq!(elsewhere.writes(), 0);
    assert_eq!(standing(&world.browser).await, "signed in");
}
