//! What an estimate says, and its JSON form: plain data shared with `report`.

use serde::{Deserialize, Serialize};

use super::saved;
use crate::catalog::SchemaDifference;
use crate::error::Result;
use crate::migration::StepKind;
use crate::observation::{Irreversible, LockRecord, Reapplication, RollbackVerdict};

/// The levels of the intervals every estimate carries.
pub const LEVELS: [f64; 3] = [0.5, 0.8, 0.95];

/// The evidence behind an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Batches or statements measured on a clone.
    Rehearsal,
    /// Extrapolated from smaller sizes.
    Ladder,
    /// Rule of thumb: typical rates, nothing was measured.
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
    /// The weakest basis among the steps that contribute to the total.
    pub basis: Basis,
    /// Whether the evidence is too thin to promise the interval.
    pub provisional: bool,
    /// The rules of evidence that are not met, in words. Not empty if `provisional`.
    #[serde(default)]
    pub too_thin: Vec<String>,
    /// What was estimated, for whoever records the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The whole migration.
    pub total: Total,
    /// What outcomes on production changed, if any were recorded and the estimate is for production.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<Learned>,
    /// Each step, in order.
    pub steps: Vec<StepEstimate>,
    /// Assumptions behind the numbers.
    pub assumptions: Vec<String>,
    /// Warnings for the reader.
    pub warnings: Vec<String>,
    /// WAL and disk of the whole migration, where they were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageTotal>,
    /// Duration of a whole run that was made afterwards, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual_seconds: Option<f64>,
    /// The rollback, if it was rehearsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackEstimate>,
}

/// What an estimate is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Origin {
    /// File name of the migration.
    pub migration: String,
    /// Start of the rehearsal, RFC 3339, UTC; empty if unknown.
    pub rehearsed_at: String,
    /// Version of the program that made the estimate.
    pub migtime_version: String,
    /// `server_version_num` of the server of the rehearsal; 0 if no server was seen.
    pub server_version_num: u32,
    /// The database whose size was estimated for.
    pub target: TargetKind,
}

/// The database that an estimate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// Production, whose size was read.
    Production,
    /// The staging clone that was rehearsed on, or another of its size.
    Clone,
    /// A throwaway server, whose data and machine do not represent a production.
    Throwaway,
}

/// What outcomes on production changed in an estimate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Learned {
    /// Number of outcomes that it rests on.
    pub outcomes: usize,
    /// How many times as long as on the clone the migration takes on production.
    pub factor: f64,
    /// The duration of the whole migration by the rehearsal alone.
    pub on_clone: Predicted,
}

/// A duration with its prediction intervals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Predicted {
    /// Median, in seconds.
    pub point_seconds: f64,
    /// Prediction intervals, narrowest first.
    pub intervals: Vec<Interval>,
}

/// What the rehearsed rollback does and how long it takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RollbackEstimate {
    /// Its file.
    pub file: String,
    /// The verdict on it.
    pub verdict: RollbackVerdict,
    /// Why its rehearsal ended, in words.
    pub ended: Option<String>,
    /// Changes that the migration made to the schema.
    pub changes: usize,
    /// Number of these changes that the rollback undid.
    pub undone: usize,
    /// Differences between the schema after the rollback and before the migration; `None` if they were not compared.
    pub differences: Option<Vec<SchemaDifference>>,
    /// What no rollback restores.
    pub irreversible: Vec<Irreversible>,
    /// Result of running the migration a second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reapplied: Option<Reapplication>,
    /// Its duration, computed as for the migration; `None` if the rollback did not finish.
    pub total: Option<Total>,
    /// Rules of evidence that its duration does not meet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub too_thin: Vec<String>,
    /// Each of its steps, in order.
    pub steps: Vec<StepEstimate>,
    /// Assumptions behind its duration, in addition to the migration's.
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

/// A prediction interval of a duration.
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
    /// The evidence behind it.
    pub basis: Basis,
}

/// The probability that a duration stays within a window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FitsWindow {
    /// The window, in seconds.
    pub window_seconds: f64,
    /// Probability that the migration ends within the window.
    pub probability: f64,
}

/// A throughput with the confidence interval of its mean, in rows/s.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Rate {
    /// Best estimate.
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
    /// Kind of work.
    pub kind: StepKind,
    /// The statement as written.
    pub statement: String,
    /// Main table.
    pub table: Option<String>,
    /// Rows it will process.
    pub rows: Option<f64>,
    /// Median duration, in seconds.
    pub point_seconds: f64,
    /// Prediction intervals at [`LEVELS`] and at the asked-for level.
    pub intervals: Vec<Interval>,
    /// Its duration by the rehearsal alone, where outcomes on production changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_clone: Option<Predicted>,
    /// Throughput, for steps that process rows.
    pub rows_per_second: Option<Rate>,
    /// The evidence behind it.
    pub basis: Basis,
    /// Locks from the rehearsal. Hold times are scaled to the estimate for locks held throughout the step.
    pub locks: Vec<LockRecord>,
    /// How long its locks are held, where later steps share its transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_hold: Option<LockHold>,
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

/// How long a step's locks are held: from its beginning to the end of its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LockHold {
    /// Number of the last step of the transaction.
    pub until_step: u32,
    /// Median, in seconds.
    pub point_seconds: f64,
    /// Lower end at the estimate's level.
    pub lower_seconds: f64,
    /// Upper end at the estimate's level.
    pub upper_seconds: f64,
}

/// A size with its prediction interval at the estimate's level, in bytes; negative for what becomes free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SizeInterval {
    /// Best estimate.
    pub point_bytes: f64,
    /// Lower end.
    pub lower_bytes: f64,
    /// Upper end.
    pub upper_bytes: f64,
}

/// Disk that a step uses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiskEstimate {
    /// Bytes that it adds permanently.
    pub growth: SizeInterval,
    /// Bytes that must be free while it runs, without WAL.
    pub peak: SizeInterval,
}

/// WAL and disk of the whole migration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StorageTotal {
    /// WAL written in total. It stays on disk only if a replication slot or archiving retains it.
    pub wal: SizeInterval,
    /// Permanent growth of tables and indexes.
    pub growth: SizeInterval,
    /// Bytes that must be free at the peak, without WAL.
    pub peak: SizeInterval,
    /// Steps whose WAL or disk was not measured and is not included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncounted_steps: Vec<u32>,
    /// Free disk: as stated by the person, else as measured on the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// Whether the free disk was measured on the server. Only a stated value is a gate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub free_is_seen: bool,
    /// Whether the upper ends of peak and WAL together fit in the free disk.
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
    /// Reads a saved estimate; `name` is the name of the file in error messages.
    ///
    /// # Errors
    /// `Usage` when the text is no estimate, is damaged, or has another format.
    pub fn from_json(text: &str, name: &str) -> Result<Estimate> {
        saved::read(text, name, "estimate")
    }

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
