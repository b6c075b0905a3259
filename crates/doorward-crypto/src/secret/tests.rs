//! Tests of `secret`.
