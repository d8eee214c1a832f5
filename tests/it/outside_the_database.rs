//! A migration that acts outside its one database is refused before it runs: production may be on the same server.

use std::process::Output;

use migtime::server::ThrowawayServer;

use crate::bad_input::{Folder, ORDERS, check_refused, run};
use crate::support;

/// A server with a staging database `clone` and a production database `shop` with its role.
struct Servers {
    server: ThrowawayServer,
    folder: Folder,
}

impl Servers {
    fn start() -> Servers {
        let server = ThrowawayServer::start(&support::options()).expect("server");
        let shop = Servers {
            server,
            folder: Folder::new(),
        };
        shop.execute(
            "postgres",
            &["CREATE ROLE app LOGIN", "CREATE DATABASE shop", "CREATE DATABASE clone"],
        );
        shop.execute("clone", &[ORDERS]);
        shop
    }

    fn execute(&self, database: &str, statements: &[&str]) {
        let mut client = self.server.parameters(database).connect().expect("connection");
        for statement in statements {
            client.batch_execute(statement).expect(statement);
        }
    }

    fn asks(&self, condition: &str) -> bool {
        let mut client = self.server.parameters("postgres").connect().expect("connection");
        client
            .query_one(&format!("SELECT {condition}"), &[])
            .expect(condition)
            .get(0)
    }

    fn rehearse(&self, migration: &str, options: &[&str]) -> Output {
        let file = self.folder.file("migration.sql", migration);
        let staging = self.server.parameters("clone").to_string();
        let out = self.folder.path("out");
        let fixed = ["rehearse", &file, "--staging", &staging, "--output", &out];
        run(&mut support::migtime(&[&fixed[..], options].concat()))
    }

    fn check_refused(&self, migration: &str, options: &[&str], words: &[&str]) {
        check_refused(self.rehearse(migration, options), 3, words);
        assert!(self.asks("EXISTS (SELECT FROM pg_database WHERE datname = 'shop')"));
        assert!(self.asks("(SELECT rolcanlogin FROM pg_roles WHERE rolname = 'app')"));
        assert!(self.asks("NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'made_by_migration')"));
        assert!(
            self.asks("NOT EXISTS (SELECT FROM pg_settings WHERE name = 'work_mem' AND sourcefile LIKE '%auto.conf')")
        );
    }
}

#[test]
fn what_leaves_the_database_is_refused_and_nothing_ran() {
    let shop = Servers::start();
    for (migration, kind) in [
        ("DROP DATABASE shop WITH (FORCE);", "database"),
        ("ALTER TABLE orders ADD a int;\nALTER ROLE app NOLOGIN;", "role"),
        ("ALTER SYSTEM SET work_mem = '1GB';", "setting"),
        ("DO $$ BEGIN CREATE ROLE made_by_migration; END $$;", "role"),
        (
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DROP DATABASE shop'; END $$;",
            "database",
        ),
        (
            "UPDATE orders SET user_id = (SELECT 1 WHERE pg_reload_conf());",
            "setting",
        ),
        ("COPY orders TO PROGRAM 'cat';", "program"),
    ] {
        for options in [&[][..], &["--sandbox"][..], &["--disposable", "clone"][..]] {
            let allowed = format!("--allow-outside {kind}");
            shop.check_refused(migration, options, &["migration.sql:", &allowed]);
        }
    }
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'orders'";
    let mut clone = shop.server.parameters("clone").connect().expect("connection");
    assert_eq!(clone.query_one(columns, &[]).expect("count").get::<_, i64>(0), 3);
}

#[test]
fn a_rollback_is_judged_as_the_migration_is() {
    let shop = Servers::start();
    let rollback = shop.folder.file("back.sql", "ALTER ROLE app NOLOGIN;");
    shop.check_refused(
        "ALTER TABLE orders ADD a int;",
        &["--rollback", &rollback],
        &["back.sql:1", "--allow-outside role"],
    );
}

#[test]
fn what_is_put_together_at_run_time_needs_its_name_only_beside_production() {
    let shop = Servers::start();
    let migration = "DO $$ BEGIN EXECUTE format('ALTER TABLE %I ADD a int', 'orders'); END $$;";
    let production = shop.server.parameters("shop").to_string();
    shop.execute("shop", &[ORDERS]);
    shop.check_refused(
        migration,
        &["--production", &production],
        &["--allow-outside dynamic-sql", "production's own server"],
    );
    let said = |options: &[&str]| {
        let output = shop.rehearse(migration, options);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(said(&[]).contains("whether it stays in its database is not known"));
    let allowed = ["--production", &production, "--allow-outside", "dynamic-sql"];
    assert!(
        !said(&allowed).contains("--allow-outside dynamic-sql"),
        "{}",
        said(&allowed)
    );
}

#[test]
fn what_was_allowed_by_name_runs() {
    let shop = Servers::start();
    let output = shop.rehearse(
        "CREATE ROLE made_by_migration;",
        &["--allow-outside", "role", "--no-rollback"],
    );
    assert!(
        output.status.code() != Some(3),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(shop.asks("EXISTS (SELECT FROM pg_roles WHERE rolname = 'made_by_migration')"));
}

#[test]
fn rights_that_were_dropped_keep_what_is_put_together_inside() {
    let shop = Servers::start();
    shop.execute(
        "clone",
        &["ALTER TABLE orders OWNER TO app", "GRANT ALL ON SCHEMA public TO app"],
    );
    let staging = shop.server.parameters("clone").to_string();
    let separator = if staging.contains('?') { '&' } else { '?' };
    let staging = format!("{staging}{separator}options=-crole%3Dapp");
    let out = shop.folder.path("out");
    let rehearse = |sql: &str| {
        let file = shop.folder.file("m.sql", sql);
        let arguments = [
            "rehearse",
            &file,
            "--staging",
            &staging,
            "--output",
            &out,
            "--disposable",
            "clone",
            "--provisional",
        ];
        run(&mut support::migtime(&arguments))
    };
    for outside in [
        "ALTER ROLE app SUPERUSER",
        "CREATE ROLE made_by_migration",
        "COPY orders TO PROGRAM ''cat''",
    ] {
        let (first, rest) = outside.split_at(3);
        let sql = format!("DO $$ BEGIN EXECUTE concat('{first}', '{rest}'); END $$;");
        let refused = check_refused(rehearse(&sql), 4, &["hint: with options=-crole=NAME"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("SQLSTATE 42501"), "{said}");
    }
    assert!(shop.asks("NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'made_by_migration')"));
    assert!(shop.asks("(SELECT NOT rolsuper FROM pg_roles WHERE rolname = 'app')"));
    let inside = rehearse("DO $$ BEGIN EXECUTE concat('ALTER TABLE orders ', 'ADD note text'); END $$;");
    assert_eq!(
        inside.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&inside.stderr)
    );
}
