//! What the server refuses is foretold, and nothing else: each statement is planned, and then run.

use migtime::migration::{self, Trap};
use migtime::sampler;
use migtime::server::Production;

use crate::support::{Database, said};

const SCHEMA: &str = "\
CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE);
CREATE TABLE other (id int PRIMARY KEY, parent int REFERENCES parent (id), moved int);
CREATE TABLE log (id bigint, d date NOT NULL, e int) PARTITION BY RANGE (d);
CREATE TABLE log_a PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE log_rest PARTITION OF log DEFAULT;
CREATE INDEX log_e ON log (e);
CREATE TABLE plain (id bigint, d date, e int);
CREATE TABLE quiet (k int) PARTITION BY LIST (k); CREATE TABLE quiet_1 PARTITION OF quiet FOR VALUES IN (1);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE used (id int PRIMARY KEY, seen text, fired text, kept int, base text,
    made text GENERATED ALWAYS AS (base || 'x') STORED, free text, number int, flag boolean);
CREATE VIEW used_seen AS SELECT id, seen FROM used;
CREATE TRIGGER fires BEFORE UPDATE OF fired ON used FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE POLICY keeps ON used USING (kept > 0);
CREATE INDEX used_free ON used (free); CREATE UNIQUE INDEX used_some ON used (number) WHERE number > 0;
CREATE TABLE elder (id int, a int NOT NULL); CREATE TABLE younger (c int) INHERITS (elder);
CREATE MATERIALIZED VIEW counted AS SELECT id FROM used;
CREATE MATERIALIZED VIEW keyed AS SELECT id FROM used; CREATE UNIQUE INDEX ON keyed (id);";

/// Statements that the server refuses, and others that differ from them in little; `;` separates the statements of one
/// migration, of which the last is judged.
const STATEMENTS: &str = "\
CREATE UNIQUE INDEX ON log (id)
CREATE UNIQUE INDEX ON log (id, d)
CREATE INDEX log_e ON plain (e)
CREATE INDEX IF NOT EXISTS log_e ON plain (e)
ALTER TABLE log ADD CONSTRAINT f FOREIGN KEY (e) REFERENCES parent (id) NOT VALID
ALTER TABLE log_a ADD CONSTRAINT f FOREIGN KEY (e) REFERENCES parent (id) NOT VALID
ALTER TABLE ONLY log ADD FOREIGN KEY (e) REFERENCES parent (id)
ALTER TABLE plain ADD FOREIGN KEY (e) REFERENCES used (number)
ALTER TABLE log ADD PRIMARY KEY (id)
ALTER TABLE log ADD PRIMARY KEY (id, d)
ALTER TABLE used ADD PRIMARY KEY (number)
ALTER TABLE used DROP CONSTRAINT used_pkey, ADD PRIMARY KEY (free)
ALTER TABLE used ADD UNIQUE USING INDEX used_some
ALTER TABLE parent DROP CONSTRAINT parent_pkey
ALTER TABLE parent DROP CONSTRAINT parent_pkey CASCADE
ALTER TABLE parent DROP COLUMN id
ALTER TABLE parent DROP COLUMN code
ALTER TABLE ONLY elder ADD COLUMN z int
ALTER TABLE log_a ADD COLUMN z int
ALTER TABLE log_a DROP COLUMN e
ALTER TABLE log DROP COLUMN d
ALTER TABLE log ALTER COLUMN d TYPE timestamp
ALTER TABLE log ALTER COLUMN e TYPE bigint
ALTER TABLE younger ALTER COLUMN a TYPE bigint
ALTER TABLE used ALTER COLUMN seen TYPE varchar(9)
DROP VIEW used_seen; ALTER TABLE used ALTER COLUMN seen TYPE varchar(9)
ALTER TABLE used ALTER COLUMN fired TYPE varchar(9)
DROP TRIGGER fires ON used; ALTER TABLE used ALTER COLUMN fired TYPE varchar(9)
ALTER TABLE used ALTER COLUMN kept TYPE bigint
DROP POLICY keeps ON used; ALTER TABLE used ALTER COLUMN kept TYPE bigint
ALTER TABLE used ALTER COLUMN base TYPE varchar(9)
ALTER TABLE used DROP COLUMN made, ALTER COLUMN base TYPE varchar(9)
ALTER TABLE used DROP COLUMN base
ALTER TABLE used DROP COLUMN seen
ALTER TABLE used DROP COLUMN seen CASCADE
ALTER TABLE used ALTER COLUMN free TYPE int
ALTER TABLE used ALTER COLUMN free TYPE int USING free::int
ALTER TABLE used ALTER COLUMN flag TYPE int
ALTER TABLE used ALTER COLUMN flag TYPE text
ALTER TABLE used ALTER COLUMN id DROP NOT NULL
ALTER TABLE used RENAME COLUMN number TO free
DROP INDEX parent_pkey
DROP INDEX used_free
DROP TABLE parent
DROP TABLE other, parent
DROP TABLE elder
DROP TABLE used
TRUNCATE parent
TRUNCATE parent, other
ALTER TABLE log ATTACH PARTITION plain FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')
ALTER TABLE plain ALTER d SET NOT NULL; ALTER TABLE quiet ATTACH PARTITION plain DEFAULT
CREATE TABLE parent (a int)
CREATE TABLE log_more PARTITION OF log DEFAULT
CREATE TABLE new (a int UNIQUE NULLS NOT DISTINCT)
CREATE TABLE new (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL)
ALTER TABLE used ALTER COLUMN made SET EXPRESSION AS (base || 'y')
ALTER TABLE plain ADD CHECK (e > 0) NOT ENFORCED
ALTER TABLE plain ADD CONSTRAINT n NOT NULL e
MERGE INTO plain USING parent ON plain.id = parent.id WHEN MATCHED THEN DELETE";

/// What no transaction may hold.
const ALONE: &str = "\
CREATE INDEX CONCURRENTLY ON log (id)
CREATE INDEX CONCURRENTLY ON log_a (id)
ALTER TABLE log DETACH PARTITION log_a CONCURRENTLY
ALTER TABLE quiet DETACH PARTITION quiet_1 CONCURRENTLY
REFRESH MATERIALIZED VIEW CONCURRENTLY counted
REFRESH MATERIALIZED VIEW CONCURRENTLY keyed
DROP INDEX CONCURRENTLY log_e";

/// Returns why the server is said to refuse the last statement.
fn foretold(database: &Database, sql: &str) -> Option<String> {
    let statements = migration::parse(sql, "m.sql").expect(sql);
    let words = migration::names_in(&statements);
    let mut production = Production::connect(&database.parameters()).expect("the database takes connections");
    let schema = production
        .read(|reader| sampler::schema(reader, &words))
        .expect("the catalog is readable");
    let planned = migration::plan(&statements, &schema);
    let last = planned.last().expect("a statement");
    let refusal = last
        .warnings
        .iter()
        .find(|warning| warning.trap == Trap::RefusedByServer);
    refusal.map(|warning| warning.text.clone())
}

fn check(database: &Database, sql: &str, before: &str, after: &str) {
    let foretold = foretold(database, sql);
    let refused = database.client().batch_execute(&format!("{before}{sql}{after}")).err();
    let refused = refused.map(|error| said(&error));
    assert_eq!(
        foretold.is_some(),
        refused.is_some(),
        "{sql}: foretold {foretold:?}, the server said {refused:?}"
    );
}

#[test]
fn what_the_server_refuses_is_foretold() {
    let database = Database::create();
    database.execute(SCHEMA);
    for sql in STATEMENTS.lines() {
        check(&database, sql, "BEGIN;", ";ROLLBACK");
    }
    for sql in ALONE.lines() {
        check(&database, sql, "", "");
    }
}
