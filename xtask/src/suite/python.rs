//! Python and the packages that some tests compare with: a virtual environment in the target directory.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::shell;
use crate::failure::Failure;

/// Names the packages, one a line, each with its version.
const REQUIREMENTS: &str = "e2e/python/requirements.txt";
/// What PyJWT and FastAPI need.
const MINOR: u32 = 10;

/// What is missing, with the way to get it; `None` where all is there.
pub(super) fn missing(target: &Path) -> Option<String> {
    if !is_recent() {
        return Some(format!(
            "Python 3.{MINOR} or newer: on Debian, apt-get install python3 python3-venv; else https://www.python.org"
        ));
    }
    (!packages_match(target)).then(|| {
        let folder = folder(target);
        let folder = folder.display();
        format!(
            "Python packages of the browser tests (on Debian after apt-get install python3-venv): python3 -m venv {folder} && \
             {folder}/bin/pip install -r {REQUIREMENTS} && cp {REQUIREMENTS} {folder}"
        )
    })
}

/// The Debian packages without which [`install`] cannot work.
pub(super) fn debian_packages() -> Vec<&'static str> {
    let mut packages = Vec::new();
    if shell::output(Command::new("python3").arg("--version")).is_none() {
        packages.push("python3");
    }
    // Debian ships Python without the part that puts pip into a virtual environment.
    if !shell::succeeds_quietly(Command::new("python3").args(["-c", "import ensurepip, venv"])) {
        packages.push("python3-venv");
    }
    packages
}

/// Makes the environment anew unless it holds exactly what the requirements pin.
pub(super) fn install(target: &Path) -> Result<(), Failure> {
    if !is_recent() || packages_match(target) {
        return Ok(());
    }
    let folder = folder(target);
    // Cleared, because pip never removes what the requirements no longer name.
    shell::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    shell::run(
        Command::new(interpreter(target))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--requirement", REQUIREMENTS]),
    )?;
    // Last, so that an installation broken off half way does not count.
    std::fs::copy(REQUIREMENTS, installed(target))
        .map_err(|error| Failure::during("cannot note which Python packages were installed", error))?;
    Ok(())
}

/// The interpreter that finds the packages.
pub(super) fn interpreter(target: &Path) -> PathBuf {
    folder(target).join("bin/python")
}

/// Whether the environment runs and was made from the requirements as they are now.
fn packages_match(target: &Path) -> bool {
    let wanted = std::fs::read(REQUIREMENTS).ok();
    wanted.is_some()
        && wanted == std::fs::read(installed(target)).ok()
        && shell::succeeds_quietly(Command::new(interpreter(target)).arg("--version"))
}

fn is_recent() -> bool {
    let recent = format!("import sys; sys.exit(sys.version_info < (3, {MINOR}))");
    shell::succeeds_quietly(Command::new("python3").args(["-c", &recent]))
}

fn folder(target: &Path) -> PathBuf {
    target.join("tools/python")
}

/// A copy of the requirements that were installed.
fn installed(target: &Path) -> PathBuf {
    folder(target).join("requirements.txt")
}
