//! `doorward migrate`, against a server of its own.

use doorward_testkit::servers::PostgresServer;

use crate::process::{Folder, doorward, output, refusal};

const TABLES: &str = "select count(*) from pg_tables where tablename like 'doorward\\_%'";

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_named_is_migrated_once_and_again_without_harm() {
    let server = PostgresServer::start().await;
    for _ in 0..2 {
        let migrated = output(&["migrate", "--store", &server.url()]);
        assert!(migrated.status.success(), "{migrated:?}");
        let said = String::from_utf8(migrated.stdout).unwrap();
        assert!(said.contains("up to date"), "{said}");
        assert_eq!(server.query(TABLES).await.as_deref(), Ok("3"));
    }
    server
        .query("insert into doorward_migrations (version) values (9)")
        .await
        .unwrap();
    let newer = output(&["migrate", "--store", &server.url()]);
    assert_eq!(newer.status.code(), Some(1));
    let said = String::from_utf8(newer.stderr).unwrap();
    assert!(said.contains("a newer release migrated this database"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_of_a_configuration_is_migrated_with_a_password_from_the_environment() {
    let server = PostgresServer::start().await;
    let folder = Folder::new("migrate");
    let file = folder.file();
    let config = format!(
        "[server]\npublic_url = \"http://localhost:6001\"\n\
         [provider]\nissuer = \"http://localhost:6002\"\nclient_id = \"app\"\nclient_secret = {{ env = \"SECRET\" }}\n\
         [session]\nsecrets = [{{ env = \"SESSION\" }}]\nstore = \"{}\"\n\
         [[routes]]\npath = \"/{{*rest}}\"\nupstream = \"http://127.0.0.1:9\"\naccess = [\"session\"]\n",
        server.url().replace(":testkit@", "@")
    );
    std::fs::write(&file, config).unwrap();
    let mut command = doorward(&["migrate", "--config", &file]);
    command
        .env("SECRET", "Zk3vXw9pQ2sT7yUe1aBcD5fGhJ8kLmN0")
        .env("SESSION", "Qm7rTz1xWv4uYe8sKc2dFg6hJb9nLp3A")
        .env("PGPASSWORD", "testkit");
    let migrated = command.output().unwrap();
    assert!(migrated.status.success(), "{migrated:?}");
    assert_eq!(server.query(TABLES).await.as_deref(), Ok("3"));
}

#[test]
fn what_has_no_tables_is_refused_and_no_password_is_shown() {
    for (url, said) in [
        ("redis://u:pa55word@h/0", "no tables to migrate"),
        ("postgres://u:pa55word@h", "expected a database"),
        ("pa55word", "found something else"),
    ] {
        let refused = refusal(&["migrate", "--store", url]);
        assert!(refused.contains(said), "{refused}");
        assert!(!refused.contains("pa55word"), "{refused}");
    }
    let both = refusal(&["migrate", "--store", "postgres://u@h/d", "--config", "doorward.toml"]);
    assert!(both.contains("cannot be used with"), "{both}");
    let absent = refusal(&["migrate", "--config", "/nowhere.toml"]);
    assert!(absent.contains("/nowhere.toml"), "{absent}");
}

#[test]
fn a_server_that_is_away_is_exit_code_1() {
    // A port that nobody listens on.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let away = output(&["migrate", "--store", &format!("postgres://u:pa55word@{free}/d")]);
    assert_eq!(away.status.code(), Some(1), "{away:?}");
    let said = String::from_utf8(away.stderr).unwrap();
    assert!(said.contains("cannot migrate"), "{said}");
    assert!(!said.contains("pa55word"), "{said}");
}
