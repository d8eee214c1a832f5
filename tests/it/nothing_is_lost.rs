//! Measurements are never lost: not to the next rehearsal, not to a full disk, not to a parallel run.

use std::path::{Path, PathBuf};
use std::process::Child;

use migtime::observation::{EndReason, Rehearsal};
use rustix::process::Signal;

use crate::bad_input::{
    BACKFILL, Folder, ORDERS, SLOWLY, UnderWay, await_no_sessions, check_error, check_refused, finished, run, send,
    start,
};
use crate::published_schemas;
use crate::support::{self, Database};

fn orders() -> Database {
    let database = Database::create();
    database.execute(ORDERS);
    database
}

/// Rehearses `sql` on `database` into the folder `out`, and returns stderr.
fn rehearse(database: &Database, folder: &Folder, sql: &str, exit_code: i32) -> String {
    let migration = folder.file("m.sql", sql);
    let (url, out) = (database.url(), folder.path("out"));
    let arguments = [
        "rehearse",
        &migration,
        "--staging",
        &url,
        "--output",
        &out,
        "--provisional",
    ];
    let output = run(&mut support::migtime(&arguments));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(exit_code), "{sql}: {said}");
    said
}

fn read(path: impl AsRef<Path>) -> Rehearsal {
    let text = std::fs::read_to_string(path).expect("a file");
    published_schemas::check("rehearsal", &text);
    Rehearsal::from_json(&text, "rehearsal.json").expect("a readable rehearsal")
}

/// Returns the path that follows `words` in `said`.
fn path_after(said: &str, words: &str) -> PathBuf {
    let (_, rest) = said
        .split_once(words)
        .unwrap_or_else(|| panic!("{words:?} is not in: {said}"));
    PathBuf::from(rest.lines().next().unwrap_or_default())
}

#[test]
fn a_rehearsal_stays_until_the_next_has_measured_something() {
    let (database, folder) = (orders(), Folder::new());
    let saved = || std::fs::read_to_string(folder.path("out/rehearsal.json")).expect("rehearsal.json");
    let previous = || std::fs::read_to_string(folder.path("out/rehearsal.previous.json"));
    rehearse(&database, &folder, "ALTER TABLE orders ADD COLUMN first int;", 0);
    let first = saved();
    let fails = "ALTER TABLE orders ADD CONSTRAINT negative CHECK (id < 0);";
    let said = rehearse(&database, &folder, fails, 4);
    assert!(said.contains("is still the earlier rehearsal"), "{said}");
    assert!(saved() == first && previous().is_err());
    let (url, out) = (database.url(), folder.path("out"));
    let sees_nothing = ["rehearse", "--exec", "true", "--staging", &url, "--output", &out];
    check_refused(
        run(&mut support::migtime(&sees_nothing)),
        5,
        &["was seen", "is still the earlier"],
    );
    assert!(saved() == first && previous().is_err());

    let said = rehearse(&database, &folder, "ALTER TABLE orders ADD COLUMN second int;", 0);
    assert!(said.contains("rehearsal.previous.json"), "{said}");
    assert!(saved().contains("ADD COLUMN second"));
    assert_eq!(previous().expect("the first one"), first);
    assert!(folder.names("out").iter().all(|name| !name.starts_with(".migtime")));
    // It does not count as a second rehearsal of its table: it is only used if named.
    let compared = run(&mut support::migtime(&["compare", &out, &out]));
    let said = String::from_utf8_lossy(&compared.stderr).into_owned();
    assert!(!said.contains("previous"), "{said}");
}

#[test]
fn what_was_measured_before_a_failure_replaces_and_keeps_the_earlier() {
    let (database, folder) = (orders(), Folder::new());
    rehearse(&database, &folder, "ALTER TABLE orders ADD COLUMN first int;", 0);
    let fails = "ALTER TABLE orders ADD COLUMN second int;\nALTER TABLE orders ADD CONSTRAINT negative CHECK (id < 0);";
    rehearse(&database, &folder, fails, 4);
    folder.check_saved(EndReason::Failed, 1);
    assert_eq!(read(folder.path("out/rehearsal.previous.json")).steps.len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_sends_the_rehearsal_to_the_temporary_directory() {
    let (database, folder) = (orders(), Folder::new());
    std::fs::create_dir_all(folder.path("out")).expect("directory");
    std::fs::create_dir_all(folder.path("tmp")).expect("directory");
    std::os::unix::fs::symlink("/dev/full", folder.path("out/rehearsal.json")).expect("link");
    let migration = folder.file("m.sql", "ALTER TABLE orders ADD COLUMN first int;");
    let (url, out) = (database.url(), folder.path("out"));
    let arguments = [
        "rehearse",
        &migration,
        "--staging",
        &url,
        "--output",
        &out,
        "--provisional",
    ];
    let mut command = support::migtime(&arguments);
    let words = [
        "No space left on device; what is measured is saved as ",
        "hint: name another place",
    ];
    let output = check_refused(run(command.env("TMPDIR", folder.path("tmp"))), 2, &words);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let refuge = path_after(&said, "is saved as ");
    assert!(refuge.starts_with(folder.path("tmp")), "{said}");
    assert_eq!(read(refuge).ended.expect("it ended").reason, EndReason::Complete);
    assert!(String::from_utf8_lossy(&output.stdout).contains("95 % probability"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_takes_nothing_sends_all_results_to_the_temporary_directory() {
    let (database, folder) = (orders(), Folder::new());
    std::fs::create_dir_all(folder.path("tmp")).expect("directory");
    let migration = folder.file("m.sql", "ALTER TABLE orders ADD COLUMN first int;");
    // Not even root can create a directory there.
    let arguments = [
        "rehearse",
        &migration,
        "--staging",
        &database.url(),
        "--output",
        "/sys/results",
        "--provisional",
    ];
    let mut command = support::migtime(&arguments);
    let output = check_refused(
        run(command.env("TMPDIR", folder.path("tmp"))),
        2,
        &[
            "warning: cannot write /sys/results/rehearsal.json",
            "error: cannot write /sys/results/estimate.json",
        ],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let results = path_after(&said, "; the results are in ");
    for name in [
        "rehearsal.json",
        "estimate.json",
        "report.html",
        "report.md",
        "steps.csv",
    ] {
        assert!(results.join(name).exists(), "{name}: {said}");
    }
    assert_eq!(read(results.join("rehearsal.json")).steps.len(), 1);
}

#[test]
fn a_place_that_is_gone_meanwhile_is_replaced_by_the_temporary_directory() {
    let database = orders();
    database.execute(SLOWLY);
    let rehearsal = UnderWay::begin(&database, &["--fraction", "20%", "--provisional"]);
    let out = rehearsal.folder.path("out");
    // In one step, because it is being written to all the time.
    std::fs::rename(&out, rehearsal.folder.path("gone")).expect("moved away");
    std::fs::write(&out, "in the way").expect("file");
    let output = check_refused(
        finished(rehearsal.child),
        2,
        &["cannot write", "hint: name another place"],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let results = path_after(&said, "; the results are in ");
    assert!(results.join("estimate.json").exists(), "{said}");
    let saved = read(results.join("rehearsal.json"));
    assert_eq!(saved.ended.expect("it ended").reason, EndReason::Fraction);
    assert!(saved.steps[0].observations.len() > 10);
}

#[test]
fn a_second_run_into_one_directory_is_refused() {
    let (database, other) = (orders(), orders());
    database.execute(SLOWLY);
    let first = UnderWay::begin(&database, &["--full"]);
    let (url, out) = (other.url(), first.folder.path("out"));
    let migration = first.folder.file("m.sql", "ALTER TABLE orders ADD COLUMN first int;");
    let second = ["rehearse", &migration, "--staging", &url, "--output", &out];
    let process = format!("process {},", first.child.id());
    let words = ["is writing its results into", &process, &out, "hint: wait for its end"];
    check_error(&second, 2, &words);
    let exec = ["rehearse", "--exec", "true", "--staging", &url, "--output", &out];
    check_error(&exec, 2, &words);
    end_hard(first.child);
    // Leftovers of a killed run block nobody.
    run(support::migtime(&second).arg("--provisional"));
    assert_eq!(first.folder.rehearsal().steps.len(), 1);
    assert!(!first.folder.names("out").contains(&".migtime.lock".to_string()));
    assert!(first.folder.rehearsal().steps[0].statement.contains("ADD COLUMN"));
}

#[test]
fn a_second_rehearsal_in_place_on_one_clone_is_refused() {
    let database = orders();
    database.execute(SLOWLY);
    let first = UnderWay::begin(&database, &["--full"]);
    let folder = Folder::new();
    let migration = folder.file("m.sql", "ALTER TABLE orders ADD COLUMN first int;");
    let (url, out) = (database.url(), folder.path("out"));
    let second = ["rehearse", &migration, "--staging", &url, "--output", &out];
    let words = [
        "is changed by another rehearsal: server process ",
        "(migtime), since 2",
        "hint: wait for its end",
    ];
    check_error(&second, 3, &words);
    check_error(
        &["rehearse", "--exec", "true", "--staging", &url, "--output", &out],
        3,
        &words,
    );
    assert!(!Path::new(&out).exists(), "it never began");
    // Another database of the server is free, whatever is locked in this one.
    let other = database.create_beside();
    other.execute(ORDERS);
    rehearse(&other, &Folder::new(), "ALTER TABLE orders ADD COLUMN first int;", 0);

    end_hard(first.child);
    let output = run(support::migtime(&second).arg("--provisional"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "the lock ended with its session: {said}");
}

#[test]
fn rehearsals_on_copies_of_one_clone_do_not_meet() {
    let database = Database::create_alone();
    database.execute(ORDERS);
    database.execute(SLOWLY);
    let folder = Folder::new();
    let (url, out, first_out) = (database.url(), folder.path("out"), folder.path("first"));
    let backfill = folder.file("backfill.sql", BACKFILL);
    let first = [
        "rehearse",
        &backfill,
        "--staging",
        &url,
        "--output",
        &first_out,
        "--full",
        "--batch-size",
        "10",
    ];
    let first = start(support::migtime(&first).arg("--sandbox"));
    // Not from the database itself, which cannot be copied while somebody is connected.
    let mut client = database.parameters_of("postgres").connect().expect("connection");
    let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname LIKE 'migtime_sandbox_%' AND query LIKE \
               'UPDATE orders%')";
    support::await_condition("it runs", || client.query_one(sql, &[]).expect("row").get(0));
    let migration = folder.file("m.sql", "ALTER TABLE orders ADD COLUMN first int;");
    for ground in [&["--sandbox"][..], &[]] {
        let second = [
            "rehearse",
            &migration,
            "--staging",
            &url,
            "--output",
            &out,
            "--provisional",
        ];
        let output = run(&mut support::migtime(&[&second[..], ground].concat()));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{ground:?}: {said}");
    }
    send(&first, Signal::INT);
    finished(first);
}

/// Ends the program as `kill -9` does, and waits until it is gone.
fn end_hard(mut child: Child) {
    child.kill().expect("killed");
    child.wait().expect("it ended");
}

/// Starts a command of `--exec`, in the folder itself.
fn start_exec(database: &Database, folder: &Folder, command: &str) -> Child {
    let (url, out) = (database.url(), folder.path("out"));
    let command = format!("cd '{}'; {command}", folder.path(""));
    let arguments = [
        "rehearse",
        "--exec",
        &command,
        "--staging",
        &url,
        "--output",
        &out,
        "--provisional",
    ];
    start(&mut support::migtime(&arguments))
}

fn await_saved(folder: &Folder, statement: &str) {
    let what = format!("\"statement\": \"{statement}");
    support::await_condition(&what, || {
        std::fs::read_to_string(folder.path("out/rehearsal.json")).is_ok_and(|text| text.contains(&what))
    });
}

#[test]
fn a_command_that_is_cut_off_leaves_what_was_seen() {
    let (database, folder) = (orders(), Folder::new());
    let command = "psql -X -c 'UPDATE orders SET customer_id = 1 WHERE id < 1000 AND pg_sleep(0.0005) IS NOT NULL'; \
                   psql -X -c 'UPDATE orders SET customer_id = 2 WHERE pg_sleep(100) IS NOT NULL'";
    let child = start_exec(&database, &folder, command);
    await_saved(&folder, "UPDATE orders SET customer_id = 2");
    end_hard(child);
    // The command is now an orphan.
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> \
         pg_backend_pid()",
    );
    let rehearsal = folder.rehearsal();
    assert!(rehearsal.ended.is_none(), "nobody could say how it ended");
    let [done, cut_off] = &rehearsal.steps[..] else {
        panic!("{} statements", rehearsal.steps.len());
    };
    assert!(done.complete && !cut_off.complete);
    assert!(done.observations[0].seconds >= 0.4);
    assert!(done.locks.iter().any(|lock| lock.relation == "public.orders"));
    await_no_sessions(&database);
}

#[test]
fn a_watch_that_breaks_off_leaves_what_it_saw() {
    let (database, folder) = (orders(), Folder::new());
    let command = "psql -X -c 'UPDATE orders SET customer_id = 1 WHERE id < 1000 AND pg_sleep(0.0005) IS NOT NULL'; \
                   until [ -e go ]; do sleep 0.1; done";
    let child = start_exec(&database, &folder, command);
    await_saved(&folder, "UPDATE orders SET customer_id = 1");
    // Repeated, because at times the session's current query is another one.
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() \
               AND application_name = 'migtime' AND query LIKE '%pg_current_wal_insert_lsn%' \
               AND pid <> pg_backend_pid()";
    let mut client = database.client();
    support::await_condition("the watch is ended", || {
        client.query_one(end, &[]).expect("row").get::<_, i64>(0) > 0
    });
    folder.file("go", "");
    check_refused(finished(child), 3, &["watching the command", "saved "]);
    folder.check_saved(EndReason::ConnectionLost, 1);
}
