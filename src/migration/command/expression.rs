//! Expressions as trees: defaults, conditions, bounds of partitions.
//!
//! Parentheses are gone, and so are differences of spelling that PostgreSQL's grammar does not see.

use super::TypeName;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A column, possibly qualified, or another plain name (`MINVALUE` of a partition's bound), as PostgreSQL sees it.
    Name(Vec<String>),
    /// `NULL`.
    Null,
    /// `TRUE` or `FALSE`.
    Boolean(bool),
    /// A number as written.
    Number(String),
    /// What a string literal holds.
    Text(String),
    /// Another literal as written: a bit string, `$1`, `DEFAULT`.
    OtherLiteral(String),
    /// A function's call, the possibly qualified name as PostgreSQL sees it.
    Call {
        /// The function.
        function: Vec<String>,
        /// What it is given.
        arguments: Vec<Expression>,
    },
    /// What the grammar itself knows by its keywords and computes from its operands: `COALESCE`, `CASE`,
    /// `CURRENT_DATE`, `EXTRACT`, `ARRAY`, `ROW`, `ANY`. Its name is in lower case.
    BuiltIn {
        /// The keywords, in lower case.
        name: String,
        /// The expressions within, in the order of the text.
        operands: Vec<Expression>,
    },
    /// `CAST (value AS type)`, `value::type`, `type 'value'`.
    Cast {
        /// What is converted.
        value: Box<Expression>,
        /// The type it gets.
        to: Box<TypeName>,
    },
    /// An operator with its one or two operands, or `in`, `between` and their like with theirs; words are in lower
    /// case.
    Operation {
        /// As `=`, `->>`, `not in`, `is distinct from`.
        operator: String,
        /// The operands from left to right; of `in` the value, then the list.
        operands: Vec<Expression>,
    },
    /// All of them, joined by `AND`.
    All(Vec<Expression>),
    /// Any of them, joined by `OR`.
    Any(Vec<Expression>),
    /// `NOT`.
    Not(Box<Expression>),
    /// `IS NULL`.
    IsNull(Box<Expression>),
    /// `IS NOT NULL`.
    IsNotNull(Box<Expression>),
    /// A query within, which is not looked into.
    Subquery,
    /// What is nested so deep that nobody looks into it.
    TooDeep,
}

impl Expression {
    /// Returns what `AND` joins: the parts that are all true where the whole is.
    pub fn conjuncts(&self) -> &[Expression] {
        match self {
            Expression::All(parts) => parts,
            other => std::slice::from_ref(other),
        }
    }

    /// Says whether this is the unqualified column of that name.
    pub fn is_column(&self, name: &str) -> bool {
        matches!(self, Expression::Name(path) if path.as_slice() == [name])
    }

    /// Returns the expressions directly within.
    pub fn parts(&self) -> &[Expression] {
        match self {
            Expression::Call { arguments: parts, .. }
            | Expression::BuiltIn { operands: parts, .. }
            | Expression::Operation { operands: parts, .. }
            | Expression::All(parts)
            | Expression::Any(parts) => parts,
            Expression::Cast { value: part, .. }
            | Expression::Not(part)
            | Expression::IsNull(part)
            | Expression::IsNotNull(part) => std::slice::from_ref(part),
            _ => &[],
        }
    }

    /// Returns this and all expressions within, in the order of the text.
    pub fn all(&self) -> Vec<&Expression> {
        let mut found = vec![self];
        found.extend(self.parts().iter().flat_map(Expression::all));
        found
    }

    /// Returns the expression as it is compared: literals as plain text, whatever type they are written or cast to, so
    /// that `'5'::bigint` and `5` are one.
    pub fn with_bare_literals(self) -> Expression {
        let each = |parts: Vec<Expression>| parts.into_iter().map(Expression::with_bare_literals).collect();
        let inner = |part: Box<Expression>| Box::new(part.with_bare_literals());
        match self {
            Expression::Number(text) => Expression::Text(text),
            Expression::Cast { value, to } => match value.with_bare_literals() {
                Expression::Text(text) => Expression::Text(text),
                value => Expression::Cast {
                    value: Box::new(value),
                    to,
                },
            },
            Expression::Operation { operator, operands } => match (operator.as_str(), operands.as_slice()) {
                ("-", [Expression::Number(number)]) => Expression::Text(format!("-{number}")),
                _ => Expression::Operation {
                    operator,
                    operands: each(operands),
                },
            },
            Expression::Call { function, arguments } => Expression::Call {
                function,
                arguments: each(arguments),
            },
            Expression::BuiltIn { name, operands } => Expression::BuiltIn {
                name,
                operands: each(operands),
            },
            Expression::All(parts) => Expression::All(each(parts)),
            Expression::Any(parts) => Expression::Any(each(parts)),
            Expression::Not(part) => Expression::Not(inner(part)),
            Expression::IsNull(part) => Expression::IsNull(inner(part)),
            Expression::IsNotNull(part) => Expression::IsNotNull(inner(part)),
            other => other,
        }
    }
}
