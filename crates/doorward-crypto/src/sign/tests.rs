use super::*;
use crate::testing::corpora;
use crate::{JwsPolicy, KeySet, base64url_decode, verify};

fn pem(format: &str, der: &[u8]) -> SecretString {
    let pkcs8 = write_pkcs8(der);
    SecretString::new(pkcs8.replace("PRIVATE KEY", format))
}

#[test]
fn what_each_key_signs_verifies_under_its_public_key() {
    for &algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm).unwrap();
        let keys = KeySet::parse(json!({ "keys": [key.public_jwk()] }).to_string().as_bytes()).unwrap();
        let token = key.sign("at+jwt", &json!({ "sub": "alice" })).unwrap();
        let policy = JwsPolicy {
            algorithms: &[algorithm],
            refused_types: &[],
            required_type: Some("at+jwt"),
        };
        let payload = verify(&token, &keys, &policy).unwrap();
        assert_eq!(payload.algorithm(), algorithm);
        assert_eq!(payload.kid(), Some(key.kid()));
        assert_eq!(payload.typ(), Some("at+jwt"));
        assert_eq!(payload.into_claims()["sub"], "alice");
        assert_eq!(key.algorithm(), algorithm);
    }
}

#[test]
fn the_public_jwk_has_no_private_member() {
    for &algorithm in Algorithm::ALL {
        let jwk = SigningKey::generate(algorithm).unwrap().public_jwk();
        let mut names: Vec<_> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        let expected = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => ["alg", "e", "kid", "kty", "n", "use"].as_slice(),
            Algorithm::Es256 | Algorithm::Es384 => &["alg", "crv", "kid", "kty", "use", "x", "y"],
            Algorithm::EdDsa => &["alg", "crv", "kid", "kty", "use", "x"],
        };
        assert_eq!(names, expected);
    }
}

#[test]
fn a_key_survives_the_way_through_pem() {
    for &algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm).unwrap();
        let written = key.to_pem().unwrap();
        let read = SigningKey::from_pem(&written, algorithm, None).unwrap();
        assert_eq!(read.public_jwk(), key.public_jwk());
        let named = SigningKey::from_pem(&written, algorithm, Some("mine".to_owned())).unwrap();
        assert_eq!(named.kid(), "mine");
    }
}

#[test]
fn pkcs1_and_sec1_are_read() {
    let rsa = SigningKey::generate(Algorithm::Rs256).unwrap();
    let (_, der) = parse_private_key(rsa.to_pem().unwrap().expose()).unwrap();
    // PKCS#8 wraps the PKCS#1 structure behind 26 bytes of header for an RSA key of 2048 bits.
    let read = SigningKey::from_pem(&pem("RSA PRIVATE KEY", &der[26..]), Algorithm::Rs256, None).unwrap();
    assert_eq!(read.kid(), rsa.kid());

    let ec = SigningKey::generate(Algorithm::Es256).unwrap();
    let Pair::Ec(pair) = &ec.pair else {
        panic!("not an ec key")
    };
    let sec1 = AsDer::<aws_lc_rs::encoding::EcPrivateKeyRfc5915Der<'_>>::as_der(&pair.private_key()).unwrap();
    let read = SigningKey::from_pem(&pem("EC PRIVATE KEY", sec1.as_ref()), Algorithm::Es256, None).unwrap();
    assert_eq!(read.kid(), ec.kid());
}

#[test]
fn a_key_of_another_kind_is_refused() {
    let keys: Vec<_> = [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa]
        .map(|algorithm| (algorithm, SigningKey::generate(algorithm).unwrap().to_pem().unwrap()))
        .into();
    for (made_for, pem) in &keys {
        for &algorithm in Algorithm::ALL {
            let fits = algorithm == *made_for || (algorithm, *made_for) == (Algorithm::Ps256, Algorithm::Rs256);
            let read = SigningKey::from_pem(pem, algorithm, None);
            assert_eq!(
                read.err(),
                (!fits).then_some(SigningKeyError::Unfit(algorithm)),
                "{made_for} as {algorithm}"
            );
        }
    }
    for label in ["RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY"] {
        for &algorithm in Algorithm::ALL {
            let read = SigningKey::from_pem(&pem(label, b"garbage"), algorithm, None);
            assert_eq!(read.err(), Some(SigningKeyError::Unfit(algorithm)));
        }
    }
    let none = SigningKey::from_pem(&"no pem".into(), Algorithm::Es256, None);
    assert_eq!(none.err(), Some(SigningKeyError::Pem("pem text has no private key")));
}

#[test]
fn the_key_id_is_the_thumbprint_of_rfc_7638() {
    // RFC 8037 A.2 and A.3.
    let seed = base64url_decode(b"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let key = SigningKey::new(Algorithm::EdDsa, Pair::Ed(pair), None);
    assert_eq!(key.public_jwk()["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn ed25519_signs_as_the_cookbook_does() {
    let Some(file) = corpora("jose-cookbook/curve25519/jws.json") else {
        return;
    };
    let example: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let seed = base64url_decode(example["input"]["key"]["d"].as_str().unwrap().as_bytes()).unwrap();
    let key = SigningKey::new(
        Algorithm::EdDsa,
        Pair::Ed(Ed25519KeyPair::from_seed_unchecked(&seed).unwrap()),
        None,
    );
    let signature = key
        .sign_bytes(example["signing"]["sig-input"].as_str().unwrap().as_bytes())
        .unwrap();
    assert_eq!(
        base64url_encode(&signature),
        example["signing"]["sig"].as_str().unwrap()
    );
}

#[test]
fn claims_that_are_no_object_are_not_signed() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    for claims in [json!([]), json!("alice"), json!(null), json!(1)] {
        assert_eq!(key.sign("JWT", &claims), Err(SigningError::NotAnObject));
    }
}

#[test]
fn debug_output_hides_the_private_key() {
    // attacks: N5
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let kid = key.kid();
    assert_eq!(
        format!("{key:?}"),
        format!("SigningKey {{ algorithm: EdDsa, kid: \"{kid}\", .. }}")
    );
}
