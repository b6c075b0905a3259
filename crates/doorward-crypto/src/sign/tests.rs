//! Tests of `sign`.
