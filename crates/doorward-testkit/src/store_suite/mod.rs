//! The promises of a session store, each as a check that every store has to pass.

mod races;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::ports::{CreateError, Loaded, Replaced, SessionStore, StoreKey, StoredSession};
use doorward_crypto::{SystemRandom, random_bytes};

/// Any moment will do: a store takes the time as it is given.
pub(crate) const NOW: UnixTime = UnixTime::from_seconds(1_767_225_600);

/// Runs every promise of [`SessionStore`] against fresh handles of a store.
///
/// `make` may hand out handles to one shared store: keys are random and never used twice. Run it on a multi-threaded
/// runtime, so that the races are real.
///
/// # Panics
/// If a promise is broken; the message is the promise.
///
/// # Example
/// ```no_run
/// # use doorward_core::ports::SessionStore;
/// # async fn example<S: SessionStore>(make_store: impl Fn() -> S) {
/// doorward_testkit::run_store_suite(make_store).await;
/// # }
/// ```
pub async fn run_store_suite<S, F>(make: F)
where
    S: SessionStore,
    F: Fn() -> S,
{
    unknown_keys_are_absent(&make()).await;
    what_was_created_is_loaded(&make()).await;
    a_taken_key_is_refused(&make()).await;
    a_session_expires_at_its_time(&make()).await;
    a_replacement_counts_the_version_up(&make()).await;
    a_stale_version_changes_nothing(&make()).await;
    an_expired_session_is_not_replaced(&make()).await;
    an_ended_session_stays_ended(&make()).await;
    ending_what_was_never_stored_leaves_a_tombstone(&make()).await;
    ending_what_has_expired_leaves_a_tombstone(&make()).await;
    ending_twice_never_shortens_the_tombstone(&make()).await;
    keys_do_not_touch_each_other(&make()).await;
    payloads_come_back_byte_for_byte(&make()).await;
    races::of_replacements_have_one_winner_per_version(Arc::new(make())).await;
    races::of_creations_have_one_winner(Arc::new(make())).await;
    races::against_the_end_are_lost(Arc::new(make())).await;
}

/// A key that nobody has used.
pub(crate) fn fresh_key() -> StoreKey {
    StoreKey::from_bytes(random_bytes(&SystemRandom).expect("randomness for keys"))
}

pub(crate) fn after(seconds: u64) -> UnixTime {
    NOW.saturating_add(Duration::from_secs(seconds))
}

async fn load(store: &impl SessionStore, key: &StoreKey, now: UnixTime) -> Loaded {
    store.load(key, now).await.expect("a store that answers load")
}

async fn create(store: &impl SessionStore, key: &StoreKey, payload: &[u8], expires_at: UnixTime) {
    let created = store.create(key, payload.to_vec(), expires_at, NOW).await;
    created.expect("a key that nobody has used is free");
}

async fn replace(
    store: &impl SessionStore,
    key: &StoreKey,
    version: u64,
    payload: &[u8],
    expires_at: UnixTime,
    now: UnixTime,
) -> Replaced {
    let replaced = store.replace(key, version, payload.to_vec(), expires_at, now).await;
    replaced.expect("a store that answers replace")
}

async fn end(store: &impl SessionStore, key: &StoreKey, until: UnixTime, now: UnixTime) {
    store.end(key, until, now).await.expect("a store that answers end");
}

fn live(version: u64, payload: &[u8], expires_at: UnixTime) -> Loaded {
    let payload = payload.to_vec();
    Loaded::Live(StoredSession {
        version,
        payload,
        expires_at,
    })
}

async fn unknown_keys_are_absent(store: &impl SessionStore) {
    let key = fresh_key();
    assert_eq!(
        load(store, &key, NOW).await,
        Loaded::Absent,
        "an unknown key loads as absent"
    );
    let replaced = replace(store, &key, 1, b"x", after(60), NOW).await;
    assert_eq!(replaced, Replaced::Absent, "an unknown key cannot be replaced");
    assert_eq!(
        load(store, &key, NOW).await,
        Loaded::Absent,
        "a refused replacement stores nothing"
    );
}

async fn what_was_created_is_loaded(store: &impl SessionStore) {
    let key = fresh_key();
    create(store, &key, b"first", after(60)).await;
    let expected = live(1, b"first", after(60));
    assert_eq!(
        load(store, &key, NOW).await,
        expected,
        "what was created is loaded, at version 1"
    );
    assert_eq!(load(store, &key, after(30)).await, expected, "reading changes nothing");
}

async fn a_taken_key_is_refused(store: &impl SessionStore) {
    let key = fresh_key();
    create(store, &key, b"first", after(60)).await;
    let second = store.create(&key, b"second".to_vec(), after(90), NOW).await;
    assert!(
        matches!(second, Err(CreateError::AlreadyExists)),
        "a taken key is refused"
    );
    assert_eq!(
        load(store, &key, NOW).await,
        live(1, b"first", after(60)),
        "the first owner keeps a taken key"
    );
    let later = store.create(&key, b"second".to_vec(), after(90), after(60)).await;
    assert!(later.is_ok(), "an expired session does not hold its key");
    assert_eq!(
        load(store, &key, after(60)).await,
        live(1, b"second", after(90)),
        "a session created in place of an expired one begins anew"
    );
}

async fn a_session_expires_at_its_time(store: &impl SessionStore) {
    let key = fresh_key();
    create(store, &key, b"x", after(60)).await;
    assert!(
        matches!(load(store, &key, after(59)).await, Loaded::Live(_)),
        "a session lives until its time"
    );
    assert_eq!(
        load(store, &key, after(60)).await,
        Loaded::Absent,
        "a session is absent from its time on"
    );
}

async fn a_replacement_counts_the_version_up(store: &impl SessionStore) {
    let key = fresh_key();
    create(store, &key, b"1", after(60)).await;
    let second = replace(store, &key, 1, b"2", after(600), after(10)).await;
    assert_eq!(
        second,
        Replaced::Done { version: 2 },
        "the first replacement makes version 2"
    );
    assert_eq!(
        load(store, &key, after(599)).await,
        live(2, b"2", after(600)),
        "a replacement brings its own payload and time"
    );
    let third = replace(store, &key, 2, b"3", after(100), after(20)).await;
    assert_eq!(
        third,
        Replaced::Done { version: 3 },
        "each replacement counts the version up by one"
    );
    assert_eq!(
        load(store, &key, after(100)).await,
        Loaded::Absent,
        "a replacement may shorten the life"
    );
}

async fn a_stale_version_changes_nothing(store: &impl SessionStore) {
    let key = fresh_key();
    create(store, &key, b"1", after(60)).await;
    replace(store, &key, 1, b"2", after(60), NOW).await;
    for version in [0, 1, 3, u64::MAX] {
        let replaced = replace(store, &key, version, b"late", after(600), NOW).await;
        assert_eq!(
            replaced,
            Replaced::Conflict,
            "a version that is not the current one is a conflict"
        );
    }
    assert_eq!(
        load(store, &key, NOW).await,
        live(2, b"2", after(60)),
        "a conflict changes nothing"
    );
}

async fn an_expired_session_is_not_replaced(store: &impl SessionStore) {
    let key = fresh_key();
    create(store, &key, b"1", after(60)).await;
    let replaced = replace(store, &key, 1, b"2", after(600), after(60)).await;
    assert_eq!(
        replaced,
        Replaced::Absent,
        "an expired session is not brought back by a replacement"
    );
    assert_eq!(
        load(store, &key, after(60)).await,
        Loaded::Absent,
        "an expired session stays absent"
    );
}

async fn an_ended_session_stays_ended(store: &impl SessionStore) {
    let key = fresh_key();
    create(store, &key, b"1", after(60)).await;
    end(store, &key, after(300), NOW).await;
    for moment in [NOW, after(59), after(60), after(299)] {
        assert_eq!(
            load(store, &key, moment).await,
            Loaded::Ended,
            "an ended session stays ended until its tombstone's time"
        );
        let replaced = replace(store, &key, 1, b"late", after(600), moment).await;
        assert_eq!(replaced, Replaced::Ended, "no late write brings an ended session back");
        let created = store.create(&key, b"again".to_vec(), after(600), moment).await;
        assert!(
            matches!(created, Err(CreateError::AlreadyExists)),
            "a tombstone holds its key"
        );
    }
    assert_eq!(
        load(store, &key, after(300)).await,
        Loaded::Absent,
        "a tombstone is gone from its time on"
    );
    let replaced = replace(store, &key, 1, b"late", after(600), after(300)).await;
    assert_eq!(
        replaced,
        Replaced::Absent,
        "nothing is left to replace once the tombstone is gone"
    );
    let created = store.create(&key, b"again".to_vec(), after(600), after(300)).await;
    assert!(created.is_ok(), "a tombstone that is gone does not hold its key");
}

async fn ending_what_was_never_stored_leaves_a_tombstone(store: &impl SessionStore) {
    let key = fresh_key();
    end(store, &key, after(300), NOW).await;
    assert_eq!(
        load(store, &key, after(299)).await,
        Loaded::Ended,
        "ending an unknown session leaves a tombstone"
    );
    let created = store.create(&key, b"late".to_vec(), after(600), NOW).await;
    assert!(
        matches!(created, Err(CreateError::AlreadyExists)),
        "a login in flight loses against a logout"
    );
}

async fn ending_what_has_expired_leaves_a_tombstone(store: &impl SessionStore) {
    let key = fresh_key();
    create(store, &key, b"1", after(60)).await;
    end(store, &key, after(300), after(120)).await;
    assert_eq!(
        load(store, &key, after(120)).await,
        Loaded::Ended,
        "ending an expired session leaves a tombstone"
    );
}

async fn ending_twice_never_shortens_the_tombstone(store: &impl SessionStore) {
    let key = fresh_key();
    create(store, &key, b"1", after(60)).await;
    end(store, &key, after(300), NOW).await;
    end(store, &key, after(100), NOW).await;
    assert_eq!(
        load(store, &key, after(200)).await,
        Loaded::Ended,
        "a second end does not shorten the tombstone"
    );
}

async fn keys_do_not_touch_each_other(store: &impl SessionStore) {
    // Keys that differ in one bit, at either end: a store that cuts or folds its keys mixes them up.
    let mut bytes = *fresh_key().as_bytes();
    let first = StoreKey::from_bytes(bytes);
    bytes[31] ^= 1;
    let second = StoreKey::from_bytes(bytes);
    bytes[0] ^= 0x80;
    let third = StoreKey::from_bytes(bytes);
    create(store, &first, b"first", after(60)).await;
    create(store, &second, b"second", after(60)).await;
    create(store, &third, b"third", after(60)).await;
    replace(store, &second, 1, b"changed", after(60), NOW).await;
    end(store, &third, after(60), NOW).await;
    assert_eq!(
        load(store, &first, NOW).await,
        live(1, b"first", after(60)),
        "a key is not touched by its neighbours"
    );
    assert_eq!(
        load(store, &second, NOW).await,
        live(2, b"changed", after(60)),
        "a key is not touched by its neighbours"
    );
    assert_eq!(
        load(store, &third, NOW).await,
        Loaded::Ended,
        "a key is not touched by its neighbours"
    );
}

async fn payloads_come_back_byte_for_byte(store: &impl SessionStore) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let large: Vec<u8> = every_byte.iter().copied().cycle().take(256 * 1024).collect();
    for payload in [&[][..], &[0][..], &every_byte, &large] {
        let key = fresh_key();
        create(store, &key, payload, after(60)).await;
        let loaded = load(store, &key, NOW).await;
        assert!(
            loaded == live(1, payload, after(60)),
            "a payload of {} bytes comes back as it was",
            payload.len()
        );
        replace(store, &key, 1, payload, after(60), NOW).await;
        let loaded = load(store, &key, NOW).await;
        assert!(
            loaded == live(2, payload, after(60)),
            "a payload of {} bytes is replaced as it is",
            payload.len()
        );
    }
}
