//! A PostgreSQL server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Signal, geteuid};
use url::Url;

use super::certificates;
use super::core::{Core, NotStarted, on_a_free_port, on_the_same_port, program, run};

const USER: &str = "doorward";
const PASSWORD: &str = "testkit";
const DATABASE: &str = "postgres";
const DATA: &str = "data";
/// The account that Debian's package makes; PostgreSQL refuses to run as root.
const ACCOUNT: &str = "postgres";
/// Where Debian keeps the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// How a PostgreSQL server is to be; the default speaks without TLS.
#[derive(Clone, Debug, Default)]
pub struct PostgresOptions {
    /// TLS only, with a certificate for `localhost` and 127.0.0.1 of [`certificate_authority`].
    ///
    /// [`certificate_authority`]: super::certificate_authority
    pub tls: bool,
}

/// A running PostgreSQL server with one account and its password; data survives [`restart`](Self::restart).
pub struct PostgresServer {
    core: Core,
    options: PostgresOptions,
    programs: Option<PathBuf>,
    port: u16,
}

impl PostgresServer {
    /// Starts a server with an empty database and waits until it answers.
    ///
    /// # Panics
    /// If it does not, within [`START_LIMIT`](super::START_LIMIT).
    pub async fn start() -> Self {
        Self::start_with(PostgresOptions::default()).await
    }

    /// The same with options.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub async fn start_with(options: PostgresOptions) -> Self {
        let options = &options;
        on_a_free_port(|port| async move {
            let server = Self {
                core: Core::new("postgres"),
                options: options.clone(),
                programs: newest(Path::new(DEBIAN)),
                port,
            };
            server.core.folder().write("password", PASSWORD);
            if server.options.tls {
                certificates::write(server.core.folder());
            }
            server.hand_over().await?;
            server.make_database().await?;
            server.launch().await?;
            Ok(server)
        })
        .await
    }

    /// Where a client finds it, with user, password and database; with TLS it asks for `sslmode=require`.
    #[must_use]
    pub fn url(&self) -> String {
        let mut url = Url::parse(&format!("postgres://127.0.0.1:{}/{DATABASE}", self.port)).expect("a correct URL");
        url.set_username(USER).expect("a URL that may have a user");
        url.set_password(Some(PASSWORD))
            .expect("a URL that may have a password");
        if self.options.tls {
            url.set_query(Some("sslmode=require"));
        }
        url.into()
    }

    /// The port of 127.0.0.1 it listens on; the same for its whole life.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs SQL with all rights, past TLS; answers with rows as lines and columns parted by `|`, as `psql -At` has it.
    ///
    /// # Errors
    /// What `psql` says, or that it had no answer.
    pub async fn query(&self, sql: &str) -> Result<String, String> {
        let mut command = Command::new(self.program("psql")?);
        command
            .args([
                "--no-psqlrc",
                "--quiet",
                "--no-align",
                "--tuples-only",
                "--set=ON_ERROR_STOP=1",
            ])
            .args([
                "--username",
                USER,
                "--dbname",
                DATABASE,
                "--port",
                &self.port.to_string(),
                "--command",
                sql,
            ])
            .arg("--host")
            .arg(self.core.folder().path())
            .env("PGPASSWORD", PASSWORD);
        Ok(run(command).await?.trim_end().to_owned())
    }

    /// Stops all its processes where they stand: connections stay open and nothing is answered any more.
    pub fn freeze(&self) {
        self.core.freeze();
    }

    /// Lets a frozen server go on.
    pub fn thaw(&self) {
        self.core.thaw();
    }

    /// Kills all its processes; connections break and its port refuses new ones.
    pub fn kill(&self) {
        self.core.kill();
    }

    /// Asks it to end without waiting for its clients, and waits until it has.
    ///
    /// # Panics
    /// If it does not, within [`START_LIMIT`](super::START_LIMIT).
    pub async fn stop(&self) {
        self.core.stop(Signal::INT).await;
    }

    /// Starts it again on its port with the data it had, stopping it first if it runs.
    ///
    /// # Panics
    /// If it does not answer, within [`START_LIMIT`](super::START_LIMIT).
    pub async fn restart(&self) {
        self.stop().await;
        on_the_same_port(|| self.launch()).await;
    }

    /// Kills it and starts it again on its port with an empty database, as a server whose data is lost.
    ///
    /// # Panics
    /// If it does not answer, within [`START_LIMIT`](super::START_LIMIT).
    pub async fn restart_empty(&self) {
        self.kill();
        let data = self.core.folder().join(DATA);
        fs::remove_dir_all(data).expect("to remove the data of a server that was killed");
        self.make_database().await.unwrap_or_else(|text| panic!("{text}"));
        on_the_same_port(|| self.launch()).await;
    }

    /// Everything it printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.core.output()
    }

    /// Gives the folder to the account that runs the server.
    async fn hand_over(&self) -> Result<(), String> {
        if !geteuid().is_root() {
            return Ok(());
        }
        let mut command = Command::new("chown");
        command.args(["--recursive", ACCOUNT]).arg(self.core.folder().path());
        run(command).await.map(|_| ()).map_err(|text| {
            format!(
                "expected an account `{ACCOUNT}` to run PostgreSQL as, because it refuses root: run the tests as \
                 somebody else, or install Debian's postgresql, which makes it; found: {text}"
            )
        })
    }

    async fn make_database(&self) -> Result<(), String> {
        let mut command = self.command("initdb")?;
        command
            .args([
                "--no-sync",
                "--no-instructions",
                "--no-locale",
                "--encoding=UTF8",
                "--auth=scram-sha-256",
            ])
            .args(["--username", USER])
            .arg("--pwfile")
            .arg(self.core.folder().join("password"))
            .arg(self.core.folder().join(DATA));
        run(command).await.map(|_| ())
    }

    async fn launch(&self) -> Result<(), NotStarted> {
        let folder = self.core.folder();
        let mut settings = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            format!("unix_socket_directories={}", folder.path().display()),
            // A killed process loses nothing by these; only a machine that loses power would. Commits stay synchronous: what
            // a server that is killed has acknowledged must have left its memory.
            "fsync=off".to_owned(),
            "full_page_writes=off".to_owned(),
            "shared_buffers=16MB".to_owned(),
            "max_connections=100".to_owned(),
        ];
        if self.options.tls {
            // Whoever comes over TCP without TLS is refused; the socket is this module's own way in.
            let rules = "local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
            folder.write("hosts.conf", rules);
            settings.push(format!("hba_file={}", folder.text("hosts.conf")));
            settings.push("ssl=on".to_owned());
            settings.push(format!("ssl_cert_file={}", folder.text(certificates::CERTIFICATE)));
            settings.push(format!("ssl_key_file={}", folder.text(certificates::KEY)));
        }
        let mut command = self.command("postgres")?;
        command.arg("-D").arg(folder.join(DATA));
        for setting in settings {
            command.args(["-c", &setting]);
        }
        self.core
            .launch(&mut command, || async { self.query("select 1").await.map(|_| ()) })
            .await
    }

    /// A program that works on the server's files, as the account they belong to.
    fn command(&self, name: &str) -> Result<Command, String> {
        let program = self.program(name)?;
        let mut command = if geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid", ACCOUNT, "--regid", ACCOUNT, "--init-groups"])
                .arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.core.folder().path());
        Ok(command)
    }

    fn program(&self, name: &str) -> Result<String, String> {
        match &self.programs {
            Some(folder) => program(&[&folder.join(name).display().to_string(), name]),
            None => program(&[name]),
        }
    }
}

/// The programs of the newest version that Debian's packages installed.
pub(super) fn newest(versions: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(versions).ok()?.filter_map(Result::ok);
    let newest = versions
        .filter_map(|version| {
            Some((
                version.file_name().to_str()?.parse::<u32>().ok()?,
                version.path().join("bin"),
            ))
        })
        .filter(|(_, programs)| programs.join("postgres").is_file())
        .max();
    newest.map(|(_, programs)| programs)
}
