//! Each end, at its very second.

use core::time::Duration;

use crate::{
    code::Code,
    session::{Expired, Identity, Lifetimes, LiveSession, OpenedIdentity, check, refresh_at},
    test_support::{at, identity},
};

/// Idle end at 3,600, absolute end at 43,200, access token until 600, refresh due at 540.
fn judged(change: impl FnOnce(&mut Identity), lifetimes: &Lifetimes, now: i64) -> Result<LiveSession, Expired> {
    let mut identity = identity(1);
    change(&mut identity);
    check(OpenedIdentity::from_identity(&identity).unwrap(), lifetimes, at(now))
}

fn ends(change: impl Fn(&mut Identity), lifetimes: &Lifetimes, end: i64, expected: Expired) {
    assert!(judged(&change, lifetimes, end - 1).is_ok());
    assert_eq!(judged(&change, lifetimes, end).unwrap_err(), expected);
    assert_eq!(judged(&change, lifetimes, end + 1).unwrap_err(), expected);
}

fn no_refresh(identity: &mut Identity) {
    identity.refresh_at = None;
}

#[test]
fn idle_session_ends_exactly_at_the_limit() {
    // attacks: E5, E6
    ends(|_| {}, &Lifetimes::default(), 3_600, Expired::Idle);
}

#[test]
fn session_in_use_ends_exactly_at_the_absolute_limit() {
    // attacks: E6
    ends(
        |identity| identity.idle_expires_at = at(50_000),
        &Lifetimes::default(),
        43_200,
        Expired::Absolute,
    );
    ends(
        |identity| identity.idle_expires_at = at(43_200),
        &Lifetimes::default(),
        43_200,
        Expired::Absolute,
    );
}

#[test]
fn session_without_a_refresh_token_ends_with_its_access_token() {
    // attacks: C8
    ends(no_refresh, &Lifetimes::default(), 600, Expired::AccessToken);
    let outlive = Lifetimes {
        outlive_access_token: true,
        ..Lifetimes::default()
    };
    ends(no_refresh, &outlive, 3_600, Expired::Idle);
    let unknown_end = |identity: &mut Identity| {
        no_refresh(identity);
        identity.access_token_expires_at = None;
    };
    ends(unknown_end, &Lifetimes::default(), 3_600, Expired::Idle);
}

#[test]
fn end_of_the_access_token_alone_is_a_detour_not_an_end() {
    let live = judged(|_| {}, &Lifetimes::default(), 700).unwrap();
    assert!(live.access_token_expired(at(700)) && live.refresh_due(at(700)));
}

// weakness: M9, S3
#[test]
fn all_ends_count_whether_or_not_a_refresh_token_exists() {
    for now in [3_600, 43_200, 50_000] {
        assert!(judged(|_| {}, &Lifetimes::default(), now).is_err());
        assert!(judged(no_refresh, &Lifetimes::default(), now).is_err());
    }
}

#[test]
fn refresh_is_due_at_its_moment() {
    let live = judged(|_| {}, &Lifetimes::default(), 1).unwrap();
    assert!(!live.refresh_due(at(539)));
    assert!(live.refresh_due(at(540)));
    assert!(!live.access_token_expired(at(599)));
    assert!(live.access_token_expired(at(600)));
    let without = judged(no_refresh, &Lifetimes::default(), 1).unwrap();
    assert!(!without.refresh_due(at(599)));
}

// weakness: L15
#[test]
fn refresh_begins_sixty_seconds_or_a_third_of_life_before_the_end() {
    for (life, due) in [
        (3_600, 3_540),
        (600, 540),
        (180, 120),
        (179, 120),
        (90, 60),
        (30, 20),
        (5, 4),
        (3, 2),
        (2, 2),
        (1, 1),
        (0, 0),
    ] {
        assert_eq!(
            refresh_at(at(0), Duration::from_secs(life), Duration::from_secs(60)),
            at(due),
            "{life}"
        );
    }
    assert_eq!(
        refresh_at(at(0), Duration::MAX, Duration::from_secs(60)).seconds(),
        u64::MAX
    );
}

#[test]
fn identity_is_written_again_after_a_tenth_of_the_idle_time() {
    let live = judged(|_| {}, &Lifetimes::default(), 1).unwrap();
    assert!(!live.should_roll(at(0)));
    assert!(!live.should_roll(at(359)));
    assert!(live.should_roll(at(360)));
    // The clock stepped back, or the idle time was shortened since.
    assert!(!live.should_roll(at(-1_000)));
    // Where the idle end reaches the absolute one, rolling gains nothing.
    let late = judged(
        |identity| identity.idle_expires_at = at(43_200),
        &Lifetimes::default(),
        42_000,
    )
    .unwrap();
    assert!(!late.should_roll(at(43_000)));
}

#[test]
fn session_expires_at_the_earliest_of_its_ends() {
    let lifetimes = Lifetimes::default();
    let expires = |change: fn(&mut Identity), lifetimes: &Lifetimes| judged(change, lifetimes, 1).unwrap().expires_at();
    assert_eq!(expires(|_| {}, &lifetimes), at(3_600));
    assert_eq!(
        expires(|identity| identity.idle_expires_at = at(90_000), &lifetimes),
        at(43_200)
    );
    assert_eq!(expires(no_refresh, &lifetimes), at(600));
    let outlive = Lifetimes {
        outlive_access_token: true,
        ..lifetimes
    };
    assert_eq!(expires(no_refresh, &outlive), at(3_600));
    assert_eq!(
        (lifetimes.idle_end(at(5)), lifetimes.absolute_end(at(5))),
        (at(3_605), at(43_205))
    );
}

#[test]
fn live_session_reads_as_its_identity() {
    let live = judged(|_| {}, &Lifetimes::default(), 1).unwrap();
    assert_eq!((live.revision(), live.tenant()), (1, "acme"));
    assert_eq!(live.to_identity().unwrap(), identity(1));
    assert_eq!(Expired::Idle.code(), Code::SessionExpired);
}
