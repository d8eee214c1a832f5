//! Reads statements about whole tables, materialised views and indexes.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::alter_table::partition_bound;
use super::column_definition::{column, table_constraint};
use super::named_table::{NAMES, named_table, named_tables};
use super::node::{child, child_of, descendant, has, last_name, written, written_name};
use super::objects::creation;
use super::rows::query_in;
use crate::migration::LockMode;
use crate::migration::command::{
    AlterIndex, Cluster, CreateIndex, CreateTable, CreateTableAs, IndexAction, Like, Lock, ObjectKind, PartitionBound,
    Refresh, Reindex, ReindexTarget, Truncate, Vacuum,
};

fn names_in(node: &SyntaxNode) -> Vec<String> {
    let names = node.children().filter(|part| NAMES.contains(&part.kind()));
    names.map(|name| written_name(&name)).collect()
}

pub(super) fn create_table(node: &SyntaxNode, kind: ObjectKind) -> CreateTable {
    let elements = child(node, SyntaxKind::TABLE_ARG_LIST);
    let elements: Vec<SyntaxNode> = elements.iter().flat_map(|list| list.children()).collect();
    let columns = elements.iter().cloned().filter_map(ast::Column::cast);
    let constraints = elements.iter().cloned().filter_map(ast::Constraint::cast);
    let inherits = child(node, SyntaxKind::INHERITS).map(|parents| names_in(&parents));
    CreateTable {
        made: creation(node, kind),
        columns: columns.filter_map(|column| self::column(&column)).collect(),
        constraints: constraints
            .filter_map(|constraint| table_constraint(&constraint))
            .collect(),
        inherits: inherits.unwrap_or_default(),
        partition_of: partition_of(node),
        partition_key: child(node, SyntaxKind::PARTITION_BY).map(|key| {
            let text = written(&key);
            text.split_whitespace().skip(2).collect::<Vec<_>>().join(" ")
        }),
        like: elements.iter().filter_map(like).collect(),
        of_type: child(node, SyntaxKind::OF_TYPE)
            .and_then(|of| descendant(&of, SyntaxKind::PATH_REF))
            .map(|name| written_name(&name)),
    }
}

fn like(node: &SyntaxNode) -> Option<Like> {
    let table = child_of(node, &NAMES).filter(|_| node.kind() == SyntaxKind::LIKE_CLAUSE)?;
    let says = |property| {
        let included = node
            .children()
            .filter(|part| part.kind() == SyntaxKind::INCLUDING_PROPERTY);
        included
            .into_iter()
            .any(|part| has(&part, SyntaxKind::PROPERTY_ALL) || has(&part, property))
    };
    Some(Like {
        table: written_name(&table),
        with_indexes: says(SyntaxKind::PROPERTY_INDEXES),
        with_checks: says(SyntaxKind::PROPERTY_CONSTRAINTS),
    })
}

fn partition_of(node: &SyntaxNode) -> Option<(String, PartitionBound)> {
    let parent = names_in(&child(node, SyntaxKind::PARTITION_OF)?).pop()?;
    let bound = node.children().find_map(ast::PartitionType::cast)?;
    Some((parent, partition_bound(&bound)))
}

pub(super) fn create_table_as(node: &SyntaxNode, kind: ObjectKind) -> CreateTableAs {
    CreateTableAs {
        made: creation(node, kind),
        query: query_in(node),
        with_data: !has(node, SyntaxKind::WITH_NO_DATA),
    }
}

pub(super) fn truncate(node: &SyntaxNode) -> Truncate {
    Truncate {
        tables: named_tables(node),
        cascade: has(node, SyntaxKind::CASCADE),
        restart_identity: has(node, SyntaxKind::RESTART_IDENTITY),
    }
}

pub(super) fn lock(node: &SyntaxNode) -> Option<Lock> {
    let mode = child(node, SyntaxKind::LOCK_MODE_CLAUSE).and_then(|clause| clause.first_child());
    Some(Lock {
        tables: named_tables(node),
        mode: match mode {
            Some(mode) => LockMode::from_words(&written(&mode))?,
            None => LockMode::AccessExclusive,
        },
    })
}

pub(super) fn vacuum(node: &SyntaxNode) -> Vacuum {
    let options = child(node, SyntaxKind::VACUUM_OPTION_LIST);
    let options = options.iter().flat_map(|list| list.children());
    let options: Vec<SyntaxNode> = options.collect();
    let option = |wanted: &str| {
        let is_called = |option: &&SyntaxNode| {
            let name = child(option, SyntaxKind::VACUUM_OPTION_NAME);
            name.is_some_and(|name| written(&name).eq_ignore_ascii_case(wanted))
        };
        options.iter().rfind(is_called).map(is_on)
    };
    Vacuum {
        full: has(node, SyntaxKind::FULL_KW) || option("full") == Some(true),
        main: option("process_main") != Some(false),
        tables: named_tables(node),
    }
}

/// Says whether an option in parentheses is on: it is unless its value says otherwise.
fn is_on(option: &SyntaxNode) -> bool {
    let value = option
        .last_child_or_token()
        .filter(|_| option.children_with_tokens().count() > 1);
    value.is_none_or(|value| {
        let value = value.to_string().to_ascii_lowercase();
        !matches!(value.trim_matches('\''), "false" | "off" | "no" | "0")
    })
}

pub(super) fn cluster(node: &SyntaxNode) -> Cluster {
    let table = descendant(node, SyntaxKind::TABLE_NAME_REF);
    Cluster {
        table: table.map(|name| written_name(&name)),
    }
}

pub(super) fn refresh(node: &SyntaxNode) -> Option<Refresh> {
    Some(Refresh {
        view: written_name(&child(node, SyntaxKind::VIEW_REF)?),
        concurrently: has(node, SyntaxKind::CONCURRENTLY_KW),
        with_data: !has(node, SyntaxKind::WITH_NO_DATA),
    })
}

pub(super) fn create_index(node: &SyntaxNode) -> Option<CreateIndex> {
    let items = child(node, SyntaxKind::PARTITION_ITEM_LIST)?;
    let keys: Vec<SyntaxNode> = items.children().filter_map(|item| item.first_child()).collect();
    let is_column = |key: &SyntaxNode| key.kind() == SyntaxKind::NAME_REF;
    Some(CreateIndex {
        name: child(node, SyntaxKind::INDEX).map(|name| last_name(&name)),
        table: named_table(&child(node, SyntaxKind::TABLE_RELATION_NAME)?)?,
        plain: keys.iter().all(is_column) && !has(node, SyntaxKind::WHERE_CLAUSE),
        columns: keys.iter().map(index_column).collect(),
        unique: has(node, SyntaxKind::UNIQUE_KW),
        concurrently: has(node, SyntaxKind::CONCURRENTLY_KW),
        if_not_exists: has(node, SyntaxKind::IF_NOT_EXISTS),
    })
}

/// Returns what the server calls a column of an index, after `ChooseIndexColumnNames` in `indexcmds.c`.
fn index_column(key: &SyntaxNode) -> String {
    match key.kind() {
        SyntaxKind::NAME_REF => last_name(key),
        SyntaxKind::CALL_EXPR => child_of(key, &[SyntaxKind::NAME_REF, SyntaxKind::FIELD_EXPR])
            .map_or_else(|| "expr".to_owned(), |name| last_name(&name)),
        _ => "expr".to_owned(),
    }
}

pub(super) fn alter_index(node: &SyntaxNode) -> Option<AlterIndex> {
    let part = |kind| child(node, kind);
    let action = if let Some(renamed) = part(SyntaxKind::INDEX_RENAME_TO) {
        IndexAction::Rename(last_name(&child(&renamed, SyntaxKind::INDEX)?))
    } else if let Some(moved) = part(SyntaxKind::SET_TABLESPACE) {
        IndexAction::SetTablespace(last_name(&child(&moved, SyntaxKind::TABLESPACE_REF)?))
    } else {
        let parameters = [
            SyntaxKind::SET_OPTIONS,
            SyntaxKind::RESET_OPTIONS,
            SyntaxKind::ALTER_SET_STATISTICS,
        ];
        match child_of(node, &parameters) {
            Some(_) => IndexAction::Parameters(option_names(node)),
            None => match part(SyntaxKind::ATTACH_INDEX_PARTITION) {
                Some(attached) => IndexAction::Attach(written_name(&child(&attached, SyntaxKind::INDEX_REF)?)),
                None => IndexAction::Other,
            },
        }
    };
    Some(AlterIndex {
        index: written_name(&part(SyntaxKind::INDEX_REF)?),
        if_exists: has(node, SyntaxKind::IF_EXISTS),
        action,
    })
}

fn option_names(node: &SyntaxNode) -> Vec<String> {
    let names = node
        .descendants()
        .filter(|part| part.kind() == SyntaxKind::ATTRIBUTE_NAME);
    names.map(|name| written_name(&name).to_ascii_lowercase()).collect()
}

pub(super) fn reindex(node: &SyntaxNode) -> Option<Reindex> {
    let target = node
        .children()
        .find(|part| part.kind() != SyntaxKind::REINDEX_OPTION_LIST)?;
    let name = target.first_child().map(|name| written_name(&name));
    let option = descendant(node, SyntaxKind::REINDEX_OPTION_CONCURRENTLY);
    Some(Reindex {
        concurrently: has(&target, SyntaxKind::CONCURRENTLY_KW) || option.is_some_and(|option| is_on(&option)),
        target: match target.kind() {
            SyntaxKind::REINDEX_TARGET_INDEX => ReindexTarget::Index(name?),
            SyntaxKind::REINDEX_TARGET_TABLE => ReindexTarget::Table(name?),
            SyntaxKind::REINDEX_TARGET_SCHEMA => ReindexTarget::Schema(name?),
            _ => ReindexTarget::Database(name),
        },
    })
}
