//! The token part and its chunks.

use super::{codec, tokens};
use crate::{
    session::{SealSessionError, SessionId, Tokens},
    test_support::{Seeded, cookie_headers, identity},
};

fn id() -> SessionId {
    identity(1).id
}

fn open(pairs: &[(usize, &str)]) -> Option<(Tokens, u64)> {
    let line: Vec<String> = pairs
        .iter()
        .map(|(place, value)| format!("__Host-session.{place}={value}"))
        .collect();
    codec().open_tokens(&cookie_headers([line.join("; ")]), &id())
}

fn seal(seed: u64, revision: u64, tokens: &Tokens) -> Vec<String> {
    codec()
        .seal_tokens(&Seeded::new(seed), &id(), revision, tokens)
        .unwrap()
}

#[test]
fn small_tokens_take_one_cookie_and_large_ones_two() {
    for (access, id_token, chunks) in [(983, 0, 1), (983, 900, 1), (1_500, 1_500, 2), (2_500, 2_300, 2)] {
        let tokens = tokens(access, id_token);
        let values = seal(5, 3, &tokens);
        assert_eq!(values.len(), chunks, "{access} {id_token}");
        let pairs: Vec<(usize, &str)> = values.iter().map(String::as_str).enumerate().collect();
        let (opened, revision) = open(&pairs).unwrap();
        assert_eq!(revision, 3);
        assert_eq!(opened.access_token.expose(), tokens.access_token.expose());
        assert_eq!(
            opened.refresh_token.unwrap().expose(),
            tokens.refresh_token.unwrap().expose()
        );
        assert_eq!(
            opened.id_token.map(|t| t.expose().len()),
            tokens.id_token.map(|t| t.expose().len())
        );
        assert_eq!(
            (opened.access_token_expires_at, opened.scope),
            (tokens.access_token_expires_at, tokens.scope)
        );
    }
}

#[test]
fn every_size_keeps_4096_bytes_a_cookie_and_7000_together() {
    // attacks: E16
    let mut largest = 0;
    for size in (100..6_000).step_by(7) {
        match codec().seal_tokens(&Seeded::new(5), &id(), 1, &tokens(size, 0)) {
            Ok(values) => {
                let lengths: Vec<usize> = values
                    .iter()
                    .map(|value| "__Host-session.0=".len() + value.len())
                    .collect();
                assert!(lengths.iter().all(|length| *length <= 4_096), "{size}: {lengths:?}");
                assert!(lengths.iter().sum::<usize>() <= 7_000, "{size}: {lengths:?}");
                let pairs: Vec<(usize, &str)> = values.iter().map(String::as_str).enumerate().collect();
                assert!(open(&pairs).is_some(), "{size}");
                largest = size;
            }
            Err(refused) => {
                assert!(
                    matches!(refused, SealSessionError::TooLarge { bytes } if bytes > 7_000),
                    "{size}: {refused}"
                );
                assert!(size > largest);
            }
        }
    }
    assert!((4_900..5_200).contains(&largest), "{largest}");
}

#[test]
fn leaving_the_id_token_out_makes_room() {
    let large = tokens(3_000, 3_000);
    assert!(codec().seal_tokens(&Seeded::new(5), &id(), 1, &large).is_err());
    let smaller = large.without_id_token();
    assert!(smaller.id_token.is_none() && smaller.refresh_token.is_some());
    assert!(codec().seal_tokens(&Seeded::new(5), &id(), 1, &smaller).is_ok());
}

#[test]
fn missing_swapped_and_mixed_chunks_count_as_no_token_part() {
    // attacks: E13, E8
    let old = seal(5, 1, &tokens(2_500, 2_000));
    let new = seal(6, 2, &tokens(2_500, 2_000));
    assert_eq!((old.len(), new.len()), (2, 2));
    assert!(open(&[(0, &old[0])]).is_none());
    assert!(open(&[(1, &old[1])]).is_none());
    assert!(open(&[(0, &old[1]), (1, &old[0])]).is_none());
    assert!(open(&[(0, &old[0]), (1, &new[1])]).is_none());
    assert!(open(&[(0, &new[0]), (1, &old[1])]).is_none());
    // Even where the write IDs are made to agree, the seal does not.
    let forged = format!("{}{}", &old[0][..8], &new[1][8..]);
    assert!(open(&[(0, &old[0]), (1, &forged)]).is_none());
    // Both writes whole: the newer one.
    assert_eq!(
        open(&[(0, &old[0]), (1, &old[1]), (0, &new[0]), (1, &new[1])])
            .unwrap()
            .1,
        2
    );
    assert_eq!(
        open(&[(0, &new[0]), (0, &old[0]), (1, &old[1]), (1, &new[1])])
            .unwrap()
            .1,
        2
    );
    // A stale second chunk beside a write that needs none.
    let small = seal(7, 3, &tokens(500, 0));
    assert_eq!(open(&[(0, &small[0]), (1, &old[1])]).unwrap().1, 3);
    assert!(open(&[]).is_none());
}

#[test]
fn flipped_and_cut_chunks_do_not_open() {
    // attacks: E1
    let values = seal(5, 1, &tokens(400, 0));
    let value = values[0].as_bytes();
    for place in 8..value.len() {
        let mut flipped = value.to_vec();
        flipped[place] ^= 1;
        let flipped = String::from_utf8(flipped).unwrap();
        assert!(open(&[(0, &flipped)]).is_none(), "byte {place}");
        assert!(open(&[(0, &values[0][..place])]).is_none(), "cut at {place}");
    }
    for value in [
        "",
        "A",
        "AAAAAAAAA",
        "AAAAAAAAB",
        "AAAAAAAAC",
        "ZZZZZZZZZZZZZ",
        &"A".repeat(4_000),
    ] {
        assert!(open(&[(0, value), (1, value)]).is_none(), "{value}");
    }
}

#[test]
fn tokens_of_another_session_are_not_taken() {
    let other = identity(2).id;
    let values = codec()
        .seal_tokens(&Seeded::new(5), &other, 1, &tokens(400, 0))
        .unwrap();
    assert!(open(&[(0, &values[0])]).is_none());
    let headers = cookie_headers([format!("__Host-session.0={}", values[0])]);
    assert!(codec().open_tokens(&headers, &other).is_some());
}

#[test]
fn debug_output_hides_the_tokens() {
    // attacks: N5
    let printed = format!("{:?}", tokens(100, 100));
    assert!(!printed.contains("hunter2"), "{printed}");
}
