//! A token endpoint that misbehaves.

use doorward::ports::FetchError;
use doorward::{Code, Sessions};
use doorward_testkit::{Answer, Endpoint, Gate, ScriptedProvider};
use serde_json::{Value, json};

use super::harness::*;
use crate::support::{SECRET, World};

const INVALID: Ends = Ends::Refused(Code::ProviderResponseInvalid);
const UNAVAILABLE: Ends = Ends::Refused(Code::ProviderUnavailable);

/// Cases of answers to the code: one that is refused is followed by no further call.
pub fn answers(rows: Vec<(&'static str, Answer, Ends)>) -> impl Iterator<Item = Row> {
    rows.into_iter().map(|(name, answer, ends)| {
        let calls = if ends == Ends::SignedIn { COMPLETE } else { UNTIL_TOKEN };
        scripted(name, move |s| s.token.answer = answer.clone(), ends, calls)
    })
}

fn with(member: &'static str, value: impl Into<Value>) -> Answer {
    Answer::correct().with(member, value)
}

// attacks: C1
#[tokio::test]
async fn a_redirect_of_the_token_endpoint_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let world = World::new();
        let evil = ScriptedProvider::new("https://evil.example.org", world.clock.clone());
        drop(world.fetch.clone().mount("evil.example.org", evil.router()));
        world.provider.script(|s| {
            let location = "https://evil.example.org/token";
            s.token.answer = Answer::instead(status, "application/json", "{}").header("location", location);
        });
        let page = log_in(&world.browser).await;
        assert_refused(&world, &page, Code::ProviderResponseInvalid, "redirect").await;
        assert_eq!(labels(&world), UNTIL_TOKEN);
        assert_eq!(evil.requests().len(), 0);
    }
}

// attacks: C2
#[tokio::test]
async fn an_answer_that_is_no_token_response_makes_no_session() {
    check(answers(vec![
        ("html", Answer::instead(200, "text/html", "<h1>Sign in</h1>"), INVALID),
        (
            "html by type only",
            Answer::correct().header("content-type", "text/html"),
            INVALID,
        ),
        (
            "text by type only",
            Answer::correct().header("content-type", "text/plain"),
            INVALID,
        ),
        ("no type", Answer::correct().header("content-type", ""), INVALID),
        (
            "200 with an error",
            Answer::instead(200, "application/json", r#"{"error":"invalid_grant"}"#),
            INVALID,
        ),
        ("tokens and an error", with("error", "server_error"), INVALID),
        ("tokens and a null error", with("error", Value::Null), INVALID),
        ("empty", Answer::correct().raw(""), INVALID),
        ("null", Answer::correct().raw("null"), INVALID),
        (
            "a list",
            Answer::correct().edit(|body| *body = json!([body.clone()])),
            INVALID,
        ),
        (
            "form-encoded",
            Answer::instead(200, "application/x-www-form-urlencoded", "access_token=a&id_token=b"),
            INVALID,
        ),
        ("deep", Answer::correct().raw("[".repeat(100_000)), INVALID),
        (
            "no UTF-8",
            Answer::correct().raw(&b"{\"access_token\":\"\xff\"}"[..]),
            INVALID,
        ),
        (
            "two documents",
            Answer::correct().rewrite(|text| format!("{text}{text}")),
            INVALID,
        ),
        (
            "a byte order mark",
            Answer::correct().rewrite(|text| format!("\u{feff}{text}")),
            INVALID,
        ),
        ("a gzip bomb", Answer::correct().gzip_bomb(), INVALID),
        ("201", Answer::correct().status(201), INVALID),
        ("204", Answer::instead(204, "application/json", ""), INVALID),
        ("304", Answer::instead(304, "application/json", ""), INVALID),
        ("2 MB", Answer::correct().raw(vec![b' '; 2 << 20]), UNAVAILABLE),
        ("without end", Answer::correct().endless(), UNAVAILABLE),
        (
            "broken off",
            Answer::correct().cut_after("{\"access_token\":"),
            UNAVAILABLE,
        ),
        ("a reset before acting", Answer::reset(), UNAVAILABLE),
        ("a reset after acting", Answer::reset().after_acting(), UNAVAILABLE),
        ("500", Answer::error(500, "server_error"), UNAVAILABLE),
        (
            "500 in html",
            Answer::instead(500, "text/html", "<h1>oops</h1>"),
            UNAVAILABLE,
        ),
        (
            "500 after acting",
            Answer::error(500, "server_error").after_acting(),
            UNAVAILABLE,
        ),
        ("502", Answer::instead(502, "text/html", ""), UNAVAILABLE),
        (
            "503",
            Answer::error(503, "temporarily_unavailable").header("retry-after", "3"),
            UNAVAILABLE,
        ),
        (
            "429",
            Answer::error(429, "slow_down").header("retry-after", "99999999999999999999"),
            UNAVAILABLE,
        ),
        ("408", Answer::error(408, "x"), UNAVAILABLE),
        (
            "400, temporarily",
            Answer::error(400, "temporarily_unavailable"),
            UNAVAILABLE,
        ),
    ]))
    .await;
}

// attacks: C2
#[tokio::test]
async fn a_token_endpoint_out_of_reach_fails_the_login_and_the_code_is_sent_once() {
    let faults: [fn() -> FetchError; 4] = [
        || FetchError::Unreachable,
        || FetchError::Timeout,
        || FetchError::Tls,
        || FetchError::Interrupted,
    ];
    for fault in faults {
        for stored in [false, true] {
            let world = match stored {
                true => World::build(Sessions::memory(SECRET), |builder| builder),
                false => World::new(),
            };
            world.fetch.fail_next_of("token", 1, fault);
            let page = log_in(&world.browser).await;
            assert_refused(&world, &page, Code::ProviderUnavailable, "out of reach").await;
            assert_eq!(labels(&world), UNTIL_TOKEN);
            world.sign_in().await;
        }
    }
    // The code was redeemed and nobody knows: it is not presented again, which a provider takes for theft.
    let world = World::new();
    world.fetch.lose_next_answers_of("token", 1);
    let page = log_in(&world.browser).await;
    assert_refused(&world, &page, Code::ProviderUnavailable, "answer lost").await;
    assert_eq!(world.provider.count(Endpoint::Token), 1);
    world.sign_in().await;
}

// weakness: M14
#[tokio::test]
async fn a_token_endpoint_that_hangs_holds_up_its_own_login_only() {
    let world = World::new();
    world.sign_in().await;
    let gate = Gate::closed();
    world
        .provider
        .script(|s| s.token.answer = Answer::correct().held_at(&gate).times(1));
    let slow = world.browser.stranger();
    let login = tokio::spawn(async move { log_in(&slow).await });
    gate.arrived(1).await;
    assert_is(&world.browser, "alice", "while another login hangs").await;
    assert_eq!(log_in(&world.browser.stranger()).await.url.path(), "/home");
    assert!(!login.is_finished());
    gate.open();
    assert_eq!(login.await.unwrap().url.path(), "/home");
}

// attacks: C10
// weakness: L16
#[tokio::test]
async fn a_refusal_of_our_client_or_of_the_code_fails_the_login() {
    check(answers(vec![
        (
            "invalid_client",
            Answer::error(401, "invalid_client").header("www-authenticate", "Basic realm=\"x\""),
            INVALID,
        ),
        (
            "unauthorized_client",
            Answer::error(400, "unauthorized_client"),
            INVALID,
        ),
        ("invalid_grant", Answer::error(400, "invalid_grant"), INVALID),
        ("invalid_request", Answer::error(400, "invalid_request"), INVALID),
        (
            "use_dpop_nonce",
            Answer::error(400, "use_dpop_nonce").header("dpop-nonce", "n"),
            INVALID,
        ),
        (
            "an unknown error",
            Answer::error(400, "<script>alert(1)</script>"),
            INVALID,
        ),
        (
            "an error that is no text",
            Answer::instead(400, "application/json", r#"{"error":{"a":1}}"#),
            INVALID,
        ),
        (
            "403 in html",
            Answer::instead(403, "text/html", "<h1>blocked</h1>"),
            INVALID,
        ),
        ("404", Answer::instead(404, "text/html", ""), INVALID),
    ]))
    .await;
}

// attacks: C3
#[tokio::test]
async fn json_that_is_almost_right_is_wrong() {
    type Change = fn(String) -> String;
    let spoil: [(&str, Change); 9] = [
        ("a comma too many", |text| text.replacen('}', ",}", 1)),
        ("single quotes", |text| text.replace('"', "'")),
        ("a comment", |text| format!("/* tokens */{text}")),
        ("NaN", |text| text.replace(":300", ":NaN")),
        ("a leading zero", |text| text.replace(":300", ":0300")),
        ("a hexadecimal number", |text| text.replace(":300", ":0x12c")),
        ("a lone surrogate", |text| text.replacen('{', "{\"a\":\"\\ud800\",", 1)),
        ("a raw line break in text", |text| {
            text.replacen('{', "{\"a\":\"\n\",", 1)
        }),
        ("an unclosed object", |text| text.trim_end_matches('}').to_owned()),
    ];
    check(spoil.map(|(name, spoil)| {
        scripted(
            name,
            move |s| s.token.answer = Answer::correct().rewrite(spoil),
            INVALID,
            UNTIL_TOKEN,
        )
    }))
    .await;
}

#[tokio::test]
async fn the_verifier_that_is_sent_belongs_to_the_challenge_and_is_new_each_time() {
    let world = World::new();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let begun = world.browser.visit("/auth/login").await;
        let asked = begun.location().unwrap();
        let page = world.browser.follow(&begun).await;
        world.browser.follow(&page).await;
        let sent = world.provider.requests_to(Endpoint::Token).pop().unwrap();
        // The provider has compared verifier and challenge; here, that nothing of it was in the browser's hands.
        let verifier = sent.param("code_verifier").unwrap();
        assert!(!asked.as_str().contains(&verifier));
        assert_ne!(query(&asked, "code_challenge").unwrap(), verifier);
        assert_eq!(sent.param("redirect_uri"), query(&asked, "redirect_uri"));
        for value in [
            verifier,
            query(&asked, "state").unwrap(),
            query(&asked, "nonce").unwrap(),
        ] {
            assert_eq!(value.len(), 43, "256 bits");
            assert!(!seen.contains(&value), "used before");
            seen.push(value);
        }
    }
    // And the provider would have noticed another one.
    world.provider.script(|s| s.token.answer = Answer::correct());
    assert_eq!(world.provider.token_calls("authorization_code"), 3);
}
