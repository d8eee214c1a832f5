//! What is reported of a migration, whichever command made it: its statements, their predictions and the findings.

use super::level::Level;
use super::rule::Rule;
use crate::migration::{LockMode, StepKind};
use crate::model::estimate::Prediction;

/// Everything reported of one migration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Its path from the root of the repository, with `/`; the first part of every series' name.
    pub migration: String,
    /// Which part of the file is meant, if several migrations stand in it: a changeset.
    pub part: Option<String>,
    /// Its statements, in order.
    pub statements: Vec<StatementVerdict>,
    /// How long the whole migration takes, if known.
    pub total: Option<Prediction>,
    /// The findings, in the order of the statements.
    pub findings: Vec<Finding>,
}

/// Everything reported of one statement, except the findings.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementVerdict {
    /// Number in the migration, from 1.
    pub number: u32,
    /// Its file, in the same form as [`Verdict::migration`]; another file if the migration includes it.
    pub file: String,
    /// Line on which it starts, from 1.
    pub line: usize,
    /// The statement as written.
    pub sql: String,
    /// Kind of work.
    pub kind: StepKind,
    /// How long it takes, if known.
    pub duration: Option<Prediction>,
    /// The locks it takes.
    pub locks: Vec<HeldLock>,
    /// WAL it writes, in bytes, if known.
    pub wal_bytes: Option<f64>,
    /// Why nothing was measured, when it was passed over.
    pub passed_over: Option<String>,
}

/// A lock, and how long it is held from its acquisition to the commit.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldLock {
    /// Qualified name when the catalog was read, otherwise as written.
    pub relation: String,
    /// Its mode.
    pub mode: LockMode,
    /// How long it is held, if known.
    pub held: Option<Prediction>,
}

/// Something a reviewer should look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Its rule.
    pub rule: Rule,
    /// Its severity; an error makes the job fail.
    pub level: Level,
    /// Number of the statement, as [`StatementVerdict::number`]; `None` for the migration as a whole.
    pub statement: Option<u32>,
    /// File from the root of the repository, with `/`.
    pub file: String,
    /// Line of the statement, from 1; 1 for the migration as a whole.
    pub line: usize,
    /// The sentence, without a full stop.
    pub message: String,
}

impl Finding {
    /// Creates a finding about a migration as a whole, with the rule's own level.
    pub fn of_migration(rule: Rule, migration: impl Into<String>, message: impl Into<String>) -> Finding {
        Finding {
            rule,
            level: rule.level(),
            statement: None,
            file: migration.into(),
            line: 1,
            message: message.into(),
        }
    }

    /// Creates a finding about a statement, with the rule's own level.
    pub fn of_statement(rule: Rule, statement: &StatementVerdict, message: impl Into<String>) -> Finding {
        Finding {
            rule,
            level: rule.level(),
            statement: Some(statement.number),
            file: statement.file.clone(),
            line: statement.line,
            message: message.into(),
        }
    }
}

impl Verdict {
    /// Returns the migration's path, and its part if there are several in the file.
    pub fn name(&self) -> String {
        match &self.part {
            Some(part) => format!("{} {part}", self.migration),
            None => self.migration.clone(),
        }
    }

    /// Returns whether the job must fail.
    pub fn failed(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Error)
    }

    /// Returns the findings for the statement with this number; `None` means the migration as a whole.
    pub fn findings_of(&self, statement: Option<u32>) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(move |finding| finding.statement == statement)
    }
}
