//! Walks the steps of a migration on a staging clone and writes down what it measures.
//!
//! Knows servers and steps; nothing of estimates or reports. Whether the evidence is enough is asked through a trait, and
//! progress is told through the same, so that nothing here prints or fits.

pub mod batches;
mod conditions;
pub mod duet;
mod external;
mod failure;
pub mod history;
mod monitor;
pub mod observer;
mod rehearse;
pub mod resume;
pub mod rollback;
pub mod saving;
pub mod scenario;
mod session_queries;
mod statements;
mod walker;

pub use conditions::Conditions;
pub use external::{CommandSeen, observe, of_other_databases};
pub use monitor::RehearsalMonitor;
pub use rehearse::{Workplace, rehearse};
pub use saving::directory_lock::DirectoryLock;
pub use statements::{PhaseShare, ProgressListener, StatementProgress, Unfinished};
