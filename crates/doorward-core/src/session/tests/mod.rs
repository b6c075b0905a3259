//! Seals, handles, records, lifetimes.
