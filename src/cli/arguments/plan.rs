//! What is typed after `migtime plan`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ConnectionArguments;

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
