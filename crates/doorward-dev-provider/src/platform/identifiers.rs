//! Ids in the platform's form: 26 lower-case characters of base32.

use doorward_crypto::sha256;

const LENGTH: usize = 26;

/// The id of that `kind` and `name`, the same in every run.
pub(crate) fn id_of(kind: &str, name: &str) -> String {
    let digest = sha256(format!("doorward platform {kind} {name}").as_bytes());
    let mut id = String::with_capacity(LENGTH);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in digest {
        bits = (bits << 8) | u32::from(byte);
        count += 8;
        while count >= 5 && id.len() < LENGTH {
            count -= 5;
            id.push(digit((bits >> count) & 31));
        }
        if id.len() >= LENGTH {
            break;
        }
        // At most four bits are left over.
        bits &= (1 << count) - 1;
    }
    id
}

/// RFC 4648 §6, in lower case.
fn digit(value: u32) -> char {
    match u8::try_from(value) {
        Ok(value @ 0..=25) => char::from(b'a' + value),
        Ok(value @ 26..=31) => char::from(b'2' + (value - 26)),
        _ => 'a',
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_have_the_platforms_form_and_differ_by_kind_and_name() {
        let ids: BTreeSet<String> = [
            ("tenant", "acme"),
            ("tenant", "globex"),
            ("user", "acme"),
            ("app", "acme"),
        ]
        .map(|(kind, name)| id_of(kind, name))
        .into();
        assert_eq!(ids.len(), 4);
        for id in &ids {
            assert_eq!(id.len(), 26);
            assert!(id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7')), "{id}");
        }
        assert_eq!(id_of("tenant", "acme"), id_of("tenant", "acme"));
    }
}
