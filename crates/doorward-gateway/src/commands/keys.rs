//! `doorward keys`: secrets for sealing sessions.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use doorward_crypto::{KeyRing, KeyRingError, SecretString, SystemRandom, generate_secret};

use crate::clock::{now, rfc3339};
use crate::failure::{Failure, chain};
use crate::logging;

use secrets_file::Replacement;

mod secrets_file;

/// What `doorward keys` takes.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a fresh secret: 32 random bytes, base64url
    Generate,
    /// Append a fresh secret to a secrets file, which is made if it is not there
    Rotate {
        /// The file that `session.secrets` names
        file: PathBuf,
    },
}

/// Runs one of the key tools.
pub(crate) fn run(options: Options) -> Result<(), Failure> {
    match options.command {
        Command::Generate => {
            logging::to_stdout(fresh()?.expose());
            Ok(())
        }
        Command::Rotate { file } => rotate(&file),
    }
}

fn fresh() -> Result<SecretString, Failure> {
    generate_secret(&SystemRandom).map_err(|error| Failure::Broken(chain(&error)))
}

/// Appends a secret; the file is replaced in one step, so that no instance ever reads half of it.
fn rotate(file: &Path) -> Result<(), Failure> {
    let now = now();
    let replacement = Replacement::begin(file)?;
    let old = replacement.present()?;
    let had_secrets = match KeyRing::from_secrets_file(&old, now) {
        Ok(_) => true,
        Err(KeyRingError::Empty) => false,
        Err(error) => {
            return Err(Failure::unusable(format!("{}: {}", file.display(), chain(&error)))
                .with_hint("the file was left as it is; correct or remove what the message names"));
        }
    };

    let secret = fresh()?;
    let separator = if old.is_empty() || old.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let new = SecretString::new(format!("{old}{separator}{} {}\n", rfc3339(now), secret.expose()));
    // What is about to be written must be readable, by the same function that instances read it with.
    KeyRing::from_secrets_file(new.expose(), now).map_err(|error| {
        Failure::unusable(format!("{}: with one more secret, {}", file.display(), chain(&error)))
            .with_hint("remove lines that no living session needs any more: those older than `absolute_timeout`")
    })?;
    replacement.finish(new.expose())?;

    logging::to_stderr(&if had_secrets {
        format!(
            "added a secret to {}; every instance opens with it at once and seals with it after ten minutes, and the \
             older ones go on opening the sessions that they sealed",
            file.display()
        )
    } else {
        format!(
            "wrote the first secret to {}; every instance opens and seals with it at once",
            file.display()
        )
    });
    Ok(())
}
