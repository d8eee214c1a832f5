//! Reads statements that make, alter and drop objects.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::named_table::named_tables;
use super::node::{child, child_of, descendant, has, last_name, strings, written, written_name};
use crate::migration::command::{
    AlterDomain, AlterSequence, AlterType, Alteration, Command, Commented, Creation, DomainAction, DropObjects,
    ObjectKind, Publication, SequenceAction, TypeAction,
};
use crate::migration::names::name_path;

/// Nodes of the names that `CREATE` and `RENAME TO` give.
const NEW_NAMES: [SyntaxKind; 11] = [
    SyntaxKind::COLLATION,
    SyntaxKind::DOMAIN,
    SyntaxKind::EXTENSION,
    SyntaxKind::PUBLICATION,
    SyntaxKind::ROLE,
    SyntaxKind::SCHEMA,
    SyntaxKind::SEQUENCE,
    SyntaxKind::STATISTICS,
    SyntaxKind::TABLE_NAME,
    SyntaxKind::TYPE_NAME,
    SyntaxKind::VIEW,
];

/// Nodes of the names of objects that are there.
const KNOWN_NAMES: [SyntaxKind; 12] = [
    SyntaxKind::COLLATION_REF,
    SyntaxKind::DOMAIN_REF,
    SyntaxKind::EXTENSION_REF,
    SyntaxKind::INDEX_REF,
    SyntaxKind::SCHEMA_REF,
    SyntaxKind::PUBLICATION_REF,
    SyntaxKind::SEQUENCE_REF,
    SyntaxKind::SERVER_REF,
    SyntaxKind::STATISTICS_REF,
    SyntaxKind::TABLE_NAME_REF,
    SyntaxKind::TYPE_NAME_REF,
    SyntaxKind::VIEW_REF,
];

/// Nodes of the names of functions and their like in `DROP`.
const ROUTINE_NAMES: [SyntaxKind; 3] = [
    SyntaxKind::FUNCTION_NAME_REF,
    SyntaxKind::PROCEDURE_NAME_REF,
    SyntaxKind::ROUTINE_NAME_REF,
];

/// Returns the roles whose belongings a statement is about, as PostgreSQL sees their names.
pub(super) fn roles(node: &SyntaxNode) -> Vec<String> {
    let list = child(node, SyntaxKind::ROLE_REF_LIST);
    list.iter()
        .flat_map(|list| list.children())
        .map(|role| last_name(&role))
        .collect()
}

/// Reads the `CREATE`, `ALTER` or `DROP` of an object; the parser names their nodes by the words of the statement.
pub(super) fn of_object(node: &SyntaxNode) -> Option<Command> {
    let name = format!("{:?}", node.kind()).replace('_', " ");
    let (verb, what) = name.split_once(' ')?;
    let kind = ObjectKind::named(what)?;
    Some(match verb {
        "CREATE" => Command::Create(creation(node, kind)),
        "ALTER" => Command::Alter(alteration(node, kind)),
        "DROP" => Command::Drop(drop_objects(node, kind)),
        _ => return None,
    })
}

pub(super) fn creation(node: &SyntaxNode, kind: ObjectKind) -> Creation {
    // A schema's name stands one level deeper, but where its owner gives it.
    let home = child(node, SyntaxKind::NAMED_SCHEMA);
    let name = child_of(home.as_ref().unwrap_or(node), &NEW_NAMES);
    let is_temporary = |part: SyntaxNode| {
        name_path(&written_name(&part))
            .first()
            .is_some_and(|home| home == "pg_temp")
    };
    let routine = || child_of(node, &[SyntaxKind::FUNCTION_NAME, SyntaxKind::PROCEDURE_NAME]);
    Creation {
        kind,
        name: name.as_ref().map(written_name),
        if_not_exists: has(node, SyntaxKind::IF_NOT_EXISTS),
        replaces: has(node, SyntaxKind::OR_REPLACE),
        temporary: has(node, SyntaxKind::TEMP) || name.clone().or_else(routine).is_some_and(is_temporary),
    }
}

fn alteration(node: &SyntaxNode, kind: ObjectKind) -> Alteration {
    let routine = || node.descendants().find(|part| ROUTINE_NAMES.contains(&part.kind()));
    let name = child_of(node, &KNOWN_NAMES).or_else(routine);
    Alteration {
        kind,
        name: name.map(|name| written_name(&name)),
        renamed_to: renamed_to(node),
    }
}

/// Returns the name behind `RENAME TO`, as PostgreSQL sees it.
pub(super) fn renamed_to(node: &SyntaxNode) -> Option<String> {
    let renames = |part: &SyntaxNode| format!("{:?}", part.kind()).ends_with("_RENAME_TO");
    let part = node.children().find(renames)?;
    Some(last_name(&child_of(&part, &NEW_NAMES)?))
}

fn drop_objects(node: &SyntaxNode, kind: ObjectKind) -> DropObjects {
    let routines = node.descendants().filter(|part| ROUTINE_NAMES.contains(&part.kind()));
    let names = node.children().filter(|part| KNOWN_NAMES.contains(&part.kind()));
    DropObjects {
        kind,
        names: names.chain(routines).map(|name| written_name(&name)).collect(),
        if_exists: has(node, SyntaxKind::IF_EXISTS),
        cascade: has(node, SyntaxKind::CASCADE),
        concurrently: has(node, SyntaxKind::CONCURRENTLY_KW),
    }
}

pub(super) fn create_domain(node: &SyntaxNode) -> Option<Command> {
    let base = node
        .children()
        .find(|part| format!("{:?}", part.kind()).ends_with("_TYPE"))?;
    Some(Command::CreateDomain {
        made: creation(node, ObjectKind::Domain),
        base: written(&base),
        constrained: child_of(node, &[SyntaxKind::CHECK_CONSTRAINT, SyntaxKind::NOT_NULL_CONSTRAINT]).is_some(),
    })
}

pub(super) fn create_statistics(node: &SyntaxNode) -> Option<Command> {
    let from = child(node, SyntaxKind::FROM_TABLE)?;
    Some(Command::CreateStatistics {
        made: creation(node, ObjectKind::Statistics),
        table: written_name(&child(&from, SyntaxKind::TABLE_NAME_REF)?),
    })
}

pub(super) fn publication(node: &SyntaxNode) -> Publication {
    let is_new = node.kind() == SyntaxKind::CREATE_PUBLICATION;
    Publication {
        made: is_new.then(|| creation(node, ObjectKind::Publication)),
        altered: child(node, SyntaxKind::PUBLICATION_REF).map(|name| last_name(&name)),
        sets: has(node, SyntaxKind::SET_PUBLICATION_OBJECTS),
        drops: has(node, SyntaxKind::DROP_PUBLICATION_OBJECTS),
        tables: named_tables(node),
    }
}

pub(super) fn comment(node: &SyntaxNode) -> Option<Commented> {
    let object = node.first_child()?;
    let name = object.first_child().map(|name| written_name(&name));
    Some(match object.kind() {
        SyntaxKind::OBJECT_TABLE
        | SyntaxKind::OBJECT_VIEW
        | SyntaxKind::OBJECT_MATERIALIZED_VIEW
        | SyntaxKind::OBJECT_FOREIGN_TABLE
        | SyntaxKind::OBJECT_SEQUENCE => Commented::Relation(name?),
        SyntaxKind::OBJECT_COLUMN => {
            let column = name?;
            Commented::Relation(column.rsplit_once('.').map_or("", |(table, _)| table).to_owned())
        }
        SyntaxKind::OBJECT_INDEX => Commented::Index(name?),
        _ => Commented::Other,
    })
}

pub(super) fn alter_sequence(node: &SyntaxNode) -> Option<AlterSequence> {
    let of_relation = [
        SyntaxKind::OWNER_TO,
        SyntaxKind::SET_SCHEMA,
        SyntaxKind::SET_LOGGED,
        SyntaxKind::SET_UNLOGGED,
    ];
    let is_option = |part: &SyntaxNode| format!("{:?}", part.kind()).starts_with("OPTION_");
    let action = if let Some(to) = renamed_to(node) {
        SequenceAction::Rename(to)
    } else if child_of(node, &of_relation).is_some() {
        SequenceAction::OfRelation
    } else if node
        .children()
        .filter(is_option)
        .all(|option| option.kind() == SyntaxKind::OPTION_OWNED_BY)
    {
        SequenceAction::OwnedBy
    } else {
        SequenceAction::Options
    };
    Some(AlterSequence {
        sequence: written_name(&child(node, SyntaxKind::SEQUENCE_REF)?),
        if_exists: has(node, SyntaxKind::IF_EXISTS),
        action,
    })
}

pub(super) fn alter_type(node: &SyntaxNode) -> Option<AlterType> {
    let dropped = || {
        node.descendants()
            .filter(|part| part.kind() == SyntaxKind::DROP_ATTRIBUTE)
    };
    let action = if let Some(to) = renamed_to(node) {
        TypeAction::Rename(to)
    } else if let Some(added) = child(node, SyntaxKind::ADD_VALUE) {
        TypeAction::AddValue(strings(&added).pop().unwrap_or_default())
    } else if let Some(renamed) = child(node, SyntaxKind::RENAME_VALUE) {
        let [from, to] = <[String; 2]>::try_from(strings(&renamed)).ok()?;
        TypeAction::RenameValue { from, to }
    } else if child_of(
        node,
        &[
            SyntaxKind::ALTER_TYPE_ATTRIBUTE_ACTION_LIST,
            SyntaxKind::RENAME_ATTRIBUTE,
        ],
    )
    .is_some()
    {
        let names = dropped().filter_map(|part| child(&part, SyntaxKind::COMPOSITE_FIELD_REF));
        TypeAction::Attributes {
            dropped: names.map(|name| last_name(&name)).collect(),
            cascade: descendant(node, SyntaxKind::CASCADE).is_some(),
        }
    } else {
        TypeAction::Other
    };
    Some(AlterType {
        name: written_name(&child(node, SyntaxKind::TYPE_NAME_REF)?),
        action,
    })
}

pub(super) fn alter_domain(node: &SyntaxNode) -> Option<AlterDomain> {
    let action = if let Some(to) = renamed_to(node) {
        DomainAction::Rename(to)
    } else if let Some(added) = child(node, SyntaxKind::ADD_CONSTRAINT) {
        DomainAction::AddConstraint {
            not_valid: descendant(&added, SyntaxKind::NOT_VALID).is_some(),
        }
    } else if has(node, SyntaxKind::SET_NOT_NULL) {
        DomainAction::SetNotNull
    } else if has(node, SyntaxKind::VALIDATE_CONSTRAINT) {
        DomainAction::ValidateConstraint
    } else {
        DomainAction::Other
    };
    Some(AlterDomain {
        name: written_name(&child(node, SyntaxKind::DOMAIN_REF)?),
        action,
    })
}
