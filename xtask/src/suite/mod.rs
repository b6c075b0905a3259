//! `cargo xtask test`: the one test command.
//!
//! Steps run from cheap to dear and stop at the first that fails. Afterwards come a table of steps and times and, as the
//! very last line, `N passed, N failed`: the sum over Rust tests, documentation tests, those of the browser package and browser tests. A step that
//! fails without naming a failed test (formatting, say) counts as one failure, so that the line never lies.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use counts::{Counts, Reporter};
use tools::Tools;

use crate::failure::Failure;
use crate::tidy;

mod counts;
mod python;
mod servers;
mod shell;
mod tools;

/// Whether missing tools are installed or only named.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Install {
    /// Says what is missing and stops.
    Never,
    /// Installs it: Debian packages, Node packages, Python packages and cargo-deny in the target directory.
    WhereMissing,
}

/// Runs the suite and answers with the exit code of the whole process.
pub(crate) fn run(install: Install) -> ExitCode {
    let mut suite = Suite {
        rows: Vec::new(),
        counts: Counts::default(),
    };
    let outcome = suite.run_all(install);
    if let Err(failure) = &outcome {
        eprintln!("\n{}", failure.message);
    }
    suite.print_summary();
    if outcome.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

struct Row {
    name: &'static str,
    took: Duration,
    note: String,
}

struct Suite {
    rows: Vec<Row>,
    counts: Counts,
}

impl Suite {
    fn run_all(&mut self, install: Install) -> Result<(), Failure> {
        let mut tools = None;
        self.step("tools", |_| {
            let found = tools::prepare(install)?;
            let note = found.describe();
            tools = Some(found);
            Ok(note)
        })?;
        let Some(tools) = tools else {
            return Err(Failure::new("the tools step found nothing"));
        };

        self.step("format", |_| {
            cargo(["fmt", "--all", "--check"]).hint("run `cargo fmt --all`")
        })?;
        self.step("house rules", |_| {
            tidy::run(tidy::Security::Count).map(|()| String::new())
        })?;
        self.step("dependencies", |_| dependencies(&tools))?;
        // Benches, examples and test code are linted too, so this step also proves that they compile.
        self.step("lints", |_| {
            cargo([
                "clippy",
                "--workspace",
                "--all-targets",
                "--quiet",
                "--",
                "-D",
                "warnings",
            ])
            .hint("each warning above names the lint and the way out")
        })?;
        self.step("tests", |counts| rust_tests(&tools, counts))?;
        self.step("documentation tests", |counts| {
            shell::run_counted(
                Command::new(shell::cargo()).args(["test", "--doc", "--workspace", "--quiet"]),
                Reporter::Libtest,
                counts,
            )
        })?;
        self.step("browser package", browser_package)?;
        // Alone, for the workspace lends its members the features that others of them ask of a dependency.
        self.step("packages alone", |_| {
            cargo(["check", "--quiet", "--package", "doorward-gateway"]).hint("")?;
            cargo(["check", "--quiet", "--package", "doorward", "--examples"]).hint("")
        })?;
        // Some browser tests run what the examples show. With the features of the whole workspace nothing is left to
        // compile after the tests; a build of each package alone would have tokio, rustls and the stores anew.
        self.step("build", |_| {
            cargo(["build", "--workspace", "--bin", "doorward", "--examples"]).hint("")
        })?;
        self.step("browser tests", |counts| browser_tests(&tools, counts))
    }

    fn step(
        &mut self,
        name: &'static str,
        work: impl FnOnce(&mut Counts) -> Result<String, Failure>,
    ) -> Result<(), Failure> {
        eprintln!("\n== {name}");
        let begun = Instant::now();
        let mut counts = Counts::default();
        let outcome = work(&mut counts);
        if outcome.is_err() && counts.failed == 0 {
            counts.failed = 1;
        }
        let mut note = outcome.as_ref().cloned().unwrap_or_else(|_| "FAILED".to_owned());
        if note.is_empty() && counts.passed + counts.failed > 0 {
            note = counts.to_string();
        }
        self.counts.add(counts);
        self.rows.push(Row {
            name,
            took: begun.elapsed(),
            note,
        });
        outcome
            .map(|_| ())
            .map_err(|failure| Failure::new(format!("step \"{name}\" failed: {}", failure.message)))
    }

    fn print_summary(&self) {
        println!();
        for Row { name, took, note } in &self.rows {
            println!("{name:<20} {:>7.1} s  {note}", took.as_secs_f64());
        }
        if self.counts.skipped > 0 {
            println!("{} skipped", self.counts.skipped);
        }
        println!("{}", self.counts);
    }
}

/// A cargo command whose outcome still wants a hint for the reader.
struct Ran(Result<(), Failure>);

impl Ran {
    fn hint(self, hint: &str) -> Result<String, Failure> {
        match self.0 {
            Ok(()) => Ok(String::new()),
            Err(failure) if hint.is_empty() => Err(failure),
            Err(failure) => Err(Failure::new(format!("{}\nhint: {hint}", failure.message))),
        }
    }
}

fn cargo<const N: usize>(arguments: [&str; N]) -> Ran {
    Ran(shell::run(Command::new(shell::cargo()).args(arguments)))
}

/// Licences, banned crates and sources always; advisories only where their database can be had.
fn dependencies(tools: &Tools) -> Result<String, Failure> {
    let deny = || {
        let mut command = Command::new(&tools.cargo_deny);
        // Called by path, so its own first word `deny` is not needed. Warnings (such as duplicate versions) stay quiet.
        command.args(["--log-level", "error", "--locked"]);
        command
    };
    shell::run(deny().args(["check", "bans", "licenses", "sources"]))?;
    // Machines that reach a package registry and nothing else cannot fetch the database. That is said, not hidden.
    if shell::succeeds_quietly(deny().args(["fetch", "db"])) {
        shell::run(deny().args(["check", "--disable-fetch", "advisories"]))?;
        return Ok("with advisories".to_owned());
    }
    let note = "advisories skipped: advisory database unreachable";
    eprintln!("{note}");
    Ok(note.to_owned())
}

fn rust_tests(tools: &Tools, counts: &mut Counts) -> Result<String, Failure> {
    let mut command = Command::new(shell::cargo());
    if tools.nextest {
        command.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
        return shell::run_counted(&mut command, Reporter::Nextest, counts);
    }
    command.args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]);
    shell::run_counted(&mut command, Reporter::Libtest, counts)
}

/// Types and units of `@doorward/client`, its build within its weight, and whether what is made of it is fresh.
///
/// The browser tests run on what is built here.
fn browser_package(counts: &mut Counts) -> Result<String, Failure> {
    let npm = |script: &str| {
        let mut command = Command::new("npm");
        command
            .args(["run", "--silent", script])
            .current_dir(tools::BROWSER_PACKAGE);
        command
    };
    shell::run(&mut npm("check"))?;
    shell::run_counted(&mut npm("test"), Reporter::Vitest, counts)?;
    shell::run(&mut npm("build"))?;
    shell::run(&mut npm("verify"))?;
    Ok(String::new())
}

fn browser_tests(tools: &Tools, counts: &mut Counts) -> Result<String, Failure> {
    let mut files: Vec<PathBuf> = std::fs::read_dir("e2e/tests")
        .map_err(|error| Failure::during("cannot list e2e/tests", error))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.to_string_lossy().ends_with(".test.js"))
        .collect();
    files.sort();
    let built = shell::target_directory()?.join("debug");
    let mut command = Command::new("node");
    // One file at a time: two browsers and a storm of requests at once would measure the machine.
    command.args([
        "--test",
        "--test-concurrency=1",
        "--test-reporter=spec",
        "--test-reporter-destination=stdout",
    ]);
    command
        .args(files)
        .env("DOORWARD_BIN", built.join("doorward"))
        .env("DOORWARD_EXAMPLES", built.join("examples"))
        .env("DOORWARD_PYTHON", &tools.python)
        .env("DOORWARD_CHROMIUM", &tools.chromium);
    shell::run_counted(&mut command, Reporter::Node, counts)
}
