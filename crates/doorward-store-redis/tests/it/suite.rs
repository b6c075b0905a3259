//! The store suite on each arrangement of servers.

use std::sync::Arc;
use std::time::Duration;

use doorward_store_redis::RedisStore;
use doorward_testkit::run_store_suite;
use doorward_testkit::servers::{RedisCluster, RedisOptions, RedisServer, Sentinels};

use crate::support::{Authority, RULES, joined, user};

/// Runs it with time for 200 calls at once on a machine that has others to serve.
async fn check(url: &str) {
    run_store_suite(async || {
        let store = RedisStore::builder(url).deadline(Duration::from_secs(10)).connect();
        Arc::new(store.await.expect("a URL that can be used"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_keeps_every_promise() {
    let server = RedisServer::start(RedisOptions::default()).await;
    check(&server.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_over_tls_with_an_account_keeps_every_promise() {
    let server = RedisServer::start(RedisOptions {
        tls: true,
        users: vec![user()],
        ..RedisOptions::default()
    })
    .await;
    let authority = Authority::new("suite");
    check(&format!("{}/0?ca={}", server.url(), authority.path())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_that_sentinels_name_keeps_every_promise() {
    let primary = RedisServer::start(RedisOptions::default()).await;
    let _replica = primary.start_replica().await;
    let sentinels = Sentinels::start(&primary, 3).await;
    check(&joined("redis+sentinel", "", &sentinels.urls(), "/doorward")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_keeps_every_promise() {
    let mut user = user();
    user.rules = format!("{RULES} +cluster|slots +asking");
    let options = RedisOptions {
        users: vec![user],
        ..RedisOptions::default()
    };
    let cluster = RedisCluster::start_with(3, options).await;
    check(&joined(
        "redis+cluster",
        "doorward:p%40ss%3Aw%2Frd%3F@",
        &cluster.urls(),
        "",
    ))
    .await;
}
