//! The table that `ALTER TABLE` is about.

use super::judge::NamedRelation;
use crate::migration::LockMode;

/// The table that a statement alters.
pub(super) struct AlteredTable<'facts> {
    pub table: NamedRelation<'facts>,
    /// With its partitions and children, unless `ONLY` it is meant.
    pub tables: Vec<NamedRelation<'facts>>,
    /// The strongest lock that a subcommand needs.
    pub lock: LockMode,
}
