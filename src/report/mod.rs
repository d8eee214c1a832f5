//! Renders an estimate as HTML, CSV, JSON, Markdown or terminal text: every format has the same input, a rehearsal and
//! its estimate.
//!
//! Pure: returns text and bytes, which the caller writes. This room touches no file, clock, terminal or database and
//! computes no estimate; its own statistics (medians of batches) only describe the measurements. The JSON form is
//! [`Estimate::to_json`](crate::model::estimate::Estimate::to_json).

mod backtest;
mod bench;
mod bins;
pub mod ci;
mod classes;
mod comparison;
mod csv;
mod data_table;
mod history;
mod html;
mod junit_xml;
mod markdown;
mod picture;
mod plan;
mod plan_summary;
mod planned;
mod preflight;
mod probe;
mod rollback;
mod statement_details;
mod storage;
mod table;
mod terminal;
mod text;
mod words;

pub use backtest::{backtest_csv, backtest_families, backtest_markdown, backtest_terminal};
pub use bench::{BenchRow, bench_terminal};
pub use classes::{PastRehearsal, class_estimates, table_hints};
pub use comparison::{
    comparison_answer, comparison_findings, comparison_markdown, comparison_terminal, comparison_verdicts,
};
pub use csv::{observations_csv, steps_csv};
pub use history::{history_csv, history_json, history_markdown, history_terminal, outcome_sentence};
pub use html::html;
pub use markdown::markdown;
pub use plan::{
    PlanDocument, PlanReport, PlannedLock, Remark, StatementReport, plan_json, plan_markdown, plan_terminal,
};
pub use plan_summary::plan_summary;
pub use planned::assemble as assemble_plan;
pub use preflight::{preflight_json, preflight_junit, preflight_markdown, preflight_terminal};
pub use probe::{ProbeDocument, probe_json, probe_terminal};
pub use storage::{fits, uncounted};
pub use table::{ClassEstimate, TableReport, table_csv, table_json, table_markdown, terminal_table};
pub use terminal::terminal;
pub use words::{Answer, outcome, probability};
