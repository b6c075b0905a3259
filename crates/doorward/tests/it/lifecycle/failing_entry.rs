//! Lists of which one entry fails: all others end, and nobody is told that all did.

use doorward::ports::{SessionStore as _, StoreKey, Write, Written};
use doorward::{Provider, Sessions, SessionsError, UnixTime};
use doorward_testkit::{Browser, CLIENT_ID, CLIENT_SECRET};
use http::StatusCode;

use super::{another_browser, delete, standing};
use crate::attacks::support::{Meddled, assert_refused};
use crate::support::{PROVIDER, SECRET, World};

const ALICES: usize = 5;

/// Five sessions of alice, the key of each, and a session of bob.
struct Crowd {
    store: Meddled,
    world: World,
    alices: Vec<(StoreKey, Browser)>,
    bob: Browser,
}

impl Crowd {
    async fn new() -> Self {
        let store = Meddled::default();
        let world = store.world();
        let mut alices = Vec::new();
        for _ in 0..ALICES {
            let browser = another_browser(&world).await;
            alices.push((last_session(&store, &world).await, browser));
        }
        world.provider.script(|script| script.subject = "bob".into());
        let bob = another_browser(&world).await;
        Self {
            store,
            world,
            alices,
            bob,
        }
    }

    /// Of alice's sessions in turn, whether each lives.
    async fn living(&self) -> Vec<bool> {
        let mut living = Vec::new();
        for (_, browser) in &self.alices {
            living.push(standing(browser).await == "signed in");
        }
        living
    }

    /// All of them but those at these places.
    fn only(places: &[usize]) -> Vec<bool> {
        (0..ALICES).map(|place| places.contains(&place)).collect()
    }
}

/// The session that was stored last; a login that was used up leaves an empty entry.
async fn last_session(store: &Meddled, world: &World) -> StoreKey {
    let now = UnixTime::from_seconds(world.clock.seconds());
    for key in store.keys().into_iter().rev() {
        let entry = store.load(&key, now).await.unwrap().entry;
        if entry.is_some_and(|entry| !entry.bytes.is_empty()) {
            return key;
        }
    }
    panic!("no session is stored");
}

#[tokio::test]
async fn of_a_users_sessions_one_that_cannot_be_reached_is_left_alone_and_told_as_an_error() {
    for failing in 0..ALICES {
        let crowd = Crowd::new().await;
        let registry = crowd.world.auth.sessions();
        crowd.store.fail_loads_of(&[crowd.alices[failing].0]);
        let ended = registry.end_user(PROVIDER, "alice").await;
        assert!(matches!(ended, Err(SessionsError::Store(_))), "{ended:?}");
        crowd.store.fail_loads_of(&[]);
        assert_eq!(crowd.living().await, Crowd::only(&[failing]));
        assert_eq!(standing(&crowd.bob).await, "signed in");
        // Calling again tries the rest.
        assert_eq!(registry.end_user(PROVIDER, "alice").await.unwrap(), 1);
        assert_eq!(crowd.living().await, Crowd::only(&[]));
        assert_eq!(standing(&crowd.bob).await, "signed in");
    }
}

#[tokio::test]
async fn of_a_tenants_sessions_one_that_cannot_be_reached_keeps_no_other() {
    let crowd = Crowd::new().await;
    let registry = crowd.world.auth.sessions();
    crowd.store.fail_loads_of(&[crowd.alices[2].0]);
    let ended = registry.end_tenant("acme").await;
    assert!(matches!(ended, Err(SessionsError::Store(_))), "{ended:?}");
    crowd.store.fail_loads_of(&[]);
    assert_eq!(crowd.living().await, Crowd::only(&[2]));
    assert_eq!(standing(&crowd.bob).await, "session_revoked");
    assert_eq!(registry.end_tenant("acme").await.unwrap(), 1);
    assert_eq!(crowd.living().await, Crowd::only(&[]));
}

#[tokio::test]
async fn a_user_who_ends_the_other_sessions_is_told_503_where_one_could_not_be_and_the_rest_ended() {
    let crowd = Crowd::new().await;
    let at_hand = &crowd.alices[0].1;
    crowd.store.fail_loads_of(&[crowd.alices[3].0]);
    let page = delete(at_hand, "/auth/sessions").await;
    assert_refused(&page, StatusCode::SERVICE_UNAVAILABLE, "store_unavailable");
    crowd.store.fail_loads_of(&[]);
    assert_eq!(crowd.living().await, Crowd::only(&[0, 3]));
    assert_eq!(standing(&crowd.bob).await, "signed in");
    let page = delete(at_hand, "/auth/sessions").await;
    assert_eq!(page.json::<serde_json::Value>()["ended"], 1);
    assert_eq!(crowd.living().await, Crowd::only(&[0]));
}

#[tokio::test]
async fn an_end_that_the_store_does_not_take_is_told_as_an_error_and_tried_again_by_the_next() {
    let crowd = Crowd::new().await;
    let registry = crowd.world.auth.sessions();
    crowd.store.refuse_replacements(true);
    let ended = registry.end_user(PROVIDER, "alice").await;
    assert!(matches!(ended, Err(SessionsError::Store(_))), "{ended:?}");
    crowd.store.refuse_replacements(false);
    crowd.world.advance(1);
    assert_eq!(crowd.living().await, Crowd::only(&[0, 1, 2, 3, 4]));
    assert_eq!(registry.end_user(PROVIDER, "alice").await.unwrap(), ALICES);
    assert_eq!(crowd.living().await, Crowd::only(&[]));
}

#[tokio::test]
async fn a_record_that_cannot_be_read_keeps_no_other_session_of_its_list() {
    let crowd = Crowd::new().await;
    let now = UnixTime::from_seconds(crowd.world.clock.seconds());
    let key = crowd.alices[2].0;
    let entry = crowd.store.load(&key, now).await.unwrap().entry.unwrap();
    let write = Write {
        expected: Some(entry.version),
        bytes: b"not a record at all",
        keep_until: now.saturating_add(std::time::Duration::from_secs(3_600)),
        lists: &[],
        announce: false,
    };
    let written = crowd.store.write(&key, write, now).await.unwrap();
    assert!(matches!(written, Written::Done { .. }));
    assert_eq!(
        crowd.world.auth.sessions().end_user(PROVIDER, "alice").await.unwrap(),
        ALICES
    );
    assert_eq!(crowd.living().await, Crowd::only(&[]));
    // Nor does it live on where it can be read: a tombstone lies over it.
    let found = crowd.store.load(&key, now).await.unwrap().entry.unwrap();
    assert_ne!(found.bytes, write.bytes);
    let back = Write {
        bytes: &entry.bytes,
        ..write
    };
    let revived = crowd.store.write(&key, back, now).await.unwrap();
    assert!(matches!(revived, Written::Conflict));
    assert_eq!(standing(&crowd.alices[1].1).await, "session_revoked");
    assert_eq!(standing(&crowd.bob).await, "signed in");
}

#[tokio::test]
async fn of_two_clients_at_one_issuer_a_list_that_fails_keeps_no_session_of_the_other() {
    let crowd = Crowd::new().await;
    // The same deployment after a second client was put in front of the first.
    let sessions = Sessions::stored(SECRET, crowd.store.clone());
    let world = World::build(sessions, |builder| {
        builder
            .provider(Provider::oidc(PROVIDER, "second", CLIENT_SECRET))
            .named_provider("first", Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET))
            .clock(crowd.world.clock.clone())
    });
    let registry = world.auth.sessions();
    crowd.store.fail_next_lists(1);
    let ended = registry.end_user(PROVIDER, "alice").await;
    assert!(matches!(ended, Err(SessionsError::Store(_))), "{ended:?}");
    assert_eq!(crowd.living().await, Crowd::only(&[]));
    assert_eq!(standing(&crowd.bob).await, "signed in");
    assert_eq!(registry.end_user(PROVIDER, "alice").await.unwrap(), 0);
}

#[tokio::test]
async fn whoever_ends_the_other_sessions_leaves_alone_what_cannot_be_read() {
    // Its tenant is not known, nor whether it is this very session.
    let crowd = Crowd::new().await;
    let now = UnixTime::from_seconds(crowd.world.clock.seconds());
    let key = crowd.alices[2].0;
    let entry = crowd.store.load(&key, now).await.unwrap().entry.unwrap();
    let write = Write {
        expected: Some(entry.version),
        bytes: b"not a record at all",
        keep_until: now.saturating_add(std::time::Duration::from_secs(3_600)),
        lists: &[],
        announce: false,
    };
    crowd.store.write(&key, write, now).await.unwrap();
    let page = delete(&crowd.alices[0].1, "/auth/sessions").await;
    assert_eq!(page.json::<serde_json::Value>()["ended"], 3);
    assert_eq!(crowd.living().await, Crowd::only(&[0]));
    let left = crowd.store.load(&key, now).await.unwrap().entry.unwrap();
    assert_eq!(left.bytes, b"not a record at all");
}
