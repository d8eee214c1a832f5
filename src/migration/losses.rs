//! What no rollback brings back: rows and values that a statement destroys, values it adds to an enum.
//!
//! Judged from the statements; with a schema, also from the types of columns. What a migration makes itself is no loss when it
//! goes. Statements that hide what they do (`DO`, functions) are not looked into.

use std::collections::BTreeSet;

use super::effects::{Action, DataType, TypeChange, actions_of, evolve, keeps_values};
use super::names::name_path;
use super::outline::Verb;
use super::statement::masked;
use super::words::Words;
use super::{Statement, syntax};
use crate::catalog::SchemaFacts;

/// Something a statement destroys for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The file of the statement.
    pub file: String,
    /// The line on which it starts, from 1.
    pub line: usize,
    /// What is lost, without a full stop.
    pub what: String,
}

/// Returns what the statements destroy, in order; `schema` may be `SchemaFacts::default()`.
pub fn losses(statements: &[Statement], schema: &SchemaFacts) -> Vec<Loss> {
    let mut schema = schema.clone();
    let mut made = Made::default();
    let mut found = Vec::new();
    for statement in statements {
        let lost = Judge {
            statement,
            schema: &schema,
            made: &made,
        }
        .lost();
        found.extend(lost.into_iter().map(|what| Loss {
            file: statement.file.clone(),
            line: statement.line,
            what,
        }));
        made.follow(statement);
        evolve(&statement.sql, &mut schema);
    }
    found
}

/// What the migration itself has made so far, by the last part of its name.
#[derive(Default)]
struct Made {
    tables: BTreeSet<String>,
    columns: BTreeSet<(String, String)>,
}

impl Made {
    fn follow(&mut self, statement: &Statement) {
        let words = Words::new(&statement.sql);
        let outline = syntax::outline(&masked(&statement.sql, &statement.placeholders));
        let is_rename = words.at("ALTER TABLE");
        if !is_rename {
            self.tables.extend(outline.creates.iter().map(|name| bare(name)));
        }
        if let Some((table, actions)) = actions_of(&words) {
            let table = bare(&table);
            for action in actions {
                if let Action::AddColumn(column) = action {
                    self.columns.insert((table.clone(), column.name));
                }
            }
        }
    }

    fn column(&self, table: &str, column: &str) -> bool {
        self.tables.contains(table) || self.columns.contains(&(table.to_owned(), column.to_owned()))
    }
}

fn bare(name: &str) -> String {
    name_path(name).pop().unwrap_or_default()
}

struct Judge<'a> {
    statement: &'a Statement,
    schema: &'a SchemaFacts,
    made: &'a Made,
}

impl Judge<'_> {
    fn lost(&self) -> Vec<String> {
        let mut words = Words::new(&self.statement.sql);
        if words.at("ALTER TABLE") {
            return self.by_alter_table(&words);
        }
        if words.accept("ALTER TYPE") {
            return by_alter_type(&mut words).into_iter().collect();
        }
        if words.accept("TRUNCATE") {
            words.accept("TABLE");
            let names = words.until(&["RESTART", "CONTINUE", "CASCADE", "RESTRICT"]);
            return self.each(names, |name| format!("every row of {name}"));
        }
        if words.accept("DROP TABLE") || words.accept("DROP FOREIGN TABLE") {
            words.accept("IF EXISTS");
            let cascades = words.holds("CASCADE");
            let mut lost = self.each(words.until(&["CASCADE", "RESTRICT"]), |name| {
                format!("{name} with its rows, privileges and comments")
            });
            if cascades && !lost.is_empty() {
                lost.push("whatever CASCADE drops with it".to_owned());
            }
            return lost;
        }
        if words.accept("DROP SCHEMA") || words.accept("DROP OWNED") || words.accept("DROP EXTENSION") {
            let cascades = words.holds("CASCADE") || words.at("BY");
            return cascades
                .then(|| "every row of the tables that go with it".to_owned())
                .into_iter()
                .collect();
        }
        if words.accept("DROP SEQUENCE") {
            words.accept("IF EXISTS");
            return self.each(words.until(&["CASCADE", "RESTRICT"]), |name| {
                format!("the position of {name}")
            });
        }
        self.by_changing_rows().into_iter().collect()
    }

    fn each(&self, mut names: Words, lost: impl Fn(&str) -> String) -> Vec<String> {
        let parts = names.split_at_commas();
        let tables = parts.into_iter().filter_map(|mut part| part.table());
        tables
            .filter(|(name, _)| !self.made.tables.contains(&bare(name)))
            .map(|(name, _)| lost(&name))
            .collect()
    }

    fn by_alter_table(&self, words: &Words) -> Vec<String> {
        let Some((written, actions)) = actions_of(words) else {
            return Vec::new();
        };
        let table = bare(&written);
        let mut lost = Vec::new();
        for action in &actions {
            match action {
                Action::DropColumn(column) if !self.made.column(&table, column) => lost.push(format!(
                    "the values of {written}.{column}, and its place among the columns"
                )),
                Action::SetType(change) if !self.made.column(&table, &change.column) => {
                    lost.extend(self.by_type(&written, change));
                }
                _ => {}
            }
        }
        lost
    }

    fn by_type(&self, table: &str, change: &TypeChange) -> Option<String> {
        let column = &change.column;
        let new = &change.written_type;
        if change.computed {
            return Some(format!(
                "what the USING expression of {table}.{column} forgets of the old values"
            ));
        }
        let old = self
            .schema
            .relation(&name_path(table))
            .and_then(|facts| facts.column(column))
            .map(|facts| DataType::parse(&facts.data_type));
        match old {
            Some(old) if keeps_values(&old, &change.data_type) => None,
            Some(_) => Some(format!("what {new} cannot hold of the values of {table}.{column}")),
            None => Some(format!(
                "what {new} cannot hold of the values of {table}.{column} (its type was not looked up)"
            )),
        }
    }

    fn by_changing_rows(&self) -> Option<String> {
        let outline = syntax::outline(&masked(&self.statement.sql, &self.statement.placeholders));
        let dml = outline.dml?;
        let table = &dml.target.name;
        if self.made.tables.contains(&bare(table)) {
            return None;
        }
        if dml.verb == Verb::Delete {
            return Some(format!("the deleted rows of {table}"));
        }
        let words = Words::new(&self.statement.sql);
        let overwritten: Vec<&str> = dml
            .assigned
            .iter()
            .filter(|assigned| !self.made.column(&bare(&assigned.table), &bare(&assigned.column)))
            .filter(|assigned| !was_null(&words, &assigned.column))
            .map(|assigned| assigned.column.as_str())
            .collect();
        (!overwritten.is_empty()).then(|| {
            format!(
                "the old values of {table}.{}, unless they can be computed from the new ones",
                overwritten.join(", ")
            )
        })
    }
}

/// Tells whether the statement only changes rows in which the column is NULL: the rollback knows what was there.
fn was_null(words: &Words, column: &str) -> bool {
    let mut condition = words.clone();
    condition.until(&["WHERE"]);
    condition.holds(&format!("{column} IS NULL")) && !condition.holds("OR")
}

fn by_alter_type(words: &mut Words) -> Option<String> {
    let name = words.name()?;
    if words.accept("ADD VALUE") {
        words.accept("IF NOT EXISTS");
        let value = words.string().unwrap_or_default();
        return Some(format!(
            "enum value '{value}' of {name} stays: ALTER TYPE … ADD VALUE cannot be undone"
        ));
    }
    words.accept("DROP ATTRIBUTE").then(|| {
        words.accept("IF EXISTS");
        let attribute = words.identifier().unwrap_or_default();
        format!("the values of attribute {attribute} of {name}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{ColumnFacts, RelationFacts, Relations};
    use crate::migration::parse;

    fn schema() -> SchemaFacts {
        let column = |name: &str, data_type: &str| ColumnFacts {
            name: name.to_owned(),
            data_type: data_type.to_owned(),
            ..ColumnFacts::default()
        };
        SchemaFacts {
            version_num: 150_000,
            search_path: vec!["public".to_owned()],
            relations: Relations::from(vec![RelationFacts {
                name: "public.t".to_owned(),
                schema: "public".to_owned(),
                bare_name: "t".to_owned(),
                columns: vec![
                    column("a", "integer"),
                    column("n", "numeric(10,2)"),
                    column("s", "text"),
                ],
                ..RelationFacts::default()
            }]),
            ..SchemaFacts::default()
        }
    }

    fn check(sql: &str, expected: &[&str]) {
        let found = losses(&parse(sql, "m.sql").expect("parses"), &schema());
        let found: Vec<String> = found
            .iter()
            .map(|loss| format!("{}: {}", loss.line, loss.what))
            .collect();
        assert_eq!(found, expected, "{sql}");
    }

    #[test]
    fn what_is_destroyed_is_said() {
        check(
            "SELECT 1;\nALTER TABLE t DROP COLUMN a, ADD COLUMN b int",
            &["2: the values of t.a, and its place among the columns"],
        );
        check(
            "DROP TABLE IF EXISTS t, u",
            &[
                "1: t with its rows, privileges and comments",
                "1: u with its rows, privileges and comments",
            ],
        );
        check("TRUNCATE TABLE ONLY t", &["1: every row of t"]);
        check("DELETE FROM t WHERE a = 1", &["1: the deleted rows of t"]);
        check(
            "UPDATE t SET s = 'x' WHERE a = 1",
            &["1: the old values of t.s, unless they can be computed from the new ones"],
        );
        check(
            "ALTER TYPE mood ADD VALUE 'glad'",
            &["1: enum value 'glad' of mood stays: ALTER TYPE … ADD VALUE cannot be undone"],
        );
    }

    #[test]
    fn types_that_hold_all_values_lose_none() {
        check("ALTER TABLE t ALTER a TYPE bigint", &[]);
        check("ALTER TABLE t ALTER n TYPE numeric(12,3)", &[]);
        check(
            "ALTER TABLE t ALTER n TYPE numeric(10,1)",
            &["1: what numeric ( 10 , 1 ) cannot hold of the values of t.n"],
        );
        check(
            "ALTER TABLE t ALTER s TYPE date USING to_date(s, 'YYYY')",
            &["1: what the USING expression of t.s forgets of the old values"],
        );
    }

    #[test]
    fn what_the_migration_made_is_no_loss() {
        check("CREATE TABLE n (a int); DELETE FROM n; DROP TABLE n", &[]);
        check(
            "ALTER TABLE t ADD COLUMN b int; UPDATE t SET b = 1; ALTER TABLE t DROP COLUMN b",
            &[],
        );
        check("UPDATE t SET a = 1 WHERE t.a IS NULL AND s = 'x'", &[]);
        check("INSERT INTO t (a) VALUES (1)", &[]);
        check("DROP SCHEMA s", &[]);
    }
}
