//! What to write instead of a statement that holds a strong lock for as long as a big table takes.
//!
//! Knows no sizes: whether the statement is dangerous is for the caller to judge.

use super::data_type::is_serial;
use crate::migration::Statement;
use crate::migration::command::{
    AlteredKind, Body, ColumnAction, ColumnDefinition, Command, ConstraintDefinition, DetachManner, Query, TableAction,
    TableConstraint,
};
use crate::migration::names::quoted;

/// Returns the form that keeps reads and writes going, where there is one.
pub fn safe_form(statement: &Statement) -> Option<String> {
    match statement.command() {
        Command::AlterTable(alter) if alter.called == AlteredKind::Table => match alter.actions.as_slice() {
            [action] => safe_action(&alter.table, action),
            actions => actions
                .iter()
                .find_map(|action| safe_action(&alter.table, action))
                .map(|form| format!("one statement each; {form}")),
        },
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

fn safe_action(table: &str, action: &TableAction) -> Option<String> {
    match action {
        TableAction::AlterColumn { column, action } => safe_column_action(table, column, action),
        TableAction::AddConstraint(constraint) => safe_constraint(table, constraint),
        TableAction::AddColumn { column, .. } => Some(safe_column(table, column)),
        TableAction::AttachPartition { partition, .. } => Some(format!(
            "on {partition} first: the partition's bound as a CHECK … NOT VALID, VALIDATE it, and its indexes \
             CONCURRENTLY"
        )),
        TableAction::DetachPartition {
            partition,
            manner: DetachManner::AtOnce | DetachManner::Finalize,
        } => Some(alter(table, &format!("DETACH PARTITION {partition} CONCURRENTLY"))),
        _ => None,
    }
}

fn alter(table: &str, action: &str) -> String {
    format!("ALTER TABLE {table} {action};")
}

/// Adds a constraint without holding anybody up while the rows are read.
fn validated(table: &str, name: &str, constraint: &str) -> String {
    format!(
        "{} {} (in two transactions)",
        alter(table, &format!("ADD CONSTRAINT {name} {constraint} NOT VALID")),
        alter(table, &format!("VALIDATE CONSTRAINT {name}"))
    )
}

fn safe_column_action(table: &str, column: &str, action: &ColumnAction) -> Option<String> {
    match action {
        ColumnAction::SetNotNull => {
            let name = quoted(&format!("{column}_not_null"));
            let column = quoted(column);
            Some(format!(
                "{}, then {} {}",
                validated(table, &name, &format!("CHECK ({column} IS NOT NULL)")),
                alter(table, &format!("ALTER COLUMN {column} SET NOT NULL")),
                alter(table, &format!("DROP CONSTRAINT {name}")),
            ))
        }
        ColumnAction::SetType(change) => Some(format!(
            "add a column of type {}, write both from the application or a trigger, fill it in batches, switch, drop \
             the old one",
            change.data_type.written
        )),
        _ => None,
    }
}

fn safe_column(table: &str, column: &ColumnDefinition) -> String {
    let name = &column.written_name;
    let data_type = column.data_type.as_ref().map_or("", |name| &name.written);
    if column.is_stored() || column.is_identity() || is_serial(column) {
        format!("add {name} without its values, fill it in batches, then give it its default")
    } else if column.constraints.is_empty() {
        format!(
            "{} {} then fill the old rows in batches",
            alter(table, &format!("ADD COLUMN {name} {data_type}")),
            alter(table, &format!("ALTER COLUMN {name} SET DEFAULT …")),
        )
    } else {
        format!("add {name} first, then its constraint: NOT VALID and VALIDATE, or an index built CONCURRENTLY")
    }
}

fn safe_constraint(table: &str, constraint: &TableConstraint) -> Option<String> {
    let columns = listed(&constraint.columns);
    let name = constraint.name.as_deref().map_or("name".to_owned(), quoted);
    let indexed = |what: &str| {
        Some(format!(
            "CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({columns}); {}",
            alter(table, &format!("ADD CONSTRAINT {name} {what} USING INDEX {name}"))
        ))
    };
    match &constraint.definition {
        ConstraintDefinition::Check { written, .. } => Some(validated(table, &name, &format!("CHECK ({written})"))),
        ConstraintDefinition::ForeignKey {
            table: referenced,
            columns: key,
        } => {
            let key = if key.is_empty() {
                String::new()
            } else {
                format!(" ({})", listed(key))
            };
            let demand = format!("FOREIGN KEY ({columns}) REFERENCES {referenced}{key}");
            Some(validated(table, &name, &demand))
        }
        ConstraintDefinition::Unique { using_index: None } => indexed("UNIQUE"),
        ConstraintDefinition::PrimaryKey { using_index: None } => indexed("PRIMARY KEY"),
        _ => None,
    }
}

fn listed(columns: &[String]) -> String {
    columns
        .iter()
        .map(|column| quoted(column))
        .collect::<Vec<_>>()
        .join(", ")
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
                "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES p (id) NOT VALID; ALTER TABLE t VALIDATE \
                 CONSTRAINT f; (in two transactions)",
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
