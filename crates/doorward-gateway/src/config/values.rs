//! Words, durations, networks and addresses as the file writes them.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use toml::de::DeValue;

/// Farther than this, a name is another name and not a slip.
const NEAR: usize = 2;

/// Names the kind of a value, and never the value.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// `"a", "b" or "c"`.
pub(super) fn either<T>(words: &[(&str, T)]) -> String {
    let quoted: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// What a word stands for; letter case counts.
pub(super) fn word<T: Clone>(words: &[(&str, T)], text: &str) -> Option<T> {
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| value.clone())
}

/// The names in a list, each once.
pub(super) fn list(names: &[&str]) -> String {
    let mut once: Vec<&str> = Vec::new();
    for name in names {
        if !once.contains(name) {
            once.push(name);
        }
    }
    once.join(", ")
}

/// The name that a slip of the hand would turn into this one.
pub(super) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n &'n str>) -> Option<&'n str> {
    let near = known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), *known));
    let (distance, known) = near.min_by_key(|(distance, _)| *distance)?;
    // Of a short name, two changes leave nothing.
    (distance <= NEAR && distance < known.len().div_ceil(2)).then_some(known)
}

/// Reads `90s`, `15m`, `1h30m` or `30d`: numbers with units, the larger unit first, each unit once.
pub(super) fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 5] = [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    let mut rest = text;
    let mut milliseconds: u64 = 0;
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let (number, after) = rest.split_at_checked(digits)?;
        let end = after.find(|character: char| character.is_ascii_digit());
        let (unit, after) = after.split_at_checked(end.unwrap_or(after.len()))?;
        let (_, unit) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        if unit >= smallest {
            return None;
        }
        smallest = unit;
        let part = number.parse::<u64>().ok()?.checked_mul(unit)?;
        milliseconds = milliseconds.checked_add(part)?;
        rest = after;
    }
    (smallest != u64::MAX).then(|| Duration::from_millis(milliseconds))
}

/// Reads a network, or one address as a network of its own.
///
/// `10.1.2.3/8` is refused, because nobody can tell which half was meant, and so is a network of everybody.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse::<IpNet>().ok()?,
    };
    // Security: whoever is in a trusted network says which address and host a request has.
    (network.prefix_len() > 0 && network.trunc() == network).then_some(network)
}
