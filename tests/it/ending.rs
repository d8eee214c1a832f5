//! However the program is ended, none of its statements keeps running on the server.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use migtime::server::{Production, signals};
use rustix::process::Signal;

use crate::bad_input::{Folder, await_no_sessions, send, start};
use crate::support::{self, Database};

/// The environment variable that gives a test process the database to read.
const PRODUCTION: &str = "MIGTIME_TEST_PRODUCTION";

/// Starts a process that reads from `database` for ten minutes, and waits until it does; its shell runs `prefix` first.
fn reader_of(database: &Database, prefix: &str) -> Child {
    let mut reader = Command::new("sh")
        .args(["-c", &format!("{prefix} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().expect("test binary"))
        .args(["--exact", "ending::read_for_long", "--nocapture"])
        .env(PRODUCTION, database.url())
        .stdout(Stdio::piped())
        .spawn()
        .expect("reader");
    let lines = BufReader::new(reader.stdout.take().expect("pipe")).lines();
    let told = lines.map_while(Result::ok).any(|line| line.contains("reads now"));
    assert!(told, "the reader did not come so far");
    await_statement(database);
    reader
}

fn await_statement(database: &Database) {
    let mut client = database.client();
    let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
               AND wait_event = 'PgSleep' AND pid <> pg_backend_pid())";
    support::await_condition("the statement runs", || client.query_one(sql, &[]).expect("row").get(0));
}

fn check_ended(prefix: &str, signals: &[Signal], code: i32) {
    let database = Database::create();
    let mut reader = reader_of(&database, prefix);
    for signal in signals {
        send(&reader, *signal);
    }
    assert_eq!(reader.wait().expect("exit").code(), Some(code), "{signals:?}");
    await_no_sessions(&database);
}

#[test]
fn an_interrupt_cancels_a_read_of_production() {
    check_ended("", &[Signal::INT], 5);
}

#[test]
fn termination_and_hangup_cancel_a_read_of_production_and_end() {
    check_ended("", &[Signal::TERM], 143);
    check_ended("", &[Signal::HUP], 129);
}

#[test]
fn a_hangup_that_was_ignored_at_the_start_stays_ignored() {
    check_ended("trap '' HUP;", &[Signal::HUP, Signal::INT], 5);
}

/// Does nothing in a normal test run. The tests above start it as a process that reads until it is told to end.
#[test]
fn read_for_long() {
    let Ok(url) = std::env::var(PRODUCTION) else { return };
    signals::end_at_once_when_terminated();
    signals::catch_signals().expect("signals");
    let parameters = support::resolve(&url).until(signals::interruption());
    let mut production = Production::connect(&parameters).expect("production");
    println!("reads now");
    let read = production.read_within(Duration::from_secs(600), |reader| {
        reader.query("SELECT pg_sleep(600)::text", &[])
    });
    // Like the program: errors caused by the signal must not determine how it ends.
    signals::give_way_to_forced_exit();
    let code = read.map_or_else(|error| error.kind().exit_code(), |_| 0);
    std::process::exit(i32::from(code));
}

#[test]
fn a_killed_rehearsal_leaves_no_statement_running() {
    let database = Database::create();
    let version: i32 = database
        .client()
        .query_one("SELECT current_setting('server_version_num')::int", &[])
        .expect("row")
        .get(0);
    let folder = Folder::new();
    let (migration, out) = (folder.file("m.sql", "SELECT pg_sleep(600);"), folder.path("out"));
    let url = database.url();
    let mut child = start(&mut support::migtime(&[
        "rehearse",
        &migration,
        "--staging",
        &url,
        "--output",
        &out,
    ]));
    await_statement(&database);
    child.kill().expect("kill -9");
    child.wait().expect("dead");
    // Servers before version 14 do not check whether the client is still connected.
    if version >= 140_000 {
        await_no_sessions(&database);
    }
}
