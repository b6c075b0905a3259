//! Running other programs: announced, streamed through, and counted where they run tests.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::counts::{Counts, Reporter};
use crate::failure::Failure;

/// The cargo that runs us, so that a toolchain override stays in force.
pub(super) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// Runs `command` with our own terminal as its output.
pub(super) fn run(command: &mut Command) -> Result<(), Failure> {
    announce(command);
    let status = command
        .status()
        .map_err(|error| Failure::during(&name(command), error))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("`{}` ended with {status}", name(command))))
    }
}

/// Runs `command`, passes its output through and reads the runner's summary lines into `counts`.
///
/// A runner that succeeds without having run a test fails here: a filter or a broken glob must not look like success.
pub(super) fn run_counted(command: &mut Command, reporter: Reporter, counts: &mut Counts) -> Result<String, Failure> {
    announce(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::during(&name(command), error))?;
    let shared = Mutex::new(Counts::default());
    std::thread::scope(|scope| {
        if let Some(stdout) = child.stdout.take() {
            scope.spawn(|| pass_through(stdout, std::io::stdout(), reporter, &shared));
        }
        if let Some(stderr) = child.stderr.take() {
            scope.spawn(|| pass_through(stderr, std::io::stderr(), reporter, &shared));
        }
    });
    let status = child.wait().map_err(|error| Failure::during(&name(command), error))?;
    counts.add(shared.into_inner().unwrap_or_else(PoisonError::into_inner));
    if !status.success() {
        return Err(Failure::new(format!("`{}` ended with {status}", name(command))));
    }
    if counts.passed + counts.failed == 0 {
        return Err(Failure::new(format!("`{}` ran no test", name(command))));
    }
    Ok(String::new())
}

/// Whether `command` succeeds; its output is dropped.
pub(super) fn succeeds_quietly(command: &mut Command) -> bool {
    output(command).is_some()
}

/// What a successful `command` printed to stdout; `None` if it is not there or fails.
pub(super) fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where cargo puts what it builds, `CARGO_TARGET_DIR` and configuration included.
pub(super) fn target_directory() -> Result<PathBuf, Failure> {
    let failure = || Failure::new("`cargo metadata` names no target directory");
    let text = output(Command::new(cargo()).args(["metadata", "--no-deps", "--format-version", "1"]));
    let text = text.ok_or_else(failure)?;
    let metadata: serde_json::Value = serde_json::from_str(&text).map_err(|_| failure())?;
    metadata
        .get("target_directory")
        .and_then(|value| value.as_str())
        .map(PathBuf::from)
        .ok_or_else(failure)
}

fn pass_through(from: impl Read, mut to: impl Write, reporter: Reporter, counts: &Mutex<Counts>) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while matches!(reader.read_until(b'\n', &mut line), Ok(length) if length > 0) {
        // A closed terminal must not end the reading: the child would block on a full pipe.
        let _ = to.write_all(&line).and_then(|()| to.flush());
        let text = String::from_utf8_lossy(&line);
        counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read_line(reporter, &text);
        line.clear();
    }
}

fn announce(command: &Command) {
    eprintln!("$ {}", name(command));
}

fn name(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let program = program
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut words = vec![program];
    words.extend(
        command
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned()),
    );
    words.join(" ")
}
