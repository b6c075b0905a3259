//! The application's own data.

use std::collections::BTreeMap;

use crate::{
    session::{DataChanges, DataError},
    test_support::identity,
};

#[test]
fn changes_are_made_in_their_order() {
    let mut data = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
    let mut changes = DataChanges::new();
    assert!(changes.is_empty());
    changes.insert("c", "3").unwrap();
    changes.remove("a").unwrap();
    changes.insert("c", "4").unwrap();
    changes.remove("b").unwrap();
    changes.insert("b", "5").unwrap();
    changes.remove("unknown").unwrap();
    assert_eq!(
        (changes.get("c"), changes.get("a"), changes.get("z")),
        (Some(Some("4")), Some(None), None)
    );
    changes.apply_to(&mut data);
    assert_eq!(
        data,
        BTreeMap::from([("b".to_owned(), "5".to_owned()), ("c".to_owned(), "4".to_owned())])
    );
}

#[test]
fn keys_have_1_to_64_bytes() {
    let mut changes = DataChanges::new();
    assert_eq!(changes.insert("", "1"), Err(DataError::InvalidKey));
    assert_eq!(changes.insert("k".repeat(65), "1"), Err(DataError::InvalidKey));
    assert_eq!(changes.remove("\u{e9}".repeat(33)), Err(DataError::InvalidKey));
    assert!(changes.insert("k".repeat(64), "1").is_ok());
}

// weakness: S7
#[test]
fn data_cannot_reach_the_core_fields() {
    let mut changed = identity(1);
    let mut changes = DataChanges::new();
    for key in [
        "id",
        "user",
        "subject",
        "tenant",
        "roles",
        "idle_expires_at",
        "csrf",
        "__proto__",
    ] {
        changes.insert(key, "\"evil\"").unwrap();
    }
    changes.apply_to(&mut changed.data);
    let opened = crate::session::OpenedIdentity::from_identity(&changed)
        .unwrap()
        .to_identity()
        .unwrap();
    assert_eq!(opened.data.len(), 9);
    assert_eq!(
        (opened.id, opened.user, opened.csrf),
        (identity(1).id, identity(1).user, identity(1).csrf)
    );
}

#[test]
fn debug_output_hides_the_values() {
    let mut changes = DataChanges::new();
    changes.insert("cart", "\"hunter2\"").unwrap();
    assert!(!format!("{changes:?}").contains("hunter2"));
}
