//! What is typed after `migtime ci`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::outside_database::OutsideArguments;
use crate::migration::Tool;

const EXAMPLES: &str = "\
Examples:
  migtime ci db/migrations
  migtime ci db/migrations --base origin/release --output reports/ci
  MIGTIME_STAGING_URL=postgresql://ci@staging.example/shop migtime ci db/migrations";

const EXPLANATION: &str = "\
New is what the history of migrations has and the base has not: the commit where HEAD left --base, else the target \
branch that GitHub or GitLab names in the environment, else the default branch. Files that are not committed yet \
count. Each new migration is planned, rehearsed on a copy with those before it applied, and judged by the budgets of \
migtime.toml:

  [budget]
  window = \"30m\"               # tell the probability that it fits
  duration = \"45m\"             # the most it may take
  wal = \"20GB\"
  disk = \"50GB\"
  [budget.longest]             # the longest hold of a lock mode or a stronger one
  access-exclusive = \"2s\"
  share = \"1m\"
  [rehearsal]
  level = 0.95                 # the interval whose upper bound is judged
  [throwaway]
  schema = \"db/schema.sql\"     # instead of the base's migrations
  fill = \"db/fill.sql\"         # rows, after either; :rows and :seed are replaced
  rows = 1000000
  [regression]
  baseline = \"reports/baseline\"   # an earlier run's reports; margin = \"5%\"

Where databases are comes from the environment: copies are made of the staging clone that MIGTIME_STAGING_URL names, \
else of a throwaway server; MIGTIME_PRODUCTION_URL is only read, for the size of its tables.

Exit code: 4 when a migration failed, else 1 when a gate said no, else 5 when the evidence was too thin to judge (0 \
with allow_too_little_evidence = true under [rehearsal]), else 0, also when nothing is new. Every report is written \
in any case.";

/// Arguments of `migtime ci`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXPLANATION}"))]
pub struct CiArguments {
    /// The directory of a migration tool, or a file
    #[arg(value_name = "MIGRATIONS")]
    pub migrations: PathBuf,
    /// Compare with where HEAD left this branch or commit
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    /// Read budgets from this file [default: migtime.toml at the root of the repository]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Read the files as those of this tool, instead of by their names and markers
    #[arg(long, value_name = "TOOL", value_parser = tool())]
    pub format_of: Option<Tool>,
    /// Run them as this version of the tool does, such as 7.3 of Prisma [default: the newest known]
    #[arg(long, value_name = "VERSION")]
    pub tool_version: Option<String>,
    /// Write every report here
    #[arg(long, value_name = "DIR", default_value = "reports/ci")]
    pub output: PathBuf,
    /// Take the server programs from this directory
    #[arg(long, value_name = "DIR", env = "MIGTIME_PG_BIN")]
    pub pg_bin: Option<PathBuf>,
    /// Fill the throwaway server anew, instead of from the cache
    #[arg(long)]
    pub no_cache: bool,
    /// Draw random numbers from this seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// What migrations may do outside their database.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

fn tool() -> impl TypedValueParser<Value = Tool> {
    PossibleValuesParser::new(Tool::ALL.map(Tool::name)).map(|name| Tool::from_name(&name).unwrap_or_default())
}
