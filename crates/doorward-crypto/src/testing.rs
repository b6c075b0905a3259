//! Helpers shared by this crate's tests.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use crate::{Random, RandomUnavailable, SecretString, base64url_encode, sha256};

/// A root secret, strong enough, of which there are 256.
pub(crate) fn strong(seed: u8) -> SecretString {
    SecretString::new(base64url_encode(&sha256(&[seed])))
}

/// Seeded randomness: SHA-256 in counter mode.
pub(crate) struct SeededRandom {
    seed: u64,
    counter: AtomicU64,
}

impl SeededRandom {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            counter: AtomicU64::new(0),
        }
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        for chunk in bytes.chunks_mut(32) {
            let counter = self.counter.fetch_add(1, Ordering::Relaxed);
            let block = sha256(format!("{}/{counter}", self.seed).as_bytes());
            chunk.copy_from_slice(block.get(..chunk.len()).unwrap_or_default());
        }
        Ok(())
    }
}

/// Always the same byte.
pub(crate) struct FixedRandom(pub(crate) u8);

impl Random for FixedRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        bytes.fill(self.0);
        Ok(())
    }
}

/// Never anything.
pub(crate) struct NoRandom;

impl Random for NoRandom {
    fn fill(&self, _: &mut [u8]) -> Result<(), RandomUnavailable> {
        Err(RandomUnavailable)
    }
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "odd number of hexadecimal digits");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// The hexadecimal member of a test case.
pub(crate) fn hex_member(case: &Value, name: &str) -> Vec<u8> {
    hex(case[name]
        .as_str()
        .unwrap_or_else(|| panic!("test case has no {name:?}")))
}

/// Runs `check` on every test of a Wycheproof file with its group, and counts (all, invalid).
pub(crate) fn for_each_case(data: &str, mut check: impl FnMut(&Value, &Value)) -> (usize, usize) {
    let data: Value = serde_json::from_str(data).unwrap();
    let (mut all, mut invalid) = (0, 0);
    for group in data["testGroups"].as_array().unwrap() {
        for case in group["tests"].as_array().unwrap() {
            all += 1;
            invalid += usize::from(case["result"] == "invalid");
            check(group, case);
        }
    }
    (all, invalid)
}

/// A file or folder of the corpora beside the repository; absent is said aloud, and a failure where
/// they are required.
#[allow(clippy::print_stderr, clippy::disallowed_methods, reason = "test report")]
pub(crate) fn corpora(path: &str) -> Option<PathBuf> {
    let found = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/corpora")
        .join(path);
    if found.exists() {
        return Some(found);
    }
    let required = std::env::var("DOORWARD_REQUIRE_CORPORA").is_ok_and(|value| value == "1");
    assert!(!required, "corpora are required, {path} is absent");
    eprintln!("skipped: ../shared/corpora/{path} is absent");
    None
}

/// Prints a count a reader of the test report wants.
#[allow(clippy::print_stderr, reason = "test report")]
pub(crate) fn report(text: &str) {
    eprintln!("{text}");
}
