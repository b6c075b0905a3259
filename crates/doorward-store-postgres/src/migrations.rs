//! The tables, and how they become what this release needs.

use core::time::Duration;

use doorward_core::ports::{StoreError, StoreErrorKind};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use tokio::time::timeout;

use crate::failure;
use crate::statements::Names;

/// How long a migration may take; what it makes is made in one transaction, so that an end in the middle leaves nothing behind.
const LIMIT: Duration = Duration::from_secs(60);

/// The migrations, the first one first. One that was released is never changed.
const MIGRATIONS: &[fn(&Names) -> String] = &[first];

/// Tables that are not, or cannot be made, what this release needs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// The server could not be asked.
    #[error("the session store's server could not be asked")]
    Store(#[source] StoreError),
    /// A newer release was here, and this one does not know what its tables mean.
    #[error("expected tables of migration {known} or older, found {found}: a newer release migrated this database")]
    Newer {
        /// The database's newest migration.
        found: i32,
        /// This release's newest.
        known: i32,
    },
    /// A migration was not made yet.
    #[error("expected tables of migration {known}, found {found}: run `doorward migrate --config doorward.toml`")]
    Missing {
        /// The database's newest migration; 0 for none.
        found: i32,
        /// This release's newest.
        known: i32,
    },
    /// The server refused a statement.
    #[error("the server refused the migration with {code}: {message}")]
    Refused {
        /// The SQLSTATE.
        code: String,
        /// What the server said.
        message: String,
    },
    /// It took too long, perhaps waiting for another one.
    #[error("expected the migration to end within {} s, found it running", LIMIT.as_secs())]
    Timeout,
}

/// Sessions: rows change at almost every request, so that pages keep room for the next version beside the last one, and no index
/// is on what changes each time: `removal_hour` is the hour in which the record expires. Ciphertext is not compressed.
/// Garbage is collected early, because every write makes some.
fn first(names: &Names) -> String {
    let Names {
        sessions,
        lists,
        bare_prefix: prefix,
        ..
    } = names;
    let vacuum = "autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000";
    format!(
        "create table {sessions} ( \
           key bytea primary key, \
           version bigint not null, \
           record bytea not null, \
           keep_until timestamptz not null, \
           removal_hour integer not null \
         ) with (fillfactor = 70, {vacuum}, \
           toast.autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_threshold = 1000); \
         alter table {sessions} alter column record set storage external; \
         create index {prefix}sessions_removal on {sessions} (removal_hour); \
         create table {lists} ( \
           list bytea not null, \
           key bytea not null, \
           until timestamptz not null, \
           removal_hour integer not null, \
           primary key (list, key) \
         ) with (fillfactor = 90, {vacuum}); \
         create index {prefix}lists_removal on {lists} (removal_hour);"
    )
}

fn known() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Applies what is missing, while nobody else does.
pub(crate) async fn apply(server: &PgConnectOptions, names: &Names) -> Result<(), MigrationError> {
    let applied = timeout(LIMIT, async {
        let mut connection = PgConnection::connect_with(server).await.map_err(refused)?;
        let result = apply_over(&mut connection, names).await;
        // The server notices the end of the connection either way.
        let _ = connection.close().await;
        result
    });
    applied.await.map_err(|_| MigrationError::Timeout)?
}

async fn apply_over(connection: &mut PgConnection, names: &Names) -> Result<(), MigrationError> {
    let migrations = &names.migrations;
    let mut transaction = connection.begin().await.map_err(refused)?;
    // Until the end of the transaction, also behind a pooler that gives each transaction another connection.
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(format!("doorward migrate {migrations}"))
        .execute(&mut *transaction)
        .await
        .map_err(refused)?;
    // Asked first: `create table if not exists` wants the right to create where there is nothing to create.
    let there: bool = sqlx::query("select to_regclass($1) is not null as there")
        .bind(migrations)
        .fetch_one(&mut *transaction)
        .await
        .and_then(|row| row.try_get("there"))
        .map_err(refused)?;
    if !there {
        let make = format!(
            "create table {migrations} (version integer primary key, applied_at timestamptz not null default now())"
        );
        sqlx::raw_sql(AssertSqlSafe(make))
            .execute(&mut *transaction)
            .await
            .map_err(refused)?;
    }
    let found = sqlx::query(AssertSqlSafe(format!(
        "select coalesce(max(version), 0) as version from {migrations}"
    )))
    .fetch_one(&mut *transaction)
    .await
    .and_then(|row| row.try_get::<i32, _>("version"))
    .map_err(refused)?;
    if found > known() {
        return Err(MigrationError::Newer { found, known: known() });
    }
    for (version, migration) in (1_i32..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        sqlx::raw_sql(AssertSqlSafe(migration(names)))
            .execute(&mut *transaction)
            .await
            .map_err(refused)?;
        sqlx::query(AssertSqlSafe(format!("insert into {migrations} (version) values ($1)")))
            .bind(version)
            .execute(&mut *transaction)
            .await
            .map_err(refused)?;
        tracing::info!(version, "the session store's tables were migrated");
    }
    transaction.commit().await.map_err(refused)
}

/// Says whether the newest migration that was found is this release's.
pub(crate) fn judge(found: Result<Option<i32>, StoreError>) -> Result<(), MigrationError> {
    let known = known();
    let found = match found {
        Ok(found) => found.unwrap_or(0),
        Err(error) if is_missing_table(&error) => 0,
        Err(error) => return Err(MigrationError::Store(error)),
    };
    match found.cmp(&known) {
        core::cmp::Ordering::Less => Err(MigrationError::Missing { found, known }),
        core::cmp::Ordering::Equal => Ok(()),
        core::cmp::Ordering::Greater => Err(MigrationError::Newer { found, known }),
    }
}

fn is_missing_table(error: &StoreError) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<sqlx::Error>());
    source.is_some_and(|error| matches!(failure::code(error).as_str(), "42P01" | "3F000"))
}

fn refused(error: sqlx::Error) -> MigrationError {
    let verdict = failure::judge(&error);
    match (&error, verdict.kind) {
        (sqlx::Error::Database(_), StoreErrorKind::Failed) => MigrationError::Refused {
            code: failure::code(&error),
            message: failure::reason(&error),
        },
        (_, kind) => MigrationError::Store(StoreError::with_source(kind, error)),
    }
}
