//! What was measured, and its file: `rehearsal.json`, the line between the half that talks to databases and the half
//! that computes.
//!
//! An observation is written down as it was measured and never adjusted; fitting and labelling come later, in `model`.
//! This room must not know how anything is measured, estimated or drawn, and touches no file: it turns text into a
//! [`Rehearsal`] and back.

mod benchmark;
mod conduct;
mod ladder;
mod rollback;
pub mod values;

pub use benchmark::{Benchmark, Machine, RunRecord};
pub use conduct::{DiskRecord, FailedAttempt, WaitRecord};
pub use ladder::{LadderRecord, Rung};
pub use rollback::{Irreversible, Reapplication, RollbackRecord, RollbackVerdict};

use serde::{Deserialize, Serialize};

use crate::catalog::facts::{ServerFacts, TableFacts};
use crate::error::{Error, ErrorKind, Result};
use crate::migration::{Batching, LockMode, RecognisedBy, Step, StepKind, Walk, place};
use crate::shown::without_secrets;

/// The newest file format this version reads and the one it writes.
pub const FORMAT_VERSION: u32 = 1;

/// Everything one rehearsal measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Rehearsal {
    /// Always `rehearsal`; tells the file's kind.
    pub kind: String,
    /// Version of this format; see [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Version of the program that measured.
    pub migtime_version: String,
    /// Start of the measurement, RFC 3339, UTC.
    pub started_at: String,
    /// Seed of the segments' places.
    pub seed: u64,
    /// File name of the migration, as given.
    pub migration: String,
    /// Whether that was on a throwaway server: neither its data nor its machine stand for a production.
    #[serde(default)]
    pub throwaway: bool,
    /// The server it was rehearsed on.
    pub server: ServerFacts,
    /// Bytes free on the disk of the server that is predicted for, production's where that was asked, else the clone's at the start;
    /// `None` where it could not be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_disk_bytes: Option<u64>,
    /// The tables the migration works on, as they were before it.
    pub tables: Vec<TableFacts>,
    /// The steps in the order they ran.
    pub steps: Vec<StepRecord>,
    /// What the observer saw happen on the server meanwhile.
    pub events: Vec<Event>,
    /// How large each step is in production, in order, when production was asked; the estimate is then for that size.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Option<Target>>,
    /// What its runs have in common, when they were made to be compared with others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<Benchmark>,
    /// Why the rehearsal ended, in words; `None` when it was cut off and never came to say.
    #[serde(default)]
    pub ended: Option<Ending>,
    /// The rehearsal of its rollback, made after the first run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackRecord>,
    /// Where it went on after it had been cut off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resumptions: Vec<Resumption>,
}

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

/// How large a step is where the migration is planned for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Target {
    /// Rows it will process there.
    pub rows: f64,
    /// Relative standard deviation of `rows`; 0 when counted.
    pub rows_relative_sd: f64,
    /// Batches of the whole walk there, where windows of keys or blocks make them known apart from the rows.
    pub batches: Option<f64>,
    /// Rows of its whole table there, whatever share of them it processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_rows: Option<f64>,
}

/// Why a rehearsal ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ending {
    /// What made it end.
    pub reason: EndReason,
    /// One sentence for a person, e.g. the server's error and the rows it concerned.
    pub message: String,
}

/// What made a rehearsal end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// Every batch was replayed.
    Complete,
    /// The asked-for precision was reached.
    Precision,
    /// The asked-for share of the batches was replayed.
    Fraction,
    /// The time allowed for it was over.
    MaxDuration,
    /// The person interrupted it.
    Interrupted,
    /// A statement failed.
    Failed,
    /// The connection was lost.
    ConnectionLost,
}

impl EndReason {
    /// Returns the reason as a sentence for a person.
    pub fn sentence(self) -> &'static str {
        match self {
            EndReason::Complete => "The whole migration was replayed.",
            EndReason::Precision => "The asked-for precision was reached.",
            EndReason::Fraction => "The planned share of the batches was replayed.",
            EndReason::MaxDuration => "The time allowed for the rehearsal was over.",
            EndReason::Interrupted => "The rehearsal was interrupted.",
            EndReason::Failed => "A statement failed.",
            EndReason::ConnectionLost => "The connection was lost.",
        }
    }
}

/// One step of the migration and what was measured of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StepRecord {
    /// Number of the step, from 1, in the migration's order.
    pub number: u32,
    /// What kind of work it is.
    pub kind: StepKind,
    /// The statement as written, but for its secrets.
    pub statement: String,
    /// File it stands in, where the migration consists of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line of that file on which it starts, from 1.
    pub line: usize,
    /// Schema-qualified table it mainly works on.
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
    /// Locks held, on what and how long.
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
    /// Disk it took in its first run, where that was observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskRecord>,
    /// What it waited for in its first run, sampled; only of statements outside a transaction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<WaitRecord>,
    /// Runs of it that failed and were made again, or would have been.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_attempts: Vec<FailedAttempt>,
    /// Whether the whole step was executed, not a part of it.
    pub complete: bool,
    /// Runs on parts of its table, where production's table is larger than the clone's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<LadderRecord>,
    /// Why it was passed over, when it could not be measured although it was reached.
    #[serde(default)]
    pub passed_over: Option<String>,
    /// What the reader should know of how it was rehearsed.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The measurements, in the order they were made.
    pub observations: Vec<Observation>,
}

/// How a batched step walks its table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BatchingRecord {
    /// What a batch is a window of.
    pub walk: Walk,
    /// Rows, key values or blocks in a batch, by `walk`.
    pub batch_size: u64,
    /// Batches of the whole walk, as known when it was planned.
    pub total_batches: f64,
    /// Pause between two batches, in seconds; not part of an observation's seconds.
    pub batch_delay_seconds: f64,
    /// Columns of the key; empty when the walk goes by block (`ctid`).
    pub key: Vec<String>,
    /// What told migtime to batch the statement.
    pub recognised_by: RecognisedBy,
    /// Seconds spent looking up the windows' bounds; not part of any observation.
    pub lookup_seconds: f64,
    /// Batches whose bounds were looked up in that time.
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
    /// Seconds among them in which it waited for other sessions, sampled; `None` where that was not observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_seconds: Option<f64>,
    /// WAL inserted on the server meanwhile.
    pub wal_bytes: Option<u64>,
    /// Full-page images among it, where the server tells.
    pub full_page_images: Option<u64>,
    /// Place in the walk, as the fraction of its work that lies before it, 0 to 1.
    pub position: f64,
    /// Seconds since the step's first batch of this run began, at the end of this one.
    pub elapsed: f64,
    /// Whether it ran while caches of a new segment were still cold.
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
    /// Longest time between two looks in seconds, when it was seen by sampling; `None` when it is exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled_every_seconds: Option<f64>,
}

/// Something that happened on the server during the rehearsal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Event {
    /// Whole repetition in which it happened.
    #[serde(default)]
    pub run: u32,
    /// Number of the step that was running.
    #[serde(default)]
    pub step: u32,
    /// Seconds since that step's first batch of that run began.
    pub elapsed: f64,
    /// What happened.
    pub event: EventKind,
}

/// Kinds of events an observer tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A checkpoint began, timed or requested.
    CheckpointStart,
    /// A checkpoint was complete.
    CheckpointComplete,
    /// An autovacuum worker was at work on a table of the migration.
    Autovacuum,
    /// Another session held a lock that a statement waited for.
    LockWait,
}

impl BatchingRecord {
    /// Returns the record of a walk that is not planned yet; `batch_delay` is in seconds.
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
    /// Returns the seconds it worked: those of its run without those in which it waited for other sessions.
    pub fn working_seconds(&self) -> f64 {
        (self.seconds - self.waited_seconds.unwrap_or(0.0)).max(0.0)
    }
}

impl Default for StepRecord {
    /// Returns the record of nothing, for those who know only some of it.
    fn default() -> StepRecord {
        StepRecord {
            number: 1,
            kind: StepKind::Unclassified,
            statement: String::new(),
            file: None,
            line: 1,
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
    /// Returns the record of a step of which nothing is measured yet.
    pub fn new(step: &Step) -> StepRecord {
        StepRecord {
            number: step.number,
            kind: step.kind,
            statement: without_secrets(&step.sql),
            file: step.file.clone(),
            line: step.line,
            table: step.table.clone(),
            notes: step.notes.clone(),
            ..StepRecord::default()
        }
    }
}

impl StepRecord {
    /// Returns where it stands, for messages: `line 3`, or `dir/0002_x.sql:3`.
    pub fn place(&self) -> String {
        place(self.file.as_deref(), self.line)
    }
}

impl Default for Rehearsal {
    /// Returns a rehearsal of this version in which nothing is measured yet.
    fn default() -> Rehearsal {
        Rehearsal {
            kind: "rehearsal".to_string(),
            format_version: FORMAT_VERSION,
            migtime_version: env!("CARGO_PKG_VERSION").to_string(),
            started_at: String::new(),
            seed: 1,
            migration: String::new(),
            throwaway: false,
            server: ServerFacts::default(),
            free_disk_bytes: None,
            tables: Vec::new(),
            steps: Vec::new(),
            events: Vec::new(),
            targets: Vec::new(),
            benchmark: None,
            ended: None,
            rollback: None,
            resumptions: Vec::new(),
        }
    }
}

impl Rehearsal {
    /// Reads a saved rehearsal; `name` is how the file is called in errors.
    ///
    /// # Errors
    /// `Usage` when the text is no rehearsal, is damaged or cut off, or was written in a newer format.
    pub fn from_json(text: &str, name: &str) -> Result<Rehearsal> {
        check_header(text, name)?;
        let value = serde_json::from_str(text).map_err(|error| damaged(name, &error))?;
        values::check(&value, name)?;
        let rehearsal: Rehearsal = serde_json::from_str(text).map_err(|error| damaged(name, &error))?;
        rehearsal.check_numbers_of_steps(name)?;
        Ok(rehearsal)
    }

    /// Returns the file's text; the same rehearsal gives the same bytes.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a rehearsal holds only what JSON can hold");
        text.push('\n');
        text
    }

    fn check_numbers_of_steps(&self, name: &str) -> Result<()> {
        for (index, step) in self.steps.iter().enumerate() {
            // Everything that refers to a step does so by its number.
            if self.steps[..index].iter().any(|earlier| earlier.number == step.number) {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!("{name}: steps[{index}].number: step {} is there twice", step.number),
                ));
            }
        }
        Ok(())
    }
}

fn check_header(text: &str, name: &str) -> Result<()> {
    #[derive(Deserialize)]
    struct Header {
        kind: Option<String>,
        format_version: Option<u32>,
    }
    let header: Header = serde_json::from_str(text).map_err(|error| damaged(name, &error))?;
    if header.kind.as_deref() != Some("rehearsal") {
        return Err(
            Error::new(ErrorKind::Usage, format!("{name} is not a rehearsal")).with_hint(
                "`migtime rehearse` writes rehearsal.json; a batch log is read by `migtime estimate --batches`",
            ),
        );
    }
    match header.format_version {
        Some(FORMAT_VERSION) => Ok(()),
        Some(version) if version > FORMAT_VERSION => Err(Error::new(
            ErrorKind::Usage,
            format!("{name} has format_version {version}; this migtime reads up to {FORMAT_VERSION}"),
        )
        .with_hint("read it with the version of migtime that wrote it, or a newer one")),
        _ => Err(Error::new(
            ErrorKind::Usage,
            format!("{name} states no known format_version"),
        )),
    }
}

fn damaged(name: &str, error: &serde_json::Error) -> Error {
    let what = if error.is_eof() { "is cut off" } else { "is damaged" };
    Error::new(
        ErrorKind::Usage,
        format!("{name} {what} at line {}, column {}", error.line(), error.column()),
    )
    .with_hint("rehearse again, or take the file from where it was saved")
}
