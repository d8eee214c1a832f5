//! What hangs on a column: indexes and constraints of its table, and the foreign keys that refer to it.

use super::identifiers::{free_name, mentions, quote};
use crate::catalog::snapshot::SchemaSnapshot;
use crate::catalog::{ConstraintFacts, ConstraintKind, RelationFacts, RelationKind, SchemaFacts, SchemaIndex};

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

/// Returns the names of relations in the table's schema and of its constraints.
pub fn taken(table: &RelationFacts, schema: &SchemaFacts) -> Vec<String> {
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

pub fn indexes(
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
        constraint.index.as_deref() == Some(index.bare_name.as_str()) && constraint.kind.has_index()
    });
    let key = match enforced.map(|constraint| constraint.kind) {
        Some(ConstraintKind::PrimaryKey) => Some("PRIMARY KEY"),
        Some(ConstraintKind::Unique) => Some("UNIQUE"),
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

pub fn constraints(
    table: &RelationFacts,
    column: &str,
    snapshot: &SchemaSnapshot,
    taken: &[String],
) -> Vec<ConstraintChange> {
    let holds = |constraint: &&ConstraintFacts| {
        matches!(constraint.kind, ConstraintKind::Check | ConstraintKind::ForeignKey)
            && constraint.columns.iter().any(|name| name == column)
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

pub fn references(
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
            if owner.kind != RelationKind::Table || !owner.parents.is_empty() {
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
