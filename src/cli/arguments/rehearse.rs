//! What is typed after `migtime rehearse`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::ArgPredicate;

use super::in_place::InPlaceArguments;
use super::outside_database::OutsideArguments;
use super::selection::SelectionArguments;
use super::shared::{BatchArguments, EstimateFlags, Format};
use super::values::{duration, percentage};
use crate::units::Seconds;

const EXAMPLES: &str = "\
Examples:
  migtime rehearse backfill.sql --staging postgresql://postgres@staging.example/shop --sandbox
  migtime rehearse backfill.sql --staging shop_clone --production service=production --window 30m
  migtime rehearse backfill.sql --scratch --schema tables.sql --full
  migtime rehearse 7_add_email.up.sql --rollback 7_add_email.down.sql --staging shop_clone --sandbox --full
  migtime rehearse db/migrations --from 0298 --staging shop_clone --sandbox
  migtime rehearse db/migrations --from 0298 --scratch
  migtime rehearse backfill.sql --staging shop_clone --disposable shop_clone --resume
  migtime rehearse --exec 'bin/rails db:migrate' --staging shop_clone --sandbox";

const EXPLANATION: &str = "\
A directory is read as its migration tool would, and run in that tool's order and transactions. In a pull request \
usually only its last migrations matter: name the first of them with --from. A staging clone is taken to have those \
before it; on --scratch they are applied first, without being measured.

A batch is recognised by <batch_start> and <batch_end> in the statement (or :batch_start, :batch_end), by a comment \
such as -- migtime: batch key=id size=5000. A bare UPDATE or DELETE of a big table is one statement, as tools send \
it; with --batch-size, --walk or --batch-delay it is walked by its primary key.

Ctrl-C once finishes the batch that runs, saves, and reports what was measured; twice ends at once. Either way no \
sandbox and no throwaway server is left behind.";

/// Heading of the options that say which database is changed.
const WHERE: &str = "Where it runs";
/// Heading of the options that say when it ends.
const HOW_MUCH: &str = "How much is replayed";

/// Arguments of `migtime rehearse`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXPLANATION}"))]
pub struct RehearseArguments {
    /// Rehearse this migration: a file, or the directory of a migration tool
    #[arg(
        value_name = "MIGRATION",
        required = false,
        required_unless_present = "exec",
        conflicts_with = "exec",
        default_value_if("exec", ArgPredicate::IsPresent, "command")
    )]
    pub migration: PathBuf,
    /// Run this command of another tool instead, and observe it on the clone
    ///
    /// It is run through the shell, with PG* and DATABASE_URL leading to the clone. Its sessions' statements, locks and
    /// WAL are sampled.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["production", "precision", "fraction", "full", "runs",
          "exact", "lock_timeout", "max_duration", "batch_size", "batch_delay", "walk", "rollback", "no_rollback",
          "from", "only", "format_of"])]
    pub exec: Option<String>,
    /// Rehearse the rollback with this file [default: the file beside the migration]
    ///
    /// After the rollback the migration is run once more. The file beside it is x.down.sql by x.up.sql, down.sql by
    /// up.sql, x.rollback.sql by x.sql, rollback.sql by migration.sql.
    #[arg(long, value_name = "FILE")]
    pub rollback: Option<PathBuf>,
    /// Do not rehearse the rollback
    #[arg(long, conflicts_with = "rollback")]
    pub no_rollback: bool,
    /// Go on with the rehearsal that was cut off: give the same command again
    ///
    /// It was killed or interrupted, or its server was lost. How it is batched and how much is replayed stay as they
    /// were.
    #[arg(long, conflicts_with_all = ["exec", "scratch", "runs"])]
    pub resume: bool,
    /// Save rehearsal.json, estimate.json, report.html and the CSV files here [default: reports/<migration>]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Print the result in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Never ask for a password
    #[arg(long, short = 'w')]
    pub no_password: bool,
    /// Run it on a copy of this staging clone [default: MIGTIME_STAGING_URL]
    ///
    /// The clone itself is changed only where it is marked or named, see In place. Staging is never what PG* or
    /// DATABASE_URL name.
    #[arg(long, value_name = "URL", help_heading = WHERE)]
    pub staging: Option<String>,
    /// Work on a copy also where the staging database is marked as disposable; the copy is dropped afterwards
    #[arg(long, conflicts_with = "scratch", help_heading = WHERE)]
    pub sandbox: bool,
    /// Run it on a throwaway server, filled by --schema and by the migrations before --from
    #[arg(long, conflicts_with = "staging", help_heading = WHERE)]
    pub scratch: bool,
    /// Fill the throwaway server with this SQL file; :rows and :seed in it are replaced
    #[arg(long, value_name = "FILE", requires = "scratch", help_heading = WHERE)]
    pub schema: Option<PathBuf>,
    /// Replace :rows in the schema file by this
    #[arg(long, value_name = "N", requires = "scratch", default_value_t = 1_000_000, help_heading = WHERE)]
    pub rows: u64,
    /// Take the server programs from this directory
    #[arg(long, value_name = "DIR", env = "MIGTIME_PG_BIN", help_heading = WHERE)]
    pub pg_bin: Option<PathBuf>,
    /// Estimate for the rows of this production database too; it is only read
    #[arg(long, value_name = "URL", help_heading = WHERE)]
    pub production: Option<String>,
    /// Replay this share of the batches [default: all if they fit into --max-duration, else what fits]
    #[arg(long, value_name = "PERCENT", value_parser = percentage, help_heading = HOW_MUCH)]
    pub fraction: Option<f64>,
    /// Stop when the 95 % interval is this narrow, e.g. 30% for ±30 %
    #[arg(long, value_name = "PERCENT", value_parser = percentage, help_heading = HOW_MUCH)]
    pub precision: Option<f64>,
    /// Replay what fits into this time: every batch, or else the beginning and then places in the rest
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration, help_heading = HOW_MUCH)]
    pub max_duration: Seconds,
    /// Replay every batch, however long it takes
    #[arg(long, conflicts_with_all = ["fraction", "precision"], help_heading = HOW_MUCH)]
    pub full: bool,
    /// Repeat it this often, each time on a fresh copy
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100),
          help_heading = HOW_MUCH)]
    pub runs: u32,
    /// Count the rows to process instead of sampling them
    #[arg(long, help_heading = HOW_MUCH)]
    pub exact: bool,
    /// Wait at most this long for a lock
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration, help_heading = HOW_MUCH)]
    pub lock_timeout: Seconds,
    /// Whether the staging database itself may be changed.
    #[command(flatten)]
    pub in_place: InPlaceArguments,
    /// What the migration may do outside its database.
    #[command(flatten)]
    pub outside: OutsideArguments,
    /// Which migrations of a directory.
    #[command(flatten)]
    pub selection: SelectionArguments,
    /// How a statement is batched.
    #[command(flatten)]
    pub batching: BatchArguments,
    /// How the estimate is made.
    #[command(flatten)]
    pub options: EstimateFlags,
}
