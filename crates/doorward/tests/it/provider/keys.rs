//! What a provider may publish as its keys, and how a token may name one.

use doorward::Code;
use doorward::ports::FetchError;
use doorward_testkit::{Answer, Endpoint, KeyAlgorithm, ProviderKey, ScriptedProvider, Signing, decoys};
use serde_json::{Value, json};

use super::harness::*;
use crate::support::World;

const UNAVAILABLE: Ends = Ends::Refused(Code::ProviderUnavailable);
const INVALID: Ends = Ends::Refused(Code::IdTokenInvalid);

/// The key set is made from the right key alone.
fn key_set(world: &World, make: impl Fn(Value) -> Vec<Value>) {
    let keys = make(world.provider.current_key().public_jwk());
    world
        .provider
        .script(|s| s.jwks = Answer::correct().with("keys", json!(keys)));
}

fn stranger(algorithm: KeyAlgorithm, kid: &Value) -> Value {
    ProviderKey::generate(algorithm, kid.as_str().unwrap()).public_jwk()
}

#[tokio::test]
async fn keys_that_cannot_be_had_fail_the_login_and_nothing_is_taken_unverified() {
    let answers = [
        ("no keys", Answer::correct().with("keys", json!([]))),
        ("no list", Answer::correct().with("keys", json!({}))),
        ("no member", Answer::correct().without("keys")),
        (
            "10,000 keys",
            Answer::correct().with("keys", json!(vec![json!({}); 10_000])),
        ),
        ("65 keys", Answer::correct().with("keys", json!(vec![json!({}); 65]))),
        ("a list", Answer::correct().raw("[]")),
        ("empty", Answer::correct().raw("")),
        ("a member twice", Answer::correct().with_twice("keys", json!([]))),
        ("no UTF-8", Answer::correct().raw(&b"{\"keys\":[\"\xff\"]}"[..])),
        ("deep", Answer::correct().raw("{\"keys\":".repeat(20_000))),
        ("html", Answer::correct().header("content-type", "text/html")),
        ("a gzip bomb", Answer::correct().gzip_bomb()),
        ("2 MB", Answer::correct().raw(vec![b' '; 2 << 20])),
        ("without end", Answer::correct().endless()),
        ("a reset", Answer::reset()),
        ("broken off", Answer::correct().cut_after("{\"keys\":[")),
        ("204", Answer::instead(204, "application/json", "")),
        (
            "302",
            Answer::correct()
                .status(302)
                .header("location", "https://evil.example.org/jwks"),
        ),
        ("304 with nothing cached", Answer::instead(304, "application/json", "")),
        ("401", Answer::error(401, "unauthorized")),
        ("500", Answer::error(500, "server_error")),
        ("503", Answer::error(503, "x").header("retry-after", "7")),
    ];
    let mut rows: Vec<Row> = answers
        .into_iter()
        .map(|(name, answer)| scripted(name, move |s| s.jwks = answer.clone(), UNAVAILABLE, UNTIL_KEYS))
        .collect();
    let faults: [(_, fn() -> FetchError); 4] = [
        ("down", || FetchError::Unreachable),
        ("slow", || FetchError::Timeout),
        ("without a good certificate", || FetchError::Tls),
        ("breaking off", || FetchError::Interrupted),
    ];
    for (name, fault) in faults {
        rows.push(row(
            name,
            move |world| world.fetch.fail_next_of("jwks", 1, fault),
            UNAVAILABLE,
            UNTIL_KEYS,
        ));
    }
    check(rows).await;
}

#[tokio::test]
async fn a_redirect_of_the_keys_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let world = World::new();
        let evil = ScriptedProvider::new("https://evil.example.org", world.clock.clone());
        drop(world.fetch.clone().mount("evil.example.org", evil.router()));
        world.provider.script(|s| {
            let location = "https://evil.example.org/jwks";
            s.jwks = Answer::instead(status, "application/json", "").header("location", location);
        });
        let page = log_in(&world.browser).await;
        assert_refused(&world, &page, Code::ProviderUnavailable, "redirect").await;
        assert_eq!(evil.requests().len(), 0);
    }
}

/// Keys made from the right one, each of which no relying party may use, all under its ID.
fn unfit(right: &Value) -> Vec<(&'static str, Value)> {
    let with = |member: &str, value: Value| {
        let mut key = right.clone();
        key[member] = value;
        key
    };
    vec![
        ("for encryption", with("use", "enc".into())),
        ("for a use that is null", with("use", Value::Null)),
        ("for signing only", with("key_ops", json!(["sign"]))),
        ("for nothing", with("key_ops", json!([]))),
        ("of another algorithm", with("alg", "ES384".into())),
        ("of an algorithm for another kind of key", with("alg", "RS256".into())),
        ("of no algorithm", with("alg", "none".into())),
        ("with a private part", with("d", "BwcHBwcHBwcHBwcHBwcHBw".into())),
        ("off the curve", with("y", right["x"].clone())),
        ("with half a point", with("x", "BwcHBwcHBwcHBwcHBwcHBw".into())),
        ("of another curve", with("crv", "P-384".into())),
        ("of an unknown kind", with("kty", "ec".into())),
        ("with an id that is no text", with("kid", json!(1))),
        (
            "that is symmetric",
            json!({"kty": "oct", "k": right["x"], "alg": "HS256", "kid": right["kid"]}),
        ),
        (
            "that is a certificate only",
            json!({"kty": "EC", "x5c": ["AAAA"], "kid": right["kid"]}),
        ),
        ("without members", json!({})),
        ("that is no object", json!("key")),
    ]
}

#[tokio::test]
async fn a_key_that_must_not_be_used_is_as_good_as_none() {
    for (at, (name, _)) in unfit(&json!({})).into_iter().enumerate() {
        let alone = move |world: &World| key_set(world, |right| vec![unfit(&right)[at].1.clone()]);
        let beside = move |world: &World| key_set(world, |right| vec![unfit(&right)[at].1.clone(), right]);
        check([
            row(format!("only a key {name}"), alone, UNAVAILABLE, UNTIL_KEYS),
            row(format!("beside a key {name}"), beside, Ends::SignedIn, COMPLETE),
        ])
        .await;
    }
}

#[tokio::test]
async fn the_right_key_is_found_among_decoys() {
    let together = |world: &World| {
        let decoys = decoys::decoys(&world.provider.current_key().public_jwk());
        world
            .provider
            .script(|s| s.keys.decoys = decoys.into_iter().map(|(_, key)| key).collect());
    };
    check([row("all decoys", together, Ends::SignedIn, COMPLETE)]).await;
    for at in 0..decoys::decoys(&json!({})).len() {
        let one = move |world: &World| {
            let decoy = decoys::decoys(&world.provider.current_key().public_jwk()).swap_remove(at);
            world.provider.script(|s| s.keys.decoys = vec![decoy.1]);
        };
        check([row(format!("decoy {at}"), one, Ends::SignedIn, COMPLETE)]).await;
    }
}

// oidcc-client-test-discovery-jwks-uri-keys
#[tokio::test]
async fn keys_are_fetched_from_where_the_metadata_says() {
    let world = World::new();
    drop(world.fetch.clone().mount("keys.example.com", world.provider.router()));
    world
        .provider
        .script(|s| s.discovery = Answer::correct().with("jwks_uri", "https://keys.example.com/jwks?run=7"));
    let page = log_in(&world.browser).await;
    assert_signed_in(&world, &page, "keys elsewhere").await;
    let calls = world.fetch.calls();
    let keys = calls.iter().find(|call| call.label == "jwks").unwrap();
    assert_eq!(keys.uri, "https://keys.example.com/jwks?run=7");
    assert!(keys.headers.get("authorization").is_none());
}

#[tokio::test]
async fn the_key_is_chosen_by_its_id_its_kind_and_its_algorithm() {
    check([
        row(
            "another key of the same kind under the same kid, first",
            |world| key_set(world, |right| vec![stranger(KeyAlgorithm::Es256, &right["kid"]), right]),
            Ends::SignedIn,
            COMPLETE,
        ),
        row(
            "keys of other kinds under the same kid",
            |world| {
                key_set(world, |right| {
                    let kid = &right["kid"];
                    vec![
                        stranger(KeyAlgorithm::EdDsa, kid),
                        stranger(KeyAlgorithm::Es384, kid),
                        stranger(KeyAlgorithm::Rs256, kid),
                        right,
                    ]
                });
            },
            Ends::SignedIn,
            COMPLETE,
        ),
        row(
            "only keys of other kinds under the same kid",
            |world| key_set(world, |right| vec![stranger(KeyAlgorithm::EdDsa, &right["kid"])]),
            INVALID,
            UNTIL_REFETCH,
        ),
        row(
            "only another key under the same kid",
            |world| key_set(world, |right| vec![stranger(KeyAlgorithm::Es256, &right["kid"])]),
            INVALID,
            UNTIL_KEYS,
        ),
        row(
            "a kid in the token, none in the set",
            |world| {
                key_set(world, |mut right| {
                    right.as_object_mut().unwrap().remove("kid");
                    vec![right]
                });
            },
            INVALID,
            UNTIL_REFETCH,
        ),
        row(
            "x5c garbage on the right key",
            |world| {
                key_set(world, |mut right| {
                    right["x5c"] = json!(["AAAA", "not base64"]);
                    right["x5u"] = "https://evil.example.org/cert".into();
                    vec![right]
                });
            },
            Ends::SignedIn,
            COMPLETE,
        ),
        scripted(
            "another media type that RFC 7517 registers",
            |s| s.jwks = Answer::correct().header("content-type", "application/jwk-set+json"),
            Ends::SignedIn,
            COMPLETE,
        ),
    ])
    .await;
}

// attacks: D22; oidcc-client-test-kid-absent-single-jwks, -kid-absent-multiple-jwks
#[tokio::test]
async fn a_token_without_kid_is_verified_by_the_keys_that_fit() {
    fn without_kid(world: &World) {
        world.provider.script(|s| {
            s.token.id_token.edit_header(|header| {
                header.as_object_mut().unwrap().remove("kid");
            });
        });
    }
    check([
        row("one key", without_kid, Ends::SignedIn, COMPLETE),
        row(
            "several keys of the same kind",
            |world| {
                without_kid(world);
                key_set(world, |right| {
                    vec![
                        stranger(KeyAlgorithm::Es256, &json!("a")),
                        right,
                        stranger(KeyAlgorithm::Es256, &json!("b")),
                    ]
                });
            },
            Ends::SignedIn,
            COMPLETE,
        ),
        row(
            "keys of other kinds only",
            |world| {
                without_kid(world);
                key_set(world, |_| {
                    vec![
                        stranger(KeyAlgorithm::EdDsa, &json!("a")),
                        stranger(KeyAlgorithm::Rs256, &json!("b")),
                    ]
                });
            },
            INVALID,
            UNTIL_REFETCH,
        ),
        row(
            "somebody else's keys only",
            |world| {
                without_kid(world);
                key_set(world, |_| vec![stranger(KeyAlgorithm::Es256, &json!("a"))]);
            },
            INVALID,
            UNTIL_REFETCH,
        ),
        row(
            "a forged signature",
            |world| {
                without_kid(world);
                world.provider.script(|s| s.token.id_token.signing = Signing::OtherKey);
            },
            INVALID,
            UNTIL_REFETCH,
        ),
    ])
    .await;
}

// attacks: D24
#[tokio::test]
async fn a_kid_that_is_no_key_id_is_refused() {
    let kids = [
        ("traversal", json!("../../etc/passwd"), UNTIL_REFETCH),
        ("an address", json!("https://evil.example.org/key"), UNTIL_REFETCH),
        ("SQL", json!("' OR 1=1; --"), UNTIL_REFETCH),
        ("NUL", json!("key-1\0"), UNTIL_REFETCH),
        ("empty", json!(""), UNTIL_REFETCH),
        ("in another case", json!("KEY-1"), UNTIL_REFETCH),
        ("10 kB", json!("k".repeat(10_000)), UNTIL_KEYS),
        ("257 characters", json!("k".repeat(257)), UNTIL_KEYS),
        ("null", Value::Null, UNTIL_KEYS),
        ("a number", json!(1), UNTIL_KEYS),
        ("a list", json!(["key-1"]), UNTIL_KEYS),
        ("an object", json!({}), UNTIL_KEYS),
    ];
    check(kids.map(|(name, kid, calls)| {
        scripted(
            name,
            move |s| s.token.id_token.header("kid", kid.clone()),
            INVALID,
            calls,
        )
    }))
    .await;
}

// attacks: D25
#[tokio::test]
async fn a_token_that_brings_its_own_key_is_refused_and_nobody_asks_for_it() {
    for member in ["jku", "x5u", "jwk", "x5c"] {
        let world = World::new();
        let evil = ScriptedProvider::new("https://evil.example.org", world.clock.clone());
        drop(world.fetch.clone().mount("evil.example.org", evil.router()));
        let own = ProviderKey::generate(KeyAlgorithm::Es256, "mine").public_jwk();
        world.provider.script(|s| {
            s.token.id_token.signing = Signing::UnknownKey;
            s.token.id_token.edit_header(move |header| {
                header[member] = match member {
                    "jwk" => own.clone(),
                    "x5c" => json!(["MIIB"]),
                    _ => "https://evil.example.org/jwks".into(),
                };
            });
        });
        let page = log_in(&world.browser).await;
        assert_refused(&world, &page, Code::IdTokenInvalid, member).await;
        assert_eq!(labels(&world), UNTIL_REFETCH);
        assert_eq!(evil.requests().len(), 0, "{member}");
        assert_eq!(world.provider.count(Endpoint::Elsewhere), 0);
    }
}
