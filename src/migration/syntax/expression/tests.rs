//! What expressions are read as.

use super::super::fragment::expression;
use super::*;

fn check(text: &str, expected: &Expression) {
    assert_eq!(expression(text).as_ref(), Some(expected), "{text}");
}

fn name(name: &str) -> Expression {
    Expression::Name(vec![name.to_owned()])
}

fn operation(operator: &str, operands: &[Expression]) -> Expression {
    Expression::Operation {
        operator: operator.to_owned(),
        operands: operands.to_vec(),
    }
}

#[test]
fn precedence_is_that_of_the_grammar() {
    let equal = operation("=", &[name("a"), name("b")]);
    check("not a = b", &Expression::Not(Box::new(equal.clone())));
    check("a = b is null", &Expression::IsNull(Box::new(equal.clone())));
    check(
        "(a = b) or c and not d or e",
        &Expression::Any(vec![
            equal,
            Expression::All(vec![name("c"), Expression::Not(Box::new(name("d")))]),
            name("e"),
        ]),
    );
    check(
        "a + b * c",
        &operation("+", &[name("a"), operation("*", &[name("b"), name("c")])]),
    );
    check(
        "a || b = c",
        &operation("=", &[operation("||", &[name("a"), name("b")]), name("c")]),
    );
}

#[test]
fn spellings_are_one() {
    let not_null = Expression::IsNotNull(Box::new(name("A")));
    check("(\"A\") IS /* x */ NOT NULL", &not_null);
    check("\"A\" notnull", &not_null);
    check("name", &name("name"));
    check("VALUE", &name("value"));
    check("CURRENT_USER", &built_in("current_user", &[]));
    check("A <> b", &expression("a != b").expect("is read"));
    check("a in (1, 2)", &operation("in", &[name("a"), number("1"), number("2")]));
    check("a NOT  IN ((1))", &operation("not in", &[name("a"), number("1")]));
    check(
        "a between 1 and 2",
        &operation("between", &[name("a"), number("1"), number("2")]),
    );
    check(
        "a not between b and c",
        &operation("not between", &[name("a"), name("b"), name("c")]),
    );
    check(
        "a ->> 'it''s'",
        &operation("->>", &[name("a"), Expression::Text("it's".to_owned())]),
    );
    check(
        "a is distinct from null",
        &operation("is distinct from", &[name("a"), Expression::Null]),
    );
    check("exists (select 1)", &built_in("exists", &[Expression::Subquery]));
    check("s.\"T\".a", &Expression::Name(vec!["s".into(), "T".into(), "a".into()]));
}

fn number(text: &str) -> Expression {
    Expression::Number(text.to_owned())
}

fn built_in(name: &str, operands: &[Expression]) -> Expression {
    Expression::BuiltIn {
        name: name.to_owned(),
        operands: operands.to_vec(),
    }
}

#[test]
fn functions_are_told_from_what_the_grammar_knows() {
    fn check(text: &str, expected: &[&str]) {
        let found = expression(text).expect("is read");
        let calls = found.all().into_iter().filter_map(|part| match part {
            Expression::Call { function, .. } => Some(function.join(".")),
            _ => None,
        });
        assert_eq!(calls.collect::<Vec<_>>(), expected, "{text}");
    }
    check(
        "pg_catalog.lower(a) || upper(coalesce(f(), 'x()'))",
        &["pg_catalog.lower", "upper", "f"],
    );
    check("extract(epoch from now()) + position('a' in b)", &["now"]);
    check("current_timestamp(3)::varchar(20) || current_date", &[]);
    check("case when f(a) then g() else array[h()] end", &["f", "g", "h"]);
    check("numeric(10, 2) '1' = any (array[i(j())])", &["i", "j"]);
    check(
        "count(*) filter (where k()) over (partition by l())",
        &["count", "k", "l"],
    );
}

#[test]
fn chains_are_flat_and_depth_has_an_end() {
    let chain = vec!["a = 1"; 9_000].join(" or ");
    assert!(matches!(expression(&chain), Some(Expression::Any(parts)) if parts.len() == 9_000));
    let nested = format!("{}a{}", "f(".repeat(900), ")".repeat(900));
    let found = expression(&nested).expect("is read");
    assert_eq!(found.all().last(), Some(&&Expression::TooDeep));
}
