//! What each subcommand of `ALTER TABLE` locks, rewrites and scans.
//!
//! After `AlterTableGetLockLevel`, `ATPrepCmd`, `ATExecCmd` and `ATRewriteTables` in `src/backend/commands/tablecmds.c`: all
//! subcommands of one statement run under the strongest lock that one of them needs.

use super::alter_table::{self, Action};
use super::judge::{Effects, Judge, NamedRelation};
use super::target::AlteredTable;
use super::undo;
use crate::catalog::{ConstraintKind, Persistence};
use crate::migration::LockMode::{self, AccessExclusive, ShareRowExclusive, ShareUpdateExclusive};
use crate::migration::names::name_path;
use crate::migration::words::Words;

/// Storage parameters that are set under the strongest lock (`src/backend/access/common/reloptions.c`); all others are under
/// `ShareUpdateExclusiveLock`.
const STRONG_OPTIONS: &[&str] = &[
    "autosummarize",
    "buffering",
    "check_option",
    "fastupdate",
    "gin_pending_list_limit",
    "pages_per_range",
    "security_barrier",
    "security_invoker",
    "user_catalog_table",
];

/// Judges `ALTER TABLE`, whose keywords are read already.
pub(super) fn alter_table<'facts>(judge: &mut Judge<'facts>, words: &mut Words) {
    words.accept("IF EXISTS");
    let Some((written, only)) = words.table() else {
        return judge.effects.unknown("the table's name was not understood");
    };
    let cascade = words.holds("CASCADE");
    let actions = alter_table::actions(words);
    if let Some((_, index)) = judge.schema.index(&name_path(&written)) {
        // ALTER TABLE works on indexes too, but under the strongest lock even where ALTER INDEX takes less.
        return judge.effects.lock(&index.name, AccessExclusive);
    }
    let table = judge.relation(&written);
    judge.note_missing(&table, &written);
    let lock = actions
        .iter()
        .map(|action| lock_of(action, judge.version))
        .max()
        .unwrap_or(AccessExclusive);
    judge.effects.lock(&table.name, lock);
    let tables = if only {
        vec![table.clone()]
    } else {
        judge.with_descendants(&table)
    };
    let mut target = AlteredTable {
        table,
        tables,
        lock,
        cascade,
    };
    for action in &actions {
        judge.action(&mut target, action);
    }
    judge.effects.rollback = match actions.as_slice() {
        [action] => undo::of_action(&written, action, target.table.facts, judge.schema.is_known()),
        _ => None,
    };
}

fn lock_of(action: &Action, version: u32) -> LockMode {
    match action {
        Action::Simple { lock, .. } => *lock,
        Action::Validate(_) => ShareUpdateExclusive,
        Action::AddConstraint(constraint) if constraint.kind == ConstraintKind::ForeignKey => ShareRowExclusive,
        Action::Attach { .. } if version >= 120_000 => ShareUpdateExclusive,
        Action::Detach {
            concurrently, finalize, ..
        } if *concurrently || *finalize => ShareUpdateExclusive,
        Action::SetOptions(names) if !names.iter().any(|name| STRONG_OPTIONS.contains(&name.as_str())) => {
            ShareUpdateExclusive
        }
        _ => AccessExclusive,
    }
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

    fn action(&mut self, target: &mut AlteredTable<'facts>, action: &Action) {
        let recursing = matches!(
            action,
            Action::AddColumn(_)
                | Action::DropColumn(_)
                | Action::SetType(_)
                | Action::SetNotNull(_)
                | Action::DropNotNull(_)
                | Action::SetExpression
                | Action::RenameColumn(..)
                | Action::AddConstraint(_)
                | Action::DropConstraint(_)
                | Action::Validate(_)
                | Action::Simple { recurses: true, .. }
        );
        // From PostgreSQL 18 on a column without NOT NULL ends it before the children are looked at.
        let nothing_to_drop = match action {
            Action::DropNotNull(column) if self.version >= 180_000 => {
                let found = target.table.facts.and_then(|facts| facts.column(column));
                found.is_some_and(|column| !column.not_null)
            }
            _ => false,
        };
        if recursing && !nothing_to_drop {
            let lock = target.lock;
            self.lock_all(&target.tables.clone(), lock);
        }
        match action {
            Action::AddColumn(column) => self.add_column(target, column),
            Action::DropColumn(column) => self.drop_column(target, column),
            Action::SetType(change) => target
                .tables
                .clone()
                .iter()
                .for_each(|table| self.set_type(table, change)),
            Action::SetNotNull(column) => self.set_not_null(&target.tables.clone(), column),
            Action::SetExpression => target.tables.clone().iter().for_each(|table| self.rewrite(table, None)),
            Action::AddConstraint(constraint) => self.add_constraint(target, constraint),
            Action::Validate(name) => self.validate(target, name),
            Action::DropConstraint(name) => self.drop_constraint(target, name),
            Action::Attach { partition, bound } => self.attach(target, partition, bound),
            Action::Detach {
                partition,
                concurrently,
                finalize,
            } => self.detach(target, partition, *concurrently, *finalize),
            Action::SetLogged(logged) => self.set_logged(target, *logged),
            Action::SetTablespace(name) => self.set_tablespace(target, name),
            Action::SetAccessMethod(name) => self.set_access_method(target, name),
            Action::Inherit(parent) => {
                let parent = self.relation(parent);
                self.effects.lock(&parent.name, ShareUpdateExclusive);
            }
            Action::SetSequence => self.renew_sequence(target),
            Action::Owner => {
                for sequence in target.table.facts.iter().flat_map(|facts| &facts.sequences) {
                    self.effects.lock(sequence, AccessExclusive);
                }
            }
            Action::NotUnderstood(text) => self.effects.unknown(format!("not understood: {text}")),
            Action::AddIdentity { .. }
            | Action::DropNotNull(_)
            | Action::RenameTo(_)
            | Action::RenameColumn(..)
            | Action::RenameConstraint(..)
            | Action::SetSchema(_)
            | Action::SetOptions(_)
            | Action::NoInherit(_)
            | Action::ReplicaIdentity
            | Action::Simple { .. } => {}
        }
    }

    /// Says that a relation is not in the catalog that was read.
    pub fn note_missing(&mut self, table: &NamedRelation, written: &str) {
        if self.schema.is_known() && table.facts.is_none() {
            self.effects.unknown(format!("{written} is not in the catalog"));
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

    fn set_access_method(&mut self, target: &AlteredTable<'facts>, name: &str) {
        match target.table.facts {
            None => self
                .effects
                .unknown(format!("whether the table has access method {name} already")),
            Some(facts) if facts.access_method.as_deref() == Some(name) => {}
            Some(_) => self.rewrite(&target.table, None),
        }
    }
}
