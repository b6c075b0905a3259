//! A Redis server.

use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;
use url::Url;

use super::core::{Core, NotStarted, free_port, on_a_free_port, on_the_same_port, program};
use super::folder::Folder;
use super::{certificates, resp, wait};

/// The account with which this module commands a server, beside those of a test.
pub(super) const KEEPER: (&str, &str) = ("testkit", "testkit");
const CONFIG: &str = "redis.conf";
const DATA: &str = "data";
const SOCKET: &str = "redis.sock";

/// An account of the access control list.
#[derive(Clone, Debug)]
pub struct RedisUser {
    /// Its name.
    pub name: String,
    /// Its password.
    pub password: String,
    /// What it may, as `ACL SETUSER` has it: `~* &* +@all`, say.
    pub rules: String,
}

/// How a Redis server is to be; the default is plain, open to everybody and alone.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    /// TLS only, with a certificate for `localhost` and 127.0.0.1 of [`certificate_authority`].
    ///
    /// [`certificate_authority`]: super::certificate_authority
    pub tls: bool,
    /// The default user's password. With neither this nor users, the default user needs none.
    pub password: Option<String>,
    /// Further accounts. With users and no password, the default user is off.
    pub users: Vec<RedisUser>,
    /// The port of the primary that it copies.
    pub replica_of: Option<u16>,
    /// A node of a cluster that is still to be made; [`RedisCluster`] starts one whole.
    ///
    /// [`RedisCluster`]: super::RedisCluster
    pub cluster: bool,
}

/// A running Redis server; keys survive [`restart`](Self::restart), as with an append-only file.
pub struct RedisServer {
    core: Core,
    options: RedisOptions,
    port: u16,
    bus_port: u16,
}

impl RedisServer {
    /// Starts a server and waits until it answers; a replica until it has its primary's data.
    ///
    /// # Panics
    /// If it does not, within [`START_LIMIT`](super::START_LIMIT).
    pub async fn start(options: RedisOptions) -> Self {
        let options = &options;
        on_a_free_port(|port| async move {
            let server = Self {
                core: Core::new("redis"),
                options: options.clone(),
                port,
                bus_port: free_port(),
            };
            if server.options.tls {
                certificates::write(server.core.folder());
            }
            server.core.folder().write(CONFIG, &server.config());
            server.launch().await?;
            Ok(server)
        })
        .await
    }

    /// Starts a replica of `self`, with the same accounts and the same transport.
    ///
    /// # Panics
    /// If it does not answer or does not get its primary's data, within [`START_LIMIT`](super::START_LIMIT).
    pub async fn start_replica(&self) -> Self {
        Self::start(RedisOptions {
            replica_of: Some(self.port),
            ..self.options.clone()
        })
        .await
    }

    /// Where a client finds it: `redis://` or `rediss://`, with the first user and its password, if there are any.
    #[must_use]
    pub fn url(&self) -> String {
        match (self.options.users.first(), &self.options.password) {
            (Some(user), _) => self.url_as(&user.name, &user.password),
            (None, Some(password)) => self.url_as("", password),
            (None, None) => self.url_as("", ""),
        }
    }

    /// The same for a certain user; the default user has an empty name here.
    #[must_use]
    pub fn url_as(&self, user: &str, password: &str) -> String {
        let scheme = if self.options.tls { "rediss" } else { "redis" };
        let mut url = Url::parse(&format!("{scheme}://127.0.0.1:{}", self.port)).expect("a correct URL");
        url.set_username(user).expect("a URL that may have a user");
        let password = (!password.is_empty()).then_some(password);
        url.set_password(password).expect("a URL that may have a password");
        url.into()
    }

    /// The port of 127.0.0.1 it listens on; the same for its whole life.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn bus_port(&self) -> u16 {
        self.bus_port
    }

    pub(super) fn has_tls(&self) -> bool {
        self.options.tls
    }

    /// Runs one command with all rights, past every password and TLS; the elements of an array come as lines.
    ///
    /// # Errors
    /// The server's error reply, or that there was no reply.
    pub async fn command(&self, words: &[&str]) -> Result<String, String> {
        let socket: PathBuf = self.core.folder().join(SOCKET);
        resp::command(&socket, Some(KEEPER), words).await
    }

    /// Stops its process where it stands: connections stay open and nothing is answered any more.
    pub fn freeze(&self) {
        self.core.freeze();
    }

    /// Lets a frozen server go on.
    pub fn thaw(&self) {
        self.core.thaw();
    }

    /// Kills it; connections break and its port refuses new ones.
    pub fn kill(&self) {
        self.core.kill();
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Panics
    /// If it does not, within [`START_LIMIT`](super::START_LIMIT).
    pub async fn stop(&self) {
        self.core.stop(Signal::TERM).await;
    }

    /// Starts it again on its port with the keys and the role it had, stopping it first if it runs.
    ///
    /// # Panics
    /// If it does not answer, within [`START_LIMIT`](super::START_LIMIT).
    pub async fn restart(&self) {
        self.stop().await;
        on_the_same_port(|| self.launch()).await;
    }

    /// Kills it and starts it again on its port without a key, as a server whose data is lost.
    ///
    /// Of a cluster it knows nothing any more.
    ///
    /// # Panics
    /// If it does not answer, within [`START_LIMIT`](super::START_LIMIT).
    pub async fn restart_empty(&self) {
        self.kill();
        // Without a folder there is nothing to forget.
        let _ = std::fs::remove_dir_all(self.core.folder().join(DATA));
        on_the_same_port(|| self.launch()).await;
    }

    /// Everything it printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.core.output()
    }

    async fn launch(&self) -> Result<(), NotStarted> {
        let data = self.core.folder().join(DATA);
        std::fs::create_dir_all(&data).map_err(|error| format!("expected a folder for data, found: {error}"))?;
        let mut command = redis_server()?;
        command
            .arg(self.core.folder().join(CONFIG))
            .current_dir(self.core.folder().path());
        self.core
            .launch(&mut command, || async { self.command(&["PING"]).await.map(|_| ()) })
            .await?;
        if self.command(&["ROLE"]).await?.starts_with("slave") {
            wait::until("a replica with its primary's data", || async {
                let role = self.command(&["ROLE"]).await?;
                let connected = role.lines().nth(3) == Some("connected");
                if connected { Ok(()) } else { Err(format!("{role:?}")) }
            })
            .await?;
        }
        Ok(())
    }

    fn config(&self) -> String {
        let folder = self.core.folder();
        let (keeper, keeper_password) = KEEPER;
        let mut lines = vec![
            format!("unixsocket {}", folder.text(SOCKET)),
            format!("dir {}", folder.text(DATA)),
            // Kept without waiting for the disk: a killed process loses nothing that it answered.
            "appendonly yes".to_owned(),
            "appendfsync no".to_owned(),
            "save \"\"".to_owned(),
            // A replica's first copy need not wait for others that might come.
            "repl-diskless-sync-delay 0".to_owned(),
            "repl-ping-replica-period 1".to_owned(),
            format!("user {keeper} on >{keeper_password} ~* &* +@all"),
            format!("masteruser {keeper}"),
            format!("masterauth {keeper_password}"),
        ];
        lines.extend(transport(folder, self.options.tls, self.port));
        if let Some(password) = &self.options.password {
            lines.push(format!("requirepass {}", quoted(password)));
        } else if !self.options.users.is_empty() {
            lines.push("user default off".to_owned());
        }
        for RedisUser { name, password, rules } in &self.options.users {
            let password = quoted(&format!(">{password}"));
            lines.push(format!("user {} on {password} {rules}", quoted(name)));
        }
        if let Some(primary) = self.options.replica_of {
            lines.push(format!("replicaof 127.0.0.1 {primary}"));
        }
        if self.options.cluster {
            lines.push("cluster-enabled yes".to_owned());
            // By default it is the port and ten thousand, which is beyond the last port for many a kernel's choice.
            lines.push(format!("cluster-port {}", self.bus_port));
            lines.push("cluster-announce-ip 127.0.0.1".to_owned());
            lines.push("cluster-node-timeout 2000".to_owned());
            if self.options.tls {
                lines.push("tls-cluster yes".to_owned());
            }
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// Where a server or a sentinel listens, and how it speaks there and to others of its kind.
pub(super) fn transport(folder: &Folder, tls: bool, port: u16) -> Vec<String> {
    let mut lines = vec!["bind 127.0.0.1".to_owned()];
    if tls {
        lines.push("port 0".to_owned());
        lines.push(format!("tls-port {port}"));
        lines.push(format!("tls-cert-file {}", folder.text(certificates::CERTIFICATE)));
        lines.push(format!("tls-key-file {}", folder.text(certificates::KEY)));
        lines.push(format!("tls-ca-cert-file {}", folder.text(certificates::AUTHORITY)));
        lines.push("tls-auth-clients no".to_owned());
        lines.push("tls-replication yes".to_owned());
    } else {
        lines.push(format!("port {port}"));
    }
    lines
}

/// A server that speaks Redis's protocol, whoever made it.
pub(super) fn redis_server() -> Result<Command, String> {
    program(&["redis-server", "valkey-server"]).map(Command::new)
}

/// A value as Redis's configuration file has it.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}
