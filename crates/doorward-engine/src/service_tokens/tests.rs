//! One token for all callers, renewed ahead of its end, and an outage that nobody notices while it lives.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use doorward_core::UnixTime;
use doorward_core::ports::FetchError;
use doorward_testkit::{
    Answer, CLIENT_ID, CLIENT_SECRET, FixedClock, Gate, RouterFetch, ScriptedProvider, SeededRandom, TokioTestTasks,
};

use super::*;
use crate::settings::Provider;

const ISSUER: &str = "https://id.example.com";

fn target() -> TokenTarget {
    TokenTarget {
        scope: Some("orders:read a+b&c".to_owned()),
        ..TokenTarget::default()
    }
}

struct Fixture {
    clock: FixedClock,
    provider: ScriptedProvider,
    network: RouterFetch,
    tasks: TokioTestTasks,
    tokens: ServiceTokens,
}

impl Fixture {
    fn new() -> Self {
        let clock = FixedClock::default();
        let provider = ScriptedProvider::new(ISSUER, clock.clone());
        let network = RouterFetch::new(provider.router());
        let tasks = TokioTestTasks::new();
        let ports = Ports {
            clock: Arc::new(clock.clone()),
            random: Arc::new(SeededRandom::new(1)),
            fetch: Arc::new(network.clone()),
            tasks: Arc::new(tasks.clone()),
        };
        let settings = Provider::oidc(ISSUER, CLIENT_ID, CLIENT_SECRET).checked().unwrap();
        let state = Arc::new(ProviderState::new(settings).unwrap());
        let fixture = Self {
            tokens: ServiceTokens::new(state, ports, target()),
            clock,
            provider,
            network,
            tasks,
        };
        fixture.answer("token-1", Some(1_800));
        fixture
    }

    fn answer(&self, token: &str, expires_in: Option<u64>) {
        let mut body = serde_json::json!({"access_token": token, "token_type": "Bearer"});
        if let Some(seconds) = expires_in {
            body["expires_in"] = seconds.into();
        }
        self.answer_with(Answer::instead(200, "application/json", body.to_string()));
    }

    fn answer_with(&self, answer: Answer) {
        self.provider.script(|script| script.token.answer = answer);
    }

    fn calls(&self) -> usize {
        self.network.count("token")
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn exchange(&self, subject_token: &str) -> Result<String, ServiceTokenError> {
        let subject_token = SecretString::new(subject_token);
        let token = self.tokens.exchange(&subject_token).await;
        token.map(|token| token.expose().to_owned())
    }

    async fn get(&self) -> Result<String, ServiceTokenError> {
        self.tokens.get().await.map(|token| token.expose().to_owned())
    }
}

fn unavailable_for(seconds: u64) -> Result<String, ServiceTokenError> {
    Err(ServiceTokenError::Unavailable {
        retry_after: Duration::from_secs(seconds),
    })
}

#[tokio::test]
async fn token_is_asked_for_with_the_clients_proof_and_every_value_encoded() {
    let fixture = Fixture::new();
    assert_eq!(fixture.get().await.unwrap(), "token-1");
    let calls = fixture.network.calls();
    let call = calls.iter().find(|call| call.label == "token").unwrap();
    assert_eq!(
        call.body.as_ref(),
        b"grant_type=client_credentials&scope=orders%3Aread+a%2Bb%26c"
    );
    assert!(call.headers.contains_key("authorization"));
    assert_eq!(call.uri.host(), Some("id.example.com"));
    assert!(!format!("{:?}", fixture.tokens).contains("token-1"));
}

#[tokio::test]
async fn three_hundred_callers_at_once_make_one_token_call() {
    let fixture = Fixture::new();
    let gate = Gate::closed();
    fixture.network.hold(Some("token"), &gate);
    let callers: Vec<_> = (0..300)
        .map(|_| {
            let tokens = fixture.tokens.clone();
            tokio::spawn(async move { tokens.get().await })
        })
        .collect();
    gate.arrived(1).await;
    gate.open();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().expose(), "token-1");
    }
    assert_eq!(fixture.calls(), 1);
    assert_eq!(fixture.get().await.unwrap(), "token-1");
    assert_eq!(fixture.calls(), 1);
}

#[tokio::test]
async fn caller_that_hangs_up_takes_nothing_down_with_it() {
    let fixture = Fixture::new();
    let gate = Gate::closed();
    fixture.network.hold(Some("token"), &gate);
    let tokens = fixture.tokens.clone();
    let caller = tokio::spawn(async move { tokens.get().await });
    gate.arrived(1).await;
    caller.abort();
    gate.open();
    fixture.tasks.idle().await;
    assert_eq!(fixture.get().await.unwrap(), "token-1");
    assert_eq!(fixture.calls(), 1);
}

#[tokio::test]
async fn renewal_begins_sixty_seconds_or_a_third_of_life_before_the_end_and_nobody_waits_for_it() {
    for (expires_in, fresh_until) in [(Some(1_800), 1_740), (Some(90), 60), (Some(30), 20), (None, 3_540)] {
        let fixture = Fixture::new();
        fixture.answer("token-1", expires_in);
        assert_eq!(fixture.get().await.unwrap(), "token-1");
        fixture.answer("token-2", expires_in);
        fixture.advance(fresh_until - 1);
        assert_eq!(fixture.get().await.unwrap(), "token-1");
        fixture.tasks.idle().await;
        assert_eq!(fixture.calls(), 1, "{expires_in:?}");
        fixture.advance(1);
        let gate = Gate::closed();
        fixture.network.hold(Some("token"), &gate);
        for _ in 0..300 {
            assert_eq!(fixture.get().await.unwrap(), "token-1", "the old one serves meanwhile");
        }
        gate.arrived(1).await;
        gate.open();
        fixture.tasks.idle().await;
        assert_eq!(fixture.get().await.unwrap(), "token-2");
        assert_eq!(fixture.calls(), 2, "{expires_in:?}");
    }
}

#[tokio::test]
async fn token_that_lives_goes_on_serving_while_its_renewal_fails() {
    // weakness: M12
    let fixture = Fixture::new();
    assert_eq!(fixture.get().await.unwrap(), "token-1");
    fixture.answer_with(Answer::error(503, "temporarily_unavailable"));
    fixture.advance(1_740);
    for second in 0..60 {
        assert_eq!(fixture.get().await.unwrap(), "token-1", "second {second}");
        fixture.tasks.idle().await;
        fixture.advance(1);
    }
    assert!((2..=61).contains(&fixture.calls()), "at most one call a second");
    assert_eq!(fixture.get().await, unavailable_for(1), "an ended token never serves");
    fixture.answer("token-2", Some(1_800));
    fixture.advance(1);
    assert_eq!(fixture.get().await.unwrap(), "token-2");
}

#[tokio::test]
async fn retry_after_is_kept_and_meanwhile_nobody_asks() {
    // weakness: M13
    for (status, retry_after, expected) in [
        (503, Some("7"), 7),
        (429, Some("7"), 7),
        (503, None, 1),
        (503, Some("0"), 1),
        (503, Some("86400"), 60),
        (503, Some("soon"), 1),
    ] {
        let fixture = Fixture::new();
        let mut answer = Answer::error(status, "temporarily_unavailable");
        if let Some(value) = retry_after {
            answer = answer.header("retry-after", value);
        }
        fixture.answer_with(answer);
        assert_eq!(
            fixture.get().await,
            unavailable_for(expected),
            "{status} {retry_after:?}"
        );
        fixture.answer("token-1", Some(1_800));
        for _ in 0..100 {
            assert_eq!(fixture.get().await, unavailable_for(expected));
        }
        assert_eq!(fixture.calls(), 1);
        fixture.advance(expected);
        assert_eq!(fixture.get().await.unwrap(), "token-1");
        assert_eq!(fixture.calls(), 2);
    }
}

#[tokio::test]
async fn network_that_fails_is_an_outage_and_passes() {
    let fixture = Fixture::new();
    fixture.network.fail_next_of("token", 1, || FetchError::Timeout);
    assert_eq!(fixture.get().await, unavailable_for(1));
    fixture.advance(1);
    assert_eq!(fixture.get().await.unwrap(), "token-1");

    let fixture = Fixture::new();
    fixture.network.fail_next_of("discovery", 1, || FetchError::Unreachable);
    assert_eq!(fixture.get().await, unavailable_for(1));
    assert_eq!(fixture.calls(), 0);
    fixture.advance(1);
    assert_eq!(fixture.get().await.unwrap(), "token-1");
}

#[tokio::test]
async fn refusal_is_told_at_once_and_not_asked_for_again_for_five_seconds() {
    let json = "application/json";
    for (answer, expected) in [
        (
            Answer::error(401, "invalid_client"),
            ServiceTokenError::Refused { code: "invalid_client" },
        ),
        (
            Answer::error(400, "invalid_scope"),
            ServiceTokenError::Refused { code: "invalid_scope" },
        ),
        (
            Answer::error(400, "invalid_grant"),
            ServiceTokenError::Refused { code: "invalid_grant" },
        ),
        (
            Answer::error(400, "made_up"),
            ServiceTokenError::Refused { code: "other" },
        ),
        (Answer::instead(200, json, "{}"), ServiceTokenError::Invalid),
        (Answer::instead(200, "text/html", "<html>"), ServiceTokenError::Invalid),
        (
            Answer::instead(200, json, r#"{"access_token":"a b","token_type":"Bearer"}"#),
            ServiceTokenError::Invalid,
        ),
        (
            Answer::instead(200, json, r#"{"access_token":"a","token_type":"mac"}"#),
            ServiceTokenError::Invalid,
        ),
        // weakness: L15
        (
            Answer::instead(
                200,
                json,
                r#"{"access_token":"a","token_type":"Bearer","expires_in":0}"#,
            ),
            ServiceTokenError::Invalid,
        ),
    ] {
        let fixture = Fixture::new();
        fixture.answer_with(answer);
        for _ in 0..100 {
            assert_eq!(fixture.get().await, Err(expected));
        }
        fixture.advance(4);
        assert_eq!(fixture.get().await, Err(expected));
        assert_eq!(fixture.calls(), 1, "{expected:?}");
        fixture.answer("token-1", Some(1_800));
        fixture.advance(1);
        assert_eq!(fixture.get().await.unwrap(), "token-1");
    }
}

#[tokio::test]
async fn token_ends_by_whichever_clock_is_ahead() {
    // attacks: K12
    let fixture = Fixture::new();
    assert_eq!(fixture.get().await.unwrap(), "token-1");
    fixture.answer("token-2", Some(1_800));
    // The host slept: only the wall clock went on.
    fixture
        .clock
        .set(UnixTime::from_seconds(fixture.clock.seconds() + 1_800));
    assert_eq!(fixture.get().await.unwrap(), "token-2");
    fixture.answer("token-3", Some(1_800));
    // The wall clock was set back, and time went on all the same.
    fixture
        .clock
        .set(UnixTime::from_seconds(fixture.clock.seconds() - 86_400));
    assert_eq!(fixture.get().await.unwrap(), "token-2");
    fixture.advance(1_800);
    assert_eq!(fixture.get().await.unwrap(), "token-3");
}

#[tokio::test]
async fn discarded_token_is_replaced_and_a_service_that_refuses_all_causes_no_storm() {
    let fixture = Fixture::new();
    let first = fixture.tokens.get().await.unwrap();
    fixture.answer("token-2", Some(1_800));
    for _ in 0..100 {
        fixture.tokens.discard(&first);
        assert_eq!(fixture.get().await.unwrap(), "token-1", "too young to be thrown away");
    }
    fixture.advance(10);
    fixture.tokens.discard(&SecretString::new("another"));
    assert_eq!(fixture.get().await.unwrap(), "token-1");
    fixture.tokens.discard(&first);
    assert_eq!(fixture.get().await.unwrap(), "token-2");
    fixture.advance(10);
    fixture.tokens.discard(&first);
    assert_eq!(fixture.get().await.unwrap(), "token-2", "the old one is no longer held");
    assert_eq!(fixture.calls(), 2);
}

#[tokio::test]
async fn exchanged_token_is_that_of_the_user_it_was_exchanged_for_and_of_nobody_else() {
    let fixture = Fixture::new();
    fixture.answer("for-alice", Some(1_800));
    assert_eq!(fixture.exchange("of-alice").await.unwrap(), "for-alice");
    fixture.answer("for-bob", Some(1_800));
    assert_eq!(fixture.exchange("of-bob").await.unwrap(), "for-bob");
    fixture.answer("our-own", Some(1_800));
    assert_eq!(fixture.get().await.unwrap(), "our-own");
    assert_eq!(fixture.exchange("of-alice").await.unwrap(), "for-alice");
    assert_eq!(fixture.exchange("of-bob").await.unwrap(), "for-bob");
    assert_eq!(fixture.calls(), 3);

    let calls = fixture.network.calls();
    let call = calls.iter().find(|call| call.label == "token").unwrap();
    let body = String::from_utf8(call.body.to_vec()).unwrap();
    for expected in [
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange",
        "subject_token=of-alice",
        "subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token",
        "scope=orders%3Aread+a%2Bb%26c",
    ] {
        assert!(body.contains(expected), "{body}");
    }
}

#[tokio::test]
async fn three_hundred_exchanges_of_one_token_at_once_make_one_call() {
    let fixture = Fixture::new();
    let gate = Gate::closed();
    fixture.network.hold(Some("token"), &gate);
    let callers: Vec<_> = (0..300)
        .map(|_| {
            let tokens = fixture.tokens.clone();
            tokio::spawn(async move { tokens.exchange(&SecretString::new("of-alice")).await })
        })
        .collect();
    gate.arrived(1).await;
    gate.open();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().expose(), "token-1");
    }
    assert_eq!(fixture.calls(), 1);
}

#[tokio::test]
async fn refused_exchange_of_one_user_is_no_refusal_of_another() {
    let fixture = Fixture::new();
    fixture.answer_with(Answer::error(400, "invalid_grant"));
    let refused = Err(ServiceTokenError::Refused { code: "invalid_grant" });
    assert_eq!(fixture.exchange("of-alice").await, refused);
    fixture.answer("for-bob", Some(1_800));
    assert_eq!(fixture.exchange("of-bob").await.unwrap(), "for-bob");
    assert_eq!(fixture.exchange("of-alice").await, refused, "asked again too soon");
    assert_eq!(fixture.calls(), 2);
}

#[tokio::test]
async fn answer_that_is_no_bearer_token_is_refused() {
    let fixture = Fixture::new();
    let body =
        r#"{"access_token":"a","token_type":"N_A","issued_token_type":"urn:ietf:params:oauth:token-type:id_token"}"#;
    fixture.answer_with(Answer::instead(200, "application/json", body));
    assert_eq!(fixture.exchange("of-alice").await, Err(ServiceTokenError::Invalid));
}
