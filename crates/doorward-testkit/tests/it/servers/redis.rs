//! Redis alone, and with a replica.

use std::process::Command;

use doorward_testkit::servers::{RedisOptions, RedisServer, RedisUser};

use super::{Authority, Wire, refuses, run};

fn redis_cli(url: &str, words: &[&str]) -> (bool, String) {
    run(Command::new("redis-cli")
        .args(["-e", "--no-auth-warning", "-u", url])
        .args(words))
}

#[tokio::test]
async fn redis_starts_stands_still_goes_on_and_keeps_its_keys_over_a_restart() {
    let server = RedisServer::start(RedisOptions::default()).await;
    assert_eq!(server.url(), format!("redis://127.0.0.1:{}", server.port()));
    assert_eq!(
        redis_cli(&server.url(), &["SET", "key", "value"]),
        (true, "OK\n".to_owned())
    );

    let mut wire = Wire::to(server.port()).await;
    assert_eq!(wire.ask("PING\r\n").await, "+PONG\r\n");
    server.freeze();
    wire.send("PING\r\n").await;
    assert!(wire.is_silent().await, "a frozen server answers nothing");
    server.thaw();
    assert_eq!(wire.answer().await, "+PONG\r\n");

    server.kill();
    assert!(refuses(server.port()).await);
    server.restart().await;
    assert_eq!(server.command(&["GET", "key"]).await.as_deref(), Ok("value"));
    server.restart_empty().await;
    assert_eq!(server.command(&["DBSIZE"]).await.as_deref(), Ok("0"));
    server.stop().await;
    assert!(refuses(server.port()).await);
}

#[tokio::test]
async fn a_password_opens_redis_and_nothing_else_does() {
    let password = "p@ss \"word\"";
    let options = RedisOptions {
        password: Some(password.to_owned()),
        ..RedisOptions::default()
    };
    let server = RedisServer::start(options).await;
    let expected = format!("redis://:p%40ss%20%22word%22@127.0.0.1:{}", server.port());
    assert_eq!(server.url(), expected);
    // redis-cli 7.0 takes an empty name for a name.
    let named = server.url_as("default", password);
    assert_eq!(redis_cli(&named, &["PING"]), (true, "PONG\n".to_owned()));
    let (succeeded, printed) = redis_cli(&server.url_as("", ""), &["PING"]);
    assert!(!succeeded && printed.contains("NOAUTH"), "{printed}");
    assert!(!redis_cli(&server.url_as("default", "other"), &["PING"]).0);
}

#[tokio::test]
async fn a_user_may_what_its_rules_say_over_tls_and_not_without_it() {
    let user = RedisUser {
        name: "store".to_owned(),
        password: "s3cret".to_owned(),
        rules: "~doorward:* +@all -@dangerous".to_owned(),
    };
    let server = RedisServer::start(RedisOptions {
        tls: true,
        users: vec![user],
        ..RedisOptions::default()
    })
    .await;
    assert_eq!(
        server.url(),
        format!("rediss://store:s3cret@127.0.0.1:{}", server.port())
    );
    let authority = Authority::file();
    let cli = |url: &str, words: &[&str]| {
        let mut command = Command::new("redis-cli");
        command.args(["-e", "--no-auth-warning", "--cacert"]).arg(&authority.0);
        run(command.args(["-u", url]).args(words))
    };
    assert_eq!(
        cli(&server.url(), &["SET", "doorward:1", "x"]),
        (true, "OK\n".to_owned())
    );
    let (succeeded, printed) = cli(&server.url(), &["SET", "other", "x"]);
    assert!(!succeeded && printed.contains("NOPERM"), "{printed}");
    let (succeeded, printed) = cli(&server.url_as("", ""), &["PING"]);
    assert!(
        !succeeded && printed.contains("NOAUTH"),
        "the default user is off: {printed}"
    );
    let (succeeded, printed) = redis_cli(&server.url(), &["PING"]);
    assert!(!succeeded && printed.contains("certificate verify failed"), "{printed}");
    let plain = server.url().replace("rediss:", "redis:");
    assert!(!redis_cli(&plain, &["PING"]).0);
}

#[tokio::test]
async fn a_replica_has_what_its_primary_got_and_takes_no_writes() {
    let primary = RedisServer::start(RedisOptions {
        password: Some("pw".to_owned()),
        ..RedisOptions::default()
    })
    .await;
    primary.command(&["SET", "key", "value"]).await.unwrap();
    let replica = primary.start_replica().await;
    assert_eq!(replica.command(&["GET", "key"]).await.as_deref(), Ok("value"));
    let refused = replica.command(&["SET", "key", "other"]).await.unwrap_err();
    assert!(refused.contains("READONLY"), "{refused}");
}
