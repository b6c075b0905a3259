//! Just enough of the Redis protocol to command a server that a test started itself.

use std::path::Path;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::START_LIMIT;

/// Runs one command; arrays come back as lines, one per element.
///
/// `credentials` are user and password. An error reply is an error with the server's words.
pub(super) async fn command(
    socket: &Path,
    credentials: Option<(&str, &str)>,
    words: &[&str],
) -> Result<String, String> {
    let exchange = async {
        let stream = UnixStream::connect(socket).await.map_err(|error| error.to_string())?;
        let mut stream = BufReader::new(stream);
        if let Some((user, password)) = credentials {
            exchange(&mut stream, &["AUTH", user, password]).await?;
        }
        exchange(&mut stream, words).await
    };
    let limit = START_LIMIT.as_secs();
    timeout(START_LIMIT, exchange)
        .await
        .unwrap_or_else(|_| Err(format!("no reply to {words:?} within {limit} s")))
}

async fn exchange(stream: &mut BufReader<UnixStream>, words: &[&str]) -> Result<String, String> {
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    // An array counts its elements, which may be arrays; so one count of what is still to come suffices.
    let mut left = 1_usize;
    let mut refused = None;
    while left > 0 {
        left -= 1;
        let line = line(stream).await?;
        let (kind, rest) = line.split_at_checked(1).ok_or("an empty reply")?;
        match kind {
            "+" | ":" => lines.push(rest.to_owned()),
            "-" => refused = Some(rest.to_owned()),
            "$" => lines.push(bulk(stream, length(rest)?).await?),
            "*" => left += length(rest)?.unwrap_or(0),
            _ => return Err(format!("expected a reply, found {line:?}")),
        }
    }
    refused.map_or_else(|| Ok(lines.join("\n")), Err)
}

/// `-1` stands for nothing at all.
fn length(text: &str) -> Result<Option<usize>, String> {
    if text == "-1" {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|_| format!("expected a length, found {text:?}"))
}

async fn line(stream: &mut BufReader<UnixStream>) -> Result<String, String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.map_err(|error| error.to_string())?;
    let line = line.strip_suffix("\r\n").ok_or("the connection closed")?;
    Ok(line.to_owned())
}

async fn bulk(stream: &mut BufReader<UnixStream>, length: Option<usize>) -> Result<String, String> {
    let Some(length) = length else {
        return Ok(String::new());
    };
    let mut bytes = vec![0; length + 2];
    stream.read_exact(&mut bytes).await.map_err(|error| error.to_string())?;
    bytes.truncate(length);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
