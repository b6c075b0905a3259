//! A cluster: every slot, slots that move, nodes that stop, and nodes that name others.

use std::time::Duration;

use doorward_core::ports::{ListChange, SessionStore as _, StoreErrorKind as Kind, Written};
use doorward_testkit::servers::{RedisCluster, RedisOptions, RedisServer};

use crate::fake::{Fake, Reply, error};
use crate::support::{
    Authority, RULES, connect, create, entered, entry, eventually, failed, index, joined, key, listed, load, patient,
    put, user,
};

async fn url(cluster: &RedisCluster) -> String {
    joined("redis+cluster", "", &cluster.urls(), "")
}

fn name_of(number: u64) -> String {
    format!("doorward:{{{}}}", key(number).to_hex())
}

#[tokio::test]
async fn sessions_and_lists_of_all_nodes_are_found_from_any_one() {
    let cluster = RedisCluster::start(3).await;
    let store = patient(&format!("redis+cluster://127.0.0.1:{}", cluster.nodes()[2].port())).await;
    store.check().await.expect("a cluster");
    let mut feed = store.feed().await.expect("a feed");
    let mut owners = [0; 3];
    for number in 0..60 {
        let list = u8::try_from(number % 5).unwrap();
        let written = put(
            &store,
            &key(number),
            None,
            &number.to_be_bytes(),
            &[entered(index(list)), entered(index(9))],
        )
        .await;
        assert_eq!(written.unwrap(), Written::Done { version: 1 });
        assert_eq!(feed.next().await.expect("a key"), key(number), "told on whichever node");
        owners[cluster.owner_of(cluster.slot_of(&name_of(number)).await).await] += 1;
    }
    assert!(owners.iter().all(|sessions| *sessions > 0), "{owners:?}");
    let another = patient(&url(&cluster).await).await;
    for number in 0..60 {
        assert_eq!(
            load(&another, &key(number)).await.unwrap(),
            entry(1, &number.to_be_bytes())
        );
    }
    assert_eq!(listed(&another, &index(9)).await.len(), 60);
    assert_eq!(listed(&another, &index(3)).await.len(), 12);
    let leaves = ListChange {
        index: index(3),
        until: None,
    };
    put(&another, &key(3), Some(1), b"gone", &[leaves]).await.unwrap();
    assert!(!listed(&store, &index(3)).await.contains(&key(3)));
    let lost = put(&another, &key(3), Some(1), b"late", &[entered(index(4))]).await;
    assert_eq!(lost.unwrap(), Written::Conflict);
    assert_eq!(load(&store, &key(3)).await.unwrap(), entry(2, b"gone"));
}

#[tokio::test]
async fn a_slot_on_its_way_is_followed_and_a_moved_one_too() {
    let cluster = RedisCluster::start(3).await;
    let store = patient(&url(&cluster).await).await;
    create(&store, &key(1), b"1").await;
    let slot = cluster.slot_of(&name_of(1)).await;
    let to = (cluster.owner_of(slot).await + 1) % 3;
    cluster.begin_move(slot, to).await;
    assert_eq!(
        load(&store, &key(1)).await.unwrap(),
        entry(1, b"1"),
        "not on its way yet"
    );
    cluster.move_keys(slot, to).await;
    assert_eq!(load(&store, &key(1)).await.unwrap(), entry(1, b"1"), "with ASK");
    let written = put(&store, &key(1), Some(1), b"2", &[entered(index(1))]).await;
    assert_eq!(
        written.unwrap(),
        Written::Done { version: 2 },
        "with ASK, and a script that the node does not know"
    );
    cluster.finish_move(slot, to).await;
    assert_eq!(load(&store, &key(1)).await.unwrap(), entry(2, b"2"), "with MOVED");
    let written = put(&store, &key(1), Some(2), b"3", &[]).await;
    assert_eq!(written.unwrap(), Written::Done { version: 3 });
}

#[tokio::test]
async fn over_tls_an_account_with_the_documented_rights_does() {
    let mut user = user();
    user.rules = format!("{RULES} +cluster|slots +asking");
    let cluster = RedisCluster::start_with(
        3,
        RedisOptions {
            tls: true,
            users: vec![user],
            ..RedisOptions::default()
        },
    )
    .await;
    let authority = Authority::new("cluster");
    let rest = format!("?ca={}", authority.path());
    let url = joined("rediss+cluster", "doorward:p%40ss%3Aw%2Frd%3F@", &cluster.urls(), &rest);
    let store = patient(&url).await;
    store.check().await.expect("an account with the documented rights");
    for number in 0..20 {
        put(&store, &key(number), None, b"x", &[entered(index(1))])
            .await
            .unwrap();
        assert_eq!(load(&store, &key(number)).await.unwrap(), entry(1, b"x"));
    }
    let slot = cluster.slot_of(&name_of(1)).await;
    let to = (cluster.owner_of(slot).await + 1) % 3;
    cluster.begin_move(slot, to).await;
    cluster.move_keys(slot, to).await;
    assert_eq!(load(&store, &key(1)).await.unwrap(), entry(1, b"x"), "with ASK");
}

#[tokio::test]
async fn a_stopped_node_costs_its_own_slots_only_and_is_met_again() {
    let cluster = RedisCluster::start(3).await;
    // Otherwise all of the cluster refuses as soon as a part is missing.
    for node in cluster.nodes() {
        node.command(&["CONFIG", "SET", "cluster-require-full-coverage", "no"])
            .await
            .unwrap();
    }
    let store = connect(&url(&cluster).await).await;
    let (mut theirs, mut others) = (Vec::new(), Vec::new());
    for number in 0..30 {
        create(&store, &key(number), b"x").await;
        let owner = cluster.owner_of(cluster.slot_of(&name_of(number)).await).await;
        if owner == 0 { &mut theirs } else { &mut others }.push(key(number));
    }
    for freeze in [true, false] {
        if freeze {
            cluster.nodes()[0].freeze();
        } else {
            cluster.nodes()[0].kill();
        }
        for key in &theirs {
            let (kind, source) = failed(load(&store, key).await);
            assert!(matches!(kind, Kind::Timeout | Kind::Unreachable), "{source}");
        }
        for key in &others {
            assert_eq!(load(&store, key).await.expect("a node that stands"), entry(1, b"x"));
        }
        if freeze {
            cluster.nodes()[0].thaw();
        } else {
            cluster.nodes()[0].restart().await;
        }
        let took = eventually("the node's sessions", async || load(&store, &theirs[0]).await.is_ok()).await;
        println!("frozen: {freeze}; served {took:?} after the node was back");
    }
}

#[tokio::test]
async fn a_killed_primary_is_followed_by_its_replica_and_costs_no_session() {
    let cluster = RedisCluster::start_with_replicas(3).await;
    let store = connect(&url(&cluster).await).await;
    let (mut theirs, mut others) = (Vec::new(), Vec::new());
    for number in 0..30 {
        let written = put(&store, &key(number), None, b"x", &[entered(index(1))]).await;
        assert_eq!(written.unwrap(), Written::Done { version: 1 });
        let owner = cluster.owner_of(cluster.slot_of(&name_of(number)).await).await;
        if owner == 0 { &mut theirs } else { &mut others }.push(key(number));
    }
    for primary in &cluster.nodes()[..3] {
        primary
            .command(&["WAIT", "1", "5000"])
            .await
            .expect("a replica that has everything");
    }
    cluster.nodes()[0].kill();
    let took = eventually("the killed node's sessions", async || {
        match load(&store, &theirs[0]).await {
            Ok(found) => {
                assert_eq!(found, entry(1, b"x"));
                true
            }
            Err(error) => {
                assert!(matches!(error.kind(), Kind::Timeout | Kind::Unreachable), "{error}");
                false
            }
        }
    })
    .await;
    println!("served by the replica {took:?} after its primary was killed");
    let promoted = cluster.nodes()[3].command(&["ROLE"]).await;
    assert!(promoted.is_ok_and(|role| role.starts_with("master")));
    for key in theirs.iter().chain(&others) {
        eventually("a cluster that serves all", async || {
            load(&store, key).await.is_ok_and(|found| found == entry(1, b"x"))
        })
        .await;
        let written = put(&store, key, Some(1), b"after", &[]).await;
        assert_eq!(written.expect("a write"), Written::Done { version: 2 });
    }
    assert_eq!(listed(&store, &index(1)).await.len(), 30);
    let mut feed = store.feed().await.expect("a feed of a node that stands");
    put(&store, &theirs[0], Some(2), b"told", &[]).await.expect("a write");
    assert_eq!(feed.next().await.expect("a key"), theirs[0]);
    // What was the primary comes back as a replica, and nobody of us reads there.
    cluster.nodes()[0].restart().await;
    assert_eq!(load(&store, &theirs[0]).await.unwrap(), entry(3, b"told"));
}

#[tokio::test]
async fn a_server_by_itself_is_no_cluster_and_a_node_no_server_by_itself() {
    let server = RedisServer::start(RedisOptions::default()).await;
    let store = connect(&server.url().replace("redis:", "redis+cluster:")).await;
    let (kind, source) = failed(load(&store, &key(1)).await);
    assert_eq!(
        (kind, source.contains("found a server by itself")),
        (Kind::Failed, true),
        "{source}"
    );
    let cluster = RedisCluster::start(3).await;
    let store = connect(&cluster.urls()[0]).await;
    let (kind, source) = failed(load(&store, &key(1)).await);
    assert_eq!(
        (kind, source.contains("redis+cluster://")),
        (Kind::Failed, true),
        "{source}"
    );
}

/// A node that says it serves every slot, at `port`.
fn node(port: u16, rest: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static) -> impl Fn(&str) -> Option<Reply> {
    move |command| {
        rest(command).or_else(|| match command {
            "HELLO" => Some(crate::fake::bytes(
                "%3\r\n+version\r\n+7.2.0\r\n+mode\r\n+cluster\r\n+role\r\n+master\r\n",
            )),
            "CLUSTER" => Some(crate::fake::bytes(&format!(
                "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:{port}\r\n"
            ))),
            "ASKING" => Some(crate::fake::bytes("+OK\r\n")),
            _ => None,
        })
    }
}

#[tokio::test]
async fn nodes_that_send_each_other_our_calls_for_ever_get_them_a_few_times_each() {
    let (one, two) = (Fake::start().await, Fake::start().await);
    for (here, there) in [(&one, &two), (&two, &one)] {
        for kind in ["MOVED", "ASK"] {
            let port = there.port();
            let sent_on =
                move |command: &str| (command == "GETRANGE").then(|| error(&format!("{kind} 7 127.0.0.1:{port}")));
            here.behave(node(one.port(), sent_on));
        }
    }
    let store = connect(&format!("redis+cluster://127.0.0.1:{}", one.port())).await;
    assert_eq!(failed(load(&store, &key(1)).await).0, Kind::Unreachable);
    assert!(one.heard("GETRANGE") + two.heard("GETRANGE") <= 6);
    for fake in [&one, &two] {
        fake.behave(node(one.port(), |_| None));
    }
    assert_eq!(load(&store, &key(1)).await.expect("the next answer"), None);
}

#[tokio::test]
async fn what_a_cluster_answers_in_trouble_is_named_and_the_next_call_works() {
    let fake = Fake::start().await;
    fake.behave(node(fake.port(), |_| None));
    let store = connect(&format!("redis+cluster://127.0.0.1:{}", fake.port())).await;
    for (text, kind) in [
        ("CLUSTERDOWN The cluster is down", Kind::Unreachable),
        (
            "TRYAGAIN Multiple keys request during rehashing of slot",
            Kind::Unreachable,
        ),
        (
            "READONLY You can't write against a read only replica.",
            Kind::Unreachable,
        ),
        ("LOADING Redis is loading", Kind::Unreachable),
        ("MOVED 1 127.0.0.1:1", Kind::Unreachable),
        ("ASK 1 127.0.0.1:1", Kind::Unreachable),
        ("MOVED x", Kind::Failed),
        ("WRONGTYPE Operation", Kind::Foreign),
        ("CROSSSLOT Keys in request don't hash to the same slot", Kind::Failed),
    ] {
        let answer = move |command: &str| matches!(command, "GETRANGE" | "EVALSHA").then(|| error(text));
        fake.behave(node(fake.port(), answer));
        assert_eq!(failed(load(&store, &key(1)).await).0, kind, "{text}");
        assert_eq!(failed(put(&store, &key(1), None, b"x", &[]).await).0, kind, "{text}");
        fake.behave(node(fake.port(), |_| None));
        let took = eventually("the next answer", async || load(&store, &key(1)).await.is_ok()).await;
        assert!(took < Duration::from_millis(500), "{text}: {took:?}");
    }
    for garbage in ["*0\r\n", "+OK\r\n", "*1\r\n:1\r\n", "$-1\r\n"] {
        let fake = Fake::start().await;
        let map = move |command: &str| (command == "CLUSTER").then(|| crate::fake::bytes(garbage));
        fake.behave(node(fake.port(), map));
        let store = connect(&format!("redis+cluster://127.0.0.1:{}", fake.port())).await;
        let kind = failed(load(&store, &key(1)).await).0;
        assert!(
            matches!(kind, Kind::Failed | Kind::Unreachable),
            "{garbage:?}: {kind:?}"
        );
        fake.behave(node(fake.port(), |_| None));
        eventually("the next answer", async || load(&store, &key(1)).await.is_ok()).await;
    }
}
