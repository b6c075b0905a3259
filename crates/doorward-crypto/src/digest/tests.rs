use super::*;
use crate::testing::hex;

#[test]
fn sha256_gives_the_digest_of_the_standard() {
    let expected = hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(sha256(b"abc").as_slice(), expected);
}

#[test]
fn pkce_challenge_is_the_one_of_the_standard() {
    // RFC 7636 appendix B.
    let verifier = b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_eq!(
        sha256_base64url(verifier),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
}

#[test]
fn half_hash_takes_the_digest_of_the_algorithm() {
    // OpenID Connect Core A.3: the access token and its at_hash under RS256.
    let token = b"jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256] {
        assert_eq!(half_hash(algorithm, token).unwrap(), "77QmUPtjPfzWtF2AnpK9RQ");
    }
    // attacks: D32, a hash made for another algorithm has another length.
    assert_eq!(half_hash(Algorithm::Es384, token).unwrap().len(), 32);
    assert_eq!(half_hash(Algorithm::EdDsa, token).unwrap().len(), 43);
    let sha512_of_abc = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a";
    assert_eq!(
        half_hash(Algorithm::EdDsa, b"abc").unwrap(),
        base64url_encode(&hex(sha512_of_abc))
    );
}

// weakness: M5
#[test]
fn only_equal_byte_strings_are_equal() {
    assert!(constant_time_eq(b"", b""));
    assert!(constant_time_eq(b"abc", b"abc"));
    for (a, b) in [
        (&b"abc"[..], &b"abd"[..]),
        (b"abc", b"ab"),
        (b"", b"a"),
        (b"abc", b"Abc"),
    ] {
        assert!(!constant_time_eq(a, b));
    }
}
