//! What to write instead of a statement that holds a strong lock for as long as a big table takes.
//!
//! Knows no sizes: whether the statement is dangerous is for the caller to judge.

use super::alter_table::{self, Action, Constraint};
use crate::migration::Statement;
use crate::migration::command::{AlteredKind, Body, Command, Query};
use crate::migration::names::quoted;
use crate::migration::words::Words;

/// Returns the form that keeps reads and writes going, where there is one.
pub fn safe_form(statement: &Statement) -> Option<String> {
    match statement.command() {
        Command::AlterTable(altered) if altered.called == AlteredKind::Table => {
            let (table, actions) = alter_table::actions_of(&Words::new(&statement.sql))?;
            match actions.as_slice() {
                [action] => safe_action(&table, action),
                actions => actions
                    .iter()
                    .find_map(|action| safe_action(&table, action))
                    .map(|form| format!("one statement each; {form}")),
            }
        }
        Command::CreateIndex(_) | Command::Reindex(_) => concurrently(statement),
        Command::Refresh(_) => {
            concurrently(statement).map(|form| format!("{form} (needs a unique index on plain columns)"))
        }
        Command::Vacuum(_) | Command::Cluster(_) => {
            Some("pg_repack or pg_squeeze, which copy the table beside its use".to_owned())
        }
        Command::Query(Query {
            with,
            body: Body::Update(_) | Body::Delete(_),
            ..
        }) if with.is_empty() => Some("in batches of a few thousand rows, each in its own transaction".to_owned()),
        _ => None,
    }
}

/// Returns the statement with `CONCURRENTLY`, where it does without.
fn concurrently(statement: &Statement) -> Option<String> {
    let (before, behind) = statement.sql.split_at(statement.outline.place_of_concurrently?);
    Some(format!("{before} CONCURRENTLY{behind};"))
}

fn safe_action(table: &str, action: &Action) -> Option<String> {
    let alter = |rest: String| format!("ALTER TABLE {table} {rest};");
    let validated = |name: &str, constraint: String| {
        let add = alter(format!("ADD CONSTRAINT {name} {constraint} NOT VALID"));
        format!(
            "{add} {} (in two transactions)",
            alter(format!("VALIDATE CONSTRAINT {name}"))
        )
    };
    match action {
        Action::SetNotNull(column) => {
            let name = quoted(&format!("{column}_not_null"));
            let column = quoted(column);
            Some(format!(
                "{}, then {} {}",
                validated(&name, format!("CHECK ({column} IS NOT NULL)")),
                alter(format!("ALTER COLUMN {column} SET NOT NULL")),
                alter(format!("DROP CONSTRAINT {name}")),
            ))
        }
        Action::AddConstraint(constraint) => safe_constraint(table, constraint, &validated),
        Action::AddColumn(column) if column.stored || column.identity || column.data_type.serial => Some(format!(
            "add {} without its values, fill it in batches, then give it its default",
            column.written_name
        )),
        Action::AddColumn(column) if column.constraints.is_empty() => Some(format!(
            "{} {} then fill the old rows in batches",
            alter(format!("ADD COLUMN {} {}", column.written_name, column.written_type)),
            alter(format!("ALTER COLUMN {} SET DEFAULT …", column.written_name)),
        )),
        Action::AddColumn(column) => Some(format!(
            "add {} first, then its constraint: NOT VALID and VALIDATE, or an index built CONCURRENTLY",
            column.written_name
        )),
        Action::SetType(change) => Some(format!(
            "add a column of type {}, write both from the application or a trigger, fill it in batches, switch, drop the old one",
            change.written_type
        )),
        Action::Attach { partition, .. } => Some(format!(
            "on {partition} first: the partition's bound as a CHECK … NOT VALID, VALIDATE it, and its indexes CONCURRENTLY"
        )),
        Action::Detach {
            partition,
            concurrently: false,
            ..
        } => Some(alter(format!("DETACH PARTITION {partition} CONCURRENTLY"))),
        _ => None,
    }
}

fn safe_constraint(table: &str, constraint: &Constraint, validated: &dyn Fn(&str, String) -> String) -> Option<String> {
    let columns: Vec<String> = constraint.columns.iter().map(|column| quoted(column)).collect();
    let columns = columns.join(", ");
    let name = constraint.name.as_deref().map_or("name".to_owned(), quoted);
    match (constraint.kind, &constraint.references) {
        ('c', _) => Some(validated(&name, format!("CHECK ({})", constraint.expression))),
        ('f', Some(referenced)) => {
            let key = match constraint.referenced_columns.as_str() {
                "" => String::new(),
                columns => format!(" ({columns})"),
            };
            Some(validated(
                &name,
                format!("FOREIGN KEY ({columns}) REFERENCES {referenced}{key}"),
            ))
        }
        ('u' | 'p', _) if constraint.using_index.is_none() => {
            let what = if constraint.kind == 'u' {
                "UNIQUE"
            } else {
                "PRIMARY KEY"
            };
            Some(format!(
                "CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({columns}); ALTER TABLE {table} ADD CONSTRAINT {name} {what} USING INDEX {name};"
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::parse;

    fn check(sql: &str, expected: Option<&str>) {
        let statements = parse(sql, "m.sql").expect("parses");
        assert_eq!(safe_form(&statements[0]).as_deref(), expected, "{sql}");
    }

    #[test]
    fn safe_forms() {
        check(
            "create unique index i on t (a)",
            Some("create unique index CONCURRENTLY i on t (a);"),
        );
        check("CREATE INDEX CONCURRENTLY i ON t (a)", None);
        check(
            "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES p (id)",
            Some(
                "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES p (id) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT f; (in two transactions)",
            ),
        );
        check(
            "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a, b)",
            Some(
                "CREATE UNIQUE INDEX CONCURRENTLY u ON t (a, b); ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX u;",
            ),
        );
        check("ALTER TABLE t DROP COLUMN a", None);
    }
}
