//! Background jobs on tokio.

use std::time::Duration;

use doorward_core::ports::{BoxFuture, Tasks};
use tokio::runtime::Handle;

/// Runs jobs on a tokio runtime, whatever becomes of the request that started them.
///
/// Without a handle the runtime is looked up when a job is spawned, which inside a server is the server's own. A job
/// spawned where there is no runtime and no handle is dropped, with an error in the log: panicking there would take down
/// what works without it.
///
/// When a runtime shuts down, its jobs are dropped where they wait; a server that stops cleanly gives them their time.
#[derive(Clone, Debug, Default)]
pub struct TokioTasks {
    handle: Option<Handle>,
}

impl TokioTasks {
    /// Makes a runner that uses the runtime it is called on.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a runner that falls back to this runtime when called outside any.
    #[must_use]
    pub fn on(handle: Handle) -> Self {
        Self { handle: Some(handle) }
    }
}

impl Tasks for TokioTasks {
    fn spawn(&self, job: BoxFuture<'static, ()>) {
        match Handle::try_current().ok().or_else(|| self.handle.clone()) {
            Some(handle) => drop(handle.spawn(job)),
            None => tracing::error!("background job dropped: no tokio runtime here"),
        }
    }

    /// Waits on tokio's timer; must be awaited on a runtime whose timer is on.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // Made inside, so that calling it outside a runtime is no panic yet.
        Box::pin(async move { tokio::time::sleep(duration).await })
    }
}
