//! Syntax that a server is too old for.

use crate::migration::Statement;
use crate::migration::command::{
    Body, ColumnAction, ColumnDefinition, Command, ConstraintDefinition, DetachManner, ObjectKind, PartVerb,
    TableAction, TableConstraint,
};
use crate::migration::lexer::{Lexer, TokenKind};

/// Words that follow one another in no statement of an older version.
const PHRASES: [(&[&str], u32); 2] = [
    (&["nulls", "not", "distinct"], 150_000),
    (&["without", "overlaps"], 180_000),
];

/// Returns what a server of this version does not know yet.
pub(super) fn too_new(statement: &Statement, version: u32) -> Vec<String> {
    let mut needs = of_command(statement.command());
    let words = words(&statement.sql);
    for (phrase, since) in PHRASES {
        if words.windows(phrase.len()).any(|found| found == phrase) {
            needs.push((phrase.join(" ").to_uppercase(), since));
        }
    }
    needs.retain(|(_, since)| version < *since);
    needs.dedup();
    let in_words = |(what, since): (String, u32)| format!("{what} needs PostgreSQL {}", since / 10_000);
    needs.into_iter().map(in_words).collect()
}

fn of_command(command: &Command) -> Vec<(String, u32)> {
    let mut needs = Vec::new();
    match command {
        Command::AlterTable(alter) => alter.actions.iter().for_each(|action| of_action(action, &mut needs)),
        Command::CreateTable(create) => {
            create.columns.iter().for_each(|column| of_column(column, &mut needs));
            create
                .constraints
                .iter()
                .for_each(|constraint| of_constraint(constraint, &mut needs));
            if create.constraints.iter().any(is_not_null) {
                needs.push(("NOT NULL as a constraint of the table".to_owned(), 180_000));
            }
        }
        Command::TablePart(part) if part.kind == ObjectKind::Trigger && part.verb == PartVerb::Replace => {
            needs.push(("CREATE OR REPLACE TRIGGER".to_owned(), 140_000));
        }
        Command::Query(query) if matches!(query.body, Body::Merge(_)) => needs.push(("MERGE".to_owned(), 150_000)),
        _ => {}
    }
    needs
}

fn of_action(action: &TableAction, needs: &mut Vec<(String, u32)>) {
    let mut need = |what: &str, since| needs.push((what.to_owned(), since));
    match action {
        TableAction::AddColumn { column, .. } => of_column(column, needs),
        TableAction::AddConstraint(constraint) => {
            if is_not_null(constraint) {
                need("NOT NULL as a constraint of the table", 180_000);
            }
            of_constraint(constraint, needs);
        }
        TableAction::AlterColumn { action, .. } => match action {
            ColumnAction::SetExpression(_) => need("SET EXPRESSION", 170_000),
            ColumnAction::SetCompression => need("SET COMPRESSION", 140_000),
            _ => {}
        },
        TableAction::DetachPartition { manner, .. } if *manner != DetachManner::AtOnce => {
            need("DETACH PARTITION … CONCURRENTLY", 140_000);
        }
        TableAction::SetAccessMethod(None) => need("SET ACCESS METHOD DEFAULT", 170_000),
        TableAction::SetAccessMethod(Some(_)) => need("SET ACCESS METHOD", 150_000),
        _ => {}
    }
}

fn is_not_null(constraint: &TableConstraint) -> bool {
    constraint.definition == ConstraintDefinition::NotNull
}

fn of_column(column: &ColumnDefinition, needs: &mut Vec<(String, u32)>) {
    if column.is_virtual() {
        needs.push(("a virtual generated column".to_owned(), 180_000));
    }
    column
        .constraints
        .iter()
        .for_each(|constraint| of_constraint(constraint, needs));
}

fn of_constraint(constraint: &TableConstraint, needs: &mut Vec<(String, u32)>) {
    if constraint.not_enforced {
        needs.push(("NOT ENFORCED".to_owned(), 180_000));
    }
}

/// Returns the unquoted words of a statement, in lower case.
fn words(sql: &str) -> Vec<String> {
    let mut lexer = Lexer::new(sql);
    let mut found = Vec::new();
    while let Ok(Some(token)) = lexer.next() {
        match token.kind {
            TokenKind::Space | TokenKind::Comment => {}
            TokenKind::Word => found.push(sql[token.range].to_ascii_lowercase()),
            _ => found.push(String::new()),
        }
    }
    found
}
