//! The world as all that waits sees it: four of the six ports. The session store is with the place of sessions
//! ([`SessionPlace`](crate::auth::SessionPlace)), the tenant directory with the sites ([`Sites`](crate::sites::Sites)).

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use doorward_core::ports::{Clock, Fetch, Random, Tasks};

/// The ports, shared by everything that waits.
#[derive(Clone)]
pub(crate) struct Ports {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) tasks: Arc<dyn Tasks>,
}

impl Ports {
    /// Waits for `work`, but no longer than `limit`; what it started in `Tasks` goes on all the same.
    pub(crate) async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut limit = self.tasks.sleep(limit);
        std::future::poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => limit.as_mut().poll(context).map(|()| None),
        })
        .await
    }
}
