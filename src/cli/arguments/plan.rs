//! What is typed after `migtime plan`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::selection::SelectionArguments;
use super::shared::ConnectionArguments;
use super::values::{gate, level};
use crate::report::ci::{Document, Gate};

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
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// GitHub annotations, as workflow commands
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// JUnit XML: a case a statement
    Junit,
    /// OpenMetrics text
    Openmetrics,
}

impl PlanFormat {
    /// Returns the machine's document that this is, if it is one.
    pub fn document(self) -> Option<Document> {
        match self {
            PlanFormat::Terminal | PlanFormat::Json | PlanFormat::Markdown => None,
            PlanFormat::Sarif => Some(Document::Sarif),
            PlanFormat::Github => Some(Document::GithubAnnotations),
            PlanFormat::Gitlab => Some(Document::GitlabCodeQuality),
            PlanFormat::Junit => Some(Document::Junit),
            PlanFormat::Openmetrics => Some(Document::OpenMetrics),
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  migtime plan migration.sql --url postgresql://reader@db.example/shop
  migtime plan migration.sql --format markdown -o plan.md
  migtime plan migration.sql --url service=production --deny 'access-exclusive>1s' --deny 'share>30s'
  migtime plan migration.sql --format sarif -o migtime.sarif
  migtime plan rename.sql --url service=production --expand-and-contract phases
  migtime plan migration.sql
  migtime plan db/migrations --from 0298";

const EXPLANATION: &str = "\
A directory is read as its migration tool would: Flyway, golang-migrate, sqlx, refinery, diesel, goose, dbmate, \
sql-migrate, tern, node-pg-migrate, graphile-migrate, Atlas, Liquibase (formatted SQL), Prisma, Drizzle, Supabase, \
or plain SQL by name. In a pull request usually only its last migrations matter: name the first of them with --from.

A gate judges how long, never what: 300 rows do not matter, 300 million do. What it cannot judge (no database, a \
statement that no rule covers) it does not let pass: exit code 5.

Without a database, what depends on the catalog (types of columns, constraints, partitions, sizes) is said to be \
unknown.";

/// Arguments of `migtime plan`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXPLANATION}"))]
pub struct PlanArguments {
    /// Judge this migration: a file, or the directory of a migration tool
    #[arg(value_name = "MIGRATION")]
    pub migration: PathBuf,
    /// Show every statement of a long history, instead of a summary and those that matter most
    #[arg(long)]
    pub all: bool,
    /// Exit with 1 when a lock may be held for longer: MODE>DURATION, e.g. share>30s (repeatable)
    ///
    /// The hold counts from the statement to the COMMIT, and a stronger mode counts too. Instead of a mode it may be
    /// rewrite, scan or index-build.
    #[arg(long, value_name = "GATE", value_parser = gate)]
    pub deny: Vec<Gate>,
    /// Judge by the upper bound of the interval of this level
    #[arg(long, default_value = "0.95", value_parser = level)]
    pub level: f64,
    /// Write renames, and changes of type that rewrite their table, as safe phases into this directory instead
    ///
    /// The phases are expand, backfill, constrain, index, switch and contract, each with its rollback, ready for
    /// `migtime rehearse`.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["deny", "format", "out"])]
    pub expand_and_contract: Option<PathBuf>,
    /// Print the result in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: PlanFormat,
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
