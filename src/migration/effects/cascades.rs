//! What CASCADE takes along, and what belongs to a role: every relation that is dropped or loses a part is locked.
//!
//! After `AcquireDeletionLock` and `doDeletion` in `src/backend/catalog/dependency.c`; the catalog has told what
//! depends on what.

use super::judge::Judge;
use crate::catalog::DependedOn;
use crate::migration::LockMode::AccessExclusive;
use crate::migration::Trap;
use crate::migration::command::{DropObjects, ObjectKind};
use crate::migration::names::name_path;

/// Judges `DROP … CASCADE` of objects that are no relations.
pub(super) fn drop_objects(judge: &mut Judge, dropped: &DropObjects) {
    let Some(kind) = depended_on(dropped.kind) else {
        return;
    };
    if !judge.cascades(
        dropped.cascade,
        "what depends on it is dropped too; what that is only the catalog tells",
    ) {
        return;
    }
    for written in &dropped.names {
        take_along(judge, kind, &name_path(written), "");
    }
}

fn depended_on(kind: ObjectKind) -> Option<DependedOn> {
    Some(match kind {
        ObjectKind::Aggregate | ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine => {
            DependedOn::Routine
        }
        ObjectKind::Collation => DependedOn::Collation,
        ObjectKind::Domain | ObjectKind::Type => DependedOn::Type,
        ObjectKind::Extension => DependedOn::Extension,
        ObjectKind::ForeignDataWrapper | ObjectKind::Server => DependedOn::Server,
        _ => return None,
    })
}

/// Locks what goes with an object, or with a column of a relation.
pub(super) fn take_along(judge: &mut Judge, kind: DependedOn, path: &[String], part: &str) {
    let found: Vec<String> = judge
        .schema
        .dependents(kind, path, part)
        .into_iter()
        .flat_map(|dependents| dependents.relations.clone())
        .collect();
    lock_each(judge, &found);
}

/// Judges `DROP OWNED` and `REASSIGN OWNED`.
pub(super) fn owned(judge: &mut Judge, roles: &[String], drops: bool) {
    if !judge.schema.is_known() {
        return judge
            .effects
            .unknown("what belongs to the role is locked; what that is only the catalog tells");
    }
    for role in roles {
        let all = judge
            .schema
            .dependents(DependedOn::Role, std::slice::from_ref(role), "");
        let relations = all
            .into_iter()
            .flat_map(|owned| if drops { &owned.relations } else { &owned.own });
        let relations: Vec<String> = relations.cloned().collect();
        lock_each(judge, &relations);
    }
    if drops {
        judge
            .effects
            .warn(Trap::CannotComeBack, "what is dropped cannot be brought back");
    }
}

fn lock_each(judge: &mut Judge, names: &[String]) {
    for name in names {
        // Statements before may have dropped it.
        if judge.schema.named(name).is_some() {
            judge.effects.lock(name, AccessExclusive);
        }
    }
    if !names.is_empty() {
        judge
            .effects
            .warn(Trap::CannotComeBack, "what goes with CASCADE cannot be brought back");
    }
}
