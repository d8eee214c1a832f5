//! Which reader reads which statement: from the parser's node to the command.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::node::{bytes, child, descendant, has, last_name, string, written_name};
use super::{alter_table, named_table, objects, rows, session, table_part, tables};
use crate::migration::command::{Command, ObjectKind};

/// Reads a statement; [`Command::Other`] is one that no rule knows.
pub(super) fn command(node: &SyntaxNode) -> Command {
    of_rows(node)
        .or_else(|| of_tables(node))
        .or_else(|| of_objects(node))
        .or_else(|| session::transaction(node).map(Command::Transaction))
        .or_else(|| session::session(node).map(Command::Session))
        .or_else(|| objects::of_object(node))
        .unwrap_or_default()
}

fn of_rows(node: &SyntaxNode) -> Option<Command> {
    match node.kind() {
        SyntaxKind::COPY => rows::copy(node).map(Command::Copy),
        _ => rows::query(node).map(Command::Query),
    }
}

fn of_tables(node: &SyntaxNode) -> Option<Command> {
    Some(match node.kind() {
        SyntaxKind::ALTER_TABLE | SyntaxKind::ALTER_INDEX | SyntaxKind::ALTER_MATERIALIZED_VIEW
            if has(node, SyntaxKind::ALL_IN_TABLESPACE) =>
        {
            Command::AlterAllInTablespace
        }
        SyntaxKind::ALTER_TABLE
        | SyntaxKind::ALTER_FOREIGN_TABLE
        | SyntaxKind::ALTER_VIEW
        | SyntaxKind::ALTER_MATERIALIZED_VIEW => Command::AlterTable(alter_table::alter_table(node)?),
        SyntaxKind::CREATE_TABLE => Command::CreateTable(tables::create_table(node, ObjectKind::Table)),
        SyntaxKind::CREATE_TABLE_AS => Command::CreateTableAs(tables::create_table_as(node, ObjectKind::Table)),
        SyntaxKind::CREATE_VIEW => Command::CreateView(tables::create_table_as(node, ObjectKind::View)),
        SyntaxKind::CREATE_MATERIALIZED_VIEW => {
            Command::CreateTableAs(tables::create_table_as(node, ObjectKind::MaterializedView))
        }
        SyntaxKind::TRUNCATE => Command::Truncate(tables::truncate(node)),
        SyntaxKind::LOCK => Command::Lock(tables::lock(node)?),
        SyntaxKind::VACUUM => Command::Vacuum(tables::vacuum(node)),
        SyntaxKind::ANALYZE => Command::Analyze(named_table::named_tables(node)),
        SyntaxKind::CLUSTER => Command::Cluster(tables::cluster(node)),
        SyntaxKind::REFRESH => Command::Refresh(tables::refresh(node)?),
        SyntaxKind::CREATE_INDEX => Command::CreateIndex(tables::create_index(node)?),
        SyntaxKind::ALTER_INDEX => Command::AlterIndex(tables::alter_index(node)?),
        SyntaxKind::REINDEX => Command::Reindex(tables::reindex(node)?),
        _ => return None,
    })
}

fn of_objects(node: &SyntaxNode) -> Option<Command> {
    if let Some(part) = table_part::table_part(node) {
        return Some(Command::TablePart(part));
    }
    Some(match node.kind() {
        SyntaxKind::ALTER_SEQUENCE => Command::AlterSequence(objects::alter_sequence(node)?),
        SyntaxKind::ALTER_TYPE => Command::AlterType(objects::alter_type(node)?),
        SyntaxKind::ALTER_DOMAIN => Command::AlterDomain(objects::alter_domain(node)?),
        SyntaxKind::ALTER_SYSTEM => Command::AlterSystem,
        SyntaxKind::CREATE_DOMAIN => objects::create_domain(node)?,
        SyntaxKind::CREATE_SCHEMA => Command::CreateSchema {
            made: objects::creation(node, ObjectKind::Schema),
            elements: {
                let elements = node.children().map(|element| command(&element));
                // Its name and owner are no statements.
                elements.filter(|element| *element != Command::Other).collect()
            },
        },
        SyntaxKind::CREATE_STATISTICS => objects::create_statistics(node)?,
        SyntaxKind::CREATE_PUBLICATION | SyntaxKind::ALTER_PUBLICATION => {
            Command::Publication(objects::publication(node))
        }
        SyntaxKind::COMMENT_ON => Command::Comment(objects::comment(node)?),
        SyntaxKind::DROP_OWNED => Command::DropOwned(objects::roles(node)),
        SyntaxKind::REASSIGN => Command::ReassignOwned(objects::roles(node)),
        SyntaxKind::GRANT | SyntaxKind::REVOKE | SyntaxKind::SECURITY_LABEL | SyntaxKind::ALTER_DEFAULT_PRIVILEGES => {
            Command::Privileges
        }
        SyntaxKind::DO => {
            let body = child(node, SyntaxKind::LITERAL)?;
            Command::Do(string(&body).unwrap_or_else(|| written_name(&body)))
        }
        SyntaxKind::CALL => Command::Call(last_name(&child(node, SyntaxKind::PROCEDURE_NAME_REF)?)),
        SyntaxKind::EXPLAIN => Command::Explain,
        _ => return None,
    })
}

/// Returns where `CONCURRENTLY` could be written, in a command that has it and does without.
pub(super) fn place_of_concurrently(node: &SyntaxNode) -> Option<usize> {
    let (home, keyword) = match node.kind() {
        SyntaxKind::CREATE_INDEX => (node.clone(), SyntaxKind::INDEX_KW),
        SyntaxKind::REFRESH => (node.clone(), SyntaxKind::VIEW_KW),
        SyntaxKind::REINDEX if descendant(node, SyntaxKind::REINDEX_OPTION_CONCURRENTLY).is_none() => {
            match (
                child(node, SyntaxKind::REINDEX_TARGET_INDEX),
                child(node, SyntaxKind::REINDEX_TARGET_TABLE),
            ) {
                (Some(index), _) => (index, SyntaxKind::INDEX_KW),
                (_, Some(table)) => (table, SyntaxKind::TABLE_KW),
                (None, None) => return None,
            }
        }
        _ => return None,
    };
    if has(&home, SyntaxKind::CONCURRENTLY_KW) {
        return None;
    }
    let token = home.children_with_tokens().find(|element| element.kind() == keyword)?;
    Some(bytes(token.text_range()).end)
}
