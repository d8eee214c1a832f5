//! Shared by the tests: one real server, a fresh database for each test, and the program itself.
//!
//! The first test that needs the server starts it, and it stops when the last handle is dropped, so a test run leaves
//! nothing behind. If no server can be started, tests fail; they never skip.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use migtime::migration::Step;
use migtime::observation::Rehearsal;
use migtime::rehearsal::saving::journal::Journal;
use migtime::rehearsal::{Conditions, RehearsalMonitor, Workplace, rehearse};
use migtime::sampler;
use migtime::server::{ConnectionParameters, Environment, Staging, ThrowawayOptions, ThrowawayServer};
use postgres::Client;
use rustix::process::{Pid, Signal, kill_process};

static SERVER: Mutex<Weak<ThrowawayServer>> = Mutex::new(Weak::new());
static NEXT_DATABASE: AtomicU32 = AtomicU32::new(1);

/// A fresh, empty database for one test; dropped with this value.
pub struct Database {
    server: Arc<ThrowawayServer>,
    name: String,
}

impl Database {
    /// Creates the database; starts the shared server if no other test has.
    pub fn create() -> Database {
        Database::create_on(shared_server())
    }

    /// Creates it on a separate server, for tests that others would disturb: WAL and sandboxes belong to the whole
    /// server, and any connection holds back VACUUM.
    pub fn create_alone() -> Database {
        Database::create_on(Arc::new(start_server()))
    }

    /// Creates another one on the same server.
    pub fn create_beside(&self) -> Database {
        Database::create_on(Arc::clone(&self.server))
    }

    /// Creates a copy of it on the same server; nobody else may be connected to it meanwhile.
    pub fn copy(&self) -> Database {
        let name = format!("test_{}", NEXT_DATABASE.fetch_add(1, Ordering::Relaxed));
        self.maintain(&format!("CREATE DATABASE {name} TEMPLATE {}", self.name));
        Database {
            server: Arc::clone(&self.server),
            name,
        }
    }

    fn create_on(server: Arc<ThrowawayServer>) -> Database {
        let name = format!("test_{}", NEXT_DATABASE.fetch_add(1, Ordering::Relaxed));
        let database = Database { server, name };
        database.maintain(&format!("CREATE DATABASE {}", database.name));
        // A test's database may be changed.
        database.maintain(&format!("ALTER DATABASE {} SET migtime.disposable = on", database.name));
        database
    }

    /// Returns the parameters of a connection to it.
    pub fn parameters(&self) -> ConnectionParameters {
        self.server.parameters(&self.name)
    }

    /// Returns the parameters of a connection to another database of its server.
    pub fn parameters_of(&self, database: &str) -> ConnectionParameters {
        self.server.parameters(database)
    }

    /// Returns a new connection to it.
    pub fn client(&self) -> Client {
        self.parameters()
            .connect()
            .expect("the test database takes connections")
    }

    /// Returns its URI for the program.
    pub fn url(&self) -> String {
        self.parameters().to_string()
    }

    /// Returns the directory of the server's socket.
    pub fn socket_directory(&self) -> &Path {
        self.server.directory()
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs one or more statements.
    pub fn execute(&self, sql: &str) {
        self.client()
            .batch_execute(sql)
            .unwrap_or_else(|error| panic!("{sql}: {}", said(&error)));
    }

    fn maintain(&self, sql: &str) {
        let mut client = self
            .server
            .parameters("postgres")
            .connect()
            .expect("the test server takes connections");
        client
            .batch_execute(sql)
            .unwrap_or_else(|error| panic!("{sql}: {}", said(&error)));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.maintain(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        }
    }
}

/// Returns how the tests start a server: not durable, because nothing is timed, and without background work.
/// `MIGTIME_PG_BIN` chooses the version.
pub fn options() -> ThrowawayOptions {
    let settings = [
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("shared_buffers", "128MB"),
        // An automatic ANALYZE would hold back a test's own VACUUM.
        ("autovacuum_naptime", "1h"),
    ];
    ThrowawayOptions {
        pg_bin: std::env::var_os("MIGTIME_PG_BIN").map(PathBuf::from),
        settings: settings
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .to_vec(),
        kept: None,
    }
}

/// Restarts a server as a standby without a primary.
pub fn restart_as_standby(server: &ThrowawayServer) {
    let binaries = binaries_of(server);
    write_as_owner(server, "standby.signal", "");
    pg_ctl(&binaries, server, &["restart", "-m", "fast"]);
}

/// The slot through which a replica follows its primary.
pub const SLOT: &str = "migtime_replica";

/// Makes `replica` a standby that streams from `primary` through [`SLOT`].
pub fn follow(replica: &ThrowawayServer, primary: &ThrowawayServer) {
    let mut client = primary.parameters("postgres").connect().expect("connection");
    let sql = "SELECT pg_create_physical_replication_slot($1::text::name)";
    client.execute(sql, &[&SLOT]).expect("slot");
    drop(client);
    let binaries = replace_by_copy(replica, primary);
    let origin = primary.directory().display();
    append_setting(replica, "primary_conninfo", &format!("host={origin} user=migtime"));
    append_setting(replica, "primary_slot_name", SLOT);
    write_as_owner(replica, "standby.signal", "");
    pg_ctl(&binaries, replica, &["start"]);
    let mut client = replica.parameters("postgres").connect().expect("connection");
    let sql = "SELECT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')";
    await_condition("the replica streams", || {
        client.query_one(sql, &[]).expect("row").get(0)
    });
}

/// Starts `copy` as an independent server on the current files of `origin`, like a disk snapshot.
pub fn become_snapshot(copy: &ThrowawayServer, origin: &ThrowawayServer) {
    let binaries = replace_by_copy(copy, origin);
    pg_ctl(&binaries, copy, &["start"]);
}

/// Replaces the files of `copy`, which stays stopped, by those of `origin`, which is restarted for this.
fn replace_by_copy(copy: &ThrowawayServer, origin: &ThrowawayServer) -> PathBuf {
    let binaries = binaries_of(origin);
    pg_ctl(&binaries, copy, &["stop", "-m", "fast"]);
    pg_ctl(&binaries, origin, &["stop", "-m", "fast"]);
    std::fs::remove_dir_all(copy.directory().join("data")).expect("removed");
    let status = Command::new("cp")
        .arg("-a")
        .args([origin.directory().join("data"), copy.directory().join("data")])
        .status()
        .expect("cp");
    assert!(status.success());
    append_setting(copy, "unix_socket_directories", &copy.directory().display().to_string());
    pg_ctl(&binaries, origin, &["start"]);
    binaries
}

fn append_setting(server: &ThrowawayServer, name: &str, value: &str) {
    let file = server.directory().join("data/postgresql.conf");
    let text = std::fs::read_to_string(&file).expect("configuration");
    std::fs::write(&file, format!("{text}{name} = '{value}'\n")).expect("configuration");
}

/// Returns the directory of the running server's programs.
fn binaries_of(server: &ThrowawayServer) -> PathBuf {
    let mut client = server.parameters("postgres").connect().expect("connection");
    let sql = "SELECT setting FROM pg_config WHERE name = 'BINDIR'";
    PathBuf::from(client.query_one(sql, &[]).expect("row").get::<_, String>(0))
}

fn write_as_owner(server: &ThrowawayServer, name: &str, text: &str) {
    let data = server.directory().join("data");
    std::fs::write(data.join(name), text).expect("file");
    let owner = data.metadata().expect("data directory");
    std::os::unix::fs::chown(data.join(name), Some(owner.uid()), Some(owner.gid())).expect("chown");
}

/// Runs `pg_ctl` as the account that the server's files belong to.
fn pg_ctl(binaries: &Path, server: &ThrowawayServer, arguments: &[&str]) {
    let data = server.directory().join("data");
    let owner = data.metadata().expect("data directory");
    let status = Command::new(binaries.join("pg_ctl"))
        .args(arguments)
        .args(["-w", "-s", "-D"])
        .arg(&data)
        .arg("-l")
        .arg(server.directory().join("log"))
        .current_dir(server.directory())
        .uid(owner.uid())
        .gid(owner.gid())
        .status()
        .expect("pg_ctl");
    assert!(status.success(), "pg_ctl {arguments:?}");
}

/// Suspends the process that writes to disk commits which were acknowledged before; killing it crashes the server.
pub fn hold_back_commits(database: &Database) -> Pid {
    // Writing a changed page would first write the commits before it.
    database.execute("ALTER SYSTEM SET bgwriter_lru_maxpages = 0");
    database.execute("SELECT pg_reload_conf()");
    let writer = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'";
    let number = database.client().query_one(writer, &[]).expect("the writer").get(0);
    let writer = Pid::from_raw(number).expect("a process");
    kill_process(writer, Signal::STOP).expect("signal");
    writer
}

/// Crashes the server of `session` and waits until it is back: what `writer` had not yet written is lost.
pub fn crash(database: &Database, session: &mut Client, writer: Pid) {
    kill_process(writer, Signal::KILL).expect("signal");
    await_condition("the sessions are gone", || session.simple_query("").is_err());
    let parameters = database.parameters();
    await_condition("the server is back", || parameters.connect().is_ok());
}

/// Returns the built program with `arguments`, isolated from the caller's connection settings.
pub fn migtime(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_migtime"));
    command.args(arguments);
    let foreign = ["DATABASE_URL", "MIGTIME_PRODUCTION_URL", "MIGTIME_STAGING_URL"];
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("PG") || foreign.contains(&name.as_str()) {
            command.env_remove(name);
        }
    }
    // What earlier runs took on this machine would widen or narrow an estimate.
    command.env("XDG_STATE_HOME", "/dev/null");
    command.env("XDG_CACHE_HOME", "/dev/null");
    command
}

/// Returns the parameters of a target, isolated from the environment.
pub fn resolve(target: &str) -> ConnectionParameters {
    ConnectionParameters::resolve(Some(target), &Environment::default()).expect(target)
}

/// Waits until `holds` returns true, and fails if that takes far too long.
pub fn await_condition(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the server's message, for a test's own failure message.
pub fn said(error: &postgres::Error) -> String {
    error
        .as_db_error()
        .map_or_else(|| error.to_string(), |server| server.message().to_string())
}

fn shared_server() -> Arc<ThrowawayServer> {
    let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return server;
    }
    let server = Arc::new(start_server());
    *shared = Arc::downgrade(&server);
    server
}

fn start_server() -> ThrowawayServer {
    ThrowawayServer::start(&options()).unwrap_or_else(|error| {
        panic!(
            "no server for the tests: {error}\n{}\nhint: {}",
            error.excerpt().unwrap_or_default(),
            error.hint().unwrap_or_default()
        )
    })
}

/// Lets a rehearsal run to its end.
struct Patient;

impl RehearsalMonitor for Patient {}

/// Rehearses `steps` on `clone` once, to the end, into `rehearsal`; nothing is saved.
pub fn rehearse_once(clone: &mut Staging, steps: &[Step], conditions: &Conditions, rehearsal: &mut Rehearsal) {
    rehearsal.server = clone.read(sampler::server_facts).expect("the server tells");
    let mut journal = Journal::new(None);
    let workplace = Workplace {
        clone,
        conditions,
        rehearsal,
        journal: &mut journal,
        monitor: &mut Patient,
    };
    rehearse(workplace, steps, 0).unwrap_or_else(|error| panic!("{}: {error}", steps[0].sql));
}
