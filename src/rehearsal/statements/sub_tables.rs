//! Parts of a table under the table's own name: created, filled and swapped in, all inside a transaction that is never
//! committed.
//!
//! The statement under test is not rewritten, as no parser does that safely; instead, `RENAME` moves the table out of
//! the way. Since nothing is committed, nothing of ours stays in the clone, not even after a crash. `ladder` decides
//! what is measured on the parts, and how often.

use crate::quoting::{in_literal, literal};
use std::time::Instant;

use postgres::Client;

use super::statement::insert_position;

/// The name prefix of a sub-table before it takes the table's name, and of the table while it is renamed.
const NAME: &str = "migtime_rung_";

/// A table and its parts, in an open transaction.
pub(in crate::rehearsal) struct SubTables<'a> {
    client: &'a mut Client,
    /// The table, and its schema and bare name, each quoted for SQL.
    table: &'a str,
    schema: String,
    name: String,
    /// Whether its indexes matter to the statement.
    with_indexes: bool,
    made: usize,
}

/// One part of the table.
pub(in crate::rehearsal) struct SubTable {
    number: usize,
    /// Rows in it.
    pub rows: u64,
}

/// The resources of a run.
#[derive(Clone, Copy)]
pub(in crate::rehearsal) struct Memory {
    /// `maintenance_work_mem`, in bytes.
    pub bytes: u64,
    /// Parallel workers of an index build, if they should be those of a larger table.
    pub workers: Option<u32>,
}

/// What a run showed.
pub(in crate::rehearsal) struct RungMeasured {
    /// From sending the statement to its end, in seconds.
    pub seconds: f64,
    /// WAL inserted during the run, in bytes.
    pub wal_bytes: u64,
    /// Growth of the table and its indexes, in bytes.
    pub growth_bytes: i64,
}

impl<'a> SubTables<'a> {
    /// Prepares to create parts of `table`; a transaction must be open.
    pub(in crate::rehearsal) fn new(
        client: &'a mut Client,
        table: &'a str,
        with_indexes: bool,
    ) -> Result<SubTables<'a>, postgres::Error> {
        let sql = format!(
            "SELECT pg_catalog.format('%I', n.nspname), pg_catalog.format('%I', c.relname) FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = {}",
            regclass(table)
        );
        let row = client.query_one(&sql, &[])?;
        Ok(SubTables {
            client,
            table,
            schema: row.get(0),
            name: row.get(1),
            with_indexes,
            made: 0,
        })
    }

    /// Creates a part of about `fraction` of the table. It consists of whole blocks drawn at random from `seed`, in
    /// their original order, so that the order of the columns' values in the heap is preserved; 0 makes an empty part.
    ///
    /// The part has the table's columns, defaults, checks and storage parameters, and its constraints that are not yet
    /// valid. It has no triggers or foreign keys, which a statement that changes a whole table does not fire.
    pub(in crate::rehearsal) fn make(&mut self, fraction: f64, seed: u64) -> Result<SubTable, postgres::Error> {
        let number = self.made;
        let sub_table = format!("{}.{NAME}{number}", self.schema);
        let like = format!(
            "SELECT pg_catalog.format('CREATE %s TABLE {} (LIKE {} INCLUDING ALL EXCLUDING COMMENTS {}) USING %I %s \
             %s', \
             CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE '' END, a.amname, \
             'WITH (' || pg_catalog.array_to_string(c.reloptions, ', ') || ')', \
             'TABLESPACE ' || pg_catalog.quote_ident(s.spcname)) \
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_am a ON a.oid = c.relam \
             LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace WHERE c.oid = {}",
            in_format(&sub_table),
            in_format(self.table),
            if self.with_indexes { "" } else { "EXCLUDING INDEXES" },
            regclass(self.table)
        );
        let create: String = self.client.query_one(&like, &[])?.get(0);
        self.client.batch_execute(&create)?;
        self.made += 1;
        let constraints = self.unchecked_constraints()?;
        for (name, _) in &constraints {
            // The table may hold rows that violate the constraint, and the part must hold them too.
            let drop = format!("ALTER TABLE {sub_table} DROP CONSTRAINT IF EXISTS {name}");
            self.client.batch_execute(&drop)?;
        }
        let rows = if fraction > 0.0 {
            self.fill(&sub_table, fraction, seed)?
        } else {
            0
        };
        for (name, definition) in &constraints {
            let add = format!("ALTER TABLE {sub_table} ADD CONSTRAINT {name} {definition}");
            self.client.batch_execute(&add)?;
        }
        Ok(SubTable { number, rows })
    }

    fn fill(&mut self, sub_table: &str, fraction: f64, seed: u64) -> Result<u64, postgres::Error> {
        let columns = format!(
            "SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', ' ORDER BY attnum) \
             FROM pg_catalog.pg_attribute \
             WHERE attrelid = {} AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
            regclass(self.table)
        );
        let columns: String = self.client.query_one(&columns, &[])?.get(0);
        let insert = format!(
            "INSERT INTO {sub_table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM ONLY {} \
             TABLESAMPLE SYSTEM ({}) REPEATABLE ({seed})",
            self.table,
            100.0 * fraction
        );
        self.client.execute(&insert, &[])
    }

    /// Returns name and definition of the constraints that are not yet valid. Valid ones came with `LIKE` or need no
    /// check.
    fn unchecked_constraints(&mut self) -> Result<Vec<(String, String)>, postgres::Error> {
        let sql = format!(
            "SELECT pg_catalog.quote_ident(conname), pg_catalog.pg_get_constraintdef(oid) \
             FROM pg_catalog.pg_constraint \
             WHERE conrelid = {} AND NOT convalidated ORDER BY conname",
            regclass(self.table)
        );
        let rows = self.client.query(&sql, &[])?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Runs `sql` on the part, which takes the table's name, or on the table itself if there is no part, and undoes it.
    pub(in crate::rehearsal) fn run(
        &mut self,
        sub_table: Option<&SubTable>,
        sql: &str,
        memory: Memory,
        checkpoint: bool,
    ) -> Result<RungMeasured, postgres::Error> {
        self.client.batch_execute("SAVEPOINT migtime_rung")?;
        if let Some(sub_table) = sub_table {
            self.client.batch_execute(&format!(
                "ALTER TABLE {} RENAME TO {NAME}whole; ALTER TABLE {}.{NAME}{} RENAME TO {}",
                self.table, self.schema, sub_table.number, self.name
            ))?;
        }
        let kilobytes = (memory.bytes / 1024).max(1024);
        let set = format!("SELECT pg_catalog.set_config('maintenance_work_mem', '{kilobytes}kB', true)");
        self.client.batch_execute(&set)?;
        if let Some(workers) = memory.workers {
            let set = format!("ALTER TABLE {} SET (parallel_workers = {workers})", self.table);
            self.client.batch_execute(&set)?;
        }
        if checkpoint {
            self.client.batch_execute("CHECKPOINT")?;
        }
        let (size, position) = (self.size()?, insert_position(self.client)?);
        let begin = Instant::now();
        self.client.simple_query(sql)?;
        let seconds = begin.elapsed().as_secs_f64();
        let measured = RungMeasured {
            seconds,
            wal_bytes: insert_position(self.client)?.saturating_sub(position),
            growth_bytes: self.size()? - size,
        };
        self.client
            .batch_execute("ROLLBACK TO SAVEPOINT migtime_rung; RELEASE SAVEPOINT migtime_rung")?;
        Ok(measured)
    }

    fn size(&mut self) -> Result<i64, postgres::Error> {
        let sql = format!("SELECT pg_catalog.pg_total_relation_size({})", regclass(self.table));
        Ok(self.client.query_one(&sql, &[])?.get(0))
    }
}

/// Returns an SQL expression for the table's object id; `table` is already quoted for SQL.
pub(in crate::rehearsal) fn regclass(table: &str) -> String {
    format!("{}::pg_catalog.regclass", literal(table))
}

/// Returns a name escaped for the first argument of `format`, which is a literal.
fn in_format(name: &str) -> String {
    in_literal(&name.replace('%', "%%"))
}
