//! The binary as people and scripts meet it: started as a process, spoken to over sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

mod browser;
mod check;
mod command_line;
mod dev;
mod keys;
mod live;
mod migrate;
mod process;
mod provider;
mod shared_stores;
