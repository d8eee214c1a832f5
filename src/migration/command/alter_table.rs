//! `ALTER TABLE` and its subcommands, as plain data.

use super::{ColumnDefinition, Expression, TableConstraint, TypeName};

/// A table and what is altered of it.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterTable {
    /// What the statement calls it.
    pub called: AlteredKind,
    /// Whether it may be missing.
    pub if_exists: bool,
    /// Whether its partitions and children are left alone, as far as they can be.
    pub only: bool,
    /// As written, possibly qualified.
    pub table: String,
    /// The subcommands in their order.
    pub actions: Vec<TableAction>,
}

/// What a statement calls the relation that it alters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlteredKind {
    /// `ALTER TABLE`, which takes every relation.
    Table,
    /// `ALTER FOREIGN TABLE`.
    ForeignTable,
    /// `ALTER VIEW`.
    View,
    /// `ALTER MATERIALIZED VIEW`.
    MaterializedView,
}

impl AlteredKind {
    /// Returns its keywords.
    pub fn keywords(self) -> &'static str {
        match self {
            AlteredKind::Table => "TABLE",
            AlteredKind::ForeignTable => "FOREIGN TABLE",
            AlteredKind::View => "VIEW",
            AlteredKind::MaterializedView => "MATERIALIZED VIEW",
        }
    }
}

/// One subcommand. Names of columns, constraints, schemas, tablespaces and access methods are as PostgreSQL sees them,
/// those of relations as written.
#[derive(Clone, Debug, PartialEq)]
pub enum TableAction {
    /// `ADD COLUMN`.
    AddColumn {
        /// The new column.
        column: ColumnDefinition,
        /// Whether it may be there already.
        if_not_exists: bool,
    },
    /// `DROP COLUMN`.
    DropColumn {
        /// Its name.
        column: String,
        /// Whether what depends on it goes too.
        cascade: bool,
    },
    /// `ALTER COLUMN`.
    AlterColumn {
        /// Its name, or its number in an index.
        column: String,
        /// What is altered.
        action: ColumnAction,
    },
    /// `ADD CONSTRAINT`.
    AddConstraint(TableConstraint),
    /// `ALTER CONSTRAINT`.
    AlterConstraint {
        /// Its name.
        constraint: String,
        /// What it is from now on.
        change: ConstraintChange,
    },
    /// `VALIDATE CONSTRAINT`.
    ValidateConstraint(String),
    /// `DROP CONSTRAINT`.
    DropConstraint {
        /// Its name.
        constraint: String,
        /// Whether what depends on it goes too.
        cascade: bool,
    },
    /// `RENAME TO`.
    RenameTo(String),
    /// `RENAME COLUMN`.
    RenameColumn {
        /// The old name.
        from: String,
        /// The new one.
        to: String,
    },
    /// `RENAME CONSTRAINT`.
    RenameConstraint {
        /// The old name.
        from: String,
        /// The new one.
        to: String,
    },
    /// `SET SCHEMA`.
    SetSchema(String),
    /// `OWNER TO`.
    Owner,
    /// `ATTACH PARTITION`.
    AttachPartition {
        /// The table to attach.
        partition: String,
        /// Which rows it takes.
        bound: PartitionBound,
    },
    /// `DETACH PARTITION`.
    DetachPartition {
        /// The partition to detach.
        partition: String,
        /// How.
        manner: DetachManner,
    },
    /// `INHERIT`.
    Inherit(String),
    /// `NO INHERIT`.
    NoInherit(String),
    /// `OF type`.
    OfType,
    /// `NOT OF`.
    NotOf,
    /// `SET LOGGED` or `SET UNLOGGED`.
    SetLogged(bool),
    /// `SET TABLESPACE`.
    SetTablespace(String),
    /// `SET ACCESS METHOD`; none is the default one.
    SetAccessMethod(Option<String>),
    /// `SET (…)` or `RESET (…)`: the names of the storage parameters in lower case.
    SetOptions(Vec<String>),
    /// `OPTIONS (…)` of a foreign table.
    ForeignOptions,
    /// `CLUSTER ON` or `SET WITHOUT CLUSTER`.
    ClusterMark,
    /// `SET WITHOUT OIDS`.
    WithoutOids,
    /// `REPLICA IDENTITY`.
    ReplicaIdentity,
    /// `ENABLE` or `DISABLE ROW LEVEL SECURITY`.
    RowSecurity(bool),
    /// `FORCE` or `NO FORCE ROW LEVEL SECURITY`.
    ForceRowSecurity(bool),
    /// `ENABLE` or `DISABLE TRIGGER`.
    Trigger {
        /// When it fires from now on.
        firing: Firing,
        /// Its name as written, or `ALL` or `USER`.
        trigger: String,
    },
    /// `ENABLE` or `DISABLE RULE`.
    Rule {
        /// When it is applied from now on.
        firing: Firing,
        /// Its name as written.
        rule: String,
    },
    /// `[NO] DEPENDS ON EXTENSION`.
    DependsOnExtension,
    /// What no released PostgreSQL does, or the parser does not tell, as written.
    NotUnderstood(String),
}

/// What `ALTER CONSTRAINT` alters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstraintChange {
    /// `[NOT] ENFORCED`.
    Enforced(bool),
    /// `[NO] INHERIT`.
    Inherit(bool),
    /// When it is checked.
    Deferral,
}

/// What `ALTER COLUMN` alters.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnAction {
    /// `TYPE`.
    SetType(TypeChange),
    /// `SET NOT NULL`.
    SetNotNull,
    /// `DROP NOT NULL`.
    DropNotNull,
    /// `SET DEFAULT`.
    SetDefault(Expression),
    /// `DROP DEFAULT`.
    DropDefault,
    /// `SET EXPRESSION`: another one of a generated column.
    SetExpression(Expression),
    /// `DROP EXPRESSION`.
    DropExpression,
    /// `ADD GENERATED AS IDENTITY`.
    AddIdentity,
    /// `SET GENERATED` alone.
    SetGenerated,
    /// Other options of the sequence behind an identity column.
    SetSequence,
    /// `DROP IDENTITY`.
    DropIdentity,
    /// `SET STATISTICS`.
    SetStatistics,
    /// `SET STORAGE`.
    SetStorage,
    /// `SET COMPRESSION`.
    SetCompression,
    /// `SET (…)` or `RESET (…)`.
    SetOptions,
    /// `OPTIONS (…)` of a foreign table's column.
    ForeignOptions,
}

/// A new type of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeChange {
    /// The type.
    pub data_type: TypeName,
    /// As written.
    pub collation: Option<String>,
    /// What the new values are computed from.
    pub using: Option<Expression>,
}

/// Which rows a partition takes.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionBound {
    /// As written, without comments.
    pub written: String,
    /// The same, read.
    pub rows: PartitionRows,
}

/// The rows of a partition.
#[derive(Clone, Debug, PartialEq)]
pub enum PartitionRows {
    /// `DEFAULT`: those that no other takes.
    Default,
    /// `FOR VALUES FROM (…) TO (…)`: a value, `MINVALUE` or `MAXVALUE` for each column of the key.
    Range {
        /// The smallest.
        from: Vec<Expression>,
        /// What is just too large.
        to: Vec<Expression>,
    },
    /// `FOR VALUES IN (…)`.
    List(Vec<Expression>),
    /// `FOR VALUES WITH (MODULUS …, REMAINDER …)`.
    Hash,
}

/// How a partition is detached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetachManner {
    /// At once, under a strong lock.
    AtOnce,
    /// `CONCURRENTLY`.
    Concurrently,
    /// `FINALIZE`: what is left of a broken-off `CONCURRENTLY`.
    Finalize,
}

/// When a trigger or rule is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firing {
    /// `ENABLE`.
    Enabled,
    /// `ENABLE ALWAYS`.
    Always,
    /// `ENABLE REPLICA`.
    Replica,
    /// `DISABLE`.
    Disabled,
}
