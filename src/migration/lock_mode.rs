//! PostgreSQL's table-level lock modes, by their names and by the words of a statement.

use serde::{Deserialize, Serialize};

/// PostgreSQL's table-level lock modes, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum LockMode {
    /// `SELECT`.
    #[serde(rename = "AccessShareLock")]
    AccessShare,
    /// `SELECT FOR UPDATE` and the like.
    #[serde(rename = "RowShareLock")]
    RowShare,
    /// `UPDATE`, `DELETE`, `INSERT`.
    #[serde(rename = "RowExclusiveLock")]
    RowExclusive,
    /// `VACUUM`, `CREATE INDEX CONCURRENTLY`, `VALIDATE CONSTRAINT`.
    #[serde(rename = "ShareUpdateExclusiveLock")]
    ShareUpdateExclusive,
    /// `CREATE INDEX`.
    #[serde(rename = "ShareLock")]
    Share,
    /// `CREATE TRIGGER`, adding a foreign key.
    #[serde(rename = "ShareRowExclusiveLock")]
    ShareRowExclusive,
    /// `REFRESH MATERIALIZED VIEW CONCURRENTLY`.
    #[serde(rename = "ExclusiveLock")]
    Exclusive,
    /// Most of `ALTER TABLE`, `DROP`, `TRUNCATE`.
    #[serde(rename = "AccessExclusiveLock")]
    AccessExclusive,
}

impl std::fmt::Display for LockMode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(formatter)
    }
}

impl LockMode {
    /// Returns whether one session cannot take this mode while another holds `other`: table 13.2 of the documentation.
    pub fn conflicts_with(self, other: LockMode) -> bool {
        let (weaker, stronger) = (self.min(other), self.max(other));
        match stronger {
            LockMode::AccessExclusive => true,
            LockMode::Exclusive => weaker > LockMode::AccessShare,
            LockMode::ShareRowExclusive => weaker >= LockMode::RowExclusive,
            LockMode::Share => matches!(weaker, LockMode::RowExclusive | LockMode::ShareUpdateExclusive),
            LockMode::ShareUpdateExclusive => weaker == LockMode::ShareUpdateExclusive,
            LockMode::AccessShare | LockMode::RowShare | LockMode::RowExclusive => false,
        }
    }

    /// Returns the mode that PostgreSQL calls `name`, e.g. `AccessExclusiveLock`.
    pub fn from_name(name: &str) -> Option<LockMode> {
        serde_json::from_value(serde_json::Value::from(name)).ok()
    }

    /// Returns the mode that `LOCK TABLE … IN mode MODE` names.
    pub(super) fn from_words(text: &str) -> Option<LockMode> {
        let name: String = text.split_whitespace().map(capitalised).collect();
        LockMode::from_name(&format!("{name}Lock"))
    }
}

fn capitalised(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let mut letters = lower.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(letters)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // https://www.postgresql.org/docs/18/explicit-locking.html, table 13.2, row by row
    #[test]
    fn modes_conflict_as_documented() {
        use LockMode::*;
        let modes = [
            AccessShare,
            RowShare,
            RowExclusive,
            ShareUpdateExclusive,
            Share,
            ShareRowExclusive,
            Exclusive,
            AccessExclusive,
        ];
        let expected = [
            "       X", "      XX", "    XXXX", "   XXXXX", "  XX XXX", "  XXXXXX", " XXXXXXX", "XXXXXXXX",
        ];
        for (mode, row) in modes.into_iter().zip(expected) {
            for (other, mark) in modes.into_iter().zip(row.chars()) {
                assert_eq!(mode.conflicts_with(other), mark == 'X', "{mode} and {other}");
            }
        }
    }
}
