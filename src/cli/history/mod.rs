//! `migtime history`, and where a history is kept: a file that a team commits, or a table.

mod command;
mod file;
mod new_outcome;
mod place;
mod table;

pub use command::run;
pub use new_outcome::NewOutcome;
pub use place::{Place, known};
