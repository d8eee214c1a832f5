//! Reports for reviewers and machines: one small input, and one file per format. Each returns text, which the caller
//! writes.
//!
//! The input is one [`Verdict`] per migration: its statements with their predictions, and its [`Finding`]s. A format
//! does not need to know whether a plan, a rehearsal or a comparison made it. Names in it are the same from run to run:
//! they contain no line number and no row count, so that services with a history recognise the series.

mod benchmark;
mod budget;
mod common;
mod document;
#[cfg(test)]
mod example;
mod from_plan;
mod from_rehearsal;
mod gate;
mod github;
mod gitlab;
mod junit;
mod level;
mod name;
mod openmetrics;
mod rule;
mod sarif;
mod summary;
mod verdict;

pub use crate::model::estimate::Prediction;
pub use budget::{Budget, Size, Storage};
pub use document::Document;
pub use from_plan::of_plan;
pub use from_rehearsal::of_rehearsal;
pub use gate::Gate;
pub use level::Level;
pub use rule::Rule;
pub use summary::{SUMMARY_LIMIT, job_summary};
pub use verdict::{Finding, HeldLock, StatementVerdict, Verdict};
