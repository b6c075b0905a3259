//! The configuration file, `doorward.toml`: read, judged, and given out as what a server needs.
//!
//! 1. [`reading`] takes the file apart, table by table, and lets the environment speak for scalars.
//! 2. Each table's own module knows its keys and their forms.
//! 3. [`settings`] hands them to the library's builder, which judges what goes together. Nothing is judged twice.
//!
//! A fault does not end the reading: [`load`] names as many as it can find. Nothing is opened, and no secret is told.

mod environment;
mod findings;
mod path_pattern;
mod provider;
mod reading;
mod routes;
mod secrets;
mod server;
mod settings;
mod tables;
mod values;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
mod tests;

use std::path::Path;

use doorward::{Builder, Doorward};
use toml::de::DeTable;

pub(crate) use environment::Environment;
pub(crate) use findings::{Fault, Refused};
pub(crate) use routes::{Relay, Route};
pub(crate) use server::Server;

use reading::{Reading, Section};
use routes::Surroundings;
use settings::{Place, Settings};

use crate::stores::Store;

/// Far more than anybody writes by hand.
const MAX_BYTES: u64 = 1024 * 1024;

/// The tables whose scalars may come from the environment.
const TABLES: [&str; 6] = ["SERVER", "PROVIDER", "SESSION", "CSRF", "AUTH", "BEARER"];

/// A configuration that can be served.
pub(crate) struct CheckedConfig {
    pub(crate) server: Server,
    /// Guard and endpoints, built; nothing has been fetched.
    pub(crate) auth: Doorward,
    /// The store, if that is where sessions live; not connected yet.
    pub(crate) store: Option<Store>,
    /// In the order of the file.
    pub(crate) routes: Vec<Route>,
    /// What works and an operator should know of.
    pub(crate) warnings: Vec<String>,
}

/// Reads and judges a configuration file; `base` brings what no file says, such as ports and hooks.
///
/// # Errors
/// Every fault that could be found, in the order of the file, and the warnings beside them.
pub(crate) fn load(path: &Path, environment: &Environment, base: &Builder) -> Result<CheckedConfig, Refused> {
    let text = secrets::read_text(path, MAX_BYTES).map_err(of_file)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    check(&text, folder, environment, base)
}

/// Judges the text of a configuration file; relative paths in it begin at `folder`.
fn check(text: &str, folder: &Path, environment: &Environment, base: &Builder) -> Result<CheckedConfig, Refused> {
    let reading = Reading::new(text, folder, environment);
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // Security: the message alone; the parser's own display quotes the line, which may hold a secret.
        for error in &errors {
            let line = error.span().map(|span| reading.line(span.start));
            let problem = format!("is no TOML: {}", error.message());
            reading.findings.refuse_at(line, "", problem);
        }
        reading.findings.conclude()?;
        return Err(of_file("is no TOML".to_owned()));
    }

    let root = Section::root(&reading, table.get_ref());
    let mut settings = Settings::default();
    let server = server::server(&root, &mut settings);
    settings.providers = provider::providers(&root);
    tables::session(&root, &mut settings);
    tables::auth(&root, &mut settings);
    settings.bearer = tables::bearer(&root);
    settings.tenants = tables::tenants(&root);
    let base_path = settings.base_path.clone().filter(|path| path.starts_with('/'));
    let routes = routes::routes(
        &root,
        &Surroundings {
            base_path: base_path.as_deref().unwrap_or("/auth"),
            accepts_bearer: settings.bearer.is_some(),
        },
    );
    root.finish();
    let store = match &settings.place {
        Place::Store(store) => Some(store.clone()),
        Place::Cookie | Place::Memory => match &settings.revocation_place {
            Some(Place::Store(store)) => Some(store.clone()),
            _ => None,
        },
    };
    let auth = settings.judge(base, &reading.findings);
    let unknown = unknown_variables(&reading);

    let mut warnings = match reading.findings.conclude() {
        Ok(warnings) => warnings,
        Err(mut refused) => {
            refused.warnings.extend(unknown);
            return Err(refused);
        }
    };
    warnings.extend(unknown);
    match (server, auth) {
        (Some(server), Some(auth)) => {
            warnings.extend(auth.warnings().iter().cloned());
            Ok(CheckedConfig {
                server,
                auth,
                store,
                routes,
                warnings,
            })
        }
        // Whatever left one of them out has said so; this is for a system without randomness.
        _ => Err(of_file("cannot be judged".to_owned())),
    }
}

fn of_file(problem: String) -> Refused {
    let fault = Fault {
        line: None,
        key: String::new(),
        variable: None,
        problem,
    };
    Refused {
        faults: vec![fault],
        warnings: Vec::new(),
    }
}

/// Warns of variables that look like settings and are none. Not refused: an orchestrator sets variables such as
/// `DOORWARD_SERVER_PORT` for services that happen to be called so.
fn unknown_variables(reading: &Reading<'_>) -> Vec<String> {
    let known = reading.variables.borrow();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut warnings = Vec::new();
    for table in TABLES {
        let prefix = format!("DOORWARD_{table}_");
        for name in reading.environment.names(&prefix) {
            if known.contains(&name) {
                continue;
            }
            warnings.push(match values::nearest(name, &known) {
                Some(near) => format!("{name}: is set and is no setting; did you mean {near}?"),
                None => format!("{name}: is set and is no setting that can come from the environment"),
            });
        }
    }
    warnings
}
