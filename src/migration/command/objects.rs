//! Statements that make, alter and drop objects, as plain data.

use super::NamedTable;

/// Kinds of objects that `CREATE`, `ALTER` and `DROP` name, by the words of [`keywords`](Self::keywords).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    AccessMethod,
    Aggregate,
    Cast,
    Collation,
    Conversion,
    Database,
    Domain,
    EventTrigger,
    Extension,
    ForeignDataWrapper,
    ForeignTable,
    Function,
    Group,
    Index,
    Language,
    LargeObject,
    MaterializedView,
    Operator,
    OperatorClass,
    OperatorFamily,
    Policy,
    Procedure,
    PropertyGraph,
    Publication,
    Role,
    Routine,
    Rule,
    Schema,
    Sequence,
    Server,
    Statistics,
    Subscription,
    Table,
    Tablespace,
    TextSearchConfiguration,
    TextSearchDictionary,
    TextSearchParser,
    TextSearchTemplate,
    Transform,
    Trigger,
    Type,
    User,
    UserMapping,
    View,
}

/// The words that name each kind.
const KEYWORDS: [(ObjectKind, &str); 44] = [
    (ObjectKind::AccessMethod, "ACCESS METHOD"),
    (ObjectKind::Aggregate, "AGGREGATE"),
    (ObjectKind::Cast, "CAST"),
    (ObjectKind::Collation, "COLLATION"),
    (ObjectKind::Conversion, "CONVERSION"),
    (ObjectKind::Database, "DATABASE"),
    (ObjectKind::Domain, "DOMAIN"),
    (ObjectKind::EventTrigger, "EVENT TRIGGER"),
    (ObjectKind::Extension, "EXTENSION"),
    (ObjectKind::ForeignDataWrapper, "FOREIGN DATA WRAPPER"),
    (ObjectKind::ForeignTable, "FOREIGN TABLE"),
    (ObjectKind::Function, "FUNCTION"),
    (ObjectKind::Group, "GROUP"),
    (ObjectKind::Index, "INDEX"),
    (ObjectKind::Language, "LANGUAGE"),
    (ObjectKind::LargeObject, "LARGE OBJECT"),
    (ObjectKind::MaterializedView, "MATERIALIZED VIEW"),
    (ObjectKind::Operator, "OPERATOR"),
    (ObjectKind::OperatorClass, "OPERATOR CLASS"),
    (ObjectKind::OperatorFamily, "OPERATOR FAMILY"),
    (ObjectKind::Policy, "POLICY"),
    (ObjectKind::Procedure, "PROCEDURE"),
    (ObjectKind::PropertyGraph, "PROPERTY GRAPH"),
    (ObjectKind::Publication, "PUBLICATION"),
    (ObjectKind::Role, "ROLE"),
    (ObjectKind::Routine, "ROUTINE"),
    (ObjectKind::Rule, "RULE"),
    (ObjectKind::Schema, "SCHEMA"),
    (ObjectKind::Sequence, "SEQUENCE"),
    (ObjectKind::Server, "SERVER"),
    (ObjectKind::Statistics, "STATISTICS"),
    (ObjectKind::Subscription, "SUBSCRIPTION"),
    (ObjectKind::Table, "TABLE"),
    (ObjectKind::Tablespace, "TABLESPACE"),
    (ObjectKind::TextSearchConfiguration, "TEXT SEARCH CONFIGURATION"),
    (ObjectKind::TextSearchDictionary, "TEXT SEARCH DICTIONARY"),
    (ObjectKind::TextSearchParser, "TEXT SEARCH PARSER"),
    (ObjectKind::TextSearchTemplate, "TEXT SEARCH TEMPLATE"),
    (ObjectKind::Transform, "TRANSFORM"),
    (ObjectKind::Trigger, "TRIGGER"),
    (ObjectKind::Type, "TYPE"),
    (ObjectKind::User, "USER"),
    (ObjectKind::UserMapping, "USER MAPPING"),
    (ObjectKind::View, "VIEW"),
];

impl ObjectKind {
    /// Returns the words that name it, as `MATERIALIZED VIEW`.
    pub fn keywords(self) -> &'static str {
        let found = KEYWORDS.iter().find(|(kind, _)| *kind == self);
        found.map_or("", |(_, keywords)| keywords)
    }

    /// Returns the kind that these words name; the last may be shortened, as `TEXT SEARCH CONFIG`.
    pub fn named(keywords: &str) -> Option<ObjectKind> {
        let exactly = KEYWORDS.iter().find(|(_, known)| *known == keywords);
        let shortened = || {
            KEYWORDS
                .iter()
                .find(|(_, known)| keywords.contains(' ') && known.starts_with(keywords))
        };
        exactly.or_else(shortened).map(|(kind, _)| *kind)
    }
}

/// What a `CREATE` makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// What is made.
    pub kind: ObjectKind,
    /// As written; `None` where the server or the owner's name decides it.
    pub name: Option<String>,
    /// Whether it may be there already.
    pub if_not_exists: bool,
    /// `OR REPLACE`.
    pub replaces: bool,
    /// Whether it goes with its session.
    pub temporary: bool,
}

/// An `ALTER` of which the rules need no more than what is altered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alteration {
    /// What is altered.
    pub kind: ObjectKind,
    /// As written.
    pub name: Option<String>,
    /// The name behind `RENAME TO`, as PostgreSQL sees it.
    pub renamed_to: Option<String>,
}

/// `DROP` of objects of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropObjects {
    /// What is dropped.
    pub kind: ObjectKind,
    /// As written.
    pub names: Vec<String>,
    /// Whether what depends on them goes too.
    pub cascade: bool,
    /// `CONCURRENTLY`.
    pub concurrently: bool,
    /// Whether they may be missing.
    pub if_exists: bool,
}

/// `ALTER SEQUENCE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterSequence {
    /// As written.
    pub sequence: String,
    /// Whether it may be missing.
    pub if_exists: bool,
    /// What is altered.
    pub action: SequenceAction,
}

/// What `ALTER SEQUENCE` alters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SequenceAction {
    /// To this name, as PostgreSQL sees it.
    Rename(String),
    /// `SET SCHEMA`, `OWNER TO`, `SET LOGGED`, `SET UNLOGGED`: as `ALTER TABLE` does them.
    OfRelation,
    /// `OWNED BY` and nothing else.
    OwnedBy,
    /// Options of the sequence, `RESTART` among them.
    Options,
}

/// `ALTER TYPE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterType {
    /// As written.
    pub name: String,
    /// What is altered.
    pub action: TypeAction,
}

/// What `ALTER TYPE` alters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeAction {
    /// To this name, as PostgreSQL sees it.
    Rename(String),
    /// `ADD VALUE`.
    AddValue(String),
    /// `RENAME VALUE`.
    RenameValue {
        /// The old value.
        from: String,
        /// The new one.
        to: String,
    },
    /// `ADD`, `ALTER`, `DROP` or `RENAME ATTRIBUTE`.
    Attributes {
        /// Names of those that are dropped, as PostgreSQL sees them.
        dropped: Vec<String>,
        /// Whether tables of the type follow.
        cascade: bool,
    },
    /// `OWNER TO`, `SET SCHEMA`, `SET (…)`.
    Other,
}

/// `ALTER DOMAIN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterDomain {
    /// As written.
    pub name: String,
    /// What is altered.
    pub action: DomainAction,
}

/// What `ALTER DOMAIN` alters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainAction {
    /// To this name, as PostgreSQL sees it.
    Rename(String),
    /// `ADD CONSTRAINT`.
    AddConstraint {
        /// `NOT VALID`.
        not_valid: bool,
    },
    /// `SET NOT NULL`.
    SetNotNull,
    /// `VALIDATE CONSTRAINT`.
    ValidateConstraint,
    /// What checks no values.
    Other,
}

/// `CREATE PUBLICATION` or `ALTER PUBLICATION`, with the tables that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// What `CREATE` makes.
    pub made: Option<Creation>,
    /// As written, of one that is altered.
    pub altered: Option<String>,
    /// Whether the tables take the place of those before.
    pub sets: bool,
    /// Whether the tables are taken out.
    pub drops: bool,
    /// The tables that are added, set or dropped.
    pub tables: Vec<NamedTable>,
}

/// What `COMMENT ON` is about; names as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commented {
    /// A table, view or sequence, or a column of it.
    Relation(String),
    /// An index.
    Index(String),
    /// Anything else.
    Other,
}
