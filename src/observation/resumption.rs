//! Where a rehearsal was resumed after it had been cut off.

use serde::{Deserialize, Serialize};

/// A resumed rehearsal. The time between the cut and the resumption is in no observation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Resumption {
    /// When it was resumed, as RFC 3339 in UTC.
    pub at: String,
    /// Seconds between the last log entry and the resumption; `None` if the clock does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away_seconds: Option<f64>,
    /// Number of the step at which it was resumed; one more than the last step if none was left.
    pub step: u32,
    /// Seconds on that step's clock, which does not count the interruption.
    pub elapsed: f64,
    /// What happened to the batch or statement in progress at the cut.
    pub under_way: UnderWay,
}

/// What happened to the batch or statement in progress when a rehearsal was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum UnderWay {
    /// Nothing was in progress.
    Nothing,
    /// It was committed and has no measurement.
    Committed,
    /// It was not committed and ran again.
    NotCommitted,
    /// The walk left that position and continued at the next one.
    LeftBehind,
}
