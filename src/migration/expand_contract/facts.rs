//! What has to be known of a column before its phases can be written, and why they sometimes cannot.

use super::dependents::{ConstraintChange, IndexChange, ReferenceChange, constraints, indexes, references, taken};
use super::identifiers::{free_name, mentions, quote, with_column};
use crate::catalog::snapshot::{SchemaObject, SchemaSnapshot};
use crate::catalog::{RelationFacts, RelationKind, SchemaFacts};
use crate::migration::command::{ColumnAction, TableAction, TypeChange};
use crate::migration::effects::computes;

/// Types that have no equality, or one that means something else.
const NOT_COMPARABLE: &[&str] = &[
    "json", "xml", "point", "box", "circle", "line", "lseg", "path", "polygon",
];

/// A column that gets another name or type.
pub struct ColumnChange<'a> {
    /// Its table.
    pub table: &'a RelationFacts,
    /// Bare name before the change.
    pub old: String,
    /// Bare name of its twin until the switch.
    pub twin: String,
    /// Bare name of the old column after the switch.
    pub retired: String,
    /// Bare name at the end.
    pub final_name: String,
    pub old_type: String,
    pub new_type: String,
    /// What stands behind the types, as ` COLLATE "C"`.
    pub old_collation: String,
    pub new_collation: String,
    pub not_null: bool,
    pub default: Option<String>,
    /// `ALWAYS` or `BY DEFAULT`.
    pub identity: Option<String>,
    /// The sequence that belongs to it.
    pub sequence: Option<SequenceFacts>,
    pub comment: Option<String>,
    /// As `SELECT to reader`.
    pub privileges: Vec<String>,
    pub indexes: Vec<IndexChange>,
    pub constraints: Vec<ConstraintChange>,
    /// Foreign keys of other tables that refer to it.
    pub references: Vec<ReferenceChange>,
}

/// The sequence of a serial or identity column.
pub struct SequenceFacts {
    /// Qualified name.
    pub name: String,
    /// As `AS integer START 1 INCREMENT 1 …`.
    pub definition: String,
    /// As `USAGE to writer`, but for its owner's.
    pub privileges: Vec<String>,
}

impl<'a> ColumnChange<'a> {
    /// Gathers the facts; the reason when the phases cannot be written.
    pub fn new(
        table: &'a RelationFacts,
        action: &TableAction,
        schema: &'a SchemaFacts,
        snapshot: &SchemaSnapshot,
    ) -> Result<ColumnChange<'a>, String> {
        let (old, renamed, new_type) = wanted(action)?;
        let column = table
            .column(old)
            .ok_or_else(|| format!("{} has no column {old}", table.name))?;
        let name = format!("{}.{}", table.name, quote(old));
        let object = snapshot
            .object("column", &name)
            .ok_or_else(|| format!("{name} is not in the catalog"))?;
        refuse(table, old, object, schema, snapshot)?;
        let [twin, retired, final_name] = names(table, old, renamed)?;
        let collate = |name: Option<String>| name.map(|name| format!(" COLLATE {name}")).unwrap_or_default();
        let old_collation = object.attribute("collation");
        let new_collation = match new_type {
            Some(change) => change.collation.as_ref().map(|name| quote(name)),
            None => old_collation.clone(),
        };
        let sequence = snapshot.objects.iter().find(|(object, facts)| {
            object.class == "sequence" && facts.attribute("owning column").as_deref() == Some(name.as_str())
        });
        let taken = taken(table, schema);
        Ok(ColumnChange {
            table,
            twin,
            retired,
            final_name,
            old_type: column.data_type.clone(),
            new_type: new_type.map_or_else(|| column.data_type.clone(), |change| change.data_type.written.clone()),
            old_collation: collate(old_collation),
            new_collation: collate(new_collation),
            not_null: object.attribute("NULL").is_some(),
            default: object.attribute("default"),
            identity: object.attribute("identity"),
            sequence: sequence.map(|(name, facts)| sequence_facts(&name.name, facts)),
            comment: object.attribute("comment"),
            privileges: object
                .attributes
                .get("privileges")
                .map(|list| list.items())
                .unwrap_or_default(),
            indexes: indexes(table, old, snapshot, &taken)?,
            constraints: constraints(table, old, snapshot, &taken),
            references: references(table, old, schema, snapshot)?,
            old: old.clone(),
        })
    }

    /// Says whether only the name changes.
    pub fn is_rename(&self) -> bool {
        self.final_name != self.old
    }

    /// Says whether values can be compared with `IS DISTINCT FROM`.
    pub fn comparable(&self) -> bool {
        !NOT_COMPARABLE.contains(&self.old_type.as_str())
    }

    /// Returns a definition in terms of another column.
    pub fn with(&self, definition: &str, column: &str) -> String {
        with_column(definition, &self.old, &quote(column))
    }
}

/// Returns the names of the twin, of the old column after it is retired, and of the final column.
fn names(table: &RelationFacts, old: &str, renamed: Option<&String>) -> Result<[String; 3], String> {
    let columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    match renamed {
        Some(to) if columns.contains(to) => Err(format!("{} has a column {to} already", table.name)),
        Some(to) => Ok([to.clone(), old.to_owned(), to.clone()]),
        None => Ok([
            free_name(old, "_new", &columns),
            free_name(old, "_old", &columns),
            old.to_owned(),
        ]),
    }
}

/// Returns the column's name before, the new name or the new type.
fn wanted(action: &TableAction) -> Result<(&String, Option<&String>, Option<&TypeChange>), String> {
    match action {
        TableAction::RenameColumn { from, to } => Ok((from, Some(to), None)),
        TableAction::AlterColumn {
            column,
            action: ColumnAction::SetType(change),
        } if computes(column, change) => {
            Err("its USING expression computes values, and nothing says how to compute them back".to_owned())
        }
        TableAction::AlterColumn {
            column,
            action: ColumnAction::SetType(change),
        } => Ok((column, None, Some(change))),
        _ => Err("it is neither a rename nor a change of type".to_owned()),
    }
}

fn sequence_facts(name: &str, facts: &SchemaObject) -> SequenceFacts {
    let owner = format!(" to {}", facts.attribute("owner").unwrap_or_default());
    let privileges = facts
        .attributes
        .get("privileges")
        .map(|list| list.items())
        .unwrap_or_default();
    SequenceFacts {
        name: name.to_owned(),
        definition: facts.attribute("definition of the sequence").unwrap_or_default(),
        privileges: privileges.into_iter().filter(|line| !line.ends_with(&owner)).collect(),
    }
}

fn refuse(
    table: &RelationFacts,
    column: &str,
    object: &SchemaObject,
    schema: &SchemaFacts,
    snapshot: &SchemaSnapshot,
) -> Result<(), String> {
    if table.kind != RelationKind::Table {
        return Err(format!("{} is partitioned, or no table", table.name));
    }
    if !table.parents.is_empty() || !schema.descendants(&table.name).is_empty() {
        return Err(format!(
            "{} is a partition, or inherits or is inherited from",
            table.name
        ));
    }
    if object.attributes.contains_key("expression") {
        return Err("the column is generated".to_owned());
    }
    let uses = |text: Option<String>| text.is_some_and(|text| mentions(&text, column));
    for (name, facts) in &snapshot.objects {
        let own = facts
            .part_of
            .first()
            .is_some_and(|whole| *whole == format!("table {}", table.name));
        let reads_table = schema
            .named(&name.name)
            .is_some_and(|view| view.reads.contains(&table.name));
        let in_the_way = match name.class.as_str() {
            "view" | "materialized view" => reads_table && uses(facts.attribute("definition")),
            "column" => own && uses(facts.attribute("expression")),
            "trigger" | "rule" | "statistics object" => own && uses(facts.attribute("definition")),
            "policy" => own && (uses(facts.attribute("USING")) || uses(facts.attribute("WITH CHECK"))),
            _ => false,
        };
        if in_the_way {
            return Err(format!("{name} names the column"));
        }
    }
    Ok(())
}
