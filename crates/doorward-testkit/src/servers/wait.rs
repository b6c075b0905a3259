//! Waiting for a server by asking it, again and again, up to a limit.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::START_LIMIT;

/// Between two questions: short against a start, long against an answer.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// Asks until the answer is `Ok`, at most [`START_LIMIT`].
///
/// `ask` says in its error what it met instead of what is wanted; the last of these stands in this function's error.
/// (A closure that answers with a future, here and elsewhere: of an async closure no compiler sees yet that its future
/// may go to another thread.)
pub(super) async fn until<T, F>(expected: &str, mut ask: impl FnMut() -> F) -> Result<T, String>
where
    F: Future<Output = Result<T, String>>,
{
    let deadline = Instant::now() + START_LIMIT;
    let mut met = "no answer".to_owned();
    loop {
        match timeout_at(deadline, ask()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(instead)) => met = instead,
            Err(_) => {}
        }
        if Instant::now() >= deadline {
            return Err(format!(
                "expected {expected} within {} s, found {met}",
                START_LIMIT.as_secs()
            ));
        }
        sleep(PAUSE).await;
    }
}
