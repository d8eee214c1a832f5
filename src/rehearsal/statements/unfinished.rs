//! What a failed statement that commits in parts leaves unfinished (invalid indexes, partitions that are half
//! detached), and how that is cleared away.
//!
//! `CREATE INDEX CONCURRENTLY` leaves the index under its name, `REINDEX CONCURRENTLY` a new one ending in `_ccnew` or
//! the old one ending in `_ccold`, on partitions and TOAST tables too. An invalid index on a partitioned table is not a
//! leftover: it becomes valid once its partitions have their indexes.

use std::collections::BTreeSet;

use postgres::Client;

use super::relations::RelationNames;
use crate::error::{ErrorKind, Result};
use crate::server::{Staging, server_error};

/// The unfinished work in a database, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Unfinished {
    invalid_indexes: BTreeSet<(u32, String)>,
    /// Partitioned table and partition.
    half_detached: BTreeSet<(String, String)>,
}

/// What became of unfinished work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cleared {
    /// Invalid indexes that were dropped.
    pub dropped_indexes: Vec<String>,
    /// Whether the statement was dropping indexes when it failed: it must run again.
    pub half_dropped: bool,
    /// Partitions whose detachment was completed.
    pub detached: Vec<String>,
    /// Statements that a person must run to clear away the rest.
    pub remedies: Vec<String>,
}

/// An index that another session is building is not unfinished.
const INVALID_INDEXES: &str = "
SELECT i.indexrelid, pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i'
AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)";

const HALF_DETACHED: &str = "
SELECT pg_catalog.format('%I.%I', pn.nspname, p.relname), pg_catalog.format('%I.%I', cn.nspname, c.relname)
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class p ON p.oid = i.inhparent JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
WHERE i.inhdetachpending";

impl Unfinished {
    /// Reads what is unfinished on a clone before anything runs there.
    ///
    /// # Errors
    /// `Connection` when the catalog cannot be read.
    pub fn of(clone: &mut Staging) -> Result<Unfinished> {
        let client = clone.client();
        let version = "SELECT current_setting('server_version_num')::integer";
        let read = client
            .query_one(version, &[])
            .and_then(|row| Unfinished::read(client, row.get::<_, i32>(0) as u32));
        read.map_err(|error| server_error(&error, ErrorKind::Connection))
    }

    /// Reads what is unfinished.
    pub(super) fn read(client: &mut Client, version_num: u32) -> Result<Unfinished, postgres::Error> {
        let indexes = client.query(INVALID_INDEXES, &[])?;
        let partitions = match version_num {
            140_000.. => client.query(HALF_DETACHED, &[])?,
            _ => Vec::new(),
        };
        Ok(Unfinished {
            invalid_indexes: indexes.iter().map(|row| (row.get(0), row.get(1))).collect(),
            half_detached: partitions.iter().map(|row| (row.get(0), row.get(1))).collect(),
        })
    }

    /// Returns the names of the invalid indexes, sorted.
    pub(super) fn invalid_indexes(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.invalid_indexes.iter().map(|(_, name)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Describes what is unfinished, one sentence each, with what a person can do about it.
    pub fn warnings(&self) -> Vec<String> {
        let index = |name: &str| {
            format!(
                "the index {name} was invalid before the rehearsal; it is left alone (DROP INDEX CONCURRENTLY {name} \
                 drops it)"
            )
        };
        let partition = |(table, partition): &(String, String)| {
            format!("the partition {partition} of {table} was half detached before the rehearsal; it is left alone")
        };
        let indexes = self.invalid_indexes().into_iter().map(index);
        indexes.chain(self.half_detached.iter().map(partition)).collect()
    }

    /// Clears away what is unfinished now and was not then.
    ///
    /// An index that was there by the same name before is being dropped by the statement: it is left for the statement
    /// to be run again, unless that was its last run.
    pub(super) fn clear(&self, client: &mut Client, version_num: u32, clearing: &Clearing) -> Cleared {
        let mut cleared = Cleared::default();
        let limit = format!(
            "SET statement_timeout = 0; SET lock_timeout = {}",
            clearing.lock_timeout_milliseconds
        );
        // If the server does not answer, the statement's own error says so.
        let _ = client.batch_execute(&limit);
        let Ok(now) = Unfinished::read(client, version_num) else {
            return cleared;
        };
        for (oid, name) in now.invalid_indexes.difference(&self.invalid_indexes) {
            if !clearing.is_last && clearing.before.name(*oid) == Some(name) {
                cleared.half_dropped = true;
            } else if drop_index(client, name) {
                cleared.dropped_indexes.push(name.clone());
            } else {
                cleared.remedies.push(format!("DROP INDEX CONCURRENTLY {name}"));
            }
        }
        for (table, partition) in now.half_detached.difference(&self.half_detached) {
            let finish = format!("ALTER TABLE {table} DETACH PARTITION {partition} FINALIZE");
            match client.batch_execute(&finish) {
                Ok(()) => cleared.detached.push(partition.clone()),
                Err(_) => cleared.remedies.push(finish),
            }
        }
        cleared
    }
}

/// How what a statement left unfinished is cleared away.
pub(super) struct Clearing<'a> {
    /// The relations before the statement.
    pub before: &'a RelationNames,
    /// Longest wait for each lock.
    pub lock_timeout_milliseconds: u64,
    /// Whether the statement is not run again.
    pub is_last: bool,
}

/// Drops an index without blocking the table's users; if that waits too long, drops it with a lock that blocks them.
fn drop_index(client: &mut Client, name: &str) -> bool {
    let concurrently = client.batch_execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {name}"));
    concurrently.is_ok() || client.batch_execute(&format!("DROP INDEX IF EXISTS {name}")).is_ok()
}
