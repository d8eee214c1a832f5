//! What is typed after `migtime estimate`.

use std::path::PathBuf;

use clap::Args;

use super::selection::SelectionArguments;
use super::shared::{BatchArguments, ConnectionArguments, EstimateFlags, OutputArguments};

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
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "batches")]
    pub migration: Option<PathBuf>,
    /// Refine the number of rows by sampling blocks
    #[arg(long, conflicts_with = "exact")]
    pub sample: bool,
    /// Count the rows
    #[arg(long)]
    pub exact: bool,
    /// Estimate from a batch log: CSV with rows,seconds and optionally position, elapsed (s), segment
    #[arg(long, value_name = "CSV", requires = "rows", conflicts_with = "table")]
    pub batches: Option<PathBuf>,
    /// Process this many rows in all (with --batches)
    #[arg(long, value_name = "N", requires = "batches", conflicts_with_all = ["table", "migration"],
          value_parser = clap::value_parser!(u64).range(1..))]
    pub rows: Option<u64>,
    /// Look for rehearsals in this directory
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub reports: PathBuf,
    /// Which migrations of a directory.
    #[command(flatten)]
    pub selection: SelectionArguments,
    /// How a bare statement would be batched.
    #[command(flatten)]
    pub batching: BatchArguments,
    /// How the estimate is made.
    #[command(flatten)]
    pub options: EstimateFlags,
    /// Where production is.
    #[command(flatten)]
    pub connection: ConnectionArguments,
    /// Where the result goes.
    #[command(flatten)]
    pub output: OutputArguments,
}
