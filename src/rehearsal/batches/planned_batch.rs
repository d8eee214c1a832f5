//! One batch of a walk, as it is planned.

use serde::{Deserialize, Serialize};

use crate::migration::Window;

/// One batch to come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::rehearsal) struct PlannedBatch {
    /// Its rows.
    pub window: Window,
    /// Fraction of the walk's work before it, 0 to 1.
    pub position: f64,
}
