//! Handles of stored sessions.

use doorward_crypto::base64url_encode;

use super::{codec, session_headers};
use crate::{
    ports::StoreKey,
    session::{HandleCookie, SessionHandle, SessionId},
    test_support::{Seeded, cookie_headers},
};

fn handle(seed: u64) -> SessionHandle {
    SessionHandle::random(&Seeded::new(seed)).unwrap()
}

#[test]
fn handle_is_read_back_and_nothing_like_it_is() {
    // attacks: E19
    let value = handle(1).encode();
    assert_eq!(value.len(), 64);
    assert_eq!(SessionHandle::parse(value.as_bytes()), Some(handle(1)));
    let spaced = format!("{} ", &value[..63]);
    for other in [
        "",
        "*",
        &value[..63],
        &format!("{value}A"),
        &spaced,
        &"*".repeat(64),
        &":".repeat(64),
        &"\n".repeat(64),
        &"A".repeat(60_000),
        &value.replace(&value[..1], "="),
    ] {
        assert_eq!(SessionHandle::parse(other.as_bytes()), None, "{other:?}");
    }
}

#[test]
fn store_sees_a_digest_of_id_and_secret() {
    // attacks: E19, M10
    let key = handle(1).store_key();
    assert_eq!(key.to_hex().len(), 64);
    assert_ne!(key, handle(2).store_key());
    let bytes = doorward_crypto::base64url_decode(handle(1).encode().as_bytes()).unwrap();
    let secret: [u8; 32] = bytes[16..].try_into().unwrap();
    assert_eq!(StoreKey::of_session(handle(1).id(), &secret), key);
    // Who knows the ID alone cannot name the record.
    assert_ne!(StoreKey::of_session(handle(1).id(), &[0; 32]), key);
    assert!(!bytes.windows(32).any(|window| window == key.as_bytes()));
    assert_eq!(StoreKey::from_bytes(*key.as_bytes()), key);
}

#[test]
fn used_logins_have_keys_of_their_own() {
    // attacks: B4
    assert_eq!(StoreKey::of_used_login("state"), StoreKey::of_used_login("state"));
    assert_ne!(StoreKey::of_used_login("state"), StoreKey::of_used_login("states"));
    let id = SessionId::from_bytes([7; 16]);
    let as_text = String::from_utf8([[7_u8; 16].as_slice(), &[7; 32]].concat()).unwrap();
    assert_ne!(StoreKey::of_used_login(&as_text), StoreKey::of_session(&id, &[7; 32]));
}

#[test]
fn used_logout_tokens_have_keys_of_their_own() {
    let key = StoreKey::of_used_logout_token;
    assert_eq!(key("https://id.example app", "1"), key("https://id.example app", "1"));
    // The same `jti` of another provider or client is another token's.
    assert_ne!(key("https://id.example app", "1"), key("https://id.example other", "1"));
    assert_ne!(key("https://id.example app", "1"), key("https://id.example app", "2"));
    assert_ne!(key("a", "b\0c"), key("a\0b", "d"));
    assert_ne!(key("state", ""), StoreKey::of_used_login("state\0"));
}

#[test]
fn one_handle_is_found_and_two_are_none() {
    // attacks: B23, E20
    let found = |values: &[&str]| codec().find_handle(&session_headers(values));
    let (a, b) = (handle(1).encode(), handle(2).encode());
    assert!(matches!(found(&[&a]), HandleCookie::Found(found) if found == handle(1)));
    assert!(matches!(found(&[&a, &a, "garbage"]), HandleCookie::Found(found) if found == handle(1)));
    assert!(matches!(found(&[&a, &b]), HandleCookie::Conflict));
    assert_eq!(codec().every_handle(&session_headers([&a, &b, &a])).len(), 2);
    assert!(matches!(found(&["garbage"]), HandleCookie::Unreadable));
    assert!(matches!(found(&[""]), HandleCookie::Unreadable));
    assert!(matches!(
        codec().find_handle(&cookie_headers(["a=b"])),
        HandleCookie::Absent
    ));
    assert_eq!(SessionHandle::parse(a.as_bytes()), Some(handle(1)));
}

#[test]
fn session_id_is_encoded_in_22_characters() {
    let id = SessionId::random(&Seeded::new(1)).unwrap();
    assert_eq!(id.encode().len(), 22);
    assert_eq!(SessionId::decode(&id.encode()), Some(id));
    for text in ["", "AAAA", &"A".repeat(23), &"=".repeat(22), &"\u{e9}".repeat(11)] {
        assert_eq!(SessionId::decode(text), None, "{text}");
    }
}

#[test]
fn debug_output_hides_handles_and_most_of_a_key() {
    // attacks: N5
    let handle = handle(1);
    let printed = format!("{handle:?} {:?}", handle.id());
    assert_eq!(printed, "SessionHandle(hidden) SessionId(hidden)");
    let key = handle.store_key();
    assert_eq!(format!("{key:?}"), format!("StoreKey({})", &key.to_hex()[..8]));
    assert!(
        !format!("{:?}", codec().find_handle(&session_headers([handle.encode()])))
            .contains(&base64url_encode(handle.id().as_bytes()))
    );
}
