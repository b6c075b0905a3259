//! What must hold at every step of every way.

use super::{
    events::{Event, Fault},
    explorer::Claim,
    world::{Instance, Status, World},
};
use crate::session::{Outcome, Standing};

/// Nothing but what must hold always.
pub(super) const ALWAYS: Claim = Claim {
    step: always,
    end: end_is_sound,
};

pub(super) fn always(before: &World, event: Event, after: &World) -> Result<(), String> {
    end_is_for_good(before, event, after)?;
    numbers_only_grow(before, after)?;
    renewal_ends_for_a_reason(before, event, after)?;
    for (before, after) in before.instances.iter().zip(&after.instances) {
        if let (false, Status::Done(outcome)) = (before.status == after.status, &after.status) {
            outcome_is_true(*outcome, after, event)?;
        }
    }
    Ok(())
}

fn claim(holds: bool, broken: &str) -> Result<(), String> {
    holds.then_some(()).ok_or_else(|| broken.to_owned())
}

fn end_is_for_good(before: &World, event: Event, after: &World) -> Result<(), String> {
    let is_lost = event == Event::Fault(Fault::Lose);
    claim(
        !before.is_ended() || after.is_ended() || is_lost,
        "an ended session is brought back",
    )?;
    claim(
        before.record.is_some() || after.record.is_none(),
        "a session is brought back that was gone",
    )
}

fn numbers_only_grow(before: &World, after: &World) -> Result<(), String> {
    if let (Some(before), Some(after)) = (&before.record, &after.record) {
        claim(before.version <= after.version, "a version goes back")?;
        claim(before.control.fence <= after.control.fence, "a fencing token goes back")?;
        claim(
            before.control.tokens_fence <= after.control.tokens_fence,
            "older tokens replace newer ones",
        )?;
        claim(
            after.control.tokens_fence <= after.control.fence,
            "tokens are written under no lease",
        )?;
        let newer = before
            .control
            .lease
            .filter(|lease| lease.fence > after.control.tokens_fence);
        claim(
            before.control.tokens_fence == after.control.tokens_fence
                || newer.is_none_or(|lease| after.control.lease == Some(lease)),
            "late tokens take the lease of a newer holder away",
        )?;
    }
    claim(
        after.written.is_sorted_by(|(one, _), (next, _)| one < next),
        "two tokens are written under one fencing token",
    )
}

fn renewal_ends_for_a_reason(before: &World, event: Event, after: &World) -> Result<(), String> {
    if before.ended_by_renewal || !after.ended_by_renewal {
        return Ok(());
    }
    let record = before.record.as_ref().ok_or("what is gone is ended")?;
    let number = match event {
        Event::Write(number) | Event::Fault(Fault::AnswerIsLost(number)) => number,
        // Its sender was judged when it was sent, and the version is the same.
        Event::LateWriteArrives => return Ok(()),
        other => return Err(format!("a renewal ends a session by {other:?}")),
    };
    let instance = &before.instances[number];
    claim(
        instance.refused == Some(record.token),
        "a session is ended though its newest token was not refused",
    )?;
    let by_another = record.control.lease.is_some_and(|lease| lease.fence != instance.fence);
    claim(
        !(by_another && record.control.is_leased(before.time)),
        "a session is ended while somebody else renews its tokens",
    )
}

fn outcome_is_true(outcome: Outcome, instance: &Instance, event: Event) -> Result<(), String> {
    let seen = instance.seen.as_ref().map(|record| &record.control);
    let standing = seen.map(|control| control.standing);
    let has_fetched = instance.fetched.is_some();
    if let (Event::Write(_), Outcome::Renewed | Outcome::Passing(_)) = (event, outcome) {
        let lease = seen.and_then(|control| control.lease);
        claim(
            lease.is_none_or(|lease| lease.fence != instance.fence),
            "a lease is not handed back",
        )?;
    }
    match outcome {
        Outcome::Renewed => {
            let newest = seen.map_or(0, |control| control.tokens_fence);
            claim(
                newest > 0 && standing != Some(Standing::Ended),
                "nothing is renewed where it is said",
            )?;
            claim(
                !has_fetched || newest >= instance.fence,
                "tokens are dropped that are the newest",
            )
        }
        Outcome::Ended => claim(
            standing == Some(Standing::Ended),
            "a session lives that is said to be ended",
        ),
        Outcome::EndedHere => claim(
            standing == Some(Standing::Ended) && instance.refused.is_some() && !has_fetched,
            "a session is said to be ended by whoever did not end it",
        ),
        Outcome::Absent => claim(seen.is_none(), "a session is there that is said to be absent"),
        Outcome::Retiring => claim(
            matches!(standing, Some(Standing::Retiring { .. })),
            "a session is said to be replaced that is not",
        ),
        Outcome::Unwritten { fence } => claim(
            has_fetched && fence == instance.fence,
            "tokens are kept that were not fetched",
        ),
        Outcome::StoreFailed => {
            let failed = matches!(
                event,
                Event::Fault(
                    Fault::LoadFails(_) | Fault::AnswerIsLost(_) | Fault::WriteIsLost(_) | Fault::WriteIsLate(_)
                )
            );
            claim(failed, "a store is said to have failed that has not")?;
            claim(!has_fetched, "tokens are dropped because the store failed")
        }
        Outcome::Passing(_) => claim(!has_fetched, "tokens are dropped for a passing failure"),
        Outcome::Unreadable => Err("a record is said to be unreadable that is not".to_owned()),
    }
}

/// Where nothing happens any more by itself.
pub(super) fn end_is_sound(end: &World) -> Result<(), String> {
    for instance in &end.instances {
        let Status::Done(outcome) = instance.status else {
            continue;
        };
        claim(
            !matches!(outcome, Outcome::Unwritten { .. }),
            "tokens are kept and never written",
        )?;
        let Some(token) = instance.fetched else { continue };
        // Whoever has tokens has written them, was overtaken by newer ones, or is told to hand them back.
        let is_written = end.written.iter().any(|(_, written)| *written == token);
        let is_overtaken = end.written.iter().any(|(fence, _)| *fence > instance.fence);
        let hands_back = matches!(outcome, Outcome::Ended | Outcome::Absent | Outcome::Retiring);
        claim(is_written || is_overtaken || hands_back, "tokens are lost")?;
    }
    Ok(())
}
