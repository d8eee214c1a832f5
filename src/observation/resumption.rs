//! Where a rehearsal was resumed after it had been cut off.

use serde::{Deserialize, Serialize};

/// A rehearsal that went on after it had been cut off; the time in between is in no observation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Resumption {
    /// When it went on, as RFC 3339 in UTC.
    pub at: String,
    /// Seconds from the last that is known of it until then, where the clock tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away_seconds: Option<f64>,
    /// Number of the step at which it went on; one more than there are when none was left.
    pub step: u32,
    /// Seconds on that step's clock, which stood still meanwhile.
    pub elapsed: f64,
    /// What became of the batch, or the statement, that was under way.
    pub under_way: UnderWay,
}

/// What became of what was under way when a rehearsal was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum UnderWay {
    /// There was nothing.
    Nothing,
    /// It was committed, and has no measurement.
    Committed,
    /// It was not committed, and ran again.
    NotCommitted,
    /// Its place of the walk was left as it was.
    LeftBehind,
}
