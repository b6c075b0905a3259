//! What the file rules refuse, and what merely looks like it.

use std::path::PathBuf;

use super::{Findings, SourceFile, check, names_machine_path, security_lines};

fn complaints(path: &str, text: &str) -> Vec<String> {
    let mut findings = Findings::default();
    check(
        &[SourceFile {
            path: PathBuf::from(path),
            text: text.to_owned(),
        }],
        &mut findings,
    );
    findings
        .complaints
        .into_iter()
        .map(|complaint| complaint.what)
        .collect()
}

#[test]
fn machine_path_is_told_from_a_url_path() {
    for folder in super::MACHINE_FOLDERS {
        assert!(names_machine_path(&format!("see /{folder}/main/file")));
        assert!(names_machine_path(&format!("\"/{folder}/.config\"")));
        assert!(!names_machine_path(&format!("https://example.com/{folder}/main")));
        assert!(!names_machine_path(&format!("cd {folder}/main")));
        assert!(!names_machine_path(&format!("route \"/{folder}/{{id}}\"")));
    }
}

#[test]
fn unfinished_code_is_refused_in_rust_and_its_name_elsewhere_allowed() {
    for (pattern, _) in super::UNFINISHED {
        assert!(
            !complaints("crates/a/src/b.rs", &format!("//! b\n{pattern}")).is_empty(),
            "{pattern}"
        );
        assert!(complaints("docs/a.md", pattern).is_empty(), "{pattern}");
    }
}

#[test]
fn unsafe_code_is_refused_and_the_word_allowed() {
    for pattern in super::UNSAFE {
        assert!(
            !complaints("crates/a/src/b.rs", &format!("//! b\n    {pattern} x")).is_empty(),
            "{pattern}"
        );
    }
    assert!(
        complaints(
            "crates/a/src/b.rs",
            "//! b\n// an unsafe return URL is dropped\nlet unsafe_url = 1;"
        )
        .is_empty()
    );
}

#[test]
fn rust_file_without_a_head_is_refused_unless_it_is_a_test() {
    assert_eq!(complaints("crates/a/src/b.rs", "\nuse std::fmt;\n"), ["has no head"]);
    assert!(complaints("crates/a/src/b/tests.rs", "use std::fmt;\n").is_empty());
    assert!(complaints("crates/a/tests/it/main.rs", "use std::fmt;\n").is_empty());
}

#[test]
fn file_over_the_limit_is_refused_and_at_the_limit_allowed() {
    let text = |lines: usize| format!("//! long\n{}", "x\n".repeat(lines - 1));
    assert!(complaints("crates/a/src/b.rs", &text(super::TOO_LONG)).is_empty());
    assert_eq!(complaints("crates/a/src/b.rs", &text(super::TOO_LONG + 1)).len(), 1);
    assert!(complaints("crates/a/src/tests.rs", &text(super::TOO_LONG + 1)).is_empty());
}

#[test]
fn lock_file_with_registry_hosts_is_refused() {
    assert_eq!(
        complaints("e2e/package-lock.json", "{\"resolved\": \"https://\"}").len(),
        1
    );
    assert!(complaints("e2e/package-lock.json", "{\"integrity\": \"sha512-\"}").is_empty());
}

#[test]
fn security_marks_are_listed_with_their_place() {
    let text = "//! b\nfn a() {\n    // Security: compared in constant time.\n}\n".to_owned();
    let marked = security_lines(&[SourceFile {
        path: PathBuf::from("crates/a/src/b.rs"),
        text,
    }]);
    assert_eq!(marked, ["crates/a/src/b.rs:3: // Security: compared in constant time."]);
}
