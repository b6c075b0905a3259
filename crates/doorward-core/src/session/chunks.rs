//! One sealed value in several cookies.
//!
//! Each chunk is `write id (8) | place (1) | slice`. The place tells how many chunks there are and which one this is:
//! `A` is the only one, `B` and `C` are the first and second of two. Chunks of two writes never count as one value.

use super::SealSessionError;
use crate::cookie::{CookieName, MAX_COOKIE_BYTES};

const WRITE_ID: usize = 8;
const HEADER: usize = WRITE_ID + 1;
/// What the token part may take of the browser's header budget, names included.
const MAX_TOGETHER: usize = 7_000;

/// Cuts a sealed value into as few cookie values as hold it.
pub(super) fn cut(sealed: &str, write_id: &str, names: &[CookieName; 2]) -> Result<Vec<String>, SealSessionError> {
    let [first_name, second_name] = names;
    let overhead = |name: &CookieName| name.as_str().len() + 1 + HEADER;
    let room = |name: &CookieName| MAX_COOKIE_BYTES.saturating_sub(overhead(name));
    let alone = overhead(first_name) + sealed.len();
    if sealed.len() <= room(first_name) && alone <= MAX_TOGETHER {
        return Ok(vec![format!("{write_id}A{sealed}")]);
    }
    let together = alone + overhead(second_name);
    let (first, second) = sealed
        .split_at_checked(room(first_name))
        .ok_or(SealSessionError::TooLarge { bytes: together })?;
    if second.len() > room(second_name) || together > MAX_TOGETHER {
        return Err(SealSessionError::TooLarge { bytes: together });
    }
    Ok(vec![format!("{write_id}B{first}"), format!("{write_id}C{second}")])
}

/// Puts together every value that the chunks can make; `firsts` and `seconds` are the values found under either name.
pub(super) fn join(firsts: &[&[u8]], seconds: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut joined = Vec::new();
    for (write_id, place, slice) in firsts.iter().filter_map(|chunk| parse(chunk)) {
        match place {
            b'A' => joined.push(slice.to_vec()),
            b'B' => {
                let second = seconds
                    .iter()
                    .filter_map(|chunk| parse(chunk))
                    .find(|(other, place, _)| *other == write_id && *place == b'C');
                if let Some((_, _, rest)) = second {
                    joined.push([slice, rest].concat());
                }
            }
            _ => {}
        }
    }
    joined
}

fn parse(chunk: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (write_id, rest) = chunk.split_at_checked(WRITE_ID)?;
    let (place, slice) = rest.split_first()?;
    Some((write_id, *place, slice))
}
