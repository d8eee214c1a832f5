//! The state of a rehearsal when it began, the first entry of its log.

use serde::{Deserialize, Serialize};

use crate::migration::{BatchOptions, Tables};
use crate::observation::Rehearsal;
use crate::rehearsal::conditions::Conditions;
use crate::server::DatabaseIdentity;

/// The state of a rehearsal when it began: all that is needed to derive the same steps again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Beginning {
    /// Version of the log's format, the same as that of `rehearsal.json`.
    pub format_version: u32,
    /// The database that the rehearsal changes.
    pub place: RehearsalPlace,
    /// The tables at that time, by their names as written.
    pub tables: Tables,
    /// How bare statements are batched.
    pub batching: BatchOptions,
    /// The conditions under which it is rehearsed.
    pub conditions: Conditions,
    /// The rehearsal with all its steps and no measurements yet.
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

/// Returns an identifier of this boot of the machine, where the system provides one.
pub(super) fn boot() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_string())
}
