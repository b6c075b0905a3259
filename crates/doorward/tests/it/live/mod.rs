//! Live connections end with the session: the future, streaming bodies, WebSockets.

mod feed;
mod revoked;
mod sessions;
#[cfg(feature = "ws")]
mod sockets;
mod stage;
mod streams;
mod tenants;
