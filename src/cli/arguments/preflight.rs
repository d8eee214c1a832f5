//! What is typed after `migtime preflight`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::selection::SelectionArguments;
use super::shared::ConnectionArguments;
use super::values::duration;
use crate::units::Seconds;

/// How a preflight is printed on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PreflightFormat {
    /// Text for a person
    #[default]
    Terminal,
    /// JSON with stable keys
    Json,
    /// A table for a ticket or a chat
    Markdown,
    /// JUnit XML: a case a check
    Junit,
}

const EXAMPLES: &str = "\
Examples:
  migtime preflight migration.sql --url service=production --window 30m
  migtime preflight migration.sql --url service=production --estimate reports/migration --role deployer
  migtime preflight db/migrations --from 0298 --backup-command 'ssh backup newest-is-from-today'
  migtime preflight migration.sql --format junit -o preflight.xml";

const EXPLANATION: &str = "\
Each check says go, warning, no-go or not known, with what was found, what to do, and the command where there is one; \
migtime runs none of these commands. The server is only read.

A transaction is in the way when it is older than --transaction-age and holds a lock that the migration needs, or, for \
the CONCURRENTLY forms, any snapshot of the database. Time-outs are those of the role that will migrate, in this \
database, against what was rehearsed (or rules of thumb, without --estimate).

The team's migtime.toml may require checks, and waive some until a day:

  [preflight]
  require = [\"backup\", \"rollback\"]
  [[preflight.waive]]
  check = \"replication\"
  reason = \"the reporting standby is being rebuilt\"
  until = \"2027-01-15\"

Exit code 1 is a no-go; 5 means that a check could not be made, and nothing else spoke against it.";

/// Arguments of `migtime preflight`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXPLANATION}"))]
pub struct PreflightArguments {
    /// The migration that is to run: a file, or the directory of a migration tool
    #[arg(value_name = "MIGRATION")]
    pub migration: PathBuf,
    /// What was rehearsed: a directory of results, or its estimate.json [default: reports/MIGRATION, if it is there]
    #[arg(long, value_name = "FILE")]
    pub estimate: Option<PathBuf>,
    /// The time that is allowed, e.g. 30m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub window: Option<Seconds>,
    /// The role that will run it [default: the one of the connection]
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// From this age on a transaction may be in the way
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = duration)]
    pub transaction_age: Seconds,
    /// From this lag on a standby is too far behind
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub lag: Seconds,
    /// Oldest backup that is good enough
    #[arg(long, value_name = "DURATION", default_value = "26h", value_parser = duration)]
    pub backup_age: Seconds,
    /// Ask this command for a backup, through the shell: exit code 0 means that there is one
    #[arg(long, value_name = "COMMAND")]
    pub backup_command: Option<String>,
    /// Days after which a rehearsal is too old
    #[arg(long, value_name = "DAYS", default_value_t = 14)]
    pub rehearsal_days: u32,
    /// Read the team's rules from this file [default: migtime.toml at the root of the repository]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the result in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: PreflightFormat,
    /// Write what would be printed to this file
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Which migrations of a directory.
    #[command(flatten)]
    pub selection: SelectionArguments,
    /// Where production is.
    #[command(flatten)]
    pub connection: ConnectionArguments,
}
