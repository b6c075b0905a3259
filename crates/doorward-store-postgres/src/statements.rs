//! The statements, each one round trip, with the names of the tables in them.

use std::sync::Arc;

use doorward_core::ports::MAX_RECORD_BYTES;
use sqlx::AssertSqlSafe;

use crate::builder::PostgresStoreBuilder;

/// Keys on a page of a list.
pub(crate) const PAGE: usize = 1_000;
/// Rows that one removal takes; short enough to hold up nobody.
pub(crate) const REMOVED_AT_ONCE: usize = 1_000;
/// How long what has expired is left alone, because the instances' clocks differ from the server's.
const GRACE: &str = "interval '5 minutes'";

/// A statement that is prepared once on each connection.
#[derive(Clone)]
pub(crate) struct Statement(Arc<str>);

impl Statement {
    /// Gives the text to the library, which asks for an assertion wherever a text was put together.
    ///
    /// # Security
    /// Only names that `PostgresStoreBuilder::check` let pass and constants are put into statements; everything else is a parameter.
    pub(crate) fn sql(&self) -> AssertSqlSafe<Arc<str>> {
        AssertSqlSafe(Arc::clone(&self.0))
    }
}

impl From<String> for Statement {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// What things are called in the database.
pub(crate) struct Names {
    pub(crate) sessions: String,
    pub(crate) lists: String,
    pub(crate) migrations: String,
    /// An index has no schema of its own.
    pub(crate) bare_prefix: String,
    pub(crate) channel: String,
}

impl Names {
    pub(crate) fn of(settings: &PostgresStoreBuilder) -> Self {
        let prefix = &settings.prefix;
        let place = match &settings.schema {
            Some(schema) => format!("{schema}."),
            None => String::new(),
        };
        Self {
            sessions: format!("{place}{prefix}sessions"),
            lists: format!("{place}{prefix}lists"),
            migrations: format!("{place}{prefix}migrations"),
            bare_prefix: prefix.clone(),
            // Channels belong to the whole database, whatever the schema.
            channel: format!("{place}{prefix}changes"),
        }
    }
}

/// All statements of the calls.
pub(crate) struct Statements {
    pub(crate) load: Statement,
    pub(crate) create: Statement,
    pub(crate) replace: Statement,
    pub(crate) list: Statement,
    pub(crate) remove_sessions: Statement,
    pub(crate) remove_list_entries: Statement,
    pub(crate) migration: Statement,
}

impl Statements {
    pub(crate) fn new(names: &Names) -> Self {
        let Names {
            sessions,
            lists,
            migrations,
            channel,
            ..
        } = names;
        // The server's time comes back also where there is no record. A record that is too large stays where it is.
        let load = format!(
            "select (floor(extract(epoch from clock_timestamp()) * 1000))::bigint as time, s.key is not null as found, \
             s.version as version, case when octet_length(s.record) <= {MAX_RECORD_BYTES} then s.record end as record \
             from (values (1)) as one left join {sessions} as s \
             on s.key = $1 and s.keep_until > to_timestamp($2::bigint / 1000.0)"
        );
        // What is past its time counts as absent, whether it was removed already or not.
        let create = format!(
            "with written as ( \
             insert into {sessions} as s (key, version, record, keep_until, removal_hour) \
             values ($1, 1, $2, to_timestamp($3::bigint / 1000.0), ($3::bigint / 3600000)::integer) \
             on conflict (key) do update set version = 1, record = excluded.record, \
             keep_until = excluded.keep_until, removal_hour = excluded.removal_hour \
             where s.keep_until <= to_timestamp($4::bigint / 1000.0) returning s.version), {}",
            rest(lists, channel, 5)
        );
        let replace = format!(
            "with written as ( \
             update {sessions} as s set version = s.version + 1, record = $2, \
             keep_until = to_timestamp($3::bigint / 1000.0), removal_hour = ($3::bigint / 3600000)::integer \
             where s.key = $1 and s.version = $5 and s.keep_until > to_timestamp($4::bigint / 1000.0) \
             returning s.version), {}",
            rest(lists, channel, 6)
        );
        let list = format!(
            "select key from {lists} where list = $1 and key > $2 and until > to_timestamp($3::bigint / 1000.0) \
             order by key limit {}",
            PAGE + 1
        );
        Self {
            load: load.into(),
            create: create.into(),
            replace: replace.into(),
            list: list.into(),
            remove_sessions: removal(sessions, "keep_until").into(),
            remove_list_entries: removal(lists, "until").into(),
            migration: format!("select max(version) as version from {migrations}").into(),
        }
    }
}

/// What happens with a record that was written: its lists change, and the followers hear of it; `first` is the number of the
/// first of four parameters: lists to stand in, until when each, lists to leave, and what to tell.
fn rest(lists: &str, channel: &str, first: usize) -> String {
    let (entered, until, left, told) = (first, first + 1, first + 2, first + 3);
    format!(
        "entered as ( \
         insert into {lists} as l (list, key, until, removal_hour) \
         select entry.list, $1, to_timestamp(entry.until / 1000.0), (entry.until / 3600000)::integer \
         from unnest(${entered}::bytea[], ${until}::bigint[]) as entry (list, until), written \
         on conflict (list, key) do update set until = greatest(l.until, excluded.until), \
         removal_hour = greatest(l.removal_hour, excluded.removal_hour) \
         where l.until < excluded.until), \
         taken_out as ( \
         delete from {lists} as l using written where l.key = $1 and l.list = any(${left}::bytea[])) \
         select version, case when ${told}::text is not null then pg_notify('{channel}', ${told}::text)::text end as told \
         from written"
    )
}

/// Rows that somebody else removes or writes at this moment are left to them.
fn removal(table: &str, time: &str) -> String {
    format!(
        "delete from {table} where ctid = any(array( \
         select ctid from {table} where removal_hour <= extract(epoch from now())::bigint / 3600 \
         and {time} < now() - {GRACE} order by removal_hour limit {REMOVED_AT_ONCE} for update skip locked))"
    )
}
