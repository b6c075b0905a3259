//! The role that runs needs less than the one that migrates.

use doorward_core::ports::{ListChange, SessionStore as _, StoreErrorKind, Write};
use doorward_store_postgres::{MigrationError, PostgresStore};
use doorward_testkit::servers::PostgresServer;

use super::{HOUR, create, done, fresh_index, fresh_key, load, now, patient, put, started};

/// As the documentation gives them.
const GRANTS: &str = "grant select, insert, update, delete on doorward_sessions, doorward_lists to app; \
                      grant select on doorward_migrations to app";

async fn as_app(server: &PostgresServer) -> PostgresStore {
    server.query("create role app login password 'app'").await.unwrap();
    let url = server.url().replace("doorward:testkit@", "app:app@");
    patient(&url).build().unwrap()
}

#[tokio::test]
async fn the_grants_of_the_documentation_suffice_and_none_can_be_left_out() {
    let (server, owner) = started().await;
    let app = as_app(&server).await;
    assert_eq!(
        load(&app, &fresh_key()).await.unwrap_err().kind(),
        StoreErrorKind::Failed
    );
    server.query(GRANTS).await.unwrap();
    app.check().await.unwrap();
    let (key, index) = (fresh_key(), fresh_index());
    let mut feed = app.feed().await.unwrap();
    assert_eq!(create(&app, &key).await.unwrap(), done(1));
    let lists = [ListChange {
        index,
        until: Some(now().saturating_add(HOUR)),
    }];
    let write = Write {
        lists: &lists,
        announce: true,
        ..put(Some(1), b"second")
    };
    assert_eq!(app.write(&key, write, now()).await.unwrap(), done(2));
    assert_eq!(feed.next().await.unwrap(), key);
    assert_eq!(app.list(&index, None, now()).await.unwrap().keys, [key]);
    let gone = [ListChange { index, until: None }];
    let write = Write {
        lists: &gone,
        ..put(Some(2), b"third")
    };
    assert_eq!(app.write(&key, write, now()).await.unwrap(), done(3));
    assert_eq!(app.remove_expired().await.unwrap(), 0);
    app.migrate().await.unwrap();

    for (revoked, table) in [
        ("insert", "doorward_sessions"),
        ("update", "doorward_sessions"),
        ("insert", "doorward_lists"),
        ("delete", "doorward_lists"),
    ] {
        let sql = format!("revoke {revoked} on {table} from app");
        server.query(&sql).await.unwrap();
        let refused = create(&app, &fresh_key()).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Failed, "{sql}");
        server.query(GRANTS).await.unwrap();
        assert_eq!(create(&app, &fresh_key()).await.unwrap(), done(1), "{sql}");
    }
    drop(owner);
}

#[tokio::test]
async fn a_role_that_may_not_create_is_told_so_when_it_migrates() {
    let server = PostgresServer::start().await;
    let app = as_app(&server).await;
    let refused = app.migrate().await.unwrap_err();
    assert!(
        matches!(&refused, MigrationError::Refused { code, .. } if code == "42501"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_wrong_password_fails_and_is_not_told_to_whoever_prints_the_error() {
    let (server, _store) = started().await;
    let url = server.url().replace("testkit@", "wrong-one@");
    let store = patient(&url).build().unwrap();
    let refused = load(&store, &fresh_key()).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Failed);
    let source = std::error::Error::source(&refused).unwrap();
    let printed = format!("{refused} {refused:?} {source} {source:?} {store:?}");
    assert!(!printed.contains("wrong-one"), "{printed}");
}
