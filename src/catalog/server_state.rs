//! What is going on on a server at this moment: plain data for the decision whether to migrate now.
//!
//! Knows neither the migration nor what is good or bad about any of this.

use serde::Deserialize;

/// The answer to one question; `Err` with the server's reason where the role may not ask it.
pub type Answer<T> = Result<T, String>;

/// The state of a server, one answer a question.
#[derive(Clone, Debug)]
pub struct ServerState {
    /// The transactions that are open.
    pub sessions: Answer<Sessions>,
    /// The vacuums that run on the tables.
    pub vacuums: Answer<Vacuums>,
    /// The tables that the migration touches.
    pub tables: Answer<Vec<TableState>>,
    /// Standbys and slots.
    pub replication: Answer<Replication>,
    /// Time-outs and numbers of connections.
    pub limits: Answer<Limits>,
    /// How the log is archived.
    pub archiver: Answer<Archiver>,
}

/// The transactions that are open on the server.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Sessions {
    /// Whether the role may see those of other users.
    pub sees_all: bool,
    /// Sessions of clients that are in a transaction, longest first.
    pub open: Vec<OpenTransaction>,
    /// Prepared transactions, oldest first.
    pub prepared: Vec<PreparedTransaction>,
}

/// A session that is in a transaction.
#[derive(Clone, Debug, Deserialize)]
pub struct OpenTransaction {
    /// Its process.
    pub pid: i32,
    /// The user.
    pub user: Option<String>,
    /// What it says it is, `application_name`.
    pub application: Option<String>,
    /// Whether it is in this database.
    pub here: bool,
    /// `active`, `idle in transaction` and so on.
    pub state: Option<String>,
    /// How long its transaction is open, in seconds.
    pub seconds: f64,
    /// Whether it holds a snapshot or a transaction number.
    pub holds_snapshot: bool,
    /// What it runs, or ran last.
    pub query: Option<String>,
    /// The processes for whose locks it waits.
    pub waits_for: Vec<i32>,
    /// Its locks on the tables.
    pub locks: Vec<TableLock>,
}

/// A transaction that was prepared for a commit in two phases.
#[derive(Clone, Debug, Deserialize)]
pub struct PreparedTransaction {
    /// Its name.
    pub gid: String,
    /// Who prepared it.
    pub owner: Option<String>,
    /// Whether it is of this database.
    pub here: bool,
    /// Seconds since it was prepared.
    pub seconds: f64,
    /// Its locks on the tables.
    pub locks: Vec<TableLock>,
}

/// A lock on a table, held or waited for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TableLock {
    /// The table.
    pub table: String,
    /// Its mode, as PostgreSQL calls it: `AccessShareLock`.
    pub mode: String,
    /// Whether it is held; else it is waited for.
    pub granted: bool,
}

/// The vacuums that run on the tables.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Vacuums {
    /// Whether the role may see those of others.
    pub sees_all: bool,
    /// The vacuums.
    pub running: Vec<RunningVacuum>,
}

/// A vacuum that runs on one of the tables.
#[derive(Clone, Debug, Deserialize)]
pub struct RunningVacuum {
    /// Its process.
    pub pid: i32,
    /// The table.
    pub table: String,
    /// What it is at.
    pub phase: Option<String>,
    /// Share of the heap that it has scanned, 0 to 1.
    pub scanned: Option<f64>,
    /// Whether the server started it by itself.
    pub automatic: bool,
    /// Whether it is to prevent wraparound: such a vacuum gives way to nobody.
    pub prevents_wraparound: bool,
}

/// A table that the migration touches.
#[derive(Clone, Debug, Deserialize)]
pub struct TableState {
    /// Its qualified name.
    pub table: String,
    /// Age of its oldest transaction number; `None` where it holds no rows.
    pub age: Option<f64>,
    /// The age from which the server vacuums it to prevent wraparound.
    pub freeze_age: f64,
    /// Indexes that are not valid.
    pub invalid_indexes: Vec<String>,
    /// Indexes whose names end as those of a `REINDEX CONCURRENTLY` that did not come to its end.
    pub leftovers: Vec<String>,
    /// Constraints that are not validated.
    pub not_validated: Vec<String>,
    /// Publications that publish it.
    pub publications: Vec<String>,
    /// Subscriptions that write to it.
    pub subscriptions: i64,
}

/// Who follows the server.
#[derive(Clone, Debug, Deserialize)]
pub struct Replication {
    /// Whether the server is itself a standby.
    pub is_standby: bool,
    /// Whether the role may see what the followers say.
    pub sees_all: bool,
    /// `synchronous_standby_names`.
    pub synchronous_names: String,
    /// Whether commits wait for standbys: `synchronous_commit` is not `off` or `local`.
    pub commits_wait: bool,
    /// The followers that are connected.
    pub followers: Vec<Follower>,
    /// The slots.
    pub slots: Vec<Slot>,
}

/// A connected standby, or another receiver of the log.
#[derive(Clone, Debug, Deserialize)]
pub struct Follower {
    /// What it says it is.
    pub name: Option<String>,
    /// `streaming`, `catchup` and so on.
    pub state: Option<String>,
    /// `sync`, `quorum`, `potential` or `async`.
    pub sync_state: Option<String>,
    /// How long the last record took to be replayed there, in seconds.
    pub lag_seconds: Option<f64>,
    /// The log that it has not replayed, in bytes.
    pub lag_bytes: Option<f64>,
}

/// A replication slot.
#[derive(Clone, Debug, Deserialize)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Whether somebody reads from it.
    pub active: bool,
    /// The log that is kept for it, in bytes.
    pub kept_bytes: Option<f64>,
    /// How much more log may be written before the slot is lost, in bytes; `None` without a limit.
    pub safe_bytes: Option<f64>,
    /// `reserved`, `extended`, `unreserved` or `lost`.
    pub wal_status: Option<String>,
}

/// Time-outs of the migrating role, and how many connections are left.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Limits {
    /// The migrating role.
    pub role: String,
    /// The time-outs.
    pub timeouts: Vec<TimeOut>,
    /// Connections that the server allows to roles without privileges.
    pub connections: i64,
    /// Connections in use.
    pub used: i64,
    /// Connections that the role may have; `None` without a limit.
    pub of_role: Option<i64>,
    /// Those in use by it; `None` where that cannot be seen.
    pub used_by_role: Option<i64>,
    /// Connections that the database may have; `None` without a limit.
    pub of_database: Option<i64>,
    /// Those in use there.
    pub used_in_database: i64,
}

/// A time-out and where it is set.
#[derive(Clone, Debug, Deserialize)]
pub struct TimeOut {
    /// The setting's name.
    pub name: String,
    /// Its value as set, such as `5min`, or in milliseconds; `None` where it cannot be told.
    pub value: Option<String>,
    /// Where it is set, such as `role deployer`.
    pub source: String,
}

impl TimeOut {
    /// Returns its value in seconds; `None` if it is off, not known, or malformed.
    pub fn seconds(&self) -> Option<f64> {
        let text = self.value.as_deref()?.trim();
        let digits = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let number: f64 = text[..digits].parse().ok()?;
        let unit = match text[digits..].trim() {
            "us" => 1e-6,
            "" | "ms" => 1e-3,
            "s" => 1.0,
            "min" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        Some(number * unit).filter(|seconds| *seconds > 0.0)
    }
}

/// How the log is archived.
#[derive(Clone, Debug, Deserialize)]
pub struct Archiver {
    /// `archive_mode`.
    pub mode: String,
    /// Seconds since the last segment was archived; `None` when none was.
    pub last_archived_seconds: Option<f64>,
    /// Whether the last attempt failed.
    pub is_failing: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_outs_are_read_as_the_server_reads_them() {
        let seconds = |value: &str| {
            let time_out = TimeOut {
                name: "statement_timeout".to_string(),
                value: Some(value.to_string()),
                source: String::new(),
            };
            time_out.seconds()
        };
        assert_eq!(seconds("600000"), Some(600.0));
        assert_eq!(seconds("5min"), Some(300.0));
        assert_eq!(seconds("1.5 s"), Some(1.5));
        assert_eq!(seconds("2h"), Some(7_200.0));
        assert_eq!((seconds("0"), seconds("soon"), seconds("5 weeks")), (None, None, None));
    }
}
