//! `doorward migrate`: makes the tables of a store, or brings them up to date.

use std::path::PathBuf;

use clap::Args;
use doorward::Doorward;

use super::{block_on, check};
use crate::config::{self, Environment};
use crate::failure::{Failure, chain};
use crate::logging;
use crate::stores::Store;

/// What `doorward migrate` takes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The configuration file whose session.store or session.revocation_store is migrated
    #[arg(long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,
    /// The store itself; a list of processes shows its password, so leave that to PGPASSWORD
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    store: Option<String>,
}

/// Migrates, and says that it is done.
pub(crate) fn run(options: Options) -> Result<(), Failure> {
    let store = match &options.store {
        Some(url) => Store::of(url, "", None).map_err(|problem| Failure::unusable(format!("--store: {problem}")))?,
        None => configured(&options.config)?,
    };
    let Store::Postgres(store) = store else {
        return Err(Failure::unusable("the store has no tables to migrate").with_hint("only PostgreSQL has"));
    };
    logging::begin()?;
    block_on(async {
        store
            .migrate()
            .await
            .map_err(|error| Failure::Broken(format!("cannot migrate: {}", chain(&error))))
    })?;
    logging::to_stdout("the session store's tables are up to date");
    Ok(())
}

fn configured(path: &std::path::Path) -> Result<Store, Failure> {
    let config = config::load(path, &Environment::of_process(), &Doorward::builder())
        .map_err(|reasons| check::refused(path, &reasons))?;
    config.store.ok_or_else(|| {
        let message = format!(
            "{}: session.store: expected postgres://, found no store",
            path.display()
        );
        Failure::unusable(message).with_hint("only PostgreSQL has tables to migrate")
    })
}
