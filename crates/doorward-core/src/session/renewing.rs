//! Renewing a stored session's tokens exactly once, whatever becomes of the instances that try.
//!
//! A machine without I/O: [`Renewing::next`] takes what the world answered and says what to ask next. The engine runs it against
//! the store and the provider; a test runs it against every order of steps, with a crash at each, over the same
//! [`Control::after`](super::Control::after).
//!
//! 1. Read the record. Renewed meanwhile: done. Ended: over.
//! 2. Somebody holds the lease: wait for the result, reading again.
//! 3. Take the lease, and only then call the provider; while the call lasts, extend it.
//! 4. Write the tokens under the lease's fencing token. A store that fails now leaves the tokens with the caller, who keeps them and
//!    [resumes](Renewing::resume): they are never fetched twice.
//! 5. `invalid_grant` ends the session only if the token that was sent is still its newest and nobody else has begun to renew it since:
//!    the record is read once more.
//!    Where the holder before went without a word, it is given a little time first: it may be there after all, with tokens that it
//!    could not write.
//! 6. A passing failure hands the lease back and ends nothing.

use core::time::Duration;

use super::{Change, Control, Refused, Standing};
use crate::ports::StoreTime;

/// How long a lease lasts unless it is extended: longer than a token call may take.
const LEASE: Duration = Duration::from_secs(15);
/// How often a call under way extends it.
pub const EXTEND_EVERY: Duration = Duration::from_secs(5);
/// How often whoever waits for another's result reads the record.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long somebody waits for another's result.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a holder that took over from one that went without a word waits, once the token is refused, for tokens of that one; shorter
/// than what is left of its own lease.
const HANDOVER: Duration = Duration::from_secs(5);
/// Lost races before the store counts as failing.
const ATTEMPTS: u8 = 16;

/// One instance's attempt at renewing one session's tokens.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Renewing {
    phase: Phase,
    waited: Duration,
    lost_races: u8,
    /// Whether the holder before ours never handed its lease back.
    took_over: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Phase {
    /// Reading, to see whether there is anything to do.
    Looking,
    /// Taking the lease with this fencing token, to renew the tokens of this generation.
    Taking { fence: u64, generation: u64 },
    /// The call is under way.
    Calling { fence: u64, generation: u64 },
    /// The call is under way; the lease is being extended, or the record read for that.
    Extending { fence: u64, generation: u64 },
    /// The tokens are there and being written, or the record read for that.
    Storing { fence: u64 },
    /// The provider took the token back; the record is being read, or the end written.
    Ending { fence: u64, generation: u64 },
    /// The call failed; the lease is being handed back, or the record read for that.
    GivingBack { fence: u64, pause: Duration },
    /// It is over.
    Over,
}

/// What the machine wants done.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Ask {
    /// Read the record; answer [`Answer::Loaded`].
    Load,
    /// Make this change on the record as it was last read or written, by compare-and-set; answer [`Answer::Written`] or
    /// [`Answer::Conflict`]. Tokens are written with [`Change::PutTokens`], for which [`Change::PutTokens::expires_at`] is the caller's.
    Write(Transition),
    /// Call the provider with the tokens of the record as it was last read, or go on waiting for the call under way; answer [`Answer::Called`], or
    /// [`Answer::StillCalling`] after [`EXTEND_EVERY`].
    Call,
    /// Wait; answer [`Answer::Woke`].
    Sleep(Duration),
    /// It is over.
    Done(Outcome),
}

/// A change of the record that a renewal makes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Transition {
    /// [`Change::TakeLease`], [`Change::ExtendLease`], [`Change::GiveBack`] or [`Change::End`]: made as it is.
    Control(Change),
    /// The tokens that the call brought, under this fencing token.
    Tokens {
        /// The fencing token.
        fence: u64,
    },
}

/// What the world answered.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Answer {
    /// Nothing yet: begin.
    Begin,
    /// The record, as it is now.
    Loaded(Seen),
    /// The change is written.
    Written,
    /// Somebody else changed the record first.
    Conflict,
    /// The store did not answer.
    StoreFailed,
    /// The call goes on.
    StillCalling,
    /// The call's result.
    Called(Called),
    /// The wait is over.
    Woke,
}

/// A record as the machine sees it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Seen {
    /// Nothing, or something that has expired.
    Absent,
    /// Something that this version cannot read.
    Unreadable,
    /// A record.
    Record {
        /// Its state.
        control: Control,
        /// The store's time.
        time: StoreTime,
        /// Whether its tokens are due to be renewed.
        is_due: bool,
    },
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Called {
    /// With tokens.
    Tokens,
    /// The provider took the refresh token back (`invalid_grant`), or its answer speaks of somebody else.
    Refused,
    /// In a way that may be otherwise the next time.
    Failed {
        /// How long to wait before that.
        pause: Duration,
    },
}

/// How a renewal ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// The record, as it was last read or written, holds renewed tokens. If ours are not the ones, they are superseded.
    Renewed,
    /// The session was ended by somebody else. Tokens that the call brought must be taken back.
    Ended,
    /// The session was ended by this renewal.
    EndedHere,
    /// There is no such session any more. Tokens that the call brought must be taken back.
    Absent,
    /// The record cannot be read.
    Unreadable,
    /// Nothing was renewed, and nothing ended; try again after this long.
    Passing(Duration),
    /// The session has a successor and renews nothing itself. Tokens that the call brought must be taken back.
    Retiring,
    /// The store did not answer; nothing was fetched, or it was refused.
    StoreFailed,
    /// The tokens are fetched and the store did not take them: keep them, and [resume](Renewing::resume) with this fencing token.
    Unwritten {
        /// The fencing token.
        fence: u64,
    },
}

impl Default for Renewing {
    fn default() -> Renewing {
        Renewing::new()
    }
}

impl Renewing {
    /// Begins an attempt; the first answer is [`Answer::Begin`].
    pub const fn new() -> Renewing {
        Renewing {
            phase: Phase::Looking,
            waited: Duration::ZERO,
            lost_races: 0,
            took_over: false,
        }
    }

    /// Goes on with tokens that were fetched and not written; the first answer is [`Answer::Begin`].
    pub const fn resume(fence: u64) -> Renewing {
        Renewing {
            phase: Phase::Storing { fence },
            waited: Duration::ZERO,
            lost_races: 0,
            took_over: false,
        }
    }

    /// Takes an answer and says what to do next.
    ///
    /// An answer that does not fit to what was asked counts as a store that failed: nobody is logged out for it.
    pub fn next(&mut self, answer: Answer) -> Ask {
        match (self.phase.clone(), answer) {
            (Phase::Looking | Phase::Storing { .. }, Answer::Begin) => Ask::Load,
            (Phase::Looking | Phase::Ending { .. }, Answer::Woke) => Ask::Load,
            (Phase::Looking, Answer::Loaded(seen)) => self.look(seen),
            (Phase::Taking { fence, generation }, Answer::Written) => {
                self.phase = Phase::Calling { fence, generation };
                Ask::Call
            }
            (Phase::Taking { .. }, Answer::Conflict) => {
                self.phase = Phase::Looking;
                self.again()
            }
            (Phase::Calling { fence, generation }, Answer::StillCalling) => {
                self.phase = Phase::Extending { fence, generation };
                Ask::Load
            }
            (Phase::Extending { fence, generation }, Answer::Loaded(seen)) => self.extend(fence, generation, &seen),
            // Whether or not the lease could be extended, the call goes on: its result is fenced.
            (Phase::Extending { fence, generation }, Answer::Written | Answer::Conflict | Answer::StoreFailed) => {
                self.phase = Phase::Calling { fence, generation };
                Ask::Call
            }
            (Phase::Calling { fence, generation }, Answer::Called(called)) => {
                self.lost_races = 0;
                self.waited = Duration::ZERO;
                self.phase = match called {
                    Called::Tokens => Phase::Storing { fence },
                    Called::Refused => Phase::Ending { fence, generation },
                    Called::Failed { pause } => Phase::GivingBack { fence, pause },
                };
                Ask::Load
            }
            (Phase::Storing { fence }, Answer::Loaded(seen)) => self.store(fence, &seen),
            (Phase::Storing { .. }, Answer::Written) => self.over(Outcome::Renewed),
            (Phase::Storing { fence }, Answer::Conflict) => self.again_or(Outcome::Unwritten { fence }),
            (Phase::Storing { fence }, _) => self.over(Outcome::Unwritten { fence }),
            (Phase::Ending { fence, generation }, Answer::Loaded(seen)) => self.end(fence, generation, seen),
            (Phase::Ending { .. }, Answer::Written) => self.over(Outcome::EndedHere),
            (Phase::Ending { .. }, Answer::Conflict) => self.again(),
            (Phase::GivingBack { fence, pause }, Answer::Loaded(seen)) => self.give_back(fence, pause, &seen),
            (Phase::GivingBack { pause, .. }, Answer::Conflict) => self.again_or(Outcome::Passing(pause)),
            (Phase::GivingBack { pause, .. }, _) => self.over(Outcome::Passing(pause)),
            _ => self.over(Outcome::StoreFailed),
        }
    }

    fn look(&mut self, seen: Seen) -> Ask {
        let (control, time) = match self.alive(&seen) {
            Ok(alive) => alive,
            Err(outcome) => return self.over(outcome),
        };
        if !matches!(seen, Seen::Record { is_due: true, .. }) {
            return self.over(Outcome::Renewed);
        }
        let change = Change::TakeLease { time, length: LEASE };
        match control.after(change) {
            Ok(taken) => {
                self.took_over = control.lease.is_some();
                self.phase = Phase::Taking {
                    fence: taken.fence,
                    generation: control.tokens_fence,
                };
                Ask::Write(Transition::Control(change))
            }
            Err(Refused::Held { .. }) if self.waited < PATIENCE => {
                self.phase = Phase::Looking;
                self.waited = self.waited.saturating_add(LOOK_EVERY);
                Ask::Sleep(LOOK_EVERY)
            }
            Err(Refused::Held { .. }) => self.over(Outcome::Passing(Duration::from_secs(1))),
            Err(Refused::Resting { for_another }) => self.over(Outcome::Passing(for_another)),
            Err(Refused::Retiring) => self.over(Outcome::Retiring),
            Err(Refused::Ended | Refused::Overtaken) => self.over(Outcome::Ended),
        }
    }

    fn extend(&mut self, fence: u64, generation: u64, seen: &Seen) -> Ask {
        if let Ok((control, time)) = self.alive(seen) {
            let until = time.saturating_add(LEASE);
            let change = Change::ExtendLease { fence, until };
            if control.after(change).is_ok() {
                return Ask::Write(Transition::Control(change));
            }
        }
        self.phase = Phase::Calling { fence, generation };
        Ask::Call
    }

    fn store(&mut self, fence: u64, seen: &Seen) -> Ask {
        match self.alive(seen) {
            // Ours, written by a call of which only the answer was lost, or newer ones.
            Ok((control, _)) if control.tokens_fence >= fence => self.over(Outcome::Renewed),
            Ok((control, _)) if control.standing != Standing::Live => self.over(Outcome::Retiring),
            Ok(_) => Ask::Write(Transition::Tokens { fence }),
            Err(outcome) => self.over(outcome),
        }
    }

    fn end(&mut self, fence: u64, generation: u64, seen: Seen) -> Ask {
        let (control, time) = match self.alive(&seen) {
            Ok(alive) => alive,
            Err(outcome) => return self.over(outcome),
        };
        if control.tokens_fence != generation {
            return self.over(Outcome::Renewed);
        }
        // Somebody else has begun since, because this instance was stopped for long: theirs is the last word.
        if control.fence != fence && control.is_leased(time) {
            return self.look(seen);
        }
        if self.took_over && self.waited < HANDOVER {
            self.waited = self.waited.saturating_add(LOOK_EVERY);
            return Ask::Sleep(LOOK_EVERY);
        }
        Ask::Write(Transition::Control(Change::End))
    }

    fn give_back(&mut self, fence: u64, pause: Duration, seen: &Seen) -> Ask {
        match self.alive(seen) {
            Ok((control, time)) => {
                let rest_until = time.saturating_add(pause);
                let change = Change::GiveBack { fence, rest_until };
                match control.after(change) {
                    Ok(_) => Ask::Write(Transition::Control(change)),
                    Err(_) => self.over(Outcome::Passing(pause)),
                }
            }
            Err(outcome) => self.over(outcome),
        }
    }

    fn alive<'s>(&self, seen: &'s Seen) -> Result<(&'s Control, StoreTime), Outcome> {
        match seen {
            Seen::Absent => Err(Outcome::Absent),
            Seen::Unreadable => Err(Outcome::Unreadable),
            Seen::Record { control, .. } if control.standing == Standing::Ended => Err(Outcome::Ended),
            Seen::Record { control, time, .. } => Ok((control, *time)),
        }
    }

    fn again(&mut self) -> Ask {
        self.again_or(Outcome::StoreFailed)
    }

    fn again_or(&mut self, given_up: Outcome) -> Ask {
        self.lost_races = self.lost_races.saturating_add(1);
        if self.lost_races >= ATTEMPTS {
            return self.over(given_up);
        }
        Ask::Load
    }

    fn over(&mut self, outcome: Outcome) -> Ask {
        self.phase = Phase::Over;
        Ask::Done(outcome)
    }
}
