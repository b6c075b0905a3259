//! Another application's data under our keys: by name, never a session, and left as it is.

use doorward_core::ports::{SessionStore as _, StoreErrorKind as Kind};
use doorward_testkit::servers::{RedisOptions, RedisServer};

use crate::support::{NOW, create, entered, entry, failed, index, key, listed, load, patient, put};

#[tokio::test]
async fn what_lies_under_our_key_and_is_not_ours_is_foreign_and_stays_as_it_is() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = patient(&server.url()).await;
    let large = "x".repeat(2 * 1024 * 1024);
    let large_with_our_beginning = format!("DRW1\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}{large}");
    let version_zero = "DRW1\0\0\0\0\0\0\0\0x";
    for (number, words) in [
        vec!["SET", "KEY", "{\"user\":\"alice\"}"],
        vec!["SET", "KEY", "x"],
        vec!["SET", "KEY", "DRW1"],
        vec!["SET", "KEY", "DRW2\0\0\0\0\0\0\0\x01x"],
        vec!["SET", "KEY", version_zero],
        vec!["SET", "KEY", &large],
        vec!["SET", "KEY", &large_with_our_beginning],
        vec!["HSET", "KEY", "data", "x"],
        vec!["RPUSH", "KEY", "x"],
        vec!["SADD", "KEY", "x"],
        vec!["ZADD", "KEY", "1", "x"],
        vec!["XADD", "KEY", "*", "a", "b"],
    ]
    .into_iter()
    .enumerate()
    {
        let key = key(u64::try_from(number).unwrap());
        let name = format!("doorward:{{{}}}", key.to_hex());
        let words: Vec<&str> = words
            .into_iter()
            .map(|word| if word == "KEY" { &name } else { word })
            .collect();
        server.command(&words).await.expect("a foreign value");
        let before = server.command(&["DUMP", &name]).await;
        assert_eq!(failed(load(&store, &key).await).0, Kind::Foreign, "{number}");
        for expected in [None, Some(0), Some(1), Some(u64::MAX)] {
            let written = put(&store, &key, expected, b"mine", &[]).await;
            let is_refused = match &written {
                Ok(written) => *written == doorward_core::ports::Written::Conflict,
                Err(error) => error.kind() == Kind::Foreign,
            };
            assert!(is_refused, "{number}: {expected:?}: {written:?}");
        }
        assert_eq!(server.command(&["DUMP", &name]).await, before, "{number}");
    }
    create(&store, &key(1_000), b"x").await;
    assert_eq!(
        load(&store, &key(1_000)).await.unwrap(),
        entry(1, b"x"),
        "the connection is none the worse"
    );
}

#[tokio::test]
async fn an_empty_value_is_nothing() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = patient(&server.url()).await;
    let name = format!("doorward:{{{}}}", key(1).to_hex());
    server.command(&["SET", &name, ""]).await.unwrap();
    assert_eq!(load(&store, &key(1)).await.unwrap(), None);
    create(&store, &key(1), b"x").await;
}

#[tokio::test]
async fn a_list_that_is_not_ours_is_foreign_and_nothing_is_written_with_it() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = patient(&server.url()).await;
    let name = format!("doorward:list:{{{}}}", index(1).to_hex());
    server.command(&["SET", &name, "x"]).await.unwrap();
    assert_eq!(failed(store.list(&index(1), None, NOW).await).0, Kind::Foreign);
    let written = put(&store, &key(1), None, b"x", &[entered(index(1))]).await;
    assert_eq!(failed(written).0, Kind::Foreign);
    assert_eq!(load(&store, &key(1)).await.unwrap(), None, "no record without its list");
    assert_eq!(server.command(&["GET", &name]).await.as_deref(), Ok("x"));
}

#[tokio::test]
async fn members_that_are_no_keys_are_passed_over() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = patient(&server.url()).await;
    put(&store, &key(1), None, b"x", &[entered(index(1))]).await.unwrap();
    let name = format!("doorward:list:{{{}}}", index(1).to_hex());
    let later = "9e15";
    for member in ["", "short", &"y".repeat(33), &"z".repeat(100_000)] {
        server.command(&["ZADD", &name, later, member]).await.unwrap();
    }
    server.command(&["ZADD", &name, "inf", &"a".repeat(32)]).await.unwrap();
    server.command(&["ZADD", &name, "-inf", &"b".repeat(32)]).await.unwrap();
    let found = listed(&store, &index(1)).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.contains(&key(1)));
}
