//! `rehearse --exec`: another tool's command runs against the clone and nowhere else, and its actions are recorded.

use std::process::Command;

use migtime::migration::{LockMode, StepKind};
use migtime::observation::{EndReason, StepRecord};
use rustix::process::Signal;

use crate::bad_input::{Folder, await_no_sessions, check_error, check_refused, finished, run, send, start};
use crate::support::{self, Database, await_condition};

const ITEMS: &str = "CREATE TABLE items (id bigint PRIMARY KEY, code int); INSERT INTO items SELECT n, n FROM \
                     generate_series(1, 1000) AS n";

/// Runs a command on a database with the tests' `psql` and an SQL script next to it.
fn exec(database: &Database, folder: &Folder, command: &str, options: &[&str]) -> Command {
    let (url, out) = (database.url(), folder.path("out"));
    let mut arguments = vec![
        "rehearse",
        "--exec",
        command,
        "--staging",
        &url,
        "--output",
        &out,
        "--provisional",
    ];
    arguments.extend(options);
    support::migtime(&arguments)
}

fn step<'record>(steps: &'record [StepRecord], start: &str) -> &'record StepRecord {
    let found = steps.iter().find(|step| step.statement.starts_with(start));
    found.unwrap_or_else(|| {
        panic!(
            "{start} was not seen in {:?}",
            steps.iter().map(|step| &step.statement).collect::<Vec<_>>()
        )
    })
}

#[test]
fn the_statements_of_a_command_are_seen_with_their_locks() {
    let database = Database::create();
    database.execute(ITEMS);
    let folder = Folder::new();
    // Each statement lasts long enough to be seen, and the transaction keeps the first one's lock through the second.
    let script = folder.file(
        "m.sql",
        "BEGIN;\nALTER TABLE items ALTER COLUMN code TYPE bigint USING (code + \
         length(pg_sleep(0.0005)::text))::bigint;\n\
         UPDATE items SET code = 1 WHERE pg_sleep(0.0005) IS NOT NULL;\nCOMMIT;\n",
    );
    let output = run(&mut exec(
        &database,
        &folder,
        &format!("psql -X -v ON_ERROR_STOP=1 -f '{script}'"),
        &["--sandbox"],
    ));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("UPDATE 1000"), "what it says is passed on: {said}");
    let rehearsal = folder.rehearsal();
    let alter = step(&rehearsal.steps, "ALTER TABLE");
    assert_eq!(alter.rewritten, ["public.items", "public.items_pkey"]);
    assert_eq!(alter.table.as_deref(), Some("public.items"));
    let lock = alter
        .locks
        .iter()
        .find(|lock| lock.mode == LockMode::AccessExclusive && lock.relation == "public.items");
    let lock = lock.expect("its lock");
    let update = step(&rehearsal.steps, "UPDATE items");
    assert_eq!(update.kind, StepKind::Dml);
    let seconds = |step: &StepRecord| step.observations[0].seconds;
    assert!(
        seconds(alter) >= 0.5 && seconds(update) >= 0.5,
        "1,000 rows at half a millisecond each"
    );
    let gap = lock.sampled_every_seconds.expect("sampled");
    assert!(
        lock.held_seconds.expect("a time") >= seconds(alter) + seconds(update) - gap,
        "held until the commit"
    );
    assert_eq!(rehearsal.ended.expect("it ended").reason, EndReason::Complete);
    let unchanged = "SELECT count(*) FROM items WHERE code = 1";
    let count: i64 = database.client().query_one(unchanged, &[]).expect("row").get(0);
    assert_eq!(count, 1, "only the sandbox was changed");
}

#[test]
fn a_command_finds_the_clone_and_nothing_else() {
    let database = Database::create();
    database.execute(ITEMS);
    let folder = Folder::new();
    let (environment, url) = (folder.path("environment"), folder.path("url"));
    let command = format!(
        "env > '{environment}'; psql -X -c 'SELECT pg_sleep(0.2), count(*) FROM items' && \
         psql -X \"$DATABASE_URL\" -Atc 'SELECT current_database()' > '{url}'"
    );
    let mut migtime = exec(&database, &folder, &command, &[]);
    migtime
        .env("PGAPPNAME", "production")
        .env("PGCLIENTENCODING", "production");
    let output = run(&mut migtime);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let environment = std::fs::read_to_string(environment).expect("environment");
    for (name, value) in [
        ("PGDATABASE", database.name()),
        ("PGUSER", "migtime"),
        ("PGPORT", "5432"),
    ] {
        assert!(
            environment.lines().any(|line| line == format!("{name}={value}")),
            "{environment}"
        );
    }
    assert!(!environment.contains("production"), "{environment}");
    let connected = std::fs::read_to_string(url).expect("url");
    assert_eq!(connected.trim(), database.name());
}

#[test]
fn a_command_that_fails_is_a_failed_migration() {
    let database = Database::create();
    database.execute(ITEMS);
    let folder = Folder::new();
    let command =
        "psql -X -c 'SELECT count(*), pg_sleep(0.2) FROM items'; psql -X -c 'CREATE EXTENSION no_such_extension'";
    // The command's last output is the server's own message.
    let said = format!("ERROR:  {}", missing_extension(&database));
    let words = ["ended with exit code 1", &said, "saved "];
    check_refused(run(&mut exec(&database, &folder, command, &[])), 4, &words);
    folder.check_saved(EndReason::Failed, 1);
}

#[test]
fn a_command_that_goes_elsewhere_is_noticed() {
    let database = Database::create();
    let folder = Folder::new();
    let words = [
        "no statement of `true` was seen",
        "hint: it finds the clone by DATABASE_URL",
    ];
    check_refused(run(&mut exec(&database, &folder, "true", &[])), 5, &words);
}

#[test]
fn an_interrupt_ends_the_command_and_all_that_it_started() {
    let database = Database::create();
    database.execute(ITEMS);
    let folder = Folder::new();
    let command = "psql -X -c 'UPDATE items SET code = 2 WHERE pg_sleep(100) IS NOT NULL' & wait; touch reached";
    let command = format!("cd '{}'; {command}", folder.path(""));
    let child = start(&mut exec(&database, &folder, &command, &[]));
    let mut client = database.client();
    // Long enough to be seen by a watch that polls every few milliseconds.
    let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
               AND query LIKE 'UPDATE items%' \
               AND clock_timestamp() - query_start > interval '2 seconds')";
    await_condition("the command runs", || client.query_one(sql, &[]).expect("row").get(0));
    drop(client);
    send(&child, Signal::INT);
    let output = finished(child);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!folder.names("").contains(&"reached".to_string()), "{said}");
    assert_eq!(
        output.status.code(),
        Some(0),
        "--provisional shows what was seen: {said}"
    );
    folder.check_saved(EndReason::Interrupted, 1);
    await_no_sessions(&database);
}

/// Returns how this server version's message about a missing extension begins.
fn missing_extension(database: &Database) -> &'static str {
    let sql = "SELECT current_setting('server_version_num')::int";
    match database.client().query_one(sql, &[]).expect("row").get(0) {
        ..150_000 => "could not open extension control file",
        _ => "extension \"no_such_extension\" is not available",
    }
}

#[test]
fn a_file_that_is_not_there_is_no_extension() {
    let database = Database::create();
    database.execute("CREATE TABLE items (id int)");
    let folder = Folder::new();
    let migration = folder.file("m.sql", "COPY items FROM '/no/such/file.csv';\n");
    let (url, out) = (database.url(), folder.path("out"));
    let arguments = [
        "rehearse",
        &migration,
        "--staging",
        &url,
        "--output",
        &out,
        "--allow-outside",
        "file",
    ];
    let output = check_error(&arguments, 4, &["could not open file \"/no/such/file.csv\""]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("extension"));
}

#[test]
fn a_migration_that_needs_an_extension_that_is_not_there() {
    let database = Database::create();
    let folder = Folder::new();
    let migration = folder.file("m.sql", "CREATE EXTENSION no_such_extension;\n");
    let (url, out) = (database.url(), folder.path("out"));
    let said = format!("error: step 1 at line 1: {}", missing_extension(&database));
    let words = [&said, "hint: The extension must first be installed"];
    check_error(
        &["rehearse", &migration, "--staging", &url, "--output", &out],
        4,
        &words,
    );
}
