//! The whole command line, and its commands.

use std::ffi::OsString;

use clap::{ArgAction, Parser, Subcommand};

use super::backtest::BacktestArguments;
use super::bench::BenchArguments;
use super::ci::CiArguments;
use super::compare::CompareArguments;
use super::completions::{CompletionsArguments, ManArguments};
use super::demo::DemoArguments;
use super::estimate::EstimateArguments;
use super::plan::PlanArguments;
use super::preflight::PreflightArguments;
use super::probe::ProbeArguments;
use super::record::{HistoryArguments, RecordArguments};
use super::rehearse::RehearseArguments;
use super::report::ReportArguments;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  a gate said no: over budget or free disk, slower, or the rollback does not restore the schema
  2  wrong usage, or a file that cannot be read or written
  3  cannot connect, no server programs, or a database that is not safe to change
  4  the migration or its rollback fails, in the rehearsal or as foretold by a plan
  5  too little evidence to promise a number";

/// Estimate how long a PostgreSQL migration takes, by rehearsing it on a staging clone
#[derive(Debug, Parser)]
#[command(name = "migtime", version, after_help = EXIT_CODES, max_term_width = 100, disable_help_flag = true)]
pub struct Arguments {
    /// Print help; `migtime help COMMAND` explains more
    // Both -h and --help show a command's options at a glance; its explanations, of options too, are left to `help`.
    #[arg(long, short, action = ArgAction::HelpShort, global = true, display_order = 1000)]
    pub help: Option<bool>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// Reads what was typed; ends the program where that is no command, or asks for help.
    pub fn typed() -> Arguments {
        let typed: Vec<OsString> = std::env::args_os().collect();
        let asks_help = typed.get(1).is_some_and(|command| command == "help");
        // Behind `help`, `--help` asks for the same once more.
        Arguments::parse_from(
            typed
                .into_iter()
                .filter(|word| !(asks_help && (word == "--help" || word == "-h"))),
        )
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell what the catalog says of a table and how long changes to it take
    Estimate(EstimateArguments),
    /// Tell what each statement locks, blocks, rewrites and scans, before anything runs
    Plan(PlanArguments),
    /// Replay a migration on a staging clone and measure it
    Rehearse(RehearseArguments),
    /// Write HTML, CSV, JSON and Markdown from a saved rehearsal
    Report(ReportArguments),
    /// Store how long a migration took on production, so that later estimates learn from it
    Record(RecordArguments),
    /// List recorded outcomes and tell how right the predictions were
    History(HistoryArguments),
    /// Tell whether a migration became slower, from whole runs of it before and after
    Compare(CompareArguments),
    /// Run scenarios repeatedly, in random order, to be compared
    Bench(BenchArguments),
    /// Tell how fast a server is, or how staging and production differ, without writing
    Probe(ProbeArguments),
    /// Measure on a throwaway server how often the estimates are right
    Backtest(BacktestArguments),
    /// Tell whether now is a good time to migrate production: go or no-go
    Preflight(Box<PreflightArguments>),
    /// Judge the migrations that a pull request adds
    Ci(CiArguments),
    /// Do the whole job on a throwaway server and show predicted against actual
    Demo(DemoArguments),
    /// Print completions for a shell
    Completions(CompletionsArguments),
    /// Print the manual page, or write one for each command
    Man(ManArguments),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
