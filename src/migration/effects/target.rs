//! The table that `ALTER TABLE` is about.

use super::judge::Named;
use crate::migration::LockMode;

/// The table that a statement alters.
pub(super) struct Target<'facts> {
    pub table: Named<'facts>,
    /// With its partitions and children, unless `ONLY` it is meant.
    pub tables: Vec<Named<'facts>>,
    /// The strongest lock that a subcommand needs.
    pub lock: LockMode,
    /// Whether what depends on a dropped part goes with it.
    pub cascade: bool,
}
