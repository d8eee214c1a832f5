//! The schema as a statement leaves it, so that the next one is judged against what it will meet.
//!
//! Follows what decides locks, rewrites and scans: columns, constraints, indexes, tables, domains, the session's time
//! zone. What it does not follow stays as it was.

mod altered;
mod checks;
mod made;
mod uses;

use crate::catalog::{Origin, Persistence, RelationFacts, RelationKind, SchemaFacts, TypeFacts};
use crate::migration::Statement;
use crate::migration::command::{
    Body, Command, Copied, Copy, CreateIndex, CreateTable, Creation, DropObjects, ObjectKind, PartVerb, Query, Routine,
    Run, Session, TablePart,
};
use crate::migration::names::name_path;
use made::{add_index, bound_of, qualified};

/// Applies a statement to the facts; without a catalog, only the checks that statements add are followed.
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
        return checks::follow(command, schema);
    }
    uses::follow(command, schema);
    match command {
        Command::AlterTable(alter) => altered::alter(alter, schema),
        Command::CreateTable(create) => create_table(create, schema),
        Command::CreateTableAs(create) => {
            if let Some(position) = add_relation(&create.made, schema) {
                schema.relations[position].empty = false;
            }
        }
        Command::CreateIndex(create) => create_index(create, schema),
        Command::CreateDomain {
            made,
            base,
            constrained,
        } => create_domain(made, base, *constrained, schema),
        Command::TablePart(part) => create_trigger(part, schema),
        Command::Drop(dropped) => drop_each(dropped, schema),
        Command::Copy(Copy {
            what: Copied::Table(table),
            ..
        }) => fill(table, schema),
        Command::Query(Query {
            body: Body::Insert(insert),
            ..
        }) => fill(&insert.table, schema),
        Command::Session(Session::Set(setting)) if setting.name == "timezone" => {
            schema.timezone.clone_from(&setting.value);
        }
        _ => {}
    }
}

fn fill(table: &str, schema: &mut SchemaFacts) {
    let position = schema.position(&name_path(table));
    if let Some(relation) = position.and_then(|position| schema.relations.get_mut(position)) {
        relation.empty = false;
    }
}

fn drop_each(dropped: &DropObjects, schema: &mut SchemaFacts) {
    for path in dropped.names.iter().map(|name| name_path(name)) {
        match dropped.kind {
            ObjectKind::Index => drop_index(&path, schema),
            ObjectKind::Table | ObjectKind::MaterializedView | ObjectKind::View => {
                if let Some(position) = schema.position(&path) {
                    schema.relations.remove(position);
                }
            }
            _ => {}
        }
    }
}

fn drop_index(path: &[String], schema: &mut SchemaFacts) {
    let Some(name) = schema.index(path).map(|(_, index)| index.name.clone()) else {
        return;
    };
    for relation in &mut schema.relations {
        relation.indexes.retain(|index| index.name != name);
    }
}

/// Adds what a statement makes, and returns its place.
fn add_relation(made: &Creation, schema: &mut SchemaFacts) -> Option<usize> {
    let kind = match made.kind {
        ObjectKind::Table => RelationKind::Table,
        ObjectKind::MaterializedView => RelationKind::MaterializedView,
        _ => return None,
    };
    let path = name_path(made.name.as_ref().filter(|_| !made.temporary)?);
    let (name, qualifier) = path.split_last()?;
    let home = qualifier.last().or(schema.search_path.first())?.clone();
    if schema.position(&[home.clone(), name.clone()]).is_some() {
        return None;
    }
    Some(schema.relations.push(RelationFacts {
        name: qualified(&home, name),
        schema: home,
        bare_name: name.clone(),
        kind,
        persistence: Persistence::Permanent,
        empty: kind == RelationKind::Table,
        origin: Origin::Made,
        ..RelationFacts::default()
    }))
}

fn create_table(create: &CreateTable, schema: &mut SchemaFacts) {
    let Some(position) = add_relation(&create.made, schema) else {
        return;
    };
    if let Some((parent, bound)) = &create.partition_of {
        let parent = schema.relation(&name_path(parent)).cloned();
        let partition = &mut schema.relations[position];
        partition.bound = Some(bound_of(bound));
        if let Some(parent) = parent {
            partition.columns = parent.columns.clone();
            partition.constraints = parent.constraints.clone();
            partition.indexes = parent.indexes.clone();
            partition.parents.push(parent.name);
        }
        return;
    }
    for column in &create.columns {
        altered::add_column(position, column, schema);
    }
    for constraint in &create.constraints {
        altered::add_constraint(position, constraint, schema);
    }
    if create.partitioned {
        schema.relations[position].kind = RelationKind::PartitionedTable;
    }
}

fn create_index(create: &CreateIndex, schema: &mut SchemaFacts) {
    if let Some(position) = schema.position(&name_path(&create.table.name)) {
        let relation = &mut schema.relations[position];
        let default_name = || format!("{}_{}_idx", relation.bare_name, create.columns.join("_"));
        let name = create.name.clone().unwrap_or_else(default_name);
        add_index(relation, &name, create.columns.clone(), create.unique, create.plain);
    }
}

fn create_domain(made: &Creation, base: &str, constrained: bool, schema: &mut SchemaFacts) {
    let path = made.name.as_deref().map(name_path).unwrap_or_default();
    let Some((name, home)) = path.split_last() else {
        return;
    };
    let Some(home) = home.last().or(schema.search_path.first()).cloned() else {
        return;
    };
    schema.types.push(TypeFacts {
        schema: home,
        name: name.clone(),
        base: Some(base.to_owned()),
        constrained,
    });
}

fn create_trigger(part: &TablePart, schema: &mut SchemaFacts) {
    let is_new = matches!(part.verb, PartVerb::Create | PartVerb::Replace);
    let position = schema.position(&name_path(&part.table));
    if let Some(position) = position.filter(|_| is_new && part.kind == ObjectKind::Trigger) {
        schema.relations[position].triggers.push(name_path(&part.name).concat());
    }
}
