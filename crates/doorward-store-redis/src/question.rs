//! What is asked of a server, ready to be sent more than once.

use std::sync::LazyLock;

use redis::{Cmd, Pipeline, Script, Value};

/// A script, with its digest.
pub(crate) struct LuaScript {
    text: &'static str,
    script: LazyLock<Script>,
}

impl LuaScript {
    pub(crate) const fn new(text: &'static str, make: fn() -> Script) -> Self {
        Self {
            text,
            script: LazyLock::new(make),
        }
    }
}

/// Commands that go to one server together, with one reply each.
pub(crate) struct Question<'a> {
    /// Before the one that has the key; needs none itself.
    pub(crate) before: Option<&'static str>,
    pub(crate) command: Command<'a>,
    /// Whether replies have the form of an answer.
    pub(crate) is_answer: fn(&[Value]) -> bool,
    /// Whether it may be sent again after an answer was lost.
    pub(crate) is_repeatable: bool,
}

/// The command that has the key.
pub(crate) enum Command<'a> {
    /// A command's words.
    Words(Vec<&'a [u8]>),
    /// A script's keys and arguments.
    Script {
        script: &'static LuaScript,
        keys: Vec<&'a [u8]>,
        arguments: Vec<&'a [u8]>,
    },
}

/// How to name a script, and whom the question goes to.
#[derive(Clone, Copy, Default)]
pub(crate) struct Form {
    /// Whether the script's text is sent, because the server does not know its digest.
    pub(crate) with_text: bool,
    /// Whether a cluster's node was named as the next one of a slot that is on its way.
    pub(crate) asking: bool,
}

impl Question<'_> {
    /// Writes it down.
    pub(crate) fn pipeline(&self, form: Form) -> Pipeline {
        let mut pipeline = Pipeline::new();
        if let Some(before) = self.before {
            pipeline.cmd(before);
        }
        if form.asking {
            pipeline.cmd("ASKING");
        }
        pipeline.add_command(self.command.write(form));
        pipeline
    }

    /// Leaves out the reply to what was sent for a cluster's sake only.
    pub(crate) fn without_asking(&self, mut replies: Vec<Value>, asking: bool) -> Vec<Value> {
        let at = usize::from(self.before.is_some());
        if asking && at < replies.len() {
            replies.remove(at);
        }
        replies
    }
}

impl Command<'_> {
    fn write(&self, form: Form) -> Cmd {
        let mut command = Cmd::new();
        match self {
            Command::Words(words) => {
                for word in words {
                    command.arg(*word);
                }
            }
            Command::Script {
                script,
                keys,
                arguments,
            } => {
                if form.with_text {
                    command.arg("EVAL").arg(script.text);
                } else {
                    command.arg("EVALSHA").arg(script.script.get_hash());
                }
                command.arg(keys.len());
                for part in keys.iter().chain(arguments) {
                    command.arg(*part);
                }
            }
        }
        command
    }
}
