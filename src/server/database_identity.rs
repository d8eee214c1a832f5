//! Identifies a database across restarts of its server, and tells it from a later database of the same name.

use serde::{Deserialize, Serialize};

use super::staging::Staging;
use super::unsafe_target::unsafe_target;
use crate::error::Result;

/// The lasting identity of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseIdentity {
    /// `None` where the role may not call `pg_control_system()`.
    system_identifier: Option<i64>,
    /// The object id in `pg_database`: a database that is dropped and created again gets a new one.
    oid: u32,
    name: String,
}

impl DatabaseIdentity {
    /// Reads the identity of the database of `staging`.
    ///
    /// # Errors
    /// `Connection` when the identity cannot be read.
    pub fn of(staging: &mut Staging) -> Result<DatabaseIdentity> {
        let system_identifier = staging.identity()?.system_identifier();
        staging.read(|reader| {
            let sql =
                "SELECT oid, datname::text FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()";
            let rows = reader.query(sql, &[])?;
            let row = rows
                .first()
                .ok_or_else(|| unsafe_target("the database has no row in pg_database".to_string()))?;
            Ok(DatabaseIdentity {
                system_identifier,
                oid: row.get(0),
                name: row.get(1),
            })
        })
    }

    /// Returns the database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Refuses `staging` if it is connected to another database.
    ///
    /// # Errors
    /// `UnsafeTarget`; `Connection` when the identity cannot be read.
    pub fn check(&self, staging: &mut Staging) -> Result<()> {
        if DatabaseIdentity::of(staging)? == *self {
            return Ok(());
        }
        let message = format!(
            "{} is not the database on which the rehearsal was cut off",
            staging.parameters()
        );
        Err(unsafe_target(message)
            .with_hint("name that one with --staging; one that was made anew has nothing to go on with"))
    }
}
