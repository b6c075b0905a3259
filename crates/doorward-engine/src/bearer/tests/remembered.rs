//! What is remembered of tokens, and when it no longer counts.

use super::*;

#[tokio::test]
async fn a_token_expires_at_its_moment_although_it_is_known() {
    let fixture = Fixture::new();
    let token = fixture.provider.sign("at+jwt", &fixture.claims(ISSUER, 100));
    assert!(fixture.judged(&token).await.is_ok());
    fixture.advance(159);
    assert!(fixture.at_once(&token).unwrap().is_ok());
    fixture.advance(1);
    assert_eq!(fixture.at_once(&token).unwrap().err(), Some(BearerRefused::Expired));
}

#[tokio::test]
async fn a_rotated_key_is_found_with_one_fetch() {
    // attacks: D35, K10
    let fixture = Fixture::new();
    let old = fixture.token();
    assert!(fixture.judged(&old).await.is_ok());
    fixture.provider.rotate_keys(true);
    let new = fixture.token();
    for _ in 0..2 {
        assert!(fixture.judged(&new).await.is_ok());
        assert!(fixture.judged(&old).await.is_ok(), "its key is still published");
    }
    assert_eq!(fixture.jwks_fetches(), 2);
}

#[tokio::test]
async fn a_known_token_goes_with_its_key() {
    // attacks: D35
    let fixture = Fixture::new();
    let old = fixture.token();
    assert!(fixture.judged(&old).await.is_ok());
    fixture.provider.rotate_keys(false);
    assert!(fixture.at_once(&old).unwrap().is_ok(), "nobody here knows yet");
    assert!(fixture.judged(&fixture.token()).await.is_ok());
    assert_eq!(fixture.refused(&old).await, Some(BearerRefused::Invalid));
}

#[tokio::test]
async fn a_withdrawn_key_never_stays_valid_because_it_is_used() {
    // weakness: J5
    let fixture = Fixture::new();
    let token = fixture.token();
    assert!(fixture.judged(&token).await.is_ok());
    fixture.provider.rotate_keys(false);
    for minute in 1..15 {
        fixture.advance(60);
        assert!(fixture.judged(&token).await.is_ok(), "minute {minute}");
    }
    fixture.advance(60);
    assert_eq!(fixture.refused(&token).await, Some(BearerRefused::Invalid));
}

#[tokio::test]
async fn a_token_is_judged_anew_after_five_minutes() {
    let fixture = Fixture::new();
    let token = fixture.token();
    let first = fixture.judged(&token).await.unwrap();
    fixture.advance(299);
    assert!(Arc::ptr_eq(&first, &fixture.at_once(&token).unwrap().unwrap()));
    fixture.advance(1);
    assert!(!Arc::ptr_eq(&first, &fixture.at_once(&token).unwrap().unwrap()));
}

#[test]
fn of_many_entries_the_newest_are_kept() {
    let recent = Recent::new(1_600);
    let digest = |number: u32| sha256(&number.to_be_bytes());
    let until = Duration::from_secs(10);
    for number in 0..20_000 {
        recent.put(digest(number), number, until);
    }
    assert_eq!(recent.len(), 1_600);
    assert_eq!(recent.get(&digest(19_999), Duration::ZERO), Some(19_999));
    assert_eq!(recent.get(&digest(0), Duration::ZERO), None);
    // Written anew, an entry is not old any more, and takes no second place.
    for round in 0..20_000 {
        recent.put(digest(19_999), round, until);
    }
    assert!(recent.len() <= 1_600);
    assert_eq!(recent.get(&digest(19_999), Duration::ZERO), Some(19_999));
    assert_eq!(recent.get(&digest(19_999), Duration::from_millis(9_999)), Some(19_999));
    assert_eq!(recent.get(&digest(19_999), until), None, "the end is exclusive");
    recent.forget(&digest(19_999));
    assert_eq!(recent.get(&digest(19_999), Duration::ZERO), None);
}
