use std::collections::HashSet;

use super::*;
use crate::testing::{FixedRandom, NoRandom};

#[test]
fn a_token_is_32_bytes_in_43_characters() {
    assert_eq!(random_token(&FixedRandom(0)).unwrap(), "A".repeat(43));
    assert_eq!(random_bytes::<5>(&FixedRandom(7)).unwrap(), [7; 5]);
}

#[test]
fn tokens_of_the_system_differ() {
    let tokens: HashSet<_> = (0..1000).map(|_| random_token(&SystemRandom).unwrap()).collect();
    assert_eq!(tokens.len(), 1000);
}

#[test]
fn without_randomness_there_is_no_token() {
    assert_eq!(random_token(&NoRandom), Err(RandomUnavailable));
    assert_eq!(random_bytes::<4>(&NoRandom), Err(RandomUnavailable));
}
