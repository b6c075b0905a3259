//! Rules for the documents: the map names every crate, the reference is current, and every link leads somewhere.

use std::path::{Component, Path, PathBuf};

use super::{Findings, SourceFile, exists};
use crate::docs;

/// What a visitor and a contributor look for first.
const EXPECTED: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
];
/// The map; it names every crate.
const MAP: &str = "ARCHITECTURE.md";

pub(super) fn check(files: &[SourceFile], crates: &[String], findings: &mut Findings) {
    for path in EXPECTED {
        if !exists(path) {
            findings.refuse(*path, "is missing", "every visitor looks for it: write it");
        }
    }
    if let Some(map) = files.iter().find(|file| file.name() == MAP) {
        // The benches are known by their folder.
        let named = |name: &str| {
            map.text
                .contains(if name == "doorward-bench" { "bench/" } else { name })
        };
        for name in crates.iter().filter(|name| !named(name)) {
            findings.refuse(MAP, format!("does not name the crate {name}"), "add it to the code map");
        }
    }
    for (page, what) in docs::complaints() {
        findings.refuse(
            page,
            what,
            "generated parts follow the code; the rest of the page says what to do",
        );
    }
    for file in files
        .iter()
        .filter(|file| file.path.extension().is_some_and(|extension| extension == "md"))
    {
        for target in links(&file.text) {
            if !leads_somewhere(&file.path, target) {
                findings.refuse(
                    file.name(),
                    format!("links to {target}, which is not there"),
                    "mend or remove the link",
                );
            }
        }
    }
}

/// Targets of inline Markdown links, outside code blocks.
fn links(text: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for (at, opening) in line.match_indices("](") {
            let rest = line.get(at + opening.len()..).unwrap_or_default();
            if let Some((target, _)) = rest.split_once(')') {
                targets.push(target);
            }
        }
    }
    targets
}

fn leads_somewhere(page: &Path, target: &str) -> bool {
    let path = target.split('#').next().unwrap_or_default();
    if path.is_empty() || target.contains("://") || target.starts_with("mailto:") {
        return true;
    }
    let mut resolved = PathBuf::new();
    for part in page.parent().unwrap_or(Path::new("")).join(path).components() {
        match part {
            // A link out of the repository would work on one machine only.
            Component::ParentDir => {
                if !resolved.pop() {
                    return false;
                }
            }
            Component::Normal(name) => resolved.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    // The repository's own root resolves to an empty path.
    resolved.as_os_str().is_empty() || resolved.exists()
}

#[cfg(test)]
mod tests {
    use super::{Path, leads_somewhere, links};

    #[test]
    fn links_in_code_blocks_are_not_links() {
        let text = "[a](one.md) and [b](two.md#part)\n```\n[c](three.md)\n```\n";
        assert_eq!(links(text), ["one.md", "two.md#part"]);
    }

    #[test]
    fn link_out_of_the_repository_or_to_nothing_is_refused() {
        let page = Path::new("docs/page.md");
        for fine in ["https://example.com/x", "#part", "../docs", ".."] {
            // Relative targets are tried against the current directory, which for unit tests is this crate's folder.
            let page = if fine.starts_with("..") {
                Path::new("src/page.md")
            } else {
                page
            };
            let fine = if fine == "../docs" { "../src" } else { fine };
            assert!(leads_somewhere(page, fine), "{fine}");
        }
        for broken in ["nothing.md", "../../outside.md", "/absolute.md"] {
            assert!(!leads_somewhere(page, broken), "{broken}");
        }
    }
}
