//! The SQL parser, behind one door: what a statement does, as plain data.
//!
//! The only file that knows `squawk-syntax`, whose tree nodes change their names between versions. Decides nothing
//! about batches or step kinds.

use std::ops::Range;

use squawk_syntax::ast::AstNode;
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use super::command::Command;
use super::depth::with_stack_for;
use super::outline::{Dml, Outline};

mod alter_table;
mod column_definition;
mod expression;
mod fragment;
mod node;
mod scope;
mod type_name;

pub(super) use fragment::{constraint, expression, type_name};
use node::{bytes, written_name};

/// A place where the text is no valid SQL.
pub(super) struct Problem {
    pub message: String,
    pub range: Range<usize>,
}

/// Returns the first thing wrong with a text that should be exactly one statement.
pub(super) fn problem(masked: &str) -> Option<Problem> {
    with_stack_for(masked, || first_problem(masked)).unwrap_or_else(|| {
        Some(Problem {
            message: "this statement could not be read".to_string(),
            range: visible(masked, 0..0),
        })
    })
}

fn first_problem(masked: &str) -> Option<Problem> {
    let parsed = SourceFile::parse(masked);
    if let Some(error) = parsed.errors().first() {
        let range = visible(masked, bytes(error.range()));
        return Some(Problem {
            message: in_words(error.message(), &masked[range.clone()]),
            range,
        });
    }
    let count = statements(&parsed.tree()).count();
    (count != 1).then(|| Problem {
        message: format!("this reads as {count} statements up to the next semicolon"),
        range: visible(masked, 0..0),
    })
}

/// Returns what the statement does; the text is known to be one valid statement.
pub(super) fn outline(masked: &str) -> Outline {
    with_stack_for(masked, || read_outline(masked)).unwrap_or_default()
}

fn read_outline(masked: &str) -> Outline {
    let parsed = SourceFile::parse(masked);
    match statements(&parsed.tree()).next() {
        Some(statement) => Outline {
            command: command_name(&statement),
            tables: tables(&statement),
            creates: creates(&statement),
            dml: dml(&statement),
        },
        None => Outline::default(),
    }
}

/// Returns what a statement says; the text is known to be one valid statement.
pub(super) fn command(masked: &str) -> Command {
    with_stack_for(masked, || {
        let parsed = SourceFile::parse(masked);
        let statement = statements(&parsed.tree()).next();
        statement.map_or(Command::Other, |statement| read_command(&statement))
    })
    .unwrap_or(Command::Other)
}

fn read_command(statement: &SyntaxNode) -> Command {
    match statement.kind() {
        SyntaxKind::ALTER_TABLE
        | SyntaxKind::ALTER_FOREIGN_TABLE
        | SyntaxKind::ALTER_VIEW
        | SyntaxKind::ALTER_MATERIALIZED_VIEW => {
            alter_table::alter_table(statement).map_or(Command::Other, Command::AlterTable)
        }
        _ => Command::Other,
    }
}

fn statements(file: &SourceFile) -> impl Iterator<Item = SyntaxNode> {
    file.syntax()
        .children()
        .filter(|node| node.kind() != SyntaxKind::EMPTY_STMT)
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
    let expected = expected.replace("_KW", "");
    match (was_found, found) {
        (false, _) => expected,
        (true, "") => format!("{expected}, found the end"),
        (true, found) => format!("{expected}, found {found}"),
    }
}

/// Returns the statement's name, as `CREATE INDEX`; options that change what it does are part of it.
fn command_name(statement: &SyntaxNode) -> String {
    let name = format!("{:?}", statement.kind()).replace('_', " ");
    let has = |kind| {
        let mut tokens = statement.descendants_with_tokens();
        tokens.any(|element| element.kind() == kind)
    };
    match statement.kind() {
        SyntaxKind::VACUUM if has(SyntaxKind::FULL_KW) => format!("{name} FULL"),
        SyntaxKind::REFRESH if has(SyntaxKind::CONCURRENTLY_KW) => format!("{name} CONCURRENTLY"),
        SyntaxKind::COMMIT_TRANSACTION | SyntaxKind::ROLLBACK_TRANSACTION
            if has(SyntaxKind::CHAIN_KW) && !has(SyntaxKind::NO_KW) =>
        {
            format!("{name} AND CHAIN")
        }
        SyntaxKind::CREATE_TABLE if has(SyntaxKind::PARTITION_OF) => format!("{name} PARTITION OF"),
        SyntaxKind::COPY if has(SyntaxKind::COPY_FROM) => format!("{name} FROM"),
        _ => name,
    }
}

/// Returns the tables the statement works on, the main one first.
fn tables(statement: &SyntaxNode) -> Vec<String> {
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

    #[test]
    fn commands_are_named() {
        fn check(sql: &str, command: &str, tables: &[&str]) {
            let outline = outline(sql);
            assert_eq!(
                (outline.command.as_str(), outline.tables),
                (command, tables.iter().map(|name| (*name).to_owned()).collect()),
                "{sql}"
            );
        }
        check(
            "create unique index concurrently on only s . t (a)",
            "CREATE INDEX",
            &["s.t"],
        );
        check("vacuum (full, analyze) a, b", "VACUUM FULL", &["a", "b"]);
        check(
            "alter table if exists t add foreign key (a) references p",
            "ALTER TABLE",
            &["t"],
        );
        check("commit and chain", "COMMIT TRANSACTION AND CHAIN", &[]);
        check("commit and no chain", "COMMIT TRANSACTION", &[]);
        check(
            "refresh materialized view concurrently mv",
            "REFRESH CONCURRENTLY",
            &["mv"],
        );
        check("insert into t select * from u", "INSERT", &["t"]);
        check("update only \"T\" as x set a = 1 from u", "UPDATE", &["\"T\""]);
        check("start transaction", "BEGIN", &[]);
        check("select 1", "SELECT", &[]);
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
