//! `doorward check`: judges a configuration without opening a port.

use std::path::{Path, PathBuf};

use clap::Args;
use doorward::Doorward;

use crate::config::{self, CheckedConfig, Environment, Refused, Relay};
use crate::failure::Failure;
use crate::logging;

/// More faults than this help nobody.
const MAX_FAULTS: usize = 100;

/// What `doorward check` takes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,
}

/// Prints every route with its rule, and every warning.
pub(crate) fn run(options: Options) -> Result<(), Failure> {
    let path = &options.config;
    let config = config::load(path, &Environment::of_process(), &Doorward::builder())
        .map_err(|reasons| refused(path, &reasons))?;
    logging::to_stdout(report(path, &config).trim_end());
    Ok(())
}

pub(super) fn refused(path: &Path, Refused { faults, warnings }: &Refused) -> Failure {
    let mut lines: Vec<String> = faults
        .iter()
        .take(MAX_FAULTS)
        .map(|fault| match fault.line {
            Some(line) => format!("{}:{line}: {fault}", path.display()),
            None => format!("{}: {fault}", path.display()),
        })
        .collect();
    if faults.len() > MAX_FAULTS {
        lines.push(format!("{}: and {} more", path.display(), faults.len() - MAX_FAULTS));
    }
    let warnings = warnings.iter().take(MAX_FAULTS);
    Failure::Faults {
        faults: lines,
        warnings: warnings
            .map(|warning| format!("{}: {warning}", path.display()))
            .collect(),
    }
}

fn report(path: &Path, config: &CheckedConfig) -> String {
    let server = &config.server;
    let proxies: Vec<String> = server.trusted_proxies.iter().map(ToString::to_string).collect();
    let proxies = if proxies.is_empty() {
        "nobody".to_owned()
    } else {
        proxies.join(", ")
    };
    let mut sections = vec![
        format!("{} can be used", path.display()),
        table(&[
            ["listens at".into(), server.listen.to_string()],
            ["administration at".into(), server.admin_listen.to_string()],
            ["forwarded headers from".into(), proxies],
        ]),
        format!("routes\n{}", indented(&table(&routes(config)))),
    ];
    if !config.warnings.is_empty() {
        sections.push(format!("warnings\n{}", indented(&config.warnings.join("\n"))));
    }
    sections.join("\n\n")
}

/// The routes of the file in their order, then our own endpoints.
fn routes(config: &CheckedConfig) -> Vec<[String; 3]> {
    let mut rows = Vec::new();
    for route in &config.routes {
        let upstream = route.upstream.origin().ascii_serialization();
        let goes_to = match route.relay {
            Relay::Nothing => upstream,
            Relay::AccessToken => format!("{upstream}, with the access token"),
        };
        rows.push([route.path.to_string(), route.rule.to_string(), goes_to]);
    }
    let engine = config.auth.engine();
    let mut off = engine.endpoint_paths();
    off.retain(|(endpoint, _)| !engine.serves(*endpoint));
    for own in config.auth.router::<()>().audit() {
        if off.iter().any(|(_, path)| path == own.path()) {
            continue;
        }
        rows.push([own.path().to_owned(), own.rule().to_string(), "doorward".to_owned()]);
    }
    rows.push(["anything else".to_owned(), "refused".to_owned(), String::new()]);
    rows
}

/// Columns as wide as their widest cell.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths);
        let padded: Vec<String> = cells.map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| format!("  {line}"));
    lines.collect::<Vec<_>>().join("\n")
}
