//! The sampler needs few round trips: five for settings and tables, counted on a socket between it and a real server.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use migtime::error::{Error, Result};
use migtime::sampler;
use migtime::server::{ConnectionParameters, Environment, Production, Reader};
use tempfile::TempDir;

use crate::support::Database;

/// A socket that forwards everything to the server and counts how often the client sends after the server has sent.
struct CountingSocket {
    directory: TempDir,
    round_trips: Arc<AtomicU32>,
    url: String,
}

impl CountingSocket {
    fn before(database: &Database) -> CountingSocket {
        let mut client = database.client();
        let mut shown = |name: &str| -> String { client.query_one(&format!("SHOW {name}"), &[]).unwrap().get(0) };
        let port = shown("port");
        let server = format!("{}/.s.PGSQL.{port}", shown("unix_socket_directories"));
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join(format!(".s.PGSQL.{port}"))).unwrap();
        let round_trips = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&round_trips);
        std::thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            pass_on(client, UnixStream::connect(server).unwrap(), &counter);
        });
        let url = format!(
            "host={} port={port} user=migtime dbname={}",
            directory.path().display(),
            database.name()
        );
        CountingSocket {
            directory,
            round_trips,
            url,
        }
    }

    /// Returns the number of round trips of one read on an open connection.
    fn count<T>(&self, ask: impl FnOnce(&mut Reader) -> Result<T>) -> (u32, Result<T>) {
        assert!(self.directory.path().exists());
        let parameters = ConnectionParameters::resolve_staging(&self.url, &Environment::capture()).unwrap();
        let mut production = Production::connect(&parameters).unwrap();
        let connected = self.round_trips.load(Ordering::SeqCst);
        let answer = production.read(ask);
        (self.round_trips.load(Ordering::SeqCst) - connected, answer)
    }
}

fn pass_on(client: UnixStream, server: UnixStream, round_trips: &AtomicU32) {
    let server_spoke = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| copy(&server, &client, || server_spoke.store(true, Ordering::SeqCst)));
        copy(&client, &server, || {
            if server_spoke.swap(false, Ordering::SeqCst) {
                round_trips.fetch_add(1, Ordering::SeqCst);
            }
        });
        let _ = server.shutdown(std::net::Shutdown::Both);
    });
}

fn copy(mut from: &UnixStream, mut to: &UnixStream, mut on_data: impl FnMut()) {
    let mut buffer = [0; 65536];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        on_data();
        if to.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}

fn create_tables(database: &Database) {
    database.execute(
        "CREATE TABLE orders (id bigint PRIMARY KEY, at date, note text); CREATE INDEX ON orders (lower(note));
         CREATE TABLE lines (id int PRIMARY KEY, order_id bigint REFERENCES orders);
         CREATE TABLE events (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
         CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
    );
}

#[test]
fn settings_and_tables_take_six_round_trips() {
    let database = Database::create();
    create_tables(&database);
    let (round_trips, answer) = CountingSocket::before(&database).count(|reader| {
        let server = sampler::server_facts(reader)?;
        let tables = sampler::tables(reader, &["orders", "lines", "events"])?;
        Ok::<_, Error>((server, tables))
    });
    let (server, tables) = answer.unwrap();
    assert!(server.version_num >= 130_000);
    assert_eq!(tables.len(), 3);
    assert!((5..=6).contains(&round_trips), "{round_trips} round trips");
}

#[test]
fn a_missing_table_costs_one_question_more() {
    let database = Database::create();
    create_tables(&database);
    let (found, _) = CountingSocket::before(&database).count(|reader| sampler::table(reader, "orders"));
    // After an error there is no commit; the rollback is sent, but not waited for.
    let (missing, answer) = CountingSocket::before(&database).count(|reader| sampler::table(reader, "ordesr"));
    assert_eq!(answer.unwrap_err().hint(), Some("did you mean public.orders?"));
    assert!(missing <= found + 1, "{missing} round trips, not {found} and one");
}
