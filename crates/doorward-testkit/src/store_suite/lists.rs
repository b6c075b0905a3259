//! What must hold of the lists that a key stands in.

use std::collections::HashSet;
use std::time::Duration;

use doorward_core::ports::{Cursor, IndexKey, ListChange, StoreKey, Write, Written};
use futures_util::{StreamExt, stream};

use super::{
    HOUR, Handle, after, entered, fresh_index, fresh_key, kept, listed, neighbours, now, put, taken_out, write, written,
};

/// More than two pages.
const MANY: usize = 2_500;
/// "About a thousand" keys on a page.
const PAGE: usize = 2_000;
/// How many writes are under way at once while a long list is made.
const AT_ONCE: usize = 16;

pub(super) async fn change_with_the_write(store: &Handle, other: &Handle) {
    let (key, index) = (fresh_key(), fresh_index());
    assert_eq!(listed(store, &index).await, keys([]), "an unknown list is empty");
    enter(store, key, None, &[index]).await;
    for handle in [store, other] {
        assert_eq!(
            listed(handle, &index).await,
            keys([key]),
            "a key stands in the list that its write named"
        );
    }
    enter(other, key, Some(1), &[index]).await;
    assert_eq!(
        listed(store, &index).await,
        keys([key]),
        "a key that is entered twice stands there"
    );
    written(store, &key, put(Some(2), b"3")).await;
    assert_eq!(
        listed(store, &index).await,
        keys([key]),
        "a write that names no list changes none"
    );
}

pub(super) async fn are_left_by_whoever_is_taken_out(store: &Handle) {
    let (key, stays, index) = (fresh_key(), fresh_key(), fresh_index());
    enter(store, key, None, &[index]).await;
    enter(store, stays, None, &[index]).await;
    let out = Write {
        lists: &[taken_out(index)],
        ..put(Some(1), b"2")
    };
    written(store, &key, out).await;
    assert_eq!(
        listed(store, &index).await,
        keys([stays]),
        "a key is taken out with the write that says so, and no other is"
    );
    let again = Write {
        lists: &[taken_out(index)],
        ..put(Some(2), b"3")
    };
    written(store, &key, again).await;
    assert!(
        kept(store, &key).await.is_some(),
        "taking out what does not stand in a list is no error"
    );
    enter(store, key, Some(3), &[index]).await;
    assert_eq!(
        listed(store, &index).await,
        keys([key, stays]),
        "who was taken out may be entered again"
    );
}

pub(super) async fn survive_a_lost_race(store: &Handle) {
    let (key, index, another) = (fresh_key(), fresh_index(), fresh_index());
    enter(store, key, None, &[index]).await;
    for expected in [None, Some(0), Some(2)] {
        let late = Write {
            lists: &[entered(another), taken_out(index)],
            ..put(expected, b"late")
        };
        assert_eq!(
            write(store, &key, late).await,
            Written::Conflict,
            "a version that is not the current one is a conflict, whatever lists it names"
        );
    }
    let loaded = kept(store, &key).await.map(|entry| (entry.version, entry.bytes));
    assert_eq!(
        loaded,
        Some((1, b"x".to_vec())),
        "a conflict leaves the record as it is, whatever lists it names"
    );
    assert_eq!(
        listed(store, &index).await,
        keys([key]),
        "a conflict takes nothing out: a record that is there stands in its lists"
    );
}

pub(super) async fn forget_entries_after_their_time(store: &Handle) {
    let index = fresh_index();
    let (gone, long_gone, stays) = (fresh_key(), fresh_key(), fresh_key());
    let second = Duration::from_secs(1);
    for (key, until) in [
        (gone, now().saturating_sub(second)),
        (long_gone, now().saturating_sub(HOUR)),
        (stays, after(second * 60)),
    ] {
        let change = ListChange {
            index,
            until: Some(until),
        };
        let entry = Write {
            lists: &[change],
            ..put(None, b"x")
        };
        written(store, &key, entry).await;
    }
    assert_eq!(
        listed(store, &index).await,
        keys([stays]),
        "an entry vanishes after its time, and stands until then"
    );
}

pub(super) async fn keep_an_entry_until_the_latest_time_that_was_said(store: &Handle) {
    let (key, index) = (fresh_key(), fresh_index());
    let passed = ListChange {
        index,
        until: Some(now().saturating_sub(HOUR)),
    };
    let entry = Write {
        lists: &[passed],
        ..put(None, b"x")
    };
    written(store, &key, entry).await;
    enter(store, key, Some(1), &[index]).await;
    assert_eq!(
        listed(store, &index).await,
        keys([key]),
        "an entry stands until the latest time that was said"
    );
    let shorter = Write {
        lists: &[passed],
        ..put(Some(2), b"x")
    };
    written(store, &key, shorter).await;
    assert_eq!(
        listed(store, &index).await,
        keys([key]),
        "an entry is shortened by no earlier time"
    );
    // Who leaves and comes back stands there as long as is said then.
    leave(store, key, Some(3), index).await;
    let again = Write {
        lists: &[passed],
        ..put(Some(4), b"x")
    };
    written(store, &key, again).await;
    assert_eq!(
        listed(store, &index).await,
        keys([]),
        "of an entry that was taken out no time is left"
    );
}

pub(super) async fn do_not_touch_each_other(store: &Handle) {
    let [first, second, third] = neighbours().map(IndexKey::from_bytes);
    let (a, b) = (fresh_key(), fresh_key());
    enter(store, a, None, &[first]).await;
    enter(store, b, None, &[second]).await;
    let message = "a list is not touched by its neighbours";
    assert_eq!(listed(store, &first).await, keys([a]), "{message}");
    assert_eq!(listed(store, &second).await, keys([b]), "{message}");
    assert_eq!(listed(store, &third).await, keys([]), "{message}");
    let out = Write {
        lists: &[taken_out(second)],
        ..put(Some(1), b"2")
    };
    written(store, &a, out).await;
    assert_eq!(listed(store, &first).await, keys([a]), "{message}");
    assert_eq!(listed(store, &second).await, keys([b]), "{message}");
    // Entries whose keys differ in one bit, at either end, are entries of their own.
    let neighbours = neighbours().map(StoreKey::from_bytes);
    for key in neighbours {
        enter(store, key, None, &[third]).await;
    }
    assert_eq!(
        listed(store, &third).await,
        keys(neighbours),
        "the entries of a list come back bit for bit"
    );
}

pub(super) async fn hold_one_key_in_several(store: &Handle) {
    let key = fresh_key();
    let indexes = [fresh_index(), fresh_index(), fresh_index()];
    enter(store, key, None, &indexes).await;
    for index in &indexes {
        assert_eq!(
            listed(store, index).await,
            keys([key]),
            "a key may stand in three lists"
        );
    }
    // One write takes it out of one list, leaves it in another, and enters it in a fourth.
    let fourth = fresh_index();
    let moved = Write {
        lists: &[taken_out(indexes[0]), entered(fourth)],
        ..put(Some(1), b"2")
    };
    written(store, &key, moved).await;
    assert_eq!(
        listed(store, &indexes[0]).await,
        keys([]),
        "a key leaves one list of three"
    );
    for index in [&indexes[1], &indexes[2], &fourth] {
        assert_eq!(
            listed(store, index).await,
            keys([key]),
            "a key that leaves one list stays in the others"
        );
    }
}

pub(super) async fn and_records_have_names_of_their_own(store: &Handle) {
    // The same 32 bytes as a record's key and as a list's.
    let key = fresh_key();
    let index = IndexKey::from_bytes(*key.as_bytes());
    written(store, &key, put(None, b"x")).await;
    assert_eq!(
        listed(store, &index).await,
        keys([]),
        "a record is no list of the same digest"
    );
    enter(store, key, Some(1), &[index]).await;
    assert_eq!(
        listed(store, &index).await,
        keys([key]),
        "a list stands beside a record of the same digest"
    );
    let version = kept(store, &key).await.map(|entry| entry.version);
    assert_eq!(version, Some(2), "a record stands beside a list of the same digest");
}

pub(super) async fn come_in_pages_that_miss_nothing(store: &Handle, other: &Handle) {
    let index = fresh_index();
    let all: Vec<StoreKey> = (0..MANY).map(|_| fresh_key()).collect();
    stream::iter(&all)
        .for_each_concurrent(AT_ONCE, |key| async move { enter(store, *key, None, &[index]).await })
        .await;
    assert!(
        listed(other, &index).await == all.iter().copied().collect(),
        "the pages of a list hold each of its entries, and nothing else"
    );

    // While somebody turns the pages, others leave: first every second one of the page that was read, then of all.
    let first = page(store, &index, None).await;
    let seen: HashSet<StoreKey> = first.0.iter().copied().collect();
    let (mut leaving, mut staying) = (Vec::new(), HashSet::new());
    for (place, key) in first
        .0
        .iter()
        .chain(all.iter().filter(|key| !seen.contains(key)))
        .enumerate()
    {
        if place % 2 == 0 {
            leaving.push(*key);
        } else {
            staying.insert(*key);
        }
    }
    let mut found = seen;
    let mut after = first.1;
    let mut leaving = leaving.chunks(MANY / 4);
    let mut pages = 1;
    while after.is_some() {
        stream::iter(leaving.next().unwrap_or_default())
            .for_each_concurrent(AT_ONCE, |key| leave(other, *key, Some(1), index))
            .await;
        let (keys, next) = page(store, &index, after).await;
        found.extend(keys);
        after = next;
        pages += 1;
        assert!(pages <= MANY, "the pages of a list come to an end");
    }
    assert!(pages > 1, "a long list comes in several pages");
    assert!(
        staying.is_subset(&found),
        "what stands in a list all the while is not missed while others leave it"
    );
    for chunk in leaving {
        stream::iter(chunk)
            .for_each_concurrent(AT_ONCE, |key| leave(other, *key, Some(1), index))
            .await;
    }
    assert!(listed(store, &index).await == staying, "who stays in a list stays");
}

async fn page(store: &Handle, index: &IndexKey, after: Option<Cursor>) -> (Vec<StoreKey>, Option<Cursor>) {
    let page = store.list(index, after, now()).await;
    let page = page.expect("a store that answers list");
    assert!(page.keys.len() <= PAGE, "a page holds about a thousand keys at most");
    (page.keys, page.next)
}

async fn enter(store: &Handle, key: StoreKey, expected: Option<u64>, indexes: &[IndexKey]) {
    let lists: Vec<ListChange> = indexes.iter().copied().map(entered).collect();
    let entry = Write {
        lists: &lists,
        ..put(expected, b"x")
    };
    written(store, &key, entry).await;
}

async fn leave(store: &Handle, key: StoreKey, expected: Option<u64>, index: IndexKey) {
    let out = Write {
        lists: &[taken_out(index)],
        ..put(expected, b"x")
    };
    written(store, &key, out).await;
}

fn keys(keys: impl IntoIterator<Item = StoreKey>) -> HashSet<StoreKey> {
    keys.into_iter().collect()
}
