//! What was measured of one step.

use serde::{Deserialize, Serialize};

use super::ladder::LadderRecord;
use super::statement_details::{DiskRecord, FailedAttempt, WaitRecord};
use super::work::WorkRecord;
use crate::error::{Error, Location};
use crate::migration::{Batching, LockMode, RecognisedBy, Step, StepKind, Walk};
use crate::shown::without_secrets;

/// One step of the migration and its measurements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StepRecord {
    /// Number of the step, from 1, in the migration's order.
    pub number: u32,
    /// Kind of work.
    pub kind: StepKind,
    /// The statement as written, without its secrets.
    pub statement: String,
    /// File that contains it, if the migration has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line of that file on which it starts, from 1.
    pub line: usize,
    /// Number of the transaction that it shares with other steps, from 1; missing if it commits by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<u32>,
    /// Main table, schema-qualified.
    pub table: Option<String>,
    /// Rows the step will process on the clone in all, as known when it was planned.
    #[serde(default)]
    pub total_rows: Option<f64>,
    /// Relative standard deviation of `total_rows`; 0 when counted.
    #[serde(default)]
    pub total_rows_relative_sd: f64,
    /// How the key space is walked; only for batched steps.
    #[serde(default)]
    pub batching: Option<BatchingRecord>,
    /// Locks that were held, on which relation and how long.
    #[serde(default)]
    pub locks: Vec<LockRecord>,
    /// Relations whose storage was replaced.
    #[serde(default)]
    pub rewritten: Vec<String>,
    /// Relations that were read from end to end.
    #[serde(default)]
    pub scanned: Vec<String>,
    /// WAL the step wrote.
    #[serde(default)]
    pub wal_bytes: Option<u64>,
    /// Disk it used in its first run, if observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskRecord>,
    /// What it did to each relation in its first run; `None` if that was not observed, as for batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<Vec<WorkRecord>>,
    /// What it waited for in its first run, sampled; only for statements outside a transaction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<WaitRecord>,
    /// Failed runs of it, which were repeated or would have been.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_attempts: Vec<FailedAttempt>,
    /// Whether the whole step was executed, not only a part.
    pub complete: bool,
    /// Runs on parts of its table, if production's table is larger than the clone's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<LadderRecord>,
    /// Why it was skipped, if it was reached but could not be measured.
    #[serde(default)]
    pub passed_over: Option<String>,
    /// Remarks on how it was rehearsed.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The measurements, in the order they were made.
    pub observations: Vec<Observation>,
}

/// How a batched step walks its table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BatchingRecord {
    /// How the table is walked.
    pub walk: Walk,
    /// Rows, key values or blocks in a batch, by `walk`.
    pub batch_size: u64,
    /// Batches of the whole walk, as known when it was planned.
    pub total_batches: f64,
    /// Pause between two batches, in seconds; not part of an observation's seconds.
    pub batch_delay_seconds: f64,
    /// Columns of the key; empty when the walk goes by block (`ctid`).
    pub key: Vec<String>,
    /// Why migtime batches the statement.
    pub recognised_by: RecognisedBy,
    /// Seconds spent looking up the windows' bounds; not part of any observation.
    pub lookup_seconds: f64,
    /// Number of batches whose bounds were looked up in `lookup_seconds`.
    pub lookup_batches: u64,
}

/// One measurement: a batch, or one run of a statement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Observation {
    /// Whole repetition it belongs to, from 0, each on a fresh copy.
    #[serde(default)]
    pub run: u32,
    /// Segment it belongs to, from 0, in the order of execution; 0 for a walk without segments.
    pub segment: u32,
    /// Rows the server reported as affected.
    pub rows: u64,
    /// Client-side time from sending the batch to its commit being acknowledged, in seconds.
    pub seconds: f64,
    /// Seconds of `seconds` spent waiting for other sessions, sampled; `None` if not observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_seconds: Option<f64>,
    /// WAL inserted on the server during that time, in bytes.
    pub wal_bytes: Option<u64>,
    /// Full-page images in that WAL, if the server reports them.
    pub full_page_images: Option<u64>,
    /// Position in the walk: the fraction of its work before this batch, 0 to 1.
    pub position: f64,
    /// Seconds since the step's first batch of this run began, at the end of this one.
    pub elapsed: f64,
    /// Whether it ran at the start of a segment, with cold caches.
    pub warm_up: bool,
}

/// A lock and how long it was held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LockRecord {
    /// Schema-qualified relation.
    pub relation: String,
    /// PostgreSQL's name of the mode.
    pub mode: LockMode,
    /// From acquisition to commit; for a backfill the longest batch.
    pub held_seconds: Option<f64>,
    /// Longest time between two samples, in seconds; `None` if the lock was measured exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled_every_seconds: Option<f64>,
}

impl BatchingRecord {
    /// Returns the record of a walk that has not been planned yet; `batch_delay` is in seconds.
    pub fn new(batching: &Batching, batch_delay: f64) -> BatchingRecord {
        BatchingRecord {
            walk: batching.walk,
            batch_size: batching.batch_size,
            total_batches: 0.0,
            batch_delay_seconds: batch_delay,
            key: batching.key.iter().map(|column| column.name.clone()).collect(),
            recognised_by: batching.recognised_by,
            lookup_seconds: 0.0,
            lookup_batches: 0,
        }
    }
}

impl Observation {
    /// Returns the seconds of work: the duration without the waits for other sessions.
    pub fn working_seconds(&self) -> f64 {
        (self.seconds - self.waited_seconds.unwrap_or(0.0)).max(0.0)
    }
}

impl Default for StepRecord {
    /// Returns an empty record, as a base for records that set only some fields.
    fn default() -> StepRecord {
        StepRecord {
            number: 1,
            kind: StepKind::Unclassified,
            statement: String::new(),
            file: None,
            line: 1,
            transaction: None,
            table: None,
            total_rows: None,
            total_rows_relative_sd: 0.0,
            batching: None,
            locks: Vec::new(),
            rewritten: Vec::new(),
            scanned: Vec::new(),
            wal_bytes: None,
            disk: None,
            ladder: None,
            work: None,
            waits: Vec::new(),
            failed_attempts: Vec::new(),
            complete: false,
            passed_over: None,
            notes: Vec::new(),
            observations: Vec::new(),
        }
    }
}

impl StepRecord {
    /// Returns the record of a step without any measurement.
    pub fn new(step: &Step) -> StepRecord {
        StepRecord {
            number: step.number,
            kind: step.kind,
            statement: without_secrets(&step.sql),
            file: step.file.clone(),
            line: step.line,
            transaction: step.transaction_block,
            table: step.table.clone(),
            notes: step.notes.clone(),
            ..StepRecord::default()
        }
    }

    /// Returns where it stands; the file where the migration consists of several.
    pub fn location(&self) -> Location {
        Location::line(self.file.as_deref(), self.line)
    }

    /// Says of an error that it is this step's.
    pub fn naming(&self, error: Error) -> Error {
        let location = self.location();
        let context = format!("step {} at {location}", self.number);
        error.located_in(location, context)
    }
}
