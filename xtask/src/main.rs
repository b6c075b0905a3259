//! House commands, run as `cargo xtask <command>`.
//!
//! - `test [--install]`: everything that guards the project, in one command ([`suite`]).
//! - `tidy [--security]`: the rules of the house that no compiler checks ([`tidy`]).
//! - `docs [--check]`: writes the generated parts of the reference pages, or says which are out of date ([`docs`]).
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool: it talks to a terminal, reads the clock and the environment"
)]

use std::path::Path;
use std::process::ExitCode;

mod docs;
mod failure;
mod suite;
mod tidy;

use failure::Failure;

const HELP: &str = "\
usage: cargo xtask <command>

  test [--install]    run everything: formatting, lints, house rules, dependency rules, unit, integration,
                      documentation and browser tests, and the browser package. With --install first installs what the machine lacks
                      (Node.js, Python, packages for both, Chromium, Redis, PostgreSQL, nginx, cargo-deny); without it says what
                      is missing
  tidy [--security]   check the rules of the house; --security lists every line marked `// Security:`
  docs [--check]      write the generated parts of docs/reference; --check only says whether they are current
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // The alias runs from wherever the user stands; every path below is relative to the repository.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    if let Err(error) = std::env::set_current_dir(root) {
        eprintln!("cannot enter {}: {error}", root.display());
        return ExitCode::from(2);
    }
    let outcome = match arguments.as_slice() {
        ["test"] => return suite::run(suite::Install::Never),
        ["test", "--install"] => return suite::run(suite::Install::WhereMissing),
        ["tidy"] => tidy::run(tidy::Security::Count),
        ["tidy", "--security"] => tidy::run(tidy::Security::List),
        ["docs"] => docs::run(docs::Mode::Write),
        ["docs", "--check"] => docs::run(docs::Mode::Check),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { message }) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
