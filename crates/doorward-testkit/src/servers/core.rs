//! What all servers have in common: a folder, a log, a port, and processes that come and go.

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::folder::Folder;
use super::process::Process;
use super::wait::{self, PAUSE};
use super::{INSTALL, START_LIMIT};

/// Another process may take a port between the moment the kernel names it and the moment the server binds it.
const PORTS_TRIED: usize = 5;
const LOG: &str = "output.log";
/// How much of a server's output a failure shows.
const SHOWN: usize = 6_000;

/// Why a server did not start.
pub(super) enum NotStarted {
    /// Somebody else has its port.
    PortTaken(String),
    Broken(String),
}

impl From<String> for NotStarted {
    fn from(text: String) -> Self {
        Self::Broken(text)
    }
}

/// One server: started, frozen, killed and started again, always in the same folder.
pub(super) struct Core {
    name: &'static str,
    folder: Folder,
    running: Mutex<Option<Process>>,
}

impl Core {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            folder: Folder::make(name),
            running: Mutex::new(None),
        }
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Starts `command` and asks `ready` until it says yes.
    pub(super) async fn launch<F>(&self, command: &mut Command, ready: impl Fn() -> F) -> Result<(), NotStarted>
    where
        F: Future<Output = Result<(), String>>,
    {
        let before = self.output().len();
        let process = Process::start(command, &self.folder.join(LOG), self.folder.path())
            .map_err(|error| missing_or(&command.get_program().to_string_lossy(), &error))?;
        *self.lock() = Some(process);
        let mut ended = None;
        let expected = format!("{} to answer", self.name);
        let answered = wait::until(&expected, || {
            ended = self.lock().as_mut().and_then(Process::ended);
            // Of one that has ended no answer is to be had any more: leave the loop.
            let ask = ended.is_none().then(&ready);
            async move {
                match ask {
                    Some(ask) => ask.await,
                    None => Ok(()),
                }
            }
        })
        .await;
        if let Some(status) = ended {
            self.kill();
            let said = self.output().get(before..).unwrap_or_default().to_owned();
            let text = format!(
                "expected {} to start, found that it ended with {status}:\n{said}",
                self.name
            );
            return Err(if said.contains("ddress already in use") {
                NotStarted::PortTaken(text)
            } else {
                NotStarted::Broken(text)
            });
        }
        answered.map_err(|text| {
            self.kill();
            NotStarted::Broken(format!("{text}; it printed:\n{}", self.shown()))
        })
    }

    pub(super) fn freeze(&self) {
        self.with_running("freeze", Process::freeze);
    }

    pub(super) fn thaw(&self) {
        self.with_running("thaw", Process::thaw);
    }

    /// Kills it if it runs.
    pub(super) fn kill(&self) {
        let process = self.lock().take();
        if let Some(process) = process {
            process.kill();
        }
    }

    /// Asks it to end with `signal` and waits until it has; nothing happens if it does not run.
    pub(super) async fn stop(&self, signal: Signal) {
        if let Some(process) = self.lock().as_ref() {
            process.ask_to_end(signal);
        }
        let expected = format!("{} to end when asked to", self.name);
        let ended = wait::until(&expected, || {
            std::future::ready(match self.lock().as_mut() {
                Some(process) => process.ended().map(|_| ()).ok_or_else(|| "it running".to_owned()),
                None => Ok(()),
            })
        })
        .await;
        self.kill();
        ended.unwrap_or_else(|text| panic!("{text}; it printed:\n{}", self.shown()));
    }

    pub(super) fn is_running(&self) -> bool {
        self.lock().as_mut().is_some_and(|process| process.ended().is_none())
    }

    /// Everything it printed so far.
    pub(super) fn output(&self) -> String {
        let bytes = std::fs::read(self.folder.join(LOG)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn shown(&self) -> String {
        let output = self.output();
        let from = output.len().saturating_sub(SHOWN);
        let from = (from..=output.len())
            .find(|at| output.is_char_boundary(*at))
            .unwrap_or(0);
        output.get(from..).unwrap_or_default().to_owned()
    }

    fn with_running(&self, what: &str, act: impl FnOnce(&Process)) {
        match self.lock().as_ref() {
            Some(process) => act(process),
            None => panic!("expected a running {} to {what}, found none", self.name),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Process>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            #[allow(clippy::print_stderr, reason = "the test failed, and this is what its server said")]
            {
                eprintln!("--- {} printed:\n{}", self.name, self.shown());
            }
        }
    }
}

/// A port of 127.0.0.1 that was free a moment ago.
pub(super) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port of 127.0.0.1");
    listener.local_addr().expect("a bound listener's address").port()
}

/// Starts something on a free port, on another one where somebody was faster.
///
/// # Panics
/// If it does not start.
pub(super) async fn on_a_free_port<T, F>(start: impl Fn(u16) -> F) -> T
where
    F: Future<Output = Result<T, NotStarted>>,
{
    let mut taken = String::new();
    for _ in 0..PORTS_TRIED {
        match start(free_port()).await {
            Ok(started) => return started,
            Err(NotStarted::PortTaken(text)) => taken = text,
            Err(NotStarted::Broken(text)) => panic!("{text}"),
        }
    }
    panic!("expected one of {PORTS_TRIED} free ports to stay free, found each taken; the last time: {taken}");
}

/// Starts something again on the port it had, waiting for whoever took it meanwhile.
///
/// # Panics
/// If it does not start.
pub(super) async fn on_the_same_port<F>(start: impl Fn() -> F)
where
    F: Future<Output = Result<(), NotStarted>>,
{
    let deadline = Instant::now() + START_LIMIT;
    loop {
        match start().await {
            Ok(()) => return,
            Err(NotStarted::PortTaken(_)) if Instant::now() < deadline => sleep(PAUSE).await,
            Err(NotStarted::PortTaken(text) | NotStarted::Broken(text)) => panic!("{text}"),
        }
    }
}

/// Runs a program to its end, at most [`START_LIMIT`]; answers with what it printed.
pub(super) async fn run(command: Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut command = tokio::process::Command::from(command);
    command.stdin(std::process::Stdio::null()).kill_on_drop(true);
    let limit = START_LIMIT.as_secs();
    let output = tokio::time::timeout(START_LIMIT, command.output())
        .await
        .map_err(|_| format!("expected `{program}` to end within {limit} s, found it running"))?
        .map_err(|error| missing_or(&program, &error))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        let (status, stderr) = (output.status, text(&output.stderr));
        Err(format!("expected `{program}` to succeed, found {status}: {stderr}"))
    }
}

/// What to tell of a program that could not be started.
fn missing_or(program: &str, error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::NotFound {
        missing(program)
    } else {
        format!("expected `{program}` to start, found: {error}")
    }
}

/// The first of `names`, each a name to look up on the search path or a path itself, that can be started.
///
/// # Errors
/// That there is none, and how to install it.
pub(super) fn program(names: &[&str]) -> Result<String, String> {
    let quiet = std::process::Stdio::null;
    let there = |name: &str| {
        let mut command = Command::new(name);
        command.arg("--version").stdin(quiet()).stdout(quiet()).stderr(quiet());
        command.status().is_ok()
    };
    let found = names.iter().find(|name| there(name));
    found
        .map(|name| (*name).to_owned())
        .ok_or_else(|| missing(&names.join("` or `")))
}

fn missing(program: &str) -> String {
    format!("expected the program `{program}`, found none: {INSTALL}")
}
