//! What must hold of how large a record may be.

use doorward_core::ports::{MAX_RECORD_BYTES, StoreErrorKind, Written};

use super::{Handle, entry, fresh_key, kept, now, put};

pub(super) async fn the_largest_record_is_taken_and_no_larger_one(store: &Handle) {
    // A period that is no power of two, so that a lost block shows.
    let bytes: Vec<u8> = (0..=250).cycle().take(MAX_RECORD_BYTES).collect();
    let key = fresh_key();
    let largest = store.write(&key, put(None, &bytes), now()).await;
    assert!(
        matches!(largest, Ok(Written::Done { version: 1 })),
        "a record of {MAX_RECORD_BYTES} bytes is taken"
    );
    assert!(
        kept(store, &key).await == entry(1, &bytes),
        "a record of {MAX_RECORD_BYTES} bytes comes back as it was"
    );
    let another = fresh_key();
    let too_large = [bytes.as_slice(), &[0]].concat();
    for (key, expected) in [(&key, Some(1)), (&another, None)] {
        let refused = store.write(key, put(expected, &too_large), now()).await;
        assert_eq!(
            refused.map_err(|error| error.kind()),
            Err(StoreErrorKind::Failed),
            "a record of one byte more than {MAX_RECORD_BYTES} is refused"
        );
    }
    assert!(
        kept(store, &key).await == entry(1, &bytes) && kept(store, &another).await.is_none(),
        "a record that is refused changes nothing"
    );
}
