//! How a record lies in Redis: four bytes that say it is ours, eight with its version, then the sealed record.
//!
//! One string, because a hash of two fields costs about 90 bytes more. The version is bytes and never a number to a script,
//! whose numbers end at 2^53.

use doorward_core::ports::{Entry, MAX_RECORD_BYTES};

use crate::trouble::Trouble;

const MAGIC: [u8; 4] = *b"DRW1";
/// Magic and version.
pub(crate) const HEAD: usize = 12;
/// The offset of the last byte that is read: one beyond the largest value, so that a larger one shows.
pub(crate) const LAST_READ: &str = "1048588";
const _: () = assert!(MAX_RECORD_BYTES + HEAD == 1_048_588);

/// Writes a head.
pub(crate) fn head(version: u64) -> [u8; HEAD] {
    let [a, b, c, d] = MAGIC;
    let [e, f, g, h, i, j, k, l] = version.to_be_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l]
}

/// Writes a value.
pub(crate) fn write(version: u64, record: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(HEAD + record.len());
    value.extend_from_slice(&head(version));
    value.extend_from_slice(record);
    value
}

/// Reads a value.
///
/// # Errors
/// [`Trouble::Foreign`] for what [`write`] did not make; an empty value is nothing, as that of an absent key.
pub(crate) fn read(mut value: Vec<u8>) -> Result<Option<Entry>, Trouble> {
    if value.is_empty() {
        return Ok(None);
    }
    let (head, _) = value.split_first_chunk::<HEAD>().ok_or(Trouble::Foreign)?;
    let (magic, version) = head.split_at(MAGIC.len());
    let version = <[u8; 8]>::try_from(version).map_or(0, u64::from_be_bytes);
    if magic != MAGIC || version == 0 || value.len() > HEAD + MAX_RECORD_BYTES {
        return Err(Trouble::Foreign);
    }
    value.drain(..HEAD);
    Ok(Some(Entry { version, bytes: value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        for (version, record) in [(1, b"x".as_slice()), (u64::MAX, b"\0\r\n\xff"), (2, b"")] {
            let entry = read(write(version, record))
                .expect("a value of ours")
                .expect("not absent");
            assert_eq!((entry.version, entry.bytes.as_slice()), (version, record));
        }
        let largest = write(1, &vec![0; MAX_RECORD_BYTES]);
        assert!(matches!(read(largest), Ok(Some(_))));
    }

    #[test]
    fn nothing_is_nothing_and_anything_else_is_foreign() {
        assert_eq!(read(Vec::new()), Ok(None));
        let mut too_large = write(1, &vec![0; MAX_RECORD_BYTES]);
        too_large.push(0);
        let version_zero = write(0, b"x");
        for value in [
            b"x".to_vec(),
            b"DRW1".to_vec(),
            b"DRW1\0\0\0".to_vec(),
            b"DRW2\0\0\0\0\0\0\0\x01x".to_vec(),
        ]
        .into_iter()
        .chain([too_large, version_zero])
        {
            assert_eq!(read(value), Err(Trouble::Foreign));
        }
    }
}
