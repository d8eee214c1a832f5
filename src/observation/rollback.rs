//! What was measured of the rollback: its steps, the remaining differences in the schema, and whether the migration
//! could be applied again.

use serde::{Deserialize, Serialize};

use super::ending::{EndReason, Ending};
use super::event::Event;
use super::step::StepRecord;
use crate::catalog::SchemaDifference;

/// The rehearsal of a rollback, made on the clone right after the migration's first run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RollbackRecord {
    /// File name of the rollback, as given.
    pub file: String,
    /// Its steps in the order they ran, measured like the migration's.
    pub steps: Vec<StepRecord>,
    /// Events on the server that the observer saw during the rehearsal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// Numbers of the migration's steps that were replayed only in part, or skipped. The rollback then had less work
    /// than it will have in production.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after_part_of: Vec<u32>,
    /// The migration's changes to the schema.
    pub changes: Vec<SchemaDifference>,
    /// Differences between the schema after the rollback and before the migration; `None` if they were not compared.
    pub differences: Option<Vec<SchemaDifference>>,
    /// What the migration's statements destroy permanently.
    pub irreversible: Vec<Irreversible>,
    /// Why the rollback ended; `None` if it was cut off without a record of the reason.
    pub ended: Option<Ending>,
    /// Result of running the migration a second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reapplied: Option<Reapplication>,
}

/// Something that no rollback restores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Irreversible {
    /// Line of the statement in the migration, from 1.
    pub line: usize,
    /// What is lost, without a full stop.
    pub what: String,
}

/// The second run of the migration, after its rollback.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reapplication {
    /// How it ended.
    pub ended: Ending,
    /// Differences between the schema after the second and after the first run; `None` if they were not compared.
    pub differences: Option<Vec<SchemaDifference>>,
}

/// Verdict on a rehearsed rollback, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RollbackVerdict {
    /// One of its statements failed, or the connection was lost.
    Failed,
    /// It was interrupted.
    Unfinished,
    /// It ran, but the schema differs from before.
    Differs,
    /// It restored the schema, but the migration failed the second time or had another result.
    NotRepeatable,
    /// It restores the schema, except for what no SQL can restore; or data is lost.
    WithLosses,
    /// It restores the schema.
    ComesBack,
}

impl RollbackRecord {
    /// Returns what the rollback is worth.
    pub fn verdict(&self) -> RollbackVerdict {
        let failed = |ended: &Ending| matches!(ended.reason, EndReason::Failed | EndReason::ConnectionLost);
        let avoidable = |found: &[SchemaDifference]| found.iter().any(|one| !one.unavoidable);
        let (Some(ended), Some(differences)) = (&self.ended, &self.differences) else {
            return match &self.ended {
                Some(ended) if failed(ended) => RollbackVerdict::Failed,
                _ => RollbackVerdict::Unfinished,
            };
        };
        match &self.reapplied {
            _ if failed(ended) => RollbackVerdict::Failed,
            _ if ended.reason == EndReason::Interrupted => RollbackVerdict::Unfinished,
            _ if avoidable(differences) => RollbackVerdict::Differs,
            None => RollbackVerdict::Unfinished,
            Some(again) if failed(&again.ended) => RollbackVerdict::NotRepeatable,
            Some(again) if again.ended.reason == EndReason::Interrupted => RollbackVerdict::Unfinished,
            Some(again) if again.differences.as_deref().is_some_and(avoidable) => RollbackVerdict::NotRepeatable,
            Some(_) if !differences.is_empty() || !self.irreversible.is_empty() => RollbackVerdict::WithLosses,
            Some(_) => RollbackVerdict::ComesBack,
        }
    }

    /// Returns the number of the migration's changes that the rollback undid.
    pub fn undone(&self) -> usize {
        let left = self.differences.iter().flatten();
        let left: Vec<&str> = left.map(|difference| difference.object.as_str()).collect();
        self.changes
            .iter()
            .filter(|change| !left.contains(&change.object.as_str()))
            .count()
    }
}
