//! Compares two measurements of a migration: is the new one slower? The unit is the run, never the batch.
//!
//! Batches of one run share its checkpoints, caches and hour. A test over batches would therefore mistake the
//! difference between two days for one between two migrations (a false alarm one time in three). [`likeness`] decides
//! what may be compared, [`sample`] what one run took, [`judge`] whether the difference is larger than chance and large
//! enough to matter. Pure: the caller reads the files.

mod comparing;
mod comparison;
mod judge;
mod likeness;
mod options;
mod sample;

pub use comparing::{NamedRehearsal, compare};
pub use comparison::{ChangeVerdict, Comparison, Judgement, Ratio, Side, StepChange, StepName};
pub use options::{ALPHA, CompareOptions, DEFAULT_MARGIN, POWER};
