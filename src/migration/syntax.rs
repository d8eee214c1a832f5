//! The SQL parser, behind one door: what a statement says, as plain data.
//!
//! The only room that knows `squawk-syntax`, whose tree nodes change their names between versions. Decides nothing
//! about locks, batches or step kinds.

use std::ops::Range;

use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use super::depth::with_stack_for;
use super::outline::{Dml, Outline};

mod alter_table;
mod column_definition;
mod command_name;
mod commands;
mod condition;
mod constant_text;
mod expression;
mod fragment;
mod named_table;
mod node;
mod objects;
mod routine;
mod rows;
mod scope;
mod session;
mod table_part;
mod tables;
mod targets;
mod type_name;

pub(super) use condition::{Use, uses, words};
pub(super) use fragment::{constraint, expression, type_name};
use node::{bytes, statements, written_name};

/// A place where the text is no valid SQL.
pub(super) struct Problem {
    pub message: String,
    pub range: Range<usize>,
    /// Whether the statement may be valid all the same: it has a form that is not read here.
    pub may_be_valid: bool,
}

/// Reads a text that should be exactly one statement.
///
/// # Errors
/// The first thing that is wrong with it.
pub(super) fn read(masked: &str) -> Result<Outline, Problem> {
    with_stack_for(masked, || read_checked(masked)).unwrap_or_else(|| {
        Err(Problem {
            message: "this statement could not be read".to_string(),
            range: visible(masked, 0..0),
            may_be_valid: false,
        })
    })
}

fn read_checked(masked: &str) -> Result<Outline, Problem> {
    let parsed = SourceFile::parse(masked);
    if let Some(error) = parsed.errors().first() {
        let range = visible(masked, bytes(error.range()));
        return Err(Problem {
            message: in_words(error.message(), &masked[range.clone()]),
            may_be_valid: !error.message().contains("semicolon") && is_definition(masked),
            range,
        });
    }
    let found: Vec<SyntaxNode> = statements(&parsed.tree()).collect();
    match found.as_slice() {
        [statement] => Ok(outline_of(statement)),
        several => Err(Problem {
            message: format!("this reads as {} statements up to the next semicolon", several.len()),
            range: visible(masked, 0..0),
            may_be_valid: false,
        }),
    }
}

/// Verbs of statements that define something: PostgreSQL has more forms of them than this program reads, and which are
/// valid the server says.
const DEFINITIONS: [&str; 11] = [
    "ALTER", "COMMENT", "CREATE", "DROP", "GRANT", "IMPORT", "REASSIGN", "REINDEX", "REVOKE", "SECURITY", "VACUUM",
];

fn is_definition(sql: &str) -> bool {
    let mut parts = sql.split_whitespace();
    let verb = parts.next().unwrap_or_default().to_ascii_uppercase();
    parts.next().is_some() && DEFINITIONS.contains(&verb.as_str())
}

/// Returns what the first statement of a text is called, as `CREATE INDEX`.
pub(super) fn command_name(text: &str) -> String {
    of_first(text, command_name::command_name)
}

/// Returns what the first statement of a text says, as far as it can be read: of one that a server was seen to run,
/// perhaps cut off.
pub(super) fn outline(text: &str) -> Outline {
    of_first(text, outline_of)
}

fn of_first<T: Default + Send>(text: &str, read: fn(&SyntaxNode) -> T) -> T {
    let first = || {
        statements(&SourceFile::parse(text).tree())
            .next()
            .map(|statement| read(&statement))
    };
    with_stack_for(text, first).flatten().unwrap_or_default()
}

fn outline_of(statement: &SyntaxNode) -> Outline {
    let routine = routine::routine(statement);
    let mut calls = rows::calls(statement);
    calls.extend(routine.iter().flat_map(|routine| routine.calls.iter().cloned()));
    Outline {
        command: commands::command(statement),
        tables: tables_of(statement),
        creates: creates(statement),
        calls,
        routine,
        place_of_concurrently: commands::place_of_concurrently(statement),
        unread: None,
        dml: dml(statement),
    }
}

/// The parser reports what is missing behind the token before; a person looks at the token that came instead.
fn visible(text: &str, range: Range<usize>) -> Range<usize> {
    if !range.is_empty() {
        return range;
    }
    let rest = &text[range.start..];
    let trimmed = rest.trim_start();
    let start = range.start + rest.len() - trimmed.len();
    let first_is_word = trimmed.starts_with(|first: char| first.is_alphanumeric());
    let length = if first_is_word {
        trimmed.find(|character: char| !character.is_alphanumeric() && character != '_')
    } else {
        trimmed.char_indices().nth(1).map(|(offset, _)| offset)
    };
    start..start + length.unwrap_or(trimmed.len())
}

/// Puts the parser's names of tokens into the words of the text: `found IDENT` → `found SELEC`.
fn in_words(message: &str, found: &str) -> String {
    let (expected, was_found) = match message.split_once(", found ") {
        Some((expected, _)) => (expected, true),
        None => (message, false),
    };
    let expected: Vec<&str> = expected.split(' ').map(token_in_words).collect();
    let expected = expected.join(" ").replace("_KW", "");
    match (was_found, found) {
        (false, _) => expected,
        (true, "") => format!("{expected}, found the end"),
        (true, found) => format!("{expected}, found {found}"),
    }
}

/// Returns what the parser's name of a token stands for.
fn token_in_words(word: &str) -> &str {
    match word.trim_end_matches(',') {
        "L_CURLY" => "{",
        "R_CURLY" => "}",
        "L_PAREN" => "(",
        "R_PAREN" => ")",
        "L_BRACK" => "[",
        "R_BRACK" => "]",
        "COMMA" => "a comma",
        "SEMICOLON" => ";",
        "COLON" => ":",
        "DOT" => "a dot",
        "EQ" => "=",
        "STAR" => "*",
        "IDENT" => "a name",
        "STRING" => "a string",
        "INT_NUMBER" | "FLOAT_NUMBER" | "NUMERIC_NUMBER" => "a number",
        "POSITIONAL_PARAM" => "a parameter",
        _ => word,
    }
}

/// Returns the tables the statement works on, the main one first.
fn tables_of(statement: &SyntaxNode) -> Vec<String> {
    let names = || {
        statement
            .descendants()
            .filter(|node| matches!(node.kind(), SyntaxKind::TABLE_NAME_REF | SyntaxKind::RELATION_NAME_REF))
            .map(|node| written_name(&node))
    };
    match statement.kind() {
        SyntaxKind::UPDATE | SyntaxKind::DELETE | SyntaxKind::INSERT => {
            scope::target(statement).map(|target| target.name).into_iter().collect()
        }
        SyntaxKind::ALTER_TABLE
        | SyntaxKind::CREATE_INDEX
        | SyntaxKind::CREATE_TRIGGER
        | SyntaxKind::CLUSTER
        | SyntaxKind::REINDEX
        | SyntaxKind::COPY
        | SyntaxKind::MERGE => names().take(1).collect(),
        SyntaxKind::TRUNCATE | SyntaxKind::VACUUM | SyntaxKind::ANALYZE | SyntaxKind::DROP_TABLE | SyntaxKind::LOCK => {
            names().collect()
        }
        SyntaxKind::REFRESH => {
            let views = statement
                .descendants()
                .filter(|node| node.kind() == SyntaxKind::VIEW_REF);
            views.map(|node| written_name(&node)).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the names of tables that exist only once the statement has run; one made `IF NOT EXISTS` may exist before.
fn creates(statement: &SyntaxNode) -> Vec<String> {
    let has_condition = statement
        .children()
        .any(|node| node.kind() == SyntaxKind::IF_NOT_EXISTS);
    let made = match statement.kind() {
        SyntaxKind::CREATE_TABLE | SyntaxKind::CREATE_TABLE_AS if !has_condition => SyntaxKind::TABLE_NAME,
        SyntaxKind::SELECT_INTO | SyntaxKind::ALTER_TABLE => SyntaxKind::TABLE_NAME,
        SyntaxKind::CREATE_MATERIALIZED_VIEW if !has_condition => SyntaxKind::VIEW,
        _ => return Vec::new(),
    };
    let named = statement.descendants().find(|node| node.kind() == made);
    named.map(|node| written_name(&node)).into_iter().collect()
}

fn dml(statement: &SyntaxNode) -> Option<Dml> {
    let target = scope::target(statement)?;
    let verb = match statement.kind() {
        SyntaxKind::UPDATE => super::outline::Verb::Update,
        SyntaxKind::DELETE => super::outline::Verb::Delete,
        _ => super::outline::Verb::Insert,
    };
    let has_child = |kind| statement.children().any(|node| node.kind() == kind);
    Some(Dml {
        verb,
        with_clause: has_child(SyntaxKind::WITH_CLAUSE),
        current_of: has_child(SyntaxKind::WHERE_CURRENT_OF),
        limited_subquery: scope::limits_itself(statement, &target),
        assigned: scope::assigned(statement),
        scopes: scope::scopes(statement, &target),
        target,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::command::{Body, Command, Transaction};

    fn check_read(sql: &str, expected: fn(&Command) -> bool, tables: &[&str]) {
        let outline = read(sql).unwrap_or_else(|problem| panic!("{sql}: {}", problem.message));
        assert!(expected(&outline.command), "{sql}: {:?}", outline.command);
        assert_eq!(outline.tables, tables, "{sql}");
    }

    #[test]
    fn commands_are_read() {
        let check = check_read;
        check(
            "create unique index concurrently on only s . t (a)",
            |command| {
                let Command::CreateIndex(create) = command else {
                    return false;
                };
                create.unique && create.concurrently && create.table.only
            },
            &["s.t"],
        );
        check(
            "vacuum (full, analyze) a, b",
            |command| matches!(command, Command::Vacuum(vacuum) if vacuum.full && vacuum.tables.len() == 2),
            &["a", "b"],
        );
        check(
            "vacuum (full off) a",
            |command| matches!(command, Command::Vacuum(vacuum) if !vacuum.full),
            &["a"],
        );
        check(
            "alter table if exists t add foreign key (a) references p",
            |command| matches!(command, Command::AlterTable(alter) if alter.if_exists && alter.actions.len() == 1),
            &["t"],
        );
    }

    #[test]
    fn commands_about_transactions_are_read() {
        let check = check_read;
        check(
            "start transaction",
            |command| *command == Command::Transaction(Transaction::Begin),
            &[],
        );
        check(
            "commit and chain",
            |command| *command == Command::Transaction(Transaction::Commit { chain: true }),
            &[],
        );
        check(
            "commit and no chain",
            |command| *command == Command::Transaction(Transaction::Commit { chain: false }),
            &[],
        );
    }

    #[test]
    fn commands_on_rows_are_read() {
        let check = check_read;
        check(
            "refresh materialized view concurrently mv",
            |command| matches!(command, Command::Refresh(refresh) if refresh.concurrently && refresh.with_data),
            &["mv"],
        );
        check(
            "insert into t select * from u",
            |command| {
                let Command::Query(query) = command else { return false };
                matches!(&query.body, Body::Insert(insert) if insert.table == "t")
            },
            &["t"],
        );
        check(
            "update only \"T\" as x set a = 1 from u",
            |command| {
                let Command::Query(query) = command else { return false };
                matches!(&query.body, Body::Update(update) if update.table.only)
            },
            &["\"T\""],
        );
        check(
            "select 1",
            |command| matches!(command, Command::Query(query) if matches!(query.body, Body::Select(_))),
            &[],
        );
    }

    #[test]
    fn assigned_columns_are_known() {
        fn check(sql: &str, expected: &[(&str, &str)]) {
            let assigned = outline(sql).dml.expect("changes rows").assigned;
            let found: Vec<_> = assigned
                .iter()
                .map(|assignment| (assignment.table.as_str(), assignment.column.as_str()))
                .collect();
            assert_eq!(found, expected, "{sql}");
            for assignment in &assigned {
                assert_eq!(&sql[assignment.range.clone()], assignment.column, "{sql}");
            }
        }
        check(
            "update only s . t as x set a = b, C = (select d from e where f = 1)",
            &[("s.t", "a"), ("s.t", "C")],
        );
        check(
            r#"update t set (a, "B c") = (1, default), d[1] = 2, e.f = 3"#,
            &[("t", "a"), ("t", r#""B c""#), ("t", "d"), ("t", "e")],
        );
        check("update t set (a, b) = (select c, d from e)", &[("t", "a"), ("t", "b")]);
        check("update t set (a) = row(1)", &[("t", "a")]);
        check(
            "with w as (update t set a = 1 returning b) update u set c = w.b from w",
            &[("u", "c"), ("t", "a")],
        );
        check("delete from t where a = 1", &[]);
        check("insert into t (a) select b from u", &[]);
    }

    #[test]
    fn created_names_are_known() {
        fn check(sql: &str, expected: &[&str]) {
            assert_eq!(outline(sql).creates, expected, "{sql}");
        }
        check("create table s.t (a int)", &["s.t"]);
        check("create table if not exists t (a int)", &[]);
        check("alter table t rename to u", &["u"]);
        check("alter table t rename column a to u", &[]);
        check("select 1 as a into u", &["u"]);
        check("create materialized view m as select 1", &["m"]);
    }
}
