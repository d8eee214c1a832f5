//! What no rollback brings back: rows and values that a statement destroys, values it adds to an enum.
//!
//! Judged from the statements; with a schema, also from the types of columns. What a migration makes itself is no loss
//! when it goes. Statements that hide what they do (`DO`, functions) are not looked into.

use std::collections::BTreeSet;

use super::Statement;
use super::command::{
    AlterTable, AlterType, AlteredKind, Body, Change, ColumnAction, Command, DropObjects, Expression, ObjectKind,
    Query, TableAction, TypeAction, TypeChange,
};
use super::course::Course;
use super::effects::{DataType, computes, keeps_values};
use super::names::name_path;
use super::outline::Verb;
use super::transactions;
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
    let mut course = Course::new(statements, schema);
    let mut made = Made::default();
    let mut found = Vec::new();
    let blocks = transactions::follow(statements).blocks;
    for (statement, block) in statements.iter().zip(blocks) {
        let lost = Judge {
            statement,
            schema: course.arrive(block.map(|block| block.number)),
            made: &made,
        }
        .lost();
        found.extend(lost.into_iter().map(|what| Loss {
            file: statement.file.clone(),
            line: statement.line,
            what,
        }));
        made.follow(statement);
        course.follow(statement);
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
        let created = statement.command().creation();
        let created = created.filter(|made| {
            let holds_rows = matches!(made.kind, ObjectKind::Table | ObjectKind::MaterializedView);
            holds_rows && !made.if_not_exists
        });
        self.tables
            .extend(created.and_then(|made| made.name.as_ref()).map(|name| bare(name)));
        if let Command::AlterTable(alter) = statement.command() {
            let table = bare(&alter.table);
            for action in &alter.actions {
                if let TableAction::AddColumn { column, .. } = action {
                    self.columns.insert((table.clone(), column.name.clone()));
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
        match self.statement.command() {
            Command::AlterTable(alter) if alter.called == AlteredKind::Table => self.by_alter_table(alter),
            Command::AlterType(alter) => by_alter_type(alter),
            Command::Truncate(truncate) => {
                let names = truncate.tables.iter().map(|table| &table.name);
                self.each(names, |name| format!("every row of {name}"))
            }
            Command::Drop(dropped) => self.by_drop(dropped),
            Command::DropOwned(_) => vec!["every row of the tables that go with it".to_owned()],
            _ => self.by_changing_rows().into_iter().collect(),
        }
    }

    fn by_drop(&self, dropped: &DropObjects) -> Vec<String> {
        match dropped.kind {
            ObjectKind::Table | ObjectKind::ForeignTable => {
                let mut lost = self.each(&dropped.names, |name| {
                    format!("{name} with its rows, privileges and comments")
                });
                if dropped.cascade && !lost.is_empty() {
                    lost.push("whatever CASCADE drops with it".to_owned());
                }
                lost
            }
            ObjectKind::Schema | ObjectKind::Extension if dropped.cascade => {
                vec!["every row of the tables that go with it".to_owned()]
            }
            ObjectKind::Sequence => self.each(&dropped.names, |name| format!("the position of {name}")),
            _ => Vec::new(),
        }
    }

    fn each<'name>(
        &self,
        names: impl IntoIterator<Item = &'name String>,
        lost: impl Fn(&str) -> String,
    ) -> Vec<String> {
        let not_made = names.into_iter().filter(|name| !self.made.tables.contains(&bare(name)));
        not_made.map(|name| lost(name)).collect()
    }

    fn by_alter_table(&self, alter: &AlterTable) -> Vec<String> {
        let written = &alter.table;
        let table = bare(written);
        let mut lost = Vec::new();
        for action in &alter.actions {
            match action {
                TableAction::DropColumn { column, .. } if !self.made.column(&table, column) => lost.push(format!(
                    "the values of {written}.{column}, and its place among the columns"
                )),
                TableAction::AlterColumn {
                    column,
                    action: ColumnAction::SetType(change),
                } if !self.made.column(&table, column) => lost.extend(self.by_type(written, column, change)),
                _ => {}
            }
        }
        lost
    }

    fn by_type(&self, table: &str, column: &str, change: &TypeChange) -> Option<String> {
        let new = &change.data_type.written;
        if computes(column, change) {
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
            Some(old) if keeps_values(&old, &DataType::of(&change.data_type)) => None,
            Some(_) => Some(format!("what {new} cannot hold of the values of {table}.{column}")),
            None => Some(format!(
                "what {new} cannot hold of the values of {table}.{column} (its type was not looked up)"
            )),
        }
    }

    fn by_changing_rows(&self) -> Option<String> {
        let dml = self.statement.outline.dml.as_ref()?;
        let table = &dml.target.name;
        if self.made.tables.contains(&bare(table)) {
            return None;
        }
        if dml.verb == Verb::Delete {
            return Some(format!("the deleted rows of {table}"));
        }
        let overwritten: Vec<&str> = dml
            .assigned
            .iter()
            .filter(|assigned| !self.made.column(&bare(&assigned.table), &bare(&assigned.column)))
            .filter(|assigned| !self.was_null(&bare(&assigned.column)))
            .map(|assigned| assigned.column.as_str())
            .collect();
        (!overwritten.is_empty()).then(|| {
            format!(
                "the old values of {table}.{}, unless they can be computed from the new ones",
                overwritten.join(", ")
            )
        })
    }

    /// Tells whether the statement only changes rows in which the column is NULL: the rollback knows what was there.
    fn was_null(&self, name: &String) -> bool {
        let Command::Query(Query {
            body: Body::Update(Change {
                condition: Some(condition),
                ..
            }),
            ..
        }) = self.statement.command()
        else {
            return false;
        };
        let mut terms = condition.terms.iter();
        terms.any(|term| match &term.expression {
            Expression::IsNull(value) => matches!(&**value, Expression::Name(path) if path.last() == Some(name)),
            _ => false,
        })
    }
}

fn by_alter_type(alter: &AlterType) -> Vec<String> {
    let name = &alter.name;
    match &alter.action {
        TypeAction::AddValue(value) => vec![format!(
            "enum value '{value}' of {name} stays: ALTER TYPE … ADD VALUE cannot be undone"
        )],
        TypeAction::Attributes { dropped, .. } => {
            let lost = |attribute: &String| format!("the values of attribute {attribute} of {name}");
            dropped.iter().map(lost).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{ColumnFacts, RelationFacts, Relations, SessionSettings};
    use crate::migration::parse;

    fn schema() -> SchemaFacts {
        let column = |name: &str, data_type: &str| ColumnFacts {
            name: name.to_owned(),
            data_type: data_type.to_owned(),
            ..ColumnFacts::default()
        };
        SchemaFacts {
            version_num: 150_000,
            settings: SessionSettings {
                search_path: vec!["public".to_owned()],
                ..SessionSettings::default()
            },
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
            &["1: what numeric(10,1) cannot hold of the values of t.n"],
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
