//! The schema as a statement leaves it, so that the next one is judged against what it will meet.
//!
//! Follows what decides locks, rewrites and scans: columns, constraints, indexes, tables, domains, the session's time zone. What it
//! does not follow, such as the effects of `DO` blocks, stays as it was.

use super::alter_table::{self, Action, Constraint, column_definition, table_constraint};
use crate::catalog::{
    ColumnFacts, ConstraintFacts, ConstraintKind, Origin, Persistence, RelationFacts, RelationKind, SchemaFacts,
    SchemaIndex, TypeFacts,
};
use crate::migration::names::name_path;
use crate::migration::words::Words;

/// Applies a statement to the facts; without a catalog there is nothing to apply it to.
pub(in crate::migration) fn evolve(sql: &str, schema: &mut SchemaFacts) {
    if !schema.is_known() {
        return;
    }
    let mut words = Words::new(sql);
    if words.accept("ALTER TABLE") {
        alter(&mut words, schema);
    } else if words.accept_any(&["CREATE UNLOGGED TABLE", "CREATE TABLE"]).is_some() {
        create_table(&mut words, schema);
    } else if words.accept("CREATE MATERIALIZED VIEW") {
        words.accept("IF NOT EXISTS");
        add_relation(&mut words, schema, RelationKind::MaterializedView);
    } else if words.accept_any(&["CREATE UNIQUE INDEX", "CREATE INDEX"]).is_some() {
        let unique = Words::new(sql).at("CREATE UNIQUE");
        create_index(&mut words, unique, schema);
    } else if words
        .accept_any(&["DROP TABLE", "DROP MATERIALIZED VIEW", "DROP VIEW"])
        .is_some()
    {
        drop_each(
            &mut words,
            |path, schema| {
                if let Some(position) = schema.position(path) {
                    schema.relations.remove(position);
                }
            },
            schema,
        );
    } else if words.accept("DROP INDEX") {
        words.accept("CONCURRENTLY");
        drop_each(&mut words, drop_index, schema);
    } else if words.accept("CREATE DOMAIN") {
        create_domain(&mut words, schema);
    } else if words
        .accept_any(&["CREATE TRIGGER", "CREATE OR REPLACE TRIGGER"])
        .is_some()
    {
        create_trigger(&mut words, schema);
    } else if words.accept_any(&["INSERT INTO", "COPY"]).is_some() {
        fill(&mut words, schema);
    } else if words.accept("SET") {
        set_time_zone(&mut words, schema);
    }
}

fn set_time_zone(words: &mut Words, schema: &mut SchemaFacts) {
    words.accept_any(&["LOCAL", "SESSION"]);
    if words.accept("TIME ZONE") || words.accept("TIMEZONE") {
        words.accept_any(&["TO", "="]);
        schema.timezone = words.string().unwrap_or_else(|| words.text());
    }
}

fn fill(words: &mut Words, schema: &mut SchemaFacts) {
    let position = words.name().and_then(|written| schema.position(&name_path(&written)));
    if let Some(relation) = position.and_then(|position| schema.relations.get_mut(position)) {
        relation.empty = false;
    }
}

fn drop_each(words: &mut Words, drop: fn(&[String], &mut SchemaFacts), schema: &mut SchemaFacts) {
    words.accept("IF EXISTS");
    for mut part in words.until(&["CASCADE", "RESTRICT"]).split_at_commas() {
        if let Some(written) = part.name() {
            drop(&name_path(&written), schema);
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

/// Adds a relation of the name that comes next, and returns its place.
fn add_relation(words: &mut Words, schema: &mut SchemaFacts, kind: RelationKind) -> Option<usize> {
    let path = name_path(&words.name()?);
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

fn create_table(words: &mut Words, schema: &mut SchemaFacts) {
    words.accept("IF NOT EXISTS");
    let Some(position) = add_relation(words, schema, RelationKind::Table) else {
        return;
    };
    if words.accept("PARTITION OF") {
        create_partition(words, position, schema);
        return;
    }
    let elements = words
        .parenthesis()
        .map(|mut inner| inner.split_at_commas())
        .unwrap_or_default();
    for mut element in elements {
        match table_constraint(&mut element.clone()) {
            Some(constraint) => add_constraint(position, &constraint, schema),
            None => add_column(position, &mut element, schema),
        }
    }
    if words.holds("PARTITION BY") {
        schema.relations[position].kind = RelationKind::PartitionedTable;
    }
    if words.holds("AS") {
        schema.relations[position].empty = false;
    }
}

fn create_partition(words: &mut Words, position: usize, schema: &mut SchemaFacts) {
    let parent = words
        .name()
        .and_then(|written| schema.relation(&name_path(&written)).cloned());
    words.parenthesis();
    let partition = &mut schema.relations[position];
    partition.bound = Some(words.text());
    if let Some(parent) = parent {
        partition.columns = parent.columns.clone();
        partition.constraints = parent.constraints.clone();
        partition.indexes = parent.indexes.clone();
        partition.parents.push(parent.name);
    }
}

fn add_column(position: usize, words: &mut Words, schema: &mut SchemaFacts) {
    if let Some(column) = column_definition(words, false) {
        apply(position, &Action::AddColumn(column), schema);
    }
}

fn create_index(words: &mut Words, unique: bool, schema: &mut SchemaFacts) {
    words.accept("CONCURRENTLY");
    words.accept("IF NOT EXISTS");
    let name = if words.at("ON") { None } else { words.identifier() };
    words.accept("ON");
    let Some((written, _)) = words.table() else {
        return;
    };
    if words.accept("USING") {
        words.skip();
    }
    let columns = words.parenthesis();
    let plain = !words.holds("WHERE") && columns.as_ref().is_some_and(|inner| !inner.text().contains('('));
    let columns = columns.map(|mut inner| inner.identifiers()).unwrap_or_default();
    if let Some(position) = schema.position(&name_path(&written)) {
        let relation = &mut schema.relations[position];
        let name = name.unwrap_or_else(|| format!("{}_{}_idx", relation.bare_name, columns.join("_")));
        add_index(relation, &name, columns, unique, plain);
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

fn create_domain(words: &mut Words, schema: &mut SchemaFacts) {
    let Some((path, home)) = words
        .name()
        .map(|written| name_path(&written))
        .zip(schema.search_path.first().cloned())
    else {
        return;
    };
    words.accept("AS");
    let base = words
        .until(&["CONSTRAINT", "CHECK", "NOT NULL", "DEFAULT", "COLLATE", "NULL"])
        .text();
    let (schema_name, name) = match path.as_slice() {
        [schema_name, name] => (schema_name.clone(), name.clone()),
        _ => (home, path.concat()),
    };
    schema.types.push(TypeFacts {
        schema: schema_name,
        name,
        base: Some(base),
        constrained: words.holds("CHECK") || words.holds("NOT NULL"),
    });
}

fn create_trigger(words: &mut Words, schema: &mut SchemaFacts) {
    let name = words.identifier();
    words.until(&["ON"]);
    words.accept("ON");
    let position = words.name().and_then(|written| schema.position(&name_path(&written)));
    if let Some((name, position)) = name.zip(position) {
        schema.relations[position].triggers.push(name);
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
        Action::SetLogged(logged) => relation.persistence = Persistence::of_table(*logged),
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
        ConstraintKind::PrimaryKey => "pkey",
        ConstraintKind::Unique => "key",
        ConstraintKind::ForeignKey => "fkey",
        ConstraintKind::Check => "check",
        ConstraintKind::Exclusion => "excl",
        ConstraintKind::NotNull => "not_null",
    };
    let columns = constraint.columns.join("_");
    let default_name = match (constraint.kind, columns.is_empty()) {
        (ConstraintKind::PrimaryKey, _) | (_, true) => format!("{}_{suffix}", relation.bare_name),
        _ => format!("{}_{columns}_{suffix}", relation.bare_name),
    };
    let name = constraint.name.clone().unwrap_or(default_name);
    let index = constraint.kind.has_index().then(|| name.clone());
    match (&index, &constraint.using_index) {
        (Some(name), Some(existing)) => {
            for index in relation.indexes.iter_mut().filter(|index| index.bare_name == *existing) {
                index.bare_name = name.clone();
                index.name = qualified(&relation.schema, name);
            }
        }
        (Some(name), None) => add_index(
            relation,
            name,
            constraint.columns.clone(),
            constraint.kind != ConstraintKind::Exclusion,
            true,
        ),
        (None, _) => {}
    }
    if matches!(constraint.kind, ConstraintKind::PrimaryKey | ConstraintKind::NotNull) {
        constraint
            .columns
            .iter()
            .for_each(|column| set_not_null(relation, column, !constraint.not_valid));
    }
    relation.constraints.push(ConstraintFacts {
        name,
        kind: constraint.kind,
        valid: !constraint.not_valid,
        columns: constraint.columns.clone(),
        definition: match constraint.kind {
            ConstraintKind::Check => format!("CHECK ({})", constraint.expression),
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
