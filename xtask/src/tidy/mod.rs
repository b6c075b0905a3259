//! `cargo xtask tidy`: the rules of the house that no compiler checks. Every complaint says how to comply.
//!
//! 1. Floors: which crate may depend on which, and what it must never see ([`floors`]).
//! 2. Sources: file length, a head for every file, nothing left for later, nothing of the machine it was written on
//!    ([`sources`]).
//! 3. Documents: every crate is on the map, every code has its row, every link leads somewhere ([`documents`]).

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failure::Failure;

mod documents;
mod floors;
mod sources;

/// What to do with the lines marked `// Security:`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// Prints how many there are.
    Count,
    /// Prints each, to walk through them in a review.
    List,
}

/// Where, what, and the way to comply.
pub(crate) struct Complaint {
    place: String,
    what: String,
    comply: &'static str,
}

/// What the checks found so far.
#[derive(Default)]
pub(crate) struct Findings {
    complaints: Vec<Complaint>,
    warnings: Vec<Complaint>,
}

impl Findings {
    fn refuse(&mut self, place: impl Into<String>, what: impl Into<String>, comply: &'static str) {
        self.complaints.push(Complaint {
            place: place.into(),
            what: what.into(),
            comply,
        });
    }

    fn warn(&mut self, place: impl Into<String>, what: impl Into<String>, comply: &'static str) {
        self.warnings.push(Complaint {
            place: place.into(),
            what: what.into(),
            comply,
        });
    }
}

/// One tracked text file.
pub(crate) struct SourceFile {
    path: PathBuf,
    text: String,
}

impl SourceFile {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn is_rust(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "rs")
    }

    /// Test code: `tests.rs`, anything under a folder `tests` or `benches`.
    fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs")
            || self
                .path
                .components()
                .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "benches")
    }
}

/// Runs all checks.
///
/// # Errors
/// A failure that holds every complaint.
pub(crate) fn run(security: Security) -> Result<(), Failure> {
    let files = tracked_files()?;
    let metadata = metadata()?;
    let mut findings = Findings::default();
    floors::check(&metadata, &mut findings);
    sources::check(&files, &mut findings);
    documents::check(&files, &floors::crate_names(&metadata), &mut findings);

    for warning in &findings.warnings {
        eprintln!("warning: {}: {} ({})", warning.place, warning.what, warning.comply);
    }
    let marked = sources::security_lines(&files);
    if security == Security::List {
        for line in &marked {
            println!("{line}");
        }
    }
    println!(
        "tidy: {} files, {} lines marked `// Security:`",
        files.len(),
        marked.len()
    );
    if findings.complaints.is_empty() {
        return Ok(());
    }
    let mut text = format!("tidy: {} complaints", findings.complaints.len());
    for Complaint { place, what, comply } in &findings.complaints {
        text.push_str(&format!("\n{place}: {what}\n    to comply: {comply}"));
    }
    Err(Failure::new(text))
}

/// Every text file that git tracks or would track.
fn tracked_files() -> Result<Vec<SourceFile>, Failure> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .map_err(|error| Failure::during("cannot run git", error))?;
    if !output.status.success() {
        return Err(Failure::new(
            "`git ls-files` failed: tidy looks at what git tracks, so it needs a checkout",
        ));
    }
    let names = String::from_utf8_lossy(&output.stdout);
    let mut files: Vec<SourceFile> = names
        .split('\0')
        .filter(|name| !name.is_empty())
        // Deleted but not yet committed files, and files that are not text (images), are nobody's concern here.
        .filter_map(|name| {
            std::fs::read_to_string(name).ok().map(|text| SourceFile {
                path: PathBuf::from(name),
                text,
            })
        })
        .collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// The whole dependency graph for this machine's target; reads the lock file, changes nothing.
fn metadata() -> Result<Value, Failure> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let version = Command::new("rustc")
        .arg("-vV")
        .output()
        .map_err(|error| Failure::during("rustc", error))?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap_or_default();
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--locked"]);
    if !host.is_empty() {
        command.args(["--filter-platform", host]);
    }
    let output = command
        .output()
        .map_err(|error| Failure::during("cargo metadata", error))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!(
            "`cargo metadata --locked` failed: {}",
            reason.trim()
        )));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| Failure::during("cargo metadata", error))
}

fn exists(path: &str) -> bool {
    Path::new(path).exists()
}
