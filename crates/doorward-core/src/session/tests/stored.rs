//! Records of stored sessions.

use proptest::prelude::*;

use super::{codec, same, tokens};
use crate::{
    session::{SessionHandle, SessionId},
    test_support::{Seeded, identity},
};

fn key(seed: u64) -> crate::ports::StoreKey {
    SessionHandle::random(&Seeded::new(seed)).unwrap().store_key()
}

#[test]
fn record_opens_in_two_parts() {
    let random = Seeded::new(4);
    let identity = identity(1);
    let record = codec()
        .seal_record(&random, &key(1), &identity, Some(&tokens(20_000, 9_000)))
        .unwrap();
    assert!(same(
        &codec().open_record_identity(&key(1), &record).unwrap(),
        &identity
    ));
    let (opened, revision) = codec().open_record_tokens(&key(1), &record, &identity.id).unwrap();
    assert_eq!(
        (opened.access_token.expose().len(), revision),
        (20_000, identity.revision)
    );
    let without = codec().seal_record(&random, &key(1), &identity, None).unwrap();
    assert!(codec().open_record_identity(&key(1), &without).is_some());
    assert!(codec().open_record_tokens(&key(1), &without, &identity.id).is_none());
}

#[test]
fn record_under_another_key_or_of_another_session_does_not_open() {
    // attacks: E21, M10
    let identity = identity(1);
    let record = codec()
        .seal_record(&Seeded::new(4), &key(1), &identity, Some(&tokens(100, 0)))
        .unwrap();
    assert!(codec().open_record_identity(&key(2), &record).is_none());
    assert!(codec().open_record_tokens(&key(2), &record, &identity.id).is_none());
    assert!(
        codec()
            .open_record_tokens(&key(1), &record, &SessionId::from_bytes([0; 16]))
            .is_none()
    );
}

#[test]
fn tampered_record_does_not_open() {
    // attacks: E21
    let identity = identity(1);
    let record = codec()
        .seal_record(&Seeded::new(4), &key(1), &identity, Some(&tokens(100, 0)))
        .unwrap();
    for place in 0..record.len() {
        let mut flipped = record.clone();
        flipped[place] ^= 1;
        let identity_opens = codec().open_record_identity(&key(1), &flipped).is_some();
        let tokens_open = codec().open_record_tokens(&key(1), &flipped, &identity.id).is_some();
        assert!(!(identity_opens && tokens_open), "byte {place}");
        let cut = &record[..place];
        assert!(
            codec().open_record_tokens(&key(1), cut, &identity.id).is_none(),
            "cut at {place}"
        );
    }
    let mut later = record;
    later[0] = 2;
    assert!(codec().open_record_identity(&key(1), &later).is_none());
}

#[test]
fn identity_is_renewed_while_the_tokens_stay_closed() {
    let random = Seeded::new(4);
    let mut identity = identity(1);
    let record = codec()
        .seal_record(&random, &key(1), &identity, Some(&tokens(100, 0)))
        .unwrap();
    identity.revision += 1;
    let renewed = codec().reseal_record(&random, &key(1), &identity, &record).unwrap();
    assert_eq!(codec().open_record_identity(&key(1), &renewed).unwrap().revision(), 2);
    assert_eq!(
        codec().open_record_tokens(&key(1), &renewed, &identity.id).unwrap().1,
        1
    );
    assert!(codec().reseal_record(&random, &key(1), &identity, b"garbage").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_record_at_all_panics_or_opens(mut record in proptest::collection::vec(any::<u8>(), 0..200), versioned: bool) {
        if versioned && let Some(first) = record.first_mut() {
            *first = 1;
        }
        prop_assert!(codec().open_record_identity(&key(1), &record).is_none());
        prop_assert!(codec().open_record_tokens(&key(1), &record, &SessionId::from_bytes([0; 16])).is_none());
    }
}
