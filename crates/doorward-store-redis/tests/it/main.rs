//! The store against real servers, one of ours that plays tricks, and servers that stop, thaw and change their roles.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests: figures are printed, and a broken expectation has to fail the test that met it"
)]

mod cluster;
mod demotion;
mod fake;
mod feed;
mod foreign;
mod outage;
mod pressure;
mod sentinel;
mod single;
mod suite;
mod support;
mod tricks;
