//! `migtime probe` on real servers: what is measured, what is not known, and what `--probes` makes of it.

use migtime::observation::{Probe, ProbedResource, Resource};
use migtime::server::ThrowawayServer;

use crate::bad_input::{Folder, check_done, check_error};
use crate::published_schemas;
use crate::support::{self, Database};

/// Time enough on any machine.
const LONG: [&str; 2] = ["--max-duration", "10m"];

/// Probes what is named, and returns the document.
fn probed(arguments: &[&str]) -> Probe {
    let text = check_done(&[&["probe", "--format", "json"], arguments, &LONG].concat());
    published_schemas::check("probe", &text);
    Probe::from_json(&text, "stdout").expect("a probe")
}

fn of(probe: &Probe, resource: Resource) -> &ProbedResource {
    let resources = &probe.servers[0].resources;
    let found = resources.iter().find(|probed| probed.resource == resource);
    found.expect("each resource is told of")
}

fn check_memory_is_known(probe: &Probe) {
    for resource in [Resource::Hashing, Resource::Sorting, Resource::LookUps] {
        let probed = of(probe, resource);
        assert!((1..=5).contains(&probed.runs.len()), "{probed:?}");
        assert!(probed.runs.iter().all(|run| run.amount == 100_000.0), "{probed:?}");
        assert!(probed.remarks.is_empty(), "{probed:?}");
    }
}

fn check_remarks(probe: &Probe, resource: Resource, why: &str) {
    let probed = of(probe, resource);
    assert!(probed.runs.is_empty(), "{probed:?}");
    assert!(probed.remarks.iter().any(|said| said.contains(why)), "{probed:?}");
}

/// Makes a table of 4,000 pages, far more than the memory of [`server_with_little_memory`] holds.
const LARGE: &str = "\
CREATE TABLE \"Large one\" AS SELECT n, repeat('x', 1500) AS filler FROM generate_series(1, 20000) AS n;
ANALYZE \"Large one\";";

fn server_with_little_memory(settings: &[(&str, &str)]) -> ThrowawayServer {
    let mut options = support::options();
    for (name, value) in settings.iter().chain(&[("shared_buffers", "1MB")]) {
        options.settings.push((name.to_string(), value.to_string()));
    }
    ThrowawayServer::start(&options).expect("server")
}

#[test]
fn an_empty_database_and_a_role_without_rights_are_probed_as_far_as_they_go() {
    let database = Database::create();
    let empty = probed(&[&database.url()]);
    assert_eq!(empty.servers[0].database, database.name());
    check_memory_is_known(&empty);
    check_remarks(&empty, Resource::Reads, "no table of 2,000 pages");

    let role = format!("modest_{}", database.name());
    database.execute(LARGE);
    database.execute(&format!("CREATE ROLE {role} LOGIN"));
    let modest = probed(&["--url", &database.url().replace("migtime@", &format!("{role}@"))]);
    check_memory_is_known(&modest);
    check_remarks(&modest, Resource::Reads, "no table of 2,000 pages");
    database.execute(&format!("DROP ROLE {role}"));
}

#[test]
fn pages_are_read_and_only_those_outside_memory_count() {
    let server = server_with_little_memory(&[]);
    let parameters = server.parameters("postgres");
    let mut client = parameters.connect().expect("connection");
    client.batch_execute(LARGE).expect("a table");
    let url = parameters.to_string();
    let probe = probed(&[&url]);
    let reads = of(&probe, Resource::Reads);
    assert_eq!(reads.runs.len(), 5, "{reads:?}");
    // A sample of 200 pages is one of 100 to 300.
    assert!(
        reads.runs.iter().all(|run| (25.0..=400.0).contains(&run.amount)),
        "{reads:?}"
    );
    assert!(
        reads
            .remarks
            .iter()
            .any(|what| what.contains("operating system's cache")),
        "{reads:?}"
    );

    // Who holds the table is not waited for.
    let mut holder = client.transaction().expect("transaction");
    holder.batch_execute("LOCK TABLE \"Large one\"").expect("lock");
    let beside = probed(&[&url]);
    check_memory_is_known(&beside);
    check_remarks(&beside, Resource::Reads, "lock timeout");
}

#[test]
fn commits_are_told_from_the_servers_own_counters() {
    let server = server_with_little_memory(&[
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("wal_sync_method", "fdatasync"),
        ("track_wal_io_timing", "on"),
    ]);
    let parameters = server.parameters("postgres");
    let mut client = parameters.connect().expect("connection");
    client.batch_execute("CREATE TABLE t (a int)").expect("a table");
    for _ in 0..20 {
        client.batch_execute("INSERT INTO t VALUES (1)").expect("a commit");
    }
    let parameters = parameters.to_string();
    // A session reports its counters when it ends, if not before.
    drop(client);
    support::await_condition("the server tells its counters", || {
        let probe = probed(&[&parameters]);
        of(&probe, Resource::Commits)
            .runs
            .first()
            .is_some_and(|run| run.amount >= 10.0)
    });
    let untimed = Database::create();
    check_remarks(&probed(&[&untimed.url()]), Resource::Commits, "");
}

fn with_probes<'text>(command: &[&'text str], files: &[&'text str]) -> Vec<&'text str> {
    [command, &["--probes"], files].concat()
}

#[test]
fn two_servers_are_compared_and_shift_an_estimate() {
    let (clone, folder) = (Database::create(), Folder::new());
    let production = clone.create_beside();
    let (clone, production) = (clone.url(), production.url());
    let both = folder.path("both.json");
    let said = check_done(&[&["probe", &clone, &production], &LONG[..]].concat());
    for words in [
        "staging test_",
        "production test_",
        "Ratio (95 % interval)",
        "hash values: 100,000",
        "×",
    ] {
        assert!(said.contains(words), "{words} is not in {said}");
    }
    check_done(
        &[
            &["probe", &clone, &production, "--format", "json", "-o", &both],
            &LONG[..],
        ]
        .concat(),
    );
    let text = std::fs::read_to_string(&both).expect("a file");
    published_schemas::check("probe", &text);
    assert!(text.contains("\"ratios\""), "{text}");

    let log = folder.file("log.csv", &("rows,seconds\n".to_string() + &"100,0.01\n".repeat(400)));
    let estimate = ["estimate", "--batches", &log, "--rows", "40000", "--format", "json"];
    let shifted = check_done(&with_probes(&estimate, &[&both]));
    assert!(
        shifted.contains("hardware differs as probed: production takes ×"),
        "{shifted}"
    );
    assert!(shifted.contains("A backfill is taken for 40 % hashing"), "{shifted}");
    assert!(!shifted.contains("Hardware, settings and load are like"), "{shifted}");

    let one = folder.path("one.json");
    check_done(&[&["probe", &clone, "--format", "json", "-o", &one], &LONG[..]].concat());
    assert!(check_done(&with_probes(&estimate, &[&one, &one])).contains("hardware differs as probed"));
    check_error(
        &with_probes(&estimate, &[&one]),
        2,
        &[
            "--probes needs staging and production, and finds 1 server",
            "hint: probe both at once",
        ],
    );
    check_error(&with_probes(&estimate, &[&both, &one]), 2, &["finds 3 servers"]);
    check_error(&with_probes(&estimate, &[&log]), 2, &["log.csv is not a probe"]);
}

#[test]
fn what_cannot_be_probed_is_said_in_one_line() {
    let database = Database::create();
    let url = database.url();
    let nowhere = database.parameters_of("no_such_database").to_string();
    check_error(&["probe", &nowhere], 3, &["no_such_database", "hint:"]);
    check_error(&["probe", &url, &nowhere], 3, &["no_such_database"]);
    check_error(&["probe", "postgresql://[::1"], 2, &[]);
    check_error(&["probe", &url, "--url", &url], 2, &["cannot be used with"]);
    check_error(&["probe", &url, &url, &url], 2, &["unexpected"]);
    check_error(
        &["probe", &url, "--max-duration", "0s"],
        5,
        &[
            "nothing could be measured on test_",
            "hint: allow it more time with --max-duration",
        ],
    );
}
