//! Builds JSON objects member by member.

use serde_json::{Map, Value};

/// An object with these members.
pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    let mut object = Map::new();
    extend(&mut object, members);
    object
}

/// Adds members, replacing those of the same name.
pub(crate) fn extend<const N: usize>(object: &mut Map<String, Value>, members: [(&str, Value); N]) {
    object.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
}
