//! Bytes that lie under a session's key and are not its record, whoever put them there.

use std::sync::LazyLock;

use doorward_crypto::{KeyHalf, RecordSealer};
use proptest::prelude::*;

use super::stored::{fixture, joined, parts, summary};
use crate::{
    ports::StoreKey,
    session::{RecordCodec, SessionHandle, TokenPart, Unreadable},
    test_support::{Seeded, at, keys},
};

#[test]
fn cut_and_lengthened_records_give_no_foreign_state_and_no_tokens() {
    // attacks: E21
    let fixture = fixture(1);
    let bytes = fixture.seal(&Seeded::new(4));
    let [head, identity, _] = parts(&bytes);
    let identity_ends = 9 + head.len() + identity.len();
    for place in 0..bytes.len() {
        let cut = &bytes[..place];
        assert_eq!(fixture.open(cut).is_ok(), place >= identity_ends, "cut at {place}");
        assert!(fixture.opens_as_itself_or_not_at_all(cut), "cut at {place}");
        assert_eq!(fixture.access_token(cut), None, "cut at {place}");
        assert!(fixture.open(&bytes[place + 1..]).is_err(), "begun at {place}");
    }
    let longer = [&bytes[..], b"\0"].concat();
    assert_eq!(fixture.access_token(&longer), None);
}

#[test]
fn flipped_records_open_as_they_were_or_not_at_all() {
    // attacks: E21
    let fixture = fixture(1);
    let bytes = fixture.seal(&Seeded::new(4));
    let head_ends = 5 + parts(&bytes)[0].len();
    let mut opened_whole = 0;
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << bit;
            assert!(
                fixture.opens_as_itself_or_not_at_all(&flipped),
                "bit {bit} of byte {place}"
            );
            let record = fixture.open(&flipped).ok();
            assert!(place >= head_ends || record.is_none(), "bit {bit} of byte {place}");
            let identity = record.and_then(|record| fixture.codec.open_identity(&record, &fixture.handle));
            opened_whole += usize::from(identity.is_some() && fixture.access_token(&flipped).is_some());
        }
    }
    assert_eq!(opened_whole, 0);
}

#[test]
fn record_of_another_release_is_unreadable() {
    // attacks: N10
    let fixture = fixture(1);
    let bytes = fixture.seal(&Seeded::new(4));
    for version in (0..=u8::MAX).filter(|version| *version != 2) {
        let mut other = bytes.clone();
        other[0] = version;
        assert_eq!(fixture.open(&other).unwrap_err(), Unreadable, "version {version}");
    }
    // The form before had no head: `1 | length of the identity | identity | tokens`.
    let [_, identity, tokens] = parts(&bytes);
    let length = (identity.len() as u32).to_be_bytes();
    let older = [&[1], &length[..], identity, tokens].concat();
    assert_eq!(fixture.open(&older).unwrap_err(), Unreadable);
}

#[test]
fn authentic_parts_of_another_form_are_unreadable() {
    // attacks: N10
    let fixture = fixture(1);
    let (random, key) = (Seeded::new(4), fixture.handle.store_key());
    let half = KeyHalf::WithBrowser(fixture.handle.secret());
    let sealed = |purpose: &'static str, half: KeyHalf<'_>, plain: &[u8]| {
        let sealer = keys(&[1]).record_sealer(purpose);
        sealer.seal(&random, half, key.as_bytes(), plain).unwrap()
    };
    let bytes = fixture.seal(&random);
    let [head, identity, tokens] = parts(&bytes);
    for plain in [&b""[..], b"\x03", &[0xff; 40]] {
        let strange = sealed("session record head", KeyHalf::Server, plain);
        assert_eq!(
            fixture.open(&joined([&strange, identity, tokens])).unwrap_err(),
            Unreadable
        );
        let strange = sealed("session record identity", half, plain);
        let record = fixture.open(&joined([head, &strange, tokens])).unwrap();
        assert!(fixture.codec.open_identity(&record, &fixture.handle).is_none());
        let strange = sealed("session record tokens", half, plain);
        let record = fixture.open(&joined([head, identity, &strange])).unwrap();
        assert!(fixture.codec.open_tokens(&record, &fixture.handle).is_none());
    }
    // An identity and tokens that name another session, though they lie under this key and open with its half.
    let (mut other, another) = (fixture.identity.clone(), super::stored::fixture(2));
    other.id = *another.handle.id();
    let bytes = fixture
        .codec
        .seal(
            &random,
            &fixture.handle,
            &fixture.control,
            &summary(),
            &other,
            TokenPart::New(&fixture.tokens),
        )
        .unwrap();
    let record = fixture.open(&bytes).unwrap();
    assert!(fixture.codec.open_identity(&record, &fixture.handle).is_none());
    assert!(fixture.codec.open_tokens(&record, &fixture.handle).is_none());
}

#[test]
fn other_applications_data_is_unreadable() {
    let fixture = fixture(1);
    let own = fixture.seal(&Seeded::new(4));
    let mut large = own;
    large.resize(1024 * 1024 + 1, 0);
    let just_fits = &large[..1024 * 1024];
    for foreign in [
        &b""[..],
        b"\x02",
        b"\x02\0\0\0\0",
        b"\x02\0\0\0\0\0\0\0\0",
        b"\x02\xff\xff\xff\xff",
        b"{\"user\":\"alice\",\"admin\":true}",
        b"null",
        b"a:1:{s:4:\"user\";s:5:\"alice\";}",
        &[2; 4_096],
        &[0xff; 4_096],
        &large,
    ] {
        assert_eq!(
            fixture.open(foreign).unwrap_err(),
            Unreadable,
            "{} bytes",
            foreign.len()
        );
    }
    assert!(fixture.open(just_fits).is_ok());
    assert_eq!(fixture.access_token(just_fits), None);
}

#[test]
fn session_that_was_never_issued_opens_nothing() {
    // attacks: E19
    let fixture = fixture(1);
    let bytes = fixture.seal(&Seeded::new(4));
    for seed in 100..200 {
        let never = SessionHandle::random(&Seeded::new(seed)).unwrap();
        assert_ne!(never.store_key(), fixture.handle.store_key());
        assert!(fixture.codec.open(&never.store_key(), bytes.clone()).is_err());
    }
}

fn codec() -> &'static RecordCodec {
    static CODEC: LazyLock<RecordCodec> = LazyLock::new(|| RecordCodec::new(&keys(&[1])));
    &CODEC
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_at_all_panic_or_open(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), versioned: bool) {
        if versioned && let Some(first) = bytes.first_mut() {
            *first = 2;
        }
        prop_assert!(codec().open(&StoreKey::from_bytes([1; 32]), bytes).is_err());
    }

    #[test]
    fn lengths_of_any_size_do_not_panic(
        head: u32, identity: u32, rest in proptest::collection::vec(any::<u8>(), 0..80)
    ) {
        let head = if head % 2 == 0 { head % 64 } else { head };
        let mut bytes = vec![2];
        bytes.extend_from_slice(&head.to_be_bytes());
        bytes.resize(5 + (head as usize).min(64), 0);
        bytes.extend_from_slice(&identity.to_be_bytes());
        bytes.extend_from_slice(&rest);
        prop_assert!(codec().open(&StoreKey::from_bytes([1; 32]), bytes).is_err());
    }

    #[test]
    fn authentic_heads_of_any_content_do_not_panic(plain in proptest::collection::vec(any::<u8>(), 0..200)) {
        static SEALER: LazyLock<RecordSealer> =
            LazyLock::new(|| keys(&[1]).record_sealer("session record head"));
        let key = StoreKey::from_bytes([1; 32]);
        let head = SEALER.seal(&Seeded::new(4), KeyHalf::Server, key.as_bytes(), &plain).unwrap();
        if let Ok(record) = codec().open(&key, joined([&head, b"", b""])) {
            let never = SessionHandle::random(&Seeded::new(9)).unwrap();
            let _ = (record.summary(), record.control().judge(at(0)), record.control().keep_until());
            prop_assert!(codec().open_identity(&record, &never).is_none());
            prop_assert!(codec().open_tokens(&record, &never).is_none());
        }
    }
}
