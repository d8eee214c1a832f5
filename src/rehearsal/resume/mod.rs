//! Going on after a rehearsal that was cut off, by whatever it was.
//!
//! While it runs, a [`log`] beside `rehearsal.json` takes down what was about to happen and what was acknowledged; [`cut_off`]
//! makes of it how far the rehearsal came; `settle` asks the clone about the one batch or statement of which only the server
//! knows whether it was committed. Nothing runs twice, and what cannot be told is refused.

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
