//! What one statement locks, rewrites and scans, and in which transaction it may run: facts of the statement and of the
//! schema, put together by PostgreSQL's own rules.
//!
//! Pure. A statement that the rules do not cover is [`StepKind::Unclassified`](super::StepKind::Unclassified) and says
//! so; nothing is guessed.

mod cascades;
mod columns;
mod constraints;
mod data_type;
mod evolution;
mod indexes;
mod judge;
mod kept_values;
mod keyed_rows;
mod maintenance;
mod other_objects;
mod partitions;
mod proofs;
mod queries;
mod refusals;
mod routines;
mod row_checks;
mod rules;
mod safe_form;
mod storage;
mod storage_options;
mod table_rules;
mod target;
mod types;
mod undo;
mod whole_tables;

pub(super) use data_type::DataType;
pub(super) use evolution::evolve;
pub use judge::{Effects, TransactionRule};
pub(super) use kept_values::keeps_values;
pub(super) use refusals::refusals;
pub use rules::effects;
pub use safe_form::safe_form;
pub(super) use types::computes;
