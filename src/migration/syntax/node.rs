//! Places and names of the parser's nodes.

use std::ops::Range;

use squawk_syntax::SyntaxNode;

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
    node.descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| !token.kind().is_trivia())
        .map(|token| token.text().to_owned())
        .collect()
}
