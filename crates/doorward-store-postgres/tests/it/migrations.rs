//! The tables are made once, by one, and never taken back to an older form.

use doorward_core::ports::StoreErrorKind;
use doorward_store_postgres::{MigrationError, PostgresStore};
use doorward_testkit::servers::PostgresServer;

use super::{create, done, fresh_key, load, patient, store};

#[tokio::test]
async fn an_empty_database_is_migrated_once_and_rows_stay() {
    let server = PostgresServer::start().await;
    let store = store(&server);
    let missing = store.check().await.unwrap_err();
    assert!(
        matches!(missing, MigrationError::Missing { found: 0, known: 1 }),
        "{missing}"
    );
    assert!(missing.to_string().contains("doorward migrate"), "{missing}");
    let refused = load(&store, &fresh_key()).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Failed);

    store.migrate().await.unwrap();
    store.check().await.unwrap();
    let key = fresh_key();
    assert_eq!(create(&store, &key).await.unwrap(), done(1));
    store.migrate().await.unwrap();
    assert!(load(&store, &key).await.unwrap().is_some());
    let versions = server.query("select version from doorward_migrations").await;
    assert_eq!(versions.as_deref(), Ok("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_that_migrate_at_once_do_not_collide() {
    let server = PostgresServer::start().await;
    let many: Vec<_> = (0..6)
        .map(|_| {
            let store = store(&server);
            tokio::spawn(async move { store.migrate().await.map_err(|error| error.to_string()) })
        })
        .collect();
    for migration in many {
        assert_eq!(migration.await.unwrap(), Ok(()));
    }
    let versions = server.query("select version from doorward_migrations").await;
    assert_eq!(versions.as_deref(), Ok("1"));
}

#[tokio::test]
async fn a_database_that_a_newer_release_migrated_is_refused_and_left_alone() {
    let server = PostgresServer::start().await;
    let store = store(&server);
    store.migrate().await.unwrap();
    server
        .query("insert into doorward_migrations (version) values (7)")
        .await
        .unwrap();
    for refused in [store.migrate().await.unwrap_err(), store.check().await.unwrap_err()] {
        assert!(
            matches!(refused, MigrationError::Newer { found: 7, known: 1 }),
            "{refused}"
        );
        assert!(refused.to_string().contains("newer release"), "{refused}");
    }
    let versions = server.query("select count(*) from doorward_migrations").await;
    assert_eq!(versions.as_deref(), Ok("2"));
}

#[tokio::test]
async fn tables_live_in_the_schema_and_under_the_prefix_that_were_asked_for() {
    let server = PostgresServer::start().await;
    let store = |prefix| {
        let builder = patient(&server.url()).schema("auth").table_prefix(prefix);
        builder.build().unwrap()
    };
    let one = store("one_");
    let refused = one.migrate().await.unwrap_err();
    assert!(
        matches!(&refused, MigrationError::Refused { code, .. } if code == "3F000"),
        "{refused}"
    );
    server.query("create schema auth").await.unwrap();
    let two = store("two_");
    one.migrate().await.unwrap();
    two.migrate().await.unwrap();
    let key = fresh_key();
    create(&one, &key).await.unwrap();
    assert!(load(&one, &key).await.unwrap().is_some());
    assert_eq!(load(&two, &key).await.unwrap(), None);
    let tables = server
        .query("select count(*) from pg_tables where schemaname = 'auth'")
        .await;
    assert_eq!(tables.as_deref(), Ok("6"));
}

#[tokio::test]
async fn a_server_that_is_away_is_no_missing_migration() {
    let server = PostgresServer::start().await;
    server.kill();
    let store = PostgresStore::builder(&server.url()).build().unwrap();
    for away in [store.migrate().await.unwrap_err(), store.check().await.unwrap_err()] {
        assert!(
            matches!(&away, MigrationError::Store(error) if error.kind() == StoreErrorKind::Unreachable),
            "{away:?}"
        );
    }
}
