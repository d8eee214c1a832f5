//! One check and the answer to all of them.

use serde::{Deserialize, Serialize};

use crate::observation::FORMAT_VERSION;

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CheckName {
    /// Whether there is an estimate that promises a number.
    Estimate,
    /// Whether it fits the window.
    Window,
    /// Whether the schema is still what was rehearsed.
    SchemaDrift,
    /// Whether version and settings are those of the rehearsal.
    Settings,
    /// Whether the rollback was rehearsed.
    Rollback,
    /// Whether an old transaction is in the way.
    Transactions,
    /// Whether a prepared transaction is in the way.
    PreparedTransactions,
    /// Whether somebody waits for a lock on the tables already.
    LockQueue,
    /// Whether a vacuum runs on the tables.
    Autovacuum,
    /// Whether something unfinished was left on the tables.
    Leftovers,
    /// Whether transaction numbers run out.
    Wraparound,
    /// Whether a time-out would cancel the migration, or none would end a wait.
    Timeouts,
    /// Whether connections are left.
    Connections,
    /// Whether standbys follow.
    Replication,
    /// Whether slots keep the log.
    Slots,
    /// Whether publications or subscriptions are concerned.
    Publications,
    /// Whether there is a backup.
    Backup,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CheckVerdict {
    /// Nothing speaks against it.
    Go,
    /// There was nothing to judge by, and nobody asked for it.
    Skipped,
    /// Something to know beforehand.
    Warning,
    /// It could not be judged.
    Unknown,
    /// Do not migrate now.
    NoGo,
}

/// Why a check that came out badly does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Waived {
    /// The reason that the team gave.
    pub reason: String,
    /// The last day on which it counts, as in 2027-01-15.
    pub until: String,
}

/// One check with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Check {
    /// What was checked.
    pub check: CheckName,
    /// How it came out.
    pub verdict: CheckVerdict,
    /// What was found, as sentences without a full stop; the first is the most important.
    pub evidence: Vec<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Commands that do it, for a person to run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// Why it does not count, if it was waived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
}

/// All checks: go or no-go.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Preflight {
    /// Always `preflight`.
    pub kind: String,
    /// Version of this format.
    pub format_version: u32,
    /// When it was checked, RFC 3339, UTC.
    pub checked_at: String,
    /// The database, without its password.
    pub database: String,
    /// The migration.
    pub migration: String,
    /// The worst verdict of the checks that were not waived.
    pub verdict: CheckVerdict,
    /// The checks.
    pub checks: Vec<Check>,
}

impl Check {
    /// Returns a check that came out as `verdict`, with its first piece of evidence.
    pub(super) fn new(check: CheckName, verdict: CheckVerdict, evidence: impl Into<String>) -> Check {
        Check {
            check,
            verdict,
            evidence: vec![evidence.into()],
            remedy: None,
            commands: Vec::new(),
            waived: None,
        }
    }

    /// Returns a check of several findings, each with its verdict; `otherwise` is the evidence where there is none.
    pub(super) fn of(check: CheckName, mut found: Vec<(CheckVerdict, String)>, otherwise: &str) -> Check {
        found.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
        match found.first() {
            None => Check::new(check, CheckVerdict::Go, otherwise),
            Some((worst, _)) => Check {
                evidence: found.iter().map(|(_, sentence)| sentence.clone()).collect(),
                ..Check::new(check, *worst, "")
            },
        }
    }

    /// Returns a check that the role may not make.
    pub(super) fn unknown(check: CheckName, reason: &str) -> Check {
        Check::new(check, CheckVerdict::Unknown, format!("not known: {reason}"))
            .with_remedy("ask with a role that may see it: GRANT pg_monitor TO it")
    }

    /// Adds what to do, unless nothing needs to be done.
    pub(super) fn with_remedy(mut self, remedy: impl Into<String>) -> Check {
        if self.verdict > CheckVerdict::Skipped {
            self.remedy = Some(remedy.into());
        }
        self
    }

    /// Adds commands for a person to run.
    pub(super) fn with_commands(mut self, commands: Vec<String>) -> Check {
        self.commands = commands;
        self
    }

    /// Returns the verdict that counts.
    pub fn counted(&self) -> CheckVerdict {
        match self.waived {
            Some(_) => CheckVerdict::Go,
            None => self.verdict,
        }
    }
}

impl CheckName {
    /// Returns its name, as in the configuration.
    pub fn name(self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.as_str().unwrap_or_default().to_string()
    }
}

impl Preflight {
    /// Returns how many checks came out as `verdict`, as far as they count.
    pub fn count(&self, verdict: CheckVerdict) -> usize {
        self.checks.iter().filter(|check| check.counted() == verdict).count()
    }

    /// Combines checks into the answer.
    pub fn new(checked_at: String, database: String, migration: String, checks: Vec<Check>) -> Preflight {
        let worst = checks.iter().map(Check::counted).max();
        Preflight {
            kind: "preflight".to_string(),
            format_version: FORMAT_VERSION,
            checked_at,
            database,
            migration,
            verdict: worst.unwrap_or(CheckVerdict::Unknown),
            checks,
        }
    }
}
