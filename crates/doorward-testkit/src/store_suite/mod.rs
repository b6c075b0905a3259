//! The promises of a session store, each as a check that every store has to pass.

mod feed;
mod lists;
mod races;
mod sizes;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use doorward_core::UnixTime;
use doorward_core::ports::{Entry, IndexKey, ListChange, Loaded, SessionStore, StoreKey, StoreTime, Write, Written};
use doorward_crypto::{SystemRandom, random_bytes};

/// Longer than the suite takes.
const HOUR: Duration = Duration::from_secs(3_600);

/// One connection to the store under test, as an instance has it.
type Handle = Arc<dyn SessionStore>;

/// Runs every promise of [`SessionStore`] against two handles of one store.
///
/// `make` is asked twice and hands out, like two instances, two connections to one store; where the store lies in the process's
/// memory, it is the same twice. Keys and lists are random and never used twice, so that others may use the store
/// meanwhile. Real stores have clocks of their own: the suite gives the real time, and expects the store's to be within a day of it.
///
/// Give the store deadlines that let 200 calls at once wait for their turn, and run it on a multi-threaded runtime with time
/// enabled, so that the races are real.
///
/// # Panics
/// If a promise is broken; the message is the promise.
///
/// # Example
/// ```no_run
/// # use std::sync::Arc;
/// # use doorward_core::ports::SessionStore;
/// # async fn example<S: SessionStore>(store: Arc<S>, connect: impl AsyncFn() -> S) {
/// // In memory:
/// doorward_testkit::run_store_suite(async || store.clone()).await;
/// // Over connections:
/// doorward_testkit::run_store_suite(async || Arc::new(connect().await)).await;
/// # }
/// ```
pub async fn run_store_suite<S, F>(make: F)
where
    S: SessionStore,
    F: AsyncFn() -> Arc<S>,
{
    let store: Handle = make().await;
    let other: Handle = make().await;
    unknown_keys_are_absent(&store).await;
    what_was_written_is_loaded(&store, &other).await;
    a_taken_key_is_refused(&store, &other).await;
    each_write_counts_the_version_up(&store, &other).await;
    a_stale_version_changes_nothing(&store).await;
    records_are_kept_until_their_time(&store).await;
    a_time_that_has_passed_is_no_error(&store).await;
    bytes_come_back_as_they_were(&store).await;
    sizes::the_largest_record_is_taken_and_no_larger_one(&store).await;
    keys_do_not_touch_each_other(&store).await;
    lists::change_with_the_write(&store, &other).await;
    lists::are_left_by_whoever_is_taken_out(&store).await;
    lists::survive_a_lost_race(&store).await;
    lists::forget_entries_after_their_time(&store).await;
    lists::keep_an_entry_until_the_latest_time_that_was_said(&store).await;
    lists::hold_one_key_in_several(&store).await;
    lists::do_not_touch_each_other(&store).await;
    lists::and_records_have_names_of_their_own(&store).await;
    lists::come_in_pages_that_miss_nothing(&store, &other).await;
    feed::tells_of_announced_writes_and_of_no_others(&store, &other).await;
    feed::tells_everybody(&store, &other).await;
    time_never_goes_backwards(&store, &other).await;
    time_goes_on(&store).await;
    races::of_writes_have_one_winner_per_version(&store, &other).await;
    races::of_creations_have_one_winner(&store, &other).await;
    races::of_many_keys_lose_no_entry_of_a_list(&store, &other).await;
}

/// A key that nobody has used.
fn fresh_key() -> StoreKey {
    StoreKey::from_bytes(random_bytes(&SystemRandom).expect("randomness for keys"))
}

/// A list that nobody has used.
fn fresh_index() -> IndexKey {
    IndexKey::from_bytes(random_bytes(&SystemRandom).expect("randomness for lists"))
}

#[allow(
    clippy::disallowed_methods,
    reason = "real stores have clocks of their own, so that the suite goes by the real time too"
)]
fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixTime::from_seconds(since.expect("a clock that is set").as_secs())
}

fn after(duration: Duration) -> UnixTime {
    now().saturating_add(duration)
}

/// A write that is kept for an hour, changes no list and is told to nobody.
fn put(expected: Option<u64>, bytes: &[u8]) -> Write<'_> {
    Write {
        expected,
        bytes,
        keep_until: after(HOUR),
        lists: &[],
        announce: false,
    }
}

/// Stands in a list for an hour.
fn entered(index: IndexKey) -> ListChange {
    ListChange {
        index,
        until: Some(after(HOUR)),
    }
}

fn taken_out(index: IndexKey) -> ListChange {
    ListChange { index, until: None }
}

async fn load_at(store: &Handle, key: &StoreKey, now: UnixTime) -> Loaded {
    store.load(key, now).await.expect("a store that answers load")
}

/// What lies under a key now.
async fn kept(store: &Handle, key: &StoreKey) -> Option<Entry> {
    load_at(store, key, now()).await.entry
}

async fn write(store: &Handle, key: &StoreKey, write: Write<'_>) -> Written {
    store
        .write(key, write, now())
        .await
        .expect("a store that answers write")
}

/// Writes and must not lose a race; returns the new version.
async fn written(store: &Handle, key: &StoreKey, write: Write<'_>) -> u64 {
    match self::write(store, key, write).await {
        Written::Done { version } => version,
        Written::Conflict => panic!("a write of the version that is kept is made"),
    }
}

/// Every key of a list, each once, and how often any came twice does not matter.
async fn listed(store: &Handle, index: &IndexKey) -> HashSet<StoreKey> {
    let mut keys = HashSet::new();
    let mut after = None;
    for _ in 0..1_000 {
        let page = store.list(index, after, now()).await;
        let page = page.expect("a store that answers list");
        keys.extend(page.keys);
        after = page.next;
        if after.is_none() {
            return keys;
        }
    }
    panic!("the pages of a list come to an end")
}

fn entry(version: u64, bytes: &[u8]) -> Option<Entry> {
    let bytes = bytes.to_vec();
    Some(Entry { version, bytes })
}

async fn unknown_keys_are_absent(store: &Handle) {
    let key = fresh_key();
    assert_eq!(kept(store, &key).await, None, "an unknown key is absent");
    for version in [0, 1, 2, u64::MAX] {
        let late = write(store, &key, put(Some(version), b"x")).await;
        assert_eq!(late, Written::Conflict, "under an unknown key no version is expected");
    }
    assert_eq!(kept(store, &key).await, None, "a conflict stores nothing");
}

async fn what_was_written_is_loaded(store: &Handle, other: &Handle) {
    let key = fresh_key();
    let version = written(store, &key, put(None, b"first")).await;
    assert_eq!(version, 1, "a record begins at version 1");
    for handle in [store, other, store] {
        let loaded = kept(handle, &key).await;
        assert_eq!(
            loaded,
            entry(1, b"first"),
            "what was written is loaded, by whomever, however often"
        );
    }
}

async fn a_taken_key_is_refused(store: &Handle, other: &Handle) {
    let key = fresh_key();
    written(store, &key, put(None, b"first")).await;
    for handle in [store, other] {
        let second = write(handle, &key, put(None, b"second")).await;
        assert_eq!(second, Written::Conflict, "a taken key is a conflict");
    }
    let loaded = kept(store, &key).await;
    assert_eq!(loaded, entry(1, b"first"), "the first owner keeps a taken key");
}

async fn each_write_counts_the_version_up(store: &Handle, other: &Handle) {
    let key = fresh_key();
    written(store, &key, put(None, b"0")).await;
    for (version, handle) in (1..=12).zip([store, other].into_iter().cycle()) {
        let bytes = version.to_string().into_bytes();
        let made = written(handle, &key, put(Some(version), &bytes)).await;
        assert_eq!(made, version + 1, "each write counts the version up by one");
        for handle in [store, other] {
            let loaded = kept(handle, &key).await;
            assert_eq!(loaded, entry(version + 1, &bytes), "a write brings its own bytes");
        }
    }
}

async fn a_stale_version_changes_nothing(store: &Handle) {
    let key = fresh_key();
    written(store, &key, put(None, b"1")).await;
    written(store, &key, put(Some(1), b"2")).await;
    for version in [None, Some(0), Some(1), Some(3), Some(u64::MAX)] {
        let late = write(store, &key, put(version, b"late")).await;
        assert_eq!(
            late,
            Written::Conflict,
            "a version that is not the current one is a conflict"
        );
        // A store that sets the time before it compares would drop the record at once.
        let shorter = Write {
            keep_until: now().saturating_sub(HOUR),
            ..put(version, b"late")
        };
        assert_eq!(
            write(store, &key, shorter).await,
            Written::Conflict,
            "a version that is not the current one is a conflict"
        );
    }
    let loaded = kept(store, &key).await;
    assert_eq!(
        loaded,
        entry(2, b"2"),
        "a conflict changes neither bytes nor how long they are kept"
    );
}

async fn records_are_kept_until_their_time(store: &Handle) {
    let (minute, century) = (Duration::from_secs(60), Duration::from_secs(3_600 * 24 * 36_525));
    for length in [minute, HOUR, century] {
        let key = fresh_key();
        let until = after(length);
        let first = Write {
            keep_until: until,
            ..put(None, b"first")
        };
        written(store, &key, first).await;
        assert_eq!(
            kept(store, &key).await,
            entry(1, b"first"),
            "a record is kept until its time"
        );
        // Where the store goes by the time it is given, this is the last second of it.
        let last = load_at(store, &key, until.saturating_sub(Duration::from_secs(1))).await;
        assert_eq!(
            last.entry,
            entry(1, b"first"),
            "a record is kept until the last second of its time"
        );
        // From here on it is the second write's time that counts.
        let second = Write {
            keep_until: until.saturating_add(minute),
            ..put(Some(1), b"second")
        };
        written(store, &key, second).await;
        let later = load_at(store, &key, until).await;
        assert_eq!(later.entry, entry(2, b"second"), "a write brings its own time");
    }
}

async fn a_time_that_has_passed_is_no_error(store: &Handle) {
    let passed = now().saturating_sub(HOUR);
    let key = fresh_key();
    let born_late = Write {
        keep_until: passed,
        ..put(None, b"late")
    };
    written(store, &key, born_late).await;
    // Dropped or not yet: either is allowed, and then it must be consistent.
    match kept(store, &key).await {
        None => {
            let again = written(store, &key, put(None, b"again")).await;
            assert_eq!(again, 1, "a record in place of one that was dropped begins anew");
        }
        late => {
            assert_eq!(late, entry(1, b"late"), "a record that is not dropped yet is whole");
            let again = written(store, &key, put(Some(1), b"again")).await;
            assert_eq!(again, 2, "a record that is not dropped yet is written as any other");
        }
    }
    let loaded = kept(store, &key).await.map(|entry| entry.bytes);
    assert_eq!(
        loaded.as_deref(),
        Some(&b"again"[..]),
        "a time that has passed does not stay with the key"
    );
}

async fn bytes_come_back_as_they_were(store: &Handle) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let large: Vec<u8> = every_byte.iter().copied().cycle().take(256 * 1024).collect();
    for bytes in [&[][..], &[0][..], b"\r\n", b"12", &[0xff; 3], &every_byte, &large] {
        let key = fresh_key();
        written(store, &key, put(None, bytes)).await;
        assert!(
            kept(store, &key).await == entry(1, bytes),
            "a record of {} bytes comes back as it was",
            bytes.len()
        );
        written(store, &key, put(Some(1), bytes)).await;
        assert!(
            kept(store, &key).await == entry(2, bytes),
            "a record of {} bytes is written over as it is",
            bytes.len()
        );
    }
}

async fn keys_do_not_touch_each_other(store: &Handle) {
    // Keys that differ in one bit, at either end: a store that cuts or folds its keys mixes them up.
    let [first, second, third] = neighbours().map(StoreKey::from_bytes);
    let message = "a key is not touched by its neighbours";
    for (key, expected, bytes) in [
        (&first, None, &b"first"[..]),
        (&second, None, b"second"),
        (&third, None, b"third"),
        (&second, Some(1), b"changed"),
    ] {
        let version = expected.unwrap_or(0) + 1;
        let done = write(store, key, put(expected, bytes)).await;
        assert_eq!(done, Written::Done { version }, "{message}");
    }
    assert_eq!(kept(store, &first).await, entry(1, b"first"), "{message}");
    assert_eq!(kept(store, &second).await, entry(2, b"changed"), "{message}");
    assert_eq!(kept(store, &third).await, entry(1, b"third"), "{message}");
}

/// Three digests that differ in one bit, at either end.
fn neighbours() -> [[u8; 32]; 3] {
    let first = *fresh_key().as_bytes();
    let (mut second, mut third) = (first, first);
    second[31] ^= 1;
    third[0] ^= 0x80;
    [first, second, third]
}

async fn time_never_goes_backwards(store: &Handle, other: &Handle) {
    let key = fresh_key();
    let mut before = StoreTime::default();
    for handle in [store, other].into_iter().cycle().take(50) {
        let given = now();
        let time = load_at(handle, &key, given).await.time;
        assert!(
            time >= before,
            "the store's time never goes backwards, whoever asks: it is one clock for all"
        );
        let given = given.milliseconds();
        assert!(
            time.milliseconds().abs_diff(given) < 86_400_000,
            "the store's time is in milliseconds since 1970"
        );
        before = time;
    }
}

#[allow(clippy::disallowed_methods, reason = "bounds how long a clock may stand still")]
async fn time_goes_on(store: &Handle) {
    let key = fresh_key();
    let begin = load_at(store, &key, now()).await.time;
    let started = std::time::Instant::now();
    while started.elapsed() < Duration::from_secs(3) {
        if load_at(store, &key, now()).await.time > begin {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the store's time goes on")
}
