//! What ends sessions that live in cookies alone.

use doorward_crypto::SystemRandom;
use doorward_oidc::UnixTime;

use super::super::{Revocation, RevocationCodec, RevocationSet, Revoked, SessionId, revocation::MAX_REVOCATIONS};
use super::*;
use crate::ports::StoreKey;
use crate::test_support::identity;

/// Whole seconds, where the spans of the lists begin.
fn at(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

fn codec_of(secrets: &[u64]) -> RevocationCodec {
    RevocationCodec::new(&keys(secrets))
}

fn key(number: u64) -> StoreKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    StoreKey::from_bytes(bytes)
}

fn session(number: u64) -> SessionId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    SessionId::from_bytes(bytes)
}

fn until(of: Revoked, until: u64) -> Revocation {
    Revocation { of, until: at(until) }
}

/// One session, ended at once.
fn one(id: SessionId) -> Revoked {
    Revoked::Session { id, from: at(0) }
}

/// A session of alice that began at 1,000.
fn alice() -> Identity {
    let mut identity = identity(1);
    identity.provider = "https://id.test app".into();
    identity.user.subject = "alice".into();
    identity.provider_session_id = Some("sid-1".into());
    identity.issued_at = at(1_000);
    identity
}

fn ends(entries: &[Revoked], identity: &Identity) -> bool {
    let mut set = RevocationSet::default();
    for (number, entry) in entries.iter().enumerate() {
        set.insert(key(number as u64), &until(entry.clone(), 90_000), at(2_000));
    }
    set.ends(&OpenedIdentity::from_identity(identity).unwrap(), at(2_000))
}

fn of_user(provider: &str, subject: &str, begun_by: u64) -> Revoked {
    Revoked::User {
        provider: provider.into(),
        subject: subject.into(),
        begun_by: at(begun_by),
    }
}

fn of_provider_session(provider: &str, session_id: &str, subject: Option<&str>, begun_by: u64) -> Revoked {
    Revoked::ProviderSession {
        provider: provider.into(),
        session_id: session_id.into(),
        subject: subject.map(str::to_owned),
        begun_by: at(begun_by),
    }
}

#[test]
fn an_entry_ends_whom_it_means_and_nobody_else() {
    // attacks: J4, J7, J8
    const HERE: &str = "https://id.test app";
    let alice = alice();
    for (entry, ended) in [
        (one(alice.id), true),
        (one(session(7)), false),
        (of_user(HERE, "alice", 1_000), true),
        (of_user(HERE, "alice", 999), false),
        (of_user(HERE, "alic", 5_000), false),
        (of_user("https://id.test other", "alice", 5_000), false),
        (of_user("https://id.test appa", "lice", 5_000), false),
        (of_provider_session(HERE, "sid-1", None, 1_000), true),
        (of_provider_session(HERE, "sid-1", None, 999), false),
        (of_provider_session(HERE, "sid-1", Some("alice"), 1_000), true),
        (of_provider_session(HERE, "sid-1", Some("bob"), 5_000), false),
        (of_provider_session(HERE, "sid-2", None, 5_000), false),
        (
            of_provider_session("https://id.test other", "sid-1", None, 5_000),
            false,
        ),
        // A user is no session of the same name.
        (of_user(HERE, "sid-1", 5_000), false),
        (of_provider_session(HERE, "alice", None, 5_000), false),
    ] {
        let text = match &entry {
            Revoked::Session { .. } => "a session".to_owned(),
            Revoked::User {
                provider,
                subject,
                begun_by,
            } => format!("{provider} {subject} {begun_by:?}"),
            Revoked::ProviderSession {
                session_id,
                subject,
                begun_by,
                ..
            } => {
                format!("{session_id} {subject:?} {begun_by:?}")
            }
        };
        assert_eq!(ends(&[entry], &alice), ended, "{text}");
    }
    let mut without = alice;
    without.provider_session_id = None;
    assert!(!ends(&[of_provider_session(HERE, "sid-1", None, 5_000)], &without));
}

#[test]
fn of_several_entries_that_mean_the_same_the_latest_counts() {
    const HERE: &str = "https://id.test app";
    let entries = [500, 1_000, 700].map(|begun_by| of_user(HERE, "alice", begun_by));
    assert!(ends(&entries, &alice()));
    assert!(!ends(
        &[of_user(HERE, "alice", 500), of_user(HERE, "alice", 700)],
        &alice()
    ));
}

#[test]
fn an_entry_goes_when_nobody_it_means_could_live() {
    let alice = alice();
    let opened = OpenedIdentity::from_identity(&alice).unwrap();
    let mut set = RevocationSet::default();
    set.insert(key(1), &until(one(alice.id), 2_000), at(1_500));
    assert!(set.ends(&opened, at(2_000)) && set.holds(&key(1)));
    set.insert(key(2), &until(one(session(2)), 9_000), at(1_999));
    assert!(set.ends(&opened, at(2_000)));
    set.insert(key(3), &until(one(session(3)), 9_000), at(2_000));
    assert!(!set.ends(&opened, at(2_000)) && !set.holds(&key(1)));
    // What is over already is not taken in.
    set.insert(key(4), &until(one(alice.id), 2_000), at(2_000));
    assert!(!set.ends(&opened, at(2_000)));
}

#[test]
fn a_full_set_drops_the_oldest_and_says_so() {
    let alice = alice();
    let opened = OpenedIdentity::from_identity(&alice).unwrap();
    let mut set = RevocationSet::default();
    assert!(!set.insert(key(0), &until(one(alice.id), 90_000), at(0)));
    for number in 1..MAX_REVOCATIONS as u64 {
        assert!(!set.insert(key(number), &until(one(session(number)), 90_000), at(0)));
    }
    assert!(set.ends(&opened, at(2_000)));
    let last = key(MAX_REVOCATIONS as u64);
    assert!(set.insert(last, &until(one(session(u64::MAX)), 90_000), at(0)));
    assert!(!set.ends(&opened, at(2_000)), "the oldest went");
    assert!(set.holds(&last));
}

#[test]
fn entries_open_under_their_own_key_and_with_a_secret_that_counts_only() {
    let codec = codec_of(&[1]);
    let revoked = of_user("https://id.test app", "alice", 5);
    let entry = until(revoked.clone(), 90_000);
    let name = codec.key(&SystemRandom, &revoked).unwrap();
    let sealed = codec.seal(&SystemRandom, &name, &entry).unwrap();
    assert!(codec.open(&name, &sealed).unwrap() == entry);
    assert!(
        codec_of(&[2, 1]).open(&name, &sealed).unwrap() == entry,
        "an older secret opens"
    );
    assert!(codec_of(&[2]).open(&name, &sealed).is_err());
    assert!(codec.open(&key(1), &sealed).is_err());
    for end in 0..sealed.len() {
        assert!(codec.open(&name, &sealed[..end]).is_err(), "{end}");
    }
    for at in 0..sealed.len() {
        let mut other = sealed.clone();
        other[at] ^= 1;
        assert!(codec.open(&name, &other).is_err(), "{at}");
    }
    assert!(codec.open(&name, &vec![1; 1024 * 1024]).is_err());
}

#[test]
fn ending_a_session_twice_makes_one_entry_and_every_other_its_own() {
    let codec = codec_of(&[1]);
    let name = |revoked: &Revoked| codec.key(&SystemRandom, revoked).unwrap();
    let first = one(session(1));
    assert_eq!(name(&first), name(&first));
    assert_ne!(name(&first), name(&one(session(2))));
    let user = of_user("https://id.test app", "alice", 5);
    assert_ne!(name(&user), name(&user));
}

#[test]
fn what_was_written_by_clocks_ten_minutes_apart_stands_in_the_lists_of_what_is_new() {
    let codec = codec_of(&[1]);
    for (written, read) in [
        (1_200, 1_200),
        (1_200, 1_799),
        (1_799, 1_800),
        (1_200, 2_399),
        (1_800, 1_200),
    ] {
        let [new, all] = codec.entered(at(90_000), at(written));
        assert!(codec.lists_of_new(at(read)).contains(&new.index), "{written} {read}");
        assert!(codec.lists_of_all().contains(&all.index));
        assert_eq!(all.until, Some(at(90_000)));
        assert_eq!(new.until, Some(at(written + 1_800)));
    }
    let [new, _] = codec.entered(at(90_000), at(1_200));
    assert!(!codec.lists_of_new(at(2_400)).contains(&new.index));
    // Written under the newer secret, or the older: the lists of both are read.
    let both = codec_of(&[2, 1]);
    assert!(both.lists_of_new(at(1_200)).contains(&new.index));
    assert!(!codec_of(&[3]).lists_of_new(at(1_200)).contains(&new.index));
}

#[test]
fn debug_output_shows_no_entry() {
    let mut set = RevocationSet::default();
    set.insert(
        key(1),
        &until(of_user("https://id.test app", "hunter2", 5), 90_000),
        at(0),
    );
    assert!(!format!("{set:?} {:?}", codec_of(&[1])).contains("hunter2"));
}

#[test]
fn a_session_that_another_replaces_ends_at_its_moment_and_not_before() {
    let alice = alice();
    let opened = OpenedIdentity::from_identity(&alice).unwrap();
    let mut set = RevocationSet::default();
    let later = Revoked::Session {
        id: alice.id,
        from: at(2_010),
    };
    set.insert(key(1), &until(later, 90_000), at(2_000));
    assert!(!set.ends(&opened, at(2_009)));
    assert!(set.ends(&opened, at(2_010)));
}

#[test]
fn a_session_that_is_ended_while_another_replaces_it_has_an_entry_for_each_and_the_sooner_counts() {
    let alice = alice();
    let opened = OpenedIdentity::from_identity(&alice).unwrap();
    let end = |from| Revoked::Session {
        id: alice.id,
        from: at(from),
    };
    let codec = codec_of(&[1]);
    let name = |from| codec.key(&SystemRandom, &end(from)).unwrap();
    // An entry is written once: under one name the second would not be.
    let (replaced, ended) = (name(2_010), name(0));
    assert_ne!(replaced, ended);
    assert_eq!((name(2_015), name(0)), (replaced, ended));
    for entries in [[(replaced, 2_010), (ended, 0)], [(ended, 0), (replaced, 2_010)]] {
        let mut set = RevocationSet::default();
        for (key, from) in entries {
            set.insert(key, &until(end(from), 90_000), at(2_003));
        }
        assert!(set.ends(&opened, at(2_003)));
        assert!(set.ends(&opened, at(1_000)), "whatever this clock says");
    }
    // Where the one goes, the other still counts.
    let mut set = RevocationSet::default();
    set.insert(replaced, &until(end(2_010), 2_020), at(2_003));
    set.insert(ended, &until(end(0), 90_000), at(2_003));
    set.insert(key(1), &until(one(session(9)), 90_000), at(2_020));
    assert!(!set.holds(&replaced));
    assert!(set.ends(&opened, at(2_020)));
}
