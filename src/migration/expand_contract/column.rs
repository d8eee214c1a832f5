//! The phases of a column change: a twin column is kept in step with every write, filled in batches, constrained,
//! indexed and switched to; then the old column is dropped.

use super::dependents::{ConstraintChange, IndexChange};
use super::facts::ColumnChange;
use super::identifiers::{free_name, quote};
use super::in_step::{Follower, block, in_schema, in_step, indexed, out_of_step};
use super::phase::Phase;
use super::switch::switch;
use crate::quoting::in_literal;

/// Rows in a batch of the backfill.
const BATCH: u32 = 5_000;

/// Returns the phases of a column change.
pub fn phases(change: &ColumnChange) -> Vec<Phase> {
    let twin = &change.twin;
    let all = [
        Some(expand(change)),
        Some(backfill(change, &change.old, twin, &change.new_type)),
        constrain(change),
        index(change),
        refer(change),
        Some(switch(change)),
        Some(contract(change)),
    ];
    all.into_iter().flatten().collect()
}

fn expand(change: &ColumnChange) -> Phase {
    let (table, twin) = (&change.table.name, quote(&change.twin));
    let mut forward = vec![format!(
        "ALTER TABLE {table} ADD COLUMN {twin} {}{};",
        change.new_type, change.new_collation
    )];
    forward.extend(described(change, &change.twin));
    forward.extend(in_step(change, Follower::TwinFollows));
    let mut back = out_of_step(change);
    back.push(format!("ALTER TABLE {table} DROP COLUMN {twin};"));
    Phase {
        name: "expand",
        title: format!("{table} gets the column {twin} beside {}", quote(&change.old)),
        notes: vec![if change.is_rename() {
            "From here on a write to either column reaches the other; where both are given, the new one counts."
                .to_owned()
        } else {
            format!(
                "From here on every write to {} reaches {twin}; the application goes on as before.",
                quote(&change.old)
            )
        }],
        forward,
        back,
    }
}

/// Fills `to` from `from`, converted to `data_type`.
fn backfill(change: &ColumnChange, from: &str, to: &str, data_type: &str) -> Phase {
    Phase {
        name: "backfill",
        title: format!("the rows that were there before get their {}", quote(to)),
        notes: vec!["The table's other triggers fire for each row, as for any UPDATE.".to_owned()],
        forward: filled(change, from, to, data_type),
        back: vec![format!(
            "SELECT '{} stays in step; the rollback from phase 1 drops it' AS nothing_to_undo;",
            in_literal(&quote(to))
        )],
    }
}

fn filled(change: &ColumnChange, from: &str, to: &str, data_type: &str) -> Vec<String> {
    let (from, to) = (quote(from), quote(to));
    let value = if change.is_rename() {
        from.clone()
    } else {
        format!("{from}::{data_type}")
    };
    vec![
        format!("-- migtime: batch size={BATCH}"),
        format!(
            "UPDATE {} SET {to} = {value} WHERE {from} IS NOT NULL AND {to} IS NULL;",
            change.table.name
        ),
    ]
}

fn constrain(change: &ColumnChange) -> Option<Phase> {
    let twin = &change.twin;
    let mut forward = Vec::new();
    let mut back = Vec::new();
    if change.not_null {
        forward.extend(refuse_null(change, twin));
        back.push(format!(
            "ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL;",
            change.table.name,
            quote(twin)
        ));
    }
    for constraint in &change.constraints {
        forward.extend(constrained(change, constraint, &constraint.twin, twin));
        back.push(format!(
            "ALTER TABLE {} DROP CONSTRAINT {};",
            change.table.name,
            quote(&constraint.twin)
        ));
    }
    (!forward.is_empty()).then(|| Phase {
        name: "constrain",
        title: format!("{} is held to what {} is held to", quote(twin), quote(&change.old)),
        notes: vec!["VALIDATE reads the table and lets writers through; every other statement is short.".to_owned()],
        forward,
        back,
    })
}

/// Makes a filled column NOT NULL without reading the table under a strong lock.
fn refuse_null(change: &ColumnChange, column: &str) -> Vec<String> {
    let table = &change.table.name;
    let names: Vec<String> = change
        .table
        .constraints
        .iter()
        .map(|constraint| constraint.name.clone())
        .collect();
    let check = quote(&free_name(column, "_is_there", &names));
    let column = quote(column);
    vec![
        format!("ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID;"),
        format!("ALTER TABLE {table} VALIDATE CONSTRAINT {check};"),
        format!("ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;"),
        format!("ALTER TABLE {table} DROP CONSTRAINT {check};"),
    ]
}

fn constrained(change: &ColumnChange, constraint: &ConstraintChange, name: &str, column: &str) -> Vec<String> {
    let table = &change.table.name;
    // Columns of another table may have the same name.
    let (own, other) = match constraint.definition.find(" REFERENCES ") {
        Some(at) => constraint.definition.split_at(at),
        None => (constraint.definition.as_str(), ""),
    };
    let definition = change.with(own, column) + other;
    let mut statements = vec![format!(
        "ALTER TABLE {table} ADD CONSTRAINT {} {definition} NOT VALID;",
        quote(name)
    )];
    if constraint.valid {
        statements.push(format!("ALTER TABLE {table} VALIDATE CONSTRAINT {};", quote(name)));
    }
    statements
}

fn index(change: &ColumnChange) -> Option<Phase> {
    let built = |index: &IndexChange| indexed(change, index, &index.twin, &change.twin);
    let forward: Vec<String> = change.indexes.iter().map(built).collect();
    let dropped = |index: &IndexChange| format!("DROP INDEX CONCURRENTLY {};", in_schema(change, &index.twin));
    (!forward.is_empty()).then(|| Phase {
        name: "index",
        title: format!(
            "every index of {} gets its like on {}",
            quote(&change.old),
            quote(&change.twin)
        ),
        notes: vec!["A build that fails leaves an invalid index: drop it before another try.".to_owned()],
        forward,
        back: change.indexes.iter().map(dropped).collect(),
    })
}

fn refer(change: &ColumnChange) -> Option<Phase> {
    let (mut forward, mut back) = (Vec::new(), Vec::new());
    for reference in &change.references {
        let (table, name) = (&reference.table, quote(&reference.twin));
        let definition = reference.definition(change, &change.twin);
        forward.push(format!(
            "ALTER TABLE {table} ADD CONSTRAINT {name} {definition} NOT VALID;"
        ));
        if reference.valid {
            forward.push(format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name};"));
        }
        back.push(format!("ALTER TABLE {table} DROP CONSTRAINT {name};"));
    }
    (!forward.is_empty()).then(|| Phase {
        name: "refer",
        title: format!(
            "the foreign keys that refer to {} refer to {} too",
            quote(&change.old),
            quote(&change.twin)
        ),
        notes: vec!["The columns that refer keep their own type; widening them is a change of its own.".to_owned()],
        forward,
        back,
    })
}

fn contract(change: &ColumnChange) -> Phase {
    let (table, retired) = (&change.table.name, quote(&change.retired));
    let mut forward = out_of_step(change);
    forward.push(format!("ALTER TABLE {table} DROP COLUMN {retired};"));

    let collation = &change.old_collation;
    let mut back = vec![format!(
        "ALTER TABLE {table} ADD COLUMN {retired} {}{collation};",
        change.old_type
    )];
    back.extend(described(change, &change.retired));
    back.extend(in_step(change, Follower::OldFollows));
    back.extend(filled(change, &change.final_name, &change.retired, &change.old_type));
    if change.not_null {
        back.extend(refuse_null(change, &change.retired));
    }
    for constraint in &change.constraints {
        back.extend(constrained(change, constraint, &constraint.retired, &change.retired));
    }
    // The switch has already dropped the index of a key.
    let plain = change.indexes.iter().filter(|index| index.key.is_none());
    back.extend(plain.map(|index| indexed(change, index, &index.retired, &change.retired)));
    Phase {
        name: "contract",
        title: format!("{retired} goes"),
        notes: vec![
            format!("Run it when nothing uses {retired} any more: its indexes and constraints go with it."),
            "The rollback makes it again from the other column, in the last place.".to_owned(),
        ],
        // If the trigger were dropped first, an INSERT could leave NULL in a column that refuses it.
        forward: block(forward),
        back,
    }
}

/// Gives a column the privileges and the comment of the old column.
fn described(change: &ColumnChange, column: &str) -> Vec<String> {
    let (table, column) = (&change.table.name, quote(column));
    let granted = change.privileges.iter().map(|line| {
        let (privilege, grantee) = line.split_once(" to ").unwrap_or((line, "PUBLIC"));
        format!("GRANT {privilege} ({column}) ON {table} TO {grantee};")
    });
    let mut statements: Vec<String> = granted.collect();
    if let Some(comment) = &change.comment {
        statements.push(format!(
            "COMMENT ON COLUMN {table}.{column} IS '{}';",
            in_literal(comment)
        ));
    }
    statements
}
