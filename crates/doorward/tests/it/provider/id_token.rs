//! The form of the ID token: algorithm, signature, header, segments.

use doorward::{Algorithm, Code, Provider};
use doorward_testkit::{Answer, CLIENT_ID, CLIENT_SECRET, IdTokenScript, KeyAlgorithm, Signing};
use serde_json::{Value, json};

use super::harness::*;
use crate::support::{PROVIDER, World};

const INVALID: Ends = Ends::Refused(Code::IdTokenInvalid);

fn token(name: &'static str, change: impl Fn(&mut IdTokenScript) + 'static, calls: &'static [&'static str]) -> Row {
    scripted(name, move |s| change(&mut s.token.id_token), INVALID, calls)
}

fn right(name: &'static str, change: impl Fn(&mut IdTokenScript) + 'static) -> Row {
    scripted(name, move |s| change(&mut s.token.id_token), Ends::SignedIn, COMPLETE)
}

/// The provider signs with a key of this algorithm, and says so.
fn signing(
    name: &'static str,
    algorithm: KeyAlgorithm,
    announced: Value,
    ends: Ends,
    calls: &'static [&'static str],
) -> Row {
    scripted(
        name,
        move |s| {
            s.discovery = Answer::correct().with("id_token_signing_alg_values_supported", announced.clone());
            s.token.id_token.signing = Signing::Published(algorithm);
        },
        ends,
        calls,
    )
}

// oidcc-client-test-idtoken-sig-rs256
#[tokio::test]
async fn every_algorithm_of_ours_is_accepted_where_the_provider_announces_it() {
    for (name, algorithm) in [
        ("RS256", KeyAlgorithm::Rs256),
        ("PS256", KeyAlgorithm::Ps256),
        ("ES256", KeyAlgorithm::Es256),
        ("ES384", KeyAlgorithm::Es384),
        ("EdDSA", KeyAlgorithm::EdDsa),
    ] {
        check([
            signing(name, algorithm, json!([name]), Ends::SignedIn, COMPLETE),
            signing(
                "among others",
                algorithm,
                json!(["none", "RS512", name]),
                Ends::SignedIn,
                COMPLETE,
            ),
        ])
        .await;
    }
    // Announcing nothing means RS256, the default of a registration.
    let unsaid = |algorithm, ends, calls| {
        scripted(
            "unsaid",
            move |s| {
                s.discovery = Answer::correct().without("id_token_signing_alg_values_supported");
                s.token.id_token.signing = Signing::Published(algorithm);
            },
            ends,
            calls,
        )
    };
    check([
        unsaid(KeyAlgorithm::Rs256, Ends::SignedIn, COMPLETE),
        unsaid(KeyAlgorithm::Es256, INVALID, UNTIL_KEYS),
    ])
    .await;
}

// attacks: D20
#[tokio::test]
async fn an_algorithm_that_is_not_pinned_is_refused_with_whatever_key() {
    check([
        signing(
            "PS256 where RS256 is announced",
            KeyAlgorithm::Ps256,
            json!(["RS256"]),
            INVALID,
            UNTIL_KEYS,
        ),
        signing(
            "RS256 where ES256 is announced",
            KeyAlgorithm::Rs256,
            json!(["ES256"]),
            INVALID,
            UNTIL_KEYS,
        ),
        signing(
            "RS512 beside RS256",
            KeyAlgorithm::Rs512,
            json!(["RS256"]),
            INVALID,
            UNTIL_KEYS,
        ),
        signing(
            "RS512 announced",
            KeyAlgorithm::Rs512,
            json!(["RS512", "RS256"]),
            INVALID,
            UNTIL_KEYS,
        ),
    ])
    .await;
    let pinned = || {
        World::with(|builder| {
            let provider = Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET);
            builder.provider(provider.id_token_algorithms([Algorithm::Ps256]))
        })
    };
    let all = json!(["RS256", "PS256", "ES256", "EdDSA"]);
    check_in(
        pinned,
        [
            signing(
                "PS256, pinned by us",
                KeyAlgorithm::Ps256,
                all.clone(),
                Ends::SignedIn,
                COMPLETE,
            ),
            signing(
                "RS256, not pinned by us",
                KeyAlgorithm::Rs256,
                all.clone(),
                INVALID,
                UNTIL_KEYS,
            ),
            signing("ES256, not pinned by us", KeyAlgorithm::Es256, all, INVALID, UNTIL_KEYS),
        ],
    )
    .await;
}

// attacks: D17; oidcc-client-test-idtoken-sig-none
#[tokio::test]
async fn an_unsigned_token_is_refused_however_it_says_so() {
    let mut rows = vec![
        token("none", |t| t.signing = Signing::Unsigned, UNTIL_KEYS),
        token("no signature", |t| t.signing = Signing::Empty, UNTIL_KEYS),
        token(
            "no alg",
            |t| t.edit_header(|header| drop(header.as_object_mut().unwrap().remove("alg"))),
            UNTIL_KEYS,
        ),
    ];
    for name in [
        "None", "NONE", "nOnE", "none ", "", "es256", "HS256", "ES512", "RS256", "ES256K", "\u{0}",
    ] {
        rows.push(token(
            "an alg in the header",
            move |t| {
                t.header("alg", name);
                t.signing = Signing::Right;
            },
            UNTIL_KEYS,
        ));
        rows.push(token(
            "and no signature",
            move |t| {
                t.header("alg", name);
                t.signing = Signing::Unsigned;
            },
            UNTIL_KEYS,
        ));
    }
    for value in [Value::Null, json!(1), json!(["ES256"]), json!({})] {
        rows.push(token(
            "alg of another type",
            move |t| t.header("alg", value.clone()),
            UNTIL_KEYS,
        ));
    }
    // A provider that announces `none` gains nothing by it.
    rows.push(scripted(
        "none, announced",
        |s| {
            s.discovery = Answer::correct().with("id_token_signing_alg_values_supported", json!(["none", "ES256"]));
            s.token.id_token.signing = Signing::Unsigned;
        },
        INVALID,
        UNTIL_KEYS,
    ));
    check(rows).await;
}

// attacks: D19; oidcc-client-test-invalid-sig-hs256
#[tokio::test]
async fn a_symmetric_signature_is_refused_with_whatever_secret() {
    check([
        token(
            "the client secret",
            |t| t.signing = Signing::Hs256(CLIENT_SECRET.into()),
            UNTIL_KEYS,
        ),
        token(
            "the public key",
            |t| t.signing = Signing::Hs256WithPublicKey,
            UNTIL_KEYS,
        ),
        token("nothing", |t| t.signing = Signing::Hs256(Vec::new()), UNTIL_KEYS),
        scripted(
            "announced",
            |s| {
                s.discovery =
                    Answer::correct().with("id_token_signing_alg_values_supported", json!(["HS256", "ES256"]));
                s.token.id_token.signing = Signing::Hs256(CLIENT_SECRET.into());
            },
            INVALID,
            UNTIL_KEYS,
        ),
    ])
    .await;
}

// attacks: D21; oidcc-client-test-invalid-sig-rs256, -invalid-sig-es256
// weakness: L1
#[tokio::test]
async fn a_broken_signature_is_refused() {
    check([
        token("another key's", |t| t.signing = Signing::OtherKey, UNTIL_KEYS),
        token("flipped", |t| t.signing = Signing::Flipped, UNTIL_KEYS),
        token("r = s = 0", |t| t.signing = Signing::Zeros, UNTIL_KEYS),
        token("ASN.1", |t| t.signing = Signing::Der, UNTIL_KEYS),
        token("all ones", |t| t.signing = Signing::Bytes(vec![0xff; 64]), UNTIL_KEYS),
        token("63 bytes", |t| t.signing = Signing::Bytes(vec![1; 63]), UNTIL_KEYS),
        token("65 bytes", |t| t.signing = Signing::Bytes(vec![1; 65]), UNTIL_KEYS),
        token("1 byte", |t| t.signing = Signing::Bytes(vec![1]), UNTIL_KEYS),
        token("8 kB", |t| t.signing = Signing::Bytes(vec![1; 8_000]), UNTIL_KEYS),
    ])
    .await;
    for algorithm in [KeyAlgorithm::Rs256, KeyAlgorithm::Es384, KeyAlgorithm::EdDsa] {
        check([scripted(
            format!("{} changed", algorithm.name()),
            move |s| {
                s.discovery =
                    Answer::correct().with("id_token_signing_alg_values_supported", json!([algorithm.name()]));
                s.token.id_token.signing = Signing::Published(algorithm);
                s.token.id_token.edit_compact(|token| {
                    // The first character of the signature holds no padding bits.
                    let at = token.rfind('.').unwrap() + 1;
                    let other = if token.as_bytes()[at] == b'A' { 'B' } else { 'A' };
                    format!("{}{other}{}", &token[..at], &token[at + 1..])
                });
            },
            INVALID,
            UNTIL_KEYS,
        )])
        .await;
    }
}

// attacks: D26, D27, D31
#[tokio::test]
async fn a_header_that_asks_for_more_than_we_do_is_refused() {
    let refused = [
        ("crit", json!(["exp"])),
        ("crit", json!(["x"])),
        ("crit", json!([])),
        ("crit", Value::Null),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("typ", json!("at+jwt")),
        ("typ", json!("application/at+jwt")),
        ("typ", json!("AT+JWT")),
        ("typ", json!("logout+jwt")),
        ("typ", json!("dpop+jwt")),
        ("typ", json!("secevent+jwt")),
        ("typ", Value::Null),
        ("typ", json!(1)),
        ("typ", json!(["JWT"])),
        ("cty", json!("JWT")),
        ("cty", json!("jwt")),
        ("padding", json!("x".repeat(5_000))),
    ];
    check(refused.map(|(name, value)| token(name, move |t| t.header(name, value.clone()), UNTIL_KEYS))).await;
    check([
        right("typ absent", |t| {
            t.edit_header(|header| drop(header.as_object_mut().unwrap().remove("typ")))
        }),
        right("typ in lower case", |t| t.header("typ", "jwt")),
        right("typ JOSE", |t| t.header("typ", "JOSE")),
        right("a member nobody knows", |t| t.header("foo", json!({"bar": [1]}))),
        right("a certificate thumbprint", |t| t.header("x5t", "AAAA")),
    ])
    .await;
}

// attacks: D29
#[tokio::test]
async fn a_payload_that_is_no_object_is_refused() {
    let payloads = [
        "",
        "null",
        "[]",
        "1",
        "\"text\"",
        "{",
        "{}{}",
        "{\"a\":1,}",
        "{\"a\":NaN}",
        "\u{feff}{}",
        "{'a':1}",
    ];
    check(payloads.map(|payload| token("a payload", move |t| t.payload(payload), UNTIL_KEYS))).await;
    let deep = format!("{}{}", "{\"a\":".repeat(500), "1".to_owned() + &"}".repeat(500));
    check([token("deep", move |t| t.payload(deep.clone()), UNTIL_KEYS)]).await;
}

// attacks: D30, D31
#[tokio::test]
async fn a_token_that_is_not_three_strict_segments_is_refused() {
    type Change = fn(String) -> String;
    let changes: [(&str, Change); 17] = [
        ("one segment", |token| token.replace('.', "")),
        ("two segments", |token| token.rsplit_once('.').unwrap().0.to_owned()),
        ("four segments", |token| format!("{token}.AAAA")),
        ("five segments", |token| format!("{token}.AAAA.AAAA")),
        ("a trailing dot", |token| format!("{token}.")),
        ("a leading dot", |token| format!(".{token}")),
        ("an empty header", |token| token[token.find('.').unwrap()..].to_owned()),
        ("padding", |token| format!("{token}==")),
        ("padding within", |token| token.replacen('.', "=.", 1)),
        ("the standard alphabet", |token| {
            token.replace('-', "+").replace('_', "/") + "+/"
        }),
        ("another last bit", |token| {
            // 64 bytes leave four bits of the last character unused.
            let last = token.chars().last().unwrap();
            let next = char::from(u8::try_from(last).unwrap() + 1);
            format!("{}{next}", &token[..token.len() - 1])
        }),
        ("another header", |token| {
            format!(
                "eyJhbGciOiJFUzI1NiIsImtpZCI6ImtleS0xIn0{}",
                &token[token.find('.').unwrap()..]
            )
        }),
        ("another payload", |token| {
            let mut parts = token.split('.');
            format!("{}.e30.{}", parts.next().unwrap(), parts.nth(1).unwrap())
        }),
        ("JSON serialization", |token| {
            let parts: Vec<&str> = token.split('.').collect();
            format!(
                "{{\"payload\":\"{}\",\"protected\":\"{}\",\"signature\":\"{}\"}}",
                parts[1], parts[0], parts[2]
            )
        }),
        ("encrypted, RSA1_5", |_| {
            "eyJhbGciOiJSU0ExXzUiLCJlbmMiOiJBMjU2R0NNIn0.AAAA.AAAA.AAAA.AAAA".to_owned()
        }),
        ("encrypted, PBES2 with 10^9 rounds", |_| {
            "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJwMmMiOjEwMDAwMDAwMDAsInAycyI6IkFBQUEiLCJlbmMiOiJBMjU2R0NNIn0.AAAA.AAAA.AAAA.AAAA".to_owned()
        }),
        ("encrypted, dir", |_| {
            "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA".to_owned()
        }),
    ];
    check(changes.map(|(name, change)| token(name, move |t| t.edit_compact(change), UNTIL_KEYS))).await;
    // White space is no part of a token at all: the token response is refused.
    let spaced: [(&str, Change); 3] = [
        ("a space in front", |token| format!(" {token}")),
        ("a line break behind", |token| format!("{token}\n")),
        ("a space within", |token| token.replacen('.', " .", 1)),
    ];
    check(spaced.map(|(name, change)| {
        scripted(
            name,
            move |s| s.token.id_token.edit_compact(change),
            Ends::Refused(Code::ProviderResponseInvalid),
            UNTIL_TOKEN,
        )
    }))
    .await;
}

// attacks: D27
#[tokio::test]
async fn other_tokens_of_the_same_provider_are_no_id_tokens() {
    for typ in [
        "JWT",
        "at+jwt",
        "logout+jwt",
        "dpop+jwt",
        "token-introspection+jwt",
        "kb+jwt",
    ] {
        let world = World::new();
        let begun = world.browser.visit("/auth/login?return_url=/home").await;
        let nonce = query(&begun.location().unwrap(), "nonce").unwrap();
        let now = world.clock.seconds();
        let claims =
            json!({"iss": PROVIDER, "sub": "alice", "aud": "app", "iat": now, "exp": now + 300, "nonce": nonce});
        let token = world.provider.sign(typ, &claims);
        world
            .provider
            .script(|s| s.token.answer = Answer::correct().with("id_token", token));
        let page = world.browser.follow(&begun).await;
        let page = world.browser.follow_all(page).await;
        if typ == "JWT" {
            assert_signed_in(&world, &page, typ).await;
        } else {
            assert_refused(&world, &page, Code::IdTokenInvalid, typ).await;
        }
    }
}

#[tokio::test]
async fn an_id_token_of_another_login_is_refused_although_everything_else_is_right() {
    let world = World::new();
    log_in(&world.browser.stranger()).await;
    let earlier = world.provider.minted_secrets().pop().unwrap();
    assert_eq!(earlier.split('.').count(), 3, "an ID token");
    world
        .provider
        .script(|s| s.token.answer = Answer::correct().with("id_token", earlier.clone()));
    let page = log_in(&world.browser).await;
    assert_refused(&world, &page, Code::IdTokenInvalid, "replayed").await;
}
