//! A login is used once; what is remembered of it is bounded.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(1_790_000_000 + seconds)
}

#[test]
fn a_state_is_new_once_and_no_other_is_touched_by_it() {
    // attacks: B4, K14
    let tickets = UsedTickets::default();
    assert!(tickets.first_use("a", at(0)));
    assert!(!tickets.first_use("a", at(0)));
    assert!(!tickets.first_use("a", at(599)));
    for other in ["A", "a ", "", "aa", "b"] {
        assert!(tickets.first_use(other, at(1)), "{other:?}");
    }
}

#[test]
fn a_use_is_remembered_for_longer_than_its_ticket_lives() {
    // attacks: B4
    let tickets = UsedTickets::default();
    assert!(tickets.first_use("a", at(0)));
    let lifetime = LOGIN_LIFETIME.as_secs();
    assert!(!tickets.first_use("a", at(lifetime)));
    assert!(!tickets.first_use("a", at(lifetime + 60)), "clocks may differ");
    assert!(
        tickets.first_use("a", at(lifetime + 61)),
        "the ticket is worthless by now"
    );
}

#[test]
fn of_many_only_the_newest_are_kept() {
    let tickets = UsedTickets::default();
    for number in 0..=MAX_USED {
        assert!(tickets.first_use(&format!("state-{number}"), at(0)));
    }
    let used = tickets.used.lock().unwrap();
    assert_eq!((used.digests.len(), used.by_age.len()), (MAX_USED, MAX_USED));
    drop(used);
    assert!(!tickets.first_use("state-1", at(0)));
    assert!(!tickets.first_use(&format!("state-{MAX_USED}"), at(0)));
    assert!(tickets.first_use("state-0", at(0)), "the oldest went first");
}

#[test]
fn a_clock_that_is_set_back_forgets_nothing() {
    let tickets = UsedTickets::default();
    assert!(tickets.first_use("a", at(10_000)));
    assert!(!tickets.first_use("a", at(0)));
    assert!(tickets.first_use("b", at(0)));
    assert!(!tickets.first_use("b", at(10_000)));
}

#[test]
fn of_many_threads_one_is_first() {
    // attacks: K14
    let tickets = UsedTickets::default();
    let firsts: usize = std::thread::scope(|scope| {
        let attempts: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| usize::from(tickets.first_use("a", at(0)))))
            .collect();
        attempts.into_iter().map(|attempt| attempt.join().unwrap()).sum()
    });
    assert_eq!(firsts, 1);
}
