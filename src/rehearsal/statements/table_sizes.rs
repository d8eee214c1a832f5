//! The sizes of a migration's tables before and after a backfill, including partitions, indexes and TOAST.

use postgres::Client;

use crate::catalog::facts::TableFacts;
use crate::observation::DiskRecord;
use crate::rehearsal::walker::Walker;

impl Walker<'_> {
    /// Returns the current size of the migration's tables in bytes, if this run records disk space.
    pub(in crate::rehearsal) fn bytes_of_tables(&mut self) -> Option<u64> {
        (self.run == 0)
            .then(|| total_bytes(self.clone.client(), &self.rehearsal.tables))
            .flatten()
    }

    /// Records how much the batches of step `index` made the tables grow. Batches replace no storage while they run.
    pub(in crate::rehearsal) fn record_growth(&mut self, index: usize, before_bytes: Option<u64>) {
        let after_bytes = self.bytes_of_tables();
        if let Some((before_bytes, after_bytes)) = before_bytes.zip(after_bytes) {
            self.rehearsal.steps[index].disk = Some(DiskRecord {
                before_bytes,
                after_bytes,
                ..DiskRecord::default()
            });
        }
    }
}

/// Returns the total bytes of `tables`; `None` if the server does not report it, which must not end a rehearsal. A
/// table that no longer exists counts as 0.
fn total_bytes(client: &mut Client, tables: &[TableFacts]) -> Option<u64> {
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let sql = "WITH named AS (SELECT pg_catalog.to_regclass(name) AS relation FROM unnest($1::text[]) AS name), \
               whole AS (SELECT relation FROM named WHERE relation IS NOT NULL \
                         UNION SELECT relid FROM named, pg_catalog.pg_partition_tree(relation) \
                         WHERE relation IS NOT NULL) \
               SELECT coalesce(sum(pg_catalog.pg_total_relation_size(relation)), 0)::bigint FROM whole";
    let bytes: i64 = client.query_one(sql, &[&names]).ok()?.get(0);
    u64::try_from(bytes).ok()
}
