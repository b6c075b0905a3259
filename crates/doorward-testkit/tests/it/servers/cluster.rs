//! Redis Cluster.

use std::process::Command;

use doorward_testkit::servers::{RedisCluster, RedisOptions};

use super::{Authority, Wire, run};

#[tokio::test]
async fn a_cluster_answers_on_each_node_and_a_slot_moves_from_one_to_another() {
    let cluster = RedisCluster::start(3).await;
    let mut wires = Vec::new();
    for node in cluster.nodes() {
        wires.push(Wire::to(node.port()).await);
    }
    for wire in &mut wires {
        assert_eq!(wire.ask("PING\r\n").await, "+PONG\r\n");
    }

    let slot = cluster.slot_of("key").await;
    let from = cluster.owner_of(slot).await;
    let to = (from + 1) % 3;
    let port = |index: usize| cluster.nodes()[index].port();
    let moved = |index: usize| format!("-MOVED {slot} 127.0.0.1:{}\r\n", port(index));
    assert_eq!(wires[from].ask("SET key value\r\n").await, "+OK\r\n");
    assert_eq!(wires[to].ask("GET key\r\n").await, moved(from));

    cluster.begin_move(slot, to).await;
    assert_eq!(
        wires[from].ask("GET key\r\n").await,
        "$5\r\nvalue\r\n",
        "it is still there"
    );
    cluster.move_keys(slot, to).await;
    let ask = format!("-ASK {slot} 127.0.0.1:{}\r\n", port(to));
    assert_eq!(wires[from].ask("GET key\r\n").await, ask);
    assert_eq!(wires[to].ask("GET key\r\n").await, moved(from), "without ASKING");
    assert_eq!(wires[to].ask("ASKING\r\n").await, "+OK\r\n");
    assert_eq!(wires[to].ask("GET key\r\n").await, "$5\r\nvalue\r\n");

    cluster.finish_move(slot, to).await;
    assert_eq!(wires[to].ask("GET key\r\n").await, "$5\r\nvalue\r\n");
    assert_eq!(wires[from].ask("GET key\r\n").await, moved(to));
    cluster.move_slot(slot, from).await;
    assert_eq!(cluster.owner_of(slot).await, from);
    assert_eq!(wires[from].ask("GET key\r\n").await, "$5\r\nvalue\r\n");
}

#[tokio::test]
async fn a_node_that_comes_back_serves_its_slots_again() {
    let cluster = RedisCluster::start(3).await;
    let owner = &cluster.nodes()[cluster.owner_of(cluster.slot_of("key").await).await];
    owner.command(&["SET", "key", "value"]).await.unwrap();
    owner.kill();
    owner.restart().await;
    cluster.settled().await;
    assert_eq!(owner.command(&["GET", "key"]).await.as_deref(), Ok("value"));
}

#[tokio::test]
async fn a_cluster_with_tls_and_a_password_moves_a_slot_with_its_keys() {
    let options = RedisOptions {
        tls: true,
        password: Some("pw".to_owned()),
        ..RedisOptions::default()
    };
    let cluster = RedisCluster::start_with(2, options).await;
    let authority = Authority::file();
    let slot = cluster.slot_of("key").await;
    let from = cluster.owner_of(slot).await;
    let cli = |index: usize, words: &[&str]| {
        let port = cluster.nodes()[index].port().to_string();
        let mut command = Command::new("redis-cli");
        command.args(["-e", "--no-auth-warning", "--tls", "-a", "pw", "-p", &port, "--cacert"]);
        run(command.arg(&authority.0).args(words))
    };
    assert_eq!(cli(from, &["SET", "key", "value"]), (true, "OK\n".to_owned()));
    cluster.move_slot(slot, 1 - from).await;
    assert_eq!(cli(1 - from, &["GET", "key"]), (true, "value\n".to_owned()));
    let (_, printed) = cli(from, &["GET", "key"]);
    let port = cluster.nodes()[1 - from].port();
    assert!(printed.contains(&format!("MOVED {slot} 127.0.0.1:{port}")), "{printed}");
}
