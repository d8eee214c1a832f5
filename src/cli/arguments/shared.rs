//! Groups of options that several commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::{deploy_day, duration, gate, growth, level, size};
use crate::migration::Walk;
use crate::model::GrowthRate;
use crate::report::ci::{Document, Gate};
use crate::units::{Bytes, Date, Seconds};

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
    /// Let the rows grow at this rate, compounded, from today to --on: 2%/month, -5%/year, also day or week
    #[arg(long, value_name = "RATE", value_parser = growth, allow_hyphen_values = true)]
    pub growth: Option<GrowthRate>,
    /// Estimate for the size on this day, e.g. 2027-01-15 [default: today]
    #[arg(long, value_name = "DATE", value_parser = deploy_day)]
    pub on: Option<Date>,
    /// Shift the estimate by how two servers compare: a probe of staging and production, or one of each in this order
    #[arg(long, value_name = "FILE", num_args = 1..=2)]
    pub probes: Vec<PathBuf>,
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
    /// What it learns from.
    #[command(flatten)]
    pub history: HistoryFlags,
}

/// Which recorded outcomes an estimate for production learns from.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Estimate")]
pub struct HistoryFlags {
    /// Learn from the outcomes in this file or database [default: migtime-history.jsonl, if there is one]
    #[arg(long, value_name = "FILE|URL")]
    pub history: Option<String>,
    /// Do not learn from recorded outcomes
    #[arg(long, conflicts_with = "history")]
    pub no_history: bool,
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
