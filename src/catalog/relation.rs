//! One relation of a schema with its columns, constraints and indexes: plain data.
//!
//! Names of relations are qualified and quoted where SQL needs it; all other names are bare.

use serde::Deserialize;

use super::column_use::ColumnUse;
use super::kinds::{ConstraintKind, ForeignKeyAction, Persistence, RelationKind};

/// The origin of a relation, while statements change the schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// It is in the catalog under its name.
    #[default]
    Catalog,
    /// It is in the catalog under this qualified name.
    Renamed(String),
    /// A statement created it.
    Made,
}

/// One relation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RelationFacts {
    /// Qualified name, quoted where SQL needs it.
    pub name: String,
    /// Schema, bare.
    pub schema: String,
    /// Own name, bare.
    pub bare_name: String,
    /// What it is.
    pub kind: RelationKind,
    /// Whether it outlives its session, and a crash.
    pub persistence: Persistence,
    /// Whether its row-level security policies are in force.
    pub row_security: bool,
    /// Whether they are in force for its owner, too.
    pub row_security_forced: bool,
    /// Whether its heap has no page.
    pub empty: bool,
    /// Access method, e.g. `heap`.
    pub access_method: Option<String>,
    /// Tablespace, when it is not the database's.
    pub tablespace: Option<String>,
    /// Columns, in order.
    pub columns: Vec<ColumnFacts>,
    /// Constraints by name.
    pub constraints: Vec<ConstraintFacts>,
    /// Indexes by name.
    pub indexes: Vec<SchemaIndex>,
    /// Qualified names of the tables it inherits from or is a partition of.
    pub parents: Vec<String>,
    /// `FOR VALUES …` or `DEFAULT`, when it is a partition.
    pub bound: Option<String>,
    /// As `RANGE (created_at)`, when it is partitioned.
    pub partition_key: Option<String>,
    /// Qualified names of the relations a view reads.
    pub reads: Vec<String>,
    /// Qualified names of the sequences that belong to its columns.
    pub sequences: Vec<String>,
    /// Names of its own triggers.
    pub triggers: Vec<String>,
    /// Names of those among them that fire for each row.
    pub row_triggers: Vec<String>,
    /// The events of its triggers that do something else instead of a change of a view, as in [`RuleFacts::event`].
    pub instead: Vec<String>,
    /// Its rules, but for the query of a view.
    pub rules: Vec<RuleFacts>,
    /// Names of its policies.
    pub policies: Vec<String>,
    /// Qualified names of its extended statistics.
    pub statistics: Vec<String>,
    /// The composite type that decides its columns, qualified.
    pub of_type: Option<String>,
    /// What uses its columns.
    #[serde(default)]
    pub uses: Vec<ColumnUse>,
    /// Where it comes from.
    #[serde(skip)]
    pub origin: Origin,
}

/// One rule.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RuleFacts {
    /// Bare name.
    pub name: String,
    /// What it is applied to: `2` for UPDATE, `3` for INSERT, `4` for DELETE.
    pub event: String,
    /// Whether it takes the place of the statement.
    pub instead: bool,
    /// Qualified names of the other relations that it names.
    pub uses: Vec<String>,
}

/// One column.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ColumnFacts {
    /// Bare name.
    pub name: String,
    /// As `format_type` prints it.
    pub data_type: String,
    /// Collation, when it is not that of the type.
    pub collation: Option<String>,
    /// Whether it is known to hold no NULL.
    pub not_null: bool,
    /// Whether a row that does not name it gets a value.
    pub has_default: bool,
    /// Whether that comes from a sequence of its own.
    pub identity: bool,
    /// Whether it is computed when it is read.
    pub is_virtual: bool,
}

/// One constraint.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConstraintFacts {
    /// Bare name.
    pub name: String,
    /// What it demands.
    pub kind: ConstraintKind,
    /// Whether all rows are known to meet it.
    pub valid: bool,
    /// Columns, bare.
    pub columns: Vec<String>,
    /// As `pg_get_constraintdef` prints it.
    pub definition: String,
    /// The table a foreign key refers to.
    pub references: Option<String>,
    /// What a foreign key does on DELETE.
    pub on_delete: Option<ForeignKeyAction>,
    /// What a foreign key does on a change of what it refers to.
    pub on_update: Option<ForeignKeyAction>,
    /// Whether it comes from a parent.
    pub inherited: bool,
    /// The index that enforces it.
    pub index: Option<String>,
}

/// One index.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SchemaIndex {
    /// Qualified name, quoted where SQL needs it.
    pub name: String,
    /// Own name, bare.
    pub bare_name: String,
    /// Key columns, bare; empty for an expression.
    pub columns: Vec<String>,
    /// Columns used anywhere in it, bare.
    pub used_columns: Vec<String>,
    /// Whether it has neither expressions nor a predicate.
    pub plain: bool,
    /// Whether it enforces uniqueness.
    pub unique: bool,
    /// Whether queries may use it.
    pub valid: bool,
    /// Tablespace, when it is not the database's.
    pub tablespace: Option<String>,
    /// The index of the parent table to which it is attached, qualified.
    pub parent: Option<String>,
}

impl ConstraintFacts {
    /// Says whether the children of its table have it too.
    pub fn is_passed_on(&self, is_partitioned: bool) -> bool {
        is_partitioned || (matches!(self.kind, ConstraintKind::Check | ConstraintKind::NotNull) && !self.stands_alone())
    }

    /// Says whether it is `NO INHERIT`.
    pub fn stands_alone(&self) -> bool {
        self.definition.ends_with("NO INHERIT") || self.definition.contains(" NO INHERIT ")
    }

    /// Says whether anything is held to it: it is not `NOT ENFORCED`.
    pub fn is_enforced(&self) -> bool {
        !self.definition.ends_with("NOT ENFORCED")
    }
}

impl SchemaIndex {
    /// Says whether it is the index of the primary key among the constraints.
    pub fn primary_like(&self, constraints: &[ConstraintFacts]) -> bool {
        let mut keys = constraints.iter();
        self.unique && keys.any(|key| key.kind == ConstraintKind::PrimaryKey && key.columns == self.columns)
    }
}

impl RelationFacts {
    /// Returns the column of this bare name.
    pub fn column(&self, name: &str) -> Option<&ColumnFacts> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Returns the constraint of this bare name.
    pub fn constraint(&self, name: &str) -> Option<&ConstraintFacts> {
        self.constraints.iter().find(|constraint| constraint.name == name)
    }
}
