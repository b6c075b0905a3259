//! The promises of every store, and what TLS is for.

use std::sync::Arc;

use doorward_core::ports::StoreErrorKind;
use doorward_testkit::run_store_suite;
use doorward_testkit::servers::{PostgresOptions as ServerOptions, PostgresServer};

use super::{Authority, fresh_key, load, patient, started, store};

#[tokio::test(flavor = "multi_thread")]
async fn the_store_keeps_every_promise_over_a_plain_connection() {
    let (server, _store) = started().await;
    run_store_suite(async || Arc::new(store(&server))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_keeps_every_promise_over_tls() {
    let server = PostgresServer::start_with(ServerOptions { tls: true }).await;
    let authority = Authority::file();
    let url = server.url().replace("require", "verify-full");
    let url = format!("{url}&sslrootcert={}", authority.0.display());
    let make = || patient(&url).build().unwrap();
    make().migrate().await.unwrap();
    run_store_suite(async || Arc::new(make())).await;
}

#[tokio::test]
async fn a_server_that_cannot_prove_who_it_is_is_told_nothing() {
    let server = PostgresServer::start_with(ServerOptions { tls: true }).await;
    let open = patient(&server.url()).build().unwrap();
    open.migrate().await.unwrap();
    // Nobody vouches for the certificate that the tests' authority signed.
    let url = server.url().replace("require", "verify-full");
    let strict = patient(&url).build().unwrap();
    let refused = load(&strict, &fresh_key()).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unreachable);
    assert_eq!(load(&open, &fresh_key()).await.unwrap(), None);
}

#[tokio::test]
async fn a_server_that_wants_tls_refuses_whoever_speaks_without() {
    let server = PostgresServer::start_with(ServerOptions { tls: true }).await;
    let url = server.url().replace("require", "disable");
    let plain = patient(&url).build().unwrap();
    let refused = load(&plain, &fresh_key()).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Failed);
}
