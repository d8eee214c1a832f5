//! Turns a statement into a template: with holes in place of its placeholders, or with a window added to its `WHERE`.
//!
//! Works on byte ranges of the text, so that everything else stays as written.

use std::ops::Range;

use super::lexer::BatchEdge;
use super::named_relation::Relation;
use super::outline::{ColumnUse, Conjunct, Scope};
use super::{Template, TemplatePart};

/// Returns the statement with a hole for each placeholder; `widened` lists the ends of `<` and `>` operators that must
/// become inclusive.
pub(super) fn with_holes(sql: &str, placeholders: &[(Range<usize>, BatchEdge)], widened: &[usize]) -> Template {
    let holes = placeholders.iter().map(|(range, edge)| {
        let hole = match edge {
            BatchEdge::Start => TemplatePart::Start,
            BatchEdge::End => TemplatePart::End,
        };
        (range.clone(), hole)
    });
    let equals = widened
        .iter()
        .map(|end| (*end..*end, TemplatePart::Text("=".to_owned())));
    let mut edits: Vec<_> = equals.chain(holes).collect();
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut builder = Builder::default();
    let mut position = 0;
    for (range, part) in edits {
        builder.text(&sql[position..range.start]);
        builder.part(part);
        position = range.end;
    }
    builder.text(&sql[position..]);
    Template { parts: builder.parts }
}

/// Returns the statement with a hole for a window's condition, joined by `AND` to the existing condition.
pub(super) fn with_condition(sql: &str, scope: &Scope) -> Template {
    let mut builder = Builder::default();
    match &scope.condition {
        Some(condition) => {
            builder.text(&format!("{}(", &sql[..condition.start]));
            builder.part(TemplatePart::Condition);
            builder.text(&format!(") AND ({}){}", &sql[condition.clone()], &sql[condition.end..]));
        }
        None => {
            builder.text(&format!("{} WHERE ", &sql[..scope.where_position]));
            builder.part(TemplatePart::Condition);
            builder.text(&sql[scope.where_position..]);
        }
    }
    Template { parts: builder.parts }
}

/// Returns the condition, besides the window, for a row of `walked` to be processed, over that table alone; `None` if
/// there is none.
///
/// `columns` are the table's columns, as far as they are known. A condition that needs another table is left out, and
/// so is one whose unqualified names could belong to another table.
pub(super) fn predicate(
    sql: &str,
    scope: &Scope,
    walked: &Relation,
    has_column: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let kept: Vec<String> = scope
        .conjuncts
        .iter()
        .filter(|conjunct| !conjunct.has_placeholder && concerns_only(conjunct, scope, walked, has_column))
        .map(|conjunct| without_schema(sql, conjunct, walked))
        .collect();
    match kept.as_slice() {
        [] => None,
        [single] => Some(single.clone()),
        several => Some(format!("({})", several.join(") AND ("))),
    }
}

fn concerns_only(conjunct: &Conjunct, scope: &Scope, walked: &Relation, has_column: &dyn Fn(&str) -> bool) -> bool {
    // A subquery over a WITH query cannot stand alone, and one over an unnamed source might be one.
    let self_contained = conjunct.inner.iter().all(|relation| !relation.name.is_empty());
    let mentions = |column: &ColumnUse| match &column.qualifier {
        Some(qualifier) => {
            walked.is_called(qualifier) || conjunct.inner.iter().any(|relation| relation.is_called(qualifier))
        }
        None if scope.relations.len() == 1 => true,
        None => conjunct.inner.is_empty() && has_column(&column.name),
    };
    self_contained && conjunct.columns.iter().all(mentions)
}

/// Returns the condition with `public.orders.id` shortened to `orders.id`, because the walk knows the table only by its
/// alias.
fn without_schema(sql: &str, conjunct: &Conjunct, walked: &Relation) -> String {
    let mut text = String::new();
    let mut position = conjunct.range.start;
    for column in &conjunct.columns {
        let qualified = column
            .qualifier
            .as_deref()
            .is_some_and(|name| name != walked.alias && walked.is_called(name));
        if qualified {
            text.push_str(&sql[position..column.qualifier_range.start]);
            text.push_str(&walked.alias);
            position = column.qualifier_range.end;
        }
    }
    text.push_str(&sql[position..conjunct.range.end]);
    text
}

#[derive(Default)]
struct Builder {
    parts: Vec<TemplatePart>,
}

impl Builder {
    /// Adds text to the previous text; separates a word from a hole, as in `BETWEEN<batch_start>AND`.
    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.parts.last_mut() {
            Some(TemplatePart::Text(before)) => before.push_str(text),
            Some(_) if text.starts_with(is_word) => self.parts.push(TemplatePart::Text(format!(" {text}"))),
            _ => self.parts.push(TemplatePart::Text(text.to_owned())),
        }
    }

    fn part(&mut self, part: TemplatePart) {
        match (self.parts.last_mut(), part) {
            (_, TemplatePart::Text(text)) => self.text(&text),
            (Some(TemplatePart::Text(before)), hole) => {
                if before.ends_with(is_word) {
                    before.push(' ');
                }
                self.parts.push(hole);
            }
            (_, hole) => self.parts.push(hole),
        }
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::super::statement::{masked, parse};
    use super::super::syntax::outline;
    use super::*;

    fn check_condition(sql: &str, expected: &str) {
        let dml = outline(sql).dml.expect("changes rows");
        let template = with_condition(sql, &dml.scopes[0]);
        assert_eq!(shown(&template), expected);
    }

    fn check_predicate(sql: &str, expected: Option<&str>) {
        let statement = parse(sql, "m.sql").expect("parses").remove(0);
        let dml = outline(&masked(sql, &statement.placeholders))
            .dml
            .expect("changes rows");
        let found = predicate(sql, &dml.scopes[0], &dml.scopes[0].relations[0], &|column| {
            column == "own"
        });
        assert_eq!(found.as_deref(), expected, "{sql}");
    }

    fn shown(template: &Template) -> String {
        let parts = template.parts.iter().map(|part| match part {
            TemplatePart::Text(text) => text.as_str(),
            TemplatePart::Start => "{start}",
            TemplatePart::End => "{end}",
            TemplatePart::Condition => "{window}",
        });
        parts.collect()
    }

    #[test]
    fn holes_stand_where_placeholders_stood() {
        let statement = parse(
            "DELETE FROM t WHERE id BETWEEN<batch_start>AND :batch_end::int",
            "m.sql",
        )
        .expect("parses")
        .remove(0);
        assert_eq!(
            shown(&with_holes(&statement.sql, &statement.placeholders, &[])),
            "DELETE FROM t WHERE id BETWEEN {start} AND {end}::int"
        );
        let statement = parse("DELETE FROM t WHERE id>=<batch_start> AND id<<batch_end>", "m.sql")
            .expect("parses")
            .remove(0);
        let operator_end = statement.sql.find("<<").expect("there") + 1;
        assert_eq!(
            shown(&with_holes(&statement.sql, &statement.placeholders, &[operator_end])),
            "DELETE FROM t WHERE id>={start} AND id<={end}"
        );
    }

    #[test]
    fn windows_are_woven_in() {
        check_condition(
            "UPDATE t SET a = 1 WHERE b OR c -- why\n RETURNING id",
            "UPDATE t SET a = 1 WHERE ({window}) AND (b OR c) -- why\n RETURNING id",
        );
        check_condition(
            "UPDATE ONLY s.\"T\" AS x SET a = u.a FROM u JOIN v USING (id) -- all\nRETURNING *",
            "UPDATE ONLY s.\"T\" AS x SET a = u.a FROM u JOIN v USING (id) WHERE {window} -- all\nRETURNING *",
        );
        check_condition("DELETE FROM t", "DELETE FROM t WHERE {window}");
        check_condition(
            "DELETE FROM ONLY t AS x USING u",
            "DELETE FROM ONLY t AS x USING u WHERE {window}",
        );
        check_condition(
            "INSERT INTO n SELECT a FROM t ORDER BY a ON CONFLICT DO NOTHING",
            "INSERT INTO n SELECT a FROM t WHERE {window} ORDER BY a ON CONFLICT DO NOTHING",
        );
    }

    #[test]
    fn predicates_are_over_the_walked_table_alone() {
        check_predicate("UPDATE t SET a = 1", None);
        check_predicate("UPDATE t SET a = 1 WHERE a IS NULL", Some("a IS NULL"));
        check_predicate(
            "UPDATE t SET a = 1 WHERE id BETWEEN <batch_start> AND <batch_end> AND (a IS NULL AND (b OR c))",
            Some("(a IS NULL) AND (b OR c)"),
        );
        check_predicate(
            "UPDATE public.t SET a = 1 WHERE public.t.a = 2 AND t.b = lower('x') AND d < current_date",
            Some("(t.a = 2) AND (t.b = lower('x')) AND (d < current_date)"),
        );
        check_predicate(
            "UPDATE t o SET a = u.a FROM u WHERE o.id = u.id AND o.a IS NULL AND own > 1 AND other > 1 AND u.b = 3",
            Some("(o.a IS NULL) AND (own > 1)"),
        );
        check_predicate("DELETE FROM t USING u WHERE t.id = u.id", None);
    }

    #[test]
    fn predicates_with_subqueries_stand_alone_or_are_left_out() {
        check_predicate(
            "DELETE FROM t WHERE NOT EXISTS (SELECT FROM u WHERE u.id = t.id)",
            Some("NOT EXISTS (SELECT FROM u WHERE u.id = t.id)"),
        );
        check_predicate(
            "DELETE FROM t USING v WHERE EXISTS (SELECT FROM u WHERE u.id = v.id) AND t.a = 1",
            Some("t.a = 1"),
        );
        check_predicate(
            "WITH w AS (SELECT 1 AS id) DELETE FROM t WHERE id IN (SELECT id FROM w)",
            None,
        );
    }
}
