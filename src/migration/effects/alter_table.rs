//! `ALTER TABLE` as data: each subcommand with the parts that decide what it does.
//!
//! Reads only; what a subcommand locks and rewrites is for `table_rules` to say.

use super::types::DataType;
use crate::catalog::ConstraintKind;
use crate::migration::LockMode::{self, AccessExclusive, ShareRowExclusive, ShareUpdateExclusive};
use crate::migration::names::name_path;
use crate::migration::words::Words;

/// One subcommand.
#[derive(Clone, Debug)]
pub(in crate::migration) enum Action {
    AddColumn(ColumnDefinition),
    DropColumn(String),
    SetType(TypeChange),
    SetNotNull(String),
    DropNotNull(String),
    /// New expression of a generated column.
    SetExpression,
    AddConstraint(Constraint),
    Validate(String),
    DropConstraint(String),
    RenameTo(String),
    RenameColumn(String, String),
    RenameConstraint(String, String),
    SetSchema(String),
    Attach {
        partition: String,
        bound: String,
    },
    Detach {
        partition: String,
        concurrently: bool,
        finalize: bool,
    },
    SetLogged(bool),
    SetTablespace(String),
    SetAccessMethod(String),
    /// Names of storage parameters.
    SetOptions(Vec<String>),
    Inherit(String),
    NoInherit(String),
    Owner,
    ReplicaIdentity,
    AddIdentity {
        column: String,
    },
    /// Other options of the sequence behind a column.
    SetSequence,
    /// Changes the catalog only, under this lock; on the partitions and children too where it says so.
    Simple {
        lock: LockMode,
        recurses: bool,
        undo: Option<String>,
    },
    NotUnderstood(String),
}

/// A column to add.
#[derive(Clone, Debug)]
pub(in crate::migration) struct ColumnDefinition {
    pub name: String,
    pub written_name: String,
    pub data_type: DataType,
    pub written_type: String,
    /// Names of called functions, and of everything else in the default; `None` without one.
    pub default: Option<(Vec<String>, Vec<String>)>,
    pub default_is_null: bool,
    pub not_null: bool,
    pub identity: bool,
    pub stored: bool,
    pub virtual_column: bool,
    pub if_not_exists: bool,
    pub constraints: Vec<Constraint>,
}

/// A new type of a column.
#[derive(Clone, Debug)]
pub(in crate::migration) struct TypeChange {
    pub column: String,
    pub data_type: DataType,
    pub written_type: String,
    pub collation: Option<String>,
    /// Whether `USING` computes something else than the plain conversion.
    pub computed: bool,
}

/// A constraint of a table.
#[derive(Clone, Debug)]
pub(in crate::migration) struct Constraint {
    pub name: Option<String>,
    pub kind: ConstraintKind,
    pub columns: Vec<String>,
    pub references: Option<String>,
    /// Columns of that table, as written; empty for its primary key.
    pub referenced_columns: String,
    pub not_valid: bool,
    pub not_enforced: bool,
    pub using_index: Option<String>,
    /// What stands in `CHECK (…)`.
    pub expression: String,
}

/// Subcommands of one table, by keywords; the lock is that of `AlterTableGetLockLevel` in `tablecmds.c`.
const SIMPLE: &[(&str, LockMode, bool)] = &[
    ("CLUSTER ON", ShareUpdateExclusive, false),
    ("SET WITHOUT CLUSTER", ShareUpdateExclusive, false),
    ("SET WITHOUT OIDS", AccessExclusive, false),
    ("ENABLE ROW LEVEL SECURITY", AccessExclusive, false),
    ("DISABLE ROW LEVEL SECURITY", AccessExclusive, false),
    ("FORCE ROW LEVEL SECURITY", AccessExclusive, false),
    ("NO FORCE ROW LEVEL SECURITY", AccessExclusive, false),
    ("ENABLE TRIGGER", ShareRowExclusive, true),
    ("DISABLE TRIGGER", ShareRowExclusive, true),
    ("ENABLE ALWAYS TRIGGER", ShareRowExclusive, true),
    ("ENABLE REPLICA TRIGGER", ShareRowExclusive, true),
    ("ENABLE RULE", AccessExclusive, false),
    ("DISABLE RULE", AccessExclusive, false),
    ("ENABLE ALWAYS RULE", AccessExclusive, false),
    ("ENABLE REPLICA RULE", AccessExclusive, false),
    ("ALTER CONSTRAINT", AccessExclusive, false),
    ("NOT OF", AccessExclusive, false),
    ("OF", AccessExclusive, false),
];

/// What `ALTER COLUMN name` may go on with.
const COLUMN: &[(&str, LockMode, bool)] = &[
    ("SET DEFAULT", AccessExclusive, true),
    ("DROP DEFAULT", AccessExclusive, true),
    ("DROP EXPRESSION", AccessExclusive, true),
    ("DROP IDENTITY", AccessExclusive, false),
    ("SET GENERATED", AccessExclusive, false),
    ("SET STATISTICS", ShareUpdateExclusive, true),
    ("SET STORAGE", AccessExclusive, true),
    ("SET COMPRESSION", AccessExclusive, false),
    ("SET (", ShareUpdateExclusive, false),
    ("RESET (", ShareUpdateExclusive, false),
];

/// Options of the sequence behind an identity column.
const SEQUENCE: &[&str] = &[
    "RESTART",
    "SET START",
    "SET INCREMENT",
    "SET MINVALUE",
    "SET MAXVALUE",
    "SET NO MINVALUE",
    "SET NO MAXVALUE",
    "SET CACHE",
    "SET CYCLE",
    "SET NO CYCLE",
];

const COLUMN_CONSTRAINTS: &[&str] = &[
    "CONSTRAINT",
    "NOT NULL",
    "NULL",
    "CHECK",
    "DEFAULT",
    "GENERATED",
    "UNIQUE",
    "PRIMARY KEY",
    "REFERENCES",
    "DEFERRABLE",
    "NOT DEFERRABLE",
    "INITIALLY",
    "COLLATE",
    "COMPRESSION",
    "STORAGE",
    "ENFORCED",
    "NOT ENFORCED",
    "NO INHERIT",
];

/// Reads an `ALTER TABLE` as its table, as written, and what is done to it; `None` for every other statement.
pub(in crate::migration) fn actions_of(statement: &Words) -> Option<(String, Vec<Action>)> {
    let mut words = statement.clone();
    if !words.accept("ALTER TABLE") {
        return None;
    }
    words.accept("IF EXISTS");
    let (table, _) = words.table()?;
    Some((table, actions(&mut words)))
}

/// Reads the subcommands behind the name of the table.
pub(super) fn actions(words: &mut Words) -> Vec<Action> {
    let parts = words.split_at_commas();
    parts.into_iter().map(|mut part| action(&mut part)).collect()
}

fn action(words: &mut Words) -> Action {
    let whole = words.text();
    let understood = match () {
        () if words.accept("ADD") => add(words),
        () if words.accept("DROP CONSTRAINT") => {
            words.accept("IF EXISTS");
            words.identifier().map(Action::DropConstraint)
        }
        () if words.accept("DROP") => {
            words.accept("COLUMN");
            words.accept("IF EXISTS");
            words.identifier().map(Action::DropColumn)
        }
        () if words.accept("VALIDATE CONSTRAINT") => words.identifier().map(Action::Validate),
        () if words.accept("RENAME") => rename(words),
        () if words.accept("ATTACH PARTITION") => words.name().map(|partition| Action::Attach {
            partition,
            bound: words.text(),
        }),
        () if words.accept("DETACH PARTITION") => words.name().map(|partition| Action::Detach {
            partition,
            concurrently: words.accept("CONCURRENTLY"),
            finalize: words.accept("FINALIZE"),
        }),
        () if words.accept("SET LOGGED") => Some(Action::SetLogged(true)),
        () if words.accept("SET UNLOGGED") => Some(Action::SetLogged(false)),
        () if words.accept("SET TABLESPACE") => words.identifier().map(Action::SetTablespace),
        () if words.accept("SET ACCESS METHOD") => words.identifier().map(Action::SetAccessMethod),
        () if words.accept("SET SCHEMA") => words.identifier().map(Action::SetSchema),
        () if words.at("SET (") || words.at("RESET (") => options(words),
        () if words.accept("INHERIT") => words.name().map(Action::Inherit),
        () if words.accept("NO INHERIT") => words.name().map(Action::NoInherit),
        () if words.accept("OWNER TO") => Some(Action::Owner),
        () if words.accept("REPLICA IDENTITY") => Some(Action::ReplicaIdentity),
        () => simple(words, SIMPLE).or_else(|| alter_column(words)),
    };
    understood.unwrap_or(Action::NotUnderstood(whole))
}

fn simple(words: &mut Words, table: &[(&str, LockMode, bool)]) -> Option<Action> {
    let (keywords, lock, recurses) = table.iter().find(|(keywords, ..)| words.at(keywords))?;
    words.accept(keywords);
    // What ENABLE found is not known: it may have been enabled before, or for replicas only.
    let opposite = match keywords.split_once(' ') {
        Some(("ENABLE", rest)) if rest == "ROW LEVEL SECURITY" => Some(format!("DISABLE {rest}")),
        Some(("DISABLE", rest)) => Some(format!("ENABLE {rest}")),
        Some(("FORCE", rest)) => Some(format!("NO FORCE {rest}")),
        Some(("NO", rest)) if rest.starts_with("FORCE") => Some(rest.to_owned()),
        _ => None,
    };
    let undo = opposite.map(|opposite| format!("{opposite} {}", words.text()).trim_end().to_owned());
    Some(Action::Simple {
        lock: *lock,
        recurses: *recurses,
        undo,
    })
}

fn options(words: &mut Words) -> Option<Action> {
    words.skip();
    let mut inner = words.parenthesis()?;
    let names = inner
        .split_at_commas()
        .into_iter()
        .filter_map(|mut option| option.name());
    Some(Action::SetOptions(
        names.map(|name| name.to_ascii_lowercase()).collect(),
    ))
}

fn rename(words: &mut Words) -> Option<Action> {
    if words.accept("TO") {
        return words.identifier().map(Action::RenameTo);
    }
    if words.accept("CONSTRAINT") {
        let from = words.identifier()?;
        words.accept("TO");
        return Some(Action::RenameConstraint(from, words.identifier()?));
    }
    words.accept("COLUMN");
    let from = words.identifier()?;
    words.accept("TO");
    Some(Action::RenameColumn(from, words.identifier()?))
}

fn alter_column(words: &mut Words) -> Option<Action> {
    if !words.accept("ALTER") {
        return None;
    }
    words.accept("COLUMN");
    let column = words.identifier()?;
    if words.accept("SET NOT NULL") {
        return Some(Action::SetNotNull(column));
    }
    if words.accept("DROP NOT NULL") {
        return Some(Action::DropNotNull(column));
    }
    if words.accept("ADD GENERATED") {
        return Some(Action::AddIdentity { column });
    }
    let of_sequence = |words: &Words| SEQUENCE.iter().any(|keywords| words.at(keywords));
    if of_sequence(words) || (words.at("SET GENERATED") && SEQUENCE.iter().any(|keywords| words.holds(keywords))) {
        return Some(Action::SetSequence);
    }
    if words.accept("SET EXPRESSION") {
        return Some(Action::SetExpression);
    }
    if words.accept_any(&["SET DATA TYPE", "TYPE"]).is_some() {
        return Some(Action::SetType(type_change(column, words)));
    }
    simple(words, COLUMN)
}

fn type_change(column: String, words: &mut Words) -> TypeChange {
    let written_type = words.until(&["COLLATE", "USING"]).text();
    let data_type = DataType::parse(&written_type);
    let collation = words.accept("COLLATE").then(|| words.name()).flatten();
    let computed = words.accept("USING") && !converts_plainly(words, &column, &data_type);
    TypeChange {
        column,
        data_type,
        written_type,
        collation,
        computed,
    }
}

/// Says whether an expression is the column itself, or its cast to the new type: what happens without `USING` too.
fn converts_plainly(words: &Words, column: &str, data_type: &DataType) -> bool {
    let mut words = words.clone();
    while words.at("(") {
        let mut outer = words.clone();
        match outer.parenthesis() {
            Some(inner) if outer.is_empty() => words = inner,
            _ => return false,
        }
    }
    if words.accept("CAST") {
        return words.parenthesis().is_some_and(|mut inner| {
            inner.identifier().as_deref() == Some(column)
                && inner.accept("AS")
                && DataType::parse(&inner.text()) == *data_type
        });
    }
    let named = words.identifier().as_deref() == Some(column);
    named && (words.is_empty() || (words.accept("::") && DataType::parse(&words.text()) == *data_type))
}

fn add(words: &mut Words) -> Option<Action> {
    const TABLE_CONSTRAINTS: [&str; 7] = [
        "CONSTRAINT",
        "CHECK",
        "UNIQUE",
        "PRIMARY KEY",
        "EXCLUDE",
        "FOREIGN KEY",
        "NOT NULL",
    ];
    if TABLE_CONSTRAINTS.iter().any(|keywords| words.at(keywords)) {
        return table_constraint(words).map(Action::AddConstraint);
    }
    words.accept("COLUMN");
    let if_not_exists = words.accept("IF NOT EXISTS");
    column_definition(words, if_not_exists).map(Action::AddColumn)
}

/// Reads a constraint as it stands behind `ADD`, or among the columns of `CREATE TABLE`.
pub(super) fn table_constraint(words: &mut Words) -> Option<Constraint> {
    let name = words.accept("CONSTRAINT").then(|| words.identifier()).flatten();
    let mut found = constraint(words, name)?;
    found.not_valid = words.holds("NOT VALID");
    found.not_enforced = words.holds("NOT ENFORCED");
    Some(found)
}

/// Reads what follows the name of a constraint; `None` when it is none.
fn constraint(words: &mut Words, name: Option<String>) -> Option<Constraint> {
    const KINDS: [(&str, ConstraintKind); 7] = [
        ("CHECK", ConstraintKind::Check),
        ("UNIQUE", ConstraintKind::Unique),
        ("PRIMARY KEY", ConstraintKind::PrimaryKey),
        ("EXCLUDE", ConstraintKind::Exclusion),
        ("FOREIGN KEY", ConstraintKind::ForeignKey),
        ("REFERENCES", ConstraintKind::ForeignKey),
        ("NOT NULL", ConstraintKind::NotNull),
    ];
    let (keywords, kind) = KINDS.into_iter().find(|(keywords, _)| words.accept(keywords))?;
    let mut found = Constraint {
        name,
        kind,
        columns: Vec::new(),
        references: None,
        referenced_columns: String::new(),
        not_valid: false,
        not_enforced: false,
        using_index: None,
        expression: String::new(),
    };
    match keywords {
        "CHECK" => found.expression = words.parenthesis()?.text(),
        "NOT NULL" => found.columns.extend(words.identifier()),
        "REFERENCES" => {
            found.references = words.name();
            found.referenced_columns = words.parenthesis().map(|inner| inner.text()).unwrap_or_default();
        }
        "EXCLUDE" => {}
        _ => {
            words.accept("NULLS NOT DISTINCT");
            words.accept("NULLS DISTINCT");
            if words.accept("USING INDEX") && !words.at("TABLESPACE") {
                found.using_index = words.identifier();
            }
            found.columns = words
                .parenthesis()
                .map(|mut inner| inner.identifiers())
                .unwrap_or_default();
            if words.accept("REFERENCES") {
                found.references = words.name();
                found.referenced_columns = words.parenthesis().map(|inner| inner.text()).unwrap_or_default();
            }
        }
    }
    Some(found)
}

/// Reads a column with its constraints.
pub(super) fn column_definition(words: &mut Words, if_not_exists: bool) -> Option<ColumnDefinition> {
    let written_name = words.name()?;
    let written_type = words.until(COLUMN_CONSTRAINTS).text();
    let data_type = DataType::parse(&written_type);
    let mut column = ColumnDefinition {
        name: name_path(&written_name).concat(),
        written_name,
        not_null: data_type.serial,
        data_type,
        written_type,
        default: None,
        default_is_null: false,
        identity: false,
        stored: false,
        virtual_column: false,
        if_not_exists,
        constraints: Vec::new(),
    };
    while !words.is_empty() {
        column_constraint(words, &mut column);
    }
    Some(column)
}

fn column_constraint(words: &mut Words, column: &mut ColumnDefinition) {
    let name = words.accept("CONSTRAINT").then(|| words.identifier()).flatten();
    if words.accept("DEFAULT") {
        column.default_is_null = words.accept("NULL");
        let value = words.until(COLUMN_CONSTRAINTS);
        column.default = (!column.default_is_null).then(|| value.calls_and_names());
    } else if words.accept("GENERATED") {
        column.identity = words.holds("IDENTITY");
        column.virtual_column = !column.identity && !words.holds("STORED");
        column.stored = words.holds("STORED");
        column.not_null |= column.identity;
        words.until(&["IDENTITY", "STORED", "VIRTUAL"]);
        words.skip();
        words.parenthesis();
    } else if words.accept("NOT NULL") {
        column.not_null = true;
    } else if words.at("NOT DEFERRABLE") || words.at("NOT ENFORCED") {
        words.skip();
        words.skip();
    } else if let Some(mut found) = constraint(words, name) {
        found.columns = vec![column.name.clone()];
        column.not_null |= found.kind == ConstraintKind::PrimaryKey;
        column.constraints.push(found);
    } else {
        words.skip();
    }
}
