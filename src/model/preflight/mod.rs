//! Whether tonight is a good night: judges the state of production against what a migration will do.
//!
//! One file a subject. Pure: what is judged was read before, and nothing here knows how.

mod backup;
mod check;
mod evidence;
mod judge;
mod limits;
mod night;
mod predicted;
mod replication;
mod rules;
mod sessions;
mod tables;

pub use check::{Check, CheckName, CheckVerdict, Preflight, Waived};
pub use evidence::{Backup, Rehearsed};
pub use judge::judge;
pub use night::{Night, PlannedWork, Thresholds, Work};
pub use rules::{PreflightRules, Waiver};
