//! The first SIGINT asks for an orderly end; the second ends at once, and still leaves no server and no sandbox.

use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{ChildStdout, Command, Stdio};

use migtime::server::{Sandbox, ThrowawayServer, signals};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{self, Database};

/// The environment variable that tells a test process which database to copy into a sandbox.
const TEMPLATE: &str = "MIGTIME_TEST_TEMPLATE";

#[test]
fn a_second_interrupt_ends_at_once_and_leaves_nothing() {
    let database = Database::create();
    let mut worker = Command::new(std::env::current_exe().expect("test binary"))
        .args(["--exact", "server_signals::work_and_never_wind_up", "--nocapture"])
        .env(TEMPLATE, database.url())
        .stdout(Stdio::piped())
        .spawn()
        .expect("worker");
    let process = Pid::from_child(&worker);
    let mut lines = BufReader::new(worker.stdout.take().expect("pipe")).lines();
    let directory = PathBuf::from(told(&mut lines, "directory "));
    let sandbox = told(&mut lines, "sandbox ");
    let sandboxes = "SELECT count(*) FROM pg_database WHERE datname = $1";
    let count = || {
        database
            .client()
            .query_one(sandboxes, &[&sandbox])
            .expect("row")
            .get::<_, i64>(0)
    };
    assert!(directory.exists());
    assert_eq!(count(), 1);

    kill_process(process, Signal::INT).expect("interrupt");
    told(&mut lines, "interrupted");
    assert!(directory.exists(), "the first interrupt only asks");

    kill_process(process, Signal::INT).expect("interrupt");
    assert_eq!(worker.wait().expect("exit").code(), Some(130));
    assert!(!directory.exists());
    assert_eq!(count(), 0);
}

/// Does nothing in a normal test run; started by the test above, it never ends by itself.
#[test]
fn work_and_never_wind_up() {
    let Ok(template) = std::env::var(TEMPLATE) else { return };
    signals::catch_signals().expect("signals");
    let server = ThrowawayServer::start(&support::options()).expect("server");
    let sandbox = Sandbox::copy(&support::resolve(&template)).expect("sandbox");
    println!("directory {}", server.directory().display());
    println!("sandbox {}", sandbox.parameters().database());
    support::await_condition("the interrupt", || signals::interruption().is_asked());
    println!("interrupted");
    loop {
        std::thread::park();
    }
}

/// Returns the text after `key` in the first line that contains it.
fn told(lines: &mut Lines<BufReader<ChildStdout>>, key: &str) -> String {
    lines
        .map(|line| line.expect("line"))
        .find_map(|line| line.split_once(key).map(|(_, value)| value.to_string()))
        .expect(key)
}
