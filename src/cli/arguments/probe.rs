//! What is typed after `migtime probe`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::shared::ConnectionArguments;
use super::values::duration;
use crate::units::Seconds;

/// How a probe is printed on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProbeFormat {
    /// Text for a person
    #[default]
    Terminal,
    /// JSON with stable keys, for `--probes` of other commands
    Json,
}

const EXAMPLES: &str = "\
Examples:
  migtime probe
  migtime probe postgresql://reader@staging.example/shop service=production
  migtime probe service=production --max-duration 5s --format json -o production.json
  migtime estimate --migration backfill.sql --table orders --probes staging.json production.json";

const EXPLANATION: &str = "\
Each server hashes and sorts 100,000 values in memory (32 MB), looks up 100,000 rows of its own catalog by an index, \
and reads some 200 single pages of the largest table that may be read, up to five times each. How long commits wait \
for the disk is taken from its own counters. Nothing is written; each query is timed by the server, without the \
network. What cannot be told is said: what the operating system's cache holds, for example.";

/// Arguments of `migtime probe`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXPLANATION}"))]
pub struct ProbeArguments {
    /// The server, or staging and then production: URIs, keyword strings or database names [default: as psql]
    #[arg(value_name = "URL", num_args = 0..=2, conflicts_with_all = ["url", "host", "port", "username", "dbname"])]
    pub servers: Vec<String>,
    /// Spend at most this long on a server
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub max_duration: Seconds,
    /// Draw the pages that are read from this seed
    #[arg(long, default_value_t = 1)]
    pub seed: u32,
    /// Print the result in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: ProbeFormat,
    /// Write what would be printed to this file
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Where the server is.
    #[command(flatten)]
    pub connection: ConnectionArguments,
}
