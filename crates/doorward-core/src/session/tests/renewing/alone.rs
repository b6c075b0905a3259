//! One machine by itself: how long it waits, when it gives up, and what an answer out of turn does.

use core::time::Duration;

use crate::{
    ports::StoreTime,
    session::{Answer, Ask, Called, Change, Control, EXTEND_EVERY, Lease, Outcome, Renewing, Seen, Transition},
    test_support::at,
};

const SECOND: Duration = Duration::from_secs(1);

fn begin() -> StoreTime {
    StoreTime::from(at(0))
}

fn due(control: &Control, time: StoreTime) -> Answer {
    Answer::Loaded(Seen::Record {
        control: control.clone(),
        time,
        is_due: true,
    })
}

fn new() -> Control {
    Control::new(at(3_600), at(43_200))
}

/// Begun, and the lease is asked for.
fn taking() -> (Renewing, Change) {
    let mut machine = Renewing::new();
    assert_eq!(machine.next(Answer::Begin), Ask::Load);
    match machine.next(due(&new(), begin())) {
        Ask::Write(Transition::Control(take @ Change::TakeLease { .. })) => (machine, take),
        other => panic!("{other:?}"),
    }
}

/// The lease is held and the call under way.
fn calling() -> (Renewing, Control) {
    let (mut machine, take) = taking();
    assert_eq!(machine.next(Answer::Written), Ask::Call);
    (machine, new().after(take).unwrap())
}

/// Looks again and again while another holds the lease; when, and what then.
fn wait(holder_extends: bool) -> (Duration, Ask) {
    let (_, mut held) = calling();
    let (mut machine, mut time) = (Renewing::new(), begin());
    machine.next(Answer::Begin);
    for _ in 0..10_000 {
        match machine.next(due(&held, time)) {
            Ask::Sleep(pause) => {
                time = time.saturating_add(pause);
                assert_eq!(machine.next(Answer::Woke), Ask::Load);
                if holder_extends {
                    let until = time.saturating_add(EXTEND_EVERY * 2);
                    held = held.after(Change::ExtendLease { fence: 1, until }).unwrap();
                }
            }
            other => return (time.saturating_since(begin()), other),
        }
    }
    panic!("somebody has endless patience")
}

#[test]
fn waiter_takes_over_from_a_dead_holder_as_soon_as_its_lease_ends() {
    let (waited, ask) = wait(false);
    assert_eq!(waited, 15 * SECOND);
    assert!(matches!(ask, Ask::Write(Transition::Control(Change::TakeLease { .. }))));
}

#[test]
fn waiter_gives_a_living_holder_thirty_seconds_and_ends_nothing() {
    let (waited, ask) = wait(true);
    assert_eq!((waited, ask), (30 * SECOND, Ask::Done(Outcome::Passing(SECOND))));
}

#[test]
fn lease_outlasts_two_extensions_that_fail() {
    let (mut machine, held) = calling();
    let lease = held.lease.unwrap();
    assert!(lease.until.saturating_since(begin()) >= EXTEND_EVERY * 3);
    let time = begin().saturating_add(EXTEND_EVERY);
    assert_eq!(machine.next(Answer::StillCalling), Ask::Load);
    assert_eq!(machine.next(Answer::StoreFailed), Ask::Call, "the call goes on");
    assert_eq!(machine.next(Answer::StillCalling), Ask::Load);
    let until = time.saturating_add(15 * SECOND);
    let extend = Change::ExtendLease { fence: 1, until };
    assert_eq!(machine.next(due(&held, time)), Ask::Write(Transition::Control(extend)));
    assert_eq!(held.after(extend).unwrap().lease, Some(Lease { fence: 1, until }));
    for answer in [Answer::Conflict, Answer::StoreFailed, Answer::Written] {
        assert_eq!(machine.clone().next(answer), Ask::Call, "the call goes on");
    }
}

#[test]
fn call_whose_lease_was_overtaken_goes_on_and_its_tokens_are_fenced() {
    let (mut machine, held) = calling();
    let time = held.lease.unwrap().until;
    let length = 15 * SECOND;
    let newer = held.after(Change::TakeLease { time, length }).unwrap();
    assert_eq!(machine.next(Answer::StillCalling), Ask::Load);
    assert_eq!(machine.next(due(&newer, time)), Ask::Call);
    assert_eq!(machine.next(Answer::Called(Called::Tokens)), Ask::Load);
    // The newer holder has nothing yet: these are the newest tokens there are.
    let store = machine.clone().next(due(&newer, time));
    assert_eq!(store, Ask::Write(Transition::Tokens { fence: 1 }));
    let expires_at = at(3_600);
    let done = newer.after(Change::PutTokens { fence: 2, expires_at }).unwrap();
    assert_eq!(machine.next(due(&done, time)), Ask::Done(Outcome::Renewed));
}

#[test]
fn refused_holder_gives_a_silent_one_before_it_five_seconds() {
    let (_, silent) = calling();
    let time = silent.lease.unwrap().until;
    let mut machine = Renewing::new();
    machine.next(Answer::Begin);
    let Ask::Write(Transition::Control(take)) = machine.next(due(&silent, time)) else {
        panic!("the lease of a silent holder is taken when it ends")
    };
    let held = silent.after(take).unwrap();
    machine.next(Answer::Written);
    assert_eq!(machine.next(Answer::Called(Called::Refused)), Ask::Load);
    // It speaks up: its tokens are the newest.
    let mut heard = machine.clone();
    assert!(matches!(heard.next(due(&held, time)), Ask::Sleep(_)));
    assert_eq!(heard.next(Answer::Woke), Ask::Load);
    let expires_at = at(3_600);
    let late = held.after(Change::PutTokens { fence: 1, expires_at }).unwrap();
    assert_eq!(heard.next(due(&late, time)), Ask::Done(Outcome::Renewed));
    // It does not: the session is over.
    let mut waited = Duration::ZERO;
    let end = loop {
        match machine.next(due(&held, time)) {
            Ask::Sleep(pause) => waited += pause,
            other => break other,
        }
        assert_eq!(machine.next(Answer::Woke), Ask::Load);
    };
    assert_eq!(
        (waited, end),
        (5 * SECOND, Ask::Write(Transition::Control(Change::End)))
    );
    assert!(waited < 2 * EXTEND_EVERY, "the lease outlasts it, extended or not");
}

#[test]
fn refusal_ends_at_once_where_the_holder_before_handed_its_lease_back() {
    let (mut machine, held) = calling();
    machine.next(Answer::Called(Called::Refused));
    let end = Ask::Write(Transition::Control(Change::End));
    assert_eq!(machine.next(due(&held, begin())), end);
}

#[test]
fn lost_races_come_to_an_end() {
    let (mut machine, _) = taking();
    let mut asks = 0;
    let outcome = loop {
        asks += 1;
        match machine.next(Answer::Conflict) {
            Ask::Load => drop(machine.next(due(&new(), begin()))),
            Ask::Done(outcome) => break outcome,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((outcome, asks), (Outcome::StoreFailed, 16));

    let (mut machine, held) = calling();
    machine.next(Answer::Called(Called::Tokens));
    let mut asks = 0;
    let outcome = loop {
        asks += 1;
        let store = machine.next(due(&held, begin()));
        assert_eq!(store, Ask::Write(Transition::Tokens { fence: 1 }));
        if let Ask::Done(outcome) = machine.next(Answer::Conflict) {
            break outcome;
        }
    };
    assert_eq!((outcome, asks), (Outcome::Unwritten { fence: 1 }, 16));
}

#[test]
fn answer_out_of_turn_ends_nobody() {
    let calling = calling().0;
    let after = |machine: &Renewing, answer: Answer| {
        let mut machine = machine.clone();
        machine.next(answer);
        machine
    };
    let pause = SECOND;
    let machines = [
        Renewing::new(),
        Renewing::resume(1),
        taking().0,
        calling.clone(),
        after(&calling, Answer::StillCalling),
        after(&calling, Answer::Called(Called::Tokens)),
        after(&calling, Answer::Called(Called::Refused)),
        after(&calling, Answer::Called(Called::Failed { pause })),
        after(
            &after(&calling, Answer::Called(Called::Failed { pause })),
            Answer::StoreFailed,
        ),
    ];
    let answers = [
        Answer::Begin,
        Answer::Loaded(Seen::Absent),
        Answer::Loaded(Seen::Unreadable),
        Answer::Conflict,
        Answer::StoreFailed,
        Answer::StillCalling,
        Answer::Called(Called::Tokens),
        Answer::Called(Called::Refused),
        Answer::Called(Called::Failed { pause }),
        Answer::Woke,
    ];
    for machine in &machines {
        for answer in &answers {
            let ask = machine.clone().next(answer.clone());
            let ends = Ask::Write(Transition::Control(Change::End));
            assert!(
                ask != ends && !matches!(ask, Ask::Done(Outcome::Ended | Outcome::EndedHere)),
                "{answer:?} to {machine:?} is {ask:?}"
            );
        }
    }
}

#[test]
fn what_cannot_be_read_is_told_and_not_ended() {
    for (seen, outcome) in [(Seen::Absent, Outcome::Absent), (Seen::Unreadable, Outcome::Unreadable)] {
        let mut machine = Renewing::new();
        machine.next(Answer::Begin);
        assert_eq!(machine.next(Answer::Loaded(seen.clone())), Ask::Done(outcome));
        let (mut machine, _) = calling();
        machine.next(Answer::Called(Called::Refused));
        assert_eq!(machine.next(Answer::Loaded(seen)), Ask::Done(outcome));
    }
}
