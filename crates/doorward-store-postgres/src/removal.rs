//! What has expired goes, in the background and a little at a time.

use core::time::Duration;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, OnceLock, Weak};

use doorward_core::ports::StoreError;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::calls::Remove;
use crate::statements::REMOVED_AT_ONCE;
use crate::store::Inner;

/// A batch is in no hurry.
const DEADLINE: Duration = Duration::from_secs(10);
/// Between two batches the others have the connection and the server.
const PAUSE: Duration = Duration::from_millis(20);
/// Batches in one go; what is left waits for the next.
const BATCHES: usize = 200;

/// The task that removes, started by the first call, because only then there is a runtime for certain.
pub(crate) struct Removal {
    interval: Duration,
    task: OnceLock<AbortHandle>,
}

impl Removal {
    pub(crate) fn new(interval: Duration) -> Self {
        Self {
            interval,
            task: OnceLock::new(),
        }
    }

    pub(crate) fn begin(&self, store: &Arc<Inner>) {
        self.task.get_or_init(|| {
            let task = tokio::spawn(run(Arc::downgrade(store), self.interval));
            task.abort_handle()
        });
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

async fn run(store: Weak<Inner>, interval: Duration) {
    let random = RandomState::new();
    for round in 0_u64.. {
        // A tenth more or less, so that instances that were started together do not meet each time. Any hash is random enough.
        let spread = u32::from(random.hash_one(round) as u16);
        sleep(interval * 9 / 10 + interval / 5 * spread / 0xffff).await;
        let Some(store) = store.upgrade() else {
            return;
        };
        match remove(&store).await {
            Ok(0) => {}
            Ok(removed) => tracing::debug!(removed, "what had expired was removed from the session store"),
            Err(error) => tracing::warn!(%error, "what has expired could not be removed from the session store"),
        }
    }
}

/// Removes batch after batch until nothing is left.
pub(crate) async fn remove(store: &Inner) -> Result<u64, StoreError> {
    let mut total = 0;
    for statement in [&store.statements.remove_sessions, &store.statements.remove_list_entries] {
        for _ in 0..BATCHES {
            let removed = store.call(&Remove(statement), DEADLINE).await?;
            total += removed;
            if usize::try_from(removed).is_ok_and(|removed| removed < REMOVED_AT_ONCE) {
                break;
            }
            sleep(PAUSE).await;
        }
    }
    Ok(total)
}
