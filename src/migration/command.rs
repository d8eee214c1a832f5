//! What one statement says, as plain data: a command with its names, options and flags, and its expressions as trees.
//!
//! `syntax` reads it, once; the rules, rollbacks, safe forms and batching match on it and never look at text again.
//! Names are as PostgreSQL sees them where it says so, else as written. Knows nothing of locks.

mod alter_table;
mod column_definition;
mod expression;
mod indexes;
mod named_table;
mod objects;
mod routine;
mod rows;
mod session;
mod table_part;
mod tables;
mod type_name;

pub(super) use alter_table::{
    AlterTable, AlteredKind, ColumnAction, ConstraintChange, DetachManner, Firing, PartitionBound, PartitionRows,
    TableAction, TypeChange,
};
pub(super) use column_definition::{ColumnDefinition, ConstraintDefinition, Generated, TableConstraint};
pub(super) use expression::Expression;
pub(super) use indexes::{AlterIndex, CreateIndex, IndexAction, Reindex, ReindexTarget};
pub(super) use named_table::NamedTable;
pub(super) use objects::{
    AlterDomain, AlterSequence, AlterType, Alteration, Commented, Creation, DomainAction, DropObjects, ObjectKind,
    Publication, SequenceAction, TypeAction,
};
pub(super) use routine::{Routine, Run};
pub(super) use rows::{Body, Change, Condition, Copied, Copy, Insert, Merge, Part, Query, Select, Term};
pub(super) use session::{Session, Setting, Transaction};
pub(super) use table_part::{PartVerb, TablePart};
pub(super) use tables::{Cluster, CreateTable, CreateTableAs, Like, Lock, Refresh, Truncate, Vacuum};
pub(super) use type_name::TypeName;

/// A statement that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Command {
    /// `SELECT`, `INSERT`, `UPDATE`, `DELETE`, `MERGE` and their like.
    Query(Query),
    Copy(Copy),

    /// `ALTER TABLE`, and what has its form: `ALTER FOREIGN TABLE`, `ALTER VIEW`, `ALTER MATERIALIZED VIEW`.
    AlterTable(AlterTable),
    /// `ALTER … ALL IN TABLESPACE`, of tables, indexes or materialised views.
    AlterAllInTablespace,
    CreateTable(CreateTable),
    /// `CREATE TABLE … AS` and `CREATE MATERIALIZED VIEW`.
    CreateTableAs(CreateTableAs),
    CreateView(CreateTableAs),
    Truncate(Truncate),
    Lock(Lock),
    Vacuum(Vacuum),
    /// `ANALYZE` of these tables; of all without any.
    Analyze(Vec<NamedTable>),
    Cluster(Cluster),
    Refresh(Refresh),

    CreateIndex(CreateIndex),
    AlterIndex(AlterIndex),
    Reindex(Reindex),

    AlterSequence(AlterSequence),
    AlterType(AlterType),
    AlterDomain(AlterDomain),
    CreateDomain {
        made: Creation,
        base: String,
        /// Whether it has a `CHECK` or `NOT NULL`.
        constrained: bool,
    },
    CreateSchema {
        made: Creation,
        elements: Vec<Command>,
    },
    CreateStatistics {
        made: Creation,
        table: String,
    },
    Publication(Publication),
    /// A trigger, rule or policy.
    TablePart(TablePart),
    Comment(Commented),
    /// Any other `CREATE`.
    Create(Creation),
    /// Any other `ALTER`.
    Alter(Alteration),
    Drop(DropObjects),
    /// `DROP OWNED BY` these roles.
    DropOwned(Vec<String>),
    /// `REASSIGN OWNED BY` these roles.
    ReassignOwned(Vec<String>),

    AlterSystem,
    /// `GRANT`, `REVOKE`, `ALTER DEFAULT PRIVILEGES` and `SECURITY LABEL`.
    Privileges,
    Transaction(Transaction),
    Session(Session),
    /// `DO`, with its code.
    Do(String),
    /// `CALL`, with the bare name of the procedure.
    Call(String),
    /// `EXPLAIN`.
    Explain,
    /// None of those above.
    #[default]
    Other,
}

impl Command {
    /// Returns whether it builds an index beside writers, which waits for every older snapshot of the database.
    pub fn builds_concurrently(&self) -> bool {
        match self {
            Command::CreateIndex(create) => create.concurrently,
            Command::Reindex(reindex) => reindex.concurrently,
            _ => false,
        }
    }

    /// Returns what a `CREATE` makes.
    pub fn creation(&self) -> Option<&Creation> {
        match self {
            Command::Create(made)
            | Command::CreateTable(CreateTable { made, .. })
            | Command::CreateTableAs(CreateTableAs { made, .. })
            | Command::CreateView(CreateTableAs { made, .. })
            | Command::CreateDomain { made, .. }
            | Command::CreateSchema { made, .. }
            | Command::CreateStatistics { made, .. } => Some(made),
            Command::Publication(publication) => publication.made.as_ref(),
            Command::Query(Query {
                body: Body::Select(select),
                ..
            }) => select.into.as_ref(),
            _ => None,
        }
    }

    /// Returns what an `ALTER … RENAME TO` renames, as written, and to what; `None` where the object may not be there.
    pub fn renaming(&self) -> Option<(ObjectKind, &str, &str)> {
        match self {
            Command::AlterTable(AlterTable {
                called,
                if_exists: false,
                table,
                actions,
                ..
            }) => match actions.as_slice() {
                [TableAction::RenameTo(to)] => Some((ObjectKind::named(called.keywords())?, table, to)),
                _ => None,
            },
            Command::AlterIndex(AlterIndex {
                index,
                if_exists: false,
                action: IndexAction::Rename(to),
            }) => Some((ObjectKind::Index, index, to)),
            Command::AlterSequence(AlterSequence {
                sequence,
                if_exists: false,
                action: SequenceAction::Rename(to),
            }) => Some((ObjectKind::Sequence, sequence, to)),
            Command::AlterType(AlterType {
                name,
                action: TypeAction::Rename(to),
            }) => Some((ObjectKind::Type, name, to)),
            Command::AlterDomain(AlterDomain {
                name,
                action: DomainAction::Rename(to),
            }) => Some((ObjectKind::Domain, name, to)),
            Command::Alter(Alteration {
                kind,
                name: Some(name),
                renamed_to: Some(to),
            }) => Some((*kind, name, to)),
            _ => None,
        }
    }
}
