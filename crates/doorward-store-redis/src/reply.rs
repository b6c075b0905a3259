//! Reading replies: each function takes what was asked for, or nothing.

use redis::Value;

/// The content of a string.
pub(crate) fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

/// The content of a string, borrowed.
pub(crate) fn text(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

/// The elements of an array.
pub(crate) fn array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

/// Whether the last of some replies is a cursor with a part of what it goes through.
pub(crate) fn is_page(replies: &[Value]) -> bool {
    let Some(Value::Array(page)) = replies.last() else {
        return false;
    };
    matches!(page.as_slice(), [next, Value::Array(_)] if text(next).is_some())
}

/// Whether the last of some replies is an array.
pub(crate) fn is_array(replies: &[Value]) -> bool {
    matches!(replies.last(), Some(Value::Array(_)))
}

/// A number, as a number or as its digits.
pub(crate) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        other => core::str::from_utf8(text(other)?).ok()?.parse().ok(),
    }
}

/// A field of a map that names its fields; flat arrays are how the older protocol has them.
pub(crate) fn field<'v>(value: &'v Value, name: &[u8]) -> Option<&'v [u8]> {
    match value {
        Value::Map(pairs) => {
            let (_, found) = pairs.iter().find(|(key, _)| text(key) == Some(name))?;
            text(found)
        }
        Value::Array(flat) => {
            let (pairs, _) = flat.as_chunks::<2>();
            let [_, found] = pairs.iter().find(|[key, _]| text(key) == Some(name))?;
            text(found)
        }
        _ => None,
    }
}

/// A list's score, a moment in milliseconds.
pub(crate) fn score(value: &Value) -> Option<u64> {
    let score = match value {
        Value::Double(score) => *score,
        other => core::str::from_utf8(text(other)?).ok()?.parse().ok()?,
    };
    // The conversion stops at either end; what is no number is no moment.
    (!score.is_nan()).then_some(score as u64)
}
