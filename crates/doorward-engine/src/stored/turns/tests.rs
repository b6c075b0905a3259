//! A crowd shares reads, and nobody is given one that began before they came.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use doorward_testkit::{Gate, TokioTestTasks};

use super::*;

struct Fixture {
    turns: Arc<Turns<usize, &'static str>>,
    tasks: Arc<dyn Tasks>,
    watched: TokioTestTasks,
    reads: Arc<AtomicUsize>,
    gate: Gate,
    read: Read<usize, &'static str>,
    fails: Arc<AtomicBool>,
}

type Answer = Option<Result<usize, &'static str>>;

/// Reads number themselves and wait at the gate.
fn fixture() -> Fixture {
    let (reads, gate, watched) = (Arc::new(AtomicUsize::new(0)), Gate::closed(), TokioTestTasks::new());
    let (counted, held) = (Arc::clone(&reads), gate.clone());
    let fails = Arc::new(AtomicBool::new(false));
    let failing = Arc::clone(&fails);
    let read: Read<usize, &'static str> = Arc::new(move || -> BoxFuture<'static, Result<usize, &'static str>> {
        let (counted, held, failing) = (Arc::clone(&counted), held.clone(), Arc::clone(&failing));
        Box::pin(async move {
            let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
            held.pass().await;
            match failing.load(Ordering::SeqCst) {
                true => Err("down"),
                false => Ok(number),
            }
        })
    });
    Fixture {
        turns: Arc::default(),
        tasks: Arc::new(watched.clone()),
        watched,
        reads,
        gate,
        read,
        fails,
    }
}

impl Fixture {
    fn ask(&self, key: u8) -> tokio::task::JoinHandle<Answer> {
        let (turns, tasks, read) = (Arc::clone(&self.turns), Arc::clone(&self.tasks), Arc::clone(&self.read));
        tokio::spawn(async move { turns.read(&StoreKey::from_bytes([key; 32]), &tasks, &read).await })
    }

    async fn waiting(&self, count: usize) {
        // Each has subscribed once it stands in the table.
        loop {
            let subscribed: usize = {
                let under_way = self.turns.under_way();
                under_way.values().flatten().map(watch::Sender::receiver_count).sum()
            };
            if subscribed == count {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn crowd_that_comes_during_a_read_shares_the_next_one() {
    let fixture = fixture();
    let first = fixture.ask(1);
    fixture.gate.arrived(1).await;
    let crowd: Vec<_> = (0..200).map(|_| fixture.ask(1)).collect();
    fixture.waiting(200).await;
    fixture.gate.open();
    assert_eq!(first.await.unwrap(), Some(Ok(1)));
    for one in crowd {
        assert_eq!(one.await.unwrap(), Some(Ok(2)), "never the read that began before");
    }
    fixture.watched.idle().await;
    assert_eq!(fixture.reads.load(Ordering::SeqCst), 2);
    assert!(fixture.turns.under_way().is_empty(), "nothing is left behind");
}

#[tokio::test]
async fn reads_of_different_records_do_not_wait_for_one_another() {
    let fixture = fixture();
    let both = [fixture.ask(1), fixture.ask(2)];
    fixture.gate.arrived(2).await;
    fixture.gate.open();
    for one in both {
        assert!(one.await.unwrap().unwrap().is_ok());
    }
    assert!(fixture.turns.under_way().is_empty());
}

#[tokio::test]
async fn reader_that_hangs_up_leaves_the_others_a_read_of_their_own() {
    let fixture = fixture();
    let first = fixture.ask(1);
    fixture.gate.arrived(1).await;
    let other = fixture.ask(1);
    fixture.waiting(1).await;
    first.abort();
    assert!(first.await.is_err());
    fixture.gate.open();
    assert_eq!(other.await.unwrap(), Some(Ok(2)));
    fixture.watched.idle().await;
    assert!(fixture.turns.under_way().is_empty());
}

#[tokio::test]
async fn one_after_the_other_each_has_a_read_of_its_own_and_no_job() {
    let fixture = fixture();
    fixture.gate.open();
    for number in 1..=3 {
        assert_eq!(fixture.ask(1).await.unwrap(), Some(Ok(number)));
        assert_eq!(fixture.watched.running(), 0);
    }
}

#[tokio::test]
async fn read_that_fails_has_failed_for_everybody_who_waited_and_for_nobody_after() {
    let fixture = fixture();
    fixture.fails.store(true, Ordering::SeqCst);
    let first = fixture.ask(1);
    fixture.gate.arrived(1).await;
    let crowd: Vec<_> = (0..20).map(|_| fixture.ask(1)).collect();
    fixture.waiting(20).await;
    fixture.gate.open();
    assert_eq!(first.await.unwrap(), Some(Err("down")));
    for one in crowd {
        assert_eq!(one.await.unwrap(), Some(Err("down")));
    }
    assert_eq!(
        fixture.reads.load(Ordering::SeqCst),
        1,
        "they need not wait twice as long"
    );
    assert!(fixture.turns.under_way().is_empty(), "nothing is left behind");
    fixture.fails.store(false, Ordering::SeqCst);
    assert_eq!(fixture.ask(1).await.unwrap(), Some(Ok(2)));
}
