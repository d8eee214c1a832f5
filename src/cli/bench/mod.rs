//! `migtime bench`: whole runs of scenarios in random order on fresh copies, with one file per scenario.

mod bench_server;
mod command;
mod entry;
pub mod progress;
mod selection;

pub use command::run;
