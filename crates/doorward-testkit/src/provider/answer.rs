//! How one endpoint answers.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::bomb::gzip_of_spaces;
use crate::Gate;

/// How one endpoint answers. The default answers correctly.
///
/// # Example
/// ```
/// use doorward_testkit::{Answer, ScriptedProvider, FixedClock};
///
/// let provider = ScriptedProvider::new("https://id.example.com", FixedClock::default());
/// provider.script(|script| {
///     script.refresh.answer = Answer::error(503, "temporarily_unavailable").header("retry-after", "2").times(1);
///     script.discovery = Answer::correct().edit(|document| document["issuer"] = "https://evil.example".into());
/// });
/// ```
#[derive(Clone, Default)]
pub struct Answer {
    pub(super) status: Option<StatusCode>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
    pub(super) idle: bool,
    pub(super) before: Option<Gate>,
    pub(super) after: Option<Gate>,
    pub(super) left: Option<usize>,
}

/// What is sent as the body.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Body {
    /// What belongs there.
    #[default]
    Correct,
    /// What belongs there, changed.
    Edited(Arc<dyn Fn(&mut Value) + Send + Sync>),
    /// The text of what belongs there, changed: for JSON that no JSON value can say.
    Rewritten(Arc<dyn Fn(String) -> String + Send + Sync>),
    /// These bytes.
    Raw(Bytes),
    /// These bytes, and then the connection breaks.
    Cut(Bytes),
    /// Spaces without end.
    Endless,
}

impl Answer {
    /// The correct answer, to be changed by what follows.
    #[must_use]
    pub fn correct() -> Self {
        Self::default()
    }

    /// An OAuth error, given before the endpoint does anything: no code is used up, no token rotated.
    ///
    /// # Panics
    /// If `status` is none.
    #[must_use]
    pub fn error(status: u16, code: &str) -> Self {
        let body = json!({"error": code}).to_string();
        Self {
            idle: true,
            ..Self::correct().status(status).raw(body)
        }
    }

    /// Any bytes with a status and a type, given before the endpoint does anything.
    ///
    /// # Panics
    /// If `status` is none.
    #[must_use]
    pub fn instead(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let answer = Self::correct().status(status).header("content-type", content_type);
        Self {
            idle: true,
            ..answer.raw(body)
        }
    }

    /// Lets the endpoint do its part first: the code is used up, the token rotated, and then this is what arrives.
    #[must_use]
    pub fn after_acting(self) -> Self {
        Self { idle: false, ..self }
    }

    /// Answers with this status.
    ///
    /// # Panics
    /// If `status` is none.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self {
            status: Some(StatusCode::from_u16(status).expect("a status")),
            ..self
        }
    }

    /// Sets a header, in place of one of the same name.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Changes the correct body.
    #[must_use]
    pub fn edit(self, edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self {
            body: Body::Edited(Arc::new(edit)),
            ..self
        }
    }

    /// Sets one member of the correct body.
    #[must_use]
    pub fn with(self, member: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.edit(move |body| body[member] = value.clone())
    }

    /// Removes one member of the correct body.
    #[must_use]
    pub fn without(self, member: &'static str) -> Self {
        self.edit(move |body| {
            body.as_object_mut().expect("an object").remove(member);
        })
    }

    /// Changes the text of the correct body: members given twice, cut JSON, a byte order mark.
    #[must_use]
    pub fn rewrite(self, edit: impl Fn(String) -> String + Send + Sync + 'static) -> Self {
        Self {
            body: Body::Rewritten(Arc::new(edit)),
            ..self
        }
    }

    /// Gives one member of the correct body a second time, in front of the right one.
    #[must_use]
    pub fn with_twice(self, member: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.rewrite(move |body| body.replacen('{', &format!("{{\"{member}\":{value},"), 1))
    }

    /// Breaks the connection before the endpoint does anything; with [`after_acting`](Self::after_acting), after.
    #[must_use]
    pub fn reset() -> Self {
        Self {
            idle: true,
            ..Self::correct().cut_after(Bytes::new())
        }
    }

    /// Sends ten megabytes of spaces as 66 kilobytes of gzip.
    #[must_use]
    pub fn gzip_bomb(self) -> Self {
        self.header("content-encoding", "gzip")
            .raw(gzip_of_spaces(10 * 1024 * 1024))
    }

    /// Sends these bytes instead of the correct body.
    #[must_use]
    pub fn raw(self, body: impl Into<Bytes>) -> Self {
        Self {
            body: Body::Raw(body.into()),
            ..self
        }
    }

    /// Sends these bytes, then breaks the connection.
    #[must_use]
    pub fn cut_after(self, body: impl Into<Bytes>) -> Self {
        Self {
            body: Body::Cut(body.into()),
            ..self
        }
    }

    /// Sends spaces and never ends.
    #[must_use]
    pub fn endless(self) -> Self {
        Self {
            body: Body::Endless,
            ..self
        }
    }

    /// Holds the request at `gate` before the endpoint does anything.
    #[must_use]
    pub fn held_at(self, gate: &Gate) -> Self {
        Self {
            before: Some(gate.clone()),
            ..self
        }
    }

    /// Holds the answer at `gate` after the endpoint did its part.
    #[must_use]
    pub fn held_after_acting(self, gate: &Gate) -> Self {
        Self {
            after: Some(gate.clone()),
            ..self
        }
    }

    /// Answers this way `count` times, then correctly.
    #[must_use]
    pub fn times(self, count: usize) -> Self {
        Self {
            left: Some(count),
            ..self
        }
    }

    /// The answer for the next request: itself, or the correct one once used up.
    pub(super) fn next(&mut self) -> Self {
        match &mut self.left {
            Some(0) => Self::default(),
            Some(left) => {
                *left -= 1;
                self.clone()
            }
            None => self.clone(),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = match self.body {
            Body::Correct => "correct",
            Body::Edited(_) => "edited",
            Body::Rewritten(_) => "rewritten",
            Body::Raw(_) => "raw",
            Body::Cut(_) => "cut",
            Body::Endless => "endless",
        };
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &body)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
