//! Shows that comparing two snapshots of a schema finds something exactly when `pg_dump --schema-only` does.

use std::path::PathBuf;
use std::process::Command;

use migtime::catalog::snapshot::SchemaSnapshot;
use migtime::catalog::{SchemaDifference, differences};
use migtime::sampler::snapshot;
use migtime::server::Staging;

use crate::schema_changes::{CHANGES, NO_CHANGE};
use crate::support::Database;

const RICH: &str = include_str!("../data/schema-snapshot/rich.sql");

/// Roles belong to the whole server, which the tests share.
const ROLES: &str = "DO $$BEGIN CREATE ROLE snapshot_reader; EXCEPTION WHEN duplicate_object OR unique_violation \
                     THEN END$$;
                     DO $$BEGIN CREATE ROLE snapshot_owner; EXCEPTION WHEN duplicate_object OR unique_violation \
                     THEN END$$";

struct Bench {
    database: Database,
    session: Staging,
}

impl Bench {
    fn new(schema: &str) -> Bench {
        let database = Database::create();
        database.execute(ROLES);
        database.execute(schema);
        let session = Staging::connect(&database.parameters()).expect("a writable database");
        Bench { database, session }
    }

    fn look(&mut self) -> SchemaSnapshot {
        self.session.read(snapshot).expect("the catalog is readable")
    }

    fn dump(&self) -> String {
        dump(&self.database)
    }
}

/// Returns the schema as written by pg_dump, without the parts that differ each time.
fn dump(database: &Database) -> String {
    let mut client = database.client();
    let sql = "SELECT setting FROM pg_config WHERE name = 'BINDIR'";
    let binaries = PathBuf::from(client.query_one(sql, &[]).expect("row").get::<_, String>(0));
    let output = Command::new(binaries.join("pg_dump"))
        .args(["--schema-only", "--dbname"])
        .arg(database.url())
        .output()
        .expect("pg_dump is installed with the server");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    lines.collect::<Vec<_>>().join("\n")
}

fn sentences(differences: &[SchemaDifference]) -> String {
    let all: Vec<&str> = differences.iter().map(|one| one.sentence.as_str()).collect();
    all.join("\n")
}

#[test]
fn what_a_dump_sees_the_comparison_sees_and_nothing_else() {
    let mut bench = Bench::new(RICH);
    let (mut before, mut dump_before) = (bench.look(), bench.dump());
    for (forward, back) in CHANGES {
        bench.database.execute(forward);
        let (after, dump_after) = (bench.look(), bench.dump());
        assert_ne!(
            dump_before, dump_after,
            "{forward}: the dump is the same, the case shows nothing"
        );
        assert!(
            !differences(&before, &after).is_empty(),
            "{forward}: no difference was found"
        );
        if back.is_empty() {
            (before, dump_before) = (after, dump_after);
            continue;
        }
        bench.database.execute(back);
        let (restored, dump_restored) = (bench.look(), bench.dump());
        let found = differences(&before, &restored);
        if dump_restored == dump_before {
            assert!(found.is_empty(), "{back}: {}", sentences(&found));
        } else {
            assert!(!found.is_empty(), "{back}: the dump differs");
        }
        (before, dump_before) = (restored, dump_restored);
    }
    for sql in NO_CHANGE {
        bench.database.execute(sql);
        let after = bench.look();
        assert_eq!(sentences(&differences(&before, &after)), "", "{sql}");
        assert_eq!(bench.dump(), dump_before, "{sql}");
    }
}

#[test]
fn a_schema_of_the_same_dump_is_the_same_elsewhere() {
    let (mut one, mut other) = (Bench::new(RICH), Bench::new(RICH));
    assert_eq!(one.dump(), other.dump());
    assert_eq!(sentences(&differences(&one.look(), &other.look())), "");
}

#[test]
fn differences_are_told_in_words() {
    let mut bench = Bench::new(
        "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE \"T\" (a integer, b text, c text, d text); \
         CREATE VIEW v AS SELECT a FROM \"T\"; GRANT SELECT ON v TO snapshot_reader; COMMENT ON VIEW v IS 'w'",
    );
    let before = bench.look();
    bench.database.execute("ALTER TYPE mood ADD VALUE 'glad'");
    bench.database.execute(
        "ALTER TABLE \"T\" DROP COLUMN b; ALTER TABLE \"T\" ADD COLUMN b text; DROP VIEW v; \
         CREATE VIEW v AS SELECT a FROM \"T\"; INSERT INTO \"T\" VALUES (1), (1)",
    );
    let failed = bench
        .database
        .client()
        .batch_execute("CREATE UNIQUE INDEX CONCURRENTLY once ON \"T\" (a)");
    assert!(failed.is_err(), "there are duplicates");
    assert_eq!(
        sentences(&differences(&before, &bench.look())),
        "column public.\"T\".b came back at place 4, was at 2\n\
         type public.mood: enum value 'glad' was not there before: ALTER TYPE … ADD VALUE cannot be undone\n\
         view public.v: comment is gone, was w\n\
         view public.v: privilege SELECT to snapshot_reader is gone\n\
         index public.once was not there before and is INVALID: no query uses it"
    );
}

#[test]
fn passwords_are_not_read() {
    let mut bench = Bench::new(RICH);
    let text = format!("{:?}", bench.look());
    assert!(text.contains("snapshot_reader on elsewhere") && !text.contains("not to be printed"));
}
