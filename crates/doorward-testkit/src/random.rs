//! Randomness that repeats itself, and randomness that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use doorward_crypto::{Random, RandomUnavailable};

/// A deterministic source: the same seed gives the same bytes; clones share the position.
///
/// SplitMix64, which has a period of 2^64 and no repeated output within it.
///
/// # Security
/// Predictable by design. For tests only.
#[derive(Clone, Debug)]
pub struct SeededRandom {
    state: Arc<AtomicU64>,
}

impl SeededRandom {
    /// Makes a source from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            state: Arc::new(AtomicU64::new(seed)),
        }
    }

    /// Gives the next 64 bits.
    pub fn next_u64(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let before = self.state.fetch_add(STEP, Ordering::Relaxed);
        let mut word = before.wrapping_add(STEP);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Gives 32 lower-case hexadecimal characters.
    #[must_use]
    pub fn hex(&self) -> String {
        format!("{:016x}{:016x}", self.next_u64(), self.next_u64())
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

/// A source that has dried up: every call fails.
///
/// Whatever needs randomness must refuse then, and never go on with zeros.
#[derive(Clone, Copy, Debug, Default)]
pub struct FailingRandom;

impl Random for FailingRandom {
    fn fill(&self, _bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        Err(RandomUnavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let (mut first, mut second) = ([0; 21], [0; 21]);
        SeededRandom::new(7).fill(&mut first).unwrap();
        SeededRandom::new(7).fill(&mut second).unwrap();
        assert_eq!(first, second);
        SeededRandom::new(8).fill(&mut second).unwrap();
        assert_ne!(first, second);
    }

    #[test]
    fn clones_do_not_repeat_each_other() {
        let random = SeededRandom::new(1);
        assert_ne!(random.clone().hex(), random.hex());
    }

    #[test]
    fn a_dry_source_fails() {
        assert!(FailingRandom.fill(&mut [0; 1]).is_err());
    }
}
