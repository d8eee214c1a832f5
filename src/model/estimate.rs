//! What an estimate says, and its JSON form: plain data shared with `report`.

use serde::{Deserialize, Serialize};

use crate::catalog::SchemaDifference;
use crate::migration::StepKind;
use crate::observation::{Irreversible, LockRecord, Reapplication, RollbackVerdict};

/// The levels of the intervals every estimate carries.
pub const LEVELS: [f64; 3] = [0.5, 0.8, 0.95];

/// What an estimate rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Batches or statements measured on a clone.
    Rehearsal,
    /// Extrapolated from smaller sizes.
    Ladder,
    /// Nothing measured here: typical rates.
    RuleOfThumb,
}

/// A calibrated statement about how long a migration will take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Estimate {
    /// Always `estimate`.
    pub kind: String,
    /// Version of this format.
    pub format_version: u32,
    /// Seed of the Monte Carlo sum.
    pub seed: u64,
    /// Level of the interval shown first.
    pub level: f64,
    /// The weakest basis among the steps that matter.
    pub basis: Basis,
    /// Whether the evidence is too thin to promise the interval.
    pub provisional: bool,
    /// What `provisional` rests on: each rule that is not met, in words.
    #[serde(default)]
    pub too_thin: Vec<String>,
    /// The whole migration.
    pub total: Total,
    /// Each step, in order.
    pub steps: Vec<StepEstimate>,
    /// What the numbers take for granted.
    pub assumptions: Vec<String>,
    /// What the reader should look at.
    pub warnings: Vec<String>,
    /// WAL and disk of the whole migration, where they were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageTotal>,
    /// Duration of a whole run that was made afterwards, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual_seconds: Option<f64>,
    /// The rollback, when it was rehearsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackEstimate>,
}

/// What the rehearsed rollback does, and how long it will take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RollbackEstimate {
    /// Its file.
    pub file: String,
    /// What it is worth.
    pub verdict: RollbackVerdict,
    /// Why its rehearsal ended, in words.
    pub ended: Option<String>,
    /// Changes that the migration made to the schema.
    pub changes: usize,
    /// Those that the rollback undid.
    pub undone: usize,
    /// In what the schema differed afterwards from before the migration; `None` when nobody looked.
    pub differences: Option<Vec<SchemaDifference>>,
    /// What no rollback brings back.
    pub irreversible: Vec<Irreversible>,
    /// What came of the migration when it was run once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reapplied: Option<Reapplication>,
    /// Its duration, as the migration's; `None` when it did not come to its end.
    pub total: Option<Total>,
    /// The rules of evidence that its duration does not meet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub too_thin: Vec<String>,
    /// Each of its steps, in order.
    pub steps: Vec<StepEstimate>,
    /// What its duration takes for granted, beyond what the migration's does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<String>,
}

/// The duration of the whole migration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Total {
    /// Median of the predicted distribution, in seconds.
    pub point_seconds: f64,
    /// Prediction intervals at [`LEVELS`] and at the asked-for level.
    pub intervals: Vec<Interval>,
    /// The 1 % to 99 % quantiles of the predicted distribution, in seconds.
    pub percentiles: Vec<f64>,
    /// Whether it fits the window, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fits_window: Option<FitsWindow>,
}

/// Where a duration will fall with the given probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Interval {
    /// Probability, 0 to 1.
    pub level: f64,
    /// Lower end, in seconds.
    pub lower_seconds: f64,
    /// Upper end, in seconds.
    pub upper_seconds: f64,
}

/// A duration with its prediction interval, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Prediction {
    /// Median.
    pub point_seconds: f64,
    /// Lower end of the interval.
    pub lower_seconds: f64,
    /// Upper end of the interval.
    pub upper_seconds: f64,
    /// Level of the interval, 0 to 1.
    pub level: f64,
    /// What it rests on.
    pub basis: Basis,
}

/// The probability that a duration stays within a window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FitsWindow {
    /// The window, in seconds.
    pub window_seconds: f64,
    /// Probability that the migration ends within it.
    pub probability: f64,
}

/// A throughput with the confidence interval of its mean, in rows/s.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Rate {
    /// Best value.
    pub point: f64,
    /// Lower end at the estimate's level.
    pub lower: f64,
    /// Upper end at the estimate's level.
    pub upper: f64,
}

/// The duration of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StepEstimate {
    /// Number of the step.
    pub number: u32,
    /// What kind of work it is.
    pub kind: StepKind,
    /// The statement as written.
    pub statement: String,
    /// Table it mainly works on.
    pub table: Option<String>,
    /// Rows it will process.
    pub rows: Option<f64>,
    /// Median duration, in seconds.
    pub point_seconds: f64,
    /// Prediction intervals at [`LEVELS`] and at the asked-for level.
    pub intervals: Vec<Interval>,
    /// Throughput, for steps that process rows.
    pub rows_per_second: Option<Rate>,
    /// What it rests on.
    pub basis: Basis,
    /// Locks as rehearsed, hold times scaled to the estimate where the lock is held throughout.
    pub locks: Vec<LockRecord>,
    /// Predicted WAL, in bytes.
    pub wal_bytes: Option<f64>,
    /// Predicted WAL with its interval at the estimate's level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wal_interval: Option<SizeInterval>,
    /// Predicted disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskEstimate>,
    /// Share of the total's variance that this step contributes, 0 to 1.
    pub share_of_variance: f64,
}

/// A size with its prediction interval at the estimate's level, in bytes; negative for what becomes free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SizeInterval {
    /// Best value.
    pub point_bytes: f64,
    /// Lower end.
    pub lower_bytes: f64,
    /// Upper end.
    pub upper_bytes: f64,
}

/// Disk that a step takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiskEstimate {
    /// What it adds for good.
    pub growth: SizeInterval,
    /// What must be free while it runs, WAL left out.
    pub peak: SizeInterval,
}

/// WAL and disk of the whole migration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StorageTotal {
    /// WAL written; on the disk at once only where a slot or an archive holds it back.
    pub wal: SizeInterval,
    /// What tables and indexes grow by in the end.
    pub growth: SizeInterval,
    /// What must be free at the worst moment, WAL left out.
    pub peak: SizeInterval,
    /// Steps of which WAL or disk was not measured, and is not counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncounted_steps: Vec<u32>,
    /// Free disk that there is, as told, else as seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// Whether it was seen on the server's machine; only what a person told is a gate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub free_is_seen: bool,
    /// Whether the upper ends of peak and WAL together fit in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fits: Option<bool>,
}

impl SizeInterval {
    /// Returns the sum, end by end.
    pub fn plus(&self, other: &SizeInterval) -> SizeInterval {
        SizeInterval {
            point_bytes: self.point_bytes + other.point_bytes,
            lower_bytes: self.lower_bytes + other.lower_bytes,
            upper_bytes: self.upper_bytes + other.upper_bytes,
        }
    }

    /// Returns the larger, end by end.
    pub fn at_least(&self, other: &SizeInterval) -> SizeInterval {
        SizeInterval {
            point_bytes: self.point_bytes.max(other.point_bytes),
            lower_bytes: self.lower_bytes.max(other.lower_bytes),
            upper_bytes: self.upper_bytes.max(other.upper_bytes),
        }
    }
}

impl Estimate {
    /// Returns the estimate's JSON text; the same estimate gives the same bytes.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("an estimate holds only what JSON can hold");
        text.push('\n');
        text
    }

    /// Returns the interval of the total at the asked-for level.
    pub fn interval(&self) -> Interval {
        interval_at(&self.total.intervals, self.level)
    }
}

/// Returns the interval at `level`, or the one nearest to it.
pub fn interval_at(intervals: &[Interval], level: f64) -> Interval {
    *intervals
        .iter()
        .min_by(|one, other| (one.level - level).abs().total_cmp(&(other.level - level).abs()))
        .expect("an estimate has intervals")
}
