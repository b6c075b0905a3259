//! Redis watched by sentinels.

use std::process::Command;

use doorward_testkit::servers::{RedisOptions, RedisServer, Sentinels};

use super::{Authority, run};

#[tokio::test]
async fn sentinels_promote_the_replica_of_a_killed_primary_and_nobody_before() {
    let primary = RedisServer::start(RedisOptions::default()).await;
    let replica = primary.start_replica().await;
    let sentinels = Sentinels::start(&primary, 3).await;
    assert_eq!(sentinels.primary_port().await, Ok(primary.port()));

    let urls = sentinels.urls();
    assert_eq!(urls.len(), 3);
    for url in &urls {
        let ask = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", sentinels.master_name()];
        let answer = run(Command::new("redis-cli").args(["-e", "-u", url]).args(ask));
        assert_eq!(answer, (true, format!("127.0.0.1\n{}\n", primary.port())));
    }

    primary.kill();
    assert_eq!(sentinels.promoted(primary.port()).await, replica.port());
    assert_eq!(replica.command(&["SET", "key", "value"]).await.as_deref(), Ok("OK"));
}

#[tokio::test]
async fn sentinels_of_servers_with_tls_and_a_password_speak_tls_and_outlive_one_of_them() {
    let options = RedisOptions {
        tls: true,
        password: Some("pw".to_owned()),
        ..RedisOptions::default()
    };
    let primary = RedisServer::start(options).await;
    let replica = primary.start_replica().await;
    let sentinels = Sentinels::start(&primary, 3).await;
    let authority = Authority::file();
    let mut ping = Command::new("redis-cli");
    ping.args(["-e", "--cacert"])
        .arg(&authority.0)
        .args(["-u", &sentinels.urls()[2], "PING"]);
    assert_eq!(run(&mut ping), (true, "PONG\n".to_owned()));

    sentinels.kill(0);
    assert!(super::refuses_url(&sentinels.urls()[0]).await);
    primary.freeze();
    assert_eq!(sentinels.promoted(primary.port()).await, replica.port());
    sentinels.restart(0).await;
    primary.thaw();
}
