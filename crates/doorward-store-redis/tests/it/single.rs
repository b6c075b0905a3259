//! One server, plain, and with TLS and an account that may do no more than it needs.

use std::time::Duration;

use doorward_core::ports::{Cursor, ListChange, SessionStore as _, StoreErrorKind as Kind, StoreKey, Write, Written};
use doorward_store_redis::{RedisStore, RedisStoreError};
use doorward_testkit::servers::{RedisCluster, RedisOptions, RedisServer};

use crate::support::{
    Authority, HOUR, NOW, RULES, create, entered, entry, failed, index, joined, key, listed, load, patient, put, user,
};

async fn plain() -> (RedisServer, RedisStore) {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = patient(&server.url()).await;
    (server, store)
}

fn name_of(key: &StoreKey) -> String {
    format!("doorward:{{{}}}", key.to_hex())
}

#[tokio::test]
async fn over_tls_an_account_with_the_documented_rights_does_everything_and_nothing_else_gets_in() {
    let server = RedisServer::start(RedisOptions {
        tls: true,
        users: vec![user()],
        ..RedisOptions::default()
    })
    .await;
    let authority = Authority::new("single");
    let url = format!("{}/0?ca={}", server.url(), authority.path());
    let store = patient(&url).await;
    store.check().await.expect("an account with the documented rights");
    store.check().await.expect("the same again");
    let mut feed = store.feed().await.expect("a feed");
    create(&store, &key(1), b"x").await;
    assert_eq!(feed.next().await.expect("a key"), key(1));
    assert_eq!(load(&store, &key(1)).await.unwrap(), entry(1, b"x"));
    assert!(RULES.contains("-@all"), "rights are given one by one");

    let (kind, source) = failed(load(&patient(&server.url()).await, &key(1)).await);
    assert_eq!(kind, Kind::Unreachable, "an authority that the system does not know");
    assert!(source.contains("TLS"), "{source}");
    let by_another_name = url.replace("127.0.0.1", "127.0.0.2");
    assert_eq!(
        failed(load(&patient(&by_another_name).await, &key(1)).await).0,
        Kind::Unreachable
    );
    let without_tls = format!("redis://127.0.0.1:{}", server.port());
    assert_ne!(
        failed(load(&patient(&without_tls).await, &key(1)).await).0,
        Kind::Foreign
    );
    for (user, password) in [("doorward", "other"), ("other", "other")] {
        let url = format!("{}/0?ca={}", server.url_as(user, password), authority.path());
        let (kind, source) = failed(load(&patient(&url).await, &key(1)).await);
        assert_eq!((kind, source.contains("WRONGPASS")), (Kind::Failed, true), "{source}");
    }
}

#[tokio::test]
async fn what_a_check_wrote_ends_by_itself_within_minutes_and_it_can_be_made_again_after_any_time() {
    let (server, store) = plain().await;
    let record = format!("doorward:{{{}}}", "00".repeat(32));
    for _ in 0..3 {
        store.check().await.expect("a store");
        let left = server.command(&["PTTL", &record]).await.expect("an answer");
        let left: u64 = left.trim().parse().expect("milliseconds that are left");
        assert!((300_000..=360_000).contains(&left), "{left}");
        let list = format!("doorward:list:{{{}}}", "00".repeat(32));
        let entries = server.command(&["ZCARD", &list]).await.expect("an answer");
        assert_eq!(entries.trim(), "0", "it stands in no list");
    }
    server.command(&["DEL", &record]).await.expect("an answer");
    store.check().await.expect("a store whose check was forgotten");
}

#[tokio::test]
async fn each_right_of_the_documented_ones_is_needed() {
    let server = RedisServer::start(RedisOptions {
        users: vec![user()],
        ..RedisOptions::default()
    })
    .await;
    let rights = RULES.split(' ').filter(|right| right.starts_with(['+', '~', '&']));
    for right in rights.filter(|right| !["+ping", "+eval"].contains(right)) {
        let without = RULES.replacen(right, "", 1);
        let mut words = vec!["ACL", "SETUSER", "doorward", "reset", "on", ">p@ss:w/rd?"];
        words.extend(without.split_ascii_whitespace());
        server.command(&words).await.expect("rules that Redis knows");
        let store = patient(&server.url()).await;
        let (kind, source) = failed(store.check().await);
        assert_eq!(kind, Kind::Failed, "without {right}: {source}");
        assert!(source.contains("NOPERM"), "without {right}: {source}");
    }
}

#[tokio::test]
async fn a_database_or_a_host_that_there_is_not_is_told_by_name() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let (kind, source) = failed(load(&patient(&format!("{}/99", server.url())).await, &key(1)).await);
    assert_eq!(kind, Kind::Failed);
    assert!(source.contains("expected the database of the store URL"), "{source}");
    assert!(
        load(&patient(&format!("{}/3", server.url())).await, &key(1))
            .await
            .is_ok()
    );
    let (kind, source) = failed(load(&patient("redis://nobody.invalid").await, &key(1)).await);
    assert_eq!(kind, Kind::Unreachable);
    assert!(source.contains("expected an address for the host"), "{source}");
}

#[tokio::test]
async fn what_is_kept_ends_by_the_servers_clock_five_minutes_late() {
    let (server, store) = plain().await;
    put(&store, &key(1), None, b"x", &[entered(index(1))]).await.unwrap();
    for name in [name_of(&key(1)), format!("doorward:list:{{{}}}", index(1).to_hex())] {
        let left: u64 = server.command(&["PTTL", &name]).await.unwrap().parse().unwrap();
        assert!((3_895_000..=3_900_000).contains(&left), "{name}: {left}");
    }
    // In the past, and beyond all times.
    for (number, keep_until, least) in [(2, 0, 295_000), (3, u64::MAX / 1_000, 9_000_000_000_000)] {
        let keep_until = doorward_core::UnixTime::from_seconds(keep_until);
        let lists = [ListChange {
            index: index(2),
            until: Some(keep_until),
        }];
        let write = Write {
            expected: None,
            bytes: b"x",
            keep_until,
            lists: &lists,
            announce: false,
        };
        assert_eq!(
            store.write(&key(number), write, NOW).await.unwrap(),
            Written::Done { version: 1 }
        );
        let left: u64 = server
            .command(&["PTTL", &name_of(&key(number))])
            .await
            .unwrap()
            .parse()
            .unwrap();
        assert!(left >= least, "{left}");
    }
    assert_eq!(
        listed(&store, &index(2)).await,
        [key(3)],
        "what ended by every clock is not listed"
    );
}

#[tokio::test]
async fn a_list_lives_as_long_as_its_last_entry_and_sheds_what_has_ended() {
    let (server, store) = plain().await;
    let change = |seconds| ListChange {
        index: index(1),
        until: Some(NOW.saturating_add(Duration::from_secs(seconds))),
    };
    put(&store, &key(1), None, b"x", &[change(10_000)]).await.unwrap();
    put(&store, &key(2), None, b"x", &[change(10)]).await.unwrap();
    let name = format!("doorward:list:{{{}}}", index(1).to_hex());
    let left: u64 = server.command(&["PTTL", &name]).await.unwrap().parse().unwrap();
    assert!(left > 10_000_000, "a short entry does not shorten the list: {left}");
    // A later write with less time does not take what was promised.
    put(&store, &key(1), Some(1), b"x", &[change(20)]).await.unwrap();
    let time = server.command(&["TIME"]).await.unwrap();
    let now: u64 = time.lines().next().unwrap().parse().unwrap();
    // One that ended within the five minutes stays, though it is not listed, and one that ended before them goes.
    for (member, seconds) in [("x", 290), ("y", 301)] {
        let score = ((now - seconds) * 1_000).to_string();
        server.command(&["ZADD", &name, &score, member]).await.unwrap();
    }
    put(&store, &key(3), None, b"x", &[change(5_000)]).await.unwrap();
    assert_eq!(
        server
            .command(&["ZSCORE", &name, "x"])
            .await
            .map(|score| score.is_empty()),
        Ok(false)
    );
    assert_eq!(server.command(&["ZCARD", &name]).await.as_deref(), Ok("4"));
    assert_eq!(listed(&store, &index(1)).await, [key(1), key(2), key(3)]);
}

/// Enters keys for an hour each into one list, as instances that agree about the time and instances that do not.
async fn enter_by_wrong_clocks(store: &RedisStore) {
    let (day, decades) = (Duration::from_secs(86_400), Duration::from_secs(1_000_000_000));
    let clocks = [
        NOW,
        NOW.saturating_add(day),
        NOW.saturating_sub(day),
        NOW.saturating_add(decades),
        NOW.saturating_sub(decades),
        NOW,
    ];
    for (number, now) in (0..).zip(clocks) {
        let keep_until = now.saturating_add(HOUR);
        let write = Write {
            expected: None,
            bytes: b"x",
            keep_until,
            lists: &[ListChange {
                index: index(1),
                until: Some(keep_until),
            }],
            announce: false,
        };
        let written = store.write(&key(number), write, now).await;
        assert_eq!(written.unwrap(), Written::Done { version: 1 });
    }
    let all: Vec<StoreKey> = (0..6).map(key).collect();
    for now in clocks {
        let page = store.list(&index(1), None, now).await.expect("a page");
        let mut keys = page.keys;
        keys.sort();
        assert_eq!((keys, page.next), (all.clone(), None), "read at {now:?}");
    }
}

#[tokio::test]
async fn an_instance_whose_clock_is_wrong_takes_nothing_from_the_lists_of_others() {
    let (_server, store) = plain().await;
    enter_by_wrong_clocks(&store).await;
    let cluster = RedisCluster::start(3).await;
    enter_by_wrong_clocks(&patient(&joined("redis+cluster", "", &cluster.urls(), "")).await).await;
}

#[tokio::test]
async fn a_list_of_thousands_comes_in_pages_and_nothing_that_stays_is_missed() {
    let (_server, store) = plain().await;
    let all: Vec<StoreKey> = (0..3_000).map(key).collect();
    for key in &all {
        put(&store, key, None, b"x", &[entered(index(1))]).await.unwrap();
    }
    let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = store.list(&index(1), after, NOW).await.unwrap();
        assert!(page.keys.len() <= 1_000, "{}", page.keys.len());
        found.extend(page.keys);
        pages += 1;
        // What comes and goes in between takes nothing away from the rest.
        let coming = key(10_000 + pages);
        put(&store, &coming, None, b"x", &[entered(index(1))]).await.unwrap();
        let leaving = ListChange {
            index: index(1),
            until: None,
        };
        put(&store, &all[usize::try_from(pages).unwrap()], Some(1), b"x", &[leaving])
            .await
            .unwrap();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(pages >= 4, "{pages}");
    let missing = all
        .iter()
        .skip(usize::try_from(pages).unwrap() + 1)
        .filter(|key| !found.contains(key));
    assert_eq!(missing.count(), 0);
}

#[tokio::test]
async fn a_cursor_that_is_not_ours_is_refused_and_one_that_is_none_ends() {
    let (_server, store) = plain().await;
    for cursor in ["", "x", "-1", "0 COUNT 9", "111111111111111111111"] {
        let listed = store.list(&index(1), Some(Cursor::new(cursor)), NOW).await;
        assert_eq!(failed(listed).0, Kind::Failed, "{cursor:?}");
    }
    let page = store
        .list(&index(1), Some(Cursor::new("77")), NOW)
        .await
        .expect("a page");
    assert!(page.keys.is_empty());
}

#[tokio::test]
async fn a_record_of_a_mebibyte_comes_back_and_a_larger_one_is_refused() {
    let (_server, store) = plain().await;
    let mut record = vec![0xA5; 1024 * 1024];
    create(&store, &key(1), &record).await;
    assert_eq!(load(&store, &key(1)).await.unwrap(), entry(1, &record));
    record.push(0);
    assert_eq!(failed(put(&store, &key(2), None, &record, &[]).await).0, Kind::Failed);
    assert_eq!(load(&store, &key(2)).await.unwrap(), None);
}

#[tokio::test]
async fn another_prefix_sees_nothing_of_ours_and_hears_nothing() {
    let (server, store) = plain().await;
    let other = RedisStore::builder(&server.url())
        .key_prefix("other:")
        .connect()
        .await
        .unwrap();
    create(&store, &key(1), b"ours").await;
    assert_eq!(load(&other, &key(1)).await.unwrap(), None);
    create(&other, &key(1), b"theirs").await;
    assert_eq!(load(&store, &key(1)).await.unwrap(), entry(1, b"ours"));
    let (mut ours, mut theirs) = (store.feed().await.unwrap(), other.feed().await.unwrap());
    create(&store, &key(2), b"x").await;
    create(&other, &key(3), b"x").await;
    assert_eq!(ours.next().await.unwrap(), key(2));
    assert_eq!(theirs.next().await.unwrap(), key(3));
}

#[tokio::test]
async fn a_database_other_than_the_first_is_another_one() {
    let (server, store) = plain().await;
    let second = patient(&format!("{}/1", server.url())).await;
    create(&store, &key(1), b"0").await;
    assert_eq!(load(&second, &key(1)).await.unwrap(), None);
    let beyond = patient(&format!("{}/999999", server.url())).await;
    assert_eq!(
        failed(load(&beyond, &key(1)).await).0,
        Kind::Failed,
        "never the first instead"
    );
}

#[tokio::test]
async fn settings_that_cannot_be_meant_are_refused_and_a_server_that_is_away_is_not_one() {
    let refused = async |builder: doorward_store_redis::RedisStoreBuilder| builder.connect().await.err();
    let begin = || RedisStore::builder("redis://127.0.0.1:1");
    for prefix in ["", "a{b}", "a b", "a*", "ü", &"a".repeat(65)] {
        assert_eq!(
            refused(begin().key_prefix(prefix)).await,
            Some(RedisStoreError::Prefix),
            "{prefix:?}"
        );
    }
    let zero = Duration::ZERO;
    assert_eq!(refused(begin().deadline(zero)).await, Some(RedisStoreError::Zero));
    assert_eq!(
        refused(begin().connect_deadline(zero)).await,
        Some(RedisStoreError::Zero)
    );
    assert_eq!(
        refused(begin().max_concurrent_calls(0)).await,
        Some(RedisStoreError::Zero)
    );
    let missing = RedisStore::connect("rediss://127.0.0.1:1?ca=/no/such/file").await.err();
    assert_eq!(
        missing,
        Some(RedisStoreError::AuthorityFile(std::io::ErrorKind::NotFound))
    );
    let no_certificates = RedisStore::connect("rediss://127.0.0.1:1?ca=/dev/null").await.err();
    assert_eq!(no_certificates, Some(RedisStoreError::Authorities));
    let endless = RedisStore::connect("rediss://127.0.0.1:1?ca=/dev/zero").await.err();
    assert_eq!(endless, Some(RedisStoreError::Authorities));

    let store = begin().connect().await.expect("a store whose server is away");
    assert_eq!(failed(load(&store, &key(1)).await).0, Kind::Unreachable);
    assert_eq!(failed(store.check().await).0, Kind::Unreachable);
    assert_eq!(failed(store.feed().await).0, Kind::Unreachable);
}
