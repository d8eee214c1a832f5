//! Statements that reach outside, and statements that only seem to.

use super::*;

fn check(sql: &str, expected: &[OutsideKind]) {
    let found: Vec<OutsideKind> = reaches(sql).into_keys().collect();
    assert_eq!(found, expected, "{sql}");
}

#[test]
fn statements_about_the_whole_server_reach_outside() {
    check("DROP DATABASE shop WITH (FORCE)", &[OutsideKind::Database]);
    check(
        "drop /* really */ database if exists \"shop\"",
        &[OutsideKind::Database],
    );
    check("ALTER DATABASE shop SET work_mem = '1GB'", &[OutsideKind::Database]);
    check("COMMENT ON DATABASE shop IS 'x'", &[OutsideKind::Database]);
    check("GRANT CONNECT ON DATABASE shop TO app", &[OutsideKind::Database]);
    check("ALTER ROLE app NOLOGIN", &[OutsideKind::Role]);
    check("CREATE USER app PASSWORD 'x'", &[OutsideKind::Role]);
    check("GRANT admin TO app", &[OutsideKind::Role]);
    check("REVOKE ADMIN OPTION FOR admin FROM app", &[OutsideKind::Role]);
    check("REASSIGN OWNED BY app TO other", &[OutsideKind::Role]);
    check("CREATE TABLESPACE fast LOCATION '/ssd'", &[OutsideKind::Tablespace]);
    check("ALTER SYSTEM SET fsync = off", &[OutsideKind::Setting]);
    check("SELECT pg_reload_conf()", &[OutsideKind::Setting]);
    check(
        "CREATE SUBSCRIPTION s CONNECTION 'host=a' PUBLICATION p",
        &[OutsideKind::Replication],
    );
    check(
        "SELECT 1 WHERE pg_drop_replication_slot('s') IS NULL",
        &[OutsideKind::Replication],
    );
}

#[test]
fn files_programs_and_other_servers_are_outside() {
    check("COPY t TO '/tmp/t.csv'", &[OutsideKind::File]);
    check(
        "COPY (SELECT a FROM t) TO '/tmp/t.csv' (FORMAT csv)",
        &[OutsideKind::File],
    );
    check("COPY t FROM PROGRAM 'curl example.org'", &[OutsideKind::Program]);
    check(
        "UPDATE t SET a = pg_catalog.pg_read_file('/etc/passwd')",
        &[OutsideKind::File],
    );
    check("SELECT \"lo_export\"(1, '/tmp/x')", &[OutsideKind::File]);
    check(
        "CREATE TABLE t (a int DEFAULT public.dblink_exec('x', 'y'))",
        &[OutsideKind::Foreign],
    );
    check(
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'lib', 'f'",
        &[OutsideKind::Program],
    );
    check("SELECT U&\"d\\0062link\"('c', 'x')", &[OutsideKind::Foreign]);
    check("DO E'BEGIN \\x44ROP DATABASE shop; END'", &[OutsideKind::Database]);
    check("DO LANGUAGE plpython3u $$import os$$", &[OutsideKind::Program]);
    check(
        "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw",
        &[OutsideKind::Foreign],
    );
    check("ALTER SERVER s OPTIONS (SET updatable 'true')", &[OutsideKind::Foreign]);
    check(
        "CREATE FOREIGN TABLE t (a int) SERVER s OPTIONS (updatable 'true')",
        &[OutsideKind::Foreign],
    );
    check("CREATE FOREIGN TABLE t (a int) SERVER s", &[]);
    check(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
        &[OutsideKind::Process],
    );
}

#[test]
fn what_hides_it_is_seen_through() {
    check(
        "COPY t FROM PROGRAM 'x' WHERE a IS DISTINCT FROM b",
        &[OutsideKind::Program],
    );
    check("COPY t FROM '/tmp/x' WHERE a IS DISTINCT FROM b", &[OutsideKind::File]);
    check(
        "UPDATE pg_catalog.pg_database SET datallowconn = false",
        &[OutsideKind::Database],
    );
    check("DELETE FROM pg_auth_members", &[OutsideKind::Database]);
    check(
        "DO LANGUAGE plperl $$ spi_exec_query('ALTER ROLE app NOLOGIN'); $$",
        &[OutsideKind::DynamicSql],
    );
    check("DO $$ BEGIN SELECT 'unterminated; END $$", &[OutsideKind::DynamicSql]);
    check(
        "DO $$ <<outer>> FOR r IN EXECUTE q LOOP NULL; END LOOP; $$",
        &[OutsideKind::DynamicSql],
    );
}

#[test]
fn bodies_are_read() {
    check("DO $$ BEGIN CREATE ROLE app; END $$", &[OutsideKind::Role]);
    check(
        "DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') THEN CREATE ROLE app; END IF; END \
         $do$",
        &[OutsideKind::Role],
    );
    check("DO 'BEGIN PERFORM pg_reload_conf(); END'", &[OutsideKind::Setting]);
    check(
        "DO $$ BEGIN EXECUTE 'ALTER SYSTEM SET fsync = off'; END $$",
        &[OutsideKind::Setting],
    );
    check(
        "DO $$ BEGIN EXECUTE format('ALTER ROLE %I NOLOGIN', 'app'); END $$",
        &[OutsideKind::Role, OutsideKind::DynamicSql],
    );
    check("DO $$ BEGIN EXECUTE statement; END $$", &[OutsideKind::DynamicSql]);
    check(
        "DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE q LOOP NULL; END LOOP; END $$",
        &[OutsideKind::DynamicSql],
    );
    check(
        "CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE sql AS $$ SELECT dblink_exec('a', 'b') $$",
        &[OutsideKind::Foreign],
    );
    check(
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE ''DROP DATABASE shop''; END'",
        &[OutsideKind::Database],
    );
    check("EXPLAIN ANALYZE SELECT pg_reload_conf()", &[OutsideKind::Setting]);
}

#[test]
fn what_stays_in_the_database_is_left_alone() {
    for sql in [
        "GRANT SELECT ON orders TO app",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO app",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO app",
        "ALTER TABLE orders OWNER TO app",
        "CREATE TABLE database (role text, \"user\" text)",
        "CREATE USER MAPPING FOR app SERVER s",
        "COPY t FROM STDIN",
        "COPY t (a, b) TO STDOUT",
        "INSERT INTO t VALUES ('DROP DATABASE shop; CREATE ROLE app')",
        "-- DROP DATABASE shop\nSELECT 1",
        "SELECT set_config('search_path', 'a', false)",
        "SET ROLE app",
        "COMMENT ON COLUMN t.a IS 'ALTER SYSTEM'",
        "COMMENT ON TABLE role IS 'x'",
        "CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
        "DO $$ BEGIN EXECUTE 'ALTER TABLE a ADD b int'; END $$",
        "DO $$ BEGIN IF true THEN UPDATE t SET a = 1; END IF; END $$",
        "GRANT EXECUTE ON FUNCTION f() TO app",
        "CREATE INDEX CONCURRENTLY i ON t (lower(a))",
        "ALTER TABLE t SET TABLESPACE fast",
        "SELECT cpu AS load FROM t WHERE capacity > load",
        "SELECT a AS grant FROM t",
        "COPY t FROM STDIN WHERE a IS DISTINCT FROM 'x'",
        "DROP FUNCTION IF EXISTS public.dblink_exec(text)",
        "REVOKE ALL ON FUNCTION pg_read_file(text) FROM PUBLIC",
        "INSERT INTO dblink_log (a) VALUES (1)",
        "SELECT * FROM pg_database",
    ] {
        check(sql, &[]);
    }
}
