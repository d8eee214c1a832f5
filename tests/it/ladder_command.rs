//! With a clone smaller than production, the command gives a ladder and the WAL and disk at production's size, or
//! refuses when the clone is too small.

use std::path::Path;
use std::process::Output;

use migtime::model::estimate::{Basis, Estimate};
use migtime::observation::Rehearsal;
use migtime::server::{ThrowawayOptions, ThrowawayServer};

use crate::published_schemas;
use crate::support;

/// Rows of the clone (11 MB); production has four times as many.
const ROWS: u64 = 100_000;

/// A server with a clone and a production, and a folder for the results.
struct Ground {
    server: ThrowawayServer,
    folder: tempfile::TempDir,
}

impl Ground {
    /// A checkpoint cycle is 34 MB of WAL: less than production's rewrite writes, more than the clone's.
    fn new() -> Ground {
        let mut options = support::options();
        let sizes = [("max_wal_size", "64MB"), ("min_wal_size", "48MB")];
        options
            .settings
            .extend(sizes.map(|(name, value)| (name.to_string(), value.to_string())));
        let options = ThrowawayOptions {
            pg_bin: options.pg_bin,
            settings: options.settings,
            kept: None,
        };
        let ground = Ground {
            server: ThrowawayServer::start(&options).expect("a server"),
            folder: tempfile::tempdir().expect("temporary directory"),
        };
        ground.create("clone", ROWS);
        ground.create("production", 4 * ROWS);
        ground
    }

    fn create(&self, name: &str, rows: u64) {
        let mut client = self.server.parameters("postgres").connect().expect("connection");
        client
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .expect("database");
        let mut client = self.server.parameters(name).connect().expect("connection");
        let sql = format!(
            "CREATE TABLE things (id int PRIMARY KEY, note text NOT NULL); \
             INSERT INTO things SELECT g, repeat('x', 70) || g \
             FROM generate_series(1, {rows}) AS g; VACUUM ANALYZE things"
        );
        for statement in sql.split(';') {
            client.batch_execute(statement).expect("table");
        }
    }

    /// Rehearses `sql` on a copy of the clone, for production.
    fn rehearse(&self, sql: &str, more: &[&str]) -> Output {
        let migration = self.folder.path().join("migration.sql");
        std::fs::write(&migration, sql).expect("file");
        let url = |name| self.server.parameters(name).to_string();
        let (clone, production) = (url("clone"), url("production"));
        let (migration, out) = (migration.display().to_string(), self.out().display().to_string());
        let mut arguments = vec!["rehearse", &migration, "--staging", &clone, "--production", &production];
        arguments.extend(["--sandbox", "--output", &out]);
        arguments.extend(more);
        support::migtime(&arguments).output().expect("the program starts")
    }

    fn out(&self) -> std::path::PathBuf {
        self.folder.path().join("out")
    }
}

fn check(output: &Output, code: i32, expected: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{said}");
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in expected {
        assert!(words.contains(expected), "{expected} is not in: {said}");
    }
}

fn estimate(out: &Path) -> Estimate {
    let text = std::fs::read_to_string(out.join("estimate.json")).expect("estimate.json");
    published_schemas::check("estimate", &text);
    serde_json::from_str(&text).expect("an estimate")
}

#[test]
fn an_index_build_is_predicted_for_a_production_four_times_as_large() {
    let ground = Ground::new();
    let sql = "CREATE INDEX things_note ON things (note)";
    let output = ground.rehearse(sql, &["--free-disk", "100GB"]);
    check(
        &output,
        0,
        &["basis ladder", "Disk and WAL", "in all fits the free 100 GB"],
    );

    let estimate = estimate(&ground.out());
    let step = &estimate.steps[0];
    assert_eq!(step.basis, Basis::Ladder);
    assert_eq!(estimate.basis, Basis::Ladder);
    assert!((step.rows.expect("rows") / 400_000.0 - 1.0).abs() < 0.01);
    let storage = estimate.storage.as_ref().expect("disk and WAL");
    assert!(storage.uncounted_steps.is_empty());

    // The actual values, at production's size.
    let mut production = ground.server.parameters("production").connect().expect("connection");
    production.batch_execute(sql).expect("index");
    let bytes = "SELECT pg_relation_size('things_note')";
    let actual = production.query_one(bytes, &[]).expect("size").get::<_, i64>(0) as f64;
    let growth = storage.growth;
    assert!(
        (growth.lower_bytes..growth.upper_bytes).contains(&actual),
        "{growth:?}, not {actual}"
    );
    // An index build logs every page once.
    assert!(
        (storage.wal.lower_bytes..storage.wal.upper_bytes).contains(&(actual * 1.01)),
        "{:?}",
        storage.wal
    );

    let text = std::fs::read_to_string(ground.out().join("rehearsal.json")).expect("rehearsal.json");
    published_schemas::check("rehearsal", &text);
    let rehearsal = Rehearsal::from_json(&text, "rehearsal.json").expect("a rehearsal");
    assert!(rehearsal.steps[0].ladder.is_some());
    for file in ["report.html", "report.md", "steps.csv"] {
        let text = std::fs::read_to_string(ground.out().join(file)).expect(file);
        assert!(
            text.contains("Disk and WAL") || text.contains("peak_bytes_upper"),
            "{file}"
        );
    }
    production.batch_execute("DROP INDEX things_note").expect("index");
    let output = ground.rehearse(sql, &["--free-disk", "1MB"]);
    check(&output, 1, &["not enough disk", "does not fit the free 1.0 MB"]);
}

#[test]
fn a_rewrite_that_met_no_checkpoint_cycle_is_refused_unless_asked_for() {
    let ground = Ground::new();
    let sql = "ALTER TABLE things ALTER COLUMN id TYPE bigint";
    let refusal = [
        "over on the clone before a whole checkpoint cycle",
        "a clone nearer to production's size",
    ];
    check(&ground.rehearse(sql, &[]), 5, &refusal);
    check(
        &ground.rehearse(sql, &["--provisional"]),
        0,
        &["provisional: ", refusal[0]],
    );
    let estimate = estimate(&ground.out());
    assert!(estimate.provisional);
    assert_eq!(estimate.steps[0].basis, Basis::Ladder);
    let left = "SELECT count(*) FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1', 'clone', \
                'production')";
    let mut client = ground.server.parameters("postgres").connect().expect("connection");
    assert_eq!(client.query_one(left, &[]).expect("row").get::<_, i64>(0), 0);
}
