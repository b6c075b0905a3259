use proptest::prelude::*;

use super::*;

#[test]
fn known_bytes_have_their_known_encoding() {
    // RFC 4648 §10, without padding, and the two characters in which the URL alphabet differs.
    for (bytes, text) in [
        (&b""[..], ""),
        (b"f", "Zg"),
        (b"fo", "Zm8"),
        (b"foo", "Zm9v"),
        (b"foob", "Zm9vYg"),
        (b"fooba", "Zm9vYmE"),
        (b"foobar", "Zm9vYmFy"),
        (&[0xfb, 0xff, 0xfe], "-__-"),
    ] {
        assert_eq!(base64url_encode(bytes), text);
        assert_eq!(base64url_decode(text.as_bytes()).unwrap(), bytes);
        let mut out = "x=".to_owned();
        base64url_append(bytes, &mut out);
        assert_eq!(out, format!("x={text}"));
    }
}

#[test]
fn text_that_is_not_canonical_is_refused() {
    // attacks: D30
    for text in [
        "Zg==", "Zg=", "Zm8=", "=", "Zm9v=", "Zm9v\n", " Zm9v", "Zm 9v", "Zm9v\0", "+__-", "-//-", "Z", "Zm9vY", "Zh",
        "Zm9", "Zm9vYh", "Zmé", "Zm9v.", "%5A",
    ] {
        assert_eq!(base64url_decode(text.as_bytes()), Err(InvalidEncoding), "{text:?}");
    }
}

#[test]
fn each_byte_string_of_one_or_two_bytes_has_exactly_one_encoding() {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut accepted = 0;
    for &a in ALPHABET {
        for &b in ALPHABET {
            accepted += usize::from(base64url_decode(&[a, b]).is_ok());
        }
    }
    assert_eq!(accepted, 256);
    let mut accepted = 0;
    for &a in ALPHABET {
        for &b in ALPHABET {
            for &c in ALPHABET {
                accepted += usize::from(base64url_decode(&[a, b, c]).is_ok());
            }
        }
    }
    assert_eq!(accepted, 256 * 256);
}

#[test]
fn a_foreign_byte_anywhere_in_a_long_text_is_refused() {
    let text = base64url_encode(&[0x5a; 150]);
    for at in 0..text.len() {
        for foreign in [b'=', b'+', b'/', b' ', b'\n', 0, 0x80, 0xff, b'.'] {
            let mut altered = text.clone().into_bytes();
            altered[at] = foreign;
            assert!(base64url_decode(&altered).is_err(), "{foreign} at {at}");
        }
    }
}

#[test]
fn decoding_into_a_vector_replaces_its_content_without_allocating() {
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(b"before");
    let place = out.as_ptr();
    base64url_decode_into(b"Zm9vYmFy", &mut out).unwrap();
    assert_eq!(out, b"foobar");
    assert_eq!(out.as_ptr(), place);
    assert!(base64url_decode_into(b"Zm9vYmFy=", &mut out).is_err());
    assert!(out.is_empty());
}

proptest! {
    #[test]
    fn every_byte_string_survives_the_round_trip(bytes: Vec<u8>) {
        prop_assert_eq!(base64url_decode(base64url_encode(&bytes).as_bytes()).unwrap(), bytes);
    }

    #[test]
    fn whatever_decodes_encodes_to_the_same_text(text in "[A-Za-z0-9_+/= -]{0,12}") {
        if let Ok(bytes) = base64url_decode(text.as_bytes()) {
            prop_assert_eq!(base64url_encode(&bytes), text);
        }
    }
}
