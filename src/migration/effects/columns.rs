//! What changes of columns rewrite and scan: added ones, new types, NOT NULL.
//!
//! After `ATExecAddColumn`, `ATPrepAlterColumnType`, `ATPostAlterTypeCleanup` and `ATExecSetNotNull` in
//! `src/backend/commands/tablecmds.c`.

use super::cascades;
use super::data_type::{DataType, is_serial};
use super::judge::{Judge, NamedRelation};
use super::proofs::{holds_no_null, referenced_columns, say_not_null};
use super::target::AlteredTable;
use super::types::{Change, change, computes, same_operators};
use crate::catalog::{ColumnFacts, ConstraintFacts, ConstraintKind, DependedOn, Origin, RelationFacts, Volatility};
use crate::migration::LockMode::{AccessExclusive, ShareRowExclusive};
use crate::migration::Trap;
use crate::migration::command::{ColumnDefinition, ConstraintDefinition, Expression, TypeChange};
use crate::migration::names::name_path;

/// Functions whose value stays the same throughout a statement, for want of a catalog: a default is stored once.
const STABLE_FUNCTIONS: &[&str] = &[
    "current_setting",
    "lower",
    "now",
    "statement_timestamp",
    "to_timestamp",
    "transaction_timestamp",
    "upper",
];

/// Functions that give every row its own value, for want of a catalog.
const VOLATILE_FUNCTIONS: &[&str] = &[
    "clock_timestamp",
    "currval",
    "gen_random_uuid",
    "lastval",
    "nextval",
    "random",
    "setval",
    "timeofday",
    "txid_current",
    "uuid_generate_v1",
    "uuid_generate_v1mc",
    "uuid_generate_v4",
    "uuidv4",
    "uuidv7",
];

impl<'facts> Judge<'facts> {
    pub(super) fn add_column(&mut self, target: &AlteredTable<'facts>, column: &ColumnDefinition, if_not_exists: bool) {
        let exists = target
            .table
            .facts
            .is_some_and(|facts| facts.column(&column.name).is_some());
        if exists && if_not_exists {
            return;
        }
        let has_default = column.has_default();
        match self.fills_every_row(column) {
            Change::Rewrite => target.tables.iter().for_each(|table| self.rewrite(table, None)),
            Change::Unknown => {}
            Change::Keep if column.not_null && column.is_virtual() => {
                target.tables.iter().for_each(|table| self.scan(table));
            }
            Change::Keep if column.not_null && !has_default => {
                target.tables.iter().for_each(|table| self.scan(table));
                self.effects.warn(
                    Trap::FailsOnRows,
                    format!(
                        "fails when {} has a row: column {} has no default",
                        target.table.name, column.name
                    ),
                );
            }
            Change::Keep => {}
        }
        for constraint in &column.constraints {
            match &constraint.definition {
                // All rows are NULL, and NULL refers to nothing.
                ConstraintDefinition::ForeignKey { table, .. } => {
                    let checked = constraint.is_checked() && (has_default || column.is_stored());
                    let tables = self.with_keys(target);
                    self.foreign_key(&tables, table, checked);
                    // A default that says so is taken for a value, and looked at.
                    if constraint.is_checked() && column.default.is_some() && !checked {
                        tables.iter().for_each(|table| self.scan(table));
                    }
                }
                ConstraintDefinition::Unique { .. }
                | ConstraintDefinition::PrimaryKey { .. }
                | ConstraintDefinition::Exclude => {
                    let tables = self.with_keys(target);
                    self.index(&tables);
                }
                ConstraintDefinition::Check { .. } if constraint.is_checked() && constraint.no_inherit => {
                    self.scan(&target.table);
                }
                ConstraintDefinition::Check { .. } if constraint.is_checked() => {
                    target.tables.iter().for_each(|table| self.scan(table));
                }
                ConstraintDefinition::Check { .. } | ConstraintDefinition::NotNull => {}
            }
        }
    }

    /// Says whether a new column gives every row a value of its own, which is then stored.
    fn fills_every_row(&mut self, column: &ColumnDefinition) -> Change {
        if column.is_virtual() {
            return Change::Keep;
        }
        if column.is_identity() || column.is_stored() || is_serial(column) {
            return Change::Rewrite;
        }
        let data_type = column.data_type.as_ref();
        match data_type.map(|name| (name, DataType::of(name).constrained(self.schema))) {
            Some((_, Some(true))) => return Change::Rewrite,
            Some((name, None)) => {
                let why = format!(
                    "whether {} is a domain with a constraint, which rewrites the table",
                    name.written
                );
                self.effects.unknown(why);
                return Change::Unknown;
            }
            _ => {}
        }
        let of_domain = data_type.and_then(|name| DataType::of(name).volatile_default(self.schema));
        match column.default.as_ref().filter(|_| column.has_default()) {
            None if column.default.is_none() && of_domain == Some(true) => Change::Rewrite,
            None => Change::Keep,
            // Before PostgreSQL 11 every default is written into every row.
            Some(_) if self.version < 110_000 => Change::Rewrite,
            Some(default) => self.differs_by_row(default),
        }
    }

    /// Says whether a default gives every row a value of its own.
    fn differs_by_row(&mut self, default: &Expression) -> Change {
        let parts = default.all();
        let calls = parts.iter().filter_map(|part| match part {
            Expression::Call { function, .. } => function.last(),
            _ => None,
        });
        let volatilities: Vec<_> = calls.map(|name| (name, self.is_volatile(name))).collect();
        if volatilities.iter().any(|(_, volatile)| *volatile == Some(true)) {
            return Change::Rewrite;
        }
        if let Some((name, _)) = volatilities.iter().find(|(_, volatile)| volatile.is_none()) {
            let why = format!("whether function {name} is volatile, which rewrites the table");
            self.effects.unknown(why);
            return Change::Unknown;
        }
        if parts.contains(&&Expression::TooDeep) {
            self.effects
                .unknown("whether the default is volatile, which rewrites the table: it is nested too deep");
            return Change::Unknown;
        }
        Change::Keep
    }

    /// Says whether a function may give another value for every row; `None` when it is not known.
    pub(super) fn is_volatile(&self, function: &str) -> Option<bool> {
        match self.schema.functions.get(function) {
            Some(Volatility::Unknown) => None,
            Some(volatility) => Some(*volatility == Volatility::Volatile),
            None if STABLE_FUNCTIONS.contains(&function) => Some(false),
            None if VOLATILE_FUNCTIONS.contains(&function) => Some(true),
            None => None,
        }
    }

    pub(super) fn drop_column(&mut self, target: &AlteredTable<'facts>, column: &str, cascade: bool) {
        for table in &target.tables {
            for constraint in table.facts.iter().flat_map(|facts| &facts.constraints) {
                if constraint.kind == ConstraintKind::ForeignKey && constraint.columns.iter().any(|name| name == column)
                {
                    self.drop_foreign_key(constraint);
                }
            }
            if cascade {
                self.drop_dependents(table, |referenced| referenced.iter().any(|name| name == column));
                cascades::take_along(self, DependedOn::Relation, &name_path(&table.name), column);
                let mut readers = self.schema.relations.readers_of(&table.name);
                if readers.any(|view| view.origin == Origin::Made) {
                    self.effects
                        .unknown(format!("which views of {} use the column", table.name));
                }
            }
        }
        self.effects.warn(
            Trap::CannotComeBack,
            "the data of a dropped column cannot be brought back",
        );
    }

    pub(super) fn set_type(&mut self, table: &NamedRelation<'facts>, name: &str, new: &TypeChange) {
        let Some(facts) = table.facts else {
            return self.set_unknown_type(table, name, new);
        };
        let Some(column) = facts.column(name) else {
            return self.effects.unknown(format!("column {name} is not in the catalog"));
        };
        let (old_type, new_type) = (DataType::parse(&column.data_type), DataType::of(&new.data_type));
        if table.holds_rows() {
            let advice = format!(
                "the planner's statistics of {name} are gone afterwards: ANALYZE {}",
                table.name
            );
            self.effects.warn(Trap::StatisticsLost, advice);
        }
        let stored = if computes(name, new) {
            Change::Rewrite
        } else {
            change(&old_type, &new_type, self.schema)
        };
        match stored {
            // Nothing of it is stored.
            Change::Rewrite if column.is_virtual => {}
            Change::Rewrite => self.rewrite(table, Some(name)),
            Change::Unknown => self.effects.unknown("whether the new type is stored like the old one"),
            Change::Keep => {
                let same = same_operators(&old_type, &new_type, self.schema) && same_collation(column, new);
                self.rebuild_indexes(table, facts, name, same);
            }
        }
        // A foreign key is taken over as it is only where nothing of it changes; otherwise all rows are checked again.
        let same = matches!(stored, Change::Keep) && same_operators(&old_type, &new_type, self.schema);
        self.rebuild_constraints(table, facts, name, !same);
    }

    pub(super) fn set_unknown_type(&mut self, table: &NamedRelation<'facts>, name: &str, new: &TypeChange) {
        if computes(name, new) {
            self.rewrite(table, None);
        } else {
            self.effects.unknown(format!(
                "whether the present type of {name} is stored like {}",
                new.data_type.written
            ));
        }
    }

    /// Indexes on a column whose type changes are made again; the old storage serves where operators and collation
    /// stay.
    pub(super) fn rebuild_indexes(
        &mut self,
        table: &NamedRelation<'facts>,
        facts: &RelationFacts,
        column: &str,
        same: bool,
    ) {
        let mut using = facts
            .indexes
            .iter()
            .filter(|index| index.used_columns.iter().any(|used| used == column));
        // What is attached to the index of a parent is made anew with it.
        if using.any(|index| !(same && index.plain && index.valid && index.parent.is_none())) {
            self.index(std::slice::from_ref(table));
        }
    }

    /// Constraints on a column whose type changes are dropped and added again.
    pub(super) fn rebuild_constraints(
        &mut self,
        table: &NamedRelation<'facts>,
        facts: &'facts RelationFacts,
        column: &str,
        checked: bool,
    ) {
        let touches = |constraint: &ConstraintFacts| constraint.columns.iter().any(|name| name == column);
        for constraint in facts.constraints.iter().filter(|constraint| touches(constraint)) {
            match (constraint.kind, &constraint.references) {
                (ConstraintKind::Check, _) if constraint.valid => self.scan(table),
                // Without triggers, there is nothing to take away from the referenced table.
                (ConstraintKind::ForeignKey, Some(referenced)) if !constraint.is_enforced() => {
                    self.effects.lock(referenced, ShareRowExclusive);
                }
                (ConstraintKind::ForeignKey, Some(referenced)) => {
                    self.effects.lock(referenced, AccessExclusive);
                    if checked && constraint.valid {
                        let referenced = self.qualified(referenced);
                        self.scan(table);
                        self.scan(&referenced);
                    }
                }
                _ => {}
            }
        }
        for (child, constraint) in self.schema.referencing(&table.name) {
            if referenced_columns(constraint).iter().any(|name| name == column) {
                self.effects.lock(&child.name, AccessExclusive);
                if checked && constraint.valid {
                    let child = self.qualified(&child.name);
                    self.scan(&child);
                    self.scan(table);
                }
            }
        }
    }

    pub(super) fn set_not_null(&mut self, tables: &[NamedRelation<'facts>], column: &str) {
        for table in tables {
            let proven = match table.facts {
                Some(facts) => holds_no_null(facts, column, self.version),
                None => self
                    .schema
                    .added_checks
                    .get(&name_path(&table.name))
                    .is_some_and(|checks| say_not_null(checks, column)),
            };
            if !proven {
                self.scan(table);
            }
        }
    }
}

fn same_collation(column: &ColumnFacts, new: &TypeChange) -> bool {
    let wanted = new
        .collation
        .as_ref()
        .map(|written| name_path(written).pop().unwrap_or_default());
    column.collation == wanted.filter(|name| name != "default")
}
