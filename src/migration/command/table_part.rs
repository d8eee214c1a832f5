//! Statements that make, alter and drop triggers, rules and policies, as plain data.

use super::{ObjectKind, Query};

/// A trigger, rule or policy of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct TablePart {
    /// What is done to it.
    pub verb: PartVerb,
    /// Which of them it is.
    pub kind: ObjectKind,
    /// As written.
    pub name: String,
    /// As written.
    pub table: String,
    /// Whether it may be missing.
    pub if_exists: bool,
    /// Of a trigger: whether it fires for each row.
    pub for_each_row: bool,
    /// Whether it takes the place of the change.
    pub instead: bool,
    /// What a trigger or rule is applied to, as the catalog has it for rules: `2` for UPDATE, `3` for INSERT, `4` for
    /// DELETE.
    pub events: Vec<String>,
    /// Of a rule: what it does besides, or instead.
    pub does: Vec<Query>,
    /// `RENAME TO`, as PostgreSQL sees it.
    pub renamed_to: Option<String>,
}

/// What is done to a part of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartVerb {
    /// `CREATE`.
    Create,
    /// `CREATE OR REPLACE`.
    Replace,
    /// `ALTER`.
    Alter,
    /// `DROP`.
    Drop,
}
