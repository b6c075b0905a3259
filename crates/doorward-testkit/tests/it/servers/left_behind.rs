//! A test that dies leaves no server behind.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use doorward_testkit::servers::{RedisOptions, RedisServer};
use tokio::time::{sleep, timeout};

use super::{Wire, refuses};

const ROLE: &str = "DOORWARD_TESTKIT_DIES";
const NAME: &str = "servers::left_behind::a_killed_test_leaves_no_server_and_no_folder";

#[tokio::test]
async fn a_killed_test_leaves_no_server_and_no_folder() {
    #[allow(
        clippy::disallowed_methods,
        reason = "one test plays both: who kills, and who is killed"
    )]
    if std::env::var_os(ROLE).is_some() {
        return be_killed().await;
    }
    let mut other = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", NAME, "--nocapture"])
        .env(ROLE, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program once more");
    let lines = BufReader::new(other.stdout.take().expect("its output")).lines();
    let line = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("port ").map(str::to_owned));
    let port = line.expect("the port of its server").parse().expect("a port");
    let folder = format!("doorward-redis-{}-0", other.id());
    let folder = std::env::temp_dir().join(folder);
    assert_eq!(Wire::to(port).await.ask("PING\r\n").await, "+PONG\r\n");
    assert!(folder.exists());

    other.kill().expect("to kill it");
    other.wait().expect("to hear that it ended");
    let gone = async {
        while !refuses(port).await || folder.exists() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), gone)
        .await
        .expect("neither server nor folder");
}

/// Starts a server, says where, and waits for an end that no destructor sees.
async fn be_killed() {
    let server = RedisServer::start(RedisOptions::default()).await;
    #[allow(clippy::print_stdout, reason = "the other half of the test reads it")]
    {
        println!("\nport {}", server.port());
    }
    std::future::pending::<()>().await;
}
