//! The schema as a statement leaves it, so that the next one is judged against what it will meet.
//!
//! Follows what decides locks, rewrites and scans: columns, constraints, indexes, tables, domains, the session's time zone. What it
//! does not follow, such as the effects of `DO` blocks, stays as it was.

use super::alter_table::{self, Action, Constraint};
use super::types::DataType;
use crate::catalog::{ColumnFacts, ConstraintFacts, Origin, RelationFacts, SchemaFacts, SchemaIndex, TypeFacts};
use crate::migration::Statement;
use crate::migration::command::{
    AlteredKind, Body, ColumnDefinition, Command, ConstraintDefinition, Copied, Copy, CreateIndex, CreateTable,
    Creation, DropObjects, ObjectKind, PartVerb, PartitionBound, PartitionRows, Query, Session, TableConstraint,
    TablePart,
};
use crate::migration::names::name_path;
use crate::migration::words::Words;

/// Applies a statement to the facts; without a catalog there is nothing to apply it to.
pub(in crate::migration) fn evolve(statement: &Statement, schema: &mut SchemaFacts) {
    if !schema.is_known() {
        return;
    }
    match statement.command() {
        Command::AlterTable(altered) if altered.called == AlteredKind::Table => {
            let mut words = Words::new(&statement.sql);
            words.accept("ALTER TABLE");
            alter(&mut words, schema);
        }
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
        ObjectKind::Table => "r",
        ObjectKind::MaterializedView => "m",
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
        kind: kind.to_owned(),
        persistence: "p".to_owned(),
        empty: kind == "r",
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
        add_column(position, column, schema);
    }
    for constraint in &create.constraints {
        add_constraint(position, &of_old_form(constraint), schema);
    }
    if create.partitioned {
        schema.relations[position].kind = "p".to_owned();
    }
}

/// Returns a bound as the catalog has it.
fn bound_of(bound: &PartitionBound) -> String {
    match bound.rows {
        PartitionRows::Default => "DEFAULT".to_owned(),
        _ => bound.written.clone(),
    }
}

fn add_column(position: usize, column: &ColumnDefinition, schema: &mut SchemaFacts) {
    let Some(data_type) = &column.data_type else {
        return;
    };
    let serial = DataType::parse(&data_type.written).serial;
    let relation = &mut schema.relations[position];
    if relation.column(&column.name).is_some() {
        return;
    }
    relation.columns.push(ColumnFacts {
        name: column.name.clone(),
        data_type: data_type.written.clone(),
        collation: None,
        not_null: column.not_null || serial,
    });
    for constraint in &column.constraints {
        add_constraint(position, &of_old_form(constraint), schema);
    }
}

/// Until the facts follow the typed form.
fn of_old_form(constraint: &TableConstraint) -> Constraint {
    let mut old = Constraint {
        name: constraint.name.clone(),
        kind: 'n',
        columns: constraint.columns.clone(),
        references: None,
        referenced_columns: String::new(),
        not_valid: constraint.not_valid,
        not_enforced: constraint.not_enforced,
        using_index: None,
        expression: String::new(),
    };
    match &constraint.definition {
        ConstraintDefinition::Check { written, .. } => {
            old.kind = 'c';
            old.expression.clone_from(written);
        }
        ConstraintDefinition::Exclude => old.kind = 'x',
        ConstraintDefinition::ForeignKey { table, .. } => {
            old.kind = 'f';
            old.references = Some(table.clone());
        }
        ConstraintDefinition::NotNull => {}
        ConstraintDefinition::PrimaryKey { using_index } => {
            old.kind = 'p';
            old.using_index.clone_from(using_index);
        }
        ConstraintDefinition::Unique { using_index } => {
            old.kind = 'u';
            old.using_index.clone_from(using_index);
        }
    }
    old
}

fn create_index(create: &CreateIndex, schema: &mut SchemaFacts) {
    if let Some(position) = schema.position(&name_path(&create.table.name)) {
        let relation = &mut schema.relations[position];
        let default_name = || format!("{}_{}_idx", relation.bare_name, create.columns.join("_"));
        let name = create.name.clone().unwrap_or_else(default_name);
        add_index(relation, &name, create.columns.clone(), create.unique, create.plain);
    }
}

fn add_index(relation: &mut RelationFacts, name: &str, columns: Vec<String>, unique: bool, plain: bool) {
    if relation.indexes.iter().all(|index| index.bare_name != name) {
        relation.indexes.push(SchemaIndex {
            name: qualified(&relation.schema, name),
            bare_name: name.to_owned(),
            used_columns: columns.clone(),
            columns,
            plain,
            unique,
            valid: true,
            tablespace: None,
        });
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

fn alter(words: &mut Words, schema: &mut SchemaFacts) {
    words.accept("IF EXISTS");
    let Some((written, only)) = words.table() else {
        return;
    };
    let Some(position) = schema.position(&name_path(&written)) else {
        return;
    };
    // What an action does moves no relation to another place.
    let descendants = schema.places_of_descendants(&schema.relations[position].name);
    for action in alter_table::actions(words) {
        apply(position, &action, schema);
        let passed_on = !matches!(
            action,
            Action::RenameTo(_)
                | Action::Attach { .. }
                | Action::Detach { .. }
                | Action::SetSchema(_)
                | Action::SetLogged(_)
        );
        for child in descendants.iter().filter(|_| passed_on && !only) {
            apply(*child, &action, schema);
        }
    }
}

fn apply(position: usize, action: &Action, schema: &mut SchemaFacts) {
    let relation = &mut schema.relations[position];
    match action {
        Action::AddColumn(column) if relation.column(&column.name).is_none() => {
            relation.columns.push(ColumnFacts {
                name: column.name.clone(),
                data_type: column.written_type.clone(),
                collation: None,
                not_null: column.not_null,
            });
            for constraint in &column.constraints {
                add_constraint(position, constraint, schema);
            }
        }
        Action::DropColumn(name) => {
            relation.columns.retain(|column| column.name != *name);
            relation
                .constraints
                .retain(|constraint| !constraint.columns.contains(name));
            relation.indexes.retain(|index| !index.used_columns.contains(name));
        }
        Action::SetType(change) => {
            for column in relation
                .columns
                .iter_mut()
                .filter(|column| column.name == change.column)
            {
                column.data_type = change.written_type.clone();
                column.collation = change.collation.as_ref().and_then(|written| name_path(written).pop());
            }
        }
        Action::SetNotNull(name) => set_not_null(relation, name, true),
        Action::DropNotNull(name) => set_not_null(relation, name, false),
        Action::AddConstraint(constraint) => add_constraint(position, constraint, schema),
        Action::Validate(name) => {
            for constraint in relation
                .constraints
                .iter_mut()
                .filter(|constraint| constraint.name == *name)
            {
                constraint.valid = true;
            }
        }
        Action::DropConstraint(name) => {
            let index = relation
                .constraint(name)
                .and_then(|constraint| constraint.index.clone());
            relation
                .indexes
                .retain(|known| Some(&known.bare_name) != index.as_ref());
            relation.constraints.retain(|constraint| constraint.name != *name);
        }
        Action::RenameColumn(from, to) => rename_column(relation, from, to),
        Action::RenameConstraint(from, to) => {
            for constraint in relation
                .constraints
                .iter_mut()
                .filter(|constraint| constraint.name == *from)
            {
                constraint.name = to.clone();
            }
        }
        Action::RenameTo(name) => rename(position, None, Some(name), schema),
        Action::SetSchema(name) => rename(position, Some(name), None, schema),
        Action::SetLogged(logged) => relation.persistence = if *logged { "p" } else { "u" }.to_owned(),
        Action::SetTablespace(name) => relation.tablespace = Some(name.clone()),
        Action::Attach { partition, bound } => {
            let parent = relation.name.clone();
            if let Some(child) = schema.position(&name_path(partition)) {
                schema.relations[child].parents.push(parent);
                schema.relations[child].bound = Some(bound.clone());
            }
        }
        Action::Detach { partition, .. } => {
            if let Some(child) = schema.position(&name_path(partition)) {
                schema.relations[child].parents.clear();
                schema.relations[child].bound = None;
            }
        }
        _ => {}
    }
}

fn set_not_null(relation: &mut RelationFacts, name: &str, not_null: bool) {
    for column in relation.columns.iter_mut().filter(|column| column.name == name) {
        column.not_null = not_null;
    }
}

fn rename_column(relation: &mut RelationFacts, from: &str, to: &str) {
    let lists = relation
        .indexes
        .iter_mut()
        .flat_map(|index| [&mut index.columns, &mut index.used_columns]);
    let names = lists
        .chain(
            relation
                .constraints
                .iter_mut()
                .map(|constraint| &mut constraint.columns),
        )
        .flatten();
    for name in names.chain(relation.columns.iter_mut().map(|column| &mut column.name)) {
        if name == from {
            *name = to.to_owned();
        }
    }
}

/// Gives a relation another schema or name, everywhere it is mentioned.
fn rename(position: usize, home: Option<&String>, name: Option<&String>, schema: &mut SchemaFacts) {
    let relation = &mut schema.relations[position];
    let old = relation.name.clone();
    relation.schema = home.unwrap_or(&relation.schema).clone();
    relation.bare_name = name.unwrap_or(&relation.bare_name).clone();
    relation.name = qualified(&relation.schema, &relation.bare_name);
    let new = relation.name.clone();
    if relation.origin == Origin::Catalog {
        relation.origin = Origin::Renamed(old.clone());
    }
    for other in &mut schema.relations {
        let references = other
            .constraints
            .iter_mut()
            .filter_map(|constraint| constraint.references.as_mut());
        for mention in other.parents.iter_mut().chain(&mut other.reads).chain(references) {
            if *mention == old {
                mention.clone_from(&new);
            }
        }
    }
}

fn add_constraint(position: usize, constraint: &Constraint, schema: &mut SchemaFacts) {
    let references = constraint.references.as_ref().map(|written| {
        let known = schema.relation(&name_path(written));
        known.map_or(written.clone(), |relation| relation.name.clone())
    });
    let relation = &mut schema.relations[position];
    let suffix = match constraint.kind {
        'p' => "pkey",
        'u' => "key",
        'f' => "fkey",
        'c' => "check",
        'x' => "excl",
        _ => "not_null",
    };
    let columns = constraint.columns.join("_");
    let default_name = match (constraint.kind, columns.is_empty()) {
        ('p', _) | (_, true) => format!("{}_{suffix}", relation.bare_name),
        _ => format!("{}_{columns}_{suffix}", relation.bare_name),
    };
    let name = constraint.name.clone().unwrap_or(default_name);
    let index = matches!(constraint.kind, 'p' | 'u' | 'x').then(|| name.clone());
    match (&index, &constraint.using_index) {
        (Some(name), Some(existing)) => {
            for index in relation.indexes.iter_mut().filter(|index| index.bare_name == *existing) {
                index.bare_name = name.clone();
                index.name = qualified(&relation.schema, name);
            }
        }
        (Some(name), None) => add_index(relation, name, constraint.columns.clone(), constraint.kind != 'x', true),
        (None, _) => {}
    }
    if matches!(constraint.kind, 'p' | 'n') {
        constraint
            .columns
            .iter()
            .for_each(|column| set_not_null(relation, column, !constraint.not_valid));
    }
    relation.constraints.push(ConstraintFacts {
        name,
        kind: constraint.kind.to_string(),
        valid: !constraint.not_valid,
        columns: constraint.columns.clone(),
        definition: match constraint.kind {
            'c' => format!("CHECK ({})", constraint.expression),
            _ => String::new(),
        },
        references,
        on_delete: None,
        index,
    });
}

fn qualified(schema: &str, name: &str) -> String {
    use crate::migration::names::quoted;
    format!("{}.{}", quoted(schema), quoted(name))
}
