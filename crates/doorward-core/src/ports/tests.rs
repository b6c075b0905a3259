//! What ports' values print.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{error::Error as _, time::Duration};

use bytes::Bytes;
use doorward_oidc::UnixTime;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::{Entry, FetchError, Fetched, IndexKey, StoreError, StoreErrorKind, StoreKey, StoreTime};

#[test]
fn store_errors_keep_their_cause_out_of_every_text() {
    let error = StoreError::with_source(StoreErrorKind::Unreachable, "redis://:hunter2@10.0.0.1 refused");
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("hunter2") && !text.contains("redis"), "{text}");
    }
    assert_eq!(error.to_string(), "session store is out of reach");
    assert_eq!(error.kind(), StoreErrorKind::Unreachable);
    assert!(error.source().is_some());
}

#[test]
fn store_errors_say_what_happened_in_one_clause() {
    let mut texts = Vec::new();
    for kind in [
        StoreErrorKind::Unreachable,
        StoreErrorKind::Timeout,
        StoreErrorKind::Failed,
        StoreErrorKind::Foreign,
        StoreErrorKind::Overloaded,
    ] {
        let error = StoreError::new(kind);
        let text = error.to_string();
        assert!(text.contains("session store") && !text.ends_with('.'), "{text}");
        assert_eq!((error.kind(), error.source().is_none()), (kind, true));
        texts.push(text);
    }
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 5);
}

#[test]
fn keys_and_lists_are_read_back_and_printed_in_part() {
    let digest: [u8; 32] = core::array::from_fn(|place| place as u8 + 1);
    let (key, index) = (StoreKey::from_bytes(digest), IndexKey::from_bytes(digest));
    assert_eq!((key.as_bytes(), index.as_bytes()), (&digest, &digest));
    assert_eq!(key.to_hex(), index.to_hex());
    assert!(key.to_hex().starts_with("0102030405") && key.to_hex().len() == 64);
    assert_eq!(format!("{key:?} {index:?}"), "StoreKey(01020304) IndexKey(01020304)");
}

#[test]
fn store_time_stops_at_its_ends() {
    let time = StoreTime::from_milliseconds(1_500);
    assert_eq!(
        time,
        StoreTime::from(UnixTime::from_seconds(1)).saturating_add(Duration::from_millis(500))
    );
    assert_eq!(
        time.saturating_since(StoreTime::default()),
        Duration::from_millis(1_500)
    );
    assert_eq!(StoreTime::default().saturating_since(time), Duration::ZERO);
    assert_eq!(time.saturating_add(Duration::MAX).milliseconds(), u64::MAX);
}

#[test]
fn debug_output_hides_bodies_and_payloads() {
    let mut headers = HeaderMap::new();
    headers.insert("set-cookie", HeaderValue::from_static("a=hunter2"));
    let fetched = Fetched {
        status: StatusCode::OK,
        headers,
        body: Bytes::from_static(b"{\"access_token\":\"hunter2\"}"),
        remote: None,
    };
    let entry = Entry {
        version: 1,
        bytes: b"hunter2".to_vec(),
    };
    let printed = format!("{fetched:?} {entry:?}");
    assert!(
        !printed.contains("hunter2") && !printed.contains("104, 117"),
        "{printed}"
    );
}

// weakness: L20
#[test]
fn fetch_errors_say_what_happened_in_one_clause() {
    for error in [
        FetchError::Unreachable,
        FetchError::Timeout,
        FetchError::Tls,
        FetchError::TooLarge,
        FetchError::AddressRefused,
        FetchError::Interrupted,
    ] {
        let text = error.to_string();
        assert!(!text.is_empty() && !text.ends_with('.'), "{text}");
    }
}
