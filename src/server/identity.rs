//! What tells one running database from every other, whatever name it was reached by.
//!
//! The system identifier alone does not: a physical clone shares it with its origin. The start of the server, known to
//! the microsecond, differs between the two, and no role is denied it.

use super::reader::Reader;
use crate::error::{Error, ErrorKind, Result};

/// One database of one running server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `None` where the role may not call `pg_control_system()`.
    system_identifier: Option<i64>,
    /// Microseconds since 1970.
    started_at: i64,
    database: String,
}

impl Identity {
    /// Reads the identity of the database that `reader` reads.
    ///
    /// # Errors
    /// `Connection` when it cannot be read.
    pub(super) fn read(reader: &mut Reader) -> Result<Identity> {
        let rows = reader.query(
            "SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint, current_database()::text, \
             has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')",
            &[],
        )?;
        let row = rows
            .first()
            .ok_or_else(|| Error::new(ErrorKind::Connection, "the server does not say who it is"))?;
        let system_identifier = if row.get(2) {
            let rows = reader.query("SELECT system_identifier FROM pg_catalog.pg_control_system()", &[])?;
            rows.first().map(|row| row.get(0))
        } else {
            None
        };
        Ok(Identity {
            system_identifier,
            started_at: row.get(0),
            database: row.get(1),
        })
    }

    /// Tells whether both are the same database of the same server.
    pub fn is_same_database(&self, other: &Identity) -> bool {
        self.is_same_server(other) && self.database == other.database
    }

    /// Tells whether both are on the same running server.
    pub fn is_same_server(&self, other: &Identity) -> bool {
        let may_be_same_system = match (self.system_identifier, other.system_identifier) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        may_be_same_system && self.started_at == other.started_at
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
        }
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
        // A physical clone keeps the identifier but was started at another time.
        check(production(), identity(Some(1), 2000, "app"), false, false);
        check(production(), identity(Some(2), 1000, "app"), false, false);
    }
}
