//! A network that accepts all packets and forwards none: every phase ends with a message, and measurements are kept.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use migtime::observation::EndReason;
use rustix::process::Signal;

use crate::bad_input::{Folder, ORDERS, check_error, check_refused, finished, run, send, start};
use crate::support::{self, Database};

/// A proxy in front of a test's server that forwards everything until a client sends certain bytes, and then nothing.
struct Proxy {
    port: u16,
    stands_still: Arc<AtomicBool>,
}

impl Proxy {
    fn start(database: &Database, last_words: &'static [u8]) -> Proxy {
        let socket = socket_of(database);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("address").port();
        let stands_still = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stands_still);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = UnixStream::connect(&socket) else {
                    return;
                };
                pass_between(client, server, last_words, &flag);
            }
        });
        Proxy { port, stands_still }
    }

    fn url(&self, database: &Database, connect_timeout: u32) -> String {
        let (port, name) = (self.port, database.name());
        format!("postgresql://migtime@127.0.0.1:{port}/{name}?connect_timeout={connect_timeout}")
    }

    fn await_standstill(&self) {
        support::await_condition("the network stands still", || self.stands_still.load(Ordering::SeqCst));
    }
}

fn socket_of(database: &Database) -> PathBuf {
    std::fs::read_dir(database.socket_directory())
        .expect("directory")
        .map(|entry| entry.expect("entry").path())
        .find(|path| {
            let name = path.file_name().expect("name").to_string_lossy();
            name.starts_with(".s.PGSQL.") && !name.ends_with(".lock")
        })
        .expect("socket")
}

fn pass_between(client: TcpStream, server: UnixStream, last_words: &'static [u8], flag: &Arc<AtomicBool>) {
    let (client_again, server_again) = (client.try_clone().expect("stream"), server.try_clone().expect("stream"));
    let (there, back) = (Arc::clone(flag), Arc::clone(flag));
    std::thread::spawn(move || pass_on(client, server, last_words, &there));
    std::thread::spawn(move || pass_on(server_again, client_again, &[], &back));
}

/// Forwards what it reads; once a client has sent `last_words`, it still reads but forwards no answer.
fn pass_on(mut from: impl Read, mut to: impl Write, last_words: &[u8], stands_still: &AtomicBool) {
    let mut bytes = [0; 65536];
    loop {
        let Ok(count) = from.read(&mut bytes) else { return };
        let holds_words =
            !last_words.is_empty() && bytes[..count].windows(last_words.len()).any(|part| part == last_words);
        if stands_still.load(Ordering::SeqCst) {
            // Both ends stay open during the whole test run.
            loop {
                std::thread::park();
            }
        }
        if holds_words {
            stands_still.store(true, Ordering::SeqCst);
        }
        if count == 0 || to.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
}

fn orders() -> Database {
    let database = Database::create();
    database.execute(ORDERS);
    database
}

/// Returns the arguments of a rehearsal through `url`.
fn rehearse(folder: &Folder, url: &str) -> Vec<String> {
    let migration = "ALTER TABLE orders ADD COLUMN first int;\nALTER TABLE orders ADD COLUMN second int;\n";
    let (migration, out) = (folder.file("m.sql", migration), folder.path("out"));
    ["rehearse", &migration, "--staging", url, "--output", &out]
        .map(str::to_string)
        .to_vec()
}

#[test]
fn start_up_as_a_whole_has_a_limit() {
    let database = orders();
    // The request for TLS, and the session's first message.
    for last_words in [&b"\x04\xd2\x16\x2f"[..], b"user\0"] {
        let proxy = Proxy::start(&database, last_words);
        let url = proxy.url(&database, 2);
        let words = ["no answer within 2 s", "connect_timeout"];
        check_error(&["estimate", "--table", "orders", "--url", &url], 3, &words);
    }
}

#[test]
fn a_read_of_production_has_a_limit() {
    let database = orders();
    let proxy = Proxy::start(&database, b"READ ONLY");
    let url = proxy.url(&database, 2);
    let folder = Folder::new();
    let migration = folder.file("m.sql", "ALTER TABLE orders ADD COLUMN first int;");
    check_error(&["plan", &migration, "--url", &url], 3, &["stands still"]);
}

#[test]
fn a_count_is_left_when_the_person_interrupts() {
    let database = orders();
    let proxy = Proxy::start(&database, b"count(*)");
    let url = proxy.url(&database, 2);
    let child = start(&mut support::migtime(&[
        "estimate", "--table", "orders", "--exact", "--url", &url,
    ]));
    proxy.await_standstill();
    send(&child, Signal::INT);
    check_refused(finished(child), 5, &["interrupted"]);
}

#[test]
fn a_rehearsal_ends_with_what_it_has() {
    let database = orders();
    let proxy = Proxy::start(&database, b"ADD COLUMN second");
    let folder = Folder::new();
    let arguments = rehearse(&folder, &proxy.url(&database, 2));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    check_refused(run(&mut support::migtime(&arguments)), 3, &["the connection was lost"]);
    folder.check_saved(EndReason::ConnectionLost, 1);
}

#[test]
fn a_second_interrupt_needs_no_network() {
    let database = orders();
    let proxy = Proxy::start(&database, b"ADD COLUMN second");
    let folder = Folder::new();
    let arguments = rehearse(&folder, &proxy.url(&database, 30));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut child = start(&mut support::migtime(&arguments));
    proxy.await_standstill();
    let mut status = None;
    support::await_condition("it ends", || {
        send(&child, Signal::INT);
        status = child.try_wait().expect("status");
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.code()), Some(130));
}

#[test]
fn a_sandbox_that_cannot_be_dropped_is_named() {
    let database = orders();
    let proxy = Proxy::start(&database, b"ADD COLUMN second");
    let folder = Folder::new();
    let mut arguments = rehearse(&folder, &proxy.url(&database, 30));
    arguments.push("--sandbox".to_string());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut child = start(&mut support::migtime(&arguments));
    proxy.await_standstill();
    support::await_condition("it ends", || {
        send(&child, Signal::INT);
        child.try_wait().expect("status").is_some()
    });
    let output = finished(child);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    let named = said.split("left behind: the database ").nth(1).expect(&said);
    let name = named.split(' ').next().expect("name");
    assert!(name.starts_with("migtime_sandbox_"), "{said}");
    database.execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
}

#[test]
fn a_sandbox_that_is_never_done_is_given_up() {
    let database = Database::create_alone();
    database.execute(ORDERS);
    let proxy = Proxy::start(&database, b"CREATE DATABASE");
    let folder = Folder::new();
    let mut arguments = rehearse(&folder, &proxy.url(&database, 2));
    arguments.push("--sandbox".to_string());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let words = ["cannot copy the database", "stands still"];
    check_refused(run(&mut support::migtime(&arguments)), 3, &words);
}

#[test]
fn a_command_that_only_reads_ends_at_once_when_terminated() {
    let database = orders();
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let proxy = Proxy::start(&database, b"user\0");
        let url = proxy.url(&database, 600);
        let child = start(&mut support::migtime(&["estimate", "--table", "orders", "--url", &url]));
        proxy.await_standstill();
        send(&child, signal);
        assert_eq!(finished(child).status.code(), Some(code));
    }
}
