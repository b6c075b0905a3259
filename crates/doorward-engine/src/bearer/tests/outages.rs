//! A provider out of reach: what is known goes on, what is not is 503.

use super::*;

fn timeout() -> FetchError {
    FetchError::Timeout
}

// weakness: M12
#[tokio::test]
async fn outage_before_the_first_key_is_never_answered_401() {
    // attacks: K9
    let fixture = Fixture::new();
    let token = fixture.token();
    fixture.network.routers.fail_next(1_000, timeout);
    for _ in 0..100 {
        assert!(is_unavailable(fixture.refused(&token).await));
    }
    assert_eq!(fixture.network.outbound(), 1, "one attempt a second");
    fixture.network.routers.heal();
    fixture.advance(2);
    assert!(fixture.judged(&token).await.is_ok());
}

#[tokio::test]
async fn keys_at_hand_serve_through_an_outage_of_the_key_set_until_a_day_has_passed() {
    // attacks: K9
    let fixture = Fixture::new();
    assert!(fixture.judged(&fixture.token()).await.is_ok());
    fixture.network.routers.fail_next_of("jwks", 1_000_000, timeout);
    for hour in 1..=23 {
        fixture.advance(3_600);
        let token = fixture.token();
        assert!(fixture.judged(&token).await.is_ok(), "hour {hour}");
        assert!(
            fixture.at_once(&token).unwrap().is_ok(),
            "nobody waits for a provider that fails"
        );
        fixture.tasks.idle().await;
    }
    fixture.advance(3_600);
    assert!(is_unavailable(fixture.refused(&fixture.token()).await));
    fixture.network.routers.heal();
    fixture.advance(60);
    assert!(fixture.judged(&fixture.token()).await.is_ok());
}

#[tokio::test]
async fn renewal_goes_on_in_the_background_at_most_once_a_second() {
    // attacks: RL4, RL5
    let fixture = Fixture::new();
    let token = fixture.token();
    assert!(fixture.judged(&token).await.is_ok());
    fixture.network.routers.fail_next_of("jwks", 3, timeout);
    fixture.advance(901);
    let before = fixture.jwks_fetches();
    for _ in 0..1_000 {
        assert!(fixture.judged(&token).await.is_ok());
    }
    fixture.tasks.idle().await;
    assert_eq!(fixture.jwks_fetches() - before, 1);
    for _ in 0..4 {
        fixture.advance(2);
        assert!(fixture.at_once(&token).unwrap().is_ok());
        fixture.tasks.idle().await;
    }
    assert_eq!(fixture.jwks_fetches() - before, 4, "three failed, one came back");
    let recovered = fixture.jwks_fetches();
    fixture.advance(800);
    assert!(fixture.at_once(&token).unwrap().is_ok());
    assert_eq!(fixture.jwks_fetches(), recovered, "fresh again");
}

#[tokio::test]
async fn unknown_key_during_an_outage_is_never_answered_401() {
    let fixture = Fixture::new();
    assert!(fixture.judged(&fixture.token()).await.is_ok());
    fixture.provider.rotate_keys(true);
    let new = fixture.token();
    fixture.network.routers.fail_next_of("jwks", 1_000, timeout);
    for _ in 0..10 {
        assert!(is_unavailable(fixture.refused(&new).await));
    }
    fixture.network.routers.heal();
    fixture.advance(30);
    assert!(fixture.judged(&new).await.is_ok());
}

#[tokio::test]
async fn outage_of_one_issuer_is_no_outage_of_another() {
    // attacks: K15, RL18
    let fixture = Fixture::new();
    fixture
        .other
        .script(|script| script.jwks = doorward_testkit::Answer::error(500, "server_error"));
    let theirs = fixture.other.sign("at+jwt", &fixture.claims(OTHER_ISSUER, 60));
    assert!(is_unavailable(fixture.refused(&theirs).await));
    assert!(fixture.judged(&fixture.token()).await.is_ok());
}
