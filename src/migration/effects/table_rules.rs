//! What each subcommand of `ALTER TABLE` locks, rewrites and scans.
//!
//! After `AlterTableGetLockLevel`, `ATPrepCmd`, `ATExecCmd` and `ATRewriteTables` in
//! `src/backend/commands/tablecmds.c`: all subcommands of one statement run under the strongest lock that one of them
//! needs.

use super::judge::{Effects, Judge, NamedRelation};
use super::storage_options::STRONG_OPTIONS;
use super::target::AlteredTable;
use super::undo;
use crate::catalog::{Persistence, RelationKind};
use crate::migration::LockMode::{self, AccessExclusive, ShareRowExclusive, ShareUpdateExclusive};
use crate::migration::command::{AlterTable, ColumnAction, ConstraintDefinition, DetachManner, TableAction};
use crate::migration::names::name_path;

/// Judges `ALTER TABLE` and what has its form.
pub(super) fn alter_table<'facts>(judge: &mut Judge<'facts>, alter: &AlterTable) {
    if let Some((_, index)) = judge.schema.index(&name_path(&alter.table)) {
        // ALTER TABLE works on indexes too, but under the strongest lock even where ALTER INDEX takes less.
        judge.effects.lock(&index.name, AccessExclusive);
        judge.effects.rollback = undo::of_alter_table(alter, None, judge.schema.is_known());
        return;
    }
    let table = judge.relation(&alter.table);
    if alter.if_exists && table.facts.is_none() && judge.schema.is_known() {
        return;
    }
    judge.note_missing(&table, &alter.table);
    let locks = alter.actions.iter().map(|action| lock_of(action, judge.version));
    let lock = locks.max().unwrap_or(AccessExclusive);
    judge.effects.lock(&table.name, lock);
    let tables = if alter.only {
        vec![table.clone()]
    } else {
        judge.with_descendants(&table)
    };
    let target = AlteredTable { table, tables, lock };
    for action in &alter.actions {
        judge.action(&target, action);
    }
    judge.effects.rollback = undo::of_alter_table(alter, target.table.facts, judge.schema.is_known());
}

fn lock_of(action: &TableAction, version: u32) -> LockMode {
    match action {
        TableAction::ValidateConstraint(_) | TableAction::ClusterMark => ShareUpdateExclusive,
        TableAction::AlterColumn {
            action: ColumnAction::SetStatistics | ColumnAction::SetOptions,
            ..
        } => ShareUpdateExclusive,
        TableAction::AddConstraint(constraint)
            if matches!(constraint.definition, ConstraintDefinition::ForeignKey { .. }) =>
        {
            ShareRowExclusive
        }
        TableAction::Trigger { .. } => ShareRowExclusive,
        TableAction::AttachPartition { .. } if version >= 120_000 => ShareUpdateExclusive,
        TableAction::DetachPartition {
            manner: DetachManner::Concurrently | DetachManner::Finalize,
            ..
        } => ShareUpdateExclusive,
        TableAction::SetOptions(names) if !names.iter().any(|name| STRONG_OPTIONS.contains(&name.as_str())) => {
            ShareUpdateExclusive
        }
        _ => AccessExclusive,
    }
}

/// Says whether an action goes on to the partitions and children.
fn recurses(action: &TableAction) -> bool {
    match action {
        TableAction::AddColumn { .. }
        | TableAction::DropColumn { .. }
        | TableAction::RenameColumn { .. }
        | TableAction::DropConstraint { .. }
        | TableAction::ValidateConstraint(_)
        | TableAction::RenameConstraint { .. }
        | TableAction::Trigger { .. } => true,
        TableAction::AlterColumn { action, .. } => matches!(
            action,
            ColumnAction::SetType(_)
                | ColumnAction::SetNotNull
                | ColumnAction::DropNotNull
                | ColumnAction::SetDefault(_)
                | ColumnAction::DropDefault
                | ColumnAction::SetExpression(_)
                | ColumnAction::DropExpression
                | ColumnAction::SetStatistics
                | ColumnAction::SetStorage
        ),
        _ => false,
    }
}

fn takes_from_children(action: &TableAction) -> bool {
    matches!(
        action,
        TableAction::DropColumn { .. } | TableAction::DropConstraint { .. }
    )
}

impl<'facts> Judge<'facts> {
    /// Writes the one row of a column's sequence to new storage. Which of several it is, only the server knows.
    fn renew_sequence(&mut self, target: &AlteredTable<'facts>) {
        match target.table.facts.map(|facts| facts.sequences.as_slice()) {
            Some([sequence]) => {
                self.effects.lock(sequence, ShareRowExclusive);
                Effects::note(&mut self.effects.rewritten, sequence);
                self.effects.emptied = true;
            }
            Some([]) | None => {}
            Some(_) => self
                .effects
                .unknown("which of the table's sequences belongs to the column"),
        }
    }

    fn lock_descendants(&mut self, target: &AlteredTable<'facts>, action: &TableAction) {
        let identity = match action {
            TableAction::AlterColumn { column, action } => {
                let found = target.table.facts.and_then(|facts| facts.column(column));
                let has_one = found.is_some_and(|found| found.identity);
                match action {
                    ColumnAction::AddIdentity => true,
                    ColumnAction::DropIdentity | ColumnAction::SetGenerated | ColumnAction::SetSequence => has_one,
                    _ => false,
                }
            }
            _ => false,
        };
        // PostgreSQL 17: partitions share the identity column of their parent.
        if identity && self.version >= 170_000 && target.table.is_partitioned() {
            self.lock_all(&target.tables, target.lock);
        }
        if recurses(action) && !self.stays(target, action) {
            self.lock_all(&target.tables, target.lock);
            if takes_from_children(action) {
                // Even with ONLY: what they inherited is their own from now on.
                for child in self.schema.children(&target.table.name) {
                    self.effects.lock(&child.name, target.lock);
                }
            }
        }
    }

    fn action(&mut self, target: &AlteredTable<'facts>, action: &TableAction) {
        self.lock_descendants(target, action);
        match action {
            TableAction::AddColumn { column, if_not_exists } => self.add_column(target, column, *if_not_exists),
            TableAction::DropColumn { column, cascade } => self.drop_column(target, column, *cascade),
            TableAction::AlterColumn { column, action } => self.alter_column(target, column, action),
            TableAction::AddConstraint(constraint) => self.add_constraint(target, constraint),
            TableAction::ValidateConstraint(name) => self.validate(target, name),
            TableAction::DropConstraint { constraint, cascade } => self.drop_constraint(target, constraint, *cascade),
            TableAction::AttachPartition { partition, bound } => self.attach(target, partition, bound),
            TableAction::DetachPartition { partition, manner } => self.detach(target, partition, *manner),
            TableAction::SetLogged(logged) => self.set_logged(target, *logged),
            TableAction::SetTablespace(name) => self.set_tablespace(target, name),
            TableAction::SetAccessMethod(name) => self.set_access_method(target, name.as_deref()),
            TableAction::Inherit(parent) => {
                let parent = self.relation(parent);
                self.effects.lock(&parent.name, ShareUpdateExclusive);
            }
            TableAction::Owner => {
                for sequence in target.table.facts.iter().flat_map(|facts| &facts.sequences) {
                    self.effects.lock(sequence, AccessExclusive);
                }
            }
            TableAction::NotUnderstood(text) => self.effects.unknown(format!("not understood: {text}")),
            TableAction::AlterConstraint { constraint, change } => self.alter_constraint(target, constraint, *change),
            TableAction::RenameTo(_)
            | TableAction::RenameColumn { .. }
            | TableAction::RenameConstraint { .. }
            | TableAction::SetSchema(_)
            | TableAction::SetOptions(_)
            | TableAction::ForeignOptions
            | TableAction::NoInherit(_)
            | TableAction::OfType
            | TableAction::NotOf
            | TableAction::ClusterMark
            | TableAction::WithoutOids
            | TableAction::ReplicaIdentity
            | TableAction::RowSecurity(_)
            | TableAction::ForceRowSecurity(_)
            | TableAction::Trigger { .. }
            | TableAction::Rule { .. }
            | TableAction::DependsOnExtension => {}
        }
    }

    fn alter_column(&mut self, target: &AlteredTable<'facts>, column: &str, action: &ColumnAction) {
        match action {
            ColumnAction::SetType(change) => {
                target
                    .tables
                    .iter()
                    .for_each(|table| self.set_type(table, column, change));
            }
            ColumnAction::SetNotNull => self.set_not_null(&target.tables, column),
            ColumnAction::SetExpression(_) => target
                .tables
                .iter()
                .for_each(|table| self.set_expression(table, column)),
            ColumnAction::SetSequence => self.renew_sequence(target),
            ColumnAction::DropNotNull
            | ColumnAction::SetDefault(_)
            | ColumnAction::DropDefault
            | ColumnAction::DropExpression
            | ColumnAction::AddIdentity
            | ColumnAction::SetGenerated
            | ColumnAction::DropIdentity
            | ColumnAction::SetStatistics
            | ColumnAction::SetStorage
            | ColumnAction::SetCompression
            | ColumnAction::SetOptions
            | ColumnAction::ForeignOptions => {}
        }
    }

    /// Says whether an action ends before the partitions and children are looked at, or is none of theirs.
    fn stays(&self, target: &AlteredTable<'facts>, action: &TableAction) -> bool {
        let Some(facts) = target.table.facts else {
            return false;
        };
        let partitioned = facts.kind == RelationKind::PartitionedTable;
        match action {
            TableAction::AlterColumn { column, action } => {
                let found = facts.column(column);
                match action {
                    // From PostgreSQL 18 on, NOT NULL is a constraint.
                    ColumnAction::DropNotNull if self.version >= 180_000 => found.is_some_and(|found| !found.not_null),
                    ColumnAction::SetNotNull => partitioned && found.is_some_and(|found| found.not_null),
                    _ => false,
                }
            }
            TableAction::AddColumn { column, if_not_exists } => *if_not_exists && facts.column(&column.name).is_some(),
            TableAction::DropColumn { column, .. } => facts.column(column).is_none(),
            // All partitions are locked to see that nobody uses them (`ATCheckPartitionsNotInUse`).
            TableAction::DropConstraint { .. } if partitioned => false,
            TableAction::DropConstraint { constraint, .. } | TableAction::RenameConstraint { from: constraint, .. } => {
                let found = facts.constraint(constraint);
                found.is_none_or(|found| !found.is_passed_on(false))
            }
            TableAction::ValidateConstraint(name) => facts.constraint(name).is_some_and(|found| found.valid),
            TableAction::Trigger { trigger, .. } => {
                let fires = match trigger.to_ascii_uppercase().as_str() {
                    "ALL" | "USER" => !facts.row_triggers.is_empty(),
                    _ => facts.row_triggers.contains(&name_path(trigger).concat()),
                };
                !(partitioned && fires)
            }
            _ => false,
        }
    }

    /// Says that a relation is not in the catalog that was read.
    pub fn note_missing(&mut self, table: &NamedRelation, written: &str) {
        if self.schema.is_known() && table.facts.is_none() {
            self.effects.unknown(format!("{written} is not in the catalog"));
        }
    }

    /// Values that are stored are computed anew; what is computed when it is read must be no NULL where it may not.
    fn set_expression(&mut self, table: &NamedRelation<'facts>, column: &str) {
        match table.facts.and_then(|facts| facts.column(column)) {
            Some(found) if found.is_virtual && found.not_null => self.scan(table),
            Some(found) if found.is_virtual => {}
            _ => self.rewrite(table, Some(column)),
        }
    }

    fn set_logged(&mut self, target: &AlteredTable<'facts>, logged: bool) {
        let wanted = Persistence::of_table(logged);
        let table = &target.table;
        if table.facts.is_some_and(|facts| facts.persistence == wanted) {
            return;
        }
        self.rewrite(table, None);
        // PostgreSQL 15: sequences of the table follow it.
        if self.version >= 150_000 {
            for sequence in table.facts.iter().flat_map(|facts| &facts.sequences) {
                self.effects.lock(sequence, AccessExclusive);
                Effects::note(&mut self.effects.rewritten, sequence);
            }
        }
    }

    fn set_tablespace(&mut self, target: &AlteredTable<'facts>, name: &str) {
        let table = &target.table;
        let Some(facts) = table.facts else {
            return self
                .effects
                .unknown(format!("whether the table is in tablespace {name} already"));
        };
        let present = facts.tablespace.as_ref().unwrap_or(&self.schema.tablespace);
        if present != name && table.has_storage() {
            // Copied block by block; the indexes stay where they are.
            Effects::note(&mut self.effects.rewritten, &table.name);
        }
    }

    fn set_access_method(&mut self, target: &AlteredTable<'facts>, name: Option<&str>) {
        // Which one DEFAULT is, the catalog that was read does not tell.
        let name = name.unwrap_or("default");
        match target.table.facts {
            None => self
                .effects
                .unknown(format!("whether the table has access method {name} already")),
            Some(facts) if facts.access_method.as_deref() == Some(name) => {}
            Some(_) => self.rewrite(&target.table, None),
        }
    }
}
