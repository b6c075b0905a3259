//! What ports' values print.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::error::Error as _;

use bytes::Bytes;
use doorward_oidc::UnixTime;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::{CreateError, FetchError, Fetched, StoreError, StoreErrorKind, StoredSession};

#[test]
fn store_errors_keep_their_cause_out_of_every_text() {
    let error = StoreError::with_source(StoreErrorKind::Unreachable, "redis://:hunter2@10.0.0.1 refused");
    let created = CreateError::from(StoreError::new(StoreErrorKind::Timeout));
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("hunter2") && !text.contains("redis"), "{text}");
    }
    assert_eq!(error.to_string(), "session store is out of reach");
    assert_eq!(created.to_string(), "session store did not answer in time");
    assert_eq!(
        CreateError::AlreadyExists.to_string(),
        "store already holds a session under this key"
    );
    assert_eq!(
        StoreError::new(StoreErrorKind::Failed).to_string(),
        "session store answered with an error"
    );
    assert_eq!(error.kind(), StoreErrorKind::Unreachable);
    assert!(error.source().is_some());
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
    let stored = StoredSession {
        version: 1,
        payload: b"hunter2".to_vec(),
        expires_at: UnixTime::from_seconds(1),
    };
    let printed = format!("{fetched:?} {stored:?}");
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
