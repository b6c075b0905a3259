//! Load from `wrk`.

use std::process::Command;

use super::Failure;
use super::server::Variant;

/// How to load one variant.
pub(crate) struct Wrk {
    pub(crate) variant: Variant,
    port: u16,
    headers: Vec<String>,
}

/// What `wrk` did.
pub(crate) struct Load {
    pub(crate) requests: f64,
    pub(crate) per_second: f64,
}

impl Wrk {
    /// Reads what the server printed of a variant.
    pub(crate) fn from_line(variant: Variant, line: &str) -> Result<Self, Failure> {
        let mut fields = line.split('\t');
        let mut field = || fields.next().ok_or("server printed something else");
        let (port, cookie, csrf) = (field()?.parse()?, field()?, field()?);
        let mut headers = Vec::new();
        if variant.sends_cookies() {
            headers.push(format!("Cookie: {cookie}"));
            headers.push(format!("X-CSRF-TOKEN: {csrf}"));
        }
        Ok(Self { variant, port, headers })
    }

    /// Loads the port from processor 1: one thread, 32 connections.
    ///
    /// # Errors
    /// Where `wrk` is missing, or one answer had another status than the variant's.
    pub(crate) fn run(&self, seconds: u32) -> Result<Load, Failure> {
        let mut command = Command::new("taskset");
        command.args(["-c", "1", "wrk", "-t1", "-c32", &format!("-d{seconds}s")]);
        for header in &self.headers {
            command.args(["-H", header]);
        }
        let output = command.arg(format!("http://127.0.0.1:{}/api", self.port)).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(format!("wrk failed: {text}{}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let mut load = (None, None, 0.0);
        for words in text.lines().map(words) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match words.as_slice() {
                [requests, "requests", "in", ..] => load.0 = Some(requests.parse::<f64>()?),
                ["Requests/sec:", rate] => load.1 = Some(rate.parse::<f64>()?),
                ["Non-2xx", _, _, "responses:", count] => load.2 = count.parse()?,
                ["Socket", "errors:", ..] => return Err(format!("connections failed: {}", words.join(" ")).into()),
                _ => {}
            }
        }
        let (Some(requests), Some(per_second), refused) = load else {
            return Err(format!("wrk printed something else: {text}").into());
        };
        let expected = if self.variant.status() == 200 { 0.0 } else { requests };
        if refused != expected {
            return Err(format!("{}: {refused} of {requests} requests refused", self.variant.name()).into());
        }
        Ok(Load { requests, per_second })
    }
}
