//! A clone whose foreign tables lead to production: whatever a migration does, production's row does not change.

use std::process::Output;

use migtime::server::ThrowawayServer;

use crate::bad_input::{Folder, ORDERS, check_refused, run};
use crate::ci_repository::{Repository, text};
use crate::support;

/// Tables with production's rows, in another database; the foreign tables that lead to them are in the clone.
const SHOP: &str = "\
CREATE TABLE accounts (id int PRIMARY KEY, balance int); INSERT INTO accounts VALUES (1, 100);
CREATE TABLE ledger (id int, balance int); INSERT INTO ledger VALUES (1, 100);";

const CLONE: &str = "\
CREATE SCHEMA remote;
CREATE FOREIGN TABLE remote.accounts (id int, balance int) SERVER shop OPTIONS (schema_name 'public');
CREATE FOREIGN TABLE remote.ledger_of_shop (id int, balance int) SERVER shop OPTIONS (schema_name 'public', table_name \
'ledger',
    updatable 'true');
CREATE TABLE ledger (id int, balance int) PARTITION BY LIST (id);
ALTER TABLE ledger ATTACH PARTITION remote.ledger_of_shop FOR VALUES IN (1);
CREATE VIEW accounts_seen AS SELECT id, balance FROM remote.accounts WHERE id > 0;
CREATE FUNCTION pay() RETURNS void LANGUAGE sql AS 'UPDATE remote.accounts SET balance = 0';
CREATE FUNCTION pay_too() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pay(); RETURN NEW; END';
CREATE TABLE paying (id int);
CREATE TRIGGER pays BEFORE INSERT ON paying FOR EACH ROW EXECUTE FUNCTION pay_too();";

/// Writes to production that are visible in the text of the migration.
const STATED: [&str; 8] = [
    "UPDATE remote.accounts SET balance = 0;",
    "SET search_path = remote;\nDELETE FROM accounts;",
    "UPDATE accounts_seen SET balance = 0;",
    "UPDATE ledger SET balance = 0;",
    "TRUNCATE orders, remote.accounts;",
    "DO $$ BEGIN EXECUTE 'UPDATE remote.accounts SET balance = 0'; END $$;",
    "CREATE FOREIGN TABLE made (id int, balance int) SERVER shop OPTIONS (table_name 'accounts', updatable 'true');",
    "ALTER SERVER shop OPTIONS (ADD updatable 'true');",
];

/// Writes to production that cannot be seen in the text of the migration.
const UNSEEN: [&str; 4] = [
    "INSERT INTO paying VALUES (1);",
    "SELECT pay();",
    "DO $$ BEGIN EXECUTE format('UPDATE %I.%I SET balance = 0', 'remote', 'accounts'); END $$;",
    "DO $$ BEGIN EXECUTE 'CREATE' || ' FOREIGN TABLE made (id int, balance int) SERVER shop OPTIONS (schema_name \
     ''public'', \
     table_name ''accounts'', updatable ''true'')'; UPDATE made SET balance = 0; END $$;",
];

struct Servers {
    server: ThrowawayServer,
    folder: Folder,
}

impl Servers {
    fn start() -> Servers {
        let mut options = support::options();
        options.settings.push(("log_statement".to_string(), "ddl".to_string()));
        let server = ThrowawayServer::start(&options).expect("server");
        let servers = Servers {
            server,
            folder: Folder::new(),
        };
        servers.execute("postgres", "CREATE DATABASE shop");
        servers.execute("postgres", "CREATE DATABASE clone");
        servers.execute("shop", SHOP);
        servers.execute("clone", ORDERS);
        let host = servers.server.directory().display().to_string();
        servers.execute(
            "clone",
            &format!(
                "CREATE EXTENSION postgres_fdw; \
                 CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{host}', dbname 'shop'); \
                 CREATE USER MAPPING FOR PUBLIC SERVER shop OPTIONS (user 'migtime');"
            ),
        );
        servers.execute("clone", CLONE);
        servers
    }

    fn execute(&self, database: &str, sql: &str) {
        let mut client = self.server.parameters(database).connect().expect("connection");
        client
            .batch_execute(sql)
            .unwrap_or_else(|error| panic!("{sql}: {}", support::said(&error)));
    }

    /// Returns the balances of both tables in production.
    fn balances(&self) -> (i64, i64) {
        let mut client = self.server.parameters("shop").connect().expect("connection");
        let sql =
            "SELECT (SELECT coalesce(sum(balance), -1) FROM accounts), (SELECT coalesce(sum(balance), -1) FROM ledger)";
        let row = client.query_one(sql, &[]).expect("balances");
        (row.get(0), row.get(1))
    }

    fn rehearse(&self, staging: &str, migration: &str, options: &[&str]) -> Output {
        let file = self.folder.file("migration.sql", migration);
        let out = self.folder.path("out");
        let fixed = [
            "rehearse",
            &file,
            "--staging",
            staging,
            "--output",
            &out,
            "--no-rollback",
        ];
        run(&mut support::migtime(&[&fixed[..], options].concat()))
    }

    /// Checks that a migration is refused or fails with these words, and that production has not changed.
    fn check(&self, migration: &str, options: &[&str], exit_code: i32, words: &[&str]) -> String {
        let staging = self.server.parameters("clone").to_string();
        let output = check_refused(self.rehearse(&staging, migration, options), exit_code, words);
        assert_eq!(self.balances(), (100, 100), "{migration} {options:?}");
        text(&output.stderr)
    }
}

const SANDBOX: &[&str] = &["--sandbox"];
const IN_PLACE: &[&str] = &["--disposable", "clone"];

#[test]
fn a_stated_write_to_another_server_is_refused() {
    let servers = Servers::start();
    for migration in STATED {
        for options in [SANDBOX, IN_PLACE] {
            let words = ["migration.sql:", " reaches another server", "--allow-outside foreign"];
            servers.check(migration, options, 3, &words);
        }
    }
    // A local table with the same name as a foreign table is not refused.
    servers.execute("clone", "CREATE TABLE accounts (id int, balance int)");
    let staging = servers.server.parameters("clone").to_string();
    let output = servers.rehearse(&staging, "UPDATE accounts SET balance = 0;", SANDBOX);
    assert_ne!(output.status.code(), Some(3), "{}", text(&output.stderr));
}

#[test]
fn an_unseen_write_finds_the_other_server_closed() {
    let servers = Servers::start();
    for migration in UNSEEN {
        servers.check(
            migration,
            SANDBOX,
            4,
            &["shop (postgres_fdw); the copy writes nothing there"],
        );
        let line = "on the clone: ALTER SERVER shop OPTIONS (ADD ";
        servers.check(
            migration,
            IN_PLACE,
            3,
            &["leads to another server", line, "--allow-outside foreign"],
        );
    }
    // A clone whose foreign server was closed as the hint says can be changed in place.
    let said = servers.check("SELECT pay();", IN_PLACE, 3, &[]);
    let (_, lines) = said.split_once("on the clone: ").expect("lines to run");
    let (lines, _) = lines.split_once("; or, if that server").expect("lines to run");
    servers.execute("clone", lines);
    for migration in &UNSEEN[..3] {
        servers.check(migration, IN_PLACE, 4, &["does not allow updates"]);
    }
}

#[test]
fn what_was_allowed_by_name_is_written() {
    let servers = Servers::start();
    let staging = servers.server.parameters("clone").to_string();
    let output = servers.rehearse(&staging, "SELECT pay();", &["--sandbox", "--allow-outside", "foreign"]);
    assert!(output.status.code() != Some(3), "{}", text(&output.stderr));
    assert_eq!(servers.balances(), (0, 100));
}

#[test]
fn a_server_that_another_role_owns_cannot_be_closed_and_is_refused() {
    let servers = Servers::start();
    servers.execute(
        "postgres",
        "CREATE ROLE app LOGIN CREATEDB; ALTER DATABASE clone OWNER TO app",
    );
    let host = servers.server.directory().display().to_string();
    let staging = format!("host={host} user=app dbname=clone");
    let output = servers.rehearse(&staging, "CREATE TABLE t ();", SANDBOX);
    check_refused(
        output,
        3,
        &[
            "the role app may not change that",
            "as its owner, on the clone: ALTER SERVER shop",
        ],
    );
}

#[test]
fn what_leads_out_is_named_before_the_start() {
    let servers = Servers::start();
    servers.execute(
        "clone",
        "CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END'; \
         CREATE EVENT TRIGGER watched ON ddl_command_end EXECUTE FUNCTION watch();",
    );
    servers.execute(
        "clone",
        "CREATE SUBSCRIPTION fed CONNECTION 'dbname=nothing' PUBLICATION p WITH (connect = false, slot_name = \
         'none_such')",
    );
    servers.execute("clone", "ALTER SUBSCRIPTION fed ENABLE");
    let words = [
        "has foreign servers: shop (postgres_fdw)",
        "has subscriptions: fed",
        "has event triggers: watched, which run with the migration",
    ];
    servers.check(STATED[0], SANDBOX, 3, &words);
}

#[test]
fn code_of_the_clone_that_reaches_outside_is_refused_where_it_would_run() {
    let servers = Servers::start();
    servers.execute(
        "clone",
        "CREATE EXTENSION dblink; \
         CREATE FUNCTION tell() RETURNS void LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM dblink_exec('dbname=shop', 'UPDATE accounts SET balance = 0'); END $$; \
         CREATE FUNCTION tell_of_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM tell(); RETURN NEW; END'; \
         CREATE TABLE users (id int PRIMARY KEY); \
         CREATE TABLE visits (id int, users int REFERENCES users ON DELETE CASCADE); \
         CREATE TRIGGER told AFTER DELETE ON visits FOR EACH ROW EXECUTE FUNCTION tell_of_row();",
    );
    servers.check(
        "SELECT tell();",
        SANDBOX,
        3,
        &["tell() of the clone, with dblink_exec() in it,"],
    );
    let trigger = "(trigger told of public.visits), which runs tell_of_row() of the clone";
    servers.check("DELETE FROM users;", SANDBOX, 3, &[trigger, "--allow-outside foreign"]);
    servers.check("INSERT INTO visits VALUES (1);", SANDBOX, 3, &[trigger]);
}

#[test]
fn a_later_migration_of_a_pull_request_is_refused_before_anything_is_copied() {
    let servers = Servers::start();
    let repository = Repository::create("");
    repository.write(
        "db/migrations/0002_more.sql",
        "ALTER TABLE orders ADD COLUMN more int;\n",
    );
    repository.write("db/migrations/0003_pay.sql", STATED[0]);
    repository.commit("two migrations");
    let staging = servers.server.parameters("clone").to_string();
    let (_, said) = repository.check(repository.ci(&[]).env("MIGTIME_STAGING_URL", staging), 3);
    assert!(said.contains("0003_pay.sql:1"), "{said}");
    let log = std::fs::read_to_string(servers.server.directory().join("log")).expect("log");
    assert!(log.contains("CREATE DATABASE clone"), "{log}");
    assert!(!log.contains("CREATE DATABASE migtime_sandbox"), "{log}");
    assert_eq!(servers.balances(), (100, 100));
}
