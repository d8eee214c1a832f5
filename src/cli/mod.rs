//! The hall: one file per command; the only room where I/O and arithmetic meet.
//!
//! A command reads like a table of contents: fetch facts, do arithmetic on them, show the result. Nothing here
//! computes.

mod arguments;
mod backtest;
mod backups;
mod base_cache;
mod bench;
mod ci;
mod compare;
mod completions;
mod connection;
mod demo;
mod demo_clone;
mod duet;
mod estimate;
mod exec;
mod expand_contract;
mod files_below;
mod foreign_servers;
mod gates;
mod history;
mod in_place;
mod included_files;
mod job;
mod job_run;
mod machine;
mod migration_file;
mod output;
mod outside_database;
mod past_rehearsals;
mod plan;
mod preflight;
mod probe;
mod production_check;
mod program;
mod progress;
mod record;
mod rehearse;
mod report;
mod repository;
mod results;
mod resume;
mod rollback;
mod run_history;
mod source_files;
mod staging_area;
mod targets;
mod throwaway_base;
mod tool_settings;
mod typed_passwords;
mod watching;
mod whole_run;

pub use arguments::Arguments;
pub use ci::Configuration;
pub use program::main;

#[cfg(test)]
mod schemas;
