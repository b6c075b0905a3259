//! The newest state wins, the end wins over everything, and both tables are bounded.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;

use doorward_core::session::User;
use doorward_crypto::SecretString;
use serde_json::Map;

use super::*;

const IDLE: u64 = 3_600;
const ABSOLUTE: u64 = 12 * 3_600;

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(1_790_000_000 + seconds)
}

/// An ID in the first shard, so that a test fills one shard and not sixteen.
fn id(number: usize) -> SessionId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&(number as u64).to_be_bytes());
    SessionId::from_bytes(bytes)
}

fn identity(id: SessionId, revision: u64) -> Identity {
    Identity {
        id,
        revision,
        provider: "main".into(),
        roles_are_ours: false,
        user: User {
            subject: "alice".into(),
            issuer: "https://id.example.net".into(),
            tenant: "acme".into(),
            email: None,
            email_verified: false,
            name: None,
            roles: Vec::new(),
            claims: Map::new(),
        },
        scopes: Vec::new(),
        issued_at: at(0),
        idle_expires_at: at(IDLE),
        absolute_expires_at: at(ABSOLUTE),
        access_token_expires_at: Some(at(300)),
        refresh_at: Some(at(240)),
        has_token_part: true,
        auth_time: None,
        acr: None,
        provider_session_id: None,
        provider_tenant: None,
        csrf: [0; 32],
        data: BTreeMap::new(),
    }
}

fn tokens(text: &str, end: u64) -> Arc<Tokens> {
    Arc::new(Tokens {
        access_token: SecretString::new(text),
        refresh_token: None,
        id_token: None,
        access_token_expires_at: Some(at(end)),
        scope: None,
    })
}

fn nothing(_: &mut Identity, _: &mut Option<Arc<Tokens>>) {}

fn sealed(identity: &mut Identity) -> Result<String, NotWritten> {
    Ok(format!("sealed {}", identity.revision))
}

fn write(newest: &Newest, base: &Identity, now: UnixTime) -> Result<Arc<SessionState>, NotWritten> {
    newest.update(base, now, &nothing, &sealed)
}

fn insert(key: &'static str) -> impl Fn(&mut Identity, &mut Option<Arc<Tokens>>) + Send + Sync {
    move |identity, _| {
        identity.data.insert(key.into(), "1".into());
    }
}

fn revision_of(known: &Known) -> Option<u64> {
    match known {
        Known::Newer(state) => Some(state.identity.revision),
        Known::Nothing | Known::Ended(_) | Known::Retiring(_) => None,
    }
}

fn states(newest: &Newest) -> usize {
    newest
        .shards
        .iter()
        .map(|shard| shard.lock().unwrap().states.len())
        .sum()
}

#[test]
fn a_late_cookie_is_served_from_the_newest_state_and_the_newest_from_itself() {
    // attacks: E8
    let newest = Newest::new(Live::new());
    assert!(matches!(newest.look(&id(1), 1, at(ABSOLUTE)), Known::Nothing));
    let first = write(&newest, &identity(id(1), 1), at(0)).unwrap();
    assert_eq!((first.identity.revision, first.sealed.as_str()), (2, "sealed 2"));
    for (cookie, expected) in [(0, Some(2)), (1, Some(2)), (2, None), (3, None)] {
        assert_eq!(
            revision_of(&newest.look(&id(1), cookie, at(ABSOLUTE))),
            expected,
            "cookie of revision {cookie}"
        );
    }
    assert!(
        matches!(newest.look(&id(2), 0, at(ABSOLUTE)), Known::Nothing),
        "another session is not touched"
    );
}

#[test]
fn changes_pile_up_on_the_newest_state_whatever_cookie_they_came_with() {
    let newest = Newest::new(Live::new());
    let old = identity(id(1), 1);
    newest.update(&old, at(0), &insert("a"), &sealed).unwrap();
    let both = newest.update(&old, at(1), &insert("b"), &sealed).unwrap();
    assert_eq!(both.identity.data.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(both.identity.revision, 3);
    // A cookie that another process wrote is newer than what this one knows.
    let elsewhere = identity(id(1), 7);
    let next = newest.update(&elsewhere, at(2), &insert("c"), &sealed).unwrap();
    assert_eq!((next.identity.revision, next.identity.data.len()), (8, 1));
}

#[test]
fn tokens_stay_with_the_state_that_brought_them() {
    let newest = Newest::new(Live::new());
    let old = identity(id(1), 1);
    let renewed = |identity: &mut Identity, place: &mut Option<Arc<Tokens>>| {
        identity.access_token_expires_at = Some(at(600));
        *place = Some(tokens("new", 600));
    };
    newest.update(&old, at(0), &renewed, &sealed).unwrap();
    let rolled = write(&newest, &old, at(1)).unwrap();
    assert!(
        rolled.tokens.as_ref().unwrap().access_token.matches("new"),
        "a roll keeps them"
    );
    assert!(newest.tokens(&id(1), Some(at(600))).is_some());
    assert!(
        newest.tokens(&id(1), Some(at(300))).is_none(),
        "those of before are others"
    );
    assert!(newest.tokens(&id(1), None).is_none());
    assert!(newest.tokens(&id(2), Some(at(600))).is_none());
}

#[test]
fn a_state_that_no_cookie_holds_is_not_written_and_the_one_before_stays() {
    let newest = Newest::new(Live::new());
    let base = identity(id(1), 1);
    newest.update(&base, at(0), &insert("a"), &sealed).unwrap();
    let too_large = newest.update(&base, at(1), &insert("b"), &|_| Err(NotWritten::TooLarge));
    assert!(matches!(too_large, Err(NotWritten::TooLarge)));
    let Known::Newer(state) = newest.look(&id(1), 1, at(ABSOLUTE)) else {
        panic!("the state before is gone");
    };
    assert_eq!((state.identity.revision, state.identity.data.len()), (2, 1));
}

#[test]
fn an_ended_session_stays_ended_whatever_comes_later() {
    // attacks: E7, J13, K13
    let newest = Newest::new(Live::new());
    let base = identity(id(1), 1);
    write(&newest, &base, at(0)).unwrap();
    let state = newest.end(&id(1), Code::SessionRevoked, at(ABSOLUTE), at(1)).unwrap();
    assert_eq!(
        state.unwrap().identity.revision,
        2,
        "the newest state is handed out for taking it back"
    );
    for revision in [0, 1, 2, 99] {
        assert!(matches!(
            newest.look(&id(1), revision, at(ABSOLUTE)),
            Known::Ended(Code::SessionRevoked)
        ));
        let late = write(&newest, &identity(id(1), revision), at(2));
        assert!(matches!(late, Err(NotWritten::Ended(Code::SessionRevoked))));
    }
    assert!(newest.tokens(&id(1), Some(at(300))).is_none());
    assert!(matches!(
        newest.end(&id(1), Code::TokenRefreshFailed, at(1), at(2)),
        Err(AlreadyEnded)
    ));
    assert!(
        matches!(newest.look(&id(1), 1, at(ABSOLUTE)), Known::Ended(Code::SessionRevoked)),
        "the first word stands"
    );
    // Ended without a state of this process: remembered all the same.
    assert!(
        newest
            .end(&id(2), Code::SessionRevoked, at(ABSOLUTE), at(2))
            .unwrap()
            .is_none()
    );
    assert!(matches!(newest.look(&id(2), 1, at(ABSOLUTE)), Known::Ended(_)));
    assert!(matches!(newest.look(&id(3), 1, at(ABSOLUTE)), Known::Nothing));
}

#[test]
fn a_session_that_is_replaced_serves_until_its_time_as_it_was_and_is_written_no_more() {
    let newest = Newest::new(Live::new());
    let base = identity(id(1), 1);
    newest.update(&base, at(0), &insert("a"), &sealed).unwrap();
    let state = newest.retire(&id(1), at(11), at(ABSOLUTE), at(1)).unwrap();
    assert_eq!(state.map(|state| state.identity.revision), Some(2));
    for now in [1, 10] {
        let Known::Retiring(Some(state)) = newest.look(&id(1), 1, at(now)) else {
            panic!("served at {now}");
        };
        assert!(state.identity.data.contains_key("a"));
        assert!(matches!(newest.look(&id(1), 2, at(now)), Known::Retiring(None)));
        let written = newest.update(&state.identity, at(now), &insert("b"), &sealed);
        assert!(matches!(written, Err(NotWritten::Replaced)));
    }
    for now in [11, ABSOLUTE] {
        assert!(matches!(
            newest.look(&id(1), 2, at(now)),
            Known::Ended(Code::SessionRevoked)
        ));
        let written = write(&newest, &base, at(now));
        assert!(matches!(written, Err(NotWritten::Ended(Code::SessionRevoked))));
    }
    // One that nobody has written is replaced as well, and is not replaced twice.
    assert!(newest.retire(&id(2), at(11), at(ABSOLUTE), at(1)).unwrap().is_none());
    assert_eq!(
        newest.retire(&id(2), at(30), at(ABSOLUTE), at(2)).err(),
        Some(AlreadyEnded)
    );
    assert!(matches!(newest.look(&id(2), 1, at(10)), Known::Retiring(None)));
    assert!(matches!(newest.look(&id(2), 1, at(11)), Known::Ended(_)));
}

#[test]
fn a_logout_does_not_wait_for_the_time_of_a_session_that_is_replaced() {
    let newest = Newest::new(Live::new());
    newest.retire(&id(1), at(11), at(ABSOLUTE), at(1)).unwrap();
    assert!(newest.end(&id(1), Code::SessionRevoked, at(ABSOLUTE), at(2)).is_ok());
    assert!(matches!(newest.look(&id(1), 1, at(2)), Known::Ended(_)));
    assert!(newest.end(&id(1), Code::SessionRevoked, at(ABSOLUTE), at(3)).is_err());
    assert_eq!(
        newest.retire(&id(1), at(30), at(ABSOLUTE), at(3)).err(),
        Some(AlreadyEnded)
    );
    assert_eq!(newest.shard(&id(1)).ended_by_age.len(), 1, "remembered once");
}

#[test]
fn a_request_held_back_beyond_the_sessions_end_brings_nothing_back() {
    // attacks: E5, E6
    let newest = Newest::new(Live::new());
    let base = identity(id(1), 1);
    assert!(write(&newest, &base, at(IDLE - 1)).is_ok());
    for now in [at(IDLE), at(ABSOLUTE), at(10 * ABSOLUTE)] {
        let late = write(&newest, &base, now);
        assert!(matches!(late, Err(NotWritten::Ended(Code::SessionExpired))));
    }
    let mut busy = identity(id(2), 1);
    busy.idle_expires_at = at(2 * ABSOLUTE);
    assert!(
        matches!(write(&newest, &busy, at(ABSOLUTE)), Err(NotWritten::Ended(_))),
        "absolute end"
    );
}

#[test]
fn beyond_its_bound_the_oldest_states_go_and_none_within_the_reuse_window() {
    let newest = Newest::new(Live::new());
    let soft = MAX_STATES / SHARDS;
    for number in 0..2 * soft {
        write(&newest, &identity(id(number), 1), at(0)).unwrap();
    }
    assert_eq!(states(&newest), 2 * soft, "none is older than the window");
    assert!(revision_of(&newest.look(&id(0), 1, at(ABSOLUTE))).is_some());
    write(&newest, &identity(id(9_999_999), 1), at(REUSE_WINDOW.as_secs())).unwrap();
    assert_eq!(states(&newest), soft, "the window has passed for all but one");
    assert!(revision_of(&newest.look(&id(9_999_999), 1, at(ABSOLUTE))).is_some());
    assert!(
        matches!(newest.look(&id(0), 1, at(ABSOLUTE)), Known::Nothing),
        "the oldest went first"
    );
}

#[test]
fn no_flood_of_sessions_makes_the_table_grow_without_end() {
    let newest = Newest::new(Live::new());
    let hard = HARD_MAX_STATES / SHARDS;
    for number in 0..hard + 500 {
        write(&newest, &identity(id(number), 1), at(0)).unwrap();
    }
    assert_eq!(states(&newest), hard);
    // Nor do many writes of one session.
    let newest = Newest::new(Live::new());
    let base = identity(id(1), 1);
    for _ in 0..4 * hard {
        write(&newest, &base, at(0)).unwrap();
    }
    let shard = newest.shards[0].lock().unwrap();
    assert_eq!(shard.states.len(), 1);
    assert!(
        shard.states_by_age.len() <= 2 * hard + 1,
        "{}",
        shard.states_by_age.len()
    );
}

#[test]
fn a_session_in_use_is_not_the_oldest() {
    let newest = Newest::new(Live::new());
    let soft = MAX_STATES / SHARDS;
    for number in 0..soft {
        write(&newest, &identity(id(number), 1), at(0)).unwrap();
    }
    write(&newest, &identity(id(0), 1), at(100)).unwrap();
    write(&newest, &identity(id(soft), 1), at(200)).unwrap();
    assert!(
        revision_of(&newest.look(&id(0), 1, at(ABSOLUTE))).is_some(),
        "written again a moment ago"
    );
    assert!(matches!(newest.look(&id(1), 1, at(ABSOLUTE)), Known::Nothing));
}

#[test]
fn ends_are_kept_until_their_time_and_at_most_so_many() {
    let newest = Newest::new(Live::new());
    let most = MAX_ENDED / SHARDS;
    for number in 0..most {
        let _ = newest.end(&id(number), Code::SessionRevoked, at(1_000), at(0));
    }
    assert!(matches!(newest.look(&id(0), 1, at(ABSOLUTE)), Known::Ended(_)));
    let _ = newest.end(&id(most), Code::SessionRevoked, at(1_000), at(0));
    assert!(
        matches!(newest.look(&id(0), 1, at(ABSOLUTE)), Known::Nothing),
        "the oldest went first"
    );
    assert!(matches!(newest.look(&id(1), 1, at(ABSOLUTE)), Known::Ended(_)));
    // Past their absolute end their cookies are worthless, and so is the memory of them.
    let _ = newest.end(&id(most + 1), Code::SessionRevoked, at(2_000), at(1_000));
    let shard = newest.shards[0].lock().unwrap();
    assert_eq!((shard.ended.len(), shard.ended_by_age.len()), (1, 1));
}

#[test]
fn every_shard_is_found_again() {
    let newest = Newest::new(Live::new());
    for first in 0..=u8::MAX {
        let mut bytes = [7; 16];
        bytes[0] = first;
        let id = SessionId::from_bytes(bytes);
        write(&newest, &identity(id, 1), at(0)).unwrap();
        assert_eq!(revision_of(&newest.look(&id, 1, at(ABSOLUTE))), Some(2));
    }
    assert!(
        newest
            .shards
            .iter()
            .all(|shard| shard.lock().unwrap().states.len() == 16)
    );
}

#[test]
fn of_an_end_and_many_writes_at_once_the_end_wins() {
    // attacks: J13, K13
    for _ in 0..100 {
        let newest = Newest::new(Live::new());
        let base = identity(id(1), 1);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let _ = write(&newest, &base, at(0));
                    }
                });
            }
            scope.spawn(|| {
                newest
                    .end(&id(1), Code::SessionRevoked, at(ABSOLUTE), at(0))
                    .map(|_| ())
            });
        });
        assert!(matches!(
            newest.look(&id(1), 1, at(ABSOLUTE)),
            Known::Ended(Code::SessionRevoked)
        ));
        assert_eq!(states(&newest), 0, "no late write left a state behind");
    }
}
