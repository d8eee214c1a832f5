//! Shared by the tests of bad input: running the program, and checking the form of its errors.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use migtime::observation::{EndReason, Rehearsal};
use rustix::process::{Pid, Signal, kill_process};

use crate::published_schemas;
use crate::support::{self, Database};

/// A table whose batches a trigger can make slow, wrong or endless.
pub const ORDERS: &str = "CREATE TABLE orders (id bigint PRIMARY KEY, user_id int NOT NULL, customer_id int); \
                          INSERT INTO orders SELECT n, n, NULL FROM generate_series(1, 4000) AS n; ANALYZE orders";

/// Makes every batch on `orders` slow, so that there is time to disturb it.
pub const SLOWLY: &str = "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS \
                          $$ BEGIN PERFORM pg_sleep(0.02); RETURN NULL; END $$; \
                          CREATE TRIGGER slowly AFTER UPDATE ON orders FOR EACH STATEMENT EXECUTE FUNCTION slowly()";

/// The backfill of `orders`.
pub const BACKFILL: &str = "UPDATE orders SET customer_id = user_id WHERE id BETWEEN <batch_start> AND <batch_end>;\n";

/// A directory with files, which is removed when the value is dropped.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// Creates an empty directory.
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().expect("temporary directory"))
    }

    /// Writes a file and returns its path as an argument.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.0.path().join(name), content).expect(name);
        self.path(name)
    }

    /// Returns the path of `name` in it as an argument.
    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// Returns the names of all files in its subdirectory `name`.
    pub fn names(&self, name: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path().join(name)).expect(name);
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Reads the rehearsal saved in its subdirectory `out`.
    pub fn rehearsal(&self) -> Rehearsal {
        let text = std::fs::read_to_string(self.path("out/rehearsal.json")).expect("rehearsal.json");
        published_schemas::check("rehearsal", &text);
        Rehearsal::from_json(&text, "rehearsal.json").expect("a readable rehearsal")
    }

    /// Checks that the saved rehearsal has this reason for its end, and at least `measured` observations.
    pub fn check_saved(&self, reason: EndReason, measured: usize) {
        let rehearsal = self.rehearsal();
        let ended = rehearsal.ended.expect("it ended");
        assert_eq!(ended.reason, reason, "{}", ended.message);
        let observations: usize = rehearsal.steps.iter().map(|step| step.observations.len()).sum();
        assert!(observations >= measured, "{observations} observations");
    }
}

/// Runs the program and returns what it printed.
pub fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("the program runs")
}

/// Runs the program with `arguments`, checks that it succeeds, and returns its stdout.
pub fn check_done(arguments: &[&str]) -> String {
    let output = run(&mut support::migtime(arguments));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs the program with `arguments` and checks that it fails; see [`check_refused`].
pub fn check_error(arguments: &[&str], exit_code: i32, words: &[&str]) -> Output {
    check_refused(run(&mut support::migtime(arguments)), exit_code, words)
}

/// Checks that a run ended with `exit_code` and one `error:` line, and that stderr contains all `words`.
///
/// It must not contain a panic, a `Debug` form or an error number of the system.
pub fn check_refused(output: Output, exit_code: i32, words: &[&str]) -> Output {
    let said = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    assert_eq!(output.status.code(), Some(exit_code), "{said}");
    let errors = said.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, 1, "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
    for forbidden in ["panicked", "os error", "Some(", "Error {", "\\\""] {
        assert!(!said.contains(forbidden), "{forbidden:?} is in: {said}");
    }
    output
}

/// Waits for a child and returns what it printed.
pub fn finished(child: Child) -> Output {
    child.wait_with_output().expect("the program ends")
}

/// Sends a signal to the program.
pub fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("signal");
}

/// Starts the program with `arguments` and returns the running child.
pub fn start(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// A running rehearsal of [`BACKFILL`].
pub struct UnderWay {
    /// The program.
    pub child: Child,
    /// The directory with its files; results go to `out`.
    pub folder: Folder,
}

impl UnderWay {
    /// Starts a rehearsal on `database`, in batches of 10, and waits until some batches are done.
    pub fn begin(database: &Database, options: &[&str]) -> UnderWay {
        let folder = Folder::new();
        let migration = folder.file("backfill.sql", BACKFILL);
        let (url, out) = (database.url(), folder.path("out"));
        let fixed = [
            "rehearse",
            &migration,
            "--staging",
            &url,
            "--output",
            &out,
            "--batch-size",
            "10",
        ];
        let mut program = support::migtime(&[&fixed[..], options].concat());
        // Temporary files are removed together with the directory.
        let mut child = start(program.env("TMPDIR", folder.path("")));
        let mut client = database.client();
        let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'migtime' \
                   AND datname = current_database() AND query LIKE 'UPDATE orders%' AND query NOT LIKE '%BETWEEN 1 \
                   AND 10;%')";
        support::await_condition("some batches are done", || {
            let status = child.try_wait().expect("status");
            assert!(status.is_none(), "ended too early: {}", rest_of(&mut child));
            client.query_one(sql, &[]).expect("row").get(0)
        });
        UnderWay { child, folder }
    }
}

fn rest_of(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(stderr) = &mut child.stderr {
        stderr.read_to_string(&mut text).expect("UTF-8");
    }
    text
}

/// Waits until the program's sessions on `database` have ended, and with them all locks and transactions.
pub fn await_no_sessions(database: &Database) {
    let mut client = database.client();
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    support::await_condition("no session is left", || {
        client.query_one(sql, &[]).expect("row").get::<_, i64>(0) == 0
    });
}

/// Returns the directories of throwaway servers below `parent`.
pub fn servers_in(parent: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(parent)
        .expect("directory")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("migtime-server-"))
        })
        .collect()
}
