//! Every claim of the ID token in every wrong shape.

use doorward::{Code, Provider};
use doorward_testkit::{CLIENT_ID, CLIENT_SECRET};
use serde_json::{Value, json};

use super::harness::*;
use crate::support::{PROVIDER, World};

const INVALID: Ends = Ends::Refused(Code::IdTokenInvalid);

fn claim(name: &'static str, shown: &str, value: Value, ends: Ends) -> Row {
    let calls = if ends == Ends::SignedIn { COMPLETE } else { UNTIL_KEYS };
    scripted(
        format!("{name}: {shown}"),
        move |s| s.token.id_token.claim(name, value.clone()),
        ends,
        calls,
    )
}

fn absent(name: &'static str, ends: Ends) -> Row {
    let calls = if ends == Ends::SignedIn { COMPLETE } else { UNTIL_KEYS };
    scripted(
        format!("{name} absent"),
        move |s| s.token.id_token.without_claim(name),
        ends,
        calls,
    )
}

/// Shapes that no claim has, whatever it is about.
fn shapes() -> Vec<(&'static str, Value)> {
    vec![
        ("null", Value::Null),
        ("an object", json!({"value": "app"})),
        ("a list of lists", json!([["app"]])),
        ("an empty list", json!([])),
        ("two texts", json!(["a", "b"])),
        ("true", json!(true)),
    ]
}

// attacks: D1, D2, D3, D4, D5, D6, D7, D8, D9, D10, D11, D12
#[tokio::test]
async fn a_claim_of_another_type_is_refused_also_where_the_claim_is_optional() {
    for name in [
        "iss",
        "aud",
        "azp",
        "sub",
        "exp",
        "iat",
        "nbf",
        "nonce",
        "at_hash",
        "auth_time",
        "acr",
        "sid",
    ] {
        check(
            shapes()
                .into_iter()
                .map(|(shown, value)| claim(name, shown, value, INVALID)),
        )
        .await;
    }
    for name in ["iss", "aud", "azp", "sub", "nonce", "at_hash", "acr", "sid"] {
        check([
            claim(name, "a number", json!(1), INVALID),
            claim(name, "empty", json!(""), INVALID),
        ])
        .await;
    }
    for name in ["exp", "iat", "nbf", "auth_time"] {
        check([
            claim(name, "text", json!("1790000000"), INVALID),
            claim(name, "a list of one", json!([1_790_000_000]), INVALID),
            claim(name, "-1", json!(-1), INVALID),
            claim(name, "1e300", json!(1e300), INVALID),
            claim(name, "2^63", json!(9_223_372_036_854_775_808_u64), INVALID),
        ])
        .await;
    }
}

// attacks: D1, D2, D3, D4, D5, D6; oidcc-client-test-missing-aud, -missing-sub, -missing-iat
#[tokio::test]
async fn what_is_required_is_demanded_and_what_is_optional_may_be_absent() {
    check(["iss", "aud", "sub", "exp", "iat", "nonce"].map(|name| absent(name, INVALID))).await;
    check(["azp", "nbf", "at_hash", "auth_time", "acr", "sid"].map(|name| absent(name, Ends::SignedIn))).await;
}

// attacks: D1, D2, D3, D42; oidcc-client-test-invalid-iss, -invalid-aud, -nonce-invalid
#[tokio::test]
async fn a_token_of_another_issuer_for_another_client_or_another_login_is_refused() {
    let long = "a".repeat(3_000);
    check([
        claim("iss", "other", json!("https://evil.example.org"), INVALID),
        claim("iss", "with a slash", json!(format!("{PROVIDER}/")), INVALID),
        claim("iss", "in upper case", json!(PROVIDER.to_uppercase()), INVALID),
        claim("iss", "with a port", json!(format!("{PROVIDER}:443")), INVALID),
        claim("iss", "http", json!(PROVIDER.replace("https", "http")), INVALID),
        claim("iss", "in a list", json!([PROVIDER]), INVALID),
        claim("iss", "of another tenant", json!(format!("{PROVIDER}/t2")), INVALID),
        claim("aud", "other", json!("other"), INVALID),
        claim("aud", "in upper case", json!("APP"), INVALID),
        claim("aud", "with a space", json!("app "), INVALID),
        claim("aud", "several in a text", json!("app other"), INVALID),
        claim("aud", "a list of others", json!(["other", "third"]), INVALID),
        claim("aud", "a list with a number", json!(["app", 1]), INVALID),
        claim("aud", "a list of us alone", json!(["app"]), Ends::SignedIn),
        claim("azp", "other", json!("other"), INVALID),
        claim("azp", "us", json!("app"), Ends::SignedIn),
        claim("nonce", "other", json!("AAAA"), INVALID),
        claim("nonce", "in a list", json!(["AAAA"]), INVALID),
        claim("nonce", "huge", json!(long.clone()), INVALID),
        claim("sub", "huge", json!(long.clone()), INVALID),
        claim("sub", "256 characters", json!("a".repeat(256)), INVALID),
        claim("sub", "beyond ASCII", json!("älice"), INVALID),
        claim("sub", "with a line break", json!("alice\nadmin"), INVALID),
        claim("sub", "with NUL", json!("alice\0"), INVALID),
        claim("acr", "huge", json!(long.clone()), INVALID),
        claim("sid", "huge", json!(long), INVALID),
        claim("acr", "other", json!("gold"), Ends::SignedIn),
        claim("sid", "other", json!("s-1"), Ends::SignedIn),
    ])
    .await;
}

// attacks: D13
#[tokio::test]
async fn a_further_audience_is_refused_whoever_the_authorized_party_is() {
    let both = |azp: Option<&'static str>| {
        scripted(
            format!("two audiences, azp {azp:?}"),
            move |s| {
                s.token.id_token.edit_claims(move |claims| {
                    claims["aud"] = json!(["app", "stranger"]);
                    if let Some(azp) = azp {
                        claims["azp"] = azp.into();
                    }
                });
            },
            INVALID,
            UNTIL_KEYS,
        )
    };
    check([both(None), both(Some("app")), both(Some("stranger"))]).await;
}

// attacks: D14, D15, D16
#[tokio::test]
async fn times_count_with_a_minute_of_skew() {
    let cases: [(&str, f64, bool); 19] = [
        ("exp", -61.0, false),
        ("exp", -60.0, false),
        ("exp", -59.0, true),
        ("exp", -59.5, false),
        ("exp", 0.0, true),
        ("exp", 1.5, true),
        ("exp", 2_147_483_648.0, true),
        ("iat", 59.0, true),
        ("iat", 60.0, true),
        ("iat", 61.0, false),
        ("iat", -3_600.0, true),
        ("iat", -3_601.0, false),
        ("iat", -315_360_000.0, false),
        ("nbf", 60.0, true),
        ("nbf", 61.0, false),
        ("nbf", -315_360_000.0, true),
        ("auth_time", 60.0, true),
        ("auth_time", 61.0, false),
        ("auth_time", -315_360_000.0, true),
    ];
    check(cases.map(|(name, seconds, accepted)| {
        let (ends, calls) = match accepted {
            true => (Ends::SignedIn, COMPLETE),
            false => (INVALID, UNTIL_KEYS),
        };
        let change = move |world: &World| {
            #[allow(clippy::cast_precision_loss, reason = "seconds of this century")]
            let at = world.clock.seconds() as f64 + seconds;
            let value = if at.fract() == 0.0 { json!(at as u64) } else { json!(at) };
            world.provider.script(|s| s.token.id_token.claim(name, value));
        };
        row(format!("{name} {seconds:+}"), change, ends, calls)
    }))
    .await;
}

// attacks: D32; oidcc-client-test-invalid-athash
#[tokio::test]
async fn a_token_hash_that_is_there_must_fit() {
    let hash = |change: fn(&str) -> String| {
        move |claims: &mut Value| {
            let right = claims["at_hash"].as_str().unwrap().to_owned();
            claims["at_hash"] = change(&right).into();
        }
    };
    type Change = fn(&str) -> String;
    let cases: [(&str, Change); 6] = [
        ("other", |_| "AAAAAAAAAAAAAAAAAAAAAA".into()),
        ("cut", |right| right[..21].into()),
        ("longer", |right| format!("{right}A")),
        ("padded", |right| format!("{right}==")),
        ("of a whole hash", |right| format!("{right}{right}")),
        ("in upper case", |right| right.to_uppercase()),
    ];
    check(cases.map(|(name, change)| {
        scripted(
            format!("at_hash {name}"),
            move |s| s.token.id_token.edit_claims(hash(change)),
            INVALID,
            UNTIL_KEYS,
        )
    }))
    .await;
}

#[tokio::test]
async fn a_claim_that_is_given_twice_is_refused() {
    for (name, twice) in [
        ("none", false),
        ("iss", true),
        ("sub", true),
        ("aud", true),
        ("nonce", true),
        ("exp", true),
        ("custom", true),
    ] {
        let world = World::new();
        let begun = world.browser.visit("/auth/login?return_url=/home").await;
        let nonce = query(&begun.location().unwrap(), "nonce").unwrap();
        let now = world.clock.seconds();
        let claims = json!({
            "iss": PROVIDER, "sub": "alice", "aud": "app", "iat": now, "exp": now + 300, "nonce": nonce, "custom": 1,
        });
        // Written by hand: no map holds a member twice.
        let mut payload = claims.to_string();
        if twice {
            payload = payload.replacen('{', &format!("{{\"{name}\":{},", claims[name]), 1);
        }
        world.provider.script(|s| s.token.id_token.payload(payload));
        let page = world.browser.follow(&begun).await;
        let page = world.browser.follow_all(page).await;
        if twice {
            assert_refused(&world, &page, Code::IdTokenInvalid, name).await;
        } else {
            assert_signed_in(&world, &page, name).await;
        }
    }
}

// attacks: B25
#[tokio::test]
async fn a_max_age_that_was_asked_for_is_enforced() {
    let ago = |seconds: u64| {
        move |world: &World| {
            let at = world.clock.seconds() - seconds;
            world.provider.script(|s| s.token.id_token.claim("auth_time", at));
        }
    };
    type Change = Box<dyn Fn(&World)>;
    let cases: [(&str, Change, Option<Code>); 8] = [
        ("just now", Box::new(ago(0)), None),
        ("within the limit", Box::new(ago(60)), None),
        ("within the skew", Box::new(ago(119)), None),
        ("beyond the skew", Box::new(ago(122)), Some(Code::StepUpRequired)),
        ("ten minutes ago", Box::new(ago(600)), Some(Code::StepUpRequired)),
        (
            "not said",
            Box::new(|world| world.provider.script(|s| s.token.id_token.without_claim("auth_time"))),
            Some(Code::StepUpRequired),
        ),
        (
            "as text",
            Box::new(|world| {
                let at = world.clock.seconds().to_string();
                world.provider.script(|s| s.token.id_token.claim("auth_time", at));
            }),
            Some(Code::IdTokenInvalid),
        ),
        (
            "in the future",
            Box::new(|world| {
                let at = world.clock.seconds() + 3_600;
                world.provider.script(|s| s.token.id_token.claim("auth_time", at));
            }),
            Some(Code::IdTokenInvalid),
        ),
    ];
    for (name, change, refused) in cases {
        let world = World::new();
        change(&world);
        let page = world
            .browser
            .visit_following("/auth/login?return_url=/home&max_age=60")
            .await;
        match refused {
            None => assert_signed_in(&world, &page, name).await,
            Some(code) => assert_refused(&world, &page, code, name).await,
        }
    }
}

#[tokio::test]
async fn acr_values_that_a_login_asked_for_and_did_not_get_end_on_a_page() {
    let cases = [
        (Some("gold"), "gold", true),
        (Some("silver"), "gold%20silver", true),
        (Some("bronze"), "gold%20silver", false),
        (Some("golden"), "gold", false),
        (Some("GOLD"), "gold", false),
        (None, "gold", false),
    ];
    for (shown, asked, accepted) in cases {
        let name = format!("{shown:?} for {asked}");
        let world = World::new();
        world.provider.script(|script| {
            match shown {
                Some(acr) => script.token.id_token.claim("acr", acr),
                None => script.token.id_token.without_claim("acr"),
            };
        });
        let page = world
            .browser
            .visit_following(&format!("/auth/login?return_url=/home&acr_values={asked}"))
            .await;
        if accepted {
            assert_signed_in(&world, &page, &name).await;
        } else {
            assert_refused(&world, &page, Code::StepUpRequired, &name).await;
        }
    }
}

#[tokio::test]
async fn acr_values_of_the_configuration_are_a_wish() {
    let wish = Provider::oidc(PROVIDER, CLIENT_ID, CLIENT_SECRET).authorize_param("acr_values", "gold");
    let world = World::with(|builder| builder.provider(wish));
    world
        .provider
        .script(|script| script.token.id_token.without_claim("acr"));
    let page = world
        .browser
        .visit_following("/auth/login?return_url=/home&acr_values=silver")
        .await;
    assert_signed_in(&world, &page, "nothing shown").await;
}
