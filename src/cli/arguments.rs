//! What was typed: the command line as data, with its help. What it means is decided by each command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::migration::Walk;
use crate::units::{Seconds, parse_duration};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  a gate said no: over the budget
  2  usage, or a file that cannot be read or written
  3  cannot connect, no server binaries, or an unsafe target
  4  the migration failed in rehearsal
  5  too little evidence to promise a number";

/// Estimate how long a PostgreSQL migration takes, by rehearsing it on a staging clone
#[derive(Debug, Parser)]
#[command(name = "migtime", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Arguments {
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
    /// Do the whole job on a throwaway server and show predicted against actual
    Demo(DemoArguments),
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
pub struct EstimateOptions {
    /// Tell the probability that it fits into this window, e.g. 30m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub window: Option<Seconds>,
    /// Exit with 1 when the upper bound of the interval exceeds this, e.g. 30m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub budget: Option<Seconds>,
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

/// Arguments of `migtime estimate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  migtime estimate --table orders
  migtime estimate --table orders --migration backfill.sql --window 30m
  migtime estimate --table sales.orders --sample --url postgresql://reader@db.example/shop
  migtime estimate --batches log.csv --rows 108403861 --budget 2h")]
pub struct EstimateArguments {
    /// Describe this table (schema-qualified and quoted names as in SQL); may be repeated
    #[arg(long, short = 't', value_name = "NAME", required_unless_present_any = ["batches", "migration"])]
    pub table: Vec<String>,
    /// Estimate this migration, from rehearsals of it if there are any
    #[arg(long, value_name = "FILE", conflicts_with = "batches")]
    pub migration: Option<PathBuf>,
    /// Refine the number of rows by sampling blocks
    #[arg(long, conflicts_with = "exact")]
    pub sample: bool,
    /// Count the rows
    #[arg(long)]
    pub exact: bool,
    /// Estimate from a batch log: CSV with rows,seconds and optionally position, elapsed, segment
    #[arg(long, value_name = "CSV", requires = "rows", conflicts_with = "table")]
    pub batches: Option<PathBuf>,
    /// Process this many rows in all (with --batches)
    #[arg(long, value_name = "N", requires = "batches", conflicts_with_all = ["table", "migration"], value_parser = clap::value_parser!(u64).range(1..))]
    pub rows: Option<u64>,
    /// Look for rehearsals in this directory
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub reports: PathBuf,
    /// How a bare statement would be batched.
    #[command(flatten)]
    pub batching: BatchArguments,
    /// How the estimate is made.
    #[command(flatten)]
    pub options: EstimateOptions,
    /// Where production is.
    #[command(flatten)]
    pub connection: ConnectionArguments,
    /// Where the result goes.
    #[command(flatten)]
    pub output: OutputArguments,
}

/// How a plan is printed on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// Text for a person
    #[default]
    Terminal,
    /// JSON with stable keys
    Json,
    /// A summary for a pull request
    Markdown,
}

/// Arguments of `migtime plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  migtime plan migration.sql --url postgresql://reader@db.example/shop
  migtime plan migration.sql --format markdown -o plan.md
  migtime plan migration.sql

Without a database, what depends on the catalog (types of columns, constraints, partitions, sizes) is said to be unknown.")]
pub struct PlanArguments {
    /// Judge this migration: a file of plain SQL
    #[arg(value_name = "MIGRATION")]
    pub migration: PathBuf,
    /// Print the result in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: PlanFormat,
    /// Write what would be printed to this file
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Where production is.
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// Arguments of `migtime rehearse`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  migtime rehearse backfill.sql --staging postgresql://postgres@staging.example/shop --sandbox
  migtime rehearse backfill.sql --staging shop_clone --production service=production --window 30m
  migtime rehearse backfill.sql --scratch --schema tables.sql --full

A batch is recognised by <batch_start> and <batch_end> in the statement (or :batch_start, :batch_end), by a comment such as
-- migtime: batch key=id size=5000, or by the size of the table, which is then walked by its primary key.

Ctrl-C once finishes the batch that runs, saves, and reports what was measured; twice ends at once. Either way no sandbox
and no throwaway server is left behind.")]
pub struct RehearseArguments {
    /// Rehearse this migration: a file of plain SQL
    #[arg(value_name = "MIGRATION")]
    pub migration: PathBuf,
    /// Run it on this staging clone, which it changes (see --sandbox); else on what MIGTIME_STAGING_URL names, never on
    /// what PG* or DATABASE_URL do
    #[arg(long, value_name = "URL")]
    pub staging: Option<String>,
    /// Run it on a throwaway server, filled by --schema
    #[arg(long, requires = "schema", conflicts_with = "staging")]
    pub scratch: bool,
    /// Fill the throwaway server with this SQL file; :rows and :seed in it are replaced
    #[arg(long, value_name = "FILE", requires = "scratch")]
    pub schema: Option<PathBuf>,
    /// Replace :rows in the schema file by this
    #[arg(long, value_name = "N", requires = "scratch", default_value_t = 1_000_000)]
    pub rows: u64,
    /// Take the server programs from this directory
    #[arg(long, value_name = "DIR", env = "MIGTIME_PG_BIN")]
    pub pg_bin: Option<PathBuf>,
    /// Estimate for the rows of this production database too; it is only read
    #[arg(long, value_name = "URL")]
    pub production: Option<String>,
    /// Work on a copy of the staging database and drop it afterwards
    #[arg(long, conflicts_with = "scratch")]
    pub sandbox: bool,
    /// Repeat it this often, each time on a fresh copy
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,
    /// Stop when the 95 % interval is this narrow, e.g. 30% for ±30 %
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    pub precision: Option<f64>,
    /// Stop the backfills after this time
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub max_duration: Seconds,
    /// Stop after this share of the batches [default: 15%, more on small tables]
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    pub fraction: Option<f64>,
    /// Replay every batch, however long it takes
    #[arg(long, conflicts_with_all = ["fraction", "precision"])]
    pub full: bool,
    /// Wait at most this long for a lock
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub lock_timeout: Seconds,
    /// Count the rows to process instead of sampling them
    #[arg(long)]
    pub exact: bool,
    /// Save rehearsal.json, estimate.json, report.html and the CSV files here [default: reports/<migration>]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// How a statement is batched.
    #[command(flatten)]
    pub batching: BatchArguments,
    /// How the estimate is made.
    #[command(flatten)]
    pub options: EstimateOptions,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Never ask for a password
    #[arg(long, short = 'w')]
    pub no_password: bool,
}

/// Arguments of `migtime report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  migtime report reports/backfill/rehearsal.json
  migtime report rehearsal.json --output out --window 30m
  migtime report rehearsal.json --format markdown")]
pub struct ReportArguments {
    /// Read this rehearsal
    #[arg(value_name = "REHEARSAL")]
    pub rehearsal: PathBuf,
    /// Write estimate.json, report.html, report.md, observations.csv and steps.csv here [default: beside the rehearsal]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// How the estimate is made.
    #[command(flatten)]
    pub options: EstimateOptions,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `migtime demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  migtime demo
  migtime demo --scenario scenarios/uuid-key --rows 2000000 --output reports/uuid")]
pub struct DemoArguments {
    /// Play this scenario
    #[arg(long, value_name = "DIR", default_value = "scenarios/simple-backfill")]
    pub scenario: PathBuf,
    /// Fill it with this many rows [default: as the scenario says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1000..))]
    pub rows: Option<u64>,
    /// Write the results here
    #[arg(long, value_name = "DIR", default_value = "reports/demo")]
    pub output: PathBuf,
    /// Take the server programs from this directory
    #[arg(long, value_name = "DIR", env = "MIGTIME_PG_BIN")]
    pub pg_bin: Option<PathBuf>,
    /// Draw random numbers from this seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Far above any migration, far below what clocks can count.
const LONGEST_DURATION: Seconds = Seconds(10.0 * 365.25 * 86_400.0);

fn duration(text: &str) -> Result<Seconds, String> {
    match parse_duration(text) {
        Ok(duration) if duration > LONGEST_DURATION => Err("a duration is at most ten years".to_string()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(match error.hint() {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        }),
    }
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
