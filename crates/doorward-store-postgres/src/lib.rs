//! Sessions in PostgreSQL (13 or newer).
//!
//! [`PostgresStore`] is a [`SessionStore`](doorward_core::ports::SessionStore): sealed records under digests, changed by
//! compare-and-set in one statement each, lists of them, and a feed on `LISTEN` and `NOTIFY`. Its tables are made by
//! [`PostgresStore::migrate`] or `doorward migrate`.
//!
//! What happens when the server does not answer, in the order applied to each call:
//!
//! 1. Beyond [`max_concurrent_calls`](PostgresStoreBuilder::max_concurrent_calls) calls at once, a further one is told so immediately.
//! 2. A call waits for a connection and for its answer [`deadline`](PostgresStoreBuilder::deadline) at most, both together.
//!    Connections are opened beside the calls, so that one that takes longer to open than a call may wait is there for the next.
//! 3. A connection whose call ended without an answer is closed, never used again: an answer that comes late would be taken
//!    for that of the next call.
//! 4. When a connection breaks, those that were opened before it are not used any more either.
//! 5. What is certain not to have been done is tried once more; a write that may have been done never is.

#![forbid(unsafe_code)]

mod address;
mod builder;
mod calls;
mod failure;
mod feed;
mod migrations;
mod pool;
mod removal;
mod statements;
mod store;

pub use address::UrlError;
pub use builder::{PostgresStoreBuilder, PostgresStoreError};
pub use migrations::MigrationError;
pub use store::PostgresStore;
