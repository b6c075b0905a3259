//! An nginx server.

use std::process::Command;

use rustix::process::{Signal, geteuid};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::certificates;
use super::core::{Core, NotStarted, on_a_free_port, on_the_same_port, program};

const CONFIG: &str = "nginx.conf";
const SOCKET: &str = "ready.sock";
const LISTEN: &str = "{listen}";
const FOLDER: &str = "{folder}";

/// A running nginx.
pub struct Nginx {
    core: Core,
    port: u16,
}

impl Nginx {
    /// Starts nginx with `http` as what stands in its block `http`, and waits until it answers.
    ///
    /// In `http`, `{listen}` stands for the address to listen on and `{folder}` for a folder of its own, in which
    /// `certificate.pem` and `key.pem` are for `localhost` and 127.0.0.1, from [`certificate_authority`]. Errors and
    /// what nginx warns of are in [`output`](Self::output); accesses are where `http` puts them.
    ///
    /// [`certificate_authority`]: super::certificate_authority
    ///
    /// # Panics
    /// If it does not, within [`START_LIMIT`](super::START_LIMIT).
    ///
    /// # Example
    /// ```no_run
    /// # async fn example() {
    /// use doorward_testkit::servers::Nginx;
    ///
    /// let nginx = Nginx::start("server { listen {listen}; return 204; }").await;
    /// println!("{}", nginx.url());
    /// # }
    /// ```
    pub async fn start(http: &str) -> Self {
        assert!(
            http.contains(LISTEN),
            "expected {LISTEN} in nginx's configuration, found none"
        );
        on_a_free_port(|port| async move {
            let server = Self {
                core: Core::new("nginx"),
                port,
            };
            certificates::write(server.core.folder());
            server.core.folder().write(CONFIG, &server.config(http));
            server.launch().await?;
            Ok(server)
        })
        .await
    }

    /// Where a client finds it, if what listens there speaks plain HTTP.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port of 127.0.0.1 that `{listen}` names; the same for its whole life.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
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

    /// Asks it to end and waits until it has.
    ///
    /// # Panics
    /// If it does not, within [`START_LIMIT`](super::START_LIMIT).
    pub async fn stop(&self) {
        self.core.stop(Signal::TERM).await;
    }

    /// Starts it again on its port with the same configuration, stopping it first if it runs.
    ///
    /// # Panics
    /// If it does not answer, within [`START_LIMIT`](super::START_LIMIT).
    pub async fn restart(&self) {
        self.stop().await;
        on_the_same_port(|| self.launch()).await;
    }

    /// Everything it printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.core.output()
    }

    async fn launch(&self) -> Result<(), NotStarted> {
        let folder = self.core.folder();
        // One that was killed leaves its socket, and nginx takes that for an address in use.
        let _ = std::fs::remove_file(folder.join(SOCKET));
        // Debian keeps it where the search path of an ordinary account does not lead.
        let mut command = Command::new(program(&["nginx", "/usr/sbin/nginx"])?);
        command
            .args(["-e", "stderr", "-c"])
            .arg(folder.join(CONFIG))
            .arg("-p")
            .arg(folder.path());
        self.core.launch(&mut command, || self.answers()).await
    }

    /// Asks at a socket of its own, so that nothing of the configuration under test counts a request too many.
    async fn answers(&self) -> Result<(), String> {
        let socket = self.core.folder().join(SOCKET);
        let exchange = async {
            let mut stream = UnixStream::connect(socket).await?;
            stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
            let mut answer = String::new();
            stream.take(4096).read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = exchange.await.map_err(|error| error.to_string())?;
        let found = || format!("{answer:?}");
        if answer.contains(" 204 ") { Ok(()) } else { Err(found()) }
    }

    fn config(&self, http: &str) -> String {
        let folder = self.core.folder().path().display().to_string();
        // Workers of a nginx that root starts would be nobody, who may not enter the folder.
        let user = if geteuid().is_root() { "user root;\n" } else { "" };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("  {kind}_temp_path {folder}/{kind};\n"))
            .concat();
        let http = http
            .replace(LISTEN, &format!("127.0.0.1:{}", self.port))
            .replace(FOLDER, &folder);
        format!(
            "daemon off;\nworker_processes 1;\n{user}pid {folder}/nginx.pid;\nerror_log stderr warn;\n\
             events {{ worker_connections 512; }}\nhttp {{\n  access_log off;\n{temporary}  \
             server {{ listen unix:{folder}/{SOCKET}; return 204; }}\n{http}\n}}\n"
        )
    }
}
