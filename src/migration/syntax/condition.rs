//! What a condition that stands alone uses, read from the parser's tree.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use super::super::depth::with_stack_for;
use super::node::{child, child_of, range_of, statements, tokens};

/// What a condition uses besides columns, values and the operators that are found by their operands. Names are as
/// written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::migration) enum Use {
    /// A function, or what the grammar calls like one; the parts of its name.
    Function(Vec<String>),
    /// The type of a value or of a cast; the parts of its name.
    Type(Vec<String>),
    /// A query, a window, a collation or an operator that is called by its name; the first word of it.
    Other(String),
}

/// Returns what a condition uses, in the order of the text; `None` for what is no condition.
pub(in crate::migration) fn uses(condition: &str) -> Option<Vec<Use>> {
    of_condition(condition, |node| {
        let mut found = Vec::new();
        add_uses(node, &mut found);
        found
    })
}

/// Returns the words of a condition that may be names, as written; `None` for what is no condition.
pub(in crate::migration) fn words(condition: &str) -> Option<Vec<String>> {
    of_condition(condition, |node| {
        let texts = tokens(node).map(|token| token.text().to_owned());
        texts
            .filter(|text| text.starts_with(|first: char| first.is_alphabetic() || first == '_' || first == '"'))
            .collect()
    })
}

/// Reads a condition by putting it into a statement, from which it must not break out.
fn of_condition<T: Send>(condition: &str, read: fn(&SyntaxNode) -> T) -> Option<T> {
    let text = format!("SELECT WHERE ({condition}\n)");
    let within = || {
        let parsed = SourceFile::parse(&text);
        let tree = parsed.tree();
        let mut found = statements(&tree);
        let select = found
            .next()
            .filter(|_| parsed.errors().is_empty() && found.next().is_none())?;
        let parenthesis = child(&child(&select, SyntaxKind::WHERE_CLAUSE)?, SyntaxKind::PAREN_EXPR)?;
        let is_whole = range_of(&parenthesis) == ("SELECT WHERE ".len()..text.len());
        is_whole.then(|| read(&parenthesis))
    };
    with_stack_for(&text, within).flatten()
}

fn add_uses(node: &SyntaxNode, found: &mut Vec<Use>) {
    let first_word = |node: &SyntaxNode| {
        tokens(node)
            .next()
            .map(|token| token.text().to_owned())
            .unwrap_or_default()
    };
    match node.kind() {
        SyntaxKind::CALL_EXPR => found.push(Use::Function(
            match child_of(node, &[SyntaxKind::NAME_REF, SyntaxKind::FIELD_EXPR]) {
                Some(name) => parts(&name),
                None => vec![first_word(node)],
            },
        )),
        SyntaxKind::OVER_CLAUSE | SyntaxKind::FILTER_CLAUSE | SyntaxKind::WITHIN_CLAUSE | SyntaxKind::OPERATOR_CALL => {
            found.push(Use::Other(first_word(node)));
        }
        SyntaxKind::COLLATE => found.push(Use::Other("COLLATE".to_owned())),
        kind if ast::SelectVariant::can_cast(kind) => found.push(Use::Other(first_word(node))),
        kind if ast::Type::can_cast(kind) => {
            let path = node.descendants().find(|part| part.kind() == SyntaxKind::PATH_REF);
            found.push(Use::Type(
                path.map_or_else(|| vec![first_word(node)], |path| parts(&path)),
            ));
        }
        _ => {}
    }
    node.children().for_each(|part| add_uses(&part, found));
}

/// Returns the parts of a name that is parted by dots.
fn parts(name: &SyntaxNode) -> Vec<String> {
    let parts = tokens(name).filter(|token| token.kind() != SyntaxKind::DOT);
    parts.map(|token| token.text().to_owned()).collect()
}
