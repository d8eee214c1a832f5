//! Walks the steps of a migration on a staging clone and writes down what it measures.
//!
//! Knows servers and steps; nothing of estimates or reports. Whether the evidence is enough is asked through a trait, and
//! progress is told through the same, so that nothing here prints or fits.

mod activity;
pub mod backfill;
mod batched_step;
mod conditions;
mod directory_lock;
pub mod duet;
pub mod earlier_results;
mod exec;
mod exec_saves;
pub mod fallback_directory;
mod foreign_command;
pub mod history;
pub mod journal;
mod ladder;
mod lock_waits;
mod look_ahead;
pub mod observer;
mod outside_transaction;
mod rehearse;
mod relations;
pub mod replay;
pub mod resume;
pub mod rollback;
pub mod scenario;
pub mod schedule;
mod seen_statements;
pub mod segments;
mod session;
mod session_view;
mod sightings;
pub mod simulated;
mod statement;
mod statement_step;
mod statement_watch;
mod sub_tables;
mod table_backfill;
mod table_sizes;
mod torn_files;
mod unfinished;
mod walk_plan;
mod window_queue;

pub use conditions::Conditions;
pub use directory_lock::DirectoryLock;
pub use exec::{CommandSeen, observe};
pub use foreign_command::of_other_databases;
pub use rehearse::{RehearsalMonitor, Workplace, rehearse};
pub use session_view::{PhaseShare, StatementProgress};
pub use statement_watch::ProgressListener;
pub use unfinished::Unfinished;
