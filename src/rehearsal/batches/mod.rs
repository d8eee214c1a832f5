//! Batched steps: which batches are replayed, where their windows lie, and what each cost.

pub mod backfill;
mod look_ahead;
pub(super) mod planned_batch;
pub mod replay;
pub mod schedule;
pub mod segments;
pub mod simulated;
pub(super) mod step;
pub(super) mod table_backfill;
pub(super) mod walk_design;
pub(super) mod walk_plan;
pub(super) mod walk_survey;
pub(super) mod window_queue;
