//! What is typed after `migtime backtest`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::minutes;

const EXAMPLES: &str = "\
Examples:
  migtime backtest --minutes 60
  migtime backtest --family index-build --family not-null --rounds 3 -o pairs.csv
  migtime backtest --list
  migtime backtest --judge reports/accuracy/backtest.csv --format markdown";

const EXPLANATION: &str = "\
Each pair has data of its own. On one fresh copy of them, migtime rehearses and predicts; on another, a plain loop \
that shares no code with the rehearsal does the whole work. Which of the two comes first is random. In every round \
each family has its turn once with each of its designs, in random order. All of it happens on throwaway servers.

Each pair is saved when it is done; what migtime refuses to predict is a pair, too. The same command goes on where it \
was interrupted. Half of the families are there to fit constants; only the other half judges.";

/// How the judgement is printed on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum BacktestFormat {
    /// Text for a person
    #[default]
    Terminal,
    /// JSON with stable keys
    Json,
    /// One row for each way to predict
    Csv,
    /// The tables of docs/accuracy.md
    Markdown,
}

/// Arguments of `migtime backtest`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXPLANATION}"))]
pub struct BacktestArguments {
    /// Judge the pairs in this file, and make none
    #[arg(long, value_name = "FILE", conflicts_with_all = ["minutes", "rounds", "family", "scale", "list"])]
    pub judge: Option<PathBuf>,
    /// List the families, and make no pair
    #[arg(long, conflicts_with_all = ["minutes", "rounds", "format"])]
    pub list: bool,
    /// Start no pair that would end after this many minutes [default: 60, unless --rounds is given]
    #[arg(long, value_name = "N", value_parser = minutes)]
    pub minutes: Option<f64>,
    /// Let each family have its turn this often in all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: Option<u32>,
    /// Take only the family of this name; may be repeated
    #[arg(long, value_name = "NAME")]
    pub family: Vec<String>,
    /// Multiply the rows of every family by this
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = scale)]
    pub scale: f64,
    /// Save the pairs in this CSV file, and go on after those it holds
    #[arg(
        short = 'o',
        long,
        value_name = "FILE",
        default_value = "reports/accuracy/backtest.csv",
        conflicts_with = "judge"
    )]
    pub output: PathBuf,
    /// Print the judgement in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: BacktestFormat,
    /// Take the server programs from this directory
    #[arg(long, value_name = "DIR", env = "MIGTIME_PG_BIN")]
    pub pg_bin: Option<PathBuf>,
    /// Draw the data, all orders and the bootstrap from this seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

fn scale(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(scale) if scale > 0.0 && scale <= 1000.0 => Ok(scale),
        _ => Err("write a factor above 0 and up to 1000, like 0.1".to_string()),
    }
}
