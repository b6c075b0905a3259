//! A task runner on tokio that a test can wait for.

use std::time::Duration;

use doorward_core::ports::{BoxFuture, Tasks};
use tokio::sync::watch;

/// Runs jobs on the current tokio runtime and counts those under way; clones share the count.
///
/// `sleep` is tokio's, so that `#[tokio::test(start_paused = true)]` skips the waiting.
///
/// # Example
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use doorward_core::ports::Tasks;
/// use doorward_testkit::TokioTestTasks;
///
/// let tasks = TokioTestTasks::new();
/// tasks.spawn(Box::pin(async { /* a job that outlives its request */ }));
/// tasks.idle().await;
/// assert_eq!(tasks.running(), 0);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct TokioTestTasks {
    running: watch::Sender<usize>,
}

impl TokioTestTasks {
    /// Makes a runner without jobs.
    #[must_use]
    pub fn new() -> Self {
        Self {
            running: watch::Sender::new(0),
        }
    }

    /// Tells how many jobs are under way.
    #[must_use]
    pub fn running(&self) -> usize {
        *self.running.borrow()
    }

    /// Waits until no job is under way.
    pub async fn idle(&self) {
        let mut seen = self.running.subscribe();
        seen.wait_for(|running| *running == 0)
            .await
            .expect("the sender lives as long as self");
    }
}

impl Default for TokioTestTasks {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts a job down even when it panics or its runtime goes away.
struct Running(watch::Sender<usize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}

impl Tasks for TokioTestTasks {
    fn spawn(&self, job: BoxFuture<'static, ()>) {
        self.running.send_modify(|running| *running += 1);
        let running = Running(self.running.clone());
        tokio::spawn(async move {
            let _running = running;
            job.await;
        });
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async move { tokio::time::sleep(duration).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Gate;

    #[tokio::test]
    async fn idle_waits_for_the_last_job() {
        let tasks = TokioTestTasks::new();
        let gate = Gate::closed();
        let inside = gate.clone();
        tasks.spawn(Box::pin(async move { inside.pass().await }));
        assert_eq!(tasks.running(), 1);
        gate.open();
        tasks.idle().await;
        assert_eq!(tasks.running(), 0);
    }

    #[tokio::test]
    async fn a_job_that_panics_is_counted_down() {
        let tasks = TokioTestTasks::new();
        tasks.spawn(Box::pin(async { panic!("expected by the test") }));
        tasks.idle().await;
        assert_eq!(tasks.running(), 0);
    }
}
