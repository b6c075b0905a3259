//! Records open only for whom, where and as what they were sealed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::{KeyHalf, RecordSealer};
use crate::{KeyRing, OpenError, SealError, SecretString, SystemRandom};

const OLD: &str = "q9Zk3vXw7pQ2sT7yUe1aBcD5fGhJ8kLmN0";
const NEW: &str = "Vb8nM2kLp0QxWz6RtY4uIoP1aSdFgHjKl3";
const HALF: [u8; 32] = [7; 32];

fn sealer(secrets: &[&str]) -> RecordSealer {
    let secrets = secrets.iter().map(|secret| SecretString::new(*secret)).collect();
    KeyRing::new(secrets).unwrap().record_sealer("session record")
}

#[test]
fn record_opens_with_the_half_it_was_sealed_with_and_no_other() {
    let sealer = sealer(&[NEW]);
    let other = [8; 32];
    for (half, foreign) in [
        (KeyHalf::Server, KeyHalf::WithBrowser(&HALF)),
        (KeyHalf::WithBrowser(&HALF), KeyHalf::Server),
        (KeyHalf::WithBrowser(&HALF), KeyHalf::WithBrowser(&other)),
    ] {
        let sealed = sealer.seal(&SystemRandom, half, b"key", b"alice").unwrap();
        assert_eq!(&*sealer.open(half, b"key", &sealed).unwrap(), b"alice");
        assert_eq!(sealer.open(foreign, b"key", &sealed).unwrap_err(), OpenError::Forged);
    }
}

#[test]
fn record_of_another_name_purpose_or_server_does_not_open() {
    let half = KeyHalf::WithBrowser(&HALF);
    let sealed = sealer(&[NEW]).seal(&SystemRandom, half, b"key", b"alice").unwrap();
    assert_eq!(
        sealer(&[NEW]).open(half, b"other", &sealed).unwrap_err(),
        OpenError::Forged
    );
    assert_eq!(
        sealer(&[OLD]).open(half, b"key", &sealed).unwrap_err(),
        OpenError::UnknownKey
    );
    let ring = KeyRing::new(vec![SecretString::new(NEW)]).unwrap();
    let other = ring.record_sealer("session index");
    assert_eq!(other.open(half, b"key", &sealed).unwrap_err(), OpenError::Forged);
}

#[test]
fn record_of_an_older_key_opens_and_is_told_apart() {
    let half = KeyHalf::WithBrowser(&HALF);
    let sealed = sealer(&[OLD]).seal(&SystemRandom, half, b"key", b"alice").unwrap();
    let rotated = sealer(&[NEW, OLD]);
    assert_eq!(&*rotated.open(half, b"key", &sealed).unwrap(), b"alice");
    assert!(!rotated.is_sealed_by_first_key(&sealed));
    let anew = rotated.seal(&SystemRandom, half, b"key", b"alice").unwrap();
    assert!(rotated.is_sealed_by_first_key(&anew));
    assert!(!rotated.is_sealed_by_first_key(b"\x01"));
}

#[test]
fn no_flipped_bit_and_no_cut_opens() {
    let sealer = sealer(&[NEW]);
    let half = KeyHalf::WithBrowser(&HALF);
    let sealed = sealer.seal(&SystemRandom, half, b"key", b"alice").unwrap();
    for place in 0..sealed.len() {
        let mut flipped = sealed.clone();
        flipped[place] ^= 1;
        assert!(sealer.open(half, b"key", &flipped).is_err(), "byte {place}");
        assert!(sealer.open(half, b"key", &sealed[..place]).is_err(), "cut at {place}");
    }
    let mut longer = sealed;
    longer.push(0);
    assert!(sealer.open(half, b"key", &longer).is_err());
}

#[test]
fn size_is_capped_and_nothing_is_printed() {
    let sealer = sealer(&[NEW]);
    let large = vec![0; 1024 * 1024 + 1];
    let refused = sealer.seal(&SystemRandom, KeyHalf::Server, b"key", &large);
    assert_eq!(refused.unwrap_err(), SealError::TooLarge);
    let malformed = sealer.open(KeyHalf::Server, b"key", &vec![1; 2 * 1024 * 1024]);
    assert_eq!(malformed.unwrap_err(), OpenError::Malformed);
    let printed = format!("{sealer:?} {:?}", KeyHalf::WithBrowser(&HALF));
    assert_eq!(printed, "RecordSealer(\"session record\", 1 keys) WithBrowser(hidden)");
}
