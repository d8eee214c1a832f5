//! The command of a statement, `CREATE INDEX`: what it is called in reports, the same however it is written out.

use super::syntax;

/// Returns the command of a statement in upper case, e.g. `ALTER TABLE`, `CREATE INDEX`, `UPDATE`.
pub fn command(sql: &str) -> String {
    syntax::command_name(sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expected: &str) {
        assert_eq!(command(sql), expected);
    }

    #[test]
    fn commands_do_not_depend_on_how_they_are_written() {
        check("-- why\ncreate  unique index concurrently i on t (a)", "CREATE INDEX");
        check("CREATE INDEX ON t (a)", "CREATE INDEX");
        check("alter table only \"T\" add column x int", "ALTER TABLE");
        check("CREATE OR REPLACE FUNCTION f() RETURNS int", "CREATE FUNCTION");
        check("REFRESH MATERIALIZED VIEW CONCURRENTLY mv", "REFRESH MATERIALIZED VIEW");
        check("REINDEX (VERBOSE) TABLE t", "REINDEX TABLE");
        check("COMMENT ON COLUMN t.a IS 'x'", "COMMENT ON COLUMN");
        check("/* a */ UPDATE t SET a = 1", "UPDATE");
        check("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", "WITH");
        check("DO $$ BEGIN END $$", "DO");
        check("(SELECT 1)", "");
    }
}
