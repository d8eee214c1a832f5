//! What kind of work a statement is, as far as its text alone tells.
//!
//! Where the answer depends on what the catalog holds (old types, domains, indexes of partitions), it is
//! [`StepKind::Unclassified`]: the rehearsal will show. Batching is decided elsewhere.

use StepKind::{CatalogOnly, IndexBuild, TableRewrite, TableScan, Unclassified};

use super::StepKind;
use super::outline::{Action, Outline};

/// Commands whose work does not depend on their options. `TRUNCATE` gives the table new, empty storage: no row is
/// read or written, whatever the size.
const COMMANDS: &[(&str, StepKind)] = &[
    ("ALTER DEFAULT PRIVILEGES", CatalogOnly),
    ("ALTER FUNCTION", CatalogOnly),
    ("ALTER POLICY", CatalogOnly),
    ("ALTER PROCEDURE", CatalogOnly),
    ("ALTER PUBLICATION", CatalogOnly),
    ("ALTER ROLE", CatalogOnly),
    ("ALTER SEQUENCE", CatalogOnly),
    ("ALTER TRIGGER", CatalogOnly),
    ("ALTER VIEW", CatalogOnly),
    ("CLUSTER", TableRewrite),
    ("COMMENT ON", CatalogOnly),
    ("COPY FROM", StepKind::Dml),
    ("CREATE DOMAIN", CatalogOnly),
    ("CREATE FUNCTION", CatalogOnly),
    ("CREATE INDEX", IndexBuild),
    ("CREATE POLICY", CatalogOnly),
    ("CREATE PROCEDURE", CatalogOnly),
    ("CREATE ROLE", CatalogOnly),
    ("CREATE RULE", CatalogOnly),
    ("CREATE SCHEMA", CatalogOnly),
    ("CREATE SEQUENCE", CatalogOnly),
    ("CREATE TABLE", CatalogOnly),
    ("CREATE TRIGGER", CatalogOnly),
    ("CREATE TYPE", CatalogOnly),
    ("CREATE VIEW", CatalogOnly),
    ("DELETE", StepKind::Dml),
    ("DROP DOMAIN", CatalogOnly),
    ("DROP FUNCTION", CatalogOnly),
    ("DROP INDEX", CatalogOnly),
    ("DROP MATERIALIZED VIEW", CatalogOnly),
    ("DROP POLICY", CatalogOnly),
    ("DROP PROCEDURE", CatalogOnly),
    ("DROP RULE", CatalogOnly),
    ("DROP SCHEMA", CatalogOnly),
    ("DROP SEQUENCE", CatalogOnly),
    ("DROP TABLE", CatalogOnly),
    ("DROP TRIGGER", CatalogOnly),
    ("DROP TYPE", CatalogOnly),
    ("DROP VIEW", CatalogOnly),
    ("GRANT", CatalogOnly),
    ("INSERT", StepKind::Dml),
    ("LOCK", CatalogOnly),
    ("MERGE", StepKind::Dml),
    ("REFRESH", TableRewrite),
    ("REINDEX", IndexBuild),
    ("RESET", CatalogOnly),
    ("RESET ROLE", CatalogOnly),
    ("REVOKE", CatalogOnly),
    ("SECURITY LABEL", CatalogOnly),
    ("SET", CatalogOnly),
    ("SET ROLE", CatalogOnly),
    ("SHOW", CatalogOnly),
    ("TRUNCATE", CatalogOnly),
    ("UPDATE", StepKind::Dml),
    ("VACUUM", TableScan),
    ("VACUUM FULL", TableRewrite),
];

/// Subcommands of `ALTER TABLE` whose work does not depend on their options. `SET NOT NULL` reads the table unless a
/// valid CHECK already proves it; that shortcut is not visible in the text.
const ACTIONS: &[(&str, StepKind)] = &[
    ("ADD GENERATED", CatalogOnly),
    ("CLUSTER ON", CatalogOnly),
    ("DETACH PARTITION", CatalogOnly),
    ("DISABLE RLS", CatalogOnly),
    ("DISABLE TRIGGER", CatalogOnly),
    ("DROP COLUMN", CatalogOnly),
    ("DROP CONSTRAINT", CatalogOnly),
    ("DROP DEFAULT", CatalogOnly),
    ("DROP EXPRESSION", CatalogOnly),
    ("DROP IDENTITY", CatalogOnly),
    ("DROP NOT NULL", CatalogOnly),
    ("ENABLE RLS", CatalogOnly),
    ("ENABLE TRIGGER", CatalogOnly),
    ("FORCE RLS", CatalogOnly),
    ("NO FORCE RLS", CatalogOnly),
    ("NO INHERIT TABLE", CatalogOnly),
    ("OWNER TO", CatalogOnly),
    ("RENAME COLUMN", CatalogOnly),
    ("RENAME CONSTRAINT", CatalogOnly),
    ("REPLICA IDENTITY", CatalogOnly),
    ("RESET OPTIONS", CatalogOnly),
    ("SET COMPRESSION", CatalogOnly),
    ("SET DEFAULT", CatalogOnly),
    ("SET LOGGED", TableRewrite),
    ("SET NOT NULL", TableScan),
    ("SET OPTIONS", CatalogOnly),
    ("SET SCHEMA", CatalogOnly),
    ("SET STATISTICS", CatalogOnly),
    ("SET STORAGE", CatalogOnly),
    ("SET UNLOGGED", TableRewrite),
    ("SET WITHOUT CLUSTER", CatalogOnly),
    ("TABLE RENAME TO", CatalogOnly),
    ("VALIDATE CONSTRAINT", TableScan),
];

/// Constraints that are built or checked when they are added.
const CONSTRAINTS: &[(&str, StepKind)] = &[
    ("CHECK CONSTRAINT", TableScan),
    ("EXCLUDE CONSTRAINT", IndexBuild),
    ("FOREIGN KEY CONSTRAINT", TableScan),
    ("NOT NULL CONSTRAINT", TableScan),
    ("PRIMARY KEY CONSTRAINT", IndexBuild),
    ("REFERENCES CONSTRAINT", TableScan),
    ("UNIQUE CONSTRAINT", IndexBuild),
];

/// Types without a hidden CHECK: a name that is not here may be a domain, which can force a rewrite.
const PLAIN_TYPES: &[&str] = &[
    "bigint",
    "bit",
    "boolean",
    "bool",
    "box",
    "bytea",
    "char",
    "character",
    "cidr",
    "circle",
    "date",
    "daterange",
    "decimal",
    "double",
    "float",
    "float4",
    "float8",
    "inet",
    "int",
    "int2",
    "int4",
    "int4range",
    "int8",
    "int8range",
    "integer",
    "interval",
    "json",
    "jsonb",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "numeric",
    "numrange",
    "oid",
    "path",
    "point",
    "polygon",
    "real",
    "smallint",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "tsquery",
    "tsrange",
    "tstzrange",
    "tsvector",
    "uuid",
    "varbit",
    "varchar",
    "xml",
];

const SERIAL_TYPES: &[&str] = &["bigserial", "serial", "serial2", "serial4", "serial8", "smallserial"];

/// Functions that give the same value throughout a statement: the default is stored once, in the catalog.
const STABLE_DEFAULTS: &[&str] = &[
    "current_date",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "now()",
    "session_user",
    "statement_timestamp()",
    "transaction_timestamp()",
];

/// Functions that give every row its own value: the table is rewritten.
const VOLATILE_DEFAULTS: &[&str] = &[
    "clock_timestamp(",
    "gen_random_uuid(",
    "nextval(",
    "random(",
    "timeofday(",
    "uuid_generate_v1(",
    "uuid_generate_v4(",
    "uuidv4(",
    "uuidv7(",
];

/// Returns the kind of work a statement does when it runs whole.
pub(super) fn classify(outline: &Outline) -> StepKind {
    match outline.command.as_str() {
        "ALTER TABLE" => strongest(outline.actions.iter().map(classify_action)),
        command => look_up(COMMANDS, command),
    }
}

fn classify_action(action: &Action) -> StepKind {
    match action.name.as_str() {
        "ADD COLUMN" => classify_column(action),
        // A primary key makes its columns NOT NULL, which may or may not need a scan.
        "ADD CONSTRAINT" if action.using_index => match action.constraints.as_slice() {
            [constraint] if constraint == "UNIQUE CONSTRAINT" => CatalogOnly,
            _ => Unclassified,
        },
        "ADD CONSTRAINT" if action.not_valid => CatalogOnly,
        "ADD CONSTRAINT" => strongest(action.constraints.iter().map(|name| look_up(CONSTRAINTS, name))),
        name => look_up(ACTIONS, name),
    }
}

fn classify_column(action: &Action) -> StepKind {
    let written = action.data_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    let data_type = written
        .split(|character: char| !character.is_alphanumeric() && character != '_')
        .next()
        .unwrap_or_default();
    if action.identity || action.stored || SERIAL_TYPES.contains(&data_type) {
        return TableRewrite;
    }
    let filled = match &action.default {
        _ if !PLAIN_TYPES.contains(&data_type) => Unclassified,
        None => CatalogOnly,
        Some(_) if action.default_is_literal => CatalogOnly,
        Some(value) => classify_default(&value.to_ascii_lowercase()),
    };
    let has_default = action.default.is_some();
    let constraints = action.constraints.iter().map(|name| match name.as_str() {
        "NOT NULL CONSTRAINT" if has_default => CatalogOnly,
        // Without a default it is refused as soon as there is a row.
        "NOT NULL CONSTRAINT" => Unclassified,
        // All rows are NULL, and NULL refers to nothing.
        "REFERENCES CONSTRAINT" if !has_default => CatalogOnly,
        name if CONSTRAINTS.iter().any(|(known, _)| *known == name) => look_up(CONSTRAINTS, name),
        _ => CatalogOnly,
    });
    strongest(constraints.chain([filled]))
}

fn classify_default(value: &str) -> StepKind {
    if VOLATILE_DEFAULTS.iter().any(|function| value.contains(function)) {
        TableRewrite
    } else if STABLE_DEFAULTS.contains(&value) {
        CatalogOnly
    } else {
        Unclassified
    }
}

fn look_up(table: &[(&str, StepKind)], name: &str) -> StepKind {
    table
        .iter()
        .find(|(known, _)| *known == name)
        .map_or(Unclassified, |(_, kind)| *kind)
}

/// Returns the kind that decides how long several pieces of work take together.
fn strongest(kinds: impl Iterator<Item = StepKind>) -> StepKind {
    let order = [TableRewrite, Unclassified, IndexBuild, TableScan, CatalogOnly];
    let rank = |kind: &StepKind| order.iter().position(|other| other == kind).unwrap_or(1);
    kinds.min_by_key(rank).unwrap_or(Unclassified)
}

#[cfg(test)]
mod tests {
    use super::super::syntax::outline;
    use super::*;

    fn check(sql: &str, expected: StepKind) {
        assert_eq!(classify(&outline(sql)), expected, "{sql}");
    }

    #[test]
    fn added_columns() {
        check("ALTER TABLE t ADD COLUMN x int", CatalogOnly);
        check(
            "ALTER TABLE t ADD COLUMN x varchar(20) NOT NULL DEFAULT 'a'",
            CatalogOnly,
        );
        check("ALTER TABLE t ADD COLUMN x timestamptz DEFAULT now()", CatalogOnly);
        check(
            "ALTER TABLE t ADD COLUMN x timestamptz NOT NULL DEFAULT clock_timestamp()",
            TableRewrite,
        );
        check(
            "ALTER TABLE t ADD COLUMN x uuid NOT NULL DEFAULT gen_random_uuid()",
            TableRewrite,
        );
        check("ALTER TABLE t ADD COLUMN x bigserial", TableRewrite);
        check(
            "ALTER TABLE t ADD COLUMN x bigint GENERATED BY DEFAULT AS IDENTITY",
            TableRewrite,
        );
        check(
            "ALTER TABLE t ADD COLUMN x int GENERATED ALWAYS AS (a + 1) STORED",
            TableRewrite,
        );
        check("ALTER TABLE t ADD COLUMN x int DEFAULT own_function()", Unclassified);
        check("ALTER TABLE t ADD COLUMN x own_domain DEFAULT 4", Unclassified);
        check("ALTER TABLE t ADD COLUMN x int NOT NULL", Unclassified);
        check("ALTER TABLE t ADD COLUMN x int DEFAULT 4 CHECK (x > 0)", TableScan);
        check("ALTER TABLE t ADD COLUMN x bigint REFERENCES parent(id)", CatalogOnly);
        check("ALTER TABLE t ADD COLUMN x int UNIQUE", IndexBuild);
    }

    #[test]
    fn other_changes_of_tables() {
        check("ALTER TABLE t DROP COLUMN b, ADD COLUMN c text", CatalogOnly);
        check("ALTER TABLE t ADD CHECK (a > 0) NOT VALID", CatalogOnly);
        check("ALTER TABLE t ADD CHECK (a > 0)", TableScan);
        check("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p (id)", TableScan);
        check("ALTER TABLE t ADD PRIMARY KEY (id), DROP COLUMN b", IndexBuild);
        check("ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX i", CatalogOnly);
        check("ALTER TABLE t ALTER COLUMN a SET NOT NULL", TableScan);
        check("ALTER TABLE t ALTER COLUMN a TYPE bigint", Unclassified);
        check("ALTER TABLE t SET UNLOGGED", TableRewrite);
        check("ALTER TABLE t SET TABLESPACE fast", Unclassified);
    }

    #[test]
    fn other_statements() {
        check("CREATE INDEX CONCURRENTLY ON t (a)", IndexBuild);
        check("SET lock_timeout = '5s'", CatalogOnly);
        check("CREATE TABLE t (a int)", CatalogOnly);
        check(
            "CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (1) TO (2)",
            Unclassified,
        );
        check("CREATE TABLE t AS SELECT 1", Unclassified);
        check("VACUUM t", TableScan);
        check("VACUUM (FULL) t", TableRewrite);
        check("REFRESH MATERIALIZED VIEW mv", TableRewrite);
        check("REFRESH MATERIALIZED VIEW CONCURRENTLY mv", Unclassified);
        check(
            "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE",
            StepKind::Dml,
        );
        check("SELECT backfill()", Unclassified);
        check("CALL backfill()", Unclassified);
        check("DO $$ BEGIN NULL; END $$", Unclassified);
        check("COPY t FROM '/data/t.csv'", StepKind::Dml);
        check("COPY t TO '/data/t.csv'", Unclassified);
    }
}
