//! The relations of a database at one moment (names, storage and sizes), and what a statement changed about them.
//!
//! A changed `relfilenode` means a rewrite. Storage that a statement replaces stays on disk until its commit, so the
//! disk it needs at most follows from the sizes before and after.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Client;

use crate::migration::LockMode;
use crate::observation::{DiskRecord, LockRecord};

/// A relation and a lock mode, as in `pg_locks`.
pub type RelationLock = (u32, String);

/// The relations that do not belong to the server itself, by object id.
#[derive(Clone, Default)]
pub struct RelationNames {
    relations: BTreeMap<u32, Relation>,
}

#[derive(Clone)]
struct Relation {
    name: String,
    /// Its `relfilenode`; 0 without storage.
    storage: u32,
    /// The object id of its table: for an index, a TOAST table or a TOAST index, the table it belongs to; otherwise
    /// itself.
    table: u32,
    bytes: u64,
    is_toast: bool,
}

/// Sizes are those of the main fork. Reading a size takes a lock, so relations that others lock or wait for in the
/// strongest mode are left out.
const RELATIONS: &str = "
SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relfilenode, coalesce(owner.oid, i.indrelid, c.oid),
       CASE WHEN c.relkind IN ('r', 'm', 'i', 't', 'S') AND c.oid NOT IN (
                SELECT l.relation FROM pg_catalog.pg_locks l
                WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' \
                AND l.pid <> pg_catalog.pg_backend_pid())
            THEN coalesce(pg_catalog.pg_relation_size(c.oid), 0) ELSE 0 END,
       n.nspname ~ '^pg_toast'
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_class owner ON owner.reltoastrelid = coalesce(i.indrelid, c.oid) AND owner.reltoastrelid <> 0
WHERE c.oid >= 16384";

impl RelationNames {
    /// Reads the relations outside a transaction.
    pub fn read(client: &mut Client) -> Result<RelationNames, postgres::Error> {
        let mut relations = BTreeMap::new();
        for row in client.query(RELATIONS, &[])? {
            let relation = Relation {
                name: row.get(1),
                storage: row.get(2),
                table: row.get(3),
                bytes: row.get::<_, i64>(4).try_into().unwrap_or(0),
                is_toast: row.get(5),
            };
            relations.insert(row.get(0), relation);
        }
        Ok(RelationNames { relations })
    }

    /// Reads the relations inside a transaction without keeping the locks that this takes.
    pub fn read_in_block(client: &mut Client) -> Result<RelationNames, postgres::Error> {
        client.batch_execute("SAVEPOINT migtime_sizes")?;
        let relations = RelationNames::read(client)?;
        client.batch_execute("ROLLBACK TO SAVEPOINT migtime_sizes; RELEASE SAVEPOINT migtime_sizes")?;
        Ok(relations)
    }

    /// Returns the name of a relation; `None` if it does not exist or is TOAST, whose names users do not know.
    pub fn name(&self, oid: u32) -> Option<&String> {
        let relation = self.relations.get(&oid).filter(|relation| !relation.is_toast)?;
        Some(&relation.name)
    }

    /// Returns the object id of the table that a relation belongs to; a table belongs to itself.
    pub fn table_of_oid(&self, oid: u32) -> Option<u32> {
        self.relations.get(&oid).map(|relation| relation.table)
    }

    /// Returns the relations whose storage was replaced between these relations and `after`, sorted by name.
    pub fn rewritten_since(&self, after: &RelationNames) -> Vec<String> {
        let replaced = self.replaced_since(after);
        let still_there = replaced.iter().filter(|oid| after.relations.contains_key(oid));
        let mut names: Vec<String> = still_there.filter_map(|oid| self.name(*oid).cloned()).collect();
        names.sort();
        names
    }

    /// Returns the name of the table that the named relation belongs to; a table belongs to itself.
    pub fn table_of(&self, name: &str) -> Option<&String> {
        let mut relations = self.relations.values();
        let relation = relations.find(|relation| relation.name == name)?;
        self.name(relation.table)
    }

    /// Adds names to locks that were taken between these relations and `after`; the caller sets how long they were
    /// held.
    pub fn name_locks(&self, after: &RelationNames, locks: impl IntoIterator<Item = RelationLock>) -> Vec<LockRecord> {
        let named = locks.into_iter().filter_map(|(oid, mode)| {
            Some(LockRecord {
                relation: self.name(oid).or_else(|| after.name(oid))?.clone(),
                mode: LockMode::from_name(&mode)?,
                held_seconds: None,
                sampled_every_seconds: None,
            })
        });
        let mut records: Vec<LockRecord> = named.collect();
        records.sort_by(|one, other| (&one.relation, one.mode).cmp(&(&other.relation, other.mode)));
        records
    }

    /// Returns the disk space that a statement needed between these relations and `after`, given its `locks`; `None` if
    /// it touched none of the relations. `temporary_file_bytes` is the size of its temporary files, where known.
    pub fn disk_until<'lock>(
        &self,
        after: &RelationNames,
        locks: impl IntoIterator<Item = &'lock RelationLock>,
        temporary_file_bytes: Option<u64>,
    ) -> Option<DiskRecord> {
        let strong = locks
            .into_iter()
            .filter(|(_, mode)| LockMode::from_name(mode).is_some_and(|mode| mode > LockMode::RowShare));
        let replaced = self.replaced_since(after);
        let new = after.relations.keys().filter(|oid| !self.relations.contains_key(oid));
        let touched = strong.map(|(oid, _)| oid).chain(&replaced).chain(new);
        let tables: BTreeSet<u32> = touched
            .filter_map(|oid| self.relations.get(oid).or(after.relations.get(oid)))
            .map(|relation| relation.table)
            .collect();
        if tables.is_empty() {
            return None;
        }
        let before_bytes = self.bytes(|_, relation| tables.contains(&relation.table));
        let after_bytes = after.bytes(|_, relation| tables.contains(&relation.table));
        let replaced_bytes = self.bytes(|oid, _| replaced.contains(&oid));
        let storage = (after_bytes + replaced_bytes).saturating_sub(before_bytes.max(after_bytes));
        Some(DiskRecord {
            before_bytes,
            after_bytes,
            peak_temporary_bytes: storage + temporary_file_bytes.unwrap_or(0),
            temporary_file_bytes,
        })
    }

    /// Returns the relations whose storage is gone or different in `after`.
    fn replaced_since(&self, after: &RelationNames) -> BTreeSet<u32> {
        let storage_after = |oid| after.relations.get(oid).map(|relation| relation.storage);
        self.relations
            .iter()
            .filter(|(oid, relation)| storage_after(oid) != Some(relation.storage))
            .map(|(oid, _)| *oid)
            .collect()
    }

    fn bytes(&self, counts: impl Fn(u32, &Relation) -> bool) -> u64 {
        let counted = self.relations.iter().filter(|(oid, relation)| counts(**oid, relation));
        counted.map(|(_, relation)| relation.bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    /// Builds relations from object id, table, file and megabytes.
    fn relations(listed: &[(u32, u32, u32, u64)]) -> RelationNames {
        let relation = |&(oid, table, storage, megabytes): &(u32, u32, u32, u64)| {
            let relation = Relation {
                name: format!("public.r{oid}"),
                storage,
                table,
                bytes: megabytes * MB,
                is_toast: false,
            };
            (oid, relation)
        };
        RelationNames {
            relations: listed.iter().map(relation).collect(),
        }
    }

    fn check(before: &[(u32, u32, u32, u64)], after: &[(u32, u32, u32, u64)], locked: u32, expected: [u64; 3]) {
        let lock = (locked, "AccessExclusiveLock".to_string());
        let disk = relations(before).disk_until(&relations(after), [&lock], Some(0));
        let disk = disk.expect("a relation was touched");
        let found = [disk.before_bytes, disk.after_bytes, disk.peak_temporary_bytes];
        assert_eq!(found.map(|bytes| bytes / MB), expected);
    }

    #[test]
    fn storage_stays_until_it_is_replaced() {
        let table = (1, 1, 100, 10);
        let (index, other) = ((2, 1, 101, 4), (9, 9, 900, 50));
        check(&[table, index, other], &[table, index, other], 1, [14, 14, 0]);
        check(&[table, other], &[table, index, other], 1, [10, 14, 0]);
        // Rewritten and grown: the old storage is the temporary extra.
        check(&[table, index], &[(1, 1, 200, 12), (2, 1, 201, 5)], 1, [14, 17, 14]);
        // Rewritten and shrunk, as by VACUUM FULL: the new storage is the temporary extra.
        check(&[table], &[(1, 1, 200, 3)], 1, [10, 3, 3]);
        check(&[table, index], &[], 1, [14, 0, 0]);
    }

    #[test]
    fn what_is_only_read_is_not_counted() {
        let table = relations(&[(1, 1, 100, 10)]);
        let lock = (1, "AccessShareLock".to_string());
        assert_eq!(table.disk_until(&table, [&lock], None), None);
    }
}
