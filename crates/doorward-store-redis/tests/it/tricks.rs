//! A server that does not behave: each way has its name, and the next call works as soon as it behaves again.

use std::time::Duration;

use doorward_core::ports::{SessionStore as _, StoreErrorKind as Kind};
use doorward_store_redis::RedisStore;
use tokio::time::Instant;

use crate::fake::{Fake, Reply, bytes, error};
use crate::support::{NOW, connect, entry, eventually, failed, index, key, load, put};

/// Lets one command be answered so, and says how load, write and list then fail.
async fn check(reply: Reply, kind: Kind, words: &str) {
    for command in ["GETRANGE", "EVALSHA", "ZSCAN"] {
        let server = Fake::start().await;
        let store = connect(&server.url()).await;
        assert_eq!(load(&store, &key(1)).await.expect("an answer"), None);
        server.answer(command, reply.clone());
        let found = match command {
            "GETRANGE" => failed(load(&store, &key(1)).await),
            "EVALSHA" => failed(put(&store, &key(1), None, b"x", &[]).await),
            _ => failed(store.list(&index(1), None, NOW).await),
        };
        assert_eq!(found.0, kind, "{command}: {words}: {}", found.1);
        assert!(
            found.1.contains(words),
            "{command}: expected {words:?}, found {:?}",
            found.1
        );
        server.behave_well();
        assert_eq!(
            load(&store, &key(1)).await.expect("the next answer"),
            None,
            "{command}: {words}"
        );
        put(&store, &key(1), None, b"x", &[]).await.expect("the next write");
        store.list(&index(1), None, NOW).await.expect("the next list");
    }
}

#[tokio::test]
async fn each_error_reply_is_named_and_the_next_call_works() {
    for (reply, kind, words) in [
        (
            "LOADING Redis is loading the dataset in memory",
            Kind::Unreachable,
            "LOADING",
        ),
        (
            "READONLY You can't write against a read only replica.",
            Kind::Unreachable,
            "READONLY",
        ),
        ("MASTERDOWN Link with MASTER is down", Kind::Unreachable, "MASTERDOWN"),
        (
            "NOREPLICAS Not enough good replicas to write.",
            Kind::Unreachable,
            "NOREPLICAS",
        ),
        ("MOVED 3999 127.0.0.1:6381", Kind::Unreachable, "MOVED"),
        ("ASK 3999 127.0.0.1:6381", Kind::Unreachable, "ASK"),
        (
            "TRYAGAIN Multiple keys request during rehashing of slot",
            Kind::Unreachable,
            "TRYAGAIN",
        ),
        ("CLUSTERDOWN Hash slot not served", Kind::Unreachable, "CLUSTERDOWN"),
        ("NOAUTH Authentication required.", Kind::Failed, "NOAUTH"),
        ("NOPERM this user has no permissions", Kind::Failed, "NOPERM"),
        ("WRONGPASS invalid username-password pair", Kind::Failed, "WRONGPASS"),
        (
            "OOM command not allowed when used memory > 'maxmemory'.",
            Kind::Failed,
            "OOM",
        ),
        ("BUSY Redis is busy running a script.", Kind::Failed, "BUSY"),
        (
            "EXECABORT Transaction discarded because of previous errors.",
            Kind::Failed,
            "EXECABORT",
        ),
        (
            "MISCONF Redis is configured to save RDB snapshots",
            Kind::Failed,
            "MISCONF",
        ),
        (
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            Kind::Foreign,
            "something else",
        ),
        ("ERR no such thing", Kind::Failed, "ERR"),
        ("MOVED nonsense", Kind::Failed, "something else"),
        ("MOVED 3999 host:0", Kind::Failed, "something else"),
        ("MOVED 99999 127.0.0.1:6381", Kind::Failed, "something else"),
        // What 6.2 makes of an error within a script.
        (
            "ERR Error running script (call to f_ab): @user_script:1: -READONLY You can't write against a read only replica.",
            Kind::Unreachable,
            "READONLY",
        ),
        (
            "ERR Error running script (call to f_ab): @user_script:1: WRONGTYPE Operation against a key",
            Kind::Foreign,
            "something else",
        ),
    ] {
        check(error(reply), kind, words).await;
    }
}

#[tokio::test]
async fn no_error_quotes_the_server() {
    let server = Fake::start().await;
    let store = connect(&server.url()).await;
    for text in [
        "ERR hunter2",
        "hunter2 x",
        "HUNTER2; x",
        "READONLY hunter2",
        "NOPERM hunter2",
    ] {
        server.answer("GETRANGE", error(text));
        let result = load(&store, &key(1)).await;
        let shown = format!("{:?}", result.as_ref().map(|_| ()));
        let (_, source) = failed(result);
        assert!(
            !format!("{shown} {source}").to_lowercase().contains("hunter2"),
            "{text}: {source}"
        );
    }
}

#[tokio::test]
async fn what_is_no_reply_is_an_error_and_the_next_call_works() {
    for garbage in [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "$2147483647\r\n",
        "$3000000\r\nxxxxx",
        "*1000000000\r\n",
        "$-5\r\n",
        "%-1\r\n",
        "\0\0\0\0\0\0",
        ":12345678901234567890123\r\n",
        "*2\r\n:1\r\n",
        "+fine\r\n",
        ":7\r\n",
        "*1\r\n$1\r\nx\r\n",
        "#t\r\n",
        "_\r\n",
    ] {
        for command in ["GETRANGE", "EVALSHA", "ZSCAN"] {
            let server = Fake::start().await;
            let store = connect(&server.url()).await;
            assert_eq!(load(&store, &key(1)).await.expect("an answer"), None);
            server.answer(command, Reply::Last(garbage.as_bytes().to_vec()));
            let (kind, _) = match command {
                // A status is a value too, and no value of ours.
                "GETRANGE" => failed(load(&store, &key(1)).await),
                "EVALSHA" => failed(put(&store, &key(1), None, b"x", &[]).await),
                _ => failed(store.list(&index(1), None, NOW).await),
            };
            assert!(
                matches!(kind, Kind::Failed | Kind::Unreachable | Kind::Foreign),
                "{garbage:?} to {command}: {kind:?}"
            );
            server.behave_well();
            assert_eq!(
                load(&store, &key(1)).await.expect("the next answer"),
                None,
                "{garbage:?} to {command}"
            );
        }
    }
}

#[tokio::test]
async fn a_huge_length_is_refused_at_once_and_not_waited_for() {
    let server = Fake::start().await;
    let store = RedisStore::builder(&server.url())
        .deadline(Duration::from_secs(20))
        .connect()
        .await
        .expect("settings that can be used");
    server.answer("GETRANGE", bytes("$2147483647\r\n"));
    let began = Instant::now();
    assert_eq!(failed(load(&store, &key(1)).await).0, Kind::Failed);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_connection_that_ends_within_an_answer_is_followed_by_one_that_does_not() {
    for half in ["", "$100\r\nDRW1", "*2\r\n", "+", "$"] {
        let server = Fake::start().await;
        let store = connect(&server.url()).await;
        assert_eq!(load(&store, &key(1)).await.expect("an answer"), None);
        let half = half.as_bytes().to_vec();
        server.behave(move |name| matches!(name, "GETRANGE" | "EVALSHA").then(|| Reply::Last(half.clone())));
        assert_eq!(failed(load(&store, &key(1)).await).0, Kind::Unreachable);
        assert_eq!(
            server.heard("GETRANGE"),
            3,
            "a read is repeated once, on a new connection"
        );
        assert_eq!(failed(put(&store, &key(1), None, b"x", &[]).await).0, Kind::Unreachable);
        assert_eq!(
            server.heard("EVALSHA"),
            1,
            "a write whose answer is lost is not repeated"
        );
        server.behave_well();
        assert_eq!(load(&store, &key(1)).await.expect("the next answer"), None);
    }
}

#[tokio::test]
async fn an_answer_left_out_gives_nobody_anothers() {
    let server = Fake::start().await;
    let store = connect(&server.url()).await;
    for left_out in ["GETRANGE", "TIME", "ZSCAN", "EVALSHA"] {
        server.behave(move |command| match command {
            _ if command == left_out => Some(Reply::Nothing),
            "GETRANGE" => Some(bytes("$13\r\nDRW1\0\0\0\0\0\0\0\x09x\r\n")),
            _ => None,
        });
        let (one, two, list) = (key(1), key(2), index(1));
        let (listed, first, written, second) = tokio::join!(
            store.list(&list, None, NOW),
            load(&store, &one),
            put(&store, &one, None, b"x", &[]),
            load(&store, &two),
        );
        // What was left out fails, and whatever took its place; a read that failed for that was repeated elsewhere.
        match left_out {
            "ZSCAN" => assert!(listed.is_err()),
            "EVALSHA" => assert!(written.is_err()),
            _ => assert!(first.is_err() && second.is_err(), "without {left_out}"),
        }
        for found in [first, second].into_iter().flatten() {
            assert_eq!(found, entry(9, b"x"), "without {left_out}");
        }
        server.behave_well();
        eventually("the next answer", async || load(&store, &key(1)).await.is_ok()).await;
    }
}

#[tokio::test]
async fn what_greets_us_wrongly_is_named() {
    let hello = |mode: &str, role: &str, version: &str| {
        let text = |text: &str| format!("${}\r\n{text}\r\n", text.len());
        let fields = [("version", version), ("mode", mode), ("role", role)];
        let fields: String = fields.iter().map(|(name, value)| text(name) + &text(value)).collect();
        bytes(&format!("%3\r\n{fields}"))
    };
    for (reply, kind, words) in [
        (
            hello("standalone", "slave", "7.0.0"),
            Kind::Unreachable,
            "found a replica",
        ),
        (
            hello("standalone", "replica", "8.1.0"),
            Kind::Unreachable,
            "found a replica",
        ),
        (hello("cluster", "master", "7.0.0"), Kind::Failed, "redis+cluster://"),
        (hello("standalone", "master", "6.0.16"), Kind::Failed, "6.2 or later"),
        (hello("standalone", "master", "old"), Kind::Failed, "6.2 or later"),
        (
            error("NOAUTH HELLO must be called with the client already authenticated"),
            Kind::Failed,
            "NOAUTH",
        ),
        (
            error("WRONGPASS invalid username-password pair or user is disabled."),
            Kind::Failed,
            "WRONGPASS",
        ),
        (
            error("NOPROTO unsupported protocol version"),
            Kind::Failed,
            "6.2 or later",
        ),
        (
            error("ERR unknown command `HELLO`, with args beginning with: `3`, "),
            Kind::Failed,
            "6.2 or later",
        ),
        (
            error("LOADING Redis is loading the dataset in memory"),
            Kind::Unreachable,
            "LOADING",
        ),
        (bytes("+OK\r\n"), Kind::Failed, "something else"),
        (bytes("SSH-2.0-OpenSSH_9.2\r\n"), Kind::Failed, "something else"),
        (Reply::Last(Vec::new()), Kind::Unreachable, "ended"),
    ] {
        let server = Fake::start().await;
        server.answer("HELLO", reply);
        let store = connect(&server.url()).await;
        let (found, source) = failed(load(&store, &key(1)).await);
        assert_eq!(found, kind, "{source}");
        assert!(source.contains(words), "expected {words:?}, found {source:?}");
        server.behave_well();
        let took = eventually("a greeting that is right", async || load(&store, &key(1)).await.is_ok()).await;
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}

#[tokio::test]
async fn a_script_that_the_server_forgot_is_sent_again_with_its_text() {
    let server = Fake::start().await;
    let store = connect(&server.url()).await;
    server.answer("EVALSHA", error("NOSCRIPT No matching script. Please use EVAL."));
    put(&store, &key(1), None, b"x", &[])
        .await
        .expect("a write by its text");
    assert_eq!((server.heard("EVALSHA"), server.heard("EVAL")), (1, 1));
    server.behave(|name| name.starts_with("EVAL").then(|| error("NOSCRIPT never")));
    assert_eq!(failed(put(&store, &key(1), None, b"x", &[]).await).0, Kind::Failed);
}

#[tokio::test]
async fn the_time_is_the_servers() {
    let server = Fake::start().await;
    let store = connect(&server.url()).await;
    let value = "$13\r\nDRW1\0\0\0\0\0\0\0\x09x\r\n";
    server.answer("GETRANGE", bytes(value));
    let loaded = store.load(&key(1), NOW).await.expect("an answer");
    assert_eq!(loaded.time.milliseconds(), 1_767_225_600_250);
    assert_eq!(loaded.entry, entry(9, b"x"));
    for time in [
        "*1\r\n:1\r\n",
        "+now\r\n",
        "*2\r\n:-1\r\n:0\r\n",
        "*2\r\n$1\r\nx\r\n:0\r\n",
        "*2\r\n:9223372036854775807\r\n:0\r\n",
    ] {
        server.answer("TIME", bytes(time));
        assert_eq!(failed(load(&store, &key(1)).await).0, Kind::Failed, "{time:?}");
    }
    server.behave_well();
    load(&store, &key(1)).await.expect("the next answer");
}
