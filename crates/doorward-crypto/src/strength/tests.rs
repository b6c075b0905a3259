//! Tests of `strength`.
