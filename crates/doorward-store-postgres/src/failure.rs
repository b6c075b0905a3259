//! What an error of the server or the connection means.

use core::fmt;
use std::error::Error;
use std::sync::Arc;

use doorward_core::ports::{StoreError, StoreErrorKind};
use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// What becomes of the connection that an error came over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Connection {
    /// It is in order.
    Keep,
    /// It is not used again.
    Drop,
    /// Neither is any other that was opened before: the server went away, or is not the one that it was.
    DropAll,
}

/// Whether what failed can have been done all the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Done {
    /// It was not, and may well succeed a second time.
    NoTryAgain,
    /// It was not, and would fail again.
    No,
    /// Nobody knows.
    Perhaps,
}

/// A judged error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    pub(crate) kind: StoreErrorKind,
    pub(crate) connection: Connection,
    pub(crate) done: Done,
    /// What the operator can do about it.
    pub(crate) hint: Option<&'static str>,
}

const MIGRATE: &str = "make the tables: \"doorward migrate\", or PostgresStore::migrate in a program";
const GRANTS: &str = "grant the role select, insert, update and delete on the tables";

const fn verdict(kind: StoreErrorKind, connection: Connection, done: Done) -> Verdict {
    Verdict {
        kind,
        connection,
        done,
        hint: None,
    }
}

/// Judges an error.
pub(crate) fn judge(error: &sqlx::Error) -> Verdict {
    use StoreErrorKind::{Failed, Foreign, Unreachable};
    match error {
        sqlx::Error::Database(database) => match database.try_downcast_ref::<PgDatabaseError>() {
            Some(error) => of_the_server(error.code(), error.severity()),
            None => verdict(Failed, Connection::Drop, Done::Perhaps),
        },
        // The connection is in order; what lies there is not ours.
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::TypeNotFound { .. } => verdict(Foreign, Connection::Keep, Done::No),
        sqlx::Error::Io(_) => verdict(Unreachable, Connection::DropAll, Done::Perhaps),
        sqlx::Error::Tls(_) => verdict(Unreachable, Connection::Drop, Done::Perhaps),
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => verdict(Unreachable, Connection::Drop, Done::No),
        _ => verdict(Failed, Connection::Drop, Done::Perhaps),
    }
}

/// Judges an SQLSTATE; the classes are those of PostgreSQL's appendix A.
fn of_the_server(code: &str, severity: PgSeverity) -> Verdict {
    use Connection::{Drop, DropAll, Keep};
    use Done::{No, NoTryAgain, Perhaps};
    use StoreErrorKind::{Failed, Timeout, Unreachable};
    let judged = match code {
        // Shut down by its operator, crashed, starting up, dropped, idle for too long: the connection ends with it.
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" => verdict(Unreachable, DropAll, Perhaps),
        // A standby: after a failover the name leads to another server, and this connection never will.
        "25006" => verdict(Unreachable, DropAll, NoTryAgain),
        // No place for one more connection.
        "53300" => verdict(Unreachable, Drop, No),
        // The server's own limits: statement_timeout, lock_timeout.
        "57014" | "55P03" => verdict(Timeout, Keep, No),
        // Rolled back for the sake of another transaction.
        "40001" | "40P01" => verdict(Failed, Keep, NoTryAgain),
        // A statement that was prepared, and is not any more, or was for another table: a pooler, or a table made anew.
        "26000" | "42P05" | "0A000" => verdict(Failed, Drop, NoTryAgain),
        // No table, column, schema or fitting type.
        "42P01" | "42703" | "3F000" | "42883" | "42804" => Verdict {
            hint: Some(MIGRATE),
            ..verdict(Failed, Keep, No)
        },
        "42501" => Verdict {
            hint: Some(GRANTS),
            ..verdict(Failed, Keep, No)
        },
        // What a pooler says of statements that it mixed up, and, fatally, of a server that it cannot reach.
        "08P01" if matches!(severity, PgSeverity::Error) => verdict(Failed, Drop, NoTryAgain),
        _ => match code.get(..2) {
            Some("08") => verdict(Unreachable, DropAll, Perhaps),
            // Wrong user, password or database.
            Some("28" | "3D") => verdict(Failed, Drop, No),
            // No memory, no space.
            Some("53") => verdict(Failed, Keep, No),
            Some("XX" | "58") => verdict(Failed, Drop, Perhaps),
            _ => verdict(Failed, Keep, No),
        },
    };
    // After these the server closes the connection, whatever the code.
    let ends = matches!(severity, PgSeverity::Fatal | PgSeverity::Panic);
    if ends && judged.connection == Keep {
        return Verdict {
            connection: Drop,
            ..judged
        };
    }
    judged
}

/// The cause of a failure that several calls share.
#[derive(Clone)]
pub(crate) struct Cause {
    pub(crate) kind: StoreErrorKind,
    error: Arc<dyn Error + Send + Sync>,
}

impl Cause {
    pub(crate) fn new(kind: StoreErrorKind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
            error: error.into().into(),
        }
    }

    pub(crate) fn to_error(&self) -> StoreError {
        StoreError::with_source(self.kind, SharedError(Arc::clone(&self.error)))
    }
}

struct SharedError(Arc<dyn Error + Send + Sync>);

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for SharedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// The error's SQLSTATE, for the log; empty where the server did not speak.
pub(crate) fn code(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.code().unwrap_or_default().into_owned(),
        _ => String::new(),
    }
}

/// What the log says of an error.
///
/// # Security
/// The server's own text, without the detail that may show a row; and never what a connection was opened with.
pub(crate) fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Tls(error) => format!("TLS: {error}"),
        sqlx::Error::ColumnDecode { index, .. } => format!("expected a column {index} of another form"),
        sqlx::Error::Decode(error) => error.to_string(),
        sqlx::Error::Protocol(_) => "an answer that is no answer of PostgreSQL".to_owned(),
        _ => "an error of the client".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_says_is_judged_by_its_code() {
        use StoreErrorKind::{Failed, Timeout, Unreachable};
        for (code, kind, connection, done) in [
            ("57P01", Unreachable, Connection::DropAll, Done::Perhaps),
            ("57P03", Unreachable, Connection::DropAll, Done::Perhaps),
            ("25006", Unreachable, Connection::DropAll, Done::NoTryAgain),
            ("08006", Unreachable, Connection::DropAll, Done::Perhaps),
            ("53300", Unreachable, Connection::Drop, Done::No),
            ("53100", Failed, Connection::Keep, Done::No),
            ("57014", Timeout, Connection::Keep, Done::No),
            ("40P01", Failed, Connection::Keep, Done::NoTryAgain),
            ("26000", Failed, Connection::Drop, Done::NoTryAgain),
            ("42P01", Failed, Connection::Keep, Done::No),
            ("28P01", Failed, Connection::Drop, Done::No),
            ("XX001", Failed, Connection::Drop, Done::Perhaps),
            ("22000", Failed, Connection::Keep, Done::No),
            ("", Failed, Connection::Keep, Done::No),
        ] {
            let judged = of_the_server(code, PgSeverity::Error);
            assert_eq!(
                (judged.kind, judged.connection, judged.done),
                (kind, connection, done),
                "{code}"
            );
        }
        assert_eq!(of_the_server("42P01", PgSeverity::Error).hint, Some(MIGRATE));
        assert_eq!(of_the_server("42501", PgSeverity::Error).hint, Some(GRANTS));
        let fatal = of_the_server("22000", PgSeverity::Fatal);
        assert_eq!(fatal.connection, Connection::Drop);
    }

    #[test]
    fn a_broken_connection_may_have_done_what_was_asked_and_a_wrong_column_is_foreign() {
        let broken = judge(&sqlx::Error::Io(std::io::ErrorKind::UnexpectedEof.into()));
        let expected = verdict(StoreErrorKind::Unreachable, Connection::DropAll, Done::Perhaps);
        assert_eq!(broken, expected);
        let foreign = judge(&sqlx::Error::Decode("x".into()));
        assert_eq!(foreign, verdict(StoreErrorKind::Foreign, Connection::Keep, Done::No));
    }
}
