//! Real servers: each starts, answers, stands still, goes on, dies and comes back.

mod cluster;
mod left_behind;
mod nginx;
mod postgres;
mod redis;
mod sentinel;

use std::process::{Command, Output};
use std::time::Duration;

use doorward_testkit::servers::{
    Nginx, PostgresServer, RedisCluster, RedisOptions, RedisServer, Sentinels, certificate_authority,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Whatever starts or ends a server can be awaited in a task of its own.
#[allow(dead_code, reason = "that it compiles is the claim")]
fn futures_can_go_to_another_thread(redis: &RedisServer, postgres: &PostgresServer) {
    fn sendable(_: impl Send) {}
    sendable(RedisServer::start(RedisOptions::default()));
    sendable(redis.start_replica());
    sendable(redis.restart());
    sendable(redis.restart_empty());
    sendable(redis.command(&[]));
    sendable(Sentinels::start(redis, 3));
    sendable(RedisCluster::start(3));
    sendable(PostgresServer::start());
    sendable(postgres.restart());
    sendable(postgres.restart_empty());
    sendable(postgres.query(""));
    sendable(Nginx::start(""));
}

/// Long enough for an answer on a busy machine to have come.
const A_WHILE: Duration = Duration::from_millis(300);

/// A client of ours on a port of this machine.
struct Wire(TcpStream);

impl Wire {
    async fn to(port: u16) -> Self {
        Self(
            TcpStream::connect(("127.0.0.1", port))
                .await
                .expect("a port that accepts"),
        )
    }

    /// Sends `request`, and answers with what comes back first.
    async fn ask(&mut self, request: &str) -> String {
        self.send(request).await;
        self.answer().await
    }

    async fn send(&mut self, request: &str) {
        self.0.write_all(request.as_bytes()).await.expect("to send");
    }

    async fn answer(&mut self) -> String {
        let mut bytes = [0; 4096];
        let length = timeout(Duration::from_secs(10), self.0.read(&mut bytes));
        let length = length.await.expect("an answer").expect("an answer");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    /// Whether nothing comes for a while.
    async fn is_silent(&mut self) -> bool {
        timeout(A_WHILE, self.0.peek(&mut [0])).await.is_err()
    }
}

/// Whether a port of this machine refuses connections.
async fn refuses(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).await.is_err()
}

/// The same for the port that a URL names.
async fn refuses_url(url: &str) -> bool {
    let port = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    refuses(port.expect("a URL that ends in a port")).await
}

/// The authority's certificate as a file; keep the folder while it is used.
struct Authority(std::path::PathBuf);

impl Authority {
    fn file() -> Self {
        let path = std::env::temp_dir().join(format!("doorward-authority-{}.pem", std::process::id()));
        std::fs::write(&path, certificate_authority()).expect("to write the certificate");
        Self(path)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn printed(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().expect("a program that is installed");
    (output.status.success(), printed(&output))
}
