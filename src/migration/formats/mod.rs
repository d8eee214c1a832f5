//! Turns files of migration tools into scripts, in the order and the transactions in which the tool would run them.
//!
//! One file per tool or family of similar tools; each splits its files into scripts without parsing SQL. Files are
//! given as text; the tool's table of applied migrations and its configuration are not known here.

mod atlas;
mod bookkeeping;
mod directories;
mod drizzle;
mod file_name;
mod flyway;
mod graphile;
mod history;
mod lines;
mod liquibase;
mod not_read;
mod other_tools;
mod pairs;
mod plain;
mod read;
mod recognise;
mod remarks;
mod script;
mod scripts;
mod sections;
mod settings;
mod single_files;
mod source_file;

pub use super::tool::Tool;
pub use atlas::is_checkpoint_of_atlas;
pub use bookkeeping::{bookkeeping_rows, bookkeeping_table, own_table};
pub use history::{History, LeftOut, Migration, NoMigration};
pub use read::read;
pub use recognise::{companions, is_of_interest};
pub use script::{Script, Send, TransactionScope};
pub use scripts::Scripts;
pub use settings::{Settings, settings_of};
pub use source_file::{NamedAs, SourceFile};
