//! What has to be known of a column before its phases can be written, and why they sometimes cannot.

use super::identifiers::{free_name, mentions, quote, with_column};
use crate::catalog::snapshot::{SchemaObject, SchemaSnapshot};
use crate::catalog::{ConstraintFacts, RelationFacts, SchemaFacts, SchemaIndex};
use crate::migration::command::{ColumnAction, TableAction};
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

/// An index that holds the column.
pub struct IndexChange {
    /// Bare name, and those of its twin and of the old one once it is retired.
    pub name: String,
    pub twin: String,
    pub retired: String,
    /// `CREATE UNIQUE INDEX CONCURRENTLY` or without UNIQUE.
    pub create: String,
    /// What stands behind `ON table`, in terms of the old column.
    pub body: String,
    /// `PRIMARY KEY` or `UNIQUE` when it enforces a constraint of the same name.
    pub key: Option<&'static str>,
    /// What follows the key, as ` DEFERRABLE`.
    pub key_options: String,
    pub comment: Option<String>,
}

/// A check or foreign key of the table that holds the column.
pub struct ConstraintChange {
    pub name: String,
    pub twin: String,
    pub retired: String,
    /// As PostgreSQL prints it, without `NOT VALID`, in terms of the old column.
    pub definition: String,
    pub valid: bool,
}

/// A foreign key of another table.
pub struct ReferenceChange {
    pub table: String,
    pub name: String,
    pub twin: String,
    /// What stands before the referenced columns: `FOREIGN KEY (a) REFERENCES public.t`.
    pub head: String,
    /// The referenced columns and what follows, in terms of the old column.
    pub tail: String,
    pub valid: bool,
}

impl<'a> ColumnChange<'a> {
    /// Gathers the facts; the reason when the phases cannot be written.
    pub fn new(
        table: &'a RelationFacts,
        action: &TableAction,
        schema: &'a SchemaFacts,
        snapshot: &SchemaSnapshot,
    ) -> Result<ColumnChange<'a>, String> {
        let (old, renamed, new_type) = match action {
            TableAction::RenameColumn { from, to } => (from, Some(to.clone()), None),
            TableAction::AlterColumn {
                column,
                action: ColumnAction::SetType(change),
            } => {
                if computes(column, change) {
                    return Err(
                        "its USING expression computes values, and nothing says how to compute them back".to_owned(),
                    );
                }
                (column, None, Some(change))
            }
            _ => return Err("it is neither a rename nor a change of type".to_owned()),
        };
        let column = table
            .column(old)
            .ok_or_else(|| format!("{} has no column {old}", table.name))?;
        let name = format!("{}.{}", table.name, quote(old));
        let object = snapshot
            .object("column", &name)
            .ok_or_else(|| format!("{name} is not in the catalog"))?;
        refuse(table, old, object, schema, snapshot)?;
        let columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        let (twin, retired, final_name) = match &renamed {
            Some(to) if columns.contains(to) => return Err(format!("{} has a column {to} already", table.name)),
            Some(to) => (to.clone(), old.clone(), to.clone()),
            None => (
                free_name(old, "_new", &columns),
                free_name(old, "_old", &columns),
                old.clone(),
            ),
        };
        let old_collation = object
            .attribute("collation")
            .map(|name| format!(" COLLATE {name}"))
            .unwrap_or_default();
        let new_collation = match new_type {
            Some(change) => change
                .collation
                .as_ref()
                .map(|name| format!(" COLLATE {}", quote(name)))
                .unwrap_or_default(),
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
            old_collation,
            new_collation,
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
    if !matches!(table.kind.as_str(), "r") {
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

/// Returns the names of relations in the table's schema and of its constraints.
fn taken(table: &RelationFacts, schema: &SchemaFacts) -> Vec<String> {
    let neighbours = schema
        .relations
        .iter()
        .filter(|relation| relation.schema == table.schema);
    let mut names: Vec<String> = neighbours
        .flat_map(|relation| {
            let indexes = relation.indexes.iter().map(|index| index.bare_name.clone());
            std::iter::once(relation.bare_name.clone()).chain(indexes)
        })
        .collect();
    names.extend(table.constraints.iter().map(|constraint| constraint.name.clone()));
    names
}

fn indexes(
    table: &RelationFacts,
    column: &str,
    snapshot: &SchemaSnapshot,
    taken: &[String],
) -> Result<Vec<IndexChange>, String> {
    let used = |index: &&SchemaIndex| index.used_columns.iter().any(|used| used == column);
    table
        .indexes
        .iter()
        .filter(used)
        .map(|index| index_change(table, index, snapshot, taken))
        .collect()
}

fn index_change(
    table: &RelationFacts,
    index: &SchemaIndex,
    snapshot: &SchemaSnapshot,
    taken: &[String],
) -> Result<IndexChange, String> {
    if !index.valid {
        return Err(format!("index {} is invalid", index.name));
    }
    let object = snapshot.object("index", &index.name);
    let definition = object
        .and_then(|object| object.attribute("definition"))
        .unwrap_or_default();
    let on = format!(" ON {} ", table.name);
    let body = definition.split_once(&on).map(|(_, body)| body.to_owned());
    let body = body.ok_or_else(|| format!("the definition of index {} was not understood", index.name))?;
    if object.is_some_and(|object| object.attributes.contains_key("replica identity")) {
        return Err(format!("index {} is the replica identity", index.name));
    }
    let enforced = table.constraints.iter().find(|constraint| {
        constraint.index.as_deref() == Some(index.bare_name.as_str())
            && matches!(constraint.kind.as_str(), "p" | "u" | "x")
    });
    let key = match enforced.map(|constraint| constraint.kind.as_str()) {
        Some("p") => Some("PRIMARY KEY"),
        Some("u") => Some("UNIQUE"),
        Some(_) => return Err(format!("exclusion constraint {} holds the column", index.bare_name)),
        None => None,
    };
    let deferrable = enforced.and_then(|constraint| {
        constraint
            .definition
            .find(" DEFERRABLE")
            .map(|at| &constraint.definition[at..])
    });
    let unique = if index.unique { "UNIQUE " } else { "" };
    Ok(IndexChange {
        name: index.bare_name.clone(),
        twin: free_name(&index.bare_name, "_new", taken),
        retired: free_name(&index.bare_name, "_old", taken),
        create: format!("CREATE {unique}INDEX CONCURRENTLY"),
        body,
        key,
        key_options: deferrable.unwrap_or_default().to_owned(),
        comment: object.and_then(|object| object.attribute("comment")),
    })
}

fn constraints(
    table: &RelationFacts,
    column: &str,
    snapshot: &SchemaSnapshot,
    taken: &[String],
) -> Vec<ConstraintChange> {
    let holds = |constraint: &&ConstraintFacts| {
        matches!(constraint.kind.as_str(), "c" | "f") && constraint.columns.iter().any(|name| name == column)
    };
    let changes = table
        .constraints
        .iter()
        .filter(holds)
        .map(|constraint| ConstraintChange {
            name: constraint.name.clone(),
            twin: free_name(&constraint.name, "_new", taken),
            retired: free_name(&constraint.name, "_old", taken),
            definition: printed(snapshot, &constraint.name, &table.name),
            valid: constraint.valid,
        });
    changes.collect()
}

/// Returns a constraint as PostgreSQL prints it with an empty search path.
fn printed(snapshot: &SchemaSnapshot, name: &str, table: &str) -> String {
    let object = snapshot.object("constraint", &format!("{} on {table}", quote(name)));
    object
        .and_then(|object| object.attribute("definition"))
        .unwrap_or_default()
}

fn references(
    table: &RelationFacts,
    column: &str,
    schema: &SchemaFacts,
    snapshot: &SchemaSnapshot,
) -> Result<Vec<ReferenceChange>, String> {
    let mut found = Vec::new();
    for owner in &schema.relations {
        let referring = owner
            .constraints
            .iter()
            .filter(|one| one.references.as_deref() == Some(&table.name));
        for constraint in referring {
            let definition = printed(snapshot, &constraint.name, &owner.name);
            let head = format!(" REFERENCES {}", table.name);
            let Some((before, after)) = definition.split_once(&head) else {
                return Err(format!(
                    "foreign key {} of {} was not understood",
                    constraint.name, owner.name
                ));
            };
            let referenced = after.split_once(')').map_or(after, |(columns, _)| columns);
            if !mentions(referenced, column) {
                continue;
            }
            if owner.name == table.name && constraint.columns.iter().any(|name| name == column) {
                return Err(format!(
                    "foreign key {} refers from the column to itself",
                    constraint.name
                ));
            }
            if owner.kind != "r" || !owner.parents.is_empty() {
                return Err(format!("foreign key {} is of a partitioned table", constraint.name));
            }
            let taken: Vec<String> = owner.constraints.iter().map(|one| one.name.clone()).collect();
            found.push(ReferenceChange {
                table: owner.name.clone(),
                name: constraint.name.clone(),
                twin: free_name(&constraint.name, "_new", &taken),
                head: format!("{before}{head}"),
                tail: after.to_owned(),
                valid: constraint.valid,
            });
        }
    }
    Ok(found)
}
