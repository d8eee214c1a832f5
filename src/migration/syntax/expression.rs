//! Expressions, read from the parser's tree.
//!
//! Where that tree differs from PostgreSQL's grammar (`a_expr` and `c_expr` in `src/backend/parser/gram.y`): it shows
//! `COALESCE (…)` and its like as calls of functions, and `CURRENT_DATE` and its like as names.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxElement, SyntaxKind, SyntaxNode};

use super::super::command::Expression;
use super::node::{name, tokens, written};
use super::scope::VALUE_KEYWORDS;
use super::type_name::type_name;

/// Levels of an expression that are looked into; chains of `AND` and `OR` are one. What is read is walked on any
/// thread's stack.
const DEEPEST: usize = 200;

/// What looks like a call and is `func_expr_common_subexpr` of the grammar.
const GRAMMARS_OWN: &[&str] = &[
    "coalesce",
    "current_schema",
    "current_time",
    "current_timestamp",
    "greatest",
    "grouping",
    "least",
    "localtime",
    "localtimestamp",
    "merge_action",
    "normalize",
    "nullif",
    "row",
    "xmlconcat",
];

/// Says whether the grammar itself knows what looks like a function of this name.
pub(super) fn is_grammars_own(function: &str) -> bool {
    GRAMMARS_OWN.iter().any(|known| known.eq_ignore_ascii_case(function))
}

/// Reads an expression.
pub(super) fn expression(expr: &ast::Expr) -> Expression {
    read(expr, 0)
}

fn read(expr: &ast::Expr, level: usize) -> Expression {
    if level > DEEPEST {
        return Expression::TooDeep;
    }
    match expr {
        ast::Expr::Literal(found) => literal(found),
        ast::Expr::NameRef(found) => name_or_keyword(found),
        ast::Expr::FieldExpr(found) => match path(expr) {
            Some(path) => Expression::Name(path),
            None => built_in("field", found.syntax(), level),
        },
        ast::Expr::ParenExpr(found) => match found.expr() {
            Some(inner) => read(&inner, level + 1),
            None => Expression::Subquery,
        },
        ast::Expr::BinExpr(found) => binary(found, level),
        ast::Expr::PrefixExpr(found) => match found.expr() {
            Some(inner) if operator(found.syntax()) == "not" => Expression::Not(Box::new(read(&inner, level + 1))),
            _ => operation(found.syntax(), level),
        },
        ast::Expr::PostfixExpr(found) => match (operator(found.syntax()).as_str(), found.expr()) {
            ("isnull", Some(inner)) => Expression::IsNull(Box::new(read(&inner, level + 1))),
            ("notnull", Some(inner)) => Expression::IsNotNull(Box::new(read(&inner, level + 1))),
            _ => operation(found.syntax(), level),
        },
        ast::Expr::BetweenExpr(found) => operation(found.syntax(), level),
        ast::Expr::CastExpr(found) => cast(found, level),
        ast::Expr::CallExpr(found) => call(found, level),
        ast::Expr::CaseExpr(found) => built_in("case", found.syntax(), level),
        ast::Expr::ArrayExpr(found) => built_in("array", found.syntax(), level),
        ast::Expr::TupleExpr(found) => built_in("row", found.syntax(), level),
        ast::Expr::IndexExpr(found) => built_in("[]", found.syntax(), level),
        ast::Expr::SliceExpr(found) => built_in("[:]", found.syntax(), level),
        ast::Expr::Collate(found) => {
            let collation = found.collation_ref().map(|collation| written(collation.syntax()));
            built_in(
                &format!("collate {}", collation.unwrap_or_default()),
                found.syntax(),
                level,
            )
        }
    }
}

fn literal(found: &ast::Literal) -> Expression {
    match found.kind() {
        Some(ast::LitKind::Null(_)) => Expression::Null,
        Some(ast::LitKind::True(_)) => Expression::Boolean(true),
        Some(ast::LitKind::False(_)) => Expression::Boolean(false),
        Some(ast::LitKind::IntNumber(token) | ast::LitKind::NumericNumber(token)) => {
            Expression::Number(token.text().to_owned())
        }
        _ => match found.string_value() {
            Some(text) => Expression::Text(text),
            None => Expression::OtherLiteral(written(found.syntax())),
        },
    }
}

fn name_or_keyword(found: &ast::NameRef) -> Expression {
    let is_value = tokens(found.syntax()).any(|token| VALUE_KEYWORDS.contains(&token.kind()));
    if is_value {
        return Expression::BuiltIn {
            name: written(found.syntax()).to_ascii_lowercase(),
            operands: Vec::new(),
        };
    }
    Expression::Name(vec![name(found.syntax())])
}

/// Returns the parts of a qualified name, when it is nothing else.
fn path(expr: &ast::Expr) -> Option<Vec<String>> {
    match expr {
        ast::Expr::NameRef(found) => Some(vec![name(found.syntax())]),
        ast::Expr::FieldExpr(found) => {
            let mut path = path(&found.base()?)?;
            path.push(found.field().map_or("*".to_owned(), |field| name(field.syntax())));
            Some(path)
        }
        _ => None,
    }
}

fn binary(found: &ast::BinExpr, level: usize) -> Expression {
    match operator(found.syntax()).as_str() {
        "and" => Expression::All(chain(found, "and", level)),
        "or" => Expression::Any(chain(found, "or", level)),
        test @ ("is" | "is not") => match (found.lhs(), found.rhs()) {
            (Some(value), Some(ast::Expr::Literal(null))) if literal(&null) == Expression::Null => {
                let value = Box::new(read(&value, level + 1));
                if test == "is" {
                    Expression::IsNull(value)
                } else {
                    Expression::IsNotNull(value)
                }
            }
            _ => operation(found.syntax(), level),
        },
        listed @ ("in" | "not in") => match found.rhs() {
            // The parser sees a row in the list.
            Some(ast::Expr::TupleExpr(list)) => {
                let mut operands: Vec<Expression> = found.lhs().iter().map(|value| read(value, level + 1)).collect();
                operands.extend(within(list.syntax(), level + 1));
                Expression::Operation {
                    operator: listed.to_owned(),
                    operands,
                }
            }
            _ => operation(found.syntax(), level),
        },
        _ => operation(found.syntax(), level),
    }
}

/// Returns what a chain of one connective joins, parentheses around parts of it or not. Chains grow to the left by
/// thousands.
fn chain(found: &ast::BinExpr, connective: &str, level: usize) -> Vec<Expression> {
    let mut parts = Vec::new();
    let mut left = Some(ast::Expr::BinExpr(found.clone()));
    while let Some(expr) = left {
        left = match &expr {
            ast::Expr::BinExpr(link) if operator(link.syntax()) == connective => {
                parts.extend(link.rhs().map(|part| read(&part, level + 1)));
                link.lhs()
            }
            _ => {
                parts.push(read(&expr, level + 1));
                None
            }
        };
    }
    parts.reverse();
    parts.into_iter().flat_map(|part| unchained(part, connective)).collect()
}

fn unchained(part: Expression, connective: &str) -> Vec<Expression> {
    match (part, connective) {
        (Expression::All(parts), "and") | (Expression::Any(parts), "or") => parts,
        (part, _) => vec![part],
    }
}

fn operation(node: &SyntaxNode, level: usize) -> Expression {
    let operator = operator(node);
    Expression::Operation {
        operator: if operator == "!=" { "<>".to_owned() } else { operator },
        operands: within(node, level),
    }
}

/// Returns the operator of a node: what stands beside its operands, words in lower case and parted by single spaces.
fn operator(node: &SyntaxNode) -> String {
    let mut text = String::new();
    let beside = node.children_with_tokens().filter(|element| match element {
        SyntaxElement::Node(node) => !ast::Expr::can_cast(node.kind()),
        SyntaxElement::Token(_) => true,
    });
    let tokens = beside.flat_map(|element| match element {
        SyntaxElement::Node(node) => tokens(&node).collect::<Vec<_>>(),
        SyntaxElement::Token(token) => vec![token],
    });
    for token in tokens.filter(|token| !token.kind().is_trivia()) {
        let is_word = token.text().starts_with(char::is_alphabetic);
        if is_word && text.ends_with(char::is_alphabetic) {
            text.push(' ');
        }
        text.push_str(&token.text().to_ascii_lowercase());
        // Of `BETWEEN a AND b` the second word parts the bounds.
        if matches!(text.as_str(), "between" | "not between") && node.kind() == SyntaxKind::BETWEEN_EXPR {
            break;
        }
    }
    text
}

fn cast(found: &ast::CastExpr, level: usize) -> Expression {
    let value = match (found.expr(), found.literal()) {
        (Some(inner), _) => read(&inner, level + 1),
        (None, Some(text)) => literal(&text),
        (None, None) => return built_in("cast", found.syntax(), level),
    };
    match found.ty() {
        Some(to) => Expression::Cast {
            value: Box::new(value),
            to: Box::new(type_name(&to)),
        },
        None => value,
    }
}

fn call(found: &ast::CallExpr, level: usize) -> Expression {
    let Some((function, arguments)) = found.expr().as_ref().and_then(path).zip(found.arg_list()) else {
        // One of those that have a node of their own: EXTRACT, TRIM, ANY, JSON and XML functions.
        let kind = found.syntax().first_child().map(|inner| format!("{:?}", inner.kind()));
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        return built_in(kind.trim_end_matches("_fn"), found.syntax(), level);
    };
    let arguments = within(arguments.syntax(), level);
    let call = match function.as_slice() {
        [name] if is_grammars_own(name) => Expression::BuiltIn {
            name: name.clone(),
            operands: arguments,
        },
        _ => Expression::Call { function, arguments },
    };
    let clauses = [
        found.within_clause().map(|clause| clause.syntax().clone()),
        found.filter_clause().map(|clause| clause.syntax().clone()),
        found.over_clause().map(|clause| clause.syntax().clone()),
    ];
    let mut operands: Vec<Expression> = clauses
        .iter()
        .flatten()
        .flat_map(|clause| within(clause, level))
        .collect();
    if clauses.iter().all(Option::is_none) {
        return call;
    }
    operands.insert(0, call);
    Expression::BuiltIn {
        name: "over".to_owned(),
        operands,
    }
}

fn built_in(name: &str, node: &SyntaxNode, level: usize) -> Expression {
    Expression::BuiltIn {
        name: name.to_owned(),
        operands: within(node, level),
    }
}

/// Reads the expressions directly within a node, whatever stands around them.
fn within(node: &SyntaxNode, level: usize) -> Vec<Expression> {
    let each = node.children().flat_map(|child| {
        if let Some(inner) = ast::Expr::cast(child.clone()) {
            vec![read(&inner, level + 1)]
        } else if ast::SelectVariant::can_cast(child.kind()) {
            vec![Expression::Subquery]
        } else {
            within(&child, level)
        }
    });
    each.collect()
}

#[cfg(test)]
mod tests;
