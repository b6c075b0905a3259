//! What the rules need from the world, each as a small trait: [`SessionStore`], [`Fetch`], [`Clock`], [`Random`], [`Tasks`],
//! [`TenantDirectory`].
//!
//! Futures are boxed, so that every port is a trait object and no type parameter reaches the public API.

mod fetch;
mod store;
mod store_key;
mod tenants;
#[cfg(test)]
mod tests;

use core::{future::Future, pin::Pin, time::Duration};

use doorward_oidc::UnixTime;

pub use self::{
    fetch::{Fetch, FetchError, Fetched},
    store::{
        Cursor, Entry, ListChange, Loaded, MAX_RECORD_BYTES, Page, SessionStore, StoreError, StoreErrorKind, StoreFeed,
        StoreTime, Write, Written,
    },
    store_key::{IndexKey, StoreKey},
    tenants::{DirectoryUnavailable, Found, TenantDirectory},
};
pub use doorward_crypto::{Random, RandomUnavailable};

/// A future as a trait object, the return type of every waiting port.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Returns the time of day; may step when the host's clock is set.
    fn now(&self) -> UnixTime;

    /// Returns the time since some fixed moment; never steps back, so it measures intervals.
    fn monotonic(&self) -> Duration;
}

/// Runs jobs to their end whatever becomes of the request that started them, and sleeps.
///
/// Every token call runs in it: a browser that hangs up in the middle of a refresh must not lose the rotated token.
pub trait Tasks: Send + Sync + 'static {
    /// Starts a job that nobody waits for; it is never cancelled by the end of a request.
    fn spawn(&self, job: BoxFuture<'static, ()>);

    /// Waits for a duration.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}
