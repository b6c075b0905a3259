//! Runs the real binary.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

/// The binary with an environment of its own.
pub(crate) fn doorward(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command
        .args(arguments)
        .env_remove("DOORWARD_LOG")
        .env_remove("DOORWARD_CLIENT_SECRET")
        .stdin(Stdio::null());
    command
}

/// How long a command that ends by itself may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs a command that ends by itself; one that goes on serving is ended.
pub(crate) fn output(arguments: &[&str]) -> Output {
    let child = doorward(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let id = child.id().to_string();
    let (done, wait) = mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if wait.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = Command::new("kill").args(["-KILL", &id]).status();
        }
    });
    let output = child.wait_with_output().expect("output");
    drop(done);
    watchdog.join().unwrap();
    output
}

/// Runs a command that must be refused, and gives what it says.
pub(crate) fn refusal(arguments: &[&str]) -> String {
    let output = output(arguments);
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2), "{arguments:?} said {said:?}");
    assert!(output.stdout.is_empty(), "nothing is ready after {arguments:?}");
    said
}

/// A server that runs until it is told to stop.
pub(crate) struct Server {
    child: Option<Child>,
    stdout: BufReader<ChildStdout>,
    stderr: Option<JoinHandle<String>>,
    /// What the `ready` lines name, in their order.
    pub(crate) ready: Vec<String>,
}

/// How a server ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// What came to stdout after the `ready` lines.
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Server {
    /// `doorward dev` on free ports.
    pub(crate) fn dev(more: &[&str]) -> Self {
        let arguments = ["dev", "--listen", "127.0.0.1:0", "--provider-listen", "127.0.0.1:0"];
        Self::start(doorward(&[&arguments, more].concat()), 2)
    }

    /// Starts a command and waits for its `ready` lines.
    pub(crate) fn start(mut command: Command, ready_lines: usize) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stderr = child.stderr.take().unwrap();
        // Read all along: a full pipe would stop the server.
        let stderr = std::thread::spawn(move || {
            let mut said = String::new();
            stderr.read_to_string(&mut said).expect("text");
            said
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut ready = Vec::new();
        for _ in 0..ready_lines {
            let mut line = String::new();
            stdout.read_line(&mut line).expect("text");
            let url = line.trim_end().strip_prefix("ready ");
            ready.push(
                url.unwrap_or_else(|| panic!("expected a ready line, got {line:?}"))
                    .to_owned(),
            );
        }
        Self {
            child: Some(child),
            stdout,
            stderr: Some(stderr),
            ready,
        }
    }

    /// The address of the app.
    pub(crate) fn app(&self) -> &str {
        &self.ready[0]
    }

    /// `host:port` of a `ready` URL as a socket address on 127.0.0.1.
    pub(crate) fn address(&self, index: usize) -> String {
        let url = reqwest::Url::parse(&self.ready[index]).unwrap();
        format!("127.0.0.1:{}", url.port().unwrap())
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(status.expect("kill exists").success());
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn stop(mut self, signal: &str) -> Ended {
        self.signal(signal);
        let mut child = self.child.take().unwrap();
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).expect("text");
        Ended {
            code: child.wait().unwrap().code(),
            stdout,
            stderr: self.stderr.take().unwrap().join().unwrap(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // A failed test leaves no server behind.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A folder that goes away with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("doorward-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The file that most tests need one of.
    pub(crate) fn file(&self) -> String {
        self.path("secrets")
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
