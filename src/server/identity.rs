//! Tells one running database from every other, whatever name it was reached by.
//!
//! The system identifier is not enough: a physical clone has the same as its origin. The server's start time, in
//! microseconds, differs between the two, and every role may read it. It also differs between a standby and its
//! primary, although writes to the primary reach the standby; these are recognised by their write-ahead log.

use super::reader::Reader;
use crate::error::{Error, ErrorKind, Result};

/// The control file shows a new timeline only after the next checkpoint; the name of the current WAL file shows it at
/// once.
const PRIMARY_LOG: &str = "\
SELECT ('x' || substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8))::bit(32)::bigint, \
       (pg_catalog.pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint";

/// The latest timeline a standby knows: its control file may lag behind what it replays.
const STANDBY_LOG: &str = "\
SELECT greatest((SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()), \
                (SELECT min_recovery_end_timeline FROM pg_catalog.pg_control_recovery()), \
                (SELECT max(received_tli) FROM pg_catalog.pg_stat_wal_receiver))::bigint, \
       (pg_catalog.pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint";

/// One database of one running server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `None` where the role may not call `pg_control_system()`.
    system_identifier: Option<i64>,
    /// Microseconds since 1970.
    started_at: i64,
    database: String,
    is_standby: bool,
    log: LogPosition,
}

/// The position of a server's write-ahead log; `None` where the server does not report it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LogPosition {
    timeline: Option<i64>,
    /// Bytes since the beginning: written by a primary, or replayed by a standby.
    bytes: Option<i64>,
}

/// How a database is related to one of production's servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kinship {
    /// The same database.
    SameDatabase,
    /// Another database of the same running server.
    SameServer,
    /// Production's server is a standby that may follow this database's server; with the fact on which this is based.
    PerhapsItsPrimary(String),
    /// A database of another server.
    Other,
}

impl Identity {
    /// Reads the identity of the database that `reader` reads.
    ///
    /// # Errors
    /// `Connection` when it cannot be read.
    pub(super) fn read(reader: &mut Reader) -> Result<Identity> {
        let rows = reader.query(
            "SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint, current_database()::text, \
             pg_is_in_recovery(), has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')",
            &[],
        )?;
        let row = rows
            .first()
            .ok_or_else(|| Error::new(ErrorKind::Connection, "the server does not say who it is"))?;
        let system_identifier = if row.get(3) {
            let rows = reader.query("SELECT system_identifier FROM pg_catalog.pg_control_system()", &[])?;
            rows.first().map(|row| row.get(0))
        } else {
            None
        };
        Ok(Identity {
            system_identifier,
            started_at: row.get(0),
            database: row.get(1),
            is_standby: row.get(2),
            log: LogPosition::default(),
        })
    }

    /// Returns the system identifier; a physical clone has the same.
    pub(super) fn system_identifier(&self) -> Option<i64> {
        self.system_identifier
    }

    /// Reads the log position in a separate transaction: some services refuse, and that must not hide the other facts.
    pub(super) fn read_log(&self, reader: &mut Reader) -> Result<LogPosition> {
        let rows = reader.query(if self.is_standby { STANDBY_LOG } else { PRIMARY_LOG }, &[])?;
        let position = rows.first().map(|row| LogPosition {
            timeline: row.get(0),
            bytes: row.get(1),
        });
        Ok(position.unwrap_or_default())
    }

    /// Returns this identity with the log position.
    pub(super) fn with_log(self, log: LogPosition) -> Identity {
        Identity { log, ..self }
    }

    /// Returns how this database is related to `production`, which was read earlier.
    pub fn kinship(&self, production: &Identity) -> Kinship {
        if self.is_same_database(production) {
            return Kinship::SameDatabase;
        }
        if self.is_same_server(production) {
            return Kinship::SameServer;
        }
        let may_follow = production.is_standby && !self.is_standby && self.may_be_same_system(production);
        if !may_follow || self.is_no_primary_of(production) {
            return Kinship::Other;
        }
        Kinship::PerhapsItsPrimary(match (self.system_identifier, production.system_identifier) {
            (Some(identifier), Some(_)) => match self.log.timeline.and(production.log.timeline) {
                Some(timeline) => {
                    format!(
                        "that is a standby with the same system identifier {identifier} on the same timeline {timeline}"
                    )
                }
                None => format!(
                    "that is a standby with the same system identifier {identifier}, and the timeline of one cannot be \
                     read"
                ),
            },
            _ => "that is a standby, and the system identifier of one of the two cannot be read".to_string(),
        })
    }

    /// Returns whether this is the running primary of the standby `other`.
    pub(super) fn is_primary_of(&self, other: &Identity) -> bool {
        let of_one_system = self.system_identifier.is_some() && self.system_identifier == other.system_identifier;
        of_one_system && !self.is_standby && other.is_standby
    }

    /// Returns whether the logs rule out that the standby follows this server: it would be on the same timeline, and
    /// never ahead.
    fn is_no_primary_of(&self, standby: &Identity) -> bool {
        let differ = |one: Option<i64>, other: Option<i64>| one.zip(other).is_some_and(|(one, other)| one != other);
        let is_behind = self
            .log
            .bytes
            .zip(standby.log.bytes)
            .is_some_and(|(own, other)| own < other);
        differ(self.log.timeline, standby.log.timeline) || is_behind
    }

    fn may_be_same_system(&self, other: &Identity) -> bool {
        match (self.system_identifier, other.system_identifier) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        }
    }

    /// Returns whether both are the same database of the same server.
    pub fn is_same_database(&self, other: &Identity) -> bool {
        self.is_same_server(other) && self.database == other.database
    }

    /// Returns whether both are on the same running server.
    pub fn is_same_server(&self, other: &Identity) -> bool {
        self.may_be_same_system(other) && self.started_at == other.started_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(system_identifier: Option<i64>, started_at: i64, database: &str) -> Identity {
        Identity {
            system_identifier,
            started_at,
            database: database.to_string(),
            is_standby: false,
            log: LogPosition::default(),
        }
    }

    fn on_log(timeline: Option<i64>, bytes: Option<i64>, identity: Identity) -> Identity {
        identity.with_log(LogPosition { timeline, bytes })
    }

    fn standby(identity: Identity) -> Identity {
        Identity {
            is_standby: true,
            ..identity
        }
    }

    fn check_kinship(staging: &Identity, production: &Identity, expected: &str) {
        let found = match staging.kinship(production) {
            Kinship::SameDatabase => "same database".to_string(),
            Kinship::SameServer => "same server".to_string(),
            Kinship::PerhapsItsPrimary(fact) => fact,
            Kinship::Other => "other".to_string(),
        };
        assert!(found.contains(expected), "{staging:?} {production:?}: {found}");
    }

    #[test]
    fn a_standby_is_told_from_its_primary_only_by_the_log() {
        let staging = |timeline, bytes| on_log(timeline, bytes, identity(Some(1), 1000, "app"));
        let replica = |timeline, bytes| on_log(timeline, bytes, standby(identity(Some(1), 2000, "app")));
        check_kinship(
            &staging(Some(1), Some(9)),
            &replica(Some(1), Some(9)),
            "on the same timeline 1",
        );
        check_kinship(
            &staging(None, None),
            &replica(Some(1), Some(9)),
            "the timeline of one cannot be read",
        );
        check_kinship(&staging(Some(2), Some(9)), &replica(Some(1), Some(9)), "other");
        // A primary is never behind what its standby has replayed.
        check_kinship(&staging(Some(1), Some(8)), &replica(Some(1), Some(9)), "other");
        let unknown = on_log(Some(1), Some(9), identity(None, 1000, "app"));
        check_kinship(
            &unknown,
            &replica(Some(1), Some(9)),
            "system identifier of one of the two cannot be read",
        );
        check_kinship(&unknown, &identity(Some(1), 2000, "app"), "other");
        check_kinship(&unknown, &identity(Some(1), 1000, "other"), "same server");
        check_kinship(&unknown, &identity(Some(1), 1000, "app"), "same database");
        let foreign = on_log(Some(1), Some(9), identity(Some(2), 1000, "app"));
        check_kinship(&foreign, &replica(Some(1), Some(9)), "other");
    }

    fn check(left: Identity, right: Identity, same_server: bool, same_database: bool) {
        assert_eq!(left.is_same_server(&right), same_server, "{left:?} {right:?}");
        assert_eq!(left.is_same_database(&right), same_database, "{left:?} {right:?}");
    }

    #[test]
    fn a_database_is_told_from_its_clone_and_its_neighbours() {
        let production = || identity(Some(1), 1000, "app");
        check(production(), production(), true, true);
        check(production(), identity(None, 1000, "app"), true, true);
        check(production(), identity(Some(1), 1000, "other"), true, false);
        // A physical clone has the same system identifier but another start time.
        check(production(), identity(Some(1), 2000, "app"), false, false);
        check(production(), identity(Some(2), 1000, "app"), false, false);
    }
}
