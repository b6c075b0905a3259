//! The client against real sockets on loopback: what it follows, reads, believes and refuses.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod exchange;
mod server;
mod tasks;
mod tls;

use bytes::Bytes;
use doorward_core::{OutboundRequest, Reach};
use http::Request;

/// A GET that may reach any address and read a kilobyte.
fn get(url: &str) -> OutboundRequest {
    OutboundRequest {
        request: Request::get(url).body(Bytes::new()).unwrap(),
        reach: Reach::Any,
        max_response_bytes: 1024,
        label: "discovery",
    }
}
