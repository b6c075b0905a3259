//! What we did not write is never somebody's session.

use doorward_core::ports::{Cursor, SessionStore as _, StoreErrorKind};
use doorward_testkit::servers::PostgresServer;

use super::{create, done, fresh_index, fresh_key, load, now, put, started, store};

#[tokio::test]
async fn rows_of_another_form_are_foreign_and_the_connection_goes_on() {
    let (server, store) = started().await;
    let (good, bad) = (fresh_key(), fresh_key());
    create(&store, &good).await.unwrap();
    create(&store, &bad).await.unwrap();
    let row = format!("where key = '\\x{}'", bad.to_hex());
    server
        .query("alter table doorward_sessions alter column record drop not null, alter column version drop not null")
        .await
        .unwrap();
    for change in [
        "record = null",
        "record = decode(repeat('00', 2097152), 'hex')",
        "record = decode(repeat('00', 1048577), 'hex')",
        "version = null",
        "version = 0",
        "version = -1",
    ] {
        let sql = format!("update doorward_sessions set version = 1, record = 'x', {change} {row}");
        // The same column twice is no statement.
        let sql = if change.starts_with("version") {
            sql.replace("version = 1, ", "")
        } else {
            sql.replace("record = 'x', ", "")
        };
        server.query(&sql).await.unwrap();
        let error = load(&store, &bad).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Foreign, "{change}");
        let loaded = load(&store, &good).await.unwrap().unwrap();
        assert_eq!(loaded.bytes, b"record", "{change}");
    }
    // The largest that can be a record comes back.
    let sql = format!("update doorward_sessions set version = 3, record = decode(repeat('07', 1048576), 'hex') {row}");
    server.query(&sql).await.unwrap();
    let loaded = load(&store, &bad).await.unwrap().unwrap();
    assert_eq!((loaded.version, loaded.bytes.len()), (3, 1_048_576));
}

#[tokio::test]
async fn a_record_that_could_not_be_read_again_is_not_written() {
    let (_server, store) = started().await;
    let key = fresh_key();
    let large = vec![7; 1_048_577];
    let refused = store.write(&key, put(None, &large), now()).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Failed);
    assert_eq!(load(&store, &key).await.unwrap(), None);
}

#[tokio::test]
async fn a_table_of_another_form_under_our_name_is_refused() {
    for (table, kind) in [
        (
            "(key bytea primary key, version bigint, record text, keep_until timestamptz, removal_hour int)",
            StoreErrorKind::Foreign,
        ),
        (
            "(key bytea primary key, version text, record bytea, keep_until timestamptz, removal_hour int)",
            StoreErrorKind::Foreign,
        ),
        (
            "(key text primary key, version bigint, record bytea, keep_until timestamptz, removal_hour int)",
            StoreErrorKind::Failed,
        ),
        ("(id int)", StoreErrorKind::Failed),
    ] {
        let server = PostgresServer::start().await;
        let store = store(&server);
        server
            .query(&format!("create table doorward_sessions {table}"))
            .await
            .unwrap();
        let key = fresh_key();
        if kind == StoreErrorKind::Foreign {
            let row = format!(
                "insert into doorward_sessions values ('\\x{}', '1', 'x', now() + interval '1 day', 0)",
                key.to_hex()
            );
            server.query(&row).await.unwrap();
        }
        let refused = load(&store, &key).await.unwrap_err();
        assert_eq!(refused.kind(), kind, "{table}");
    }
}

#[tokio::test]
async fn a_table_that_changed_under_a_prepared_statement_is_read_anew() {
    let (server, store) = started().await;
    let key = fresh_key();
    assert_eq!(create(&store, &key).await.unwrap(), done(1));
    // A prepared statement knows the types of its columns.
    server
        .query("alter table doorward_sessions alter column version type integer")
        .await
        .unwrap();
    let foreign = load(&store, &key).await.unwrap_err();
    assert_eq!(foreign.kind(), StoreErrorKind::Foreign);
    server
        .query("alter table doorward_sessions alter column version type bigint")
        .await
        .unwrap();
    assert!(load(&store, &key).await.unwrap().is_some());
}

#[tokio::test]
async fn strangers_in_a_list_are_passed_over_and_a_wrong_cursor_is_harmless() {
    let (server, store) = started().await;
    let (index, key) = (fresh_index(), fresh_key());
    let entry = |key: &str| {
        format!(
            "insert into doorward_lists values ('\\x{}', '\\x{key}', now() + interval '1 hour', 0)",
            index.to_hex()
        )
    };
    for found in ["", "00", "ff00ff", &key.to_hex(), &"ab".repeat(33)] {
        server.query(&entry(found)).await.unwrap();
    }
    let page = store.list(&index, None, now()).await.unwrap();
    assert_eq!((page.keys, page.next), (vec![key], None));
    for cursor in [vec![], vec![0], vec![255; 100]] {
        let page = store.list(&index, Some(Cursor::new(cursor)), now()).await.unwrap();
        assert_eq!(page.next, None);
    }
}
