//! A small gzip stream that grows (RFC 1951, RFC 1952), made without a compressor.

use bytes::Bytes;

/// The longest that one match repeats.
const LONGEST_MATCH: usize = 258;

/// At least `length` spaces, compressed as far as the format goes.
///
/// One literal and then matches of the longest length at distance one, in the fixed Huffman code: 13 bits for 258 bytes.
/// The checksum at the end is wrong, which an unpacker learns when it has unpacked everything.
pub(super) fn gzip_of_spaces(length: usize) -> Bytes {
    let mut bits = Bits::default();
    bits.lowest_first(1, 1); // the last block
    bits.lowest_first(1, 2); // fixed Huffman code
    bits.highest_first(0x30 + u32::from(b' '), 8); // the literal
    for _ in 0..length.div_ceil(LONGEST_MATCH) {
        bits.highest_first(0b1100_0101, 8); // length 258
        bits.highest_first(0, 5); // distance 1
    }
    bits.highest_first(0, 7); // end of block
    let mut stream = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    stream.append(&mut bits.bytes);
    stream.extend([0; 8]);
    stream.into()
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn push(&mut self, bit: u32) {
        if self.used.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if bit & 1 == 1 {
            *self.bytes.last_mut().expect("a byte was pushed") |= 1 << (self.used % 8);
        }
        self.used += 1;
    }

    fn lowest_first(&mut self, value: u32, count: u32) {
        (0..count).for_each(|at| self.push(value >> at));
    }

    fn highest_first(&mut self, value: u32, count: u32) {
        (0..count).rev().for_each(|at| self.push(value >> at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_small_and_begins_as_gzip() {
        let bomb = gzip_of_spaces(10 * 1024 * 1024);
        assert!(bomb.len() < 70 * 1024);
        // Checked with zlib: these six bytes inflate to 517 spaces.
        let short = gzip_of_spaces(516);
        assert_eq!(&short[10..16], &[83, 24, 5, 163, 0, 0]);
    }
}
