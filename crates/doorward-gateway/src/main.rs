//! The `doorward` binary: a development server with everything in it, the development provider alone, a check of
//! configuration files, migrations of a store, and key tools.

mod clock;
mod commands;
mod config;
mod demo;
mod failure;
mod listen;
mod logging;
mod stores;
mod tls;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// Guards your endpoints: OpenID Connect login, sessions and CSRF protection.
#[derive(Debug, Parser)]
#[command(
    name = "doorward",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a development provider, a demo backend and a small web app; nothing else needed
    Dev(commands::dev::Options),
    /// Judge a configuration file without opening a port, and print its routes with their rules
    Check(commands::check::Options),
    /// Make the tables of a session store in PostgreSQL, or bring them up to date
    Migrate(commands::migrate::Options),
    /// Run the development identity provider alone, on loopback only
    Provider(commands::provider::Options),
    /// Make and rotate the secrets that seal sessions
    Keys(commands::keys::Options),
}

fn main() -> ExitCode {
    // clap prints help and usage errors itself and leaves with 2.
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Dev(options) => commands::dev::run(options),
        Command::Check(options) => commands::check::run(options),
        Command::Migrate(options) => commands::migrate::run(options),
        Command::Provider(options) => commands::provider::run(options),
        Command::Keys(options) => commands::keys::run(options),
    }
}
