//! A provider that misbehaves, case by case: what the relying party must make of it.
