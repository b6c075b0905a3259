//! Reading tables of the file: every key is asked for by name, and what nobody asked for is not known.
//!
//! Not by serde: it stops at the first fault, quotes what it found (which may be a secret), and knows nothing of the
//! environment. Rules of a scalar, in the order applied:
//!
//! 1. `DOORWARD_<TABLE>_<KEY>` in the environment, where it is set and not empty;
//! 2. the file;
//! 3. nothing: whoever asks has the default.

mod lists;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::Environment;
use super::findings::Findings;
use super::secrets::{SecretText, read_secret};
use super::values;

/// What all tables of one file have in common.
pub(super) struct Reading<'a> {
    /// Where relative paths begin: the folder of the configuration file.
    pub(super) folder: &'a Path,
    pub(super) environment: &'a Environment,
    pub(super) findings: Findings,
    /// Variables that were asked for.
    pub(super) variables: RefCell<BTreeSet<String>>,
    /// Where each line of the text begins.
    line_starts: Vec<usize>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(text: &str, folder: &'a Path, environment: &'a Environment) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            folder,
            environment,
            findings: Findings::default(),
            variables: RefCell::default(),
            line_starts: std::iter::once(0).chain(breaks).collect(),
        }
    }

    /// The line of a byte of the text, counted from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at)
    }
}

/// One table of the file; absent ones read as empty, because the environment may fill them.
pub(super) struct Section<'a> {
    pub(super) reading: &'a Reading<'a>,
    /// The table's key, such as `session`; empty for the file itself.
    path: String,
    /// What its variables begin with; `None` where the environment has no say.
    variables: Option<String>,
    table: Option<&'a DeTable<'a>>,
    asked: RefCell<Vec<&'static str>>,
}

/// A scalar as it was given.
enum Given<'a> {
    Variable(String),
    Value(&'a Spanned<DeValue<'a>>),
}

impl<'a> Section<'a> {
    pub(super) fn root(reading: &'a Reading<'a>, table: &'a DeTable<'a>) -> Self {
        Self::new(reading, String::new(), Some("DOORWARD_".to_owned()), Some(table))
    }

    fn new(reading: &'a Reading<'a>, path: String, variables: Option<String>, table: Option<&'a DeTable<'a>>) -> Self {
        let section = Self {
            reading,
            path,
            variables,
            table,
            asked: RefCell::default(),
        };
        for (key, _) in table.into_iter().flatten() {
            let line = reading.line(key.span().start);
            reading.findings.place(section.key(key.get_ref()), line);
        }
        section
    }

    /// The full name of a key of this table.
    pub(super) fn key(&self, key: &str) -> String {
        let key = key.escape_debug();
        match self.path.as_str() {
            "" => key.to_string(),
            path => format!("{path}.{key}"),
        }
    }

    /// The table's own key.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn refuse(&self, key: &str, problem: impl Into<String>) {
        self.reading.findings.refuse(self.key(key), problem);
    }

    pub(super) fn warn(&self, key: &str, text: &str) {
        self.reading.findings.warn(&self.key(key), text);
    }

    /// Tells whether anything of this table was given, in the file or in the environment.
    pub(super) fn is_given(&self) -> bool {
        let named = |prefix: &String| self.reading.environment.any_begins_with(prefix);
        self.table.is_some() || self.variables.as_ref().is_some_and(named)
    }

    /// Tells whether a key stands in the file, whatever it holds.
    pub(super) fn holds(&self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    /// Tells whether a key of the file is a text.
    pub(super) fn holds_text(&self, key: &'static str) -> bool {
        let value = self.value(key).map(Spanned::get_ref);
        matches!(value, Some(DeValue::String(_)))
    }

    fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().push(key);
        self.table?.get(key)
    }

    fn scalar(&self, key: &'static str) -> Option<Given<'a>> {
        let value = self.value(key);
        let Some(prefix) = &self.variables else {
            return value.map(Given::Value);
        };
        let name = format!("{prefix}{}", key.to_ascii_uppercase());
        let variable = self.reading.environment.get(&name);
        self.reading.variables.borrow_mut().insert(name.clone());
        match variable {
            Ok(Some(text)) => {
                self.reading.findings.overrule(self.key(key), name);
                Some(Given::Variable(text))
            }
            Ok(None) => value.map(Given::Value),
            Err(_) => {
                self.refuse(key, format!("expected UTF-8 in the variable {name}"));
                None
            }
        }
    }

    fn mistyped(&self, key: &str, expected: &str, found: &DeValue<'_>) {
        self.refuse(key, format!("expected {expected}, found {}", values::kind(found)));
    }

    /// Reads a text.
    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        self.text_of(key, "a text")
    }

    /// Reads a text, of which `expected` says what it stands for.
    fn text_of(&self, key: &'static str, expected: &str) -> Option<String> {
        match self.scalar(key)? {
            Given::Variable(text) => Some(text),
            Given::Value(value) => match value.get_ref() {
                DeValue::String(text) => Some(text.clone().into_owned()),
                other => {
                    self.mistyped(key, expected, other);
                    None
                }
            },
        }
    }

    /// Reads a text that has to be there and not be empty.
    pub(super) fn required(&self, key: &'static str) -> Option<String> {
        let before = self.reading.findings.count();
        let text = self.text(key).filter(|text| !text.is_empty());
        if text.is_none() && self.reading.findings.count() == before {
            self.refuse(key, "expected a value, found none");
        }
        text
    }

    /// Reads a switch.
    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        match self.scalar(key)? {
            Given::Variable(text) => match text.as_str() {
                "true" => Some(true),
                "false" => Some(false),
                other => {
                    self.refuse(key, format!("expected true or false, found {other:?}"));
                    None
                }
            },
            Given::Value(value) => match value.get_ref() {
                DeValue::Boolean(flag) => Some(*flag),
                other => {
                    self.mistyped(key, "true or false", other);
                    None
                }
            },
        }
    }

    /// Reads a whole number.
    pub(super) fn number(&self, key: &'static str) -> Option<usize> {
        let expected = "a whole number";
        match self.scalar(key)? {
            Given::Variable(text) => {
                let number = text.parse().ok();
                if number.is_none() {
                    self.refuse(key, format!("expected {expected}, found {text:?}"));
                }
                number
            }
            Given::Value(value) => match value.get_ref() {
                DeValue::Integer(integer) => {
                    let number = usize::from_str_radix(integer.as_str(), integer.radix()).ok();
                    if number.is_none() {
                        self.refuse(key, format!("expected {expected}, found {}", integer.as_str()));
                    }
                    number
                }
                other => {
                    self.mistyped(key, expected, other);
                    None
                }
            },
        }
    }

    /// Reads a text that stands for something else.
    pub(super) fn parsed<T>(
        &self,
        key: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text_of(key, expected)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.refuse(key, format!("expected {expected}, found {text:?}"));
        }
        parsed
    }

    /// Reads one of several words.
    pub(super) fn one_of<T: Clone>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        self.parsed(key, &values::either(words), |text| values::word(words, text))
    }

    /// Reads a length of time, such as `"1h"`.
    pub(super) fn duration(&self, key: &'static str) -> Option<Duration> {
        self.parsed(key, "a duration such as \"90s\", \"15m\" or \"1h\"", values::duration)
    }

    /// Reads a secret: `{ env = "…" }`, `{ file = "…" }`, a variable of its own, or a literal, which is warned about.
    pub(super) fn secret(&self, key: &'static str) -> Option<SecretText> {
        match self.scalar(key)? {
            Given::Variable(text) => Some(SecretText::new(text)),
            Given::Value(value) => match read_secret(self.reading, value.get_ref()) {
                Ok(read) => {
                    if read.is_literal {
                        self.warn(key, super::secrets::LITERAL);
                    }
                    Some(read.text)
                }
                Err(problem) => {
                    self.refuse(key, problem);
                    None
                }
            },
        }
    }

    /// A table within this one; its scalars may come from the environment where this one's may.
    pub(super) fn section(&self, key: &'static str) -> Section<'a> {
        let variables = self.variables.as_ref();
        self.section_of(
            key,
            variables.map(|prefix| format!("{prefix}{}_", key.to_ascii_uppercase())),
        )
    }

    fn section_of(&self, key: &'static str, variables: Option<String>) -> Section<'a> {
        let table = self.value(key).and_then(|value| match value.get_ref() {
            DeValue::Table(table) => Some(table),
            other => {
                self.mistyped(key, "a table", other);
                None
            }
        });
        Section::new(self.reading, self.key(key), variables, table)
    }

    /// Remembers that `name` is what an unknown key was to be, unless it is there too, in the file or the environment.
    fn misspell(&self, name: &str) {
        let key = self.key(name);
        if self.table.is_none_or(|table| table.get(name).is_none()) && !self.reading.findings.is_overruled(&key) {
            self.reading.findings.misspell(key);
        }
    }

    /// Refuses the keys that nobody asked for; call it last.
    pub(super) fn finish(&self) {
        self.finish_beside(&[], "");
    }

    /// The same, with keys that are known but out of place, and where they belong.
    pub(super) fn finish_beside(&self, misplaced: &[&str], belongs: &str) {
        let asked = self.asked.borrow();
        for (key, _) in self.table.into_iter().flatten() {
            let name: &str = key.get_ref();
            if asked.contains(&name) {
                continue;
            }
            let problem = if misplaced.contains(&name) {
                format!("expected it beside {belongs} only")
            } else {
                match values::nearest(name, asked.iter().chain(misplaced)) {
                    Some(near) => {
                        self.misspell(near);
                        format!("is no key that is known; did you mean {near:?}?")
                    }
                    None => format!("is no key that is known; expected {}", values::list(&asked)),
                }
            };
            self.refuse(name, problem);
        }
    }
}
