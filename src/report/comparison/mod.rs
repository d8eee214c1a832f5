//! A comparison for the terminal, as Markdown and as findings: first the verdict, then its certainty and the minimum
//! detectable effect.
//!
//! Returns text and judges nothing itself. The JSON form is
//! [`Comparison::to_json`](crate::model::compare::Comparison::to_json).

mod forms;
mod words;

pub use forms::{comparison_findings, comparison_markdown, comparison_terminal, comparison_verdicts};
pub use words::comparison_answer;
