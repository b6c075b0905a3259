//! What was seen lately is kept for a while, and no more of it than fits.
#![allow(clippy::unwrap_used, reason = "tests")]

use doorward_core::UnixTime;
use doorward_core::ports::StoreTime;
use doorward_core::session::{Control, RecordCodec};
use doorward_crypto::{KeyRing, SecretString, SystemRandom};

use super::*;

const LIMIT: Duration = Duration::from_secs(60);

fn kept(number: u8) -> (StoreKey, Arc<Kept>) {
    let secret = SecretString::new("Zk3vXw9pQ2sT7yUe1aBcD5fGhJ8kLmN0");
    let records = RecordCodec::new(&KeyRing::new(vec![secret]).unwrap());
    let key = StoreKey::from_bytes([number; 32]);
    let control = Control::tombstone(UnixTime::from_seconds(1_000));
    let bytes = records.seal_tombstone(&SystemRandom, &key, &control).unwrap();
    let record = records.open(&key, bytes).unwrap();
    let time = StoreTime::from_milliseconds(0);
    (
        key,
        Arc::new(Kept {
            version: 1,
            record,
            time,
        }),
    )
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(1_000 + seconds)
}

#[test]
fn record_is_served_until_its_limit_and_not_at_it() {
    let stale = Stale::new(LIMIT);
    let (key, kept) = kept(1);
    assert!(stale.get(&key, at(0)).is_none());
    stale.see(&key, &kept, 0, at(0));
    assert!(stale.get(&key, at(0)).is_some());
    assert!(stale.get(&key, at(59)).is_some());
    assert!(stale.get(&key, at(60)).is_none());
}

#[test]
fn record_seen_again_is_served_on_and_a_forgotten_one_is_not() {
    let stale = Stale::new(LIMIT);
    let ((first, first_kept), (second, second_kept)) = (kept(1), kept(2));
    stale.see(&first, &first_kept, 0, at(0));
    stale.see(&second, &second_kept, 0, at(0));
    stale.see(&first, &first_kept, 0, at(59));
    assert!(stale.get(&first, at(100)).is_some());
    assert!(stale.get(&second, at(100)).is_none());
    stale.forget(&first);
    assert!(stale.get(&first, at(100)).is_none());
}

#[test]
fn forgetting_reaches_the_older_generation_too() {
    let stale = Stale::new(LIMIT);
    let ((first, first_kept), (second, second_kept)) = (kept(1), kept(2));
    stale.see(&first, &first_kept, 0, at(50));
    stale.see(&second, &second_kept, 0, at(61));
    assert!(
        stale.get(&first, at(61)).is_some(),
        "the young generation became the old one"
    );
    stale.forget(&first);
    assert!(stale.get(&first, at(61)).is_none());
}

#[test]
fn memory_is_bounded_however_many_sessions_come_by() {
    let stale = Stale::new(LIMIT);
    let (_, kept) = kept(1);
    let each = kept.record.size();
    for number in 0..(3 * MAX_BYTES / each) as u64 {
        let mut digest = [0; 32];
        digest
            .split_first_chunk_mut::<8>()
            .unwrap()
            .0
            .copy_from_slice(&number.to_be_bytes());
        stale.see(&StoreKey::from_bytes(digest), &kept, 0, at(0));
    }
    let generations = stale.generations.lock().unwrap();
    let held = (generations.young.len() + generations.old.len()) * each;
    assert!(held <= 2 * MAX_BYTES + 2 * each, "{held} bytes");
}

#[test]
fn answer_that_was_under_way_while_its_session_ended_is_not_kept() {
    let stale = Stale::new(LIMIT);
    let (key, kept) = kept(1);
    let began = stale.begin();
    stale.end(&key);
    stale.see(&key, &kept, began, at(0));
    assert!(stale.get(&key, at(0)).is_none());
    // One that began afterwards says what the store says by then.
    stale.see(&key, &kept, stale.begin(), at(0));
    assert!(stale.get(&key, at(0)).is_some());
}

#[test]
fn after_a_gap_in_the_feed_nothing_seen_before_is_served_nor_kept_by_a_read_under_way() {
    let stale = Stale::new(LIMIT);
    let ((first, first_kept), (second, second_kept)) = (kept(1), kept(2));
    stale.see(&first, &first_kept, stale.begin(), at(0));
    let began = stale.begin();
    stale.end_all();
    stale.see(&second, &second_kept, began, at(1));
    assert!(stale.get(&first, at(1)).is_none());
    assert!(stale.get(&second, at(1)).is_none());
    stale.see(&second, &second_kept, stale.begin(), at(1));
    assert!(stale.get(&second, at(1)).is_some());
}

#[test]
fn ends_take_no_more_memory_than_records_do() {
    let stale = Stale::new(LIMIT);
    let most = (MAX_BYTES / BYTES_OF_AN_END) as u64;
    for number in 0..3 * most {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        stale.end(&StoreKey::from_bytes(digest));
    }
    let generations = stale.generations();
    let ends = (generations.young_ends.len() + generations.old_ends.len()) as u64;
    assert!(ends > most && ends <= 2 * most + 2, "{ends}");
}
