//! What was found outside production: by a rehearsal, and by backup tools.

use crate::catalog::facts::{ServerFacts, TableFacts};

/// The server and the tables that a migration was rehearsed on.
#[derive(Clone, Debug)]
pub struct Rehearsed {
    /// The server.
    pub server: ServerFacts,
    /// The tables, as they were before the migration.
    pub tables: Vec<TableFacts>,
}

/// What is known of backups.
#[derive(Clone, Debug, PartialEq)]
pub enum Backup {
    /// Nobody was asked.
    NotAsked,
    /// A program that the person named said yes, in these words, or failed.
    Commanded(Result<String, String>),
    /// A backup tool's newest backup, and how old it is.
    Newest {
        /// The tool.
        tool: String,
        /// Its age in seconds; `None` if there is no backup.
        seconds: Option<f64>,
    },
    /// A backup tool that is there did not answer.
    Unreadable {
        /// The tool.
        tool: String,
        /// Why.
        reason: String,
    },
}
