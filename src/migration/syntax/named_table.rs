//! Tables as statements name them, with `ONLY` and without.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::node::{child_of, has, written_name};
use crate::migration::command::NamedTable;

/// How the tree calls the name of a table.
pub(super) const NAMES: [SyntaxKind; 2] = [SyntaxKind::TABLE_NAME_REF, SyntaxKind::RELATION_NAME_REF];

/// Reads a table that may stand behind `ONLY`.
pub(super) fn named_table(node: &SyntaxNode) -> Option<NamedTable> {
    Some(NamedTable {
        name: written_name(&child_of(node, &NAMES)?),
        only: has(node, SyntaxKind::ONLY_KW),
    })
}

/// Returns the tables of a statement that lists them.
pub(super) fn named_tables(node: &SyntaxNode) -> Vec<NamedTable> {
    let listed = [
        SyntaxKind::TABLE_RELATION_NAME,
        SyntaxKind::RELATION_NAME,
        SyntaxKind::PUBLICATION_OBJECT_TABLE,
    ];
    let nodes = node.descendants().filter(|part| listed.contains(&part.kind()));
    nodes.filter_map(|part| named_table(&part)).collect()
}
