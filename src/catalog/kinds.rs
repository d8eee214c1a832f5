//! What PostgreSQL writes as one letter in its catalog, by what the letters stand for.

use serde::Deserialize;

/// What a relation is: `pg_class.relkind`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum RelationKind {
    /// An ordinary table.
    #[default]
    #[serde(rename = "r")]
    Table,
    /// A partitioned table, which holds no rows of its own.
    #[serde(rename = "p")]
    PartitionedTable,
    /// A view.
    #[serde(rename = "v")]
    View,
    /// A materialised view.
    #[serde(rename = "m")]
    MaterializedView,
    /// A sequence.
    #[serde(rename = "S")]
    Sequence,
    /// A table whose rows live on another server.
    #[serde(rename = "f")]
    ForeignTable,
    /// An index.
    #[serde(rename = "i")]
    Index,
    /// An index of a partitioned table.
    #[serde(rename = "I")]
    PartitionedIndex,
    /// A composite type, a TOAST table, or a kind that this program does not know.
    #[serde(other)]
    Other,
}

impl RelationKind {
    /// Says whether rows are stored in the relation itself.
    pub fn holds_rows(self) -> bool {
        matches!(self, RelationKind::Table | RelationKind::MaterializedView)
    }
}

/// Whether a relation outlives its session, and a crash: `pg_class.relpersistence`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Persistence {
    /// It is written to the log.
    #[default]
    #[serde(rename = "p")]
    Permanent,
    /// It is not, and is emptied after a crash.
    #[serde(rename = "u")]
    Unlogged,
    /// It is some session's own.
    #[serde(rename = "t")]
    Temporary,
}

impl Persistence {
    /// Returns that of a table that is `LOGGED` or `UNLOGGED`.
    pub fn of_table(logged: bool) -> Persistence {
        if logged {
            Persistence::Permanent
        } else {
            Persistence::Unlogged
        }
    }
}

/// What a constraint demands: `pg_constraint.contype`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ConstraintKind {
    /// A condition on each row.
    #[default]
    #[serde(rename = "c")]
    Check,
    /// A row that it refers to.
    #[serde(rename = "f")]
    ForeignKey,
    /// The primary key.
    #[serde(rename = "p")]
    PrimaryKey,
    /// No other row with the same values.
    #[serde(rename = "u")]
    Unique,
    /// No other row that fits together with it.
    #[serde(rename = "x")]
    Exclusion,
    /// No NULL; in the catalog from PostgreSQL 18 on.
    #[serde(rename = "n")]
    NotNull,
}

impl ConstraintKind {
    /// Says whether an index enforces it.
    pub fn has_index(self) -> bool {
        self.is_key() || self == ConstraintKind::Exclusion
    }

    /// Says whether it gives each row values of its own, so that a foreign key may refer to them.
    pub fn is_key(self) -> bool {
        matches!(self, ConstraintKind::PrimaryKey | ConstraintKind::Unique)
    }
}

/// What a foreign key does when the row that it refers to goes: `pg_constraint.confdeltype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum ForeignKeyAction {
    /// It refuses at the end of the statement, or of the transaction.
    #[serde(rename = "a")]
    NoAction,
    /// It refuses at once.
    #[serde(rename = "r")]
    Restrict,
    /// It deletes the referring rows, too.
    #[serde(rename = "c")]
    Cascade,
    /// It puts NULL into the referring columns.
    #[serde(rename = "n")]
    SetNull,
    /// It puts their defaults into the referring columns.
    #[serde(rename = "d")]
    SetDefault,
}

impl ForeignKeyAction {
    /// Says whether it changes the referring rows.
    pub fn changes_rows(self) -> bool {
        !matches!(self, ForeignKeyAction::NoAction | ForeignKeyAction::Restrict)
    }
}

/// How much a function's result may change between calls: `pg_proc.provolatile`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Volatility {
    /// Never, for the same arguments.
    #[serde(rename = "i")]
    Immutable,
    /// Not within a statement.
    #[serde(rename = "s")]
    Stable,
    /// With each call.
    #[serde(rename = "v")]
    Volatile,
    /// A volatile one in SQL, which may be put in place of its call and is then as volatile as its body. The letter is
    /// ours.
    #[serde(rename = "u")]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_postgresqls() {
        let kinds: Vec<RelationKind> =
            serde_json::from_str(r#"["r", "S", "I", "t", "?"]"#).expect("kinds of relations");
        let expected = [
            RelationKind::Table,
            RelationKind::Sequence,
            RelationKind::PartitionedIndex,
            RelationKind::Other,
            RelationKind::Other,
        ];
        assert_eq!(kinds, expected);
        let kind = |text: &str| serde_json::from_str::<ConstraintKind>(text).ok();
        assert_eq!(kind(r#""x""#), Some(ConstraintKind::Exclusion));
        assert_eq!(
            kind(r#""?""#),
            None,
            "a constraint of an unknown kind is not taken for another"
        );
    }
}
