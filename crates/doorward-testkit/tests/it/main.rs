//! What a test meets of this crate, seen from outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken expectation has to fail the test that met it"
)]

#[cfg(unix)]
mod servers;
