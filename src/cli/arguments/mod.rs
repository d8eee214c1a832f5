//! What was typed: the command line as data, with its help. What it means is decided by each command.
//!
//! One file a command; `shared` has the groups of options that several share, and `values` reads what is typed.

mod backtest;
mod bench;
mod ci;
mod command_line;
mod compare;
mod completions;
mod demo;
mod estimate;
mod in_place;
mod outside_database;
mod plan;
mod preflight;
mod probe;
mod record;
mod rehearse;
mod report;
mod selection;
mod shared;
mod values;

pub use backtest::{BacktestArguments, BacktestFormat};
pub use bench::BenchArguments;
pub use ci::CiArguments;
pub use command_line::{Arguments, Command};
pub use compare::{CompareArguments, CompareFormat};
pub use completions::{CompletionsArguments, ManArguments};
pub use demo::DemoArguments;
pub use estimate::EstimateArguments;
pub use in_place::{InPlaceArguments, Waiver};
pub use outside_database::OutsideArguments;
pub use plan::{PlanArguments, PlanFormat};
pub use preflight::{PreflightArguments, PreflightFormat};
pub use probe::{ProbeArguments, ProbeFormat};
pub use record::{HistoryArguments, HistoryFormat, RecordArguments};
pub use rehearse::RehearseArguments;
pub use report::ReportArguments;
pub use selection::SelectionArguments;
pub use shared::{BatchArguments, ConnectionArguments, EstimateFlags, Format, HistoryFlags};
pub use values::today;
