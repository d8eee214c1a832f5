//! The schema as a statement leaves it, so that the next one is judged against what it will meet.
//!
//! Follows what decides locks, rewrites and scans: relations with their columns, constraints, indexes, triggers and
//! rules, types, publications. What it does not follow stays as it was.

mod altered;
mod checks;
mod inherited;
mod made;
mod objects;
mod renamed;
mod tables;
mod uses;

use crate::catalog::{Origin, SchemaFacts, TypeFacts};
use crate::migration::Statement;
use crate::migration::command::{Body, Command, Copied, Copy, Creation, ObjectKind, Query, Routine, Run};
use crate::migration::names::name_path;
use made::qualified;

/// Applies a statement to the facts. Without a catalog, they are what the statements before have made, and the checks
/// that they have added to other tables.
pub(in crate::migration) fn evolve(statement: &Statement, schema: &mut SchemaFacts) {
    let routine = statement.outline.routine.as_ref();
    if let Some(name) = routine.and_then(|routine| routine.name.clone()) {
        schema.routines.insert(name, statement.sql.clone());
    }
    match (statement.command(), routine) {
        (Command::Do(_), Some(routine)) => evolve_by_body(routine, schema),
        (command, _) => evolve_by(command, schema),
    }
}

/// Applies what the body of a block runs, each branch taken for run.
fn evolve_by_body(routine: &Routine, schema: &mut SchemaFacts) {
    for run in &routine.runs {
        if let Run::Statement { command, .. } = run {
            evolve_by(command, schema);
        }
    }
}

/// Applies a command to the facts.
pub(super) fn evolve_by(command: &Command, schema: &mut SchemaFacts) {
    if !schema.is_known() {
        checks::follow(command, schema);
    }
    uses::follow(command, schema);
    match command {
        Command::AlterTable(alter) => altered::alter(alter, schema),
        Command::CreateTable(create) => tables::create_table(create, schema),
        Command::CreateTableAs(create) | Command::CreateView(create) => tables::create_as(create, schema),
        Command::CreateIndex(create) => tables::create_index(create, schema),
        Command::CreateSchema { made, elements } => create_schema(made, elements, schema),
        Command::Create(made) if made.kind == ObjectKind::Type => create_type(made, None, false, schema),
        Command::Create(made) => tables::create(made, schema),
        Command::CreateDomain {
            made,
            base,
            constrained,
        } => create_type(made, Some(base), *constrained, schema),
        Command::CreateStatistics { made, table } => create_statistics(made, table, schema),
        Command::AlterIndex(alter) => objects::alter_index(alter, schema),
        Command::AlterSequence(alter) => objects::alter_sequence(alter, schema),
        Command::AlterType(alter) => objects::alter_type(alter, schema),
        Command::AlterDomain(alter) => objects::alter_domain(alter, schema),
        Command::Alter(alter) => objects::alter(alter, schema),
        Command::Publication(publication) => objects::publication(publication, schema),
        Command::TablePart(part) => objects::table_part(part, schema),
        Command::Drop(dropped) => objects::drop_each(dropped, schema),
        Command::Copy(Copy {
            what: Copied::Table(table),
            ..
        }) => fill(table, schema),
        Command::Query(query) => {
            tables::select_into(query, schema);
            fill_by(query, schema);
        }
        Command::Do(_) | Command::Explain | Command::Other => fill_all(schema),
        _ => {}
    }
}

/// A change of rows may fill its table, and a function any.
fn fill_by(query: &Query, schema: &mut SchemaFacts) {
    query.with.iter().for_each(|common| fill_by(common, schema));
    match &query.body {
        Body::Insert(insert) => fill(&insert.table, schema),
        Body::Merge(merge) => fill(&merge.table.name, schema),
        Body::Select(_) if !query.calls.is_empty() => fill_all(schema),
        _ => {}
    }
}

fn fill_all(schema: &mut SchemaFacts) {
    let made = |relation: &&mut crate::catalog::RelationFacts| relation.origin == Origin::Made;
    if schema
        .relations
        .iter()
        .any(|relation| relation.origin == Origin::Made && relation.empty)
    {
        schema
            .relations
            .iter_mut()
            .filter(made)
            .for_each(|relation| relation.empty = false);
    }
}

fn fill(table: &str, schema: &mut SchemaFacts) {
    let Some(position) = schema.position(&name_path(table)) else {
        return;
    };
    let mut places = schema.places_of_descendants(&schema.relations[position].name);
    places.push(position);
    for place in places {
        if schema.relations[place].empty {
            schema.relations[place].empty = false;
        }
    }
}

fn create_type(made: &Creation, base: Option<&str>, constrained: bool, schema: &mut SchemaFacts) {
    let path = made.name.as_deref().map(name_path).unwrap_or_default();
    let Some((name, home)) = path.split_last() else {
        return;
    };
    let Some(home) = schema.home_of(home, false) else {
        return;
    };
    schema.types.push(TypeFacts {
        schema: home,
        name: name.clone(),
        base: base.map(str::to_owned),
        constrained,
        volatile_default: false,
    });
}

fn create_statistics(made: &Creation, table: &str, schema: &mut SchemaFacts) {
    let path = made.name.as_deref().map(name_path).unwrap_or_default();
    let (Some((name, home)), Some(position)) = (path.split_last(), schema.position(&name_path(table))) else {
        return;
    };
    if let Some(home) = schema.home_of(home, false) {
        schema.relations[position].statistics.push(qualified(&home, name));
    }
}

/// The elements of a new schema are statements of their own, whose names belong to it.
fn create_schema(made: &Creation, elements: &[Command], schema: &mut SchemaFacts) {
    let Some(name) = made.name.as_deref().map(|name| name_path(name).concat()) else {
        return;
    };
    if !schema.schemas.is_empty() && !schema.schemas.contains(&name) {
        schema.schemas.push(name.clone());
    }
    let path = schema.settings.search_path.clone();
    schema.settings.search_path.insert(0, name);
    elements.iter().for_each(|element| evolve_by(element, schema));
    schema.settings.search_path = path;
}
