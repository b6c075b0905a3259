//! Published tokens, good and bad, through `verify`.

use std::fs;

use serde_json::Value;

use super::*;
use crate::testing::{corpora, for_each_case, report};

/// The signature holds if `verify` gets as far as the payload, which in these files is no JSON.
fn signature_holds(token: &str, keys: &KeySet) -> bool {
    match verify(token, keys, &any()) {
        Ok(_) | Err(JwsError::PayloadInvalid(_)) => true,
        Err(_) => false,
    }
}

/// The key or key set of a group: the public one where there is one.
fn key_set(group: &Value) -> KeySet {
    let key = if group["public"].is_object() {
        &group["public"]
    } else {
        &group["private"]
    };
    let body = if key["keys"].is_array() {
        key.clone()
    } else {
        json!({ "keys": [key] })
    };
    KeySet::parse(body.to_string().as_bytes()).unwrap_or_else(|_| KeySet::empty())
}

#[test]
fn wycheproof_jose_tokens_are_judged_as_listed() {
    for name in ["json_web_signature_test", "json_web_key_test", "json_web_crypto_test"] {
        let Some(file) = corpora(&format!("wycheproof/{name}.json")) else {
            continue;
        };
        let (mut valid, mut unsupported) = (0, 0);
        let (all, invalid) = for_each_case(&fs::read_to_string(file).unwrap(), |group, case| {
            // The mixed file has encrypted tokens and JSON serializations too: no tokens to us.
            let token = if case["jws"].is_null() {
                &case["jwe"]
            } else {
                &case["jws"]
            };
            let token = &token.as_str().map_or_else(|| token.to_string(), str::to_owned);
            let holds = signature_holds(token, &key_set(group));
            if case["result"] == "invalid" {
                assert!(!holds, "{name} {case}");
                return;
            }
            let ours = supported(token, group);
            assert_eq!(holds, ours, "{name} {case} {group}");
            if ours {
                valid += 1;
            } else {
                unsupported += 1;
            }
        });
        report(&format!(
            "wycheproof {name}: {all} cases, {invalid} invalid refused, {valid} valid accepted, \
             {unsupported} valid by algorithms we do not take refused"
        ));
        assert!(all > 0 && invalid > 0);
    }
}

/// Whether a valid token is one by our algorithms, with a key that says nothing else.
fn supported(token: &str, group: &Value) -> bool {
    let header = token.split('.').next().unwrap();
    let Ok(header) = base64url_decode(header.as_bytes()) else {
        return false;
    };
    let Ok(header) = serde_json::from_slice::<Value>(&header) else {
        return false;
    };
    let Some(algorithm) = header["alg"].as_str().and_then(Algorithm::from_name) else {
        return false;
    };
    let key = if group["public"].is_object() {
        &group["public"]
    } else {
        &group["private"]
    };
    header["enc"].is_null() && (key["alg"].is_null() || key["alg"] == algorithm.name())
}

#[test]
fn cookbook_examples_verify_or_are_refused() {
    let Some(folder) = corpora("jose-cookbook") else { return };
    let example = |path: &str| -> Value { serde_json::from_slice(&fs::read(folder.join(path)).unwrap()).unwrap() };
    let public = |key: &Value| {
        let mut key = key.clone();
        for member in ["d", "p", "q", "dp", "dq", "qi"] {
            key.as_object_mut().unwrap().remove(member);
        }
        json!({ "keys": [key] })
    };
    let mut counts = [0, 0];
    for (path, holds) in [
        ("jws/4_1.rsa_v15_signature.json", true),
        ("curve25519/jws.json", true),
        // PS384, ES512 and HS256.
        ("jws/4_2.rsa-pss_signature.json", false),
        ("jws/4_3.ecdsa_signature.json", false),
        ("jws/4_4.hmac-sha2_integrity_protection.json", false),
        ("jws/4_5.signature_with_detached_content.json", false),
        ("rfc7797/hmac-sha2_b64_false.json", false),
        ("rfc7797/4.2.hmac-sha2_b64_false.json", false),
    ] {
        let example = example(path);
        let keys = KeySet::parse(public(&example["input"]["key"]).to_string().as_bytes()).unwrap();
        let Some(token) = example["output"]["compact"].as_str() else {
            continue;
        };
        assert_eq!(signature_holds(token, &keys), holds, "{path}");
        counts[usize::from(holds)] += 1;
    }
    // attacks: D31, encrypted tokens.
    for entry in fs::read_dir(folder.join("jwe")).unwrap() {
        let example: Value = serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
        if let Some(token) = example["output"]["compact"].as_str() {
            let error = verify(token, &KeySet::empty(), &any()).unwrap_err();
            assert_eq!(error, JwsError::Malformed("expected three segments"));
            counts[0] += 1;
        }
    }
    report(&format!("jose cookbook: {} verified, {} refused", counts[1], counts[0]));
    assert!(counts[1] >= 2 && counts[0] >= 10);
}

#[test]
fn malformed_json_as_payload_is_never_accepted() {
    // attacks: D29
    let Some(folder) = corpora("json/test_parsing") else {
        return;
    };
    let key = generate(Algorithm::EdDsa);
    let keys = set(&[key.public_jwk()]);
    let mut refused = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let token = forge(&key, &json!({ "alg": "EdDSA" }), &fs::read(entry.path()).unwrap());
        let verified = verify(&token, &keys, &any());
        if entry.file_name().to_string_lossy().starts_with("n_") {
            assert!(verified.is_err(), "{entry:?}");
            refused += 1;
        }
    }
    assert!(refused >= 180);
}

#[test]
fn no_seed_of_a_fuzzer_makes_a_parser_panic_or_is_accepted() {
    let Some(folder) = corpora("mod_auth_openidc-fuzz/corpus") else {
        return;
    };
    let ring = crate::KeyRing::new(vec![crate::SecretString::new(crate::sha256_base64url(b"root"))]).unwrap();
    let sealer = ring.sealer("session");
    let mut seeds = 0;
    for target in fs::read_dir(folder).unwrap() {
        for seed in fs::read_dir(target.unwrap().path()).unwrap() {
            let seed = fs::read(seed.unwrap().path()).unwrap();
            let text = String::from_utf8_lossy(&seed);
            assert!(verify(&text, &KeySet::empty(), &any()).is_err());
            assert!(sealer.open(&sealer.associated("session"), &seed).is_err());
            // A key set among them may be a good one.
            let _ = KeySet::parse(&seed);
            let _ = parse_object(&seed, MAX_TOKEN);
            let _ = crate::KeyRing::from_secrets_file(&text, 0).map_err(|error| error.to_string());
            assert!(SigningKey::from_pem(&text.as_ref().into(), Algorithm::Rs256, None).is_err());
            seeds += 1;
        }
    }
    report(&format!("fuzzer seeds: {seeds} read"));
    assert!(seeds >= 12);
}
