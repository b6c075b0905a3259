//! Tests of `jws`.
