//! Parts for testing Doorward and what is built on it, without a network, a clock or chance.
//!
//! | part | stands in for |
//! |---|---|
//! | [`FixedClock`] | the clock; moves only when told |
//! | [`SeededRandom`], [`FailingRandom`] | the source of randomness |
//! | [`TokioTestTasks`] | the task runner; can be awaited until idle |
//! | [`RouterFetch`], [`Gate`] | the network: an axum router answers what would have been sent |
//! | [`Browser`] | a browser with cookies, Fetch Metadata, CORS and redirects |
//! | [`ScriptedProvider`] | an OpenID provider that is correct until told to misbehave |
//! | [`run_store_suite`] | the promises that every session store has to keep |
//! | `servers` (a feature) | nothing: real Redis, Sentinel, Redis Cluster, PostgreSQL and nginx, each a test's own |
//!
//! Everything here is for tests: it panics where a test should fail, and its secrets are predictable.
//!
//! # Security
//! Nothing of this crate belongs into a running service. [`SeededRandom`] repeats itself by design.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support: a broken expectation has to fail the test that met it"
)]

mod browser;
mod clock;
mod fetch;
mod gate;
mod provider;
mod random;
#[cfg(all(feature = "servers", unix))]
pub mod servers;
mod store_suite;
mod tasks;

pub use browser::{Blocked, Browser, BrowserRequest, Cookie, CookieRefused, Form, Page, RequestKind, SameSiteRule};
pub use clock::FixedClock;
pub use fetch::{Exchange, RouterFetch};
pub use gate::Gate;
pub use provider::{
    AccessTokenKind, Answer, AuthorizationScript, Body as AnswerBody, CLIENT_ID, CLIENT_SECRET, ClientKind, Delivery,
    Endpoint, IdTokenScript, KeyAlgorithm, KeyScript, ProviderKey, Recorded, Rotation, Script, ScriptedProvider,
    ScriptedProviderBuilder, Signing, TokenScript, UserinfoScript, decoys,
};
pub use random::{FailingRandom, SeededRandom};
pub use store_suite::run_store_suite;
pub use tasks::TokioTestTasks;
