//! Places and names of the parser's nodes.

use std::ops::Range;

use squawk_syntax::{SyntaxNode, SyntaxToken};

use super::super::names::name_path;

/// Returns a range of the parser's as one of bytes.
pub(super) fn bytes(range: impl Into<Range<usize>>) -> Range<usize> {
    range.into()
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
