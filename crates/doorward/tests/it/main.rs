//! The library as an application meets it: an axum app, a provider, a browser, all in one process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests"
)]

mod attacks;
mod bearer;
mod bearer_tenants;
mod client_rotation;
mod client_types;
mod isolation;
mod journey;
mod lifecycle;
mod live;
mod outside_logout;
mod provider;
mod refresh;
mod review;
mod rotation;
mod shared_host;
mod step_up;
mod support;
mod tenant_changes;
mod tenants;
mod two_instances;
mod unwritten;
mod weaknesses;
mod wristband;
