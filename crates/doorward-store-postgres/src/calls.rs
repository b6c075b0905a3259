//! What is asked of the server: each question with its statement, its parameters and how its answer is read.

use core::future::Future;

use doorward_core::UnixTime;
use doorward_core::ports::{
    Cursor, Entry, IndexKey, Loaded, MAX_RECORD_BYTES, Page, StoreKey, StoreTime, Write, Written,
};
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

use crate::statements::{PAGE, Statements};

/// A question to the server.
pub(crate) trait Question: Sync {
    type Answer: Send;
    /// Whether it may be asked again though it may have been done.
    const CHANGES_NOTHING: bool;

    fn ask(&self, connection: &mut PgConnection) -> impl Future<Output = Result<Self::Answer, sqlx::Error>> + Send;
}

pub(crate) struct Load<'a> {
    pub(crate) statements: &'a Statements,
    pub(crate) key: &'a StoreKey,
    pub(crate) now: UnixTime,
}

impl Question for Load<'_> {
    type Answer = Loaded;
    const CHANGES_NOTHING: bool = true;

    async fn ask(&self, connection: &mut PgConnection) -> Result<Loaded, sqlx::Error> {
        let row = sqlx::query(self.statements.load.sql())
            .bind(self.key.as_bytes().as_slice())
            .bind(milliseconds(self.now))
            .fetch_one(connection)
            .await?;
        let time = u64::try_from(row.try_get::<i64, _>("time")?).map_err(|_| foreign("expected a time after 1970"))?;
        Ok(Loaded {
            entry: entry(&row)?,
            time: StoreTime::from_milliseconds(time),
        })
    }
}

/// Reads a record out of a row.
///
/// # Security
/// Whatever lies in the table: what is not a record of the form that we write is an error and never somebody's session.
fn entry(row: &PgRow) -> Result<Option<Entry>, sqlx::Error> {
    if !row.try_get::<bool, _>("found")? {
        return Ok(None);
    }
    let version = row
        .try_get::<Option<i64>, _>("version")?
        .and_then(|version| u64::try_from(version).ok())
        .filter(|version| *version > 0)
        .ok_or_else(|| foreign("expected a version from 1 on"))?;
    let bytes = row
        .try_get::<Option<Vec<u8>>, _>("record")?
        .ok_or_else(|| foreign("expected a record that is there and not too large"))?;
    Ok(Some(Entry { version, bytes }))
}

pub(crate) struct Put<'a> {
    statements: &'a Statements,
    key: &'a StoreKey,
    write: Write<'a>,
    now: UnixTime,
    entered: Vec<&'a [u8]>,
    until: Vec<i64>,
    left: Vec<&'a [u8]>,
}

impl<'a> Put<'a> {
    /// Prepares a write; `None` where no store takes it, as it could never be read again.
    pub(crate) fn new(statements: &'a Statements, key: &'a StoreKey, write: Write<'a>, now: UnixTime) -> Option<Self> {
        if write.bytes.len() > MAX_RECORD_BYTES {
            return None;
        }
        let mut put = Self {
            statements,
            key,
            write,
            now,
            entered: Vec::new(),
            until: Vec::new(),
            left: Vec::new(),
        };
        for (at, change) in write.lists.iter().enumerate() {
            // One statement can change a row once only: the last word on a list counts.
            let later = write.lists.get(at + 1..).unwrap_or_default();
            if later.iter().any(|other| other.index == change.index) {
                continue;
            }
            match change.until {
                Some(until) => {
                    put.entered.push(change.index.as_bytes());
                    put.until.push(milliseconds(until));
                }
                None => put.left.push(change.index.as_bytes()),
            }
        }
        Some(put)
    }
}

impl Question for Put<'_> {
    type Answer = Written;
    const CHANGES_NOTHING: bool = false;

    async fn ask(&self, connection: &mut PgConnection) -> Result<Written, sqlx::Error> {
        let told = self.write.announce.then(|| self.key.to_hex());
        let (statement, expected) = match self.write.expected {
            None => (&self.statements.create, None),
            Some(expected) => match i64::try_from(expected) {
                Ok(expected) => (&self.statements.replace, Some(expected)),
                // No record has it.
                Err(_) => return Ok(Written::Conflict),
            },
        };
        let mut query = sqlx::query(statement.sql()).bind(self.key.as_bytes().as_slice());
        query = query
            .bind(self.write.bytes)
            .bind(milliseconds(self.write.keep_until))
            .bind(milliseconds(self.now));
        if let Some(expected) = expected {
            query = query.bind(expected);
        }
        let row = query
            .bind(self.entered.as_slice())
            .bind(self.until.as_slice())
            .bind(self.left.as_slice())
            .bind(told)
            .fetch_optional(connection)
            .await?;
        let Some(row) = row else {
            return Ok(Written::Conflict);
        };
        let version = u64::try_from(row.try_get::<i64, _>("version")?);
        let version = version.map_err(|_| foreign("expected a version from 1 on"))?;
        Ok(Written::Done { version })
    }
}

pub(crate) struct List<'a> {
    pub(crate) statements: &'a Statements,
    pub(crate) index: &'a IndexKey,
    /// Before the first key of all where it is empty.
    pub(crate) after: &'a [u8],
    pub(crate) now: UnixTime,
}

impl Question for List<'_> {
    type Answer = Page;
    const CHANGES_NOTHING: bool = true;

    async fn ask(&self, connection: &mut PgConnection) -> Result<Page, sqlx::Error> {
        let rows = sqlx::query(self.statements.list.sql())
            .bind(self.index.as_bytes().as_slice())
            .bind(self.after)
            .bind(milliseconds(self.now))
            .fetch_all(connection)
            .await?;
        let is_last = rows.len() <= PAGE;
        let found = rows
            .iter()
            .take(PAGE)
            .map(|row| row.try_get::<&[u8], _>("key"))
            .collect::<Result<Vec<_>, _>>()?;
        let next = found.last().filter(|_| !is_last).map(|key| Cursor::new(*key));
        // What has another length was not written by us, and names no session.
        let keys = found.iter().filter_map(|key| (*key).try_into().ok());
        Ok(Page {
            keys: keys.map(StoreKey::from_bytes).collect(),
            next,
        })
    }
}

/// The removal of a batch of rows that have expired.
pub(crate) struct Remove<'a>(pub(crate) &'a crate::statements::Statement);

impl Question for Remove<'_> {
    type Answer = u64;
    const CHANGES_NOTHING: bool = true;

    async fn ask(&self, connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
        let result = sqlx::query(self.0.sql()).execute(connection).await?;
        Ok(result.rows_affected())
    }
}

/// The newest migration that was applied.
pub(crate) struct Migration<'a>(pub(crate) &'a Statements);

impl Question for Migration<'_> {
    type Answer = Option<i32>;
    const CHANGES_NOTHING: bool = true;

    async fn ask(&self, connection: &mut PgConnection) -> Result<Option<i32>, sqlx::Error> {
        let row = sqlx::query(self.0.migration.sql()).fetch_one(connection).await?;
        row.try_get("version")
    }
}

fn foreign(found: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(found.into())
}

/// A moment as the statements take it; what lies beyond the year 9999 ends there.
fn milliseconds(time: UnixTime) -> i64 {
    const LAST: i64 = 253_402_300_799_999;
    i64::try_from(time.milliseconds()).unwrap_or(LAST).min(LAST)
}
