//! Sentinels that watch a Redis server and promote its replica.

use rustix::process::Signal;

use super::core::{Core, NotStarted, on_a_free_port, on_the_same_port};
use super::redis::{KEEPER, RedisServer, redis_server, transport};
use super::{certificates, resp, wait};

/// What the sentinels call the primary and its replicas.
const MASTER_NAME: &str = "doorward";
const CONFIG: &str = "sentinel.conf";
const SOCKET: &str = "sentinel.sock";

/// Running sentinels; they promote a replica once the primary has been silent for a second.
pub struct Sentinels {
    sentinels: Vec<Sentinel>,
    tls: bool,
}

struct Sentinel {
    core: Core,
    port: u16,
}

impl Sentinels {
    /// Starts `count` sentinels over `primary`, of which a majority has to agree, and waits until they know each other
    /// and the replicas that the primary has by now.
    ///
    /// # Panics
    /// If they do not, within [`START_LIMIT`](super::START_LIMIT).
    pub async fn start(primary: &RedisServer, count: usize) -> Self {
        let starts = (0..count).map(|_| Sentinel::start(primary, count / 2 + 1));
        let sentinels = Self {
            sentinels: futures_util::future::join_all(starts).await,
            tls: primary.has_tls(),
        };
        let replicas = replicas_of(primary).await;
        for sentinel in &sentinels.sentinels {
            let expected = format!("a sentinel that knows {} others and {replicas} replicas", count - 1);
            let known = wait::until(&expected, || sentinel.knows(count - 1, replicas)).await;
            known.unwrap_or_else(|text| panic!("{text}; it printed:\n{}", sentinel.core.output()));
        }
        sentinels
    }

    /// Where a client finds each of them: `redis://`, or `rediss://` where the primary speaks TLS; without a password.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        let scheme = if self.tls { "rediss" } else { "redis" };
        let urls = self
            .sentinels
            .iter()
            .map(|sentinel| format!("{scheme}://127.0.0.1:{}", sentinel.port));
        urls.collect()
    }

    /// The name to ask them for.
    #[must_use]
    pub fn master_name(&self) -> &'static str {
        MASTER_NAME
    }

    /// The port of the server that all running sentinels take for the primary.
    ///
    /// # Errors
    /// Their answers if they differ, or that none runs.
    pub async fn primary_port(&self) -> Result<u16, String> {
        let mut ports = Vec::new();
        for sentinel in self.sentinels.iter().filter(|sentinel| sentinel.core.is_running()) {
            let answer = sentinel
                .command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME])
                .await?;
            let port = answer.lines().nth(1).and_then(|port| port.parse::<u16>().ok());
            ports.push(port.ok_or_else(|| format!("expected host and port, found {answer:?}"))?);
        }
        match ports.first() {
            Some(port) if ports.iter().all(|other| other == port) => Ok(*port),
            _ => Err(format!("expected one port that all sentinels name, found {ports:?}")),
        }
    }

    /// Waits until all running sentinels take another server than that of port `old` for the primary; answers with its
    /// port.
    ///
    /// # Panics
    /// If they do not, within [`START_LIMIT`](super::START_LIMIT).
    pub async fn promoted(&self, old: u16) -> u16 {
        let promoted = wait::until("a replica to be promoted", || async {
            match self.primary_port().await? {
                port if port == old => Err(format!("still {port} for the primary's port")),
                port => Ok(port),
            }
        });
        promoted
            .await
            .unwrap_or_else(|text| panic!("{text}; they printed:\n{}", self.output()))
    }

    /// Stops the sentinel at `index` where it stands.
    pub fn freeze(&self, index: usize) {
        self.sentinels[index].core.freeze();
    }

    /// Lets a frozen sentinel go on.
    pub fn thaw(&self, index: usize) {
        self.sentinels[index].core.thaw();
    }

    /// Kills the sentinel at `index`.
    pub fn kill(&self, index: usize) {
        self.sentinels[index].core.kill();
    }

    /// Starts the sentinel at `index` again with what it knew, stopping it first if it runs.
    ///
    /// # Panics
    /// If it does not answer, within [`START_LIMIT`](super::START_LIMIT).
    pub async fn restart(&self, index: usize) {
        let sentinel = &self.sentinels[index];
        sentinel.core.stop(Signal::TERM).await;
        on_the_same_port(|| sentinel.launch()).await;
    }

    /// Everything they printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.sentinels.iter().map(|sentinel| sentinel.core.output()).collect()
    }
}

impl Sentinel {
    async fn start(primary: &RedisServer, quorum: usize) -> Self {
        on_a_free_port(|port| async move {
            let sentinel = Self {
                core: Core::new("sentinel"),
                port,
            };
            if primary.has_tls() {
                certificates::write(sentinel.core.folder());
            }
            sentinel.core.folder().write(CONFIG, &sentinel.config(primary, quorum));
            sentinel.launch().await?;
            Ok(sentinel)
        })
        .await
    }

    async fn launch(&self) -> Result<(), NotStarted> {
        let folder = self.core.folder();
        let mut command = redis_server()?;
        command
            .arg(folder.join(CONFIG))
            .arg("--sentinel")
            .current_dir(folder.path());
        self.core
            .launch(&mut command, || async { self.command(&["PING"]).await.map(|_| ()) })
            .await?;
        // They look around every two and every ten seconds, for which no test has the time. Older ones cannot be told;
        // they are only slower.
        let hurry = [
            "SENTINEL",
            "DEBUG",
            "INFO-PERIOD",
            "300",
            "PUBLISH-PERIOD",
            "300",
            "ASK-PERIOD",
            "300",
        ];
        let _ = self.command(&hurry).await;
        Ok(())
    }

    async fn command(&self, words: &[&str]) -> Result<String, String> {
        resp::command(&self.core.folder().join(SOCKET), None, words).await
    }

    async fn knows(&self, others: usize, replicas: usize) -> Result<(), String> {
        let known = self.command(&["SENTINEL", "MASTER", MASTER_NAME]).await?;
        let value = |wanted: &str| {
            let mut lines = known.lines().skip_while(|line| *line != wanted).skip(1);
            lines.next().and_then(|number| number.parse::<usize>().ok())
        };
        let (found_others, found_replicas) = (value("num-other-sentinels"), value("num-slaves"));
        if found_others == Some(others) && found_replicas >= Some(replicas) {
            Ok(())
        } else {
            Err(format!("{found_others:?} others and {found_replicas:?} replicas"))
        }
    }

    fn config(&self, primary: &RedisServer, quorum: usize) -> String {
        let folder = self.core.folder();
        let (keeper, password) = KEEPER;
        let mut lines = transport(folder, primary.has_tls(), self.port);
        lines.extend([
            format!("unixsocket {}", folder.text(SOCKET)),
            format!("dir {}", folder.path().display()),
            format!("sentinel monitor {MASTER_NAME} 127.0.0.1 {} {quorum}", primary.port()),
            format!("sentinel auth-user {MASTER_NAME} {keeper}"),
            format!("sentinel auth-pass {MASTER_NAME} {password}"),
            format!("sentinel down-after-milliseconds {MASTER_NAME} 1000"),
            format!("sentinel failover-timeout {MASTER_NAME} 4000"),
            String::new(),
        ]);
        lines.join("\n")
    }
}

/// How many replicas a primary has.
async fn replicas_of(primary: &RedisServer) -> usize {
    let information = primary.command(&["INFO", "replication"]).await;
    let information = information.expect("a primary that answers");
    let mut lines = information.lines();
    let count = lines.find_map(|line| line.trim().strip_prefix("connected_slaves:"));
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(0);
    assert!(
        count > 0,
        "expected a primary with a replica to promote, found one with none"
    );
    count
}
