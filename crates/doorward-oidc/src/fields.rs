//! Typed reading of JSON members, with caps.

use serde_json::{Map, Value};

use crate::time::UnixTime;

/// The most entries of a list of names.
const MAX_ENTRIES: usize = 256;
/// The most bytes of one entry.
const MAX_ENTRY_BYTES: usize = 256;
/// The largest number of seconds a JSON number holds exactly.
const MAX_NUMERIC_DATE: f64 = 9_007_199_254_740_992.0;

/// A member has another JSON type than its definition says, or passes a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrongType(pub(crate) &'static str);

/// Returns a string member; `null` counts as absent.
pub(crate) fn string<'a>(map: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, WrongType> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(WrongType(name)),
    }
}

/// Returns a member that is a list of strings; `null` counts as absent.
pub(crate) fn strings(map: &Map<String, Value>, name: &'static str) -> Result<Option<Vec<String>>, WrongType> {
    let list = match map.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) if list.len() <= MAX_ENTRIES => list,
        Some(_) => return Err(WrongType(name)),
    };
    let entry = |value: &Value| match value {
        Value::String(text) if text.len() <= MAX_ENTRY_BYTES => Ok(text.clone()),
        _ => Err(WrongType(name)),
    };
    list.iter().map(entry).collect::<Result<_, _>>().map(Some)
}

/// Returns a boolean member; absent and `null` are false.
pub(crate) fn boolean(map: &Map<String, Value>, name: &'static str) -> Result<bool, WrongType> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(WrongType(name)),
    }
}

/// Returns a string member; `null` is not a string and not absence.
pub(crate) fn strict_string<'a>(map: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, WrongType> {
    match map.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(WrongType(name)),
    }
}

/// Returns the audiences, whether `aud` is one text or a list of texts (RFC 7519 §4.1.3); `null` is not absence.
pub(crate) fn audiences(map: &Map<String, Value>) -> Result<Option<&[Value]>, WrongType> {
    let audiences = match map.get("aud") {
        None => return Ok(None),
        Some(Value::Array(list)) => list.as_slice(),
        Some(single @ Value::String(_)) => std::slice::from_ref(single),
        Some(_) => return Err(WrongType("aud")),
    };
    match audiences.iter().all(Value::is_string) {
        true => Ok(Some(audiences)),
        false => Err(WrongType("aud")),
    }
}

/// Reads a NumericDate (RFC 7519 §2): an integer or a fraction, from 0 to 2^53, cut to whole seconds; `null` is not absence.
pub(crate) fn numeric_date(map: &Map<String, Value>, name: &'static str) -> Result<Option<UnixTime>, WrongType> {
    let seconds = match map.get(name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number.as_f64().unwrap_or(f64::NAN),
        Some(_) => return Err(WrongType(name)),
    };
    if !(0.0..=MAX_NUMERIC_DATE).contains(&seconds) {
        return Err(WrongType(name));
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 2^53 by the line above"
    )]
    let seconds = seconds as u64;
    Ok(Some(UnixTime::from_seconds(seconds)))
}
