//! A person's own migration tool: its command runs, and what it sends to the clone is observed from a second
//! connection.

mod activity;
mod command;
mod observe;
mod record;
mod saves;
mod seen_statements;

pub use command::of_other_databases;
pub use observe::observe;
pub use record::CommandSeen;
