//! Parts of a table under the table's own name: made, filled and put in its place, all inside a transaction that is never
//! committed.
//!
//! The statement under test is not rewritten, which no parser does safely: the table steps aside by `RENAME` instead. Since
//! nothing is committed, nothing of ours is left in the clone, not after a crash either. What is measured on them, and how
//! often, is decided by `ladder`.

use crate::quoting::{in_literal, literal};
use std::time::Instant;

use postgres::Client;

use super::statement::insert_position;

/// What the sub-tables are called until one takes the table's name, and the table while it stands aside.
const NAME: &str = "migtime_rung_";

/// A table and its parts, in an open transaction.
pub(in crate::rehearsal) struct SubTables<'a> {
    client: &'a mut Client,
    /// The table, and its schema and bare name, each usable in SQL.
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

/// How a run is to be made.
#[derive(Clone, Copy)]
pub(in crate::rehearsal) struct Memory {
    /// `maintenance_work_mem`, in bytes.
    pub bytes: u64,
    /// Parallel workers of an index build, where they are to be those of a larger table.
    pub workers: Option<u32>,
}

/// What a run showed.
pub(in crate::rehearsal) struct RungMeasured {
    /// From sending the statement to its end, in seconds.
    pub seconds: f64,
    /// WAL inserted meanwhile, in bytes.
    pub wal_bytes: u64,
    /// By how much the table with its indexes grew, in bytes.
    pub growth_bytes: i64,
}

impl<'a> SubTables<'a> {
    /// Prepares to cut `table`; a transaction must be open.
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

    /// Makes a part of about `fraction` of the table, whole blocks drawn at random from `seed` and in their order, so that
    /// the columns' order in the heap stays what it is; 0 makes an empty one.
    ///
    /// It has the table's columns, defaults, checks and storage parameters, and those constraints that are not valid yet.
    /// Without triggers and foreign keys, which a statement that changes a whole table does not fire.
    pub(in crate::rehearsal) fn make(&mut self, fraction: f64, seed: u64) -> Result<SubTable, postgres::Error> {
        let number = self.made;
        let sub_table = format!("{}.{NAME}{number}", self.schema);
        let like = format!(
            "SELECT pg_catalog.format('CREATE %s TABLE {} (LIKE {} INCLUDING ALL EXCLUDING COMMENTS {}) USING %I %s %s', \
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
            // Rows that break it may be there, and must find their way into the part.
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
            "SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', ' ORDER BY attnum) FROM pg_catalog.pg_attribute \
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

    /// Returns name and definition of the constraints that are not valid yet; those that are came with `LIKE`, or need not be
    /// looked at.
    fn unchecked_constraints(&mut self) -> Result<Vec<(String, String)>, postgres::Error> {
        let sql = format!(
            "SELECT pg_catalog.quote_ident(conname), pg_catalog.pg_get_constraintdef(oid) FROM pg_catalog.pg_constraint \
             WHERE conrelid = {} AND NOT convalidated ORDER BY conname",
            regclass(self.table)
        );
        let rows = self.client.query(&sql, &[])?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Runs `sql` with the part under the table's name, or on the table itself without one, and undoes it.
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

/// Returns the table's object id as an expression; `table` is usable in SQL as it stands.
pub(in crate::rehearsal) fn regclass(table: &str) -> String {
    format!("{}::pg_catalog.regclass", literal(table))
}

/// Returns a name for use inside the first argument of `format`, which is a literal.
fn in_format(name: &str) -> String {
    in_literal(&name.replace('%', "%%"))
}
