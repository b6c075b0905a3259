//! One module per command.

pub(crate) mod check;
pub(crate) mod dev;
pub(crate) mod keys;
pub(crate) mod migrate;
pub(crate) mod provider;

use std::future::Future;

use crate::failure::Failure;

/// Runs a server command to its end.
fn block_on(server: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Broken(format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(server);
    // Whatever is left has had its time.
    runtime.shutdown_background();
    outcome
}
