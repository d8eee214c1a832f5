//! What was typed: the command line as data, with its help. What it means is decided by each command.
//!
//! One file a command; here are the groups of options that several share, and how values are read.

mod bench;
mod ci;
mod compare;
mod completions;
mod demo;
mod estimate;
mod in_place;
mod outside_database;
mod plan;
mod rehearse;
mod report;
mod selection;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub use bench::BenchArguments;
pub use ci::CiArguments;
pub use compare::{CompareArguments, CompareFormat};
pub use completions::{CompletionsArguments, ManArguments};
pub use demo::DemoArguments;
pub use estimate::EstimateArguments;
pub use in_place::{InPlaceArguments, Waiver};
pub use outside_database::OutsideArguments;
pub use plan::{PlanArguments, PlanFormat};
pub use rehearse::RehearseArguments;
pub use report::ReportArguments;
pub use selection::SelectionArguments;

use crate::migration::Walk;
use crate::report::ci::{Document, Gate};
use crate::units::{Bytes, Seconds, parse_duration, parse_size};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  a gate said no: over budget or free disk, slower, or the rollback does not restore the schema
  2  wrong usage, or a file that cannot be read or written
  3  cannot connect, no server programs, or a database that is not safe to change
  4  the migration or its rollback failed in the rehearsal
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
    /// Tell whether a migration became slower, from whole runs of it before and after
    Compare(CompareArguments),
    /// Run scenarios repeatedly, in random order, to be compared
    Bench(BenchArguments),
    /// Judge the migrations that a pull request adds
    Ci(CiArguments),
    /// Do the whole job on a throwaway server and show predicted against actual
    Demo(DemoArguments),
    /// Print completions for a shell
    Completions(CompletionsArguments),
    /// Print the manual page, or write one for each command
    Man(ManArguments),
}

/// How a result is printed on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for a person
    #[default]
    Terminal,
    /// JSON with stable keys
    Json,
    /// One row a step (or a class of change)
    Csv,
    /// A summary for a pull request
    Markdown,
    /// One self-contained page
    Html,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// GitHub annotations, as workflow commands
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// JUnit XML: a case a statement
    Junit,
    /// OpenMetrics text
    Openmetrics,
    /// JSON for github-action-benchmark, customSmallerIsBetter
    Benchmark,
    /// Bencher Metric Format
    Bencher,
}

impl Format {
    /// Returns the machine's document that this is, if it is one.
    pub fn document(self) -> Option<Document> {
        match self {
            Format::Terminal | Format::Json | Format::Csv | Format::Markdown | Format::Html => None,
            Format::Sarif => Some(Document::Sarif),
            Format::Github => Some(Document::GithubAnnotations),
            Format::Gitlab => Some(Document::GitlabCodeQuality),
            Format::Junit => Some(Document::Junit),
            Format::Openmetrics => Some(Document::OpenMetrics),
            Format::Benchmark => Some(Document::Benchmark),
            Format::Bencher => Some(Document::Bencher),
        }
    }
}

/// Which production database; psql's conventions, PG* variables and password files hold.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Production (only ever read)")]
pub struct ConnectionArguments {
    /// Connect with this URI, keyword string or database name
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Connect to this host or socket directory
    #[arg(long, short = 'H')]
    pub host: Option<String>,
    /// Connect to this port
    #[arg(long, short = 'p')]
    pub port: Option<u16>,
    /// Connect as this user
    #[arg(long, short = 'U')]
    pub username: Option<String>,
    /// Connect to this database
    #[arg(long, short = 'd')]
    pub dbname: Option<String>,
    /// Never ask for a password
    #[arg(long, short = 'w')]
    pub no_password: bool,
}

/// How an estimate is made and judged.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Estimate")]
pub struct EstimateFlags {
    /// Tell the probability that it fits into this window, e.g. 30m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub window: Option<Seconds>,
    /// Exit with 1 when the upper bound of the interval exceeds this, e.g. 30m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub budget: Option<Seconds>,
    /// Exit with 1 when the upper bounds of disk and WAL together exceed this free disk, e.g. 200GB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub free_disk: Option<Bytes>,
    /// Exit with 1 when a lock may be held for longer: MODE>DURATION, e.g. share>30s (repeatable)
    ///
    /// The hold counts from the statement to the COMMIT, and a stronger mode counts too. Instead of a mode it may be
    /// rewrite, scan or index-build.
    #[arg(long, value_name = "GATE", value_parser = gate)]
    pub deny: Vec<Gate>,
    /// Show the prediction interval of this level
    #[arg(long, default_value = "0.95", value_parser = level)]
    pub level: f64,
    /// Draw random numbers from this seed; the same input and seed give the same output
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Show a number even when the evidence is too thin to promise it
    #[arg(long)]
    pub provisional: bool,
}

/// Where the result goes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArguments {
    /// Print the result in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Write what would be printed to this file
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How a backfill is cut into batches.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Batches")]
pub struct BatchArguments {
    /// Put this many rows (or key values) into a batch
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=i64::MAX as u64))]
    pub batch_size: Option<u64>,
    /// Pause this long between two batches; it is part of the estimate
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub batch_delay: Option<Seconds>,
    /// Walk by rows, or by ranges of key values as a script over ids does
    #[arg(long, value_enum)]
    pub walk: Option<WalkArgument>,
}

/// The walks a person can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WalkArgument {
    /// A fixed number of rows in key order
    Rows,
    /// A fixed range of an integer key; sparse keys give emptier batches
    KeyRange,
}

impl From<WalkArgument> for Walk {
    fn from(argument: WalkArgument) -> Walk {
        match argument {
            WalkArgument::Rows => Walk::Rows,
            WalkArgument::KeyRange => Walk::KeyRange,
        }
    }
}

fn duration(text: &str) -> Result<Seconds, String> {
    parse_duration(text).map_err(|error| match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    })
}

fn gate(text: &str) -> Result<Gate, String> {
    Gate::parse(text).map_err(|error| match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    })
}

fn size(text: &str) -> Result<Bytes, String> {
    parse_size(text).map_err(|error| match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    })
}

fn percentage(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').unwrap_or_default().trim().parse::<f64>();
    match number {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent / 100.0),
        _ => Err("write a percentage between 0% and 100%, like 10%".to_string()),
    }
}

fn level(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(level) if (0.5..=0.999).contains(&level) => Ok(level),
        _ => Err("write a probability between 0.5 and 0.999, like 0.95".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn durations_are_such_that_clocks_can_count_them() {
        assert_eq!(duration("30m"), Ok(Seconds(1800.0)));
        assert!(duration("30").is_err());
        assert!(duration("18446744073709551615s").is_err());
    }

    #[test]
    fn percentages_need_their_sign() {
        assert_eq!(percentage("15%"), Ok(0.15));
        assert_eq!(percentage(" 2.5 % "), Ok(0.025));
        assert!(percentage("0.15").is_err());
        assert!(percentage("0%").is_err());
    }
}
