//! What is typed after `migtime demo`.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  migtime demo
  migtime demo --scenario scenarios/uuid-key --rows 2000000 --output reports/uuid
  migtime demo --scenario scenarios/index-build";

const EXPLANATION: &str = "\
A backfill is rehearsed in part. A migration without one is rehearsed on a clone with a quarter of the rows, and \
extrapolated.";

/// Arguments of `migtime demo`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXPLANATION}"))]
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
