//! A Redis server that answers what a test wants: well until told otherwise.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

/// What is answered to a command.
#[derive(Clone)]
pub(crate) enum Reply {
    Bytes(Vec<u8>),
    Nothing,
    /// These bytes after a while.
    Later(Duration, Vec<u8>),
    /// These bytes, and then the connection ends.
    Last(Vec<u8>),
}

type Behaviour = Arc<dyn Fn(&str) -> Option<Reply> + Send + Sync>;

/// A server; what its behaviour leaves out is answered well.
pub(crate) struct Fake {
    port: u16,
    behaviour: Arc<Mutex<Behaviour>>,
    commands: Arc<Mutex<Vec<String>>>,
    accepting: AbortHandle,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let behaviour: Arc<Mutex<Behaviour>> = Arc::new(Mutex::new(Arc::new(|_| None)));
        let commands = Arc::new(Mutex::new(Vec::new()));
        let (wanted, seen) = (Arc::clone(&behaviour), Arc::clone(&commands));
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&wanted), Arc::clone(&seen)));
            }
        });
        Self {
            port,
            behaviour,
            commands,
            accepting: accepting.abort_handle(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Answers one command in its own way and everything else well.
    pub(crate) fn answer(&self, command: &'static str, reply: Reply) {
        self.behave(move |name| (name == command).then(|| reply.clone()));
    }

    pub(crate) fn behave(&self, behaviour: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static) {
        *self.behaviour.lock().unwrap() = Arc::new(behaviour);
    }

    pub(crate) fn behave_well(&self) {
        self.behave(|_| None);
    }

    /// How often a command was heard.
    pub(crate) fn heard(&self, command: &str) -> usize {
        let commands = self.commands.lock().unwrap();
        commands.iter().filter(|name| *name == command).count()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// An error reply.
pub(crate) fn error(text: &str) -> Reply {
    Reply::Bytes(format!("-{text}\r\n").into_bytes())
}

pub(crate) fn bytes(text: &str) -> Reply {
    Reply::Bytes(text.as_bytes().to_vec())
}

async fn serve(mut stream: TcpStream, behaviour: Arc<Mutex<Behaviour>>, seen: Arc<Mutex<Vec<String>>>) {
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    loop {
        while let Some((command, length)) = command(&buffer) {
            buffer.drain(..length);
            seen.lock().unwrap().push(command.clone());
            let wanted = behaviour.lock().unwrap().clone();
            let (reply, is_last) = match wanted(&command) {
                None => (well(&command), false),
                Some(Reply::Bytes(bytes)) => (bytes, false),
                Some(Reply::Nothing) => continue,
                Some(Reply::Later(after, bytes)) => {
                    sleep(after).await;
                    (bytes, false)
                }
                Some(Reply::Last(bytes)) => (bytes, true),
            };
            if stream.write_all(&reply).await.is_err() || is_last {
                return;
            }
        }
        if !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
            return;
        }
    }
}

/// The name of the first command and how many bytes it has, if it is complete.
fn command(buffer: &[u8]) -> Option<(String, usize)> {
    let mut at = 0;
    let count = number(buffer, &mut at, b'*')?;
    let mut name = String::new();
    for place in 0..count {
        let length = number(buffer, &mut at, b'$')?;
        let word = buffer.get(at..at + length)?;
        buffer.get(at + length..at + length + 2)?;
        if place == 0 {
            name = String::from_utf8_lossy(word).to_uppercase();
        }
        at += length + 2;
    }
    Some((name, at))
}

fn number(buffer: &[u8], at: &mut usize, kind: u8) -> Option<usize> {
    let line = buffer.get(*at..)?;
    let end = line.iter().position(|byte| *byte == b'\r')?;
    line.get(end + 1)?;
    assert_eq!(line[0], kind, "a client that speaks the protocol");
    *at += end + 2;
    std::str::from_utf8(&line[1..end]).unwrap().parse().ok()
}

fn well(command: &str) -> Vec<u8> {
    let reply = match command {
        "HELLO" => {
            "%4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.0\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
        }
        "TIME" => "*2\r\n$10\r\n1767225600\r\n$6\r\n250999\r\n",
        "GETRANGE" => "$0\r\n\r\n",
        "EVAL" | "EVALSHA" => ":1\r\n",
        "ZSCAN" => "*2\r\n$1\r\n0\r\n*0\r\n",
        "SUBSCRIBE" => ">3\r\n$9\r\nsubscribe\r\n$16\r\ndoorward:changes\r\n:1\r\n",
        "PING" => "+PONG\r\n",
        _ => "-ERR unknown command\r\n",
    };
    reply.as_bytes().to_vec()
}
