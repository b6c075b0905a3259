//! Strict JSON (RFC 8259) for everything a provider or a browser sends.
//!
//! Rules, in the order applied: size, UTF-8, one value that is an object, no member name twice at
//! any level, at most sixteen levels, nothing behind the end. A parser that keeps the first of two
//! equal members and a parser that keeps the last read two different documents; here it is an error.

use core::cell::Cell;
use core::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How many arrays and objects may be inside each other, the outermost counted.
const MAX_DEPTH: usize = 16;

/// Why a JSON text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The text is larger than its limit.
    #[error("json text is larger than its limit")]
    TooLarge,
    /// The text is not UTF-8.
    #[error("json text is not utf-8")]
    NotUtf8,
    /// The text is not JSON, or holds a number out of range, or goes on behind its end.
    #[error("json text is malformed")]
    Malformed,
    /// The text is JSON but not an object.
    #[error("expected a json object, found another json value")]
    NotAnObject,
    /// An object has two members of the same name.
    #[error("json object has a duplicate member")]
    DuplicateMember,
    /// The value is nested deeper than sixteen levels.
    #[error("json text is nested deeper than 16 levels")]
    TooDeep,
}

/// Parses a JSON object strictly.
///
/// # Errors
/// Each variant of [`JsonError`], as it says.
///
/// # Security
/// `bytes` may come from anyone. Time and memory are linear in its length, which `max_bytes` bounds.
///
/// # Example
/// ```
/// use doorward_crypto::{JsonError, parse_object};
///
/// assert_eq!(parse_object(br#"{"sub":"alice"}"#, 64).unwrap()["sub"], "alice");
/// assert_eq!(parse_object(br#"{"a":1,"a":2}"#, 64), Err(JsonError::DuplicateMember));
/// ```
pub fn parse_object(bytes: &[u8], max_bytes: usize) -> Result<Map<String, Value>, JsonError> {
    if bytes.len() > max_bytes {
        return Err(JsonError::TooLarge);
    }
    let text = core::str::from_utf8(bytes).map_err(|_| JsonError::NotUtf8)?;
    let fault = Cell::new(JsonError::Malformed);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict {
        depth: 1,
        fault: &fault,
    }
    .deserialize(&mut deserializer)
    .map_err(|_| fault.get())?;
    deserializer.end().map_err(|_| JsonError::Malformed)?;
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(JsonError::NotAnObject),
    }
}

/// Reads one value at `depth`; notes in `fault` why it stopped when that was not serde's doing.
#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    fault: &'a Cell<JsonError>,
}

impl Strict<'_> {
    fn refuse<E: de::Error>(self, fault: JsonError) -> E {
        self.fault.set(fault);
        E::custom(fault)
    }

    fn inner<E: de::Error>(self) -> Result<Self, E> {
        if self.depth > MAX_DEPTH {
            return Err(self.refuse(JsonError::TooDeep));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a json value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| self.refuse(JsonError::Malformed))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut map = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            // Security: the check stands before the value is read, so that a duplicate is reported
            // as one whatever its value is.
            if map.contains_key(&name) {
                return Err(self.refuse(JsonError::DuplicateMember));
            }
            let value = access.next_value_seed(inner)?;
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod tests;
