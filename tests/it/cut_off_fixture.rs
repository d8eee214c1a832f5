//! Rehearsals that are cut off at a chosen point: a batch waits for a lock, and the program is killed.

use std::process::{Child, Output};

use postgres::Client;
use rustix::process::Signal;

use crate::bad_input::{Folder, finished, send, start};
use crate::support::{self, Database, await_condition};

/// Four hundred rows that are not backfilled yet; the batches of the rows 205 and 305 wait for the advisory lock 42.
pub const WALKED: &str = "
CREATE TABLE walked (id KEY PRIMARY KEY, number int NOT NULL, done int NOT NULL DEFAULT 0);
INSERT INTO walked SELECT (FROM_NUMBER), n FROM generate_series(1, 400) AS n;
CREATE TABLE archive (id KEY, number int);
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN \
NULL; END $$;
CREATE TRIGGER hold AFTER UPDATE OR DELETE ON walked FOR EACH ROW \
WHEN (OLD.number IN (205, 305)) EXECUTE FUNCTION hold();
CREATE TRIGGER hold AFTER INSERT ON archive FOR EACH ROW WHEN (NEW.number = 205) EXECUTE FUNCTION hold();
ANALYZE walked";

pub const BY_RANGE: &str = "UPDATE walked SET done = done + 1 WHERE id BETWEEN <batch_start> AND <batch_end>;";
pub const BY_ROWS: &str = "-- migtime: batch key=id size=50\nUPDATE walked SET done = done + 1;";
pub const ALL_ONCE: &str = "SELECT count(*) = 400 AND min(done) = 1 AND max(done) = 1 FROM walked";

/// The moment of the kill, relative to the batch of row 205.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// Before its commit.
    BeforeItsCommit,
    /// After its commit, but before the program receives the acknowledgement.
    AfterItsCommit,
}

pub fn walked(key: &str, from_number: &str) -> Database {
    let database = Database::create();
    database.execute(
        &WALKED
            .replace("KEY PRIMARY", &format!("{key} PRIMARY"))
            .replace("id KEY", &format!("id {key}"))
            .replace("FROM_NUMBER", from_number),
    );
    database
}

/// A rehearsal that waits at row 205.
pub struct Held {
    pub database: Database,
    pub folder: Folder,
    pub migration: String,
    pub child: Child,
    pub holder: Client,
    pub waiting: i32,
}

impl Held {
    /// Starts a rehearsal of `sql` and waits until its batch waits for the lock.
    pub fn begin(database: Database, sql: &str, options: &[&str]) -> Held {
        let folder = Folder::new();
        let migration = folder.file("m.sql", sql);
        let mut holder = database.client();
        holder.batch_execute("SELECT pg_advisory_lock(42)").expect("the lock");
        let child = start(&mut command(&database, &folder, &migration, options));
        let waiting = await_waiting(&database);
        Held {
            database,
            folder,
            migration,
            child,
            holder,
            waiting,
        }
    }

    /// Returns the numbers of the transactions that were acknowledged.
    pub fn acknowledged(&self) -> Vec<u64> {
        let text = std::fs::read_to_string(self.folder.path("out/rehearsal.resume")).expect("the log");
        let lines = text
            .lines()
            .filter_map(|line| line.split_once("{\"batch\":{\"transaction\":"));
        lines
            .map(|(_, rest)| {
                rest.split(',')
                    .next()
                    .and_then(|number| number.parse().ok())
                    .expect("a number")
            })
            .collect()
    }

    /// Releases the lock.
    pub fn release(&mut self) {
        self.holder
            .batch_execute("SELECT pg_advisory_unlock(42)")
            .expect("released");
    }

    /// Kills the program; `is_done` is a condition that tells whether the batch is committed.
    pub fn cut_off(&mut self, when: When, is_done: &str) {
        if when == When::AfterItsCommit {
            send(&self.child, Signal::STOP);
            self.release();
            let mut client = self.database.client();
            await_condition("the batch is committed", || {
                client.query_one(is_done, &[]).expect("row").get(0)
            });
        }
        self.child.kill().expect("kill -9");
        self.child.wait().expect("dead");
    }

    /// Resumes the rehearsal and returns its output.
    pub fn go_on(&mut self, when: When, options: &[&str]) -> Output {
        let options: Vec<&str> = options.iter().copied().chain(["--resume"]).collect();
        let child = start(&mut command(&self.database, &self.folder, &self.migration, &options));
        if when == When::BeforeItsCommit {
            let mut client = self.database.client();
            let is_gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'advisory')";
            await_condition("the old session is gone", || {
                client.query_one(is_gone, &[&self.waiting]).expect("row").get(0)
            });
            self.release();
        }
        finished(child)
    }
}

/// Waits until a batch waits for the lock, and returns the process ID of its session.
pub fn await_waiting(database: &Database) -> i32 {
    let mut client = database.client();
    let waits = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
    let mut waiting = 0;
    await_condition("the batch waits", || {
        let found = client.query_opt(waits, &[]).expect("rows");
        found.map(|row| waiting = row.get(0)).is_some()
    });
    waiting
}

pub fn command(database: &Database, folder: &Folder, migration: &str, options: &[&str]) -> std::process::Command {
    let (url, out) = (database.url(), folder.path("out"));
    let fixed = [
        "rehearse",
        migration,
        "--staging",
        &url,
        "--output",
        &out,
        "--waive",
        "clients",
        "--provisional",
    ];
    support::migtime(&fixed.iter().copied().chain(options.iter().copied()).collect::<Vec<_>>())
}

pub fn check_done(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

pub fn holds(database: &Database, sql: &str) {
    let row = database.client().query_one(sql, &[]).expect(sql);
    assert!(row.get::<_, bool>(0), "{sql}");
}
