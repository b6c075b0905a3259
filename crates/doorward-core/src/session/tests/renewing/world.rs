//! What is explored: some instances that renew the tokens of one session, its record, a provider, and what may go wrong.
//!
//! The instances are the real machine, and the record changes by the real transition function alone. The store compares and sets a
//! version. Tokens are numbers; the session begins with token 0.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::provider::{Provider, Reply, Rotation};
use crate::{
    ports::StoreTime,
    session::{Answer, Ask, Called, Control, Outcome, Renewing, Seen, Standing},
    test_support::at,
};

/// How many things of each kind may go wrong or happen beside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Budget {
    /// An instance is gone, with all it has in memory.
    pub(super) crashes: u8,
    /// A call to the store goes unanswered.
    pub(super) store_failures: u8,
    /// A call to the provider goes unanswered.
    pub(super) call_failures: u8,
    /// The provider answers that it cannot answer now.
    pub(super) outages: u8,
    /// Everybody stands still until the lease is over.
    pub(super) pauses: u8,
    /// A call lasts so long that the lease is extended.
    pub(super) extensions: u8,
    /// Somebody loses patience with another's call.
    pub(super) impatience: u8,
    /// Somebody who got nothing tries once more.
    pub(super) retries: u8,
    /// Somebody writes the record for a reason of their own.
    pub(super) puts: u8,
    /// Somebody ends the session.
    pub(super) logouts: u8,
    /// A successor takes its place.
    pub(super) retirements: u8,
    /// The store forgets the record.
    pub(super) losses: u8,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Record {
    pub(super) version: u64,
    pub(super) control: Control,
    pub(super) token: u8,
}

/// A token call on its way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Call {
    None,
    Sent { token: u8 },
    Answered { token: u8, reply: Reply },
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Status {
    /// The machine waits for this to be done.
    Asks(Ask),
    /// Its attempt is over.
    Done(Outcome),
    /// It is no more.
    Crashed,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Instance {
    pub(super) machine: Renewing,
    pub(super) status: Status,
    /// The record as it was last read or written.
    pub(super) seen: Option<Record>,
    /// When it was last read.
    pub(super) looked_at: StoreTime,
    /// The fencing token of its last lease.
    pub(super) fence: u64,
    pub(super) call: Call,
    /// The tokens its call has brought.
    pub(super) fetched: Option<u8>,
    /// The token that the provider took back.
    pub(super) refused: Option<u8>,
}

/// A write that its sender has given up, and that may still arrive.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Late {
    pub(super) expected: u64,
    pub(super) record: Record,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct World {
    pub(super) time: StoreTime,
    pub(super) record: Option<Record>,
    pub(super) provider: Provider,
    pub(super) instances: Vec<Instance>,
    pub(super) budget: Budget,
    /// A call whose sender is gone, and that may still arrive.
    pub(super) orphan: Option<u8>,
    pub(super) late: Option<Late>,
    /// How many token calls were sent.
    pub(super) calls: u8,
    /// Which tokens were written under which fencing token.
    pub(super) written: Vec<(u64, u8)>,
    /// Whether a renewal has ended the session.
    pub(super) ended_by_renewal: bool,
}

impl World {
    pub(super) fn new(instances: usize, rotation: Rotation, budget: Budget) -> World {
        let mut machine = Renewing::new();
        let instance = Instance {
            status: Status::Asks(machine.next(Answer::Begin)),
            machine,
            seen: None,
            looked_at: StoreTime::default(),
            fence: 0,
            call: Call::None,
            fetched: None,
            refused: None,
        };
        let record = Record {
            version: 1,
            control: Control::new(at(3_600), at(43_200)),
            token: 0,
        };
        World {
            time: StoreTime::from(at(0)),
            record: Some(record),
            provider: Provider::new(rotation),
            instances: vec![instance; instances],
            budget,
            orphan: None,
            late: None,
            calls: 0,
            written: Vec::new(),
            ended_by_renewal: false,
        }
    }

    /// A name for the state, the same whichever of two equal instances is in which place.
    ///
    /// Among a million states two share one with a probability of three in a hundred million.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut instances: Vec<u64> = self.instances.iter().map(hash_of).collect();
        instances.sort_unstable();
        let late = (
            &self.orphan,
            &self.late,
            &self.written,
            self.calls,
            self.ended_by_renewal,
        );
        hash_of(&(&self.time, &self.record, &self.provider, &self.budget, late, instances))
    }

    pub(super) fn is_ended(&self) -> bool {
        self.record
            .as_ref()
            .is_some_and(|record| record.control.standing == Standing::Ended)
    }

    pub(super) fn outcomes(&self) -> impl Iterator<Item = Outcome> {
        self.instances.iter().filter_map(|instance| match instance.status {
            Status::Done(outcome) => Some(outcome),
            Status::Asks(_) | Status::Crashed => None,
        })
    }

    /// The record as an instance is told of it.
    pub(super) fn seen(&self) -> Seen {
        match &self.record {
            None => Seen::Absent,
            Some(record) => Seen::Record {
                control: record.control.clone(),
                time: self.time,
                is_due: record.control.tokens_fence == 0,
            },
        }
    }

    /// Compares and sets; whether it was set.
    pub(super) fn set(&mut self, expected: u64, mut record: Record) -> bool {
        match &self.record {
            Some(kept) if kept.version == expected => {
                let (before, now) = (kept.control.tokens_fence, record.control.tokens_fence);
                if before != now {
                    self.written.push((now, record.token));
                }
                record.version = expected + 1;
                self.record = Some(record);
                true
            }
            _ => false,
        }
    }
}

impl Instance {
    pub(super) fn sleeps(&self) -> bool {
        matches!(self.status, Status::Asks(Ask::Sleep(_)))
    }

    /// Tells the machine what the world answered.
    pub(super) fn answer(&mut self, answer: Answer) {
        match self.machine.next(answer) {
            Ask::Done(outcome) => {
                self.status = Status::Done(outcome);
                self.call = Call::None;
                self.looked_at = StoreTime::default();
            }
            ask => self.status = Status::Asks(ask),
        }
    }

    pub(super) fn called(&mut self, reply: Reply, token: u8) {
        self.call = Call::None;
        let called = match reply {
            Reply::Token(token) => {
                self.fetched = Some(token);
                Called::Tokens
            }
            Reply::Refused => {
                self.refused = Some(token);
                Called::Refused
            }
            Reply::Unavailable => Called::Failed {
                pause: core::time::Duration::from_secs(1),
            },
        };
        self.answer(Answer::Called(called));
    }
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
