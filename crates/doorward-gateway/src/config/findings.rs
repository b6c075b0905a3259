//! What reading a configuration found out: faults, each with its key, and warnings.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

/// One thing that makes a configuration unusable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where in the file, counted from 1; `None` where it is not in the file.
    pub(crate) line: Option<usize>,
    /// The key, such as `session.idle_timeout` or `routes[2].upstream`; empty where the file as a whole is at fault.
    pub(crate) key: String,
    /// The variable that set the key in place of the file.
    pub(crate) variable: Option<String>,
    /// What was expected and what was found.
    pub(crate) problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some(variable) = &self.variable {
            write!(f, " ({variable})")?;
        }
        if !self.key.is_empty() {
            f.write_str(": ")?;
        }
        f.write_str(&self.problem)
    }
}

/// A configuration that cannot be used: why, and what an operator should know of beside that.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) faults: Vec<Fault>,
    pub(crate) warnings: Vec<String>,
}

/// Collects while reading goes on, so that one run names every fault.
#[derive(Default)]
pub(super) struct Findings {
    faults: RefCell<Vec<Fault>>,
    warnings: RefCell<Vec<String>>,
    lines: RefCell<HashMap<String, usize>>,
    variables: RefCell<HashMap<String, String>>,
    /// Keys that are not there because their names were mistyped.
    misspelled: RefCell<Vec<String>>,
}

impl Findings {
    /// Remembers in which line a key stands.
    pub(super) fn place(&self, key: String, line: usize) {
        self.lines.borrow_mut().insert(key, line);
    }

    /// Remembers that a variable set a key: its line in the file, if it has one, has no part in it.
    pub(super) fn overrule(&self, key: String, variable: String) {
        self.variables.borrow_mut().insert(key, variable);
    }

    pub(super) fn is_overruled(&self, key: &str) -> bool {
        self.variables.borrow().contains_key(key)
    }

    /// Remembers that a key was written under another name, which is refused: that it is missing follows from that.
    pub(super) fn misspell(&self, key: String) {
        self.misspelled.borrow_mut().push(key);
    }

    pub(super) fn refuse(&self, key: impl Into<String>, problem: impl Into<String>) {
        let key = key.into();
        let variable = self.variables.borrow().get(&key).cloned();
        let line = self.line_of(&key).filter(|_| variable.is_none());
        self.push(line, key, variable, problem.into());
    }

    pub(super) fn refuse_at(&self, line: Option<usize>, key: impl Into<String>, problem: impl Into<String>) {
        self.push(line, key.into(), None, problem.into());
    }

    fn push(&self, line: Option<usize>, key: String, variable: Option<String>, problem: String) {
        self.faults.borrow_mut().push(Fault {
            line,
            key,
            variable,
            problem,
        });
    }

    pub(super) fn warn(&self, key: &str, text: impl fmt::Display) {
        self.warnings.borrow_mut().push(format!("{key}: {text}"));
    }

    /// Tells whether a key, or something within it, is at fault already: what else is said of it may only follow from that.
    pub(super) fn is_told(&self, key: &str) -> bool {
        let within = |told: &str| {
            told.strip_prefix(key)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.faults.borrow().iter().any(|fault| within(&fault.key))
    }

    /// How many faults there are so far.
    pub(super) fn count(&self) -> usize {
        self.faults.borrow().len()
    }

    /// The warnings; with the faults in the order of the file, where there are any.
    pub(super) fn conclude(self) -> Result<Vec<String>, Refused> {
        let mut faults = self.faults.into_inner();
        let mut warnings = self.warnings.into_inner();
        if faults.is_empty() {
            return Ok(warnings);
        }
        // Of a key that is not in the file, nor in the environment, nothing can be said but that it is missing. The
        // faults stay at least one: that of the name it was written under.
        for key in self.misspelled.into_inner() {
            let of_it = |told: &str, ends: &[char]| {
                told.strip_prefix(&key)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(ends))
            };
            faults.retain(|fault| fault.variable.is_some() || !of_it(&fault.key, &['.', '[']));
            warnings.retain(|warning| !of_it(warning, &[':', '.', '[']));
        }
        // What is not in the file comes last; the order of finding decides among equals.
        faults.sort_by_key(|fault| fault.line.unwrap_or(usize::MAX));
        Err(Refused { faults, warnings })
    }

    /// The line of a key, else of the table it is missing from.
    fn line_of(&self, key: &str) -> Option<usize> {
        let lines = self.lines.borrow();
        let mut key = key;
        loop {
            if let Some(line) = lines.get(key) {
                return Some(*line);
            }
            key = key.rsplit_once(['.', '['])?.0;
        }
    }
}
