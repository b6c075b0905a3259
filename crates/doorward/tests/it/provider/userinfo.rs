//! A userinfo endpoint that misbehaves: the login fails, and nothing of the answer is used.

use doorward::Code;
use doorward::ports::FetchError;
use doorward_testkit::{Answer, Endpoint, IdTokenScript, ScriptedProvider, Signing};
use serde_json::{Value, json};

use super::harness::*;
use crate::support::World;

const INVALID: Ends = Ends::Refused(Code::ProviderResponseInvalid);
const UNAVAILABLE: Ends = Ends::Refused(Code::ProviderUnavailable);
const REFETCHED: &[&str] = &["discovery", "token", "jwks", "userinfo", "jwks"];

fn answers(rows: Vec<(&'static str, Answer, Ends)>) -> impl Iterator<Item = Row> {
    rows.into_iter()
        .map(|(name, answer, ends)| scripted(name, move |s| s.userinfo.answer = answer.clone(), ends, COMPLETE))
}

fn sub(value: impl Into<Value>) -> Answer {
    Answer::correct().with("sub", value)
}

// attacks: D39; oidcc-client-test-userinfo-invalid-sub
// weakness: L3
#[tokio::test]
async fn userinfo_about_somebody_else_fails_the_login() {
    check(answers(vec![
        ("other", sub("bob"), INVALID),
        ("in another case", sub("Alice"), INVALID),
        ("with a space", sub("alice "), INVALID),
        ("empty", sub(""), INVALID),
        ("null", sub(Value::Null), INVALID),
        ("a number", sub(1), INVALID),
        ("a list", sub(json!(["alice"])), INVALID),
        ("absent", Answer::correct().without("sub"), INVALID),
        ("twice", Answer::correct().with_twice("sub", "alice"), INVALID),
    ]))
    .await;
}

// attacks: D39
#[tokio::test]
async fn an_answer_that_is_no_userinfo_fails_the_login() {
    check(answers(vec![
        (
            "a list",
            Answer::correct().edit(|body| *body = json!([body.clone()])),
            INVALID,
        ),
        ("null", Answer::correct().raw("null"), INVALID),
        ("empty", Answer::correct().raw(""), INVALID),
        ("deep", Answer::correct().raw("[".repeat(100_000)), INVALID),
        ("no UTF-8", Answer::correct().raw(&b"{\"sub\":\"\xff\"}"[..]), INVALID),
        ("html", Answer::instead(200, "text/html", "<h1>alice</h1>"), INVALID),
        (
            "html by type only",
            Answer::correct().header("content-type", "text/html"),
            INVALID,
        ),
        (
            "JSON called a token",
            Answer::correct().header("content-type", "application/jwt"),
            INVALID,
        ),
        ("a gzip bomb", Answer::correct().gzip_bomb(), INVALID),
        ("204", Answer::instead(204, "application/json", ""), INVALID),
        (
            "401",
            Answer::error(401, "invalid_token").header("www-authenticate", "Bearer"),
            INVALID,
        ),
        ("403", Answer::error(403, "insufficient_scope"), INVALID),
        ("404", Answer::error(404, "x"), INVALID),
        ("429", Answer::error(429, "x"), UNAVAILABLE),
        ("500", Answer::error(500, "x"), UNAVAILABLE),
        ("503", Answer::error(503, "x").header("retry-after", "9"), UNAVAILABLE),
        ("10 MB", Answer::correct().raw(vec![b' '; 10 << 20]), UNAVAILABLE),
        ("without end", Answer::correct().endless(), UNAVAILABLE),
        ("broken off", Answer::correct().cut_after("{\"sub\":"), UNAVAILABLE),
        ("a reset", Answer::reset(), UNAVAILABLE),
    ]))
    .await;
    let faults: [fn() -> FetchError; 3] = [|| FetchError::Unreachable, || FetchError::Timeout, || FetchError::Tls];
    check(faults.map(|fault| {
        row(
            "out of reach",
            move |world| world.fetch.fail_next_of("userinfo", 1, fault),
            UNAVAILABLE,
            COMPLETE,
        )
    }))
    .await;
}

#[tokio::test]
async fn a_redirect_of_userinfo_is_not_followed_with_the_token() {
    for status in [301, 302, 303, 307, 308] {
        let world = World::new();
        let evil = ScriptedProvider::new("https://evil.example.org", world.clock.clone());
        drop(world.fetch.clone().mount("evil.example.org", evil.router()));
        world.provider.script(|s| {
            let location = "https://evil.example.org/userinfo";
            s.userinfo.answer = Answer::instead(status, "application/json", "").header("location", location);
        });
        let page = log_in(&world.browser).await;
        assert_refused(&world, &page, Code::ProviderResponseInvalid, "redirect").await;
        assert_eq!(evil.requests().len(), 0);
    }
}

fn signed(
    name: &'static str,
    change: impl Fn(&mut IdTokenScript) + 'static,
    ends: Ends,
    calls: &'static [&'static str],
) -> Row {
    scripted(
        name,
        move |s| {
            let mut script = IdTokenScript::default();
            change(&mut script);
            s.userinfo.signed = Some(script);
        },
        ends,
        calls,
    )
}

// attacks: D39; oidcc-client-test-userinfo-signed
#[tokio::test]
async fn signed_userinfo_is_verified_like_an_id_token() {
    check([
        signed("right", |_| {}, Ends::SignedIn, COMPLETE),
        signed("iss absent", |t| t.without_claim("iss"), Ends::SignedIn, COMPLETE),
        signed("aud absent", |t| t.without_claim("aud"), Ends::SignedIn, COMPLETE),
        signed(
            "aud a list with us",
            |t| t.claim("aud", json!(["app", "other"])),
            Ends::SignedIn,
            COMPLETE,
        ),
        signed(
            "iss other",
            |t| t.claim("iss", "https://evil.example.org"),
            INVALID,
            COMPLETE,
        ),
        signed("iss a list", |t| t.claim("iss", json!(["x"])), INVALID, COMPLETE),
        signed("aud other", |t| t.claim("aud", "other"), INVALID, COMPLETE),
        signed("aud a number", |t| t.claim("aud", 1), INVALID, COMPLETE),
        signed("sub other", |t| t.claim("sub", "bob"), INVALID, COMPLETE),
        signed("sub absent", |t| t.without_claim("sub"), INVALID, COMPLETE),
        signed("unsigned", |t| t.signing = Signing::Unsigned, INVALID, COMPLETE),
        signed("no signature", |t| t.signing = Signing::Empty, INVALID, COMPLETE),
        signed("another key", |t| t.signing = Signing::OtherKey, INVALID, COMPLETE),
        signed("HS256", |t| t.signing = Signing::Hs256WithPublicKey, INVALID, COMPLETE),
        signed("an access token", |t| t.header("typ", "at+jwt"), INVALID, COMPLETE),
        signed("a logout token", |t| t.header("typ", "logout+jwt"), INVALID, COMPLETE),
        signed(
            "an unknown key",
            |t| t.signing = Signing::UnknownKey,
            INVALID,
            REFETCHED,
        ),
        scripted(
            "a token called JSON",
            |s| {
                s.userinfo.signed = Some(IdTokenScript::default());
                s.userinfo.answer = Answer::correct().header("content-type", "application/json");
            },
            INVALID,
            COMPLETE,
        ),
    ])
    .await;
}

// oidcc-client-test-userinfo-bearer-header
#[tokio::test]
async fn the_access_token_goes_in_the_header_and_nowhere_else() {
    let world = World::new();
    world.sign_in().await;
    let [asked] = world.provider.requests_to(Endpoint::Userinfo).try_into().unwrap();
    let token = world.browser.get("/api/token").await.text().to_owned();
    assert_eq!(asked.headers["authorization"], format!("Bearer {token}"));
    assert_eq!(asked.uri.query(), None);
    assert!(asked.body.is_empty());
    for call in world.fetch.calls() {
        assert!(!call.uri.to_string().contains(&token));
        assert!(call.headers.get("cookie").is_none());
    }
}

// oidcc-client-test-aggregated-claims, -distributed-claims
#[tokio::test]
async fn claim_sources_are_not_fetched() {
    let world = World::new();
    let evil = ScriptedProvider::new("https://evil.example.org", world.clock.clone());
    drop(world.fetch.clone().mount("evil.example.org", evil.router()));
    world.provider.script(|s| {
        s.userinfo.answer = Answer::correct().edit(|body| {
            body["_claim_names"] = json!({"roles": "src"});
            body["_claim_sources"] = json!({"src": {"endpoint": "https://evil.example.org/claims", "JWT": "a.b.c"}});
        });
    });
    let page = log_in(&world.browser).await;
    assert_signed_in(&world, &page, "claim sources").await;
    assert_eq!(labels(&world), COMPLETE);
    assert_eq!(evil.requests().len(), 0);
}

#[tokio::test]
async fn an_id_token_that_is_refused_is_not_followed_by_userinfo() {
    let world = World::new();
    world.provider.script(|s| s.token.id_token.claim("nonce", "other"));
    let page = log_in(&world.browser).await;
    assert_refused(&world, &page, Code::IdTokenInvalid, "nonce").await;
    assert_eq!(world.provider.count(Endpoint::Userinfo), 0);
}
