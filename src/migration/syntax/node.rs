//! Places, names and parts of the parser's nodes.

use std::ops::Range;

use squawk_syntax::ast::AstNode;
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode, SyntaxToken};

use super::super::names::name_path;

/// Returns a range of the parser's as one of bytes.
pub(super) fn bytes(range: impl Into<Range<usize>>) -> Range<usize> {
    range.into()
}

/// Returns the statements of a text.
pub(super) fn statements(file: &SourceFile) -> impl Iterator<Item = SyntaxNode> {
    let all = file.syntax().children();
    all.filter(|node| node.kind() != SyntaxKind::EMPTY_STMT)
}

/// Returns where a node stands, in bytes.
pub(super) fn range_of(node: &SyntaxNode) -> Range<usize> {
    bytes(node.text_range())
}

/// Returns a name without the spaces and comments that may stand inside.
pub(super) fn written_name(node: &SyntaxNode) -> String {
    tokens(node).map(|token| token.text().to_owned()).collect()
}

/// Returns a single name as PostgreSQL sees it.
pub(super) fn name(node: &SyntaxNode) -> String {
    name_path(&written_name(node)).concat()
}

/// Returns what a node says as written, with single spaces where spaces, line ends and comments stand.
pub(super) fn written(node: &SyntaxNode) -> String {
    let mut text = String::new();
    let mut parted = false;
    for token in node
        .descendants_with_tokens()
        .filter_map(|element| element.into_token())
    {
        if token.kind().is_trivia() {
            parted = true;
            continue;
        }
        if parted && !text.is_empty() {
            text.push(' ');
        }
        parted = false;
        text.push_str(token.text());
    }
    text
}

/// Returns the tokens of a node without spaces and comments.
pub(super) fn tokens(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> + use<> {
    node.descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| !token.kind().is_trivia())
}

/// Returns the last part of a name as PostgreSQL sees it.
pub(super) fn last_name(node: &SyntaxNode) -> String {
    name_path(&written_name(node)).pop().unwrap_or_default()
}

/// Returns the first child of this kind.
pub(super) fn child(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.children().find(|part| part.kind() == kind)
}

/// Returns the first child that is of one of the kinds.
pub(super) fn child_of(node: &SyntaxNode, kinds: &[SyntaxKind]) -> Option<SyntaxNode> {
    node.children().find(|part| kinds.contains(&part.kind()))
}

/// Returns the first node of this kind within.
pub(super) fn descendant(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.descendants().find(|part| part.kind() == kind)
}

/// Says whether a node has such a token or node as a direct part.
pub(super) fn has(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.children_with_tokens().any(|element| element.kind() == kind)
}

/// Returns the content of the string that a node is.
pub(super) fn string(node: &SyntaxNode) -> Option<String> {
    let text = written_name(node);
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    Some(inner.replace("''", "'"))
}

/// Returns the contents of the strings that are a node's parts.
pub(super) fn strings(node: &SyntaxNode) -> Vec<String> {
    let literals = node.children().filter(|part| part.kind() == SyntaxKind::LITERAL);
    literals.filter_map(|literal| string(&literal)).collect()
}
