//! One planned batch of a walk.

use serde::{Deserialize, Serialize};

use crate::migration::Window;

/// A batch that has not run yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::rehearsal) struct PlannedBatch {
    /// The rows it covers.
    pub window: Window,
    /// Fraction of the walk's work before it, 0 to 1.
    pub position: f64,
}
