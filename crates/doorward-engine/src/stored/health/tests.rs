//! A store that hangs, is gone, and comes back.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use doorward_core::UnixTime;
use doorward_core::ports::{
    BoxFuture, Cursor, Fetch, FetchError, Fetched, IndexKey, Loaded, Page, StoreFeed, StoreKey, Write, Written,
};
use doorward_oidc::OutboundRequest;
use doorward_testkit::{FixedClock, SeededRandom, TokioTestTasks};

use super::*;

const DEADLINE: Duration = Duration::from_millis(250);

/// Nothing is fetched here.
struct Nowhere;

impl Fetch for Nowhere {
    fn fetch(&self, _: OutboundRequest) -> BoxFuture<'static, Result<Fetched, FetchError>> {
        Box::pin(async { Err(FetchError::Unreachable) })
    }
}

/// A store that never answers, and says how long its calls take.
struct Silent(Duration);

impl SessionStore for Silent {
    fn load<'a>(&'a self, _: &'a StoreKey, _: UnixTime) -> BoxFuture<'a, Result<Loaded, StoreError>> {
        Box::pin(std::future::pending())
    }

    fn write<'a>(&'a self, _: &'a StoreKey, _: Write<'a>, _: UnixTime) -> BoxFuture<'a, Result<Written, StoreError>> {
        Box::pin(std::future::pending())
    }

    fn list<'a>(&'a self, _: &'a IndexKey, _: Option<Cursor>, _: UnixTime) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(std::future::pending())
    }

    fn feed(&self) -> BoxFuture<'_, Result<Box<dyn StoreFeed>, StoreError>> {
        Box::pin(std::future::pending())
    }

    fn deadline(&self) -> Duration {
        self.0
    }
}

struct World {
    health: Arc<Health>,
    clock: FixedClock,
    ports: Ports,
    calls: Arc<AtomicUsize>,
}

impl World {
    fn new() -> Self {
        let clock = FixedClock::default();
        Self {
            health: Arc::new(Health::of(&Silent(DEADLINE))),
            ports: Ports {
                clock: Arc::new(clock.clone()),
                random: Arc::new(SeededRandom::new(1)),
                fetch: Arc::new(Nowhere),
                tasks: Arc::new(TokioTestTasks::new()),
            },
            clock,
            calls: Arc::default(),
        }
    }

    async fn call(&self, answer: Result<(), StoreErrorKind>) -> Result<(), StoreErrorKind> {
        let call = async {
            self.calls.fetch_add(1, Ordering::SeqCst);
            answer.map_err(StoreError::new)
        };
        self.health.call(&self.ports, call).await.map_err(|error| error.kind())
    }

    async fn hang(&self) -> Result<(), StoreErrorKind> {
        let call = async {
            self.calls.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<Result<(), StoreError>>().await
        };
        self.health.call(&self.ports, call).await.map_err(|error| error.kind())
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn call_that_hangs_ends_at_its_deadline() {
    let world = World::new();
    let begun = tokio::time::Instant::now();
    assert_eq!(world.hang().await, Err(StoreErrorKind::Timeout));
    assert_eq!(begun.elapsed(), DEADLINE + GRACE);
}

#[tokio::test(start_paused = true)]
async fn store_that_is_down_is_asked_once_in_each_rest() {
    let world = World::new();
    for _ in 0..FAILURES {
        assert_eq!(
            world.call(Err(StoreErrorKind::Unreachable)).await,
            Err(StoreErrorKind::Unreachable)
        );
    }
    let asked = world.calls();
    for _ in 0..1_000 {
        assert_eq!(world.call(Ok(())).await, Err(StoreErrorKind::Unreachable));
    }
    assert_eq!(world.calls(), asked, "nobody waits for a store that is down");
    world.clock.advance(REST);
    assert_eq!(
        world.call(Err(StoreErrorKind::Timeout)).await,
        Err(StoreErrorKind::Timeout)
    );
    assert_eq!(
        world.call(Ok(())).await,
        Err(StoreErrorKind::Unreachable),
        "one probe is enough"
    );
    assert_eq!(world.calls(), asked + 1);
}

#[tokio::test(start_paused = true)]
async fn first_answer_after_an_outage_opens_the_way_for_everybody() {
    let world = World::new();
    for _ in 0..FAILURES {
        let _ = world.call(Err(StoreErrorKind::Unreachable)).await;
    }
    world.clock.advance(REST);
    for _ in 0..100 {
        assert_eq!(world.call(Ok(())).await, Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn failures_that_are_not_in_a_row_do_not_count_as_an_outage() {
    let world = World::new();
    for _ in 0..10 * FAILURES {
        let _ = world.call(Err(StoreErrorKind::Unreachable)).await;
        assert_eq!(world.call(Ok(())).await, Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn record_that_is_refused_is_no_outage() {
    let world = World::new();
    for _ in 0..10 * FAILURES {
        for kind in [StoreErrorKind::Foreign, StoreErrorKind::Failed] {
            assert_eq!(world.call(Err(kind)).await, Err(kind));
        }
    }
    assert_eq!(world.call(Ok(())).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn crowd_before_a_frozen_store_is_answered_within_the_deadline_and_holds_a_bounded_number_of_calls() {
    let world = Arc::new(World::new());
    let begun = tokio::time::Instant::now();
    let crowd: Vec<_> = (0..2_000)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.hang().await })
        })
        .collect();
    for one in crowd {
        assert!(one.await.unwrap().is_err());
    }
    assert_eq!(begun.elapsed(), DEADLINE + GRACE);
    assert_eq!(world.calls(), MAX_CALLS, "no more calls than permits are under way");
    assert_eq!(
        world.health.permits.available_permits(),
        MAX_CALLS,
        "and each gave its own back"
    );
}

#[tokio::test(start_paused = true)]
async fn each_store_is_waited_for_as_long_as_it_says_and_a_little_longer() {
    let world = World::new();
    for deadline in [Duration::from_millis(30), Duration::from_secs(4)] {
        let store = Silent(deadline);
        let health = Health::of(&store);
        let begun = tokio::time::Instant::now();
        let key = StoreKey::from_bytes([7; 32]);
        let answered = health
            .call(&world.ports, store.load(&key, UnixTime::from_seconds(0)))
            .await;
        assert_eq!(answered.map_err(|error| error.kind()), Err(StoreErrorKind::Timeout));
        assert_eq!(begun.elapsed(), deadline + GRACE);
    }
}
