//! The throwaway server: production-like, private, stopped and removed in every case, even after `kill -9` of its
//! owner.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use migtime::error::ErrorKind;
use migtime::server::{ThrowawayOptions, ThrowawayServer};

use crate::support;

/// The environment variable that turns a test process into the owner that is killed.
const DIRECTORY_TO_STDOUT: &str = "MIGTIME_TEST_OWNER";

#[test]
fn nothing_is_left_after_a_stop() {
    let server = ThrowawayServer::start(&support::options()).expect("server");
    let directory = server.directory().to_path_buf();
    let postmaster = postmaster(&directory);
    let mut client = server.parameters("postgres").connect().expect("connection");
    let row = client.query_one("SELECT 1", &[]).expect("row");
    assert_eq!(row.get::<_, i32>(0), 1);

    drop(server);
    assert!(!directory.exists());
    support::await_condition("the server has stopped", || !runs(postmaster));
}

#[test]
fn it_is_configured_like_production() {
    let options = ThrowawayOptions {
        settings: vec![("work_mem".into(), "7MB".into())],
        ..support::options()
    };
    let server = ThrowawayServer::start(&options).expect("server");
    let mut client = server.parameters("postgres").connect().expect("connection");
    for (name, expected) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("autovacuum", "on"),
        ("synchronous_commit", "on"),
        ("shared_buffers", "512MB"),
        ("max_wal_size", "1GB"),
        ("listen_addresses", ""),
        ("work_mem", "7MB"),
    ] {
        let row = client
            .query_one("SELECT current_setting($1)", &[&name])
            .expect("setting");
        assert_eq!(row.get::<_, &str>(0), expected, "{name}");
    }
}

#[test]
fn the_terminals_interrupt_does_not_reach_it() {
    let server = ThrowawayServer::start(&support::options()).expect("server");
    let own = rustix::process::getpgid(None).expect("own process group");
    let postmaster = rustix::process::Pid::from_raw(postmaster(server.directory()) as i32);
    let servers = rustix::process::getpgid(postmaster).expect("the server's process group");
    assert_ne!(own, servers);
}

#[test]
fn a_server_that_does_not_start_says_why() {
    let mut options = support::options();
    options.settings.push(("no_such_setting".into(), "1".into()));
    let error = ThrowawayServer::start(&options).err().expect("an unknown setting");
    assert_eq!(error.kind(), ErrorKind::Connection);
    let log = error.excerpt().expect("the log");
    assert!(
        log.contains("unrecognized configuration parameter \"no_such_setting\""),
        "{log}"
    );
}

#[test]
fn no_server_binaries_is_an_error_with_a_remedy() {
    let options = ThrowawayOptions {
        pg_bin: Some(PathBuf::from("/nonexistent")),
        ..ThrowawayOptions::default()
    };
    let error = ThrowawayServer::start(&options).err().expect("nothing there");
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.hint().is_some());
}

#[test]
fn a_server_of_a_killed_owner_is_removed_at_the_next_start() {
    let mut owner = Command::new(std::env::current_exe().expect("test binary"))
        .args(["--exact", "server_throwaway::own_a_server_until_killed", "--nocapture"])
        .env(DIRECTORY_TO_STDOUT, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("owner");
    let directory = BufReader::new(owner.stdout.take().expect("pipe"))
        .lines()
        .map(|line| line.expect("line"))
        .find_map(|line| line.split_once("directory ").map(|(_, path)| PathBuf::from(path)))
        .expect("the owner started a server");
    let left_behind = postmaster(&directory);

    let beside = ThrowawayServer::start(&support::options()).expect("server");
    assert!(runs(left_behind), "a server whose owner lives is left alone");
    drop(beside);

    owner.kill().expect("kill -9");
    owner.wait().expect("dead");
    assert!(runs(left_behind), "kill -9 leaves the server behind");

    let _next = ThrowawayServer::start(&support::options()).expect("server");
    support::await_condition("the server of the dead owner is gone", || {
        !runs(left_behind) && !directory.exists()
    });
}

/// Does nothing in a normal test run; started by the test above, it holds a server until it is killed.
#[test]
fn own_a_server_until_killed() {
    if std::env::var_os(DIRECTORY_TO_STDOUT).is_none() {
        return;
    }
    let server = ThrowawayServer::start(&support::options()).expect("server");
    println!("directory {}", server.directory().display());
    loop {
        std::thread::park();
    }
}

fn postmaster(directory: &Path) -> u32 {
    std::fs::read_to_string(directory.join("data/postmaster.pid"))
        .expect("postmaster.pid")
        .lines()
        .next()
        .and_then(|line| line.parse().ok())
        .expect("a process number")
}

fn runs(process: u32) -> bool {
    // A container's first process may never reap dead children: a zombie has stopped.
    let is_zombie = std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    let exists = rustix::process::Pid::from_raw(process as i32)
        .is_some_and(|process| rustix::process::test_kill_process(process).is_ok());
    exists && !is_zombie
}
