//! Keys that no relying party may choose, to stand in the key set before the right one.

use serde_json::{Value, json};

use super::keys::{KeyAlgorithm, ProviderKey, encode};

/// Makes decoys for a key set whose right key is `right`, each with what is wrong with it.
///
/// A relying party that skips every one of them still verifies with the right key. Some carry the right key's ID, so that
/// whoever chooses by ID alone chooses wrongly.
///
/// # Example
/// ```
/// use doorward_testkit::{FixedClock, ScriptedProvider, decoys};
///
/// let provider = ScriptedProvider::new("https://id.example.com", FixedClock::default());
/// let right = provider.current_key().public_jwk();
/// for (fault, decoy) in decoys::decoys(&right) {
///     provider.script(|script| script.keys.decoys = vec![decoy]);
///     // … a login works although the key set also holds `fault`
/// #   let _ = fault;
/// }
/// ```
#[must_use]
pub fn decoys(right: &Value) -> Vec<(&'static str, Value)> {
    let kid = &right["kid"];
    let fresh = |id: &str| ProviderKey::generate(KeyAlgorithm::Es256, id).public_jwk();
    let with = |mut key: Value, name: &str, value: Value| {
        key[name] = value;
        key
    };
    let without_alg = |mut key: Value| {
        key.as_object_mut().expect("a key").remove("alg");
        key
    };
    let rsa = |bytes: usize, exponent: &[u8]| {
        let modulus = vec![0xc5; bytes];
        json!({"kty": "RSA", "n": encode(&modulus), "e": encode(exponent), "use": "sig", "kid": kid})
    };
    let off_curve = with(fresh("off"), "y", encode(&[7; 32]).into());
    let ours_is_rsa = right["kty"] == "RSA";
    let other_type = if ours_is_rsa {
        fresh("other")
    } else {
        rsa(256, &[1, 0, 1])
    };
    vec![
        (
            "a symmetric key under the right id",
            json!({"kty": "oct", "k": encode(&[1; 32]), "kid": kid, "alg": "HS256"}),
        ),
        (
            "an encryption key under the right id",
            with(with(fresh("enc"), "use", "enc".into()), "kid", kid.clone()),
        ),
        (
            "a key whose operations lack verify",
            with(
                with(without_alg(fresh("ops")), "key_ops", json!(["encrypt"])),
                "kid",
                kid.clone(),
            ),
        ),
        (
            "a key for another algorithm",
            with(with(fresh("alg"), "alg", "ES512".into()), "kid", kid.clone()),
        ),
        ("an RSA key of 512 bits", rsa(64, &[1, 0, 1])),
        ("an RSA key of 1,024 bits", rsa(128, &[1, 0, 1])),
        ("an RSA key with exponent 1", rsa(256, &[1])),
        ("an RSA key with an even exponent", rsa(256, &[1, 0, 0])),
        ("a point off the curve", with(off_curve, "kid", kid.clone())),
        (
            "an unknown curve",
            with(with(fresh("crv"), "crv", "secp256k1".into()), "kid", kid.clone()),
        ),
        (
            "a private key",
            with(with(fresh("private"), "d", encode(&[3; 32]).into()), "kid", kid.clone()),
        ),
        ("another type under the right id", with(other_type, "kid", kid.clone())),
        ("an unknown type", json!({"kty": "FOO", "kid": kid, "use": "sig"})),
        (
            "members that are not base64url",
            with(with(fresh("b64"), "x", "+/+/=".into()), "kid", kid.clone()),
        ),
        (
            "members of the wrong type",
            with(with(fresh("typed"), "x", 5.into()), "kid", kid.clone()),
        ),
        (
            "a certificate chain of garbage",
            with(fresh("x5c"), "x5c", json!(["AAAA", "!"])),
        ),
        (
            "a stranger's key without an id",
            with(fresh("anonymous"), "kid", Value::Null),
        ),
        ("a stranger's key under another id", fresh("stranger")),
    ]
}
