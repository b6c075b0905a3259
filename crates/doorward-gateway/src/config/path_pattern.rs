//! Path patterns of routes: `/orders`, `/orders/{id}`, `/api/{*rest}`.
//!
//! Of two patterns that match a path, the more specific wins: segment by segment, a text before `{name}` before `{*rest}`.
//! So no pattern hides another but one of the same shape.

use std::fmt;

/// Longer than any path that a server would take.
const MAX_BYTES: usize = 2_000;

/// A path, some of whose segments stand for any text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathPattern {
    text: String,
    segments: Vec<Segment>,
}

/// Why a text is no pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misread {
    pub(super) expected: &'static str,
    /// The pattern that was meant, where another router's placeholders stand in it.
    pub(super) meant: Option<String>,
}

impl From<&'static str> for Misread {
    fn from(expected: &'static str) -> Self {
        Self { expected, meant: None }
    }
}

/// Said of what other routers write for a placeholder. As plain text it would match nothing that anybody calls.
const FOREIGN: &str = "{name} for any one segment and {*rest} for all that is left";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Text(String),
    /// Any one segment, of at least one character.
    Any,
    /// Whatever is left, of at least one character.
    Rest,
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What was expected, in words, and what may have been meant.
    pub(super) fn parse(text: &str) -> Result<Self, Misread> {
        let rest = text.strip_prefix('/').ok_or("a path that begins with \"/\"")?;
        if text.len() > MAX_BYTES {
            return Err("a path of at most 2000 bytes".into());
        }
        let parts: Vec<&str> = rest.split('/').collect();
        if parts.iter().copied().any(is_foreign) {
            return Err(Misread {
                expected: FOREIGN,
                meant: meant(&parts).filter(|meant| Self::parse(meant).is_ok()),
            });
        }
        let mut segments = Vec::with_capacity(parts.len());
        let mut names = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let is_last = index + 1 == parts.len();
            let segment = segment(part, is_last)?;
            if segment != Segment::Text((*part).to_owned()) {
                if names.contains(part) {
                    return Err("a name only once in a path".into());
                }
                names.push(*part);
            }
            segments.push(segment);
        }
        Ok(Self {
            text: text.to_owned(),
            segments,
        })
    }

    /// The pattern without the names of its placeholders: two of one shape match the same paths.
    pub(super) fn shape(&self) -> String {
        let mut shape = String::with_capacity(self.text.len());
        for segment in &self.segments {
            shape.push('/');
            shape.push_str(match segment {
                Segment::Text(text) => text,
                Segment::Any => "{}",
                Segment::Rest => "{*}",
            });
        }
        shape
    }

    /// Tells whether every path that matches is `path` or below it.
    pub(super) fn is_within(&self, path: &str) -> bool {
        let mut segments = self.segments.iter();
        let mut wanted = path.trim_matches('/').split('/');
        wanted.all(|wanted| matches!(segments.next(), Some(Segment::Text(text)) if text == wanted))
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

fn segment(part: &str, is_last: bool) -> Result<Segment, &'static str> {
    let placeholder = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
    if let Some(name) = placeholder {
        return match name.strip_prefix('*') {
            Some(name) if is_name(name) && is_last => Ok(Segment::Rest),
            Some(name) if is_name(name) => Err("\"{*rest}\" as the last segment only"),
            None if is_name(name) => Ok(Segment::Any),
            _ => Err("a name of letters, digits and \"_\" between { and }"),
        };
    }
    match part {
        // Security: what a backend takes for the folder above would be reached by the rule of another path.
        "." | ".." => Err("no \".\" or \"..\" as a segment"),
        "" if !is_last => Err("no empty segment (\"//\")"),
        _ if part.contains(['{', '}']) => Err("{name} or {*rest} as a whole segment"),
        _ if part.bytes().all(is_path_byte) => Ok(Segment::Text(part.to_owned())),
        _ => Err("the characters of a path (RFC 3986) without percent-encoding, query or fragment"),
    }
}

/// Tells whether a segment is a placeholder of another router: `*`, `**`, `*rest`, `*.js`, `files*`, `:id`.
fn is_foreign(part: &str) -> bool {
    part.starts_with(['*', ':']) || part.ends_with('*')
}

/// The path with our placeholders in place of another router's; `None` where one of them has no counterpart.
fn meant(parts: &[&str]) -> Option<String> {
    let mut path = String::new();
    for (index, part) in parts.iter().enumerate() {
        let is_last = index + 1 == parts.len();
        path.push('/');
        match (*part, part.trim_start_matches(['*', ':'])) {
            ("*" | "**", _) if is_last => path.push_str("{*rest}"),
            ("*", _) => path.push_str("{name}"),
            (part, name) if is_foreign(part) && is_name(name) => {
                let star = if part.starts_with('*') { "*" } else { "" };
                path.push_str(&format!("{{{star}{name}}}"));
            }
            (part, _) if is_foreign(part) => return None,
            (part, _) => path.push_str(part),
        }
    }
    Some(path)
}

fn is_name(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(word) && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// RFC 3986 §3.3: `pchar` without percent-encoding.
fn is_path_byte(byte: u8) -> bool {
    // Security: no `%`, so that a path has one spelling: the one that requests are compared in.
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}
