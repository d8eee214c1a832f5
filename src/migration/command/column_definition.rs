//! Columns and constraints, as `CREATE TABLE` and `ALTER TABLE` define them.

use super::{Expression, TypeName};

/// A column with all that its definition says.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDefinition {
    /// As PostgreSQL sees it.
    pub name: String,
    /// As written.
    pub written_name: String,
    /// `None` where it is that of another table: in a partition, or a table of a composite type.
    pub data_type: Option<TypeName>,
    /// As written.
    pub collation: Option<String>,
    /// `DEFAULT`, also where it is `NULL`.
    pub default: Option<Expression>,
    /// `GENERATED`.
    pub generated: Option<Generated>,
    /// Whether it says so: by `NOT NULL`, `PRIMARY KEY` or as an identity column.
    pub not_null: bool,
    /// All others of its constraints.
    pub constraints: Vec<TableConstraint>,
}

/// How a column gets values of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum Generated {
    /// `AS IDENTITY`: from a sequence.
    Identity,
    /// `AS (…) STORED`: computed when the row is written.
    Stored(Expression),
    /// `AS (…) VIRTUAL`: computed when the row is read.
    Virtual(Expression),
}

/// A constraint of a table, or of one column of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TableConstraint {
    /// As PostgreSQL sees it.
    pub name: Option<String>,
    /// The columns it names, or the one it stands at, as PostgreSQL sees them.
    pub columns: Vec<String>,
    /// What it demands.
    pub definition: ConstraintDefinition,
    /// `NOT VALID`.
    pub not_valid: bool,
    /// `NOT ENFORCED`.
    pub not_enforced: bool,
    /// `NO INHERIT`.
    pub no_inherit: bool,
}

/// What a constraint demands.
#[derive(Clone, Debug, PartialEq)]
pub enum ConstraintDefinition {
    /// `CHECK`.
    Check {
        /// What is to hold.
        condition: Expression,
        /// The same as written, without comments.
        written: String,
    },
    /// `EXCLUDE`.
    Exclude,
    /// `FOREIGN KEY`, or `REFERENCES` at a column.
    ForeignKey {
        /// The table it refers to, as written.
        table: String,
        /// The columns it refers to, as PostgreSQL sees them; empty for the primary key.
        columns: Vec<String>,
    },
    /// `NOT NULL` of a column.
    NotNull,
    /// `PRIMARY KEY`.
    PrimaryKey {
        /// The index that is there already, as PostgreSQL sees its name.
        using_index: Option<String>,
    },
    /// `UNIQUE`.
    Unique {
        /// The index that is there already, as PostgreSQL sees its name.
        using_index: Option<String>,
    },
}

impl ColumnDefinition {
    /// Says whether its values are computed when they are read.
    pub fn is_virtual(&self) -> bool {
        matches!(self.generated, Some(Generated::Virtual(_)))
    }

    /// Says whether its values are computed when the row is written.
    pub fn is_stored(&self) -> bool {
        matches!(self.generated, Some(Generated::Stored(_)))
    }

    /// Says whether its values come from a sequence of its own, as an identity column's.
    pub fn is_identity(&self) -> bool {
        matches!(self.generated, Some(Generated::Identity))
    }

    /// Says whether a row that does not name the column gets a value: its default is another than `NULL`.
    pub fn has_default(&self) -> bool {
        self.default
            .as_ref()
            .is_some_and(|default| *default != Expression::Null)
    }
}

impl TableConstraint {
    /// Says whether the rows that are there are held to it.
    pub fn is_checked(&self) -> bool {
        !self.not_valid && !self.not_enforced
    }
}
