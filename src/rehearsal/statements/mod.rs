//! Statements that are not batched: each runs once, in a transaction or outside one, and is watched from a second
//! connection.

mod census;
mod ladder;
pub(super) mod lock_waits;
mod outside_transaction;
pub(super) mod relations;
pub(super) mod session;
pub(super) mod session_view;
pub(super) mod sightings;
pub(super) mod statement;
mod step;
pub(super) mod sub_tables;
mod table_sizes;
mod unfinished;
pub(super) mod watch;
mod work;

pub use session_view::{PhaseShare, StatementProgress};
pub use unfinished::Unfinished;
pub use watch::ProgressListener;
