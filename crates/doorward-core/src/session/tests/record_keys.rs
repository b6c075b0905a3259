//! The keys of records: their rotation, the halves they are made of, and the names of lists.

use std::collections::HashSet;

use doorward_crypto::KeyHalf;

use super::stored::{Fixture, fixture, parts};
use crate::{
    ports::IndexKey,
    session::{IndexOf, RecordCodec, SessionHandle, TokenPart},
    test_support::{Seeded, identity, keys},
};

/// The same session at a server with these keys.
fn with_keys(seeds: &[u64]) -> Fixture {
    let handle = SessionHandle::random(&Seeded::new(1)).unwrap();
    Fixture::of(&keys(seeds), &handle, &identity(1))
}

#[test]
fn record_of_a_retired_key_opens_and_says_that_it_is_old() {
    // attacks: E4
    let (old, rotated) = (with_keys(&[1]), with_keys(&[2, 1]));
    let bytes = old.seal(&Seeded::new(4));
    let record = rotated.open(&bytes).unwrap();
    assert!(!record.is_current());
    assert!(rotated.codec.open_identity(&record, &rotated.handle).is_some());
    assert!(rotated.access_token(&bytes).is_some());
    assert!(with_keys(&[2]).open(&bytes).is_err());
    assert!(with_keys(&[1, 2]).open(&bytes).unwrap().is_current());
}

#[test]
fn record_is_current_only_when_every_part_is() {
    let (old, rotated) = (with_keys(&[1]), with_keys(&[2, 1]));
    let random = Seeded::new(4);
    let before = rotated.open(&old.seal(&random)).unwrap();
    // A lease renews the head alone.
    let key = rotated.handle.store_key();
    let leased = rotated
        .codec
        .seal_control(&random, &key, &old.control, &before)
        .unwrap();
    assert!(!rotated.open(&leased).unwrap().is_current());
    assert!(rotated.access_token(&leased).is_some());
    assert!(
        with_keys(&[2]).open(&leased).is_ok(),
        "the head alone is of the new key"
    );
    assert_eq!(with_keys(&[2]).access_token(&leased), None);
}

#[test]
fn kept_tokens_are_sealed_again_when_their_key_is_no_longer_the_first() {
    let (old, rotated) = (with_keys(&[1]), with_keys(&[2, 1]));
    let random = Seeded::new(4);
    let bytes = old.seal(&random);
    let before = rotated.open(&bytes).unwrap();
    let renewed = rotated.seal_with(&random, TokenPart::Kept(&before));
    assert!(rotated.open(&renewed).unwrap().is_current());
    assert_ne!(parts(&renewed)[2], parts(&bytes)[2]);
    // With the old key gone everything still opens: nobody is signed out.
    let without = with_keys(&[2]);
    assert_eq!(without.access_token(&renewed), old.access_token(&bytes));
    let record = without.open(&renewed).unwrap();
    assert!(without.codec.open_identity(&record, &without.handle).is_some());

    // Of the first key they are kept as they are, unopened.
    let kept = without.seal_with(&random, TokenPart::Kept(&record));
    assert_eq!(parts(&kept)[2], parts(&renewed)[2]);
    let none = without.open(&without.seal_with(&random, TokenPart::None)).unwrap();
    let still_none = without.seal_with(&random, TokenPart::Kept(&none));
    assert!(parts(&still_none)[2].is_empty());
}

#[test]
fn copy_of_the_store_and_of_all_keys_opens_neither_user_nor_tokens() {
    // attacks: E19, M10
    let fixture = fixture(1);
    let bytes = fixture.seal(&Seeded::new(4));
    let key = fixture.handle.store_key();
    let [head, identity, tokens] = parts(&bytes);
    // With every key of the server, under every purpose, without the browser's half or with a guessed one.
    for purpose in [
        "session record head",
        "session record identity",
        "session record tokens",
    ] {
        let sealer = keys(&[1]).record_sealer(purpose);
        for half in [
            KeyHalf::Server,
            KeyHalf::WithBrowser(&[0; 32]),
            KeyHalf::WithBrowser(key.as_bytes()),
        ] {
            assert!(sealer.open(half, key.as_bytes(), identity).is_err());
            assert!(sealer.open(half, key.as_bytes(), tokens).is_err());
        }
    }
    // The head does open without the browser: it says whose session it is, by design, and holds neither a token nor anything
    // that one could sign in with.
    let sealer = keys(&[1]).record_sealer("session record head");
    let plain = sealer.open(KeyHalf::Server, key.as_bytes(), head).unwrap();
    let holds = |secret: &[u8]| plain.windows(secret.len()).any(|window| window == secret);
    assert!(holds(b"alice") && holds(b"acme"));
    let mut secrets = vec![
        b"hunter2".to_vec(),
        b"alice@acme.test".to_vec(),
        b"[1,2]".to_vec(),
        fixture.handle.id().as_bytes().to_vec(),
        fixture.handle.secret().to_vec(),
        fixture.identity.csrf.to_vec(),
    ];
    for secret in &secrets {
        assert!(!holds(secret));
    }
    // And nothing at all lies in the open.
    secrets.extend([b"alice".to_vec(), b"acme".to_vec(), b"sid-1".to_vec()]);
    for secret in &secrets {
        assert!(!bytes.windows(secret.len()).any(|window| window == &secret[..]));
    }
}

#[test]
fn lists_of_different_subjects_have_different_names() {
    let codec = RecordCodec::new(&keys(&[1]));
    let user = |provider, subject| IndexOf::User { provider, subject };
    let at_provider = |provider, session_id| IndexOf::ProviderSession { provider, session_id };
    let lists = [
        user("ab", "c"),
        user("a", "bc"),
        user("abc", ""),
        user("", "abc"),
        at_provider("ab", "c"),
        at_provider("a", "bc"),
        IndexOf::Tenant("ab"),
        IndexOf::Tenant("abc"),
        IndexOf::Tenant("user"),
        IndexOf::Tenant(""),
    ];
    let names: HashSet<IndexKey> = lists.into_iter().map(|list| codec.index(list)).collect();
    assert_eq!(names.len(), lists.len());
    assert_eq!(codec.index(lists[0]), codec.index(user("ab", "c")));
}

#[test]
fn list_is_entered_under_the_first_key_and_found_under_each() {
    let of = IndexOf::User {
        provider: "https://id.example.com app",
        subject: "alice",
    };
    let (old, new, rotated) = ([1].as_slice(), [2].as_slice(), [2, 1].as_slice());
    let codec = |seeds| RecordCodec::new(&keys(seeds));
    assert_ne!(codec(old).index(of), codec(new).index(of));
    assert_eq!(codec(rotated).index(of), codec(new).index(of));
    assert_eq!(codec(rotated).indexes(of), [codec(new).index(of), codec(old).index(of)]);
    assert_eq!(codec(old).indexes(of), [codec(old).index(of)]);
}
