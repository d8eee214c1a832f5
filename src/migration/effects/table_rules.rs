//! What each subcommand of `ALTER TABLE` locks, rewrites and scans.
//!
//! After `AlterTableGetLockLevel`, `ATPrepCmd`, `ATExecCmd` and `ATRewriteTables` in `src/backend/commands/tablecmds.c`: all
//! subcommands of one statement run under the strongest lock that one of them needs.

use super::alter_table::{self, Action, ColumnDefinition, Constraint, TypeChange};
use super::storage::{holds_no_null, plain, proves};
use super::types::{Change, DataType, change, same_operators};
use super::words::Words;
use super::{Judge, Named, TransactionRule, name_path};
use crate::catalog::{ColumnFacts, ConstraintFacts, RelationFacts};
use crate::migration::LockMode::{self, AccessExclusive, RowShare, ShareRowExclusive, ShareUpdateExclusive};

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

/// Judges `ALTER TABLE`, whose keywords are read already.
pub(super) fn alter_table<'facts>(judge: &mut Judge<'facts>, words: &mut Words) {
    words.accept("IF EXISTS");
    let Some((written, only)) = words.table() else {
        return judge.effects.unknown("the table's name was not understood");
    };
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
    let mut target = Target { table, tables, lock };
    for action in &actions {
        judge.action(&mut target, action);
    }
    judge.effects.rollback = match actions.as_slice() {
        [action] => rollback(&written, action),
        _ => None,
    };
}

/// The table that a statement alters.
struct Target<'facts> {
    table: Named<'facts>,
    /// With its partitions and children, unless `ONLY` it is meant.
    tables: Vec<Named<'facts>>,
    /// The strongest lock that a subcommand needs.
    lock: LockMode,
}

fn lock_of(action: &Action, version: u32) -> LockMode {
    match action {
        Action::Simple { lock, .. } => *lock,
        Action::Validate(_) => ShareUpdateExclusive,
        Action::AddConstraint(constraint) if constraint.kind == 'f' => ShareRowExclusive,
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
    fn action(&mut self, target: &mut Target<'facts>, action: &Action) {
        let recursing = matches!(
            action,
            Action::AddColumn(_)
                | Action::DropColumn(_)
                | Action::SetType(_)
                | Action::SetNotNull(_)
                | Action::SetExpression
                | Action::RenameColumn(..)
                | Action::AddConstraint(_)
                | Action::DropConstraint(_)
                | Action::Validate(_)
                | Action::Simple { recurses: true, .. }
        );
        if recursing {
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
    pub fn note_missing(&mut self, table: &Named, written: &str) {
        if self.schema.is_known() && table.facts.is_none() {
            self.effects.unknown(format!("{written} is not in the catalog"));
        }
    }

    fn add_column(&mut self, target: &Target<'facts>, column: &ColumnDefinition) {
        let exists = target
            .table
            .facts
            .is_some_and(|facts| facts.column(&column.name).is_some());
        if exists && column.if_not_exists {
            return;
        }
        let has_default = column.default.is_some();
        match self.fills_every_row(column) {
            Change::Rewrite => target.tables.iter().for_each(|table| self.rewrite(table, None)),
            Change::Unknown => {}
            Change::Keep if column.not_null && !has_default && !column.virtual_column => {
                target.tables.iter().for_each(|table| self.scan(table));
                self.effects.warn(format!(
                    "fails when {} has a row: column {} has no default",
                    target.table.name, column.name
                ));
            }
            Change::Keep => {}
        }
        for constraint in &column.constraints {
            match constraint.kind {
                // All rows are NULL, and NULL refers to nothing.
                'f' => self.foreign_key(&target.tables, constraint, has_default || column.stored),
                'u' | 'p' | 'x' => self.index(&target.tables),
                'c' => target.tables.iter().for_each(|table| self.scan(table)),
                _ => {}
            }
        }
    }

    /// Says whether a new column gives every row a value of its own, which is then stored.
    fn fills_every_row(&mut self, column: &ColumnDefinition) -> Change {
        if column.virtual_column {
            return Change::Keep;
        }
        if column.identity || column.stored || column.data_type.serial {
            return Change::Rewrite;
        }
        let constrained = column.data_type.constrained(self.schema);
        if constrained == Some(true) {
            return Change::Rewrite;
        }
        if constrained.is_none() {
            let why = format!(
                "whether {} is a domain with a constraint, which rewrites the table",
                column.written_type
            );
            self.effects.unknown(why);
            return Change::Unknown;
        }
        let Some((calls, _)) = &column.default else {
            return Change::Keep;
        };
        // Before PostgreSQL 11 every default is written into every row.
        if self.version < 110_000 {
            return Change::Rewrite;
        }
        let volatilities: Vec<_> = calls.iter().map(|name| (name, self.is_volatile(name))).collect();
        if volatilities.iter().any(|(_, volatile)| *volatile == Some(true)) {
            return Change::Rewrite;
        }
        match volatilities.iter().find(|(_, volatile)| volatile.is_none()) {
            Some((name, _)) => {
                let why = format!("whether function {name} is volatile, which rewrites the table");
                self.effects.unknown(why);
                Change::Unknown
            }
            None => Change::Keep,
        }
    }

    /// Says whether a function may give another value for every row; `None` when it is not known.
    pub fn is_volatile(&self, function: &str) -> Option<bool> {
        const SYNTAX: &[&str] = &[
            "array",
            "cast",
            "coalesce",
            "current_time",
            "current_timestamp",
            "extract",
            "greatest",
            "in",
            "interval",
            "least",
            "localtime",
            "localtimestamp",
            "nullif",
            "numeric",
            "overlay",
            "position",
            "row",
            "substring",
            "timestamp",
            "timestamptz",
            "trim",
            "varchar",
            "char",
            "character",
            "varying",
            "time",
            "bit",
            "decimal",
        ];
        match self.schema.functions.get(function) {
            Some(volatility) => Some(volatility == "v"),
            None if SYNTAX.contains(&function) || STABLE_FUNCTIONS.contains(&function) => Some(false),
            None if VOLATILE_FUNCTIONS.contains(&function) => Some(true),
            None => None,
        }
    }

    fn drop_column(&mut self, target: &Target<'facts>, column: &str) {
        for table in &target.tables {
            for constraint in table.facts.iter().flat_map(|facts| &facts.constraints) {
                if constraint.kind == "f" && constraint.columns.iter().any(|name| name == column) {
                    self.drop_foreign_key(constraint);
                }
            }
        }
        self.effects.warn("the data of a dropped column cannot be brought back");
    }

    fn set_type(&mut self, table: &Named<'facts>, new: &TypeChange) {
        let Some(facts) = table.facts else {
            return self.set_unknown_type(table, new);
        };
        let Some(column) = facts.column(&new.column) else {
            return self
                .effects
                .unknown(format!("column {} is not in the catalog", new.column));
        };
        let old_type = DataType::parse(&column.data_type);
        let stored = match new.computed {
            true => Change::Rewrite,
            false => change(&old_type, &new.data_type, self.schema),
        };
        match stored {
            Change::Rewrite => self.rewrite(table, Some(&new.column)),
            Change::Unknown => self.effects.unknown("whether the new type is stored like the old one"),
            Change::Keep => {
                let same = same_operators(&old_type, &new.data_type, self.schema) && same_collation(column, new);
                self.rebuild_indexes(table, facts, &new.column, same);
            }
        }
        self.rebuild_constraints(table, facts, &new.column);
    }

    fn set_unknown_type(&mut self, table: &Named<'facts>, new: &TypeChange) {
        if new.computed {
            self.rewrite(table, None);
        } else {
            self.effects.unknown(format!(
                "whether the present type of {} is stored like {}",
                new.column, new.written_type
            ));
        }
    }

    /// Indexes on a column whose type changes are made again; the old storage serves where operators and collation stay.
    fn rebuild_indexes(&mut self, table: &Named<'facts>, facts: &RelationFacts, column: &str, same: bool) {
        let mut using = facts
            .indexes
            .iter()
            .filter(|index| index.used_columns.iter().any(|used| used == column));
        if using.any(|index| !(same && index.plain && index.valid)) {
            self.index(std::slice::from_ref(table));
        }
    }

    /// Constraints on a column whose type changes are dropped and added again.
    fn rebuild_constraints(&mut self, table: &Named<'facts>, facts: &'facts RelationFacts, column: &str) {
        let touches = |constraint: &ConstraintFacts| constraint.columns.iter().any(|name| name == column);
        for constraint in facts.constraints.iter().filter(|constraint| touches(constraint)) {
            match (constraint.kind.as_str(), &constraint.references) {
                ("c", _) if constraint.valid => self.scan(table),
                ("f", Some(referenced)) => self.effects.lock(referenced, AccessExclusive),
                _ => {}
            }
        }
        for (child, constraint) in self.schema.referencing(&table.name) {
            let key = constraint
                .definition
                .rsplit_once("REFERENCES")
                .map_or("", |(_, key)| key);
            if Words::new(key)
                .text()
                .split_whitespace()
                .any(|word| word.trim_matches('"') == column)
            {
                self.effects.lock(&child.name, AccessExclusive);
            }
        }
    }

    fn set_not_null(&mut self, tables: &[Named<'facts>], column: &str) {
        for table in tables {
            let proven = table
                .facts
                .is_some_and(|facts| holds_no_null(facts, column, self.version));
            if !proven {
                self.scan(table);
            }
        }
    }

    fn add_constraint(&mut self, target: &Target<'facts>, constraint: &Constraint) {
        let tables = target.tables.clone();
        let checked = !constraint.not_valid && !constraint.not_enforced;
        match constraint.kind {
            'f' => {
                self.foreign_key(&tables, constraint, checked);
                if checked {
                    self.effects
                        .warn("both tables are locked against writing while all rows are checked");
                }
            }
            'c' if checked => tables.iter().for_each(|table| self.scan(table)),
            'n' if checked => constraint
                .columns
                .iter()
                .for_each(|column| self.set_not_null(&tables, column)),
            'u' | 'p' | 'x' => match &constraint.using_index {
                Some(name) => self.use_index(target, constraint, name),
                None => self.index(&tables),
            },
            _ => {}
        }
    }

    /// Makes an index that is there the one of a constraint; the columns of a primary key become NOT NULL.
    fn use_index(&mut self, target: &Target<'facts>, constraint: &Constraint, name: &str) {
        let known = target
            .table
            .facts
            .map(|facts| facts.indexes.iter().find(|index| index.bare_name == name));
        match known {
            Some(Some(index)) => {
                self.effects.lock(&index.name, ShareUpdateExclusive);
                if constraint.kind == 'p' {
                    index
                        .columns
                        .iter()
                        .for_each(|column| self.set_not_null(&target.tables.clone(), column));
                }
            }
            _ if constraint.kind == 'p' => self
                .effects
                .unknown(format!("whether the columns of {name} are NOT NULL")),
            _ => {}
        }
    }

    fn validate(&mut self, target: &Target<'facts>, name: &str) {
        let constraint = target.table.facts.and_then(|facts| facts.constraint(name));
        match constraint {
            Some(constraint) if constraint.valid => {}
            Some(ConstraintFacts {
                references: Some(referenced),
                ..
            }) => {
                let referenced = self.qualified(referenced);
                self.effects.lock(&referenced.name, RowShare);
                for table in target.tables.iter().chain([&referenced]) {
                    self.scan(table);
                }
            }
            _ => target.tables.iter().for_each(|table| self.scan(table)),
        }
    }

    fn drop_constraint(&mut self, target: &Target<'facts>, name: &str) {
        match target.table.facts.map(|facts| facts.constraint(name)) {
            Some(Some(constraint)) => self.drop_foreign_key(constraint),
            Some(None) => {}
            None => self
                .effects
                .warn("a foreign key stands on two tables, and dropping it locks both"),
        }
    }

    fn attach(&mut self, target: &Target<'facts>, written: &str, bound: &str) {
        let partition = self.relation(written);
        self.note_missing(&partition, written);
        let parts = self.with_descendants(&partition);
        self.lock_all(&parts, AccessExclusive);
        let parent = target.table.facts;
        let proven = partition
            .facts
            .zip(parent)
            .is_some_and(|(facts, parent)| within_bound(facts, parent, bound));
        if !proven {
            parts.iter().for_each(|part| self.scan(part));
        }
        let lacks_index = partition
            .facts
            .zip(parent)
            .is_some_and(|(facts, parent)| lacks_an_index(facts, parent));
        if lacks_index {
            self.index(&parts);
        }
        self.default_changes(&target.table, &partition.name, true);
        for constraint in parent
            .iter()
            .flat_map(|facts| &facts.constraints)
            .filter(|found| found.kind == "f")
        {
            if let Some(referenced) = &constraint.references {
                self.effects.lock(referenced, ShareRowExclusive);
                let referenced = self.qualified(referenced);
                parts.iter().chain([&referenced]).for_each(|table| self.scan(table));
            }
        }
    }

    /// The default partition is locked when another comes or goes, and read when rows of it might belong to the new one.
    pub fn default_changes(&mut self, parent: &Named<'facts>, partition: &str, read: bool) {
        let Some(default) = self.default_partition(&parent.name, partition) else {
            return;
        };
        for part in self.with_descendants(&default) {
            self.effects.lock(&part.name, AccessExclusive);
            if read {
                self.scan(&part);
            }
        }
    }

    fn detach(&mut self, target: &Target<'facts>, written: &str, concurrently: bool, finalize: bool) {
        let partition = self.relation(written);
        // The second of its two transactions takes the partition for itself.
        self.effects.lock(&partition.name, AccessExclusive);
        if concurrently {
            self.effects.transaction = TransactionRule::Forbidden;
        } else if !finalize {
            self.default_changes(&target.table, &partition.name, false);
        }
        for constraint in partition.facts.iter().flat_map(|facts| &facts.constraints) {
            if let (false, Some(referenced)) = (finalize, &constraint.references) {
                self.effects.lock(referenced, ShareRowExclusive);
            }
        }
    }

    fn set_logged(&mut self, target: &Target<'facts>, logged: bool) {
        let wanted = if logged { "p" } else { "u" };
        let table = &target.table;
        if table.facts.is_some_and(|facts| facts.persistence == wanted) {
            return;
        }
        self.rewrite(table, None);
        // PostgreSQL 15: sequences of the table follow it.
        if self.version >= 150_000 {
            for sequence in table.facts.iter().flat_map(|facts| &facts.sequences) {
                self.effects.lock(sequence, AccessExclusive);
                super::Effects::note(&mut self.effects.rewritten, sequence);
            }
        }
    }

    fn set_tablespace(&mut self, target: &Target<'facts>, name: &str) {
        let table = &target.table;
        let Some(facts) = table.facts else {
            return self
                .effects
                .unknown(format!("whether the table is in tablespace {name} already"));
        };
        let present = facts.tablespace.as_ref().unwrap_or(&self.schema.tablespace);
        if present != name && table.has_storage() {
            // Copied block by block; the indexes stay where they are.
            super::Effects::note(&mut self.effects.rewritten, &table.name);
        }
    }

    fn set_access_method(&mut self, target: &Target<'facts>, name: &str) {
        match target.table.facts {
            None => self
                .effects
                .unknown(format!("whether the table has access method {name} already")),
            Some(facts) if facts.access_method.as_deref() == Some(name) => {}
            Some(_) => self.rewrite(&target.table, None),
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

/// Says whether the partitioned table has an index that the table to attach has no equal of.
fn lacks_an_index(facts: &RelationFacts, parent: &RelationFacts) -> bool {
    let has = |wanted: &crate::catalog::SchemaIndex| {
        facts.indexes.iter().any(|index| {
            index.columns == wanted.columns
                && index.unique == wanted.unique
                && index.plain == wanted.plain
                && index.valid
        })
    };
    !parent.indexes.iter().all(has)
}

/// Says whether valid CHECKs of a table prove that all its rows are within the bound of a range or list over one column.
fn within_bound(facts: &RelationFacts, parent: &RelationFacts, bound: &str) -> bool {
    let Some(key) = parent.partition_key.as_deref() else {
        return false;
    };
    let column = key.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
    if column.contains([',', '(']) || !holds_no_null(facts, &name_path(column).concat(), 120_000) {
        return false;
    }
    let mut words = Words::new(bound);
    words.accept("FOR VALUES");
    let wanted = if words.accept("FROM") {
        let lower = words.parenthesis().map(|inner| inner.text());
        words.accept("TO");
        let upper = words.parenthesis().map(|inner| inner.text());
        let sides = [(">=", lower, "minvalue"), ("<", upper, "maxvalue")];
        let limits = sides.into_iter().filter_map(|(operator, value, unlimited)| {
            let value = value?;
            (!value.eq_ignore_ascii_case(unlimited)).then(|| plain(&format!("{column} {operator} {value}")))
        });
        limits.collect()
    } else if words.accept("IN") {
        words
            .parenthesis()
            .map(|inner| plain(&format!("{column} = {}", inner.text())))
            .into_iter()
            .collect()
    } else {
        Vec::new()
    };
    !wanted.is_empty() && proves(facts, &wanted)
}

/// Returns what undoes a subcommand, where that is obvious.
fn rollback(table: &str, action: &Action) -> Option<String> {
    let undo = match action {
        Action::AddColumn(column) => format!("DROP COLUMN {}", column.written_name),
        Action::AddConstraint(Constraint { name: Some(name), .. }) => format!("DROP CONSTRAINT {}", quoted(name)),
        Action::SetNotNull(column) => format!("ALTER COLUMN {} DROP NOT NULL", quoted(column)),
        Action::DropNotNull(column) => format!("ALTER COLUMN {} SET NOT NULL", quoted(column)),
        Action::AddIdentity { column } => format!("ALTER COLUMN {} DROP IDENTITY", quoted(column)),
        Action::RenameColumn(from, to) => format!("RENAME COLUMN {} TO {}", quoted(to), quoted(from)),
        Action::RenameConstraint(from, to) => format!("RENAME CONSTRAINT {} TO {}", quoted(to), quoted(from)),
        Action::Attach { partition, .. } => format!("DETACH PARTITION {partition}"),
        Action::SetLogged(true) => "SET UNLOGGED".to_owned(),
        Action::SetLogged(false) => "SET LOGGED".to_owned(),
        Action::Inherit(parent) => format!("NO INHERIT {parent}"),
        Action::NoInherit(parent) => format!("INHERIT {parent}"),
        Action::Simple { undo: Some(undo), .. } => undo.clone(),
        Action::RenameTo(to) => {
            let (schema, name) = match table.rsplit_once('.') {
                Some((schema, name)) => (format!("{schema}."), name),
                None => (String::new(), table),
            };
            return Some(format!("ALTER TABLE {schema}{} RENAME TO {name}", quoted(to)));
        }
        _ => return None,
    };
    Some(format!("ALTER TABLE {table} {undo}"))
}

/// Quotes a bare name where SQL needs it.
pub(super) fn quoted(name: &str) -> String {
    let plain = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name
            .chars()
            .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_');
    if plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}
