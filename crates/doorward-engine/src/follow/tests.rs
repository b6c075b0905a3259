//! A feed is followed as long as it is wanted, and one that breaks is begun again, less and less often.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use doorward_testkit::{FixedClock, RouterFetch, SeededRandom, TokioTestTasks};

use super::*;

#[derive(Clone, Default)]
struct Fake(Arc<State>);

#[derive(Default)]
struct State {
    begins: AtomicUsize,
    is_wanted: AtomicBool,
    was_dropped: AtomicBool,
    /// Feeds break at once; else they say nothing.
    breaks: AtomicBool,
}

struct Feed(bool);

impl StoreFeed for Feed {
    fn next(&mut self) -> BoxFuture<'_, Result<StoreKey, StoreError>> {
        match self.0 {
            true => Box::pin(async { Err(StoreError::new(StoreErrorKind::Unreachable)) }),
            false => Box::pin(std::future::pending()),
        }
    }
}

impl Listener for Fake {
    const OF: &'static str = "tests";
    const LOOK_EVERY: Duration = Duration::from_secs(5);

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn StoreFeed>, StoreError>> {
        self.0.begins.fetch_add(1, Ordering::SeqCst);
        let feed: Box<dyn StoreFeed> = Box::new(Feed(self.0.breaks.load(Ordering::SeqCst)));
        Box::pin(async { Ok(feed) })
    }

    fn begun(&self) {}

    fn heard(&self, _: StoreKey) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn is_wanted(&self) -> bool {
        self.0.is_wanted.load(Ordering::SeqCst)
    }

    fn dropped(&self) {
        self.0.was_dropped.store(true, Ordering::SeqCst);
    }
}

impl Fake {
    fn wanted(breaks: bool) -> (Self, FixedClock, tokio::task::JoinHandle<()>) {
        let fake = Self::default();
        fake.0.is_wanted.store(true, Ordering::SeqCst);
        fake.0.breaks.store(breaks, Ordering::SeqCst);
        let clock = FixedClock::default();
        let ports = Ports {
            clock: Arc::new(clock.clone()),
            random: Arc::new(SeededRandom::new(1)),
            fetch: Arc::new(RouterFetch::unreachable()),
            tasks: Arc::new(TokioTestTasks::new()),
        };
        let following = tokio::spawn(follow(fake.clone(), ports));
        (fake, clock, following)
    }

    fn begins(&self) -> usize {
        self.0.begins.load(Ordering::SeqCst)
    }

    fn was_dropped(&self) -> bool {
        self.0.was_dropped.load(Ordering::SeqCst)
    }
}

async fn pass(clock: &FixedClock, seconds: u64) {
    for _ in 0..seconds {
        clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_breaks_at_once_is_begun_less_and_less_often() {
    let (fake, clock, following) = Fake::wanted(true);
    // After 0, 1, 3, 7, 15, 31, 61 and 91 seconds.
    for (seconds, begins) in [(2, 2), (2, 3), (6, 4), (40, 6), (50, 8)] {
        pass(&clock, seconds).await;
        assert_eq!(fake.begins(), begins, "{seconds} s later");
    }
    fake.0.is_wanted.store(false, Ordering::SeqCst);
    following.await.unwrap();
    assert!(!fake.was_dropped(), "it has ended by itself");
}

#[tokio::test(start_paused = true)]
async fn a_feed_in_order_is_begun_once_and_left_when_nobody_wants_it() {
    let (fake, clock, following) = Fake::wanted(false);
    pass(&clock, 100).await;
    assert_eq!(fake.begins(), 1);
    fake.0.is_wanted.store(false, Ordering::SeqCst);
    following.await.unwrap();
    assert!(!fake.was_dropped());
}

#[tokio::test(start_paused = true)]
async fn a_following_that_is_dropped_in_the_middle_says_so() {
    let (fake, clock, following) = Fake::wanted(false);
    pass(&clock, 3).await;
    following.abort();
    assert!(following.await.unwrap_err().is_cancelled());
    assert!(fake.was_dropped());
}
