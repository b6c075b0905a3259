//! Keys that no relying party may choose, for the key set.
