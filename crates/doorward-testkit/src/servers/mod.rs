//! Real servers from the system's packages, each started by the test that needs it and gone with it.
//!
//! | server | programs |
//! |---|---|
//! | [`RedisServer`], [`Sentinels`], [`RedisCluster`] | `redis-server`, or `valkey-server` where there is no other |
//! | [`PostgresServer`] | `initdb`, `postgres` and `psql`, also from where Debian keeps them |
//! | [`Nginx`] | `nginx` |
//!
//! No service of the system is used or touched. Each server has a folder of its own under the temporary directory, and
//! listens on a port of 127.0.0.1 that the kernel gave. Whoever starts one waits until it has answered, at most
//! [`START_LIMIT`], and panics with what the server printed if it does not. A server is killed and its folder removed
//! when its value is dropped, and also when the test's process dies without dropping anything. A test that panics
//! prints what its servers said.
//!
//! A program that is not installed fails the test that needs it, with the way to install it: a proof left out silently
//! would pass for one.
//!
//! As root, PostgreSQL runs as the account `postgres`, because it refuses root; that account has to be able to enter
//! the temporary directory.
//!
//! Time has to run: on a runtime with paused time the limits pass at once.

mod certificates;
mod cluster;
mod core;
mod folder;
mod nginx;
mod postgres;
mod process;
mod redis;
mod resp;
mod sentinel;
#[cfg(test)]
mod tests;
mod wait;

use std::time::Duration;

pub use certificates::certificate_authority;
pub use cluster::RedisCluster;
pub use nginx::Nginx;
pub use postgres::{PostgresOptions, PostgresServer};
pub use redis::{RedisOptions, RedisServer, RedisUser};
pub use sentinel::Sentinels;

/// How long a server may take until it answers, and every question of this module until it is answered.
pub const START_LIMIT: Duration = Duration::from_secs(20);

/// How to install all of them.
const INSTALL: &str = "install it with `cargo xtask test --install`, or on Debian: apt-get install redis-server \
                       postgresql nginx-light";
