//! Moments and durations as the server is told them, and as it tells them.

use core::time::Duration;

use doorward_core::UnixTime;
use doorward_core::ports::StoreTime;
use redis::Value;

use crate::reply;

/// What is kept longer than asked for, because the clocks of several instances differ.
const SLACK: Duration = Duration::from_secs(300);
/// [`SLACK`] in milliseconds, as scripts are told it.
pub(crate) const SLACK_TEXT: &str = "300000";
const _: () = assert!(SLACK.as_millis() == 300_000);
/// The longest that anything is kept, in milliseconds: 300 years. With the present added to it, a list's score is still exact.
const LONGEST: u64 = 300 * 366 * 24 * 60 * 60 * 1000;

/// How long to keep what is to be kept until a moment, in milliseconds.
///
/// A duration and not a moment: the server then measures it by its own clock, whatever that says.
pub(crate) fn keep(until: UnixTime, now: UnixTime) -> String {
    let kept = until.saturating_since(now).saturating_add(SLACK);
    let milliseconds = u64::try_from(kept.as_millis()).unwrap_or(LONGEST);
    milliseconds.min(LONGEST).to_string()
}

/// How far ahead a moment is, in milliseconds; below zero for one that has passed.
///
/// A list's entry that has passed says so from its first moment on, as the server's clock is not asked before it is entered.
pub(crate) fn ahead(until: UnixTime, now: UnixTime) -> String {
    let left = until.milliseconds().saturating_sub(now.milliseconds()).min(LONGEST);
    let passed = now.milliseconds().saturating_sub(until.milliseconds()).min(LONGEST);
    if passed > 0 {
        format!("-{passed}")
    } else {
        left.to_string()
    }
}

/// Reads what `TIME` answers.
pub(crate) fn read_time(value: &Value) -> Option<StoreTime> {
    let Value::Array(parts) = value else { return None };
    let [seconds, microseconds] = parts.as_slice() else {
        return None;
    };
    let (seconds, microseconds) = (reply::number(seconds)?, reply::number(microseconds)?);
    let milliseconds = seconds.checked_mul(1_000)?.checked_add(microseconds / 1_000)?;
    Some(StoreTime::from_milliseconds(milliseconds))
}
