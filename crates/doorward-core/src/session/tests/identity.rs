//! The identity part: what opens, what does not, and what several cookies mean.

use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
};

use doorward_crypto::{Sealer, SystemRandom, base64url_encode};
use proptest::prelude::*;

use super::{codec, opened, same, session_headers};
use crate::{
    cookie::{CookieOptions, CookieSettings},
    csrf::CsrfTokens,
    login_ticket::{LoginTicket, LoginTickets},
    origin::PublicUrl,
    session::{
        IdentityCookie, OpenedIdentity, SealSessionError, SessionCodec, SessionHandle, Unreadable, provider_tag,
    },
    test_support::{NoRandom, Seeded, at, cookie_headers, https_cookies, identity, keys, pending},
};

#[test]
fn sealed_identity_opens_as_it_was() {
    let random = Seeded::new(9);
    let full = identity(1);
    let mut bare = identity(2);
    bare.user.email = None;
    bare.user.email_verified = false;
    bare.user.name = None;
    bare.user.roles.clear();
    bare.user.claims.clear();
    bare.scopes.clear();
    bare.access_token_expires_at = None;
    bare.refresh_at = None;
    bare.has_token_part = false;
    bare.auth_time = None;
    bare.acr = None;
    bare.provider_session_id = None;
    bare.data = BTreeMap::new();
    bare.revision = u64::MAX;
    for identity in [full, bare] {
        let value = codec().seal_identity(&random, &identity).unwrap();
        let opened = opened(codec().find_identity(&session_headers([&value]))).unwrap();
        assert!(same(&opened, &identity));
        assert_eq!(opened.id(), identity.id);
        assert_eq!(opened.revision(), identity.revision);
        assert_eq!(opened.tenant(), identity.user.tenant);
        assert_eq!(opened.issued_at(), identity.issued_at);
        assert_eq!(opened.idle_expires_at(), identity.idle_expires_at);
        assert_eq!(opened.absolute_expires_at(), identity.absolute_expires_at);
        assert_eq!(opened.access_token_expires_at(), identity.access_token_expires_at);
        assert_eq!(opened.refresh_at(), identity.refresh_at);
        assert_eq!(opened.has_refresh_token(), identity.refresh_at.is_some());
        assert_eq!(opened.has_token_part(), identity.has_token_part);
        assert_eq!(*opened.csrf_token(), identity.csrf);
        let body = opened.body().unwrap();
        assert_eq!(
            (body.subject, body.email_verified),
            (identity.user.subject.as_str(), identity.user.email_verified)
        );
        let again = OpenedIdentity::from_identity(&identity).unwrap();
        assert!(same(&again, &identity));
    }
}

#[test]
fn flipped_cut_and_lengthened_cookies_do_not_open() {
    // attacks: E1
    let value = codec().seal_identity(&Seeded::new(9), &identity(1)).unwrap();
    let bytes = value.as_bytes();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.to_vec();
            flipped[place] ^= 1 << bit;
            assert!(codec().open_identity(&flipped).is_none(), "bit {bit} of byte {place}");
        }
        assert!(codec().open_identity(&bytes[..place]).is_none(), "cut at {place}");
        assert!(codec().open_identity(&bytes[place + 1..]).is_none(), "begun at {place}");
    }
    for added in ["A", "=", "==", "AAAA", " ", "\n", ";"] {
        assert!(
            codec().open_identity(format!("{value}{added}").as_bytes()).is_none(),
            "{added:?}"
        );
        assert!(
            codec().open_identity(format!("{added}{value}").as_bytes()).is_none(),
            "{added:?}"
        );
    }
}

#[test]
fn zeros_noise_and_oversized_values_count_as_unreadable() {
    // attacks: E2, E14
    let noise: Vec<u8> = {
        let random = Seeded::new(3);
        (0..3_000).map(|_| random.next() as u8).collect()
    };
    for value in [
        String::new(),
        "A".repeat(64),
        "A".repeat(4_000),
        base64url_encode(&noise),
        "A".repeat(60_000),
        "%zz".to_owned(),
        "{}".to_owned(),
    ] {
        let found = codec().find_identity(&session_headers([&value]));
        assert!(matches!(found, IdentityCookie::Unreadable), "{} bytes", value.len());
    }
    for headers in [
        cookie_headers(Vec::<&str>::new()),
        cookie_headers(["a=b"]),
        cookie_headers(["__Host-session"]),
        cookie_headers([""]),
    ] {
        assert!(matches!(codec().find_identity(&headers), IdentityCookie::Absent));
    }
}

// weakness: S6
#[test]
fn artefact_of_another_kind_or_name_is_no_session() {
    // attacks: E3
    let random = Seeded::new(9);
    let (keys, cookies) = (keys(&[1]), https_cookies());
    let codec = SessionCodec::new(&keys, &cookies);
    let identity = identity(1);

    let (_, pending) = pending(&random);
    let ticket = LoginTicket {
        pending,
        provider: "main".to_owned(),
        tenant: None,
        tenant_name: None,
        tenant_custom_domain: None,
        host: "https://app.acme.test".to_owned(),
        return_url: "/".to_owned(),
        carried: Vec::new(),
        created_at: at(0),
        restarts: 0,
        session_at_start: None,
        handle_at_start: None,
        prompt_none: false,
        is_step_up: true,
    };
    let (_, login) = LoginTickets::new(&keys, &cookies).seal(&random, &ticket).unwrap();
    assert!(codec.open_identity(login.as_bytes()).is_none());

    let csrf = CsrfTokens::encode(&CsrfTokens::new(&keys).issue(&identity.id));
    assert!(codec.open_identity(csrf.as_bytes()).is_none());

    let part = codec
        .seal_tokens(&random, &identity.id, 1, &super::tokens(100, 0))
        .unwrap();
    assert!(codec.open_identity(part[0].as_bytes()).is_none());
    assert!(codec.open_identity(&part[0].as_bytes()[9..]).is_none());

    let handle = SessionHandle::random(&random).unwrap();
    assert!(codec.open_identity(handle.encode().as_bytes()).is_none());
    let record = super::stored::Fixture::of(&keys, &handle, &identity).seal(&random);
    for part in super::stored::parts(&record) {
        assert!(codec.open_identity(part).is_none());
        assert!(codec.open_identity(base64url_encode(part).as_bytes()).is_none());
    }

    // Under another configured name the same key opens nothing.
    let options = CookieOptions {
        session_name: Some("__Host-other".to_owned()),
        ..CookieOptions::default()
    };
    let other = CookieSettings::checked(&PublicUrl::parse("https://app.acme.test").unwrap(), &options).unwrap();
    let value = SessionCodec::new(&keys, &other)
        .seal_identity(&random, &identity)
        .unwrap();
    assert!(codec.open_identity(value.as_bytes()).is_none());
}

#[test]
fn session_of_another_tenant_opens_and_says_so() {
    // attacks: E3 (the answer is 403 `tenant_mismatch`, see policy)
    let value = codec().seal_identity(&Seeded::new(9), &identity(1)).unwrap();
    assert_eq!(codec().open_identity(value.as_bytes()).unwrap().tenant(), "acme");
}

#[test]
fn retired_key_opens_and_unknown_key_does_not() {
    // attacks: E4
    let cookies = https_cookies();
    let old = SessionCodec::new(&keys(&[1]), &cookies)
        .seal_identity(&Seeded::new(9), &identity(1))
        .unwrap();
    let rotated = SessionCodec::new(&keys(&[2, 1]), &cookies);
    assert!(rotated.open_identity(old.as_bytes()).is_some());
    assert!(!rotated.is_current(old.as_bytes()));
    let new = rotated.seal_identity(&Seeded::new(9), &identity(1)).unwrap();
    assert!(rotated.is_current(new.as_bytes()));
    let without = SessionCodec::new(&keys(&[2]), &cookies);
    assert!(without.open_identity(old.as_bytes()).is_none());
    assert!(without.open_identity(new.as_bytes()).is_some());
}

#[test]
fn content_of_a_later_version_counts_as_unreadable() {
    // attacks: E4, N10
    let keys = keys(&[1]);
    let sealer = keys.sealer("session");
    let data = sealer.associated("__Host-session");
    for plain in [b"\x03".as_slice(), b"", b"\x02", &[2; 99], &[2; 60]] {
        let value = sealer.seal(&Seeded::new(9), &data, plain).unwrap();
        assert!(
            matches!(
                codec().find_identity(&session_headers([&value])),
                IdentityCookie::Unreadable
            ),
            "{plain:?}"
        );
    }
    // A head with a body of another form opens, and its body is refused when asked for.
    let mut plain = vec![2, 0];
    plain.extend_from_slice(&[0; 16 + 32 + 8 + 48]);
    plain.extend_from_slice(b"\x04acme\xff\xff");
    let value = sealer.seal(&Seeded::new(9), &data, &plain).unwrap();
    let opened = opened(codec().find_identity(&session_headers([&value]))).unwrap();
    assert_eq!(opened.tenant(), "acme");
    assert_eq!(opened.body().unwrap_err(), Unreadable);
    assert_eq!(opened.to_identity().unwrap_err(), Unreadable);
}

#[test]
fn of_several_cookies_one_session_is_found_and_two_are_none() {
    // attacks: B23
    let random = Seeded::new(9);
    let seal = |seed: u64, revision: u64| {
        let mut identity = identity(seed);
        identity.revision = revision;
        codec().seal_identity(&random, &identity).unwrap()
    };
    let revision =
        |values: &[&str]| opened(codec().find_identity(&session_headers(values))).map(|opened| opened.revision());
    let (first, newer, other) = (seal(1, 1), seal(1, 2), seal(2, 9));
    assert_eq!(revision(&[&first, &newer]), Some(2));
    assert_eq!(revision(&[&newer, &first]), Some(2));
    assert_eq!(revision(&["garbage", &first, ""]), Some(1));
    assert_eq!(revision(&[&first, &first]), Some(1));
    for values in [[&first, &other], [&other, &first]] {
        let found = codec().find_identity(&session_headers(values));
        assert!(matches!(found, IdentityCookie::Conflict));
        assert_eq!(codec().every_identity(&session_headers(values)).len(), 2);
    }
    assert_eq!(
        codec().every_identity(&session_headers([&first, &newer]))[0].revision(),
        2
    );
    // Beyond the cap nothing is tried.
    let mut flood = vec!["garbage"; 8];
    flood.push(&first);
    assert!(matches!(
        codec().find_identity(&session_headers(&flood)),
        IdentityCookie::Unreadable
    ));
}

#[test]
fn identity_that_passes_4096_bytes_is_an_error_that_says_how_large_it_is() {
    // attacks: E16, D41
    let mut large = identity(1);
    let mut last = 0;
    for size in 0..5_000 {
        large.data.insert("note".to_owned(), "x".repeat(size));
        match codec().seal_identity(&Seeded::new(9), &large) {
            Ok(value) => last = "__Host-session".len() + 1 + value.len(),
            Err(refused) => {
                assert!(matches!(refused, SealSessionError::TooLarge { bytes } if bytes > 4_096));
                break;
            }
        }
    }
    assert!((4_090..=4_096).contains(&last), "{last}");
}

#[test]
fn tenant_longer_than_its_length_byte_is_an_error() {
    let mut long = identity(1);
    long.user.tenant = "x".repeat(256);
    assert_eq!(
        codec().seal_identity(&Seeded::new(9), &long).unwrap_err(),
        SealSessionError::Content(Unreadable)
    );
}

#[test]
fn without_randomness_nothing_is_sealed() {
    assert!(codec().seal_identity(&NoRandom, &identity(1)).is_err());
    assert!(
        codec()
            .seal_tokens(&NoRandom, &identity(1).id, 1, &super::tokens(10, 0))
            .is_err()
    );
    assert!(SessionHandle::random(&NoRandom).is_err());
}

#[test]
fn nonces_never_repeat_and_length_does_not_depend_on_the_secret() {
    // attacks: E17
    let identity = identity(1);
    let mut nonces = HashSet::new();
    let mut lengths = HashSet::new();
    for _ in 0..100_000 {
        let value = codec().seal_identity(&SystemRandom, &identity).unwrap();
        lengths.insert(value.len());
        // Bytes 5 to 16 are the nonce: characters 6 to 23 cover them.
        nonces.insert(value[6..23].to_owned());
    }
    assert_eq!((nonces.len(), lengths.len()), (100_000, 1));
    let other = SessionCodec::new(&keys(&[7]), &https_cookies())
        .seal_identity(&SystemRandom, &identity)
        .unwrap();
    assert!(lengths.contains(&other.len()));
}

#[test]
fn typical_identity_is_small() {
    let length = codec().seal_identity(&Seeded::new(9), &identity(1)).unwrap().len();
    assert!(length < 600, "{length}");
    assert!(Sealer::sealed_len(0) < 50);
}

#[test]
fn debug_output_hides_ids_tokens_and_personal_data() {
    // attacks: N5
    let identity = identity(1);
    let opened = OpenedIdentity::from_identity(&identity).unwrap();
    let printed = format!(
        "{identity:?} {opened:?} {:?} {:?} {:?}",
        opened.body().unwrap(),
        identity.id,
        codec()
    );
    let id = identity.id.encode();
    let csrf = CsrfTokens::encode(&identity.csrf);
    for secret in [
        id.as_str(),
        csrf.as_str(),
        "alice@acme.test",
        "doors",
        "[1,2]",
        &format!("{:?}", identity.csrf),
        "sid-1",
    ] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_cookie_value_at_all_panics_or_opens(value in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(codec().open_identity(&value).is_none());
        prop_assert!(codec().open_identity(base64url_encode(&value).as_bytes()).is_none());
    }

    #[test]
    fn authentic_bytes_of_any_content_do_not_panic(plain in proptest::collection::vec(any::<u8>(), 0..300), versioned: bool) {
        static SEALER: LazyLock<Sealer> = LazyLock::new(|| keys(&[1]).sealer("session"));
        let sealer = &SEALER;
        let mut plain = plain;
        if versioned && let Some(first) = plain.first_mut() {
            *first = 1;
        }
        let value = sealer.seal(&Seeded::new(9), &sealer.associated("__Host-session"), &plain).unwrap();
        if let Some(opened) = codec().open_identity(value.as_bytes()) {
            let _ = (opened.tenant().len(), opened.body().is_ok(), opened.to_identity().is_ok());
        }
    }
}

#[test]
fn session_of_another_provider_is_told_apart_without_reading_its_body() {
    let mut mine = identity(1);
    mine.provider = "https://id.example app".to_owned();
    let opened = OpenedIdentity::from_identity(&mine).unwrap();
    assert!(opened.is_of_provider(provider_tag("https://id.example app")));
    assert!(!opened.is_of_provider(provider_tag("https://id.example other")));
    assert!(!opened.is_of_provider(provider_tag("https://other.example app")));
}
