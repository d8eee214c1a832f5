//! What a statement is called, as `CREATE INDEX`.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::node::{child_of, tokens};
use crate::migration::command::ObjectKind;

/// Returns the command of a statement in upper case; empty for a query in parentheses.
pub(super) fn command_name(node: &SyntaxNode) -> String {
    let of_node = format!("{:?}", node.kind()).replace('_', " ");
    match of_node.split_once(' ') {
        Some((verb @ ("CREATE" | "ALTER" | "DROP"), what)) => {
            let kind = ObjectKind::named(what.trim_end_matches(" AS"));
            match kind {
                Some(kind) => format!("{verb} {}", kind.keywords()),
                None => format!("{verb} {what}"),
            }
        }
        Some(("COMMENT", _)) => {
            let object = node
                .first_child()
                .map(|object| format!("{:?}", object.kind()).replace('_', " "));
            let object = object.as_deref().and_then(|object| object.strip_prefix("OBJECT "));
            format!("COMMENT ON {}", object.unwrap_or_default())
        }
        _ => match node.kind() {
            SyntaxKind::REFRESH => "REFRESH MATERIALIZED VIEW".to_owned(),
            SyntaxKind::REINDEX => {
                let targets = [
                    SyntaxKind::REINDEX_TARGET_DATABASE,
                    SyntaxKind::REINDEX_TARGET_INDEX,
                    SyntaxKind::REINDEX_TARGET_SCHEMA,
                    SyntaxKind::REINDEX_TARGET_SYSTEM,
                    SyntaxKind::REINDEX_TARGET_TABLE,
                ];
                let target = child_of(node, &targets).map(|target| first_word(&target));
                format!("REINDEX {}", target.unwrap_or_default())
            }
            _ => first_word(node),
        },
    }
}

/// Returns the first word in upper case; nothing where something else stands first.
fn first_word(node: &SyntaxNode) -> String {
    let first = tokens(node)
        .next()
        .map(|token| token.text().to_owned())
        .unwrap_or_default();
    if first.starts_with(|first: char| first.is_ascii_alphabetic()) {
        first.to_ascii_uppercase()
    } else {
        String::new()
    }
}
