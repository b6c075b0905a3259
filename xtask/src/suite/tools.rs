//! What the suite needs beside a Rust toolchain, and how each thing is had.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Install, python, servers, shell};
use crate::failure::Failure;

/// The version that `--install` builds; any version found on the machine will do.
const CARGO_DENY: &str = "0.20.2";
/// What oidc-provider 9 and playwright-core need.
const NODE_MAJOR: u32 = 20;
/// `@doorward/client`.
pub(super) const BROWSER_PACKAGE: &str = "packages/client";
/// Where Node packages belong: the browser tests, and the browser package.
const NODE_FOLDERS: [&str; 2] = ["e2e", BROWSER_PACKAGE];
const CHROMIUM_NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// The tools that were found or installed.
pub(super) struct Tools {
    pub(super) cargo_deny: PathBuf,
    pub(super) chromium: PathBuf,
    pub(super) python: PathBuf,
    pub(super) nextest: bool,
}

impl Tools {
    pub(super) fn describe(&self) -> String {
        if self.nextest {
            String::new()
        } else {
            "cargo-nextest is not installed: using `cargo test`".to_owned()
        }
    }
}

/// Finds everything, installing it first where asked to.
///
/// # Errors
/// One failure that lists every missing tool with the way to get it.
pub(super) fn prepare(install: Install) -> Result<Tools, Failure> {
    let target = shell::target_directory()?;
    if install == Install::WhereMissing {
        install_components()?;
        install_debian_packages()?;
        install_cargo_deny(&target)?;
        for folder in NODE_FOLDERS {
            if node_is_recent() && !node_packages_match(folder) {
                shell::run(
                    Command::new("npm")
                        .args(["ci", "--no-audit", "--no-fund"])
                        .current_dir(folder),
                )?;
            }
        }
        python::install(&target)?;
    }
    let mut missing = Vec::new();
    for (name, way) in [
        ("fmt", "rustfmt: rustup component add rustfmt"),
        ("clippy", "clippy: rustup component add clippy"),
    ] {
        if !cargo_has(name) {
            missing.push(way.to_owned());
        }
    }
    let cargo_deny = find_cargo_deny(&target);
    if cargo_deny.is_none() {
        missing.push(format!(
            "cargo-deny: cargo install cargo-deny --locked --version {CARGO_DENY}"
        ));
    }
    if !node_is_recent() {
        missing.push(format!(
            "Node.js {NODE_MAJOR} or newer: on Debian, apt-get install nodejs; else https://nodejs.org"
        ));
    }
    if find_on_path("npm").is_none() {
        missing.push("npm: on Debian, apt-get install npm; else it comes with Node.js".to_owned());
    }
    for folder in NODE_FOLDERS {
        if !node_packages_match(folder) {
            missing.push(format!("Node packages of {folder}: (cd {folder} && npm ci)"));
        }
    }
    missing.extend(python::missing(&target));
    missing.extend(servers::missing());
    let chromium = find_chromium();
    if chromium.is_none() {
        missing
            .push("Chromium: on Debian, apt-get install chromium; else set DOORWARD_CHROMIUM to its path".to_owned());
    }
    match (cargo_deny, chromium) {
        (Some(cargo_deny), Some(chromium)) if missing.is_empty() => Ok(Tools {
            cargo_deny,
            chromium,
            python: python::interpreter(&target),
            nextest: cargo_has("nextest"),
        }),
        _ => Err(Failure::new(missing_text(&missing, install))),
    }
}

fn missing_text(missing: &[String], install: Install) -> String {
    let mut text = String::from("the tests need tools that this machine lacks:");
    for line in missing {
        text.push_str("\n  - ");
        text.push_str(line);
    }
    text.push_str(match install {
        Install::Never => "\nhint: `cargo xtask test --install` installs them (Debian packages need root or sudo)",
        Install::WhereMissing => "\nhint: these could not be installed here; install them by hand and run it again",
    });
    text
}

fn install_components() -> Result<(), Failure> {
    for (name, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !cargo_has(name) && find_on_path("rustup").is_some() {
            shell::run(Command::new("rustup").args(["component", "add", component]))?;
        }
    }
    Ok(())
}

fn install_debian_packages() -> Result<(), Failure> {
    let mut packages = Vec::new();
    if find_on_path("node").is_none() {
        packages.push("nodejs");
    }
    if find_on_path("npm").is_none() {
        packages.push("npm");
    }
    if find_chromium().is_none() {
        packages.push("chromium");
    }
    packages.extend(python::debian_packages());
    packages.extend(servers::debian_packages());
    if packages.is_empty() || find_on_path("apt-get").is_none() {
        return Ok(());
    }
    let root = shell::output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    let apt = || {
        let mut command = if root {
            Command::new("apt-get")
        } else {
            Command::new("sudo")
        };
        if !root {
            command.arg("apt-get");
        }
        command
    };
    if !root && find_on_path("sudo").is_none() {
        // Nothing to try: the list of missing tools says what to do.
        return Ok(());
    }
    shell::run(apt().args(["update", "-qq"]))?;
    shell::run(
        apt()
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(packages),
    )
}

/// Builds cargo-deny into the target directory, where it leaves no trace on the machine.
///
/// Unoptimised: it runs for a second, and optimising its four hundred crates would take minutes.
fn install_cargo_deny(target: &Path) -> Result<(), Failure> {
    if find_cargo_deny(target).is_some() {
        return Ok(());
    }
    let root = target.join("tools");
    let build = root.join("build");
    shell::run(
        Command::new(shell::cargo())
            .args([
                "install",
                "cargo-deny",
                "--locked",
                "--quiet",
                "--version",
                CARGO_DENY,
                "--root",
            ])
            .arg(&root)
            .env("CARGO_TARGET_DIR", &build)
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_PROFILE_RELEASE_STRIP", "none"),
    )?;
    // Half a gigabyte of objects that nobody needs again; failing to remove it harms nothing.
    let _ = std::fs::remove_dir_all(build);
    Ok(())
}

fn find_cargo_deny(target: &Path) -> Option<PathBuf> {
    let own = target.join("tools/bin/cargo-deny");
    if own.is_file() {
        Some(own)
    } else {
        find_on_path("cargo-deny")
    }
}

fn find_chromium() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("DOORWARD_CHROMIUM").map(PathBuf::from) {
        return path.is_file().then_some(path);
    }
    CHROMIUM_NAMES.into_iter().find_map(find_on_path)
}

fn cargo_has(subcommand: &str) -> bool {
    shell::succeeds_quietly(Command::new(shell::cargo()).args([subcommand, "--version"]))
}

pub(super) fn find_on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

fn node_is_recent() -> bool {
    let version = shell::output(Command::new("node").arg("--version")).unwrap_or_default();
    let major = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    major.is_some_and(|major| major >= NODE_MAJOR)
}

/// Whether `node_modules` holds exactly what the lock file names: npm leaves a lock of what it installed there.
fn node_packages_match(folder: &str) -> bool {
    let read = |path: &str| -> Option<Value> {
        serde_json::from_str(&std::fs::read_to_string(Path::new(folder).join(path)).ok()?).ok()
    };
    let (Some(wanted), Some(installed)) = (read("package-lock.json"), read("node_modules/.package-lock.json")) else {
        return false;
    };
    let (Some(wanted), Some(installed)) = (packages(&wanted), packages(&installed)) else {
        return false;
    };
    wanted
        .iter()
        .filter(|(name, _)| !name.is_empty())
        .all(|(name, package)| {
            let optional = package.get("optional").and_then(Value::as_bool).unwrap_or(false);
            match installed.get(name) {
                Some(found) => found.get("version") == package.get("version"),
                None => optional,
            }
        })
}

fn packages(lock: &Value) -> Option<&serde_json::Map<String, Value>> {
    lock.get("packages")?.as_object()
}
