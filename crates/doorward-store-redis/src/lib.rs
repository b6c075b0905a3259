//! Doorward's sessions in Redis (6.2 or later) or Valkey.
//!
//! [`RedisStore`] is the port [`SessionStore`](doorward_core::ports::SessionStore) on one server, on the primary that Sentinel
//! names, or on a cluster.
//!
//! | URL | servers |
//! |---|---|
//! | `redis://[user:password@]host[:6379][/database]` | one, or an address that always leads to the primary |
//! | `redis+sentinel://[user:password@]host[:26379],…/name[/database]` | the primary that sentinels know by this name |
//! | `redis+cluster://[user:password@]host[:6379],…` | a cluster, some of whose nodes these are |
//!
//! `rediss` for `redis` means TLS, to sentinels too, with the system's authorities or, with `?ca=/path/to/file.pem`, with those
//! of a file. Password and user are percent-encoded where they need to be; without a user it is `:password@`. Sentinels with an
//! account of their own: `?sentinel_user=…&sentinel_password=…`.
//!
//! Nothing here needs a server in order to start: it is connected to on need, and again when it was lost.
//!
//! # Example
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use doorward_store_redis::RedisStore;
//!
//! let store = RedisStore::connect("rediss://doorward:secret@redis.example.com:6379/0").await?;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod builder;
mod cluster;
mod connection;
mod feed;
mod link;
mod location;
mod moments;
mod question;
mod reply;
mod reply_limit;
mod scripts;
mod servers;
mod slot;
mod socket;
mod store;
mod target;
mod tls;
mod trouble;
mod value;

pub use builder::{RedisStoreBuilder, RedisStoreError};
pub use location::UrlError;
pub use store::RedisStore;
