//! PostgreSQL.

use std::process::Command;

use doorward_testkit::servers::{PostgresOptions, PostgresServer};

use super::{A_WHILE, Authority, refuses, run};

fn psql(url: &str, sql: &str) -> (bool, String) {
    run(Command::new("psql").args(["--no-psqlrc", "-At", url, "-c", sql]))
}

#[tokio::test]
async fn postgres_starts_stands_still_goes_on_and_keeps_its_rows_over_a_restart() {
    let server = PostgresServer::start().await;
    assert_eq!(psql(&server.url(), "select 1 + 1, 'x'"), (true, "2|x\n".to_owned()));
    server
        .query("create table kept (id int); insert into kept values (7)")
        .await
        .unwrap();

    server.freeze();
    let mut query = std::pin::pin!(server.query("select id from kept"));
    let early = tokio::time::timeout(A_WHILE, &mut query).await;
    assert!(early.is_err(), "a frozen server answers nothing");
    server.thaw();
    assert_eq!(query.await.as_deref(), Ok("7"));

    server.kill();
    assert!(refuses(server.port()).await);
    server.restart().await;
    assert_eq!(server.query("select id from kept").await.as_deref(), Ok("7"));
    server.restart_empty().await;
    let refused = server.query("select id from kept").await.unwrap_err();
    assert!(refused.contains("does not exist"), "{refused}");
    server.stop().await;
    assert!(refuses(server.port()).await);
}

#[tokio::test]
async fn postgres_over_tls_takes_the_right_password_and_nobody_without_tls() {
    let server = PostgresServer::start_with(PostgresOptions { tls: true }).await;
    let authority = Authority::file();
    let root = format!("&sslrootcert={}", authority.0.display());
    let verified = server.url().replace("require", "verify-full") + &root;
    let used = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    assert_eq!(psql(&verified, used), (true, "t\n".to_owned()));
    let (succeeded, printed) = psql(&verified.replace("testkit@", "wrong@"), used);
    assert!(
        !succeeded && printed.contains("password authentication failed"),
        "{printed}"
    );
    let (succeeded, printed) = psql(&server.url().replace("require", "disable"), used);
    assert!(!succeeded && printed.contains("no encryption"), "{printed}");
}
