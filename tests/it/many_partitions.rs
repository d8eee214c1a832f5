//! A table with 10,000 partitions and one with 1,600 columns: planning sends production only a few queries, and its
//! lock table is large enough.

use migtime::sampler;
use migtime::server::{Production, ThrowawayServer};

use crate::bad_input::{Folder, run};
use crate::ci_repository::text;
use crate::support;

/// Two levels, because each new partition makes the server read all its siblings.
const PARTITIONS: &str = "\
CREATE TABLE events (id bigint NOT NULL, part int, leaf int, note text) PARTITION BY LIST (part);
DO $$ BEGIN
    FOR part IN 1..100 LOOP
        EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES IN (%s) \
        PARTITION BY LIST (leaf)', part, part);
        FOR leaf IN 1..100 LOOP
            EXECUTE format('CREATE TABLE events_%s_%s \
            PARTITION OF events_%s FOR VALUES IN (%s)', part, leaf, part, leaf);
        END LOOP;
        COMMIT;
    END LOOP;
END $$;";

/// As many as a table can have, minus the one that the migration adds.
const COLUMNS: &str = "\
DO $$ BEGIN
    EXECUTE 'CREATE TABLE wide (' || (SELECT string_agg(format('column_%s int', n), ', ') \
    FROM generate_series(1, 1599) AS n) || ')';
END $$;";

/// Most commands for one plan: settings, the schema, the sizes of some tables, each in its own transaction.
const MOST_COMMANDS: usize = 16;

/// Starts a server with the default `max_locks_per_transaction` and few connections, so that locks on all partitions do
/// not fit.
fn start() -> ThrowawayServer {
    let mut options = support::options();
    for (name, value) in [
        ("max_locks_per_transaction", "64"),
        ("max_connections", "20"),
        ("log_statement", "all"),
    ] {
        options.settings.push((name.to_string(), value.to_string()));
    }
    let server = ThrowawayServer::start(&options).expect("server");
    let mut client = server.parameters("postgres").connect().expect("connection");
    let (table, partitions) = PARTITIONS.split_once(";\n").expect("two statements");
    for statement in [table, partitions, COLUMNS] {
        client.batch_execute(statement).expect(statement);
    }
    server
}

/// Returns the number of commands in the server's log.
fn commands(server: &ThrowawayServer) -> usize {
    let log = std::fs::read_to_string(server.directory().join("log")).expect("log");
    let is_command = |line: &&str| line.contains("LOG:  statement: ") || line.contains("LOG:  execute ");
    log.lines().filter(is_command).count()
}

#[test]
fn a_plan_asks_a_few_questions_however_many_partitions_and_columns_there_are() {
    let server = start();
    let folder = Folder::new();
    let plan = |sql: &str| {
        let file = folder.file("migration.sql", sql);
        let url = server.parameters("postgres").to_string();
        let before = commands(&server);
        let output = run(&mut support::migtime(&[
            "plan", &file, "--url", &url, "--format", "json",
        ]));
        assert_eq!(output.status.code(), Some(0), "{sql}: {}", text(&output.stderr));
        let asked = commands(&server) - before;
        assert!((1..=MOST_COMMANDS).contains(&asked), "{sql}: {asked} commands");
        let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let locks = plan["statements"][0]["locks"].as_array().expect("locks");
        (locks.len(), plan)
    };
    let (locks, _) = plan("ALTER TABLE events ADD COLUMN extra text;");
    assert_eq!(locks, 1 + 100 + 10_000);
    let (locks, _) = plan("ALTER TABLE events_7_7 ALTER COLUMN note SET NOT NULL;");
    assert_eq!(locks, 1);
    let (locks, _) = plan("ALTER TABLE wide ADD COLUMN extra int;\nALTER TABLE wide DROP COLUMN column_9;");
    assert_eq!(locks, 1);

    let mut production = Production::connect(&server.parameters("postgres")).expect("connection");
    let held: i64 = production
        .read(|reader| {
            let schema = sampler::schema(reader, &[])?;
            assert_eq!(schema.descendants("public.events").len(), 10_100);
            assert!(sampler::table(reader, "events")?.estimated_rows >= 0.0);
            reader.query("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()", &[])
        })
        .expect("locks")[0]
        .get(0);
    // These locks are on the catalog itself.
    assert!(held < 200, "{held} locks are held");
}
