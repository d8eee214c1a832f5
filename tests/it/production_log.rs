//! Checks in the server's own log of every command that production is only read.

use std::collections::BTreeSet;

use migtime::server::{Production, ThrowawayServer};

use crate::bad_input::{Folder, run};
use crate::ci_repository::{Repository, text};
use crate::support;

/// Allowed beginnings of a command, without comments.
const ALLOWED: [&str; 7] = [
    "START TRANSACTION READ ONLY",
    "SELECT ",
    "WITH ",
    "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT YAML) ",
    "COMMIT",
    "ROLLBACK",
    "",
];

const TABLES: &str = "\
CREATE TABLE orders (id bigint PRIMARY KEY, user_id int NOT NULL, customer_id int);
CREATE TABLE \"Orders\" (id bigint PRIMARY KEY, status text, total numeric);
INSERT INTO orders SELECT n, n FROM generate_series(1, 3000) AS n;
INSERT INTO \"Orders\" SELECT n, 'new', n FROM generate_series(1, 3000) AS n;
ANALYZE;";

const MIGRATION: &str = "\
ALTER TABLE orders ADD COLUMN note text;
UPDATE orders SET customer_id = user_id WHERE customer_id IS NULL AND id BETWEEN <batch_start> AND <batch_end>;
ALTER TABLE orders ALTER COLUMN user_id TYPE bigint;
";

/// Production on a server that logs every command, and a clone on another.
struct Servers {
    production: ThrowawayServer,
    staging: ThrowawayServer,
    folder: Folder,
}

impl Servers {
    fn start() -> Servers {
        let mut logging = support::options();
        for (name, value) in [("log_statement", "all"), ("log_line_prefix", "%a|%d|")] {
            logging.settings.push((name.to_string(), value.to_string()));
        }
        let servers = Servers {
            production: ThrowawayServer::start(&logging).expect("server"),
            staging: ThrowawayServer::start(&support::options()).expect("server"),
            folder: Folder::new(),
        };
        for server in [&servers.production, &servers.staging] {
            let mut client = server.parameters("postgres").connect().expect("connection");
            client.batch_execute("CREATE DATABASE shop").expect("database");
            let mut client = server.parameters("shop").connect().expect("connection");
            client.batch_execute(TABLES).expect("tables");
        }
        servers
    }

    fn production(&self) -> String {
        self.production.parameters("shop").to_string()
    }

    fn staging(&self) -> String {
        self.staging.parameters("shop").to_string()
    }

    /// Returns the commands logged so far, each with all its lines.
    fn log(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.production.directory().join("log")).expect("log");
        let mut commands: Vec<String> = Vec::new();
        for line in log.lines() {
            match line.split_once("|shop|") {
                Some((application, rest)) => commands.push(format!("{application}|{rest}")),
                // A command's further lines begin with a tab.
                None if line.starts_with('\t') => {
                    if let Some(last) = commands.last_mut() {
                        last.push('\n');
                        last.push_str(line);
                    }
                }
                None => commands.push(String::new()),
            }
        }
        commands
    }

    /// Runs the program and checks all commands that production received meanwhile.
    fn check(&self, arguments: &[&str]) {
        let before = self.log().len();
        let output = run(&mut support::migtime(arguments));
        let said = text(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 5)), "{arguments:?}: {said}");
        self.check_log(before, &format!("{arguments:?}"));
    }

    fn check_log(&self, before: usize, what: &str) {
        let log = self.log();
        let mut seen = BTreeSet::new();
        for command in log[before..].iter().filter_map(|line| sent(line)) {
            let allowed = ALLOWED.iter().find(|head| match **head {
                "" => command.is_empty(),
                head => command.starts_with(head),
            });
            let head = allowed.unwrap_or_else(|| panic!("{what} sent production: {command}"));
            assert!(
                !command.trim_end_matches(';').contains(';'),
                "{what}: two in one: {command}"
            );
            seen.insert(*head);
        }
        for head in ["START TRANSACTION READ ONLY", "SELECT ", "COMMIT"] {
            assert!(seen.contains(head), "{what}: no {head} in {log:?}");
        }
    }
}

/// Returns the command in a line of the log, without comments.
fn sent(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("LOG:  ")?;
    let command = match rest.split_once("statement: ") {
        Some((_, command)) => command,
        None => rest.strip_prefix("execute ")?.split_once(": ")?.1,
    };
    let lines = command.lines().map(str::trim);
    let code: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !line.starts_with("--"))
        .collect();
    Some(code.join("\n"))
}

#[test]
fn plan_and_estimate_send_production_nothing_but_reading() {
    let servers = Servers::start();
    let url = servers.production();
    let file = servers.folder.file("migration.sql", MIGRATION);
    let reports = servers.folder.path("none");
    servers.check(&["plan", &file, "--url", &url]);
    servers.check(&[
        "estimate",
        "--table",
        "orders",
        "--exact",
        "--url",
        &url,
        "--reports",
        &reports,
    ]);
    servers.check(&[
        "estimate",
        "--table",
        "orders",
        "--sample",
        "--url",
        &url,
        "--reports",
        &reports,
    ]);
    for how in ["--exact", "--sample"] {
        servers.check(&[
            "estimate",
            "--migration",
            &file,
            how,
            "--url",
            &url,
            "--reports",
            &reports,
        ]);
    }
}

#[test]
fn a_rehearsal_sends_production_nothing_but_reading() {
    let servers = Servers::start();
    let file = servers.folder.file("migration.sql", MIGRATION);
    let (production, staging) = (servers.production(), servers.staging());
    let out = servers.folder.path("out");
    let places = ["--staging", &staging, "--production", &production, "--output", &out];
    servers.check(&[&["rehearse", &file, "--sandbox", "--full"][..], &places[..]].concat());
}

#[test]
fn a_probe_sends_production_nothing_but_reading() {
    let servers = Servers::start();
    servers.check(&[
        "probe",
        &servers.staging(),
        &servers.production(),
        "--max-duration",
        "10m",
    ]);
    let explained: Vec<String> = servers.log().iter().filter_map(|line| sent(line)).collect();
    let explained: Vec<&str> = explained
        .iter()
        .filter_map(|command| command.strip_prefix("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT YAML) "))
        .collect();
    // EXPLAIN ANALYZE runs what it explains.
    assert!(!explained.is_empty());
    for command in explained {
        assert!(command.starts_with("SELECT ") || command.starts_with("WITH known AS MATERIALIZED (SELECT "));
    }
}

#[test]
fn a_preflight_sends_production_nothing_but_reading() {
    let servers = Servers::start();
    let migration = servers.folder.file("m.sql", MIGRATION);
    servers.check(&["preflight", &migration, "--url", &servers.production()]);
}

#[test]
fn a_pull_request_sends_production_nothing_but_reading() {
    let servers = Servers::start();
    let repository = Repository::create("");
    repository.write(
        "db/migrations/0002_paid.sql",
        "ALTER TABLE \"Orders\" ADD COLUMN paid boolean;\n",
    );
    repository.commit("a migration");
    let before = servers.log().len();
    let mut command = repository.ci(&[]);
    command
        .env("MIGTIME_PRODUCTION_URL", servers.production())
        .env("MIGTIME_STAGING_URL", servers.staging());
    let output = run(&mut command);
    let said = text(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1 | 5)), "{said}");
    servers.check_log(before, "ci");
}

#[test]
fn every_look_at_production_is_bounded() {
    let server = ThrowawayServer::start(&support::options()).expect("server");
    let mut production = Production::connect(&server.parameters("postgres")).expect("connection");
    let settings = production
        .read(|reader| {
            reader.query(
                "SELECT name::text, setting::bigint FROM pg_settings \
                 WHERE name IN ('statement_timeout', 'lock_timeout', \
                 'idle_in_transaction_session_timeout', 'client_connection_check_interval') ORDER BY name",
                &[],
            )
        })
        .expect("settings");
    let found: Vec<(String, i64)> = settings.iter().map(|row| (row.get(0), row.get(1))).collect();
    let expected = [
        ("client_connection_check_interval", 5_000),
        ("idle_in_transaction_session_timeout", 60_000),
        ("lock_timeout", 2_000),
        ("statement_timeout", 30_000),
    ];
    // There is no check interval before PostgreSQL 14.
    let skipped = expected.len() - found.len();
    assert!(skipped <= 1, "{found:?}");
    let expected: Vec<(String, i64)> = expected[skipped..]
        .iter()
        .map(|(name, value)| (name.to_string(), *value))
        .collect();
    assert_eq!(found, expected);
}
