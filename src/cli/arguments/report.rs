//! What is typed after `migtime report`.

use std::path::PathBuf;

use clap::Args;

use super::shared::{EstimateFlags, Format};

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
    /// Print the result in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// How the estimate is made.
    #[command(flatten)]
    pub options: EstimateFlags,
}
