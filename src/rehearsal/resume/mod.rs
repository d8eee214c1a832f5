//! Resumes a rehearsal that was cut off for any reason.
//!
//! During a rehearsal, a [`log`] next to `rehearsal.json` records what is about to happen and what was acknowledged.
//! [`cut_off`] derives from the log how far the rehearsal got. `settle` asks the clone whether the one batch or
//! statement that was under way was committed, which only the server knows. Nothing runs twice; if the answer cannot be
//! determined, the rehearsal is not resumed.

pub(super) mod beginning;
pub(super) mod continuation;
pub mod cut_off;
mod go_on;
pub mod log;
pub(super) mod log_line;
mod session_state;
mod settle;
pub(super) mod transaction_status;
mod walk_under_way;

pub use beginning::{Beginning, RehearsalPlace};
pub(super) use continuation::GoOn;
pub use cut_off::CutOff;
pub use go_on::go_on;
pub use log::{FILE, ResumeLog};
pub(super) use log_line::{GoingOn, Start};
pub(super) use transaction_status::next_transaction;
