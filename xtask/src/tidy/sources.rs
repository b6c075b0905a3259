//! Rules for the files themselves.

use super::{Findings, SourceFile};

/// Above this a file is looked at; above the next it must be split.
const LONG: usize = 400;
const TOO_LONG: usize = 600;
/// Files that may be longer than [`TOO_LONG`], each with its reason.
const MAY_BE_LONG: &[(&str, &str)] = &[];

/// Left for later, or never meant to stay. Spelled in pieces so that this file does not accuse itself.
const UNFINISHED: &[(&str, &str)] = &[
    (
        concat!("to", "do!("),
        "write it, or return an error that says what is missing",
    ),
    (
        concat!("unimpl", "emented!("),
        "write it, or return an error that says what is missing",
    ),
    (concat!("db", "g!("), "remove it, or use tracing"),
    (
        concat!("#[ig", "nore"),
        "a test that does not run proves nothing: mend it or delete it",
    ),
    (concat!("TO", "DO"), "do it, or open an issue and link it in a sentence"),
    (
        concat!("FIX", "ME"),
        "mend it, or open an issue and link it in a sentence",
    ),
];
const UNSAFE: &[&str] = &[
    concat!("uns", "afe {"),
    concat!("uns", "afe fn"),
    concat!("uns", "afe impl"),
    concat!("uns", "afe trait"),
    concat!("uns", "afe extern"),
];
/// First folders of absolute paths that exist on some machine and nowhere else.
const MACHINE_FOLDERS: &[&str] = &["work", "root", "farm"];
const REGISTRY_HOSTS: &[&str] = &[
    concat!("registry.", "npmjs"),
    concat!("registry.", "yarnpkg"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("pypi.", "org/simple"),
];

pub(super) fn check(files: &[SourceFile], findings: &mut Findings) {
    for file in files {
        let name = file.name();
        let locked = name.ends_with(".lock") || name.ends_with("package-lock.json");
        if name.ends_with("package-lock.json") && file.text.contains("\"resolved\"") {
            findings.refuse(
                name.as_str(),
                "names the hosts packages came from",
                "npm config set omit-lockfile-registry-resolved true, then rm package-lock.json && npm install",
            );
        }
        if !locked {
            check_lines(file, &name, findings);
        }
        if file.is_rust() && !file.is_test() {
            check_rust(file, &name, findings);
        }
    }
}

/// Every line that says why it must stay, as `path:line: text`.
pub(super) fn security_lines(files: &[SourceFile]) -> Vec<String> {
    let mut marked = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for (number, line) in numbered(&file.text) {
            if line.trim_start().starts_with("// Security:") {
                marked.push(format!("{}:{number}: {}", file.name(), line.trim()));
            }
        }
    }
    marked
}

fn check_lines(file: &SourceFile, name: &str, findings: &mut Findings) {
    for (number, line) in numbered(&file.text) {
        let place = || format!("{name}:{number}");
        if names_machine_path(line) {
            findings.refuse(
                place(),
                "names a path of somebody's machine",
                "use a relative path or a neutral example such as /srv/app",
            );
        }
        if REGISTRY_HOSTS.iter().any(|host| line.contains(host)) {
            findings.refuse(
                place(),
                "names a registry host",
                "which registry serves a package is the machine's business",
            );
        }
        if !file.is_rust() {
            continue;
        }
        for (pattern, comply) in UNFINISHED {
            if contains_word(line, pattern) {
                findings.refuse(place(), format!("holds `{pattern}`"), comply);
            }
        }
        if !is_comment(line) && UNSAFE.iter().any(|pattern| contains_word(line, pattern)) {
            findings.refuse(
                place(),
                "holds unsafe code",
                "there is none in this project; use a crate that has it reviewed",
            );
        }
    }
}

fn check_rust(file: &SourceFile, name: &str, findings: &mut Findings) {
    let head = file
        .text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    if !head.starts_with("//!") {
        findings.refuse(
            name,
            "has no head",
            "begin the file with `//!`: what it is for, and its rules in the order applied",
        );
    }
    let lines = file.text.lines().count();
    let excused = MAY_BE_LONG.iter().any(|(path, _)| *path == name);
    if lines > TOO_LONG && !excused {
        findings.refuse(
            name,
            format!("has {lines} lines, {TOO_LONG} are the limit"),
            "split it by subject; tests go to tests.rs",
        );
    } else if lines > LONG && !excused {
        findings.warn(name, format!("has {lines} lines"), "is it still one room?");
    }
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// Whether `pattern` occurs where no name continues to its left.
fn contains_word(line: &str, pattern: &str) -> bool {
    line.match_indices(pattern)
        .any(|(at, _)| !ends_in_name(line.get(..at).unwrap_or_default()))
}

/// Whether an absolute path below one of [`MACHINE_FOLDERS`] occurs in `line`.
fn names_machine_path(line: &str) -> bool {
    MACHINE_FOLDERS.iter().any(|folder| {
        let pattern = format!("/{folder}/");
        line.match_indices(&pattern).any(|(at, found)| {
            let before = line.get(..at).unwrap_or_default();
            let after = line.get(at + found.len()..).and_then(|rest| rest.chars().next());
            !ends_in_name(before) && after.is_some_and(|next| next.is_ascii_alphabetic() || next == '.')
        })
    })
}

fn ends_in_name(text: &str) -> bool {
    text.chars()
        .next_back()
        .is_some_and(|last| last.is_ascii_alphanumeric() || last == '_')
}

#[cfg(test)]
mod tests;
