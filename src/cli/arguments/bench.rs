//! What is typed after `migtime bench`.

use std::path::PathBuf;

use clap::Args;

use super::values::minutes;

const EXAMPLES: &str = "\
Examples:
  migtime bench scenarios
  migtime bench scenarios --only uuid-key --only purge --rows 200000 --runs 8
  migtime bench main/scenarios branch/scenarios --minutes 20
  migtime compare reports/bench/main-scenarios reports/bench/branch-scenarios";

const EXPLANATION: &str = "\
A scenario is a folder with scenario.toml, schema.sql, migration.sql and rollback.sql. Each run is the whole \
migration on a fresh copy; every round runs each scenario once, in random order. Of two folders with scenarios of \
the same names the runs are interleaved and written to OUTPUT/<folder>: that is the fair way to compare two \
versions.

One file a scenario, saved after each run. The same command goes on where it was interrupted.";

/// Arguments of `migtime bench`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXPLANATION}"))]
pub struct BenchArguments {
    /// Run these scenarios: folders of them, or single ones
    #[arg(value_name = "SCENARIOS", required = true)]
    pub scenarios: Vec<PathBuf>,
    /// Run each of them this often in all
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: u32,
    /// Run only the scenario of this name; may be repeated
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Fill the tables with this many rows [default: as each scenario says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub rows: Option<u64>,
    /// Start no run that would end after this many minutes
    #[arg(long, value_name = "N", value_parser = minutes)]
    pub minutes: Option<f64>,
    /// Run them on this staging server, in databases of their own that are dropped afterwards [default: a throwaway
    /// server]
    #[arg(long, value_name = "URL")]
    pub staging: Option<String>,
    /// Write one file a scenario here
    #[arg(long, value_name = "DIR", default_value = "reports/bench")]
    pub output: PathBuf,
    /// Take the server programs from this directory
    #[arg(long, value_name = "DIR", env = "MIGTIME_PG_BIN")]
    pub pg_bin: Option<PathBuf>,
    /// Draw the data and the order of the runs from this seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Never ask for a password
    #[arg(long, short = 'w')]
    pub no_password: bool,
}
