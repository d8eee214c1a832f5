//! PgBouncer in front of a target: staging is refused if sessions are assigned per transaction, and the pool is left
//! unchanged.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use postgres::{Client, SimpleQueryMessage};

use crate::bad_input::{BACKFILL, Folder, ORDERS, check_done, check_error};
use crate::support::{self, Database, await_condition};

/// A running PgBouncer in front of a test's server; stopped when dropped.
struct Pooler {
    program: Child,
    directory: tempfile::TempDir,
    database: String,
}

impl Pooler {
    /// Starts a pooler whose pools hold at most `size` sessions.
    fn start(database: &Database, mode: &str, size: u32, further: &str) -> Pooler {
        let directory = tempfile::tempdir().expect("temporary directory");
        let server = database.socket_directory();
        let row = database.client().query_one("SHOW port", &[]).expect("row");
        let configuration = format!(
            "[databases]\n* = host={} port={} user=migtime\n[pgbouncer]\nunix_socket_dir = {}\nlisten_port = 6432\n\
             auth_type = any\npool_mode = {mode}\ndefault_pool_size = {size}\n{further}\n",
            server.display(),
            row.get::<_, String>(0),
            directory.path().display(),
        );
        let file = directory.path().join("pgbouncer.ini");
        std::fs::write(&file, configuration).expect("configuration");
        // Runs under the server's account: PgBouncer refuses to run as root, and the server's directory is closed to
        // others.
        let owner = server.join("data").metadata().expect("data directory");
        for path in [directory.path(), &file] {
            chown(path, Some(owner.uid()), Some(owner.gid())).expect("chown");
        }
        let program = Command::new(pgbouncer())
            .arg(&file)
            .current_dir(directory.path())
            .uid(owner.uid())
            .gid(owner.gid())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(directory.path().join("log")).expect("log"))
            .spawn()
            .expect("pgbouncer starts");
        let mut pooler = Pooler {
            program,
            directory,
            database: database.name().to_string(),
        };
        pooler.await_start();
        pooler
    }

    fn await_start(&mut self) {
        let parameters = support::resolve(&self.target());
        await_condition("pgbouncer takes connections", || {
            let ended = self.program.try_wait().expect("status");
            let log = || std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
            assert!(ended.is_none(), "pgbouncer ended: {}", log());
            parameters.connect().is_ok()
        });
    }

    fn target(&self) -> String {
        let directory = self.directory.path().display();
        format!("host={directory} port=6432 user=migtime dbname={}", self.database)
    }

    fn client(&self) -> Client {
        support::resolve(&self.target()).connect().expect("connection")
    }

    /// Fills the pool with `count` sessions, all of them idle.
    fn fill(&self, count: usize) {
        let mut clients: Vec<Client> = (0..count).map(|_| self.client()).collect();
        for client in &mut clients {
            client.simple_query("BEGIN").expect("a session");
        }
        for client in &mut clients {
            client.simple_query("COMMIT").expect("given back");
        }
    }

    /// Returns what the pool's next session keeps between transactions: its process, settings, prepared statements and
    /// locks.
    fn session(&self) -> String {
        let sql = "SELECT concat_ws(' ', pg_backend_pid(), \
                   (SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings \
                   WHERE source = 'session'), \
                   (SELECT count(*) FROM pg_prepared_statements), \
                   (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()))";
        let messages = self.client().simple_query(sql).expect("row");
        let row = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_string),
            _ => None,
        });
        row.expect("a row")
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // It may have ended by itself, which another check reports.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// Returns the program's path; Debian's directory for it is not on everybody's path.
fn pgbouncer() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let further = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(further)
        .map(|directory| directory.join("pgbouncer"))
        .find(|program| Path::is_file(program))
        .expect("pgbouncer is missing; run: script/bootstrap pgbouncer")
}

fn orders() -> Database {
    let database = Database::create();
    database.execute(ORDERS);
    database
}

fn rehearse<'a>(migration: &'a str, out: &'a str, staging: &'a str) -> Vec<&'a str> {
    let fixed = ["rehearse", migration, "--staging", staging, "--output", out];
    [&fixed[..], &["--full", "--batch-size", "500", "--waive", "clients"]].concat()
}

#[test]
fn staging_behind_sessions_lent_for_a_transaction_is_refused() {
    let database = orders();
    let folder = Folder::new();
    let (migration, out) = (folder.file("m.sql", BACKFILL), folder.path("out"));
    // A single session, more sessions than needed, and sessions assigned in turn, of which two connections see two.
    for (size, further, filled) in [
        (1, "", 1),
        (5, "", 3),
        (2, "server_round_robin = 1", 2),
        (5, "server_round_robin = 1", 3),
    ] {
        let pooler = Pooler::start(&database, "transaction", size, further);
        pooler.fill(filled);
        let before = pooler.session();
        let words = [
            "leads through a pooler that lends a session for one transaction only",
            "pool_mode = transaction",
            "hint: name the server itself, or a pool with pool_mode = session",
        ];
        let target = pooler.target();
        check_error(&rehearse(&migration, &out, &target), 3, &words);
        if size == 1 {
            assert_eq!(pooler.session(), before, "the pool is as it was");
        }
    }
    let row = database
        .client()
        .query_one("SELECT count(customer_id) FROM orders", &[]);
    assert_eq!(row.expect("row").get::<_, i64>(0), 0, "nothing was rehearsed");
}

#[test]
fn staging_behind_sessions_lent_for_a_statement_is_refused() {
    let database = orders();
    let folder = Folder::new();
    let (migration, out) = (folder.file("m.sql", BACKFILL), folder.path("out"));
    let pooler = Pooler::start(&database, "statement", 2, "");
    let target = pooler.target();
    let words = [
        "gives no session for a transaction",
        "hint: name the server itself, or a pool with pool_mode = session",
    ];
    check_error(&rehearse(&migration, &out, &target), 3, &words);
}

#[test]
fn staging_behind_sessions_of_ones_own_is_rehearsed_on() {
    let database = orders();
    let folder = Folder::new();
    let (migration, out) = (folder.file("m.sql", BACKFILL), folder.path("out"));
    let pooler = Pooler::start(&database, "session", 20, "");
    let target = pooler.target();
    check_done(&rehearse(&migration, &out, &target));
    let row = database
        .client()
        .query_one("SELECT count(customer_id) FROM orders", &[]);
    assert_eq!(row.expect("row").get::<_, i64>(0), 4000);
}

#[test]
fn production_behind_sessions_lent_for_a_transaction_is_read_and_nothing_stays_behind() {
    let database = orders();
    let clone = database.create_beside();
    clone.execute(ORDERS);
    let folder = Folder::new();
    let (migration, out, staging) = (folder.file("m.sql", BACKFILL), folder.path("out"), clone.url());
    let pooler = Pooler::start(&database, "transaction", 1, "");
    let target = pooler.target();
    let before = pooler.session();
    check_done(&["plan", &migration, "--url", &target]);
    check_done(&["estimate", "--table", "orders", "--exact", "--url", &target]);
    let rehearsal = rehearse(&migration, &out, &staging);
    check_done(&[&rehearsal[..], &["--production", &target]].concat());
    assert_eq!(pooler.session(), before);
}
