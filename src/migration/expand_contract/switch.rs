//! The switch: one short transaction after which the application uses the new column, and its exact reverse.

use super::dependents::ReferenceChange;
use super::facts::{ColumnChange, SequenceFacts};
use super::identifiers::{free_name, quote};
use super::in_step::{Follower, block, in_schema, in_step, indexed, out_of_step};
use super::phase::Phase;
use crate::migration::names::last_part;
use crate::quoting::in_literal;

/// Returns the phase that hands names, keys, defaults and sequences over to the new column.
pub fn switch(change: &ColumnChange) -> Phase {
    let retired = quote(&change.retired);
    let use_it = if change.is_rename() {
        format!(
            "Run it when every instance of the application reads and writes {}.",
            quote(&change.final_name)
        )
    } else {
        format!(
            "Afterwards {retired} follows; a value that {} cannot hold is refused until the last phase.",
            change.old_type
        )
    };
    Phase {
        name: "switch",
        title: format!("{} is the column that counts", quote(&change.final_name)),
        notes: vec![
            "One transaction of statements on the catalog; it needs the strongest lock for a moment and gives up after \
             5 s.".to_owned(),
            use_it,
            "An INSERT without a list of columns meets another order of them.".to_owned(),
        ],
        forward: forward(change),
        back: back(change),
    }
}

fn forward(change: &ColumnChange) -> Vec<String> {
    let mut statements = out_of_step(change);
    statements.extend(renamed_columns(change, true));
    for reference in &change.references {
        let (table, name, twin) = (&reference.table, quote(&reference.name), quote(&reference.twin));
        statements.push(format!("ALTER TABLE {table} DROP CONSTRAINT {name};"));
        statements.push(format!("ALTER TABLE {table} RENAME CONSTRAINT {twin} TO {name};"));
    }
    statements.extend(keys(change, true));
    statements.extend(renamed(change, true));
    statements.extend(generated(change, true));
    statements.extend(in_step(change, Follower::OldFollows));
    block(statements)
}

/// Returns the exact reverse. Dropped keys have lost their indexes, and the twin's indexes go with its keys. So the
/// indexes are built before the transaction, and foreign keys are validated after it.
fn back(change: &ColumnChange) -> Vec<String> {
    let keys_to_build = change.indexes.iter().filter(|index| index.key.is_some());
    let mut statements: Vec<String> = keys_to_build
        .flat_map(|index| {
            [
                indexed(change, index, &index.retired, &change.retired),
                indexed(change, index, &index.twin, &change.final_name),
            ]
        })
        .collect();
    let mut within = out_of_step(change);
    let dropped = |reference: &ReferenceChange| {
        format!(
            "ALTER TABLE {} DROP CONSTRAINT {};",
            reference.table,
            quote(&reference.name)
        )
    };
    within.extend(change.references.iter().map(dropped));
    within.extend(keys(change, false));
    let mut validated = Vec::new();
    for reference in &change.references {
        for (name, column) in [
            (&reference.name, &change.retired),
            (&reference.twin, &change.final_name),
        ] {
            let (table, name) = (&reference.table, quote(name));
            let definition = reference.definition(change, column);
            within.push(format!(
                "ALTER TABLE {table} ADD CONSTRAINT {name} {definition} NOT VALID;"
            ));
            if reference.valid {
                validated.push(format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name};"));
            }
        }
    }
    within.extend(renamed(change, false));
    within.extend(generated(change, false));
    within.extend(renamed_columns(change, false));
    within.extend(in_step(change, Follower::TwinFollows));
    statements.extend(block(within));
    statements.extend(validated);
    statements
}

fn renamed_columns(change: &ColumnChange, forward: bool) -> Vec<String> {
    if change.is_rename() {
        return Vec::new();
    }
    let rename = |from: &str, to: &str| {
        format!(
            "ALTER TABLE {} RENAME COLUMN {} TO {};",
            change.table.name,
            quote(from),
            quote(to)
        )
    };
    if forward {
        vec![
            rename(&change.old, &change.retired),
            rename(&change.twin, &change.final_name),
        ]
    } else {
        vec![
            rename(&change.final_name, &change.twin),
            rename(&change.retired, &change.old),
        ]
    }
}

/// Moves primary and unique keys from one column's index to the other's.
fn keys(change: &ColumnChange, forward: bool) -> Vec<String> {
    let table = &change.table.name;
    let mut statements = Vec::new();
    for index in &change.indexes {
        let Some(key) = index.key else { continue };
        let name = quote(&index.name);
        let taken = quote(if forward { &index.twin } else { &index.retired });
        statements.push(format!("ALTER TABLE {table} DROP CONSTRAINT {name};"));
        statements.push(format!(
            "ALTER TABLE {table} ADD CONSTRAINT {name} {key} USING INDEX {taken}{};",
            index.key_options
        ));
    }
    statements
}

/// Swaps the names of plain indexes and constraints between the new column and the old.
fn renamed(change: &ColumnChange, forward: bool) -> Vec<String> {
    let mut statements = Vec::new();
    for index in change.indexes.iter().filter(|index| index.key.is_none()) {
        let rename = |from: &str, to: &str| format!("ALTER INDEX {} RENAME TO {};", in_schema(change, from), quote(to));
        statements.extend(swapped(&index.name, &index.twin, &index.retired, forward, rename));
    }
    for constraint in &change.constraints {
        let rename = |from: &str, to: &str| {
            format!(
                "ALTER TABLE {} RENAME CONSTRAINT {} TO {};",
                change.table.name,
                quote(from),
                quote(to)
            )
        };
        statements.extend(swapped(
            &constraint.name,
            &constraint.twin,
            &constraint.retired,
            forward,
            rename,
        ));
    }
    statements
}

fn swapped(name: &str, twin: &str, retired: &str, forward: bool, rename: impl Fn(&str, &str) -> String) -> [String; 2] {
    if forward {
        [rename(name, retired), rename(twin, name)]
    } else {
        [rename(name, twin), rename(retired, name)]
    }
}

/// Moves the default, the sequence or the identity; column names are those after the switch.
fn generated(change: &ColumnChange, forward: bool) -> Vec<String> {
    let table = &change.table.name;
    let (gives, takes) = if forward {
        (quote(&change.retired), quote(&change.final_name))
    } else {
        (quote(&change.final_name), quote(&change.retired))
    };
    let mut statements = Vec::new();
    if let Some(default) = &change.default {
        statements.push(format!(
            "ALTER TABLE {table} ALTER COLUMN {takes} SET DEFAULT {default};"
        ));
        statements.push(format!("ALTER TABLE {table} ALTER COLUMN {gives} DROP DEFAULT;"));
    }
    match (&change.identity, &change.sequence) {
        (Some(identity), Some(sequence)) => {
            statements.extend(handed_identity(change, identity, sequence, &gives, &takes))
        }
        (None, Some(sequence)) => {
            statements.push(format!("ALTER SEQUENCE {} OWNED BY {table}.{takes};", sequence.name));
            let data_type = if forward { &change.new_type } else { &change.old_type };
            let of_integers = ["smallint", "integer", "bigint", "int2", "int4", "int8", "int"];
            let known = of_integers.contains(&data_type.to_ascii_lowercase().as_str());
            let has_its_type = sequence.definition.starts_with(&format!("AS {} ", change.old_type));
            if known && has_its_type && !change.is_rename() {
                statements.push(format!("ALTER SEQUENCE {} AS {data_type};", sequence.name));
            }
        }
        _ => {}
    }
    statements
}

/// Creates a second identity that continues at the first one's value, drops the first, and renames the second to the
/// first one's name.
fn handed_identity(
    change: &ColumnChange,
    identity: &str,
    sequence: &SequenceFacts,
    gives: &str,
    takes: &str,
) -> Vec<String> {
    let table = &change.table.name;
    let aside = in_schema(change, &free_name(&change.table.bare_name, "_next_identity", &[]));
    let start = sequence.definition.find("START").unwrap_or_default();
    let options = without_own_bounds(&sequence.definition[start..]);
    let mut statements = vec![
        format!(
            "ALTER TABLE {table} ALTER COLUMN {takes} ADD GENERATED {identity} AS IDENTITY (SEQUENCE NAME {aside} \
             {options});"
        ),
        format!(
            "SELECT setval('{}', last_value, is_called) FROM {};",
            in_literal(&aside),
            sequence.name
        ),
        format!("ALTER TABLE {table} ALTER COLUMN {gives} DROP IDENTITY;"),
        format!("ALTER SEQUENCE {aside} RENAME TO {};", last_part(&sequence.name)),
    ];
    let granted = sequence.privileges.iter().map(|line| {
        let (privilege, grantee) = line.split_once(" to ").unwrap_or((line, "PUBLIC"));
        format!("GRANT {privilege} ON SEQUENCE {} TO {grantee};", sequence.name)
    });
    statements.extend(granted);
    statements
}

/// Removes the bounds of a sequence that follow from its type.
fn without_own_bounds(options: &str) -> String {
    const OWN_BOUNDS: [&str; 4] = [
        "MINVALUE 1",
        "MAXVALUE 2147483647",
        "MAXVALUE 9223372036854775807",
        "MAXVALUE 32767",
    ];
    OWN_BOUNDS.iter().fold(options.to_owned(), |kept, bound| {
        kept.replace(&format!(" {bound} "), " ")
    })
}

impl ReferenceChange {
    /// Returns the foreign key's definition with `column` in place of the old column.
    pub fn definition(&self, change: &ColumnChange, column: &str) -> String {
        let (columns, rest) = self.tail.split_once(')').unwrap_or((&self.tail, ""));
        format!("{}{}){rest}", self.head, change.with(columns, column))
    }
}
