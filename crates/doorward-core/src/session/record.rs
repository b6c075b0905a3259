//! The record of a stored session: both parts, each sealed and bound to the record's key.
//!
//! `version (1) | length of the identity part (4, big endian) | identity part | token part or nothing`.

const VERSION: u8 = 1;

pub(super) fn join(identity: &str, tokens: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(identity.len()).ok()?;
    let mut record = Vec::with_capacity(5 + identity.len() + tokens.len());
    record.push(VERSION);
    record.extend_from_slice(&length.to_be_bytes());
    record.extend_from_slice(identity.as_bytes());
    record.extend_from_slice(tokens);
    Some(record)
}

/// Splits a record into its sealed parts; `None` for anything this version did not write.
pub(super) fn split(record: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&VERSION, rest) = record.split_first()? else {
        return None;
    };
    let (length, rest) = rest.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
