//! What can happen next.

use super::world::{Budget, Call, Instance, Status, World};
use crate::session::{Ask, Outcome, Standing};

/// A step. The number is the instance's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Event {
    Load(usize),
    Write(usize),
    Reach(usize),
    Return(usize),
    Wake(usize),
    Resume(usize),
    /// Everybody waits, and this one has waited long enough for tokens of the holder before.
    Bide(usize),
    /// Everybody waits, and time passes.
    TimePasses,
    LateWriteArrives,
    OrphanArrives,
    Fault(Fault),
}

/// A step that costs something of the budget.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    LoadFails(usize),
    /// Written, and the answer is lost.
    AnswerIsLost(usize),
    /// Not written, and the answer is an error.
    WriteIsLost(usize),
    /// Not written yet, and the answer is an error.
    WriteIsLate(usize),
    CallIsLost(usize),
    /// The call fails for its sender and reaches the provider later.
    CallIsLate(usize),
    /// The provider has answered, and the answer is lost.
    ReplyIsLost(usize),
    Outage(usize),
    Extend(usize),
    LosePatience(usize),
    Retry(usize),
    Crash(usize),
    /// As a crash, and the call that was on its way arrives later.
    CrashWithCallUnderWay(usize),
    Pause,
    Put,
    Logout,
    Retire,
    Lose,
}

impl World {
    /// Everything that can happen now.
    pub(super) fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for (number, instance) in self.instances.iter().enumerate() {
            self.events_of(number, instance, &mut events);
        }
        if self.late.is_some() {
            events.push(Event::LateWriteArrives);
        }
        if self.orphan.is_some() {
            events.push(Event::OrphanArrives);
        }
        let time_can_pass = self.lease().is_some_and(|lease| lease.until > self.time);
        if events.iter().all(|event| matches!(event, Event::Fault(_))) {
            // Whoever waits for tokens of the holder before does so for less time than its own lease lasts.
            let biding = (0..self.instances.len()).filter(|number| self.bides(*number));
            let biding: Vec<Event> = biding.map(Event::Bide).collect();
            if biding.is_empty() && time_can_pass && self.instances.iter().any(Instance::sleeps) {
                events.push(Event::TimePasses);
            }
            events.extend(biding);
        }
        let live = self.record.as_ref().filter(|_| !self.is_ended());
        let is_live = live.is_some_and(|record| record.control.standing == Standing::Live);
        let faults = [
            (Fault::Pause, self.budget.pauses > 0 && time_can_pass),
            (Fault::Put, self.budget.puts > 0 && self.record.is_some()),
            (Fault::Logout, self.budget.logouts > 0 && live.is_some()),
            (Fault::Retire, self.budget.retirements > 0 && is_live),
            (Fault::Lose, self.budget.losses > 0 && self.record.is_some()),
        ];
        events.extend(
            faults
                .into_iter()
                .filter(|(_, can)| *can)
                .map(|(fault, _)| Event::Fault(fault)),
        );
        events
    }

    fn events_of(&self, number: usize, instance: &Instance, events: &mut Vec<Event>) {
        let Budget {
            crashes,
            store_failures,
            call_failures,
            outages,
            extensions,
            impatience,
            retries,
            ..
        } = self.budget;
        let mut may = |left: u8, fault: Fault| {
            if left > 0 {
                events.push(Event::Fault(fault));
            }
        };
        match &instance.status {
            Status::Crashed => {}
            Status::Done(Outcome::Unwritten { .. }) => {
                may(crashes, Fault::Crash(number));
                events.push(Event::Resume(number));
            }
            Status::Done(Outcome::StoreFailed | Outcome::Passing(_)) => may(retries, Fault::Retry(number)),
            Status::Done(_) => {}
            Status::Asks(ask) => {
                may(crashes, Fault::Crash(number));
                match ask {
                    Ask::Load => {
                        may(store_failures, Fault::LoadFails(number));
                        events.push(Event::Load(number));
                    }
                    Ask::Write(_) => {
                        may(store_failures, Fault::AnswerIsLost(number));
                        may(store_failures, Fault::WriteIsLost(number));
                        may(store_failures, Fault::WriteIsLate(number));
                        events.push(Event::Write(number));
                    }
                    Ask::Call => {
                        may(extensions, Fault::Extend(number));
                        match instance.call {
                            Call::Sent { .. } => {
                                may(call_failures, Fault::CallIsLost(number));
                                may(call_failures, Fault::CallIsLate(number));
                                may(outages, Fault::Outage(number));
                                may(crashes, Fault::CrashWithCallUnderWay(number));
                                events.push(Event::Reach(number));
                            }
                            Call::Answered { .. } => {
                                may(call_failures, Fault::ReplyIsLost(number));
                                events.push(Event::Return(number));
                            }
                            Call::None => {}
                        }
                    }
                    Ask::Sleep(_) => {
                        may(impatience, Fault::LosePatience(number));
                        // To look again at what is as it was would change nothing but its patience.
                        if instance.seen != self.record || instance.looked_at != self.time {
                            events.push(Event::Wake(number));
                        }
                    }
                    Ask::Done(_) => {}
                }
            }
        }
    }
}
