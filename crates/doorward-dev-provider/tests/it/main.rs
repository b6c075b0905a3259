//! The provider as its clients and browsers meet it, through its router.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod browser;
mod client_auth;
mod code_flow;
mod control;
mod frontchannel;
mod logout;
mod logout_orders;
mod pages;
mod platform_api;
mod platform_browser;
mod platform_login;
mod refresh;
mod sessions;
mod tokens;
