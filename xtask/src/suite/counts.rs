//! How many tests passed and failed, read off what each test runner prints.

use std::fmt;

/// Totals of one step or of the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
}

/// Whose summary lines are being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reporter {
    /// `Summary [ 1.2s] 12 tests run: 11 passed, 1 failed, 2 skipped`
    Nextest,
    /// `test result: ok. 12 passed; 0 failed; 0 ignored; …`, once per test binary
    Libtest,
    /// `ℹ pass 12` or, in TAP, `# pass 12`
    Node,
    /// `Tests  1 failed | 11 passed | 2 skipped (14)`
    Vitest,
}

impl Counts {
    pub(super) fn add(&mut self, other: Counts) {
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
        self.skipped = self.skipped.saturating_add(other.skipped);
    }

    /// Adds what `line` says, if it is a summary line of `reporter`; any other line is ignored.
    pub(super) fn read_line(&mut self, reporter: Reporter, line: &str) {
        let plain = strip_colours(line);
        let plain = plain.trim();
        match reporter {
            Reporter::Nextest => {
                let summary = plain
                    .strip_prefix("Summary [")
                    .and_then(|rest| rest.split_once("tests run:"));
                let summary = summary.or_else(|| plain.strip_prefix("Summary [")?.split_once("test run:"));
                if let Some((_, tail)) = summary {
                    self.read_pairs(tail, ',');
                }
            }
            Reporter::Libtest => {
                if let Some((_, tail)) = plain
                    .strip_prefix("test result:")
                    .and_then(|rest| rest.split_once(". "))
                {
                    self.read_pairs(tail, ';');
                }
            }
            Reporter::Vitest => {
                if let Some((tail, _)) = plain.strip_prefix("Tests ").and_then(|rest| rest.split_once('(')) {
                    self.read_pairs(tail, '|');
                }
            }
            Reporter::Node => {
                let words = plain.strip_prefix("ℹ ").or_else(|| plain.strip_prefix("# "));
                if let Some((word, number)) = words.and_then(|rest| rest.split_once(' ')) {
                    self.note(word, number);
                }
            }
        }
    }

    fn read_pairs(&mut self, tail: &str, separator: char) {
        for pair in tail.split(separator) {
            let mut words = pair.split_whitespace();
            let (Some(number), Some(word)) = (words.next(), words.next()) else {
                continue;
            };
            self.note(word, number);
        }
    }

    fn note(&mut self, word: &str, number: &str) {
        let Ok(number) = number.parse::<u64>() else { return };
        let field = match word {
            "passed" | "pass" => &mut self.passed,
            // nextest: "timed out", "exec failed"; node: a test whose parent broke off is "cancelled".
            "failed" | "fail" | "cancelled" | "timed" | "exec" => &mut self.failed,
            "skipped" | "ignored" | "todo" => &mut self.skipped,
            _ => return,
        };
        *field = field.saturating_add(number);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Removes terminal colour sequences (`ESC [ … m`).
fn strip_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            for inside in characters.by_ref() {
                if inside.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests;
