//! Texts that are put together from constants: by `||`, `format` and the functions that quote.

use crate::migration::command::Expression;
use crate::quoting::{identifier, literal};

/// Returns the text that an expression gives, if it is made of constants alone.
pub(super) fn constant_text(expression: &Expression) -> Option<String> {
    match expression {
        Expression::Text(text) | Expression::Number(text) => Some(text.clone()),
        Expression::Cast { value, .. } => constant_text(value),
        Expression::Operation { operator, operands } if operator == "||" => {
            let texts: Option<Vec<String>> = operands.iter().map(constant_text).collect();
            texts.map(|texts| texts.concat())
        }
        Expression::Call { function, arguments } => {
            let texts: Option<Vec<String>> = arguments.iter().map(constant_text).collect();
            match (function.last()?.as_str(), texts?.as_slice()) {
                ("format", [form, values @ ..]) => formatted(form, values),
                ("quote_ident", [name]) => Some(identifier(name)),
                ("quote_literal", [text]) => Some(literal(text)),
                ("concat", texts) => Some(texts.concat()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Does what `format` does, but for widths.
fn formatted(form: &str, values: &[String]) -> Option<String> {
    let mut text = String::new();
    let mut next = 0;
    let mut rest = form.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let mut digits = String::new();
        while let Some(digit) = rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        if !digits.is_empty() {
            rest.next_if_eq(&'$')?;
            next = digits.parse::<usize>().ok()?.checked_sub(1)?;
        }
        let conversion = rest.next()?;
        if conversion == '%' {
            text.push('%');
            continue;
        }
        let value = values.get(next)?;
        next += 1;
        text += &match conversion {
            's' => value.clone(),
            'I' => identifier(value),
            'L' => literal(value),
            _ => return None,
        };
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::super::fragment::expression;
    use super::*;

    fn check(sql: &str, expected: Option<&str>) {
        let text = constant_text(&expression(sql).expect("is read"));
        assert_eq!(text.as_deref(), expected, "{sql}");
    }

    #[test]
    fn constants_are_put_together() {
        check("'ALTER TABLE ' || 't' || ' ADD x int'", Some("ALTER TABLE t ADD x int"));
        check("'a'::text", Some("a"));
        check("format('DROP TABLE %I.%I', 'S', 't')", Some("DROP TABLE \"S\".t"));
        check("format('%2$s %1$s %% %L', 'a', 'b', 'c')", Some("b a % 'b'"));
        check("quote_ident('T') || quote_literal('it''s')", Some("\"T\"'it''s'"));
        check("format('DROP TABLE %I', name)", None);
        check("format('%I')", None);
        check("format('%-10s', 'a')", None);
        check("'a' || b", None);
        check("lower('A')", None);
    }
}
