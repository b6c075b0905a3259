//! One job per key, one result for everybody, and nothing left behind.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use doorward_testkit::{Gate, TokioTestTasks};

use super::*;

type Flight = SingleFlight<&'static str, usize>;

/// A job that counts itself and waits at a gate.
fn job(runs: &Arc<AtomicUsize>, gate: &Gate) -> Begin<usize> {
    let (runs, gate) = (Arc::clone(runs), gate.clone());
    Begin::Job(Box::pin(async move {
        let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
        gate.pass().await;
        run
    }))
}

fn jobs_under_way(flight: &Flight) -> usize {
    flight.jobs.lock().unwrap().len()
}

struct Fixture {
    flight: Arc<Flight>,
    tasks: TokioTestTasks,
    runs: Arc<AtomicUsize>,
    gate: Gate,
}

impl Fixture {
    fn new() -> Self {
        Self {
            flight: Arc::default(),
            tasks: TokioTestTasks::new(),
            runs: Arc::default(),
            gate: Gate::closed(),
        }
    }

    fn join(&self, key: &'static str) -> tokio::task::JoinHandle<Option<usize>> {
        let (flight, tasks, runs, gate) = (
            Arc::clone(&self.flight),
            self.tasks.clone(),
            Arc::clone(&self.runs),
            self.gate.clone(),
        );
        tokio::spawn(async move { flight.join(key, &tasks, || job(&runs, &gate)).await })
    }
}

#[tokio::test]
async fn everybody_who_comes_during_a_job_gets_its_result() {
    let fixture = Fixture::new();
    let waiting: Vec<_> = (0..200).map(|_| fixture.join("a")).collect();
    fixture.gate.arrived(1).await;
    let other = fixture.join("b");
    fixture.gate.arrived(2).await;
    assert_eq!(jobs_under_way(&fixture.flight), 2);
    fixture.gate.open();
    for waiter in waiting {
        assert_eq!(waiter.await.unwrap(), Some(1));
    }
    assert_eq!(other.await.unwrap(), Some(2), "another key runs beside it");
    assert_eq!(fixture.runs.load(Ordering::SeqCst), 2);
    assert_eq!(jobs_under_way(&fixture.flight), 0);
}

#[tokio::test]
async fn whoever_comes_after_a_job_begins_a_new_one() {
    let fixture = Fixture::new();
    fixture.gate.open();
    assert_eq!(fixture.join("a").await.unwrap(), Some(1));
    assert_eq!(fixture.join("a").await.unwrap(), Some(2));
}

#[tokio::test]
async fn what_is_known_already_starts_nothing() {
    let flight = Flight::default();
    let tasks = TokioTestTasks::new();
    assert_eq!(flight.join("a", &tasks, || Begin::Known(7)).await, Some(7));
    assert_eq!((tasks.running(), jobs_under_way(&flight)), (0, 0));
}

#[tokio::test]
async fn a_waiter_that_goes_away_takes_nothing_down() {
    // attacks: N8
    let fixture = Fixture::new();
    let first = fixture.join("a");
    fixture.gate.arrived(1).await;
    let second = fixture.join("a");
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(
        fixture.tasks.running(),
        1,
        "the job goes on without the one who began it"
    );
    fixture.gate.open();
    assert_eq!(second.await.unwrap(), Some(1));
    fixture.tasks.idle().await;
    assert_eq!(
        (fixture.runs.load(Ordering::SeqCst), jobs_under_way(&fixture.flight)),
        (1, 0)
    );
}

#[tokio::test]
async fn a_job_that_panics_is_over_for_everybody_and_the_next_one_runs() {
    // attacks: N3
    let flight = Flight::default();
    let tasks = TokioTestTasks::new();
    let broken = flight.join("a", &tasks, || Begin::Job(Box::pin(async { panic!("a broken job") })));
    assert_eq!(broken.await, None);
    assert_eq!(jobs_under_way(&flight), 0);
    let gate = Gate::closed();
    gate.open();
    assert_eq!(flight.join("a", &tasks, || job(&Arc::default(), &gate)).await, Some(1));
}

/// A runner whose process stops: it drops every job unrun.
struct Stopping;

impl Tasks for Stopping {
    fn spawn(&self, job: BoxFuture<'static, ()>) {
        drop(job);
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_runner_that_drops_the_job_leaves_nobody_waiting_and_no_entry() {
    let flight = Flight::default();
    let gate = Gate::closed();
    assert_eq!(flight.join("a", &Stopping, || job(&Arc::default(), &gate)).await, None);
    assert_eq!(jobs_under_way(&flight), 0);
}

#[tokio::test]
async fn a_job_that_ends_has_left_the_table_before_its_result_is_told() {
    // Otherwise a waiter could join the job that it was just told the end of.
    let fixture = Fixture::new();
    fixture.gate.open();
    for round in 1..=50 {
        assert_eq!(fixture.join("a").await.unwrap(), Some(round));
        assert_eq!(jobs_under_way(&fixture.flight), 0);
    }
}
