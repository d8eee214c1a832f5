//! What is typed after `migtime compare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::outside_database::OutsideArguments;
use super::shared::BatchArguments;
use super::values::percentage;
use crate::report::ci::Document;

/// How a comparison is printed on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// Text for a person
    #[default]
    Terminal,
    /// JSON with stable keys
    Json,
    /// A summary for a pull request
    Markdown,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// GitHub annotations, as workflow commands
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// JUnit XML: a suite a migration
    Junit,
}

impl CompareFormat {
    /// Returns the machine's document that this is, if it is one.
    pub fn document(self) -> Option<Document> {
        match self {
            CompareFormat::Terminal | CompareFormat::Json | CompareFormat::Markdown => None,
            CompareFormat::Sarif => Some(Document::Sarif),
            CompareFormat::Github => Some(Document::GithubAnnotations),
            CompareFormat::Gitlab => Some(Document::GitlabCodeQuality),
            CompareFormat::Junit => Some(Document::Junit),
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  migtime bench main/scenarios branch/scenarios
  migtime compare reports/bench/main-scenarios reports/bench/branch-scenarios
  migtime compare before/rehearsal.json after/rehearsal.json --margin 10%
  migtime compare --duet old.sql new.sql --scratch --schema tables.sql
  migtime compare --duet old.sql new.sql --staging postgresql://postgres@staging.example/shop";

const EXPLANATION: &str = "\
The unit is a whole run, so each side needs several: 5 against 3 of one migration, 5 against 5 of up to twelve. A \
duet of two backfills needs none: it replays 20 places with one and the other in turns. Exit 1 on a regression; 5 \
when runs are too few, or not of the same work, to say anything.";

/// Arguments of `migtime compare`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXPLANATION}"))]
pub struct CompareArguments {
    /// What was before: a file of `rehearse --runs` or `bench`, or a directory of them; with --duet a migration
    #[arg(value_name = "BASE")]
    pub base: PathBuf,
    /// What is to be judged, likewise
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Let a slowdown below this pass
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = percentage)]
    pub margin: f64,
    /// Judge each step instead of each migration as a whole
    #[arg(long)]
    pub each_step: bool,
    /// Print the result in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: CompareFormat,
    /// Write what would be printed to this file
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Draw random numbers from this seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How a duet is played.
    #[command(flatten)]
    pub duet: DuetArguments,
    /// How a statement of a duet is batched.
    #[command(flatten)]
    pub batching: BatchArguments,
}

/// How two migrations are measured in turns.
#[derive(Debug, Args)]
#[command(next_help_heading = "Duet")]
pub struct DuetArguments {
    /// Measure the migrations BASE and NEW in turns, on copies of one database
    #[arg(long)]
    pub duet: bool,
    /// Copy this staging clone; else what MIGTIME_STAGING_URL names
    #[arg(long, value_name = "URL", requires = "duet")]
    pub staging: Option<String>,
    /// Copy a database on a throwaway server, filled by --schema
    #[arg(long, requires_all = ["schema", "duet"], conflicts_with = "staging")]
    pub scratch: bool,
    /// Fill the throwaway server with this SQL file; :rows and :seed in it are replaced
    #[arg(long, value_name = "FILE", requires = "scratch")]
    pub schema: Option<PathBuf>,
    /// Replace :rows in the schema file by this
    #[arg(long, value_name = "N", requires = "scratch", default_value_t = 1_000_000)]
    pub rows: u64,
    /// Run each migration whole this often [default: 5, or 20 pairs of segments of two backfills]
    ///
    /// Where it is given, two backfills are run whole too.
    #[arg(long, value_name = "N", requires = "duet", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: Option<u32>,
    /// Save base.json and new.json here
    #[arg(long, value_name = "DIR", requires = "duet", default_value = "reports/duet")]
    pub output: PathBuf,
    /// Take the server programs from this directory
    #[arg(long, value_name = "DIR", env = "MIGTIME_PG_BIN")]
    pub pg_bin: Option<PathBuf>,
    /// Never ask for a password
    #[arg(long, short = 'w')]
    pub no_password: bool,
    /// What the migrations may do outside their database.
    #[command(flatten)]
    pub outside: OutsideArguments,
}
