//! Runs the steps of a migration on a staging clone and records what it measures.
//!
//! Knows servers and steps, but no estimates or reports. A trait decides whether the evidence is enough and receives
//! the progress, so nothing here prints or fits models.

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
pub use session_queries::adopt;
pub use statements::{PhaseShare, ProgressListener, StatementProgress, Unfinished};
