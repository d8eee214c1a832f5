//! The hall: one file per command; the only room where I/O and arithmetic meet.
//!
//! A command reads like a table of contents: fetch facts, do arithmetic on them, show the result. Nothing here
//! computes.

mod arguments;
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
mod production_check;
mod progress;
mod rehearse;
mod report;
mod repository;
mod results;
mod resume;
mod rollback;
mod source_files;
mod staging_area;
mod targets;
mod typed_passwords;
mod watching;
mod whole_run;

use std::process::ExitCode;

pub use arguments::Arguments;
pub use ci::Configuration;

use crate::error::Result;
use crate::server::signals;
use arguments::Command;

/// Runs the program and returns its exit code; see the table in `migtime --help`.
pub fn main() -> ExitCode {
    let arguments = Arguments::typed();
    let outcome = run(&arguments.command);
    signals::give_way_to_forced_exit();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::print_error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn run(command: &Command) -> Result<()> {
    if has_nothing_to_wind_up(command) {
        signals::end_at_once_when_terminated();
    }
    signals::catch_signals()?;
    typed_passwords::warn();
    match command {
        Command::Estimate(arguments) => estimate::run(arguments),
        Command::Plan(arguments) => plan::run(arguments),
        Command::Rehearse(arguments) => match &arguments.exec {
            Some(command) => exec::run(arguments, command),
            None => rehearse::run(arguments),
        },
        Command::Report(arguments) => report::run(arguments),
        Command::Compare(arguments) => compare::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Ci(arguments) => ci::run(arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Completions(arguments) => completions::completions(arguments),
        Command::Man(arguments) => completions::man(arguments),
    }
}

/// Returns whether a command only reads and prints, so that it may end suddenly without losing or leaving anything.
fn has_nothing_to_wind_up(command: &Command) -> bool {
    matches!(
        command,
        Command::Estimate(_) | Command::Plan(_) | Command::Report(_) | Command::Compare(_)
    )
}

#[cfg(test)]
mod schemas;
