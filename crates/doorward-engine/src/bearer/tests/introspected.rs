//! Opaque tokens: only an active one is let in, and the provider is asked with bounds.

use super::*;

type Expected = fn(Option<BearerRefused>) -> bool;

fn fixture() -> Fixture {
    Fixture::with(
        BearerTokens::new()
            .audience(API)
            .issuers([OTHER_ISSUER])
            .introspection(),
    )
}

fn active(fixture: &Fixture, lifetime: u64) -> Value {
    let mut answer = fixture.claims(ISSUER, lifetime);
    answer["active"] = true.into();
    answer
}

#[tokio::test]
async fn a_revoked_token_never_stays_valid_beyond_thirty_seconds() {
    // attacks: I10
    // weakness: J9
    let fixture = fixture();
    let answer = active(&fixture, 3_600);
    fixture.answer(move || Ok((200, answer.clone())));
    let judged = fixture.judged("opaque-1").await.unwrap();
    assert_eq!(judged.token.subject(), "alice");
    assert_eq!(judged.context.tenant, "acme");
    fixture.answer(|| Ok((200, json!({"active": false}))));
    fixture.advance(29);
    assert!(fixture.at_once("opaque-1").unwrap().is_ok());
    assert_eq!(fixture.network.introspected(), 1);
    // Revoked meanwhile: refused once the bound has passed.
    fixture.advance(1);
    assert_eq!(fixture.refused("opaque-1").await, Some(BearerRefused::Invalid));
    assert_eq!(fixture.network.introspected(), 2);
}

#[tokio::test]
async fn an_answer_is_never_believed_beyond_the_tokens_end() {
    // attacks: I8
    let fixture = fixture();
    let answer = active(&fixture, 10);
    fixture.answer(move || Ok((200, answer.clone())));
    assert!(fixture.judged("opaque-1").await.is_ok());
    fixture.advance(9);
    assert!(fixture.at_once("opaque-1").unwrap().is_ok());
    fixture.advance(1);
    assert!(fixture.at_once("opaque-1").is_none(), "the provider is asked again");
    fixture.advance(60);
    assert_eq!(fixture.refused("opaque-1").await, Some(BearerRefused::Expired));
}

#[tokio::test]
async fn only_an_answer_that_says_so_lets_anybody_in() {
    // attacks: I8
    let fixture = fixture();
    let patched = |name: &str, value: Value| {
        let mut answer = active(&fixture, 36_000);
        answer[name] = value;
        answer
    };
    let invalid = |refused| refused == Some(BearerRefused::Invalid);
    let table: Vec<(u16, Value, Expected)> = vec![
        (200, json!({"active": false}), invalid),
        (200, patched("aud", json!("https://other-api.example.com")), invalid),
        (200, patched("iss", json!(OTHER_ISSUER)), invalid),
        (200, patched("cnf", json!({"jkt": "x"})), invalid),
        (200, patched("tenant", json!([])), invalid),
        (200, patched("exp", json!(1)), |refused| {
            refused == Some(BearerRefused::Expired)
        }),
        (200, patched("active", json!("true")), is_unavailable),
        (200, patched("active", json!(1)), is_unavailable),
        (200, patched("active", json!(null)), is_unavailable),
        (200, json!({}), is_unavailable),
        (200, json!([]), is_unavailable),
        (400, active(&fixture, 36_000), is_unavailable),
        (500, active(&fixture, 36_000), is_unavailable),
        (401, active(&fixture, 36_000), is_unavailable),
        (302, active(&fixture, 36_000), is_unavailable),
    ];
    for (number, (status, answer, expected)) in table.into_iter().enumerate() {
        let shown = answer.clone();
        fixture.answer(move || Ok((status, answer.clone())));
        let refused = fixture.refused(&format!("opaque-{number}")).await;
        assert!(expected(refused), "{status} {shown}: {refused:?}");
        fixture.advance(60);
    }
}

#[tokio::test]
async fn everybody_with_one_token_waits_for_one_question() {
    let fixture = fixture();
    let answer = active(&fixture, 60);
    fixture.answer(move || Ok((200, answer.clone())));
    let asked: Vec<_> = (0..500)
        .map(|_| match fixture.begin("opaque-1") {
            Judging::Ready(judged) => tokio::spawn(async move { judged }),
            Judging::Wait(judging) => tokio::spawn(judging),
        })
        .collect();
    for judging in asked {
        assert!(judging.await.unwrap().is_ok());
    }
    assert_eq!(fixture.network.introspected(), 1);
}

#[tokio::test]
async fn a_flood_of_inventions_is_bounded_and_pushes_no_good_token_out() {
    // attacks: L4, I15
    let fixture = fixture();
    let answer = active(&fixture, 60);
    fixture.answer(move || Ok((200, answer.clone())));
    assert!(fixture.judged("good").await.is_ok());
    fixture.answer(|| Ok((200, json!({"active": false}))));
    let flood: Vec<_> = (0..1_000)
        .map(|number| match fixture.begin(&format!("bad-{number}")) {
            Judging::Ready(judged) => tokio::spawn(async move { judged }),
            Judging::Wait(judging) => tokio::spawn(judging),
        })
        .collect();
    let mut undecided = 0;
    for judging in flood {
        match judging.await.unwrap().err() {
            Some(BearerRefused::Invalid) => {}
            refused => {
                assert!(is_unavailable(refused));
                undecided += 1;
            }
        }
    }
    assert!(
        undecided >= 900,
        "64 are asked about at once, {undecided} were asked to come again"
    );
    assert!(fixture.network.introspected() <= 101);
    assert!(fixture.at_once("good").unwrap().is_ok());
    let known = fixture.network.introspected();
    assert!(fixture.at_once("bad-0").is_some_and(|judged| judged.is_err()));
    assert_eq!(
        fixture.network.introspected(),
        known,
        "a refused one is not asked about again at once"
    );
}

#[tokio::test]
async fn outage_of_the_endpoint_is_never_answered_401() {
    // attacks: I8
    let fixture = fixture();
    fixture.answer(|| Err(FetchError::Timeout));
    for number in 0..100 {
        assert!(is_unavailable(fixture.refused(&format!("opaque-{number}")).await));
    }
    assert_eq!(fixture.network.introspected(), 1, "left alone for a second");
    let answer = active(&fixture, 60);
    fixture.answer(move || Ok((200, answer.clone())));
    fixture.advance(2);
    assert!(fixture.judged("opaque-0").await.is_ok());
}

// weakness: M15
#[tokio::test]
async fn an_answer_that_a_token_provokes_holds_nobody_else_up() {
    let fixture = fixture();
    fixture.answer(|| Ok((400, json!({"error": "invalid_request"}))));
    assert!(is_unavailable(fixture.refused("provoking").await));
    let answer = active(&fixture, 60);
    fixture.answer(move || Ok((200, answer.clone())));
    assert!(fixture.judged("honest").await.is_ok());
}

#[tokio::test]
async fn an_opaque_token_is_shown_to_nobody_who_is_not_configured_for_it() {
    let fixture = Fixture::new();
    let answer = active(&fixture, 60);
    fixture.answer(move || Ok((200, answer.clone())));
    assert_eq!(fixture.at_once("opaque-1").unwrap().err(), Some(BearerRefused::Invalid));
    assert_eq!(fixture.network.outbound(), 0);
    // A signed token is never introspected in place of being verified.
    let asking = self::fixture();
    let forged = asking.provider.sign("JWT", &asking.claims(ISSUER, 60));
    assert_eq!(asking.refused(&forged).await, Some(BearerRefused::Invalid));
    assert_eq!(asking.network.introspected(), 0);
}
