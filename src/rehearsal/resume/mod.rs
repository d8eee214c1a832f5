//! Going on after a rehearsal that was cut off, by whatever it was.
//!
//! While it runs, a [`log`] beside `rehearsal.json` takes down what was about to happen and what was acknowledged; [`cut_off`]
//! makes of it how far the rehearsal came; [`settle`] asks the clone about the one batch or statement of which only the server
//! knows whether it was committed. Nothing runs twice, and what cannot be told is refused.

pub mod cut_off;
mod go_on;
pub mod log;
mod session_state;
mod settle;
mod walk_under_way;

pub use cut_off::{Beginning, CutOff, RehearsalPlace};
pub use go_on::go_on;
pub use log::{FILE, ResumeLog};
pub(super) use log::{GoingOn, Start};
pub(super) use settle::{GoOn, next_transaction};
