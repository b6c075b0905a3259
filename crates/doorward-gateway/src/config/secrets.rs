//! Secrets: from a variable, from a file, or written out.
//!
//! No message here holds anything that was read, nor the name of a variable or file that could be a secret put in the wrong
//! place: the key and its line say where to look.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

pub(super) use doorward_crypto::SecretString as SecretText;
use doorward_crypto::{check_strength, secrets_of_file};
use toml::de::{DeTable, DeValue};

use super::reading::{Reading, Section};
use super::values;
use crate::clock::now;
use crate::failure::chain;

/// What is said of a secret that stands in the configuration file.
pub(super) const LITERAL: &str = "the secret itself stands in the file; { env = \"…\" } or { file = \"…\" } keeps it out of backups and repositories";

const MAX_SECRET_FILE: u64 = 64 * 1024;
const MISSING: &str = "expected at least one secret, found none; \"doorward keys generate\" makes one";
const EXPECTED: &str = "expected { env = \"NAME\" }, { file = \"path\" } or a text";

/// A secret, and whether it was written out.
pub(super) struct ReadSecret {
    pub(super) text: SecretText,
    pub(super) is_literal: bool,
}

enum Source<'v> {
    Variable(&'v str),
    File(&'v str),
    Literal(&'v str),
}

/// Reads one secret.
pub(super) fn read_secret(reading: &Reading<'_>, value: &DeValue<'_>) -> Result<ReadSecret, String> {
    let (text, is_literal) = match source(value)? {
        Source::Literal(text) => (SecretText::new(text), true),
        Source::Variable(name) => (variable(reading, name)?, false),
        Source::File(path) => {
            let text = file(&reading.folder.join(path))?;
            // Editors and `echo` end a file with a line break that is no part of the secret.
            let text = text.strip_suffix('\n').unwrap_or(&text);
            (SecretText::new(text.strip_suffix('\r').unwrap_or(text)), false)
        }
    };
    if text.is_empty() {
        return Err("expected a secret, found an empty text".into());
    }
    Ok(ReadSecret { text, is_literal })
}

/// Reads `session.secrets`: the first seals, all open. A file holds several, with the time each was made.
///
/// Those at fault are told and left out. Each is judged here by itself, because the ring that is made of them all only knows
/// their numbers, and a file is several.
pub(super) fn session_secrets(session: &Section<'_>) -> Vec<SecretText> {
    let key = "secrets";
    if session.holds_text(key) {
        // Not repeated, for it is a secret.
        session.refuse(
            key,
            "expected a list such as [{ env = \"DOORWARD_SECRET\" }], found a text",
        );
        return Vec::new();
    }
    let Some(elements) = session.array(key) else {
        if !session.holds(key) {
            session.refuse(key, MISSING);
        }
        return Vec::new();
    };
    let mut secrets = Vec::new();
    for (index, value) in elements.iter().enumerate() {
        let read = match source(value.get_ref()) {
            Ok(Source::File(path)) => secrets_file(&session.reading.folder.join(path)),
            _ => read_secret(session.reading, value.get_ref()).and_then(|read| {
                if read.is_literal {
                    session.warn(&format!("{key}[{index}]"), LITERAL);
                }
                check_strength(read.text.expose()).map_err(|error| chain(&error))?;
                Ok(vec![read.text])
            }),
        };
        match read {
            Ok(more) => secrets.extend(more),
            Err(problem) => session.refuse_element(key, index, value, problem),
        }
    }
    if elements.is_empty() {
        session.refuse(key, MISSING);
    }
    secrets
}

fn source<'v>(value: &'v DeValue<'_>) -> Result<Source<'v>, String> {
    let table: &DeTable<'_> = match value {
        DeValue::String(text) => return Ok(Source::Literal(text)),
        DeValue::Table(table) => table,
        other => return Err(format!("{EXPECTED}, found {}", values::kind(other))),
    };
    let mut entries = table.iter();
    let (Some((name, value)), None) = (entries.next(), entries.next()) else {
        return Err(format!("{EXPECTED}, found a table of {} keys", table.len()));
    };
    match (name.get_ref().as_ref(), value.get_ref()) {
        ("env", DeValue::String(text)) => Ok(Source::Variable(text)),
        ("file", DeValue::String(text)) => Ok(Source::File(text)),
        ("env" | "file", other) => Err(format!("expected a text, found {}", values::kind(other))),
        _ => Err(format!("{EXPECTED}, found a table with another key")),
    }
}

fn variable(reading: &Reading<'_>, name: &str) -> Result<SecretText, String> {
    reading.variables.borrow_mut().insert(name.to_owned());
    // Security: a name in the usual form is told; anything else may be the secret, put where its name belongs.
    let usual = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let told = if name.bytes().all(usual) {
        format!("the variable {name}")
    } else {
        "the variable that env names".to_owned()
    };
    match reading.environment.get(name) {
        Ok(Some(text)) => Ok(SecretText::new(text)),
        Ok(None) => Err(format!("expected a secret in {told}, found it empty or not set")),
        Err(_) => Err(format!("expected UTF-8 in {told}")),
    }
}

fn secrets_file(path: &Path) -> Result<Vec<SecretText>, String> {
    secrets_of_file(&file(path)?, now()).map_err(|error| chain(&error))
}

fn file(path: &Path) -> Result<String, String> {
    read_text(path, MAX_SECRET_FILE)
        .map_err(|problem| format!("the file {problem}; relative paths begin at this file's folder"))
}

/// Reads a text file of a limited size; the message says what is wrong with it, without its name.
pub(super) fn read_text(path: &Path, max_bytes: u64) -> Result<String, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(max_bytes + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > max_bytes {
        return Err(format!("is larger than {} KB", max_bytes / 1024));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}
