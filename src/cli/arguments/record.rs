//! What is typed after `migtime record` and `migtime history`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::duration;
use crate::units::Seconds;

const RECORD_EXAMPLES: &str = "\
Examples:
  migtime record reports/backfill --actual 34m
  migtime record reports/backfill/estimate.json --actual '1h 20m' --step 2
  migtime record --csv outcomes.csv
  migtime record reports/backfill --actual 34m --history postgres://team.example/tools";

const RECORD_EXPLANATION: &str = "\
The history is migtime-history.jsonl: of the current directory or the nearest one above that has it, up to the root of \
the repository; else it is begun beside migtime.toml, or here. Commit it. Later estimates for production learn from it.

A CSV file has the header estimate,actual[,step], where estimate is a path and actual a duration like 34m, or \
kind,predicted_seconds,actual_seconds[,lower_95,upper_95,recorded_at,migration]. Either all of its lines are recorded \
or none.";

/// Arguments of `migtime record`.
#[derive(Debug, Args)]
#[command(after_help = RECORD_EXAMPLES, after_long_help = format!("{RECORD_EXAMPLES}\n\n{RECORD_EXPLANATION}"))]
pub struct RecordArguments {
    /// The estimate whose migration was run: its estimate.json, or the directory that holds it
    #[arg(value_name = "ESTIMATE", required_unless_present = "csv", requires = "actual")]
    pub estimate: Option<PathBuf>,
    /// How long it took on production, e.g. 34m
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "csv")]
    pub actual: Option<Seconds>,
    /// The outcome is that of this step alone
    #[arg(long, value_name = "N", conflicts_with = "csv", value_parser = clap::value_parser!(u32).range(1..))]
    pub step: Option<u32>,
    /// Record each line of this file: estimate,actual[,step], or kind,predicted_seconds,actual_seconds and more
    #[arg(long, value_name = "FILE", conflicts_with = "estimate")]
    pub csv: Option<PathBuf>,
    /// Keep it in this file, or in the table migtime_history of this database [default: migtime-history.jsonl]
    #[arg(long, value_name = "FILE|URL")]
    pub history: Option<String>,
    /// Never ask for a password
    #[arg(long, short = 'w')]
    pub no_password: bool,
}

/// How a history is printed on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum HistoryFormat {
    /// Text for a person
    #[default]
    Terminal,
    /// JSON with stable keys
    Json,
    /// One row an outcome; `migtime record --csv` reads it
    Csv,
    /// Tables for a wiki or a pull request
    Markdown,
}

/// Arguments of `migtime history`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  migtime history
  migtime history --format markdown -o history.md
  migtime history postgres://team.example/tools --format json")]
pub struct HistoryArguments {
    /// The file, or the database of the table migtime_history [default: migtime-history.jsonl]
    #[arg(value_name = "FILE|URL")]
    pub place: Option<String>,
    /// Print the result in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: HistoryFormat,
    /// Write what would be printed to this file
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Never ask for a password
    #[arg(long, short = 'w')]
    pub no_password: bool,
}
