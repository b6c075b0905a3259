//! What the world is after a step.

use super::{
    events::{Event, Fault},
    provider::Reply,
    world::{Call, Late, Record, Status, World},
};
use crate::{
    session::{Answer, Ask, Change, Lease, Outcome, Renewing, Standing, Transition},
    test_support::at,
};

impl World {
    /// The world after a step; an error says what the machine did that it must not do.
    pub(super) fn after(&self, event: Event) -> Result<World, String> {
        let mut next = self.clone();
        match event {
            Event::Load(number) => next.load(number),
            Event::Write(number) => {
                let (expected, record, ends) = next.change(number)?;
                if next.set(expected, record) {
                    next.ended_by_renewal |= ends;
                    let fence = next
                        .record
                        .as_ref()
                        .and_then(|record| record.control.lease)
                        .map(|lease| lease.fence);
                    let instance = &mut next.instances[number];
                    if matches!(
                        instance.status,
                        Status::Asks(Ask::Write(Transition::Control(Change::TakeLease { .. })))
                    ) {
                        instance.fence = fence.unwrap_or_default();
                    }
                    instance.seen = next.record.clone();
                    next.instances[number].answer(Answer::Written);
                } else {
                    next.instances[number].answer(Answer::Conflict);
                }
            }
            Event::Reach(number) => {
                if let Call::Sent { token } = next.instances[number].call {
                    let reply = next.provider.call(token);
                    next.instances[number].call = Call::Answered { token, reply };
                }
            }
            Event::Return(number) => {
                if let Call::Answered { token, reply } = next.instances[number].call {
                    next.instances[number].called(reply, token);
                }
            }
            Event::Wake(number) => next.instances[number].answer(Answer::Woke),
            Event::Resume(number) => {
                let instance = &mut next.instances[number];
                if let Status::Done(Outcome::Unwritten { fence }) = instance.status {
                    instance.machine = Renewing::resume(fence);
                    instance.answer(Answer::Begin);
                }
            }
            Event::Bide(number) => next.lose_patience(number)?,
            Event::TimePasses => next.pass_the_lease(),
            Event::LateWriteArrives => {
                if let Some(Late { expected, record }) = next.late.take() {
                    let ends = record.control.standing == Standing::Ended;
                    next.ended_by_renewal |= next.set(expected, record) && ends;
                }
            }
            Event::OrphanArrives => {
                if let Some(token) = next.orphan.take() {
                    next.provider.call(token);
                }
            }
            Event::Fault(fault) => next.fail(fault)?,
        }
        next.send_calls()?;
        Ok(next)
    }

    fn fail(&mut self, fault: Fault) -> Result<(), String> {
        match fault {
            Fault::LoadFails(number) => {
                self.budget.store_failures -= 1;
                self.instances[number].answer(Answer::StoreFailed);
            }
            Fault::AnswerIsLost(number) | Fault::WriteIsLost(number) | Fault::WriteIsLate(number) => {
                self.budget.store_failures -= 1;
                let (expected, record, ends) = self.change(number)?;
                match fault {
                    Fault::AnswerIsLost(_) => self.ended_by_renewal |= self.set(expected, record) && ends,
                    Fault::WriteIsLate(_) => self.late = Some(Late { expected, record }),
                    _ => {}
                }
                self.instances[number].answer(Answer::StoreFailed);
            }
            Fault::CallIsLost(number) | Fault::CallIsLate(number) | Fault::ReplyIsLost(number) => {
                self.budget.call_failures -= 1;
                if let (Fault::CallIsLate(_), Call::Sent { token }) = (fault, self.instances[number].call) {
                    self.orphan = Some(token);
                }
                self.instances[number].called(Reply::Unavailable, 0);
            }
            Fault::Outage(number) => {
                self.budget.outages -= 1;
                self.instances[number].called(Reply::Unavailable, 0);
            }
            Fault::Extend(number) => {
                self.budget.extensions -= 1;
                self.instances[number].answer(Answer::StillCalling);
            }
            Fault::LosePatience(number) => {
                self.budget.impatience -= 1;
                self.lose_patience(number)?;
            }
            Fault::Retry(number) => {
                self.budget.retries -= 1;
                let rests_until = self.record.as_ref().map(|record| record.control.rest_until);
                self.time = self.time.max(rests_until.unwrap_or_default());
                let instance = &mut self.instances[number];
                instance.machine = Renewing::new();
                instance.refused = None;
                instance.answer(Answer::Begin);
            }
            Fault::Crash(number) | Fault::CrashWithCallUnderWay(number) => {
                self.budget.crashes -= 1;
                let instance = &mut self.instances[number];
                if let (Fault::CrashWithCallUnderWay(_), Call::Sent { token }) = (fault, instance.call) {
                    self.orphan = Some(token);
                }
                instance.machine = Renewing::new();
                instance.status = Status::Crashed;
                instance.seen = None;
                instance.fence = 0;
                instance.call = Call::None;
                instance.fetched = None;
                instance.refused = None;
            }
            Fault::Pause => {
                self.budget.pauses -= 1;
                self.pass_the_lease();
            }
            Fault::Put => {
                self.budget.puts -= 1;
                self.change_by_somebody(Change::Put { expires_at: at(3_600) });
            }
            Fault::Logout => {
                self.budget.logouts -= 1;
                self.change_by_somebody(Change::End);
            }
            Fault::Retire => {
                self.budget.retirements -= 1;
                self.change_by_somebody(Change::Retire { at: at(10) });
            }
            Fault::Lose => {
                self.budget.losses -= 1;
                self.record = None;
            }
        }
        Ok(())
    }

    fn lose_patience(&mut self, number: usize) -> Result<(), String> {
        for _ in 0..1_000 {
            if !self.instances[number].sleeps() {
                return Ok(());
            }
            self.instances[number].answer(Answer::Woke);
            self.load(number);
        }
        Err("somebody has endless patience".to_owned())
    }

    fn load(&mut self, number: usize) {
        let (seen, record, time) = (self.seen(), self.record.clone(), self.time);
        let instance = &mut self.instances[number];
        instance.seen = record;
        instance.looked_at = time;
        instance.answer(Answer::Loaded(seen));
    }

    /// What an instance writes, as the engine would: on the record as it was last read or written.
    fn change(&self, number: usize) -> Result<(u64, Record, bool), String> {
        let instance = &self.instances[number];
        let (Status::Asks(Ask::Write(transition)), Some(seen)) = (&instance.status, &instance.seen) else {
            return Err("a record is written that was not read".to_owned());
        };
        let (change, token) = match *transition {
            Transition::Control(change) => (change, Some(seen.token)),
            Transition::Tokens { fence } => {
                let expires_at = at(3_600);
                (Change::PutTokens { fence, expires_at }, instance.fetched)
            }
        };
        let control = seen.control.after(change);
        let control = control.map_err(|refused| format!("{change:?} is asked for and refused: {refused}"))?;
        let token = token.ok_or("tokens are written that were not fetched")?;
        let ends = change == Change::End;
        if ends && instance.refused != Some(seen.token) {
            return Err("a session is ended whose newest token was not refused".to_owned());
        }
        let record = Record {
            version: seen.version,
            control,
            token,
        };
        Ok((seen.version, record, ends))
    }

    fn change_by_somebody(&mut self, change: Change) {
        if let Some(mut record) = self.record.clone()
            && let Ok(control) = record.control.after(change)
        {
            record.control = control;
            self.set(record.version, record);
        }
    }

    fn pass_the_lease(&mut self) {
        self.time = self.lease().map_or(self.time, |lease| self.time.max(lease.until));
    }

    pub(super) fn lease(&self) -> Option<Lease> {
        self.record.as_ref()?.control.lease
    }

    /// Whether it waits because its token was refused, and not because another holds the lease.
    pub(super) fn bides(&self, number: usize) -> bool {
        let instance = &self.instances[number];
        let is_held = self
            .lease()
            .is_some_and(|lease| lease.until > self.time && lease.fence != instance.fence);
        instance.sleeps() && instance.refused.is_some() && !is_held
    }

    /// Sends the calls that were asked for and are not on their way.
    fn send_calls(&mut self) -> Result<(), String> {
        for instance in &mut self.instances {
            if instance.status != Status::Asks(Ask::Call) || instance.call != Call::None {
                continue;
            }
            let Some(seen) = &instance.seen else {
                return Err("a call is made without a record".to_owned());
            };
            if instance.fetched.is_some() {
                return Err("tokens are fetched again that were fetched already".to_owned());
            }
            instance.call = Call::Sent { token: seen.token };
            self.calls += 1;
        }
        Ok(())
    }
}
