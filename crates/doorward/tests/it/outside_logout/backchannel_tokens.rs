//! Tokens that are no logout tokens: each is 400, costs the store nothing and touches no session. The first eight are the modules of the
//! OpenID Foundation's plan for relying parties.

use doorward_testkit::{Answer, CLIENT_ID, CLIENT_SECRET, IdTokenScript, KeyAlgorithm, Signing};
use http::StatusCode;
use serde_json::{Value, json};

use super::{BACK, EVENT, Ends, FORM, REVOKED, assert_invalid, claims, sign_in, stands, tell, token};
use crate::attacks::support::Raw;
use crate::support::World;

/// A case: how the token is signed, and what is changed in it.
type Case = (&'static str, Signing, &'static str, fn(&mut Value));

fn unchanged(_: &mut Value) {}

/// A module of the suite: its name, and what is changed in the token.
type Module = (&'static str, fn(&mut Value));

const MODULES: [Module; 6] = [
    ("rp-backchannel-rpinitlogout", unchanged),
    ("…-no-event", |claims| {
        drop(claims.as_object_mut().unwrap().remove("events"))
    }),
    ("…-wrong-event", |claims| {
        claims["events"] = json!({"http://schemas.openid.net/event/other": {}});
    }),
    ("…-with-nonce", |claims| claims["nonce"] = json!("n")),
    ("…-wrong-aud", |claims| claims["aud"] = json!("app1")),
    ("…-wrong-iss", |claims| {
        claims["iss"] = json!("https://id.example.net/1")
    }),
];

fn signed(world: &World, claims: &Value, typ: &str, signing: Signing) -> String {
    let mut script = IdTokenScript::default();
    script.signing = signing;
    world.provider.sign_as(&script, typ, claims)
}

fn without(claims: &mut Value, name: &str) {
    claims.as_object_mut().unwrap().remove(name);
}

#[tokio::test]
async fn the_modules_of_the_conformance_suite_end_as_they_must() {
    for ends in Ends::BOTH {
        for (name, change) in MODULES {
            let (world, store) = ends.world();
            let (alice, sid) = sign_in(&world, "alice").await;
            let mut claims = claims(&world, json!({"sub": "alice", "sid": sid}));
            change(&mut claims);
            let before = store.calls();
            let answer = tell(&world, &world.provider.sign("logout+jwt", &claims)).await;
            if name == "rp-backchannel-rpinitlogout" {
                assert_eq!(answer.status, StatusCode::OK);
                assert_eq!(stands(&alice).await, REVOKED, "{ends:?}");
            } else {
                assert_invalid(&answer, name);
                assert_eq!(store.calls(), before, "{name}");
                assert_eq!(stands(&alice).await, "200", "{ends:?} {name}");
            }
        }
        for (name, signing) in [
            ("…-alg-none", Signing::Unsigned),
            ("…-wrong-alg", Signing::Hs256(CLIENT_SECRET.into())),
        ] {
            let (world, store) = ends.world();
            let (alice, sid) = sign_in(&world, "alice").await;
            let claims = claims(&world, json!({"sub": "alice", "sid": sid}));
            let before = store.calls();
            assert_invalid(
                &tell(&world, &signed(&world, &claims, "logout+jwt", signing)).await,
                name,
            );
            assert_eq!(store.calls(), before, "{name}");
            assert_eq!(stands(&alice).await, "200", "{ends:?} {name}");
        }
    }
}

#[tokio::test]
async fn what_is_no_logout_token_of_this_provider_ends_nothing() {
    let cases: [Case; 24] = [
        ("expired", Signing::Right, "logout+jwt", |c| {
            c["exp"] = json!(c["iat"].as_u64().unwrap() - 61);
        }),
        ("issued in the future", Signing::Right, "logout+jwt", |c| {
            c["iat"] = json!(c["iat"].as_u64().unwrap() + 61);
        }),
        ("issued long ago", Signing::Right, "logout+jwt", |c| {
            c["iat"] = json!(c["iat"].as_u64().unwrap() - 601);
        }),
        ("no iat", Signing::Right, "logout+jwt", |c| without(c, "iat")),
        ("no jti", Signing::Right, "logout+jwt", |c| without(c, "jti")),
        ("an empty jti", Signing::Right, "logout+jwt", |c| c["jti"] = json!("")),
        ("nobody", Signing::Right, "logout+jwt", |c| {
            without(c, "sub");
            without(c, "sid");
        }),
        ("an empty sid", Signing::Right, "logout+jwt", |c| c["sid"] = json!("")),
        ("a sid that is null", Signing::Right, "logout+jwt", |c| {
            c["sid"] = Value::Null
        }),
        ("a sub that is a number", Signing::Right, "logout+jwt", |c| {
            c["sub"] = json!(7)
        }),
        ("no iss", Signing::Right, "logout+jwt", |c| without(c, "iss")),
        ("no aud", Signing::Right, "logout+jwt", |c| without(c, "aud")),
        ("a second audience", Signing::Right, "logout+jwt", |c| {
            c["aud"] = json!([CLIENT_ID, "other"]);
        }),
        ("events as a list", Signing::Right, "logout+jwt", |c| {
            c["events"] = json!([EVENT])
        }),
        ("an event that is a text", Signing::Right, "logout+jwt", |c| {
            c["events"] = json!({EVENT: "yes"});
        }),
        ("a nonce that is null", Signing::Right, "logout+jwt", |c| {
            c["nonce"] = Value::Null
        }),
        ("the type of an access token", Signing::Right, "at+jwt", unchanged),
        ("the type of a DPoP proof", Signing::Right, "dpop+jwt", unchanged),
        ("a stranger's key", Signing::OtherKey, "logout+jwt", unchanged),
        ("a key nobody published", Signing::UnknownKey, "logout+jwt", unchanged),
        ("no signature", Signing::Empty, "logout+jwt", unchanged),
        (
            "a signature with a bit changed",
            Signing::Flipped,
            "logout+jwt",
            unchanged,
        ),
        (
            "the public key as a secret",
            Signing::Hs256WithPublicKey,
            "logout+jwt",
            unchanged,
        ),
        (
            "an algorithm that is not pinned",
            Signing::Hs256(b"x".to_vec()),
            "logout+jwt",
            unchanged,
        ),
    ];
    for ends in Ends::BOTH {
        for (what, signing, typ, change) in cases.clone() {
            let (world, store) = ends.world();
            let (alice, sid) = sign_in(&world, "alice").await;
            let mut claims = claims(&world, json!({"sub": "alice", "sid": sid}));
            change(&mut claims);
            let before = store.calls();
            assert_invalid(&tell(&world, &signed(&world, &claims, typ, signing)).await, what);
            assert_eq!(store.calls(), before, "{what}");
            assert_eq!(stands(&alice).await, "200", "{ends:?} {what}");
        }
    }
}

#[tokio::test]
async fn an_id_token_of_the_very_login_is_no_logout_token() {
    for ends in Ends::BOTH {
        let (world, _) = ends.world();
        let (alice, _) = sign_in(&world, "alice").await;
        let minted = world.provider.minted_secrets();
        let id_token = minted
            .iter()
            .rev()
            .find(|secret| secret.matches('.').count() == 2)
            .unwrap();
        assert_invalid(&tell(&world, id_token).await, "an ID token");
        assert_eq!(stands(&alice).await, "200", "{ends:?}");
    }
}

#[tokio::test]
async fn every_algorithm_of_id_tokens_signs_logout_tokens_too() {
    for algorithm in [KeyAlgorithm::Es256, KeyAlgorithm::Rs256] {
        let (world, _) = Ends::Stored.world();
        world.provider.script(|script| {
            script.discovery =
                Answer::correct().with("id_token_signing_alg_values_supported", json!(["ES256", "RS256"]));
        });
        let (alice, sid) = sign_in(&world, "alice").await;
        let claims = claims(&world, json!({"sid": sid}));
        let token = signed(&world, &claims, "JWT", Signing::Published(algorithm));
        // A key that was published a moment ago is looked for.
        assert_eq!(tell(&world, &token).await.status, StatusCode::OK, "{algorithm:?}");
        assert_eq!(stands(&alice).await, REVOKED);
    }
}

#[tokio::test]
async fn a_flood_of_made_up_keys_asks_the_provider_once_and_refuses_no_new_key_for_good() {
    let (world, store) = Ends::Stored.world();
    let (alice, sid) = sign_in(&world, "alice").await;
    let asked = world.fetch.count("jwks");
    let before = store.calls();
    for number in 0..50 {
        let token = signed(
            &world,
            &claims(&world, json!({"sid": sid})),
            "logout+jwt",
            Signing::UnknownKey,
        );
        let answer = tell(&world, &token).await;
        match number {
            0 => assert_invalid(&answer, "asked just now: there is no such key"),
            _ => {
                assert_eq!(answer.verdict(), (503, "provider_unavailable".to_owned()));
                assert_eq!(answer.header("retry-after"), Some("30"));
            }
        }
    }
    assert_eq!(world.fetch.count("jwks"), asked + 1);
    assert_eq!(store.calls(), before);
    // The provider begins to use another key meanwhile.
    world.provider.rotate_keys(true);
    let token = token(&world, json!({"sid": sid}));
    assert_eq!(tell(&world, &token).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(stands(&alice).await, "200");
    world.advance(30);
    assert_eq!(tell(&world, &token).await.status, StatusCode::OK);
    assert_eq!(stands(&alice).await, REVOKED);
    assert_eq!(world.fetch.count("jwks"), asked + 2);
}

#[tokio::test]
async fn no_logout_token_is_shown_to_whoever_sent_a_bad_one() {
    let (world, _) = Ends::Stored.world();
    let mut claims = claims(&world, json!({"sub": "hunter2-subject", "sid": "hunter2-session"}));
    claims["nonce"] = json!("hunter2-nonce");
    let token = world.provider.sign("logout+jwt", &claims);
    let form = format!("logout_token={token}");
    let answer = Raw::post(BACK).body(FORM, form).send(&world.app).await;
    assert_invalid(&answer, "a nonce");
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(!text.contains("hunter2") && !text.contains(&token), "{text}");
}
