//! What a rehearsal was when it began, as its log says first.

use serde::{Deserialize, Serialize};

use crate::migration::{BatchOptions, Tables};
use crate::observation::Rehearsal;
use crate::rehearsal::conditions::Conditions;
use crate::server::DatabaseIdentity;

/// What a rehearsal was when it began: all that is needed to take the same steps again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Beginning {
    /// Version of the log's format, which is that of `rehearsal.json`.
    pub format_version: u32,
    /// The database that it changes.
    pub place: RehearsalPlace,
    /// The tables as they were, by their names as written.
    pub tables: Tables,
    /// How bare statements are batched.
    pub batching: BatchOptions,
    /// Under which conditions it is rehearsed.
    pub conditions: Conditions,
    /// The rehearsal, with all its steps, in which nothing is measured yet.
    pub rehearsal: Rehearsal,
}

/// Where a rehearsal takes place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RehearsalPlace {
    /// The database.
    pub database: DatabaseIdentity,
    /// Whether it is a copy that migtime made.
    pub is_copy: bool,
}

/// Returns what tells this start of the machine from any other, where the system says.
pub(super) fn boot() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_string())
}
