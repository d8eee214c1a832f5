//! A person's own tool: its command runs, and what it sends to the clone is seen from a second connection.

mod activity;
mod command;
mod observe;
mod record;
mod saves;
mod seen_statements;

pub use command::of_other_databases;
pub use observe::observe;
pub use record::CommandSeen;
