//! What was measured, and its file `rehearsal.json`: the interface between the rooms that talk to databases and those
//! that compute.
//!
//! An observation is saved as it was measured and never adjusted; fitting and labelling happen later, in `model`. This
//! room must not know how anything is measured, estimated or drawn, and touches no file: it converts text to a
//! [`Rehearsal`] and back.

mod benchmark;
mod ending;
mod event;
mod ladder;
mod load;
mod probe;
mod resumption;
mod rollback;
mod run_group;
mod statement_details;
mod step;
mod sufficiency;
pub mod values;
mod work;

pub use benchmark::{Benchmark, Machine, RunRecord};
pub use ending::{EndReason, Ending};
pub use event::{Event, EventKind};
pub use ladder::{LadderRecord, Rung};
pub use load::Load;
pub use probe::{Probe, ProbeRun, ProbedResource, ProbedServer, Resource};
pub use resumption::{Resumption, UnderWay};
pub use rollback::{Irreversible, Reapplication, RollbackRecord, RollbackVerdict};
pub use run_group::RunGroup;
pub use statement_details::{DiskRecord, FailedAttempt, WaitRecord};
pub(crate) use values::check as check_numbers;

pub use step::{BatchingRecord, LockRecord, Observation, StepRecord};
pub use sufficiency::{FEWEST_BATCHES, FEWEST_SEGMENTS, SHORTEST_SEGMENT, WARM_UP_BATCHES};
pub use work::WorkRecord;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalog::facts::{ServerFacts, TableFacts};
use crate::catalog::{CloneDifference, MissingIndex, RelationSize};
use crate::error::{Error, ErrorKind, Location, Result};

/// The file format that this version writes, and the newest one it reads.
pub const FORMAT_VERSION: u32 = 1;

/// All measurements of one rehearsal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Rehearsal {
    /// Always `rehearsal`; tells the file's kind.
    pub kind: String,
    /// Version of this format; see [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Version of the program that made the measurements.
    pub migtime_version: String,
    /// Start of the measurement, RFC 3339, UTC.
    pub started_at: String,
    /// Seed of the segments' positions.
    pub seed: u64,
    /// File name of the migration, as given.
    pub migration: String,
    /// Whether the server was a throwaway server, whose data and machine do not represent a production.
    #[serde(default)]
    pub throwaway: bool,
    /// The server it was rehearsed on.
    pub server: ServerFacts,
    /// Free disk of the server that the prediction is for, in bytes: production's if it was queried, else the clone's
    /// at the start; `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_disk_bytes: Option<u64>,
    /// The tables the migration works on, as they were before it.
    pub tables: Vec<TableFacts>,
    /// The steps in the order they ran.
    pub steps: Vec<StepRecord>,
    /// Events on the server that the observer saw during the rehearsal.
    pub events: Vec<Event>,
    /// Size of each step in production, in order, if production was queried; the estimate is for this size.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Option<Target>>,
    /// Common facts of its runs, if they are meant for a comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<Benchmark>,
    /// In what the clone differed from production before the migration, if production was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clone_differences: Vec<CloneDifference>,
    /// Settings that the session of the rehearsal took from production, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub adopted_settings: BTreeMap<String, String>,
    /// The relations that the steps worked on, as they were before the migration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relations: Vec<RelationSize>,
    /// Foreign keys without an index, of those relations that the steps scanned again and again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_indexes: Vec<MissingIndex>,
    /// Those relations that production has, if it was queried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub production_relations: Vec<RelationSize>,
    /// Why the rehearsal ended; `None` if it was cut off without a record of the reason.
    #[serde(default)]
    pub ended: Option<Ending>,
    /// The rehearsal of its rollback, made after the first run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackRecord>,
    /// Each time the rehearsal was resumed after it was cut off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resumptions: Vec<Resumption>,
    /// The load beside it, if it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// Earlier whole runs of identical work on the same server, one entry for each work, as known when this rehearsal
    /// began; the estimate learns from them how much runs differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub run_history: Vec<RunGroup>,
}

/// Size of a step in production.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Target {
    /// Rows that it will process in production.
    pub rows: f64,
    /// Relative standard deviation of `rows`; 0 when counted.
    pub rows_relative_sd: f64,
    /// Batches of the whole walk in production, if the range of keys or blocks determines their number; `None` if the
    /// rows do.
    pub batches: Option<f64>,
    /// Rows of its whole table in production, including those that it does not process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_rows: Option<f64>,
}

impl Default for Rehearsal {
    /// Returns a rehearsal of this version without any measurement.
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
            clone_differences: Vec::new(),
            adopted_settings: BTreeMap::new(),
            relations: Vec::new(),
            missing_indexes: Vec::new(),
            production_relations: Vec::new(),
            ended: None,
            rollback: None,
            resumptions: Vec::new(),
            load: None,
            run_history: Vec::new(),
        }
    }
}

impl Rehearsal {
    /// Reads a saved rehearsal; `name` is the name of the file in error messages.
    ///
    /// # Errors
    /// `Usage` when the text is not a rehearsal, is damaged or cut off, or has a newer format.
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
            // Other parts of the file refer to a step by its number.
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
    .with_location(Location {
        file: Some(name.to_string()),
        line: error.line(),
        column: Some(error.column()),
    })
    .with_hint("rehearse again, or take the file from where it was saved")
}
