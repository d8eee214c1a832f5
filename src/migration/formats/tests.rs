//! What is read of the files of each tool: whose they are, in which order, which way back, which transaction, sent how.

use super::*;
use crate::migration::Statement;

/// Returns files of these paths and texts; a text of `-` is one of which only the name counts.
fn files(files: &[(&str, &str)]) -> Vec<SourceFile> {
    let file = |(path, text): &(&str, &str)| SourceFile {
        name: (*path).to_owned(),
        path: (*path).to_owned(),
        text: (*text != "-").then(|| Arc::from(*text)),
    };
    files.iter().map(file).collect()
}

/// Writes a history as `tool: version up / down` with the statements that are left of each script, the transaction's scope
/// (`s`cript, `p`ending, `n`one) and in brackets what is sent in one message.
fn written(history: &History) -> String {
    let mut lines = vec![history.tool.name().to_owned()];
    for migration in &history.migrations {
        let down = migration
            .down
            .as_ref()
            .map(|down| format!(" / {}", script(history.tool, down)));
        lines.push(format!(
            "{} {}{}",
            migration.version,
            script(history.tool, &migration.up),
            down.unwrap_or_default()
        ));
    }
    lines.join("\n")
}

fn script(tool: Tool, script: &Script) -> String {
    let statements = statements(tool, script).unwrap_or_else(|error| panic!("{error}"));
    let scope = match statements.first().map(|first| first.sending.transaction) {
        Some(Some(_)) if script.transaction == TransactionScope::AllPending => "p",
        Some(Some(_)) => "s",
        _ => "n",
    };
    let mut messages = Vec::new();
    for message in statements.chunk_by(|one, other| one.sending.message.is_some() && one.sending == other.sending) {
        let inside: Vec<String> = message
            .iter()
            .map(|statement| {
                format!(
                    "{}@{}",
                    statement.sql.split_whitespace().collect::<Vec<_>>().join(" "),
                    statement.line
                )
            })
            .collect();
        messages.push(match message {
            [only] if only.sending.message.is_none() => inside.join(";"),
            _ => format!("[{}]", inside.join(";")),
        });
    }
    format!("{scope}:{}", messages.join(", "))
}

fn statements(tool: Tool, script: &Script) -> Result<Vec<Statement>> {
    let scripts = Scripts {
        tool,
        scripts: vec![script],
    };
    scripts.statements(&mut |wanted| panic!("included {}", wanted.path))
}

fn check(named: &[(&str, &str)], expected: &str) {
    let history = read("dir", files(named), Place::Directory, None).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(written(&history), expected);
}

fn check_file(named: &[(&str, &str)], expected: &str) {
    let history = read("file", files(named), Place::File, None).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(written(&history), expected);
}

/// Checks what is said of files that are not read, or whose statements are not.
fn check_refused(named: &[(&str, &str)], told: Option<Tool>, expected: &str) {
    let refused = read("dir", files(named), Place::Directory, told).and_then(|history| {
        for migration in &history.migrations {
            statements(history.tool, &migration.up)?;
        }
        Ok(history)
    });
    let error = refused.map(|history| written(&history)).expect_err(expected);
    let hint = error.hint().map(|hint| format!("\n{hint}")).unwrap_or_default();
    assert_eq!(format!("{}{hint}", error.message()), expected);
}

fn check_remarks(named: &[(&str, &str)], expected: &[&str]) {
    let history = read("dir", files(named), Place::Directory, None).unwrap_or_else(|error| panic!("{error}"));
    for words in expected {
        let found = history.remarks.iter().any(|remark| remark.contains(words));
        assert!(found, "{words}: {:?}", history.remarks);
    }
    assert_eq!(history.remarks.len(), expected.len(), "{:?}", history.remarks);
}

#[test]
fn plain_sql_by_number_and_name() {
    check(
        &[
            ("10_b.sql", "SELECT 10; SELECT 11"),
            ("9_a.SQL", "SELECT 9"),
            ("9_a.md", "-"),
            ("deeper/1.sql", "SELECT 1"),
        ],
        "plain-sql\n9 n:SELECT 9@1\n10 n:SELECT 10@1, SELECT 11@1",
    );
    check(
        &[
            ("a.sql", "SELECT 1"),
            ("a.rollback.sql", "SELECT 2"),
            ("b_up.sql", "SELECT 3"),
            ("b_down.sql", "SELECT 4"),
        ],
        "plain-sql\na.sql n:SELECT 1@1 / n:SELECT 2@1\nb_up.sql n:SELECT 3@1 / n:SELECT 4@1",
    );
    check_file(
        &[("s/migration.sql", "SELECT 1"), ("s/rollback.sql", "SELECT 2")],
        "plain-sql\nmigration.sql n:SELECT 1@1 / n:SELECT 2@1",
    );
    check_file(
        &[("m/up.sql", "SELECT 1"), ("m/down.sql", "SELECT 2")],
        "plain-sql\nup.sql n:SELECT 1@1 / n:SELECT 2@1",
    );
    check_file(
        &[("m/cleanup.sql", "SELECT 1"), ("m/down.sql", "SELECT 2")],
        "plain-sql\ncleanup.sql n:SELECT 1@1",
    );
    check_file(&[("s/notes.txt", "SELECT 1")], "plain-sql\nnotes.txt n:SELECT 1@1");
}

#[test]
fn flyway() {
    check(
        &[
            ("sql/V10__j.sql", "SELECT 10"),
            ("sql/V1_2__b.sql", "CREATE INDEX CONCURRENTLY i ON t (a)"),
            ("sql/V1.10__c.sql", "SELECT 1; SELECT 2"),
            ("sql/V2__conf.sql", "SELECT 2"),
            ("sql/V2__conf.sql.conf", "# own\nexecuteInTransaction=false\n"),
            ("sql/U10__undo.sql", "SELECT -10"),
            ("sql/R__b view.sql", "SELECT 'b'"),
            ("sql/R__a.sql", "SELECT 'a'"),
            ("sql/afterMigrate.sql", "SELECT 'after'"),
            ("sql/B5__all.sql", "SELECT 'all'"),
        ],
        "flyway\n1_2 n:CREATE INDEX CONCURRENTLY i ON t (a)@1\n1.10 s:SELECT 1@1, SELECT 2@1\n2 n:SELECT 2@1\n\
         10 s:SELECT 10@1 / s:SELECT -10@1\nR__a s:SELECT 'a'@1\nR__b view s:SELECT 'b'@1",
    );
    check_refused(
        &[(
            "V1__m.sql",
            "SET lock_timeout = 0;\nCREATE INDEX CONCURRENTLY i ON t (a);",
        )],
        None,
        "V1__m.sql:2: Flyway refuses a file that mixes this statement, which cannot run in a transaction, with others that can\n\
         put it into a file of its own; where flyway.mixed=true is set, read it with --format-of plain-sql",
    );
    check_refused(
        &[("V1__a.sql", "SELECT 1"), ("V1.0__b.sql", "SELECT 1")],
        None,
        "V1.0__b.sql:1: flyway refuses two migrations of version 1.0: the other is V1__a.sql",
    );
    check_remarks(
        &[
            ("V1__a.sql", "SELECT 1"),
            ("afterMigrate.sql", "SELECT 1"),
            ("B1__b.sql", "SELECT 1"),
        ],
        &["also those of refinery", "afterMigrate.sql, B1__b.sql"],
    );
}

#[test]
fn refinery() {
    check(
        &[("V10__b.sql", "SELECT 10; SELECT 11;"), ("U2__a.sql", "SELECT 2")],
        "refinery\n2 s:SELECT 2@1\n10 s:[SELECT 10@1;SELECT 11@1]",
    );
}

#[test]
fn golang_migrate() {
    check(
        &[
            ("10_b.down.sql", "SELECT -10"),
            ("10_b.up.sql", "SELECT 10;\r\nSELECT 11;\r\n"),
            ("2_a.up.sql", "CREATE INDEX CONCURRENTLY i ON t (a);"),
        ],
        "golang-migrate\n2 n:CREATE INDEX CONCURRENTLY i ON t (a)@1\n10 n:[SELECT 10@1;SELECT 11@2] / n:SELECT -10@1",
    );
    check_refused(
        &[("1_a.up.sql", "SELECT 1"), ("01_b.up.sql", "SELECT 1")],
        None,
        "01_b.up.sql:1: golang-migrate refuses two migrations of version 01: the other is 1_a.up.sql",
    );
    check_file(
        &[("m/1_a.up.sql", "SELECT 1"), ("m/1_a.down.sql", "SELECT 2")],
        "golang-migrate\n1 n:SELECT 1@1 / n:SELECT 2@1",
    );
    // A way back that is named is what runs.
    check_file(
        &[("m/1_a.down.sql", "SELECT 2; SELECT 3"), ("m/1_a.up.sql", "SELECT 1")],
        "golang-migrate\n1_a.down.sql n:[SELECT 2@1;SELECT 3@1]",
    );
}

#[test]
fn sqlx() {
    check(
        &[
            (
                "20240101_a.sql",
                "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON t (a);",
            ),
            ("20240102_b.up.sql", "SELECT 1; SELECT 2;"),
            ("20240102_b.down.sql", "SELECT 3"),
            ("20240103_c.sql", "-- why\n-- no-transaction\nSELECT 4"),
        ],
        "sqlx\n20240101 n:CREATE INDEX CONCURRENTLY i ON t (a)@2\n20240102 s:[SELECT 1@1;SELECT 2@1] / s:SELECT 3@1\n20240103 s:SELECT 4@3",
    );
    check(
        &[
            ("1_a.up.sql", "-- no-transaction\nSELECT 1"),
            ("1_a.down.sql", "SELECT 2"),
        ],
        "sqlx\n1 n:SELECT 1@2 / s:SELECT 2@1",
    );
}

#[test]
fn diesel_and_prisma() {
    check(
        &[
            ("2024-01-02-000000_b/up.sql", "SELECT 2; SELECT 3"),
            ("2024-01-02-000000_b/down.sql", "SELECT -2"),
            ("2024-01-01-000000_a/up.sql", "SELECT 1"),
            ("2024-01-01-000000_a/down.sql", "SELECT -1"),
            ("2024-01-01-000000_a/metadata.toml", "run_in_transaction = false\n"),
        ],
        "diesel\n2024-01-01-000000 n:SELECT 1@1 / n:SELECT -1@1\n2024-01-02-000000 s:[SELECT 2@1;SELECT 3@1] / s:SELECT -2@1",
    );
    check_refused(
        &[
            ("1_a/up.sql", "SELECT 1"),
            ("1_a/metadata.toml", "run_in_transaction = \n"),
        ],
        None,
        "1_a/metadata.toml:1: string values must be quoted, expected literal string",
    );
    check_file(
        &[("1_a/up.sql", "SELECT 1"), ("1_a/down.sql", "SELECT 2")],
        "diesel\n1 s:SELECT 1@1 / s:SELECT 2@1",
    );
    check(
        &[
            ("20240102_b/migration.sql", "SELECT 2;\nSELECT 3;"),
            ("20240101_a/migration.sql", "SELECT 1"),
            ("migration_lock.toml", "-"),
        ],
        "prisma\n20240101 n:SELECT 1@1\n20240102 n:[SELECT 2@1;SELECT 3@2]",
    );
}

#[test]
fn goose() {
    check(
        &[
            (
                "00002_b.sql",
                "\u{feff}-- +goose Up\r\nSELECT 1; SELECT 2; -- both\r\n\r\n-- +goose StatementBegin\r\nSELECT 3;\r\nSELECT 4;\r\n\
                 -- +goose StatementEnd\r\n-- +goose Down\r\n-- first\r\nSELECT\r\n5;\r\n",
            ),
            (
                "1_a.sql",
                "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (a);\n\n-- +goose Down\nDROP INDEX i;\n",
            ),
        ],
        "goose\n1 n:CREATE INDEX CONCURRENTLY i ON t (a)@3 / n:DROP INDEX i@6\n\
         00002 s:[SELECT 1@2;SELECT 2@2], [SELECT 3@5;SELECT 4@6] / s:SELECT 5@10",
    );
    let body = "-- +goose Up\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN\n  RETURN 1;\nEND $$;\n";
    check_refused(
        &[("1_a.sql", body)],
        None,
        "1_a.sql:2:53: dollar-quoted string is never closed\ngoose ends a statement at each line that ends with ;: put its \
         markers StatementBegin and StatementEnd around this one",
    );
    let held = body.replace("CREATE", "-- +goose StatementBegin\nCREATE") + "-- +goose StatementEnd\n";
    check(
        &[("1_a.sql", &held)],
        "goose\n1 s:CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$@3",
    );
    for (text, expected) in [
        (
            "-- +goose Down\nSELECT 1;\n-- +goose Up\nSELECT 2;",
            "1: goose wants -- +goose Up before -- +goose Down",
        ),
        (
            "SELECT 0;\n-- +goose Up\nSELECT 1;",
            "1: goose wants -- +goose Up before the first statement",
        ),
        (
            "-- +goose Up\nSELECT 1;\n-- +goose Up",
            "3: goose refuses the same direction twice in a file",
        ),
        (
            "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;",
            "2: goose finds no StatementEnd for this StatementBegin",
        ),
        (
            "-- +goose Up\n-- +goose Upwards",
            "2: goose does not know the marker Upwards",
        ),
        (
            "-- +goose Up\nSELECT 1\n-- +goose Down\n",
            "2: goose finds no end of this statement\nend it with ; at the end of a line, or put StatementBegin and StatementEnd around it",
        ),
    ] {
        check_refused(&[("1_a.sql", text)], Some(Tool::Goose), &format!("1_a.sql:{expected}"));
    }
}

#[test]
fn sql_migrate() {
    check(
        &[
            (
                "2-b.sql",
                "\n-- +migrate Up notransaction\nVACUUM;\n-- +migrate Down\n-- +migrate StatementBegin\nDO $$ BEGIN\n  NULL;\nEND $$;\n-- +migrate StatementEnd\n",
            ),
            (
                "10-a.sql",
                "-- +migrate Down\nSELECT 1;\n-- +migrate Up\nSELECT 2;\nSELECT 3;\n",
            ),
        ],
        "sql-migrate\n2 n:VACUUM@3 / s:DO $$ BEGIN NULL; END $$@6\n10 s:SELECT 2@4, SELECT 3@5 / s:SELECT 1@2",
    );
}

#[test]
fn dbmate() {
    check(
        &[
            (
                "20240102_b.sql",
                "-- what it does\n-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON t (a);\n-- migrate:down\nSELECT 1; SELECT 2;\n\
                 -- migrate:up\nSELECT 3;\n--migrate:down\n",
            ),
            ("20240101_a.sql", "-- migrate:up\r\nSELECT 0;\r\n"),
            ("schema.sql", "-- PostgreSQL database dump\n"),
        ],
        "dbmate\n20240101 s:SELECT 0@2\n20240102 n:CREATE INDEX CONCURRENTLY i ON t (a)@3 / s:[SELECT 1@5;SELECT 2@5]\n20240102 s:SELECT 3@7 / n:",
    );
    check_refused(
        &[("1_a.sql", "-- migrate:down\nSELECT 1;\n-- migrate:up\n")],
        None,
        "1_a.sql:1: dbmate wants -- migrate:up before each -- migrate:down",
    );
    check_refused(
        &[("1_a.sql", "SELECT 1;\n-- migrate:up\n")],
        None,
        "1_a.sql:1: dbmate wants -- migrate:up before the first statement",
    );
    // dbmate looks for its markers line by line, also inside of strings.
    check_refused(
        &[(
            "1_a.sql",
            "-- migrate:up\nDO $$ BEGIN\n-- migrate:down\nNULL; END $$;\n",
        )],
        None,
        "1_a.sql:2:4: dollar-quoted string is never closed",
    );
}

#[test]
fn tern() {
    check(
        &[
            (
                "001_a.sql",
                "SELECT 1; SELECT 2;\n---- create above / drop below ----\nSELECT 3;\n",
            ),
            ("002_b.sql", "---- tern: disable-tx ----\nSELECT 4; SELECT 5;"),
        ],
        "tern\n001 s:[SELECT 1@1;SELECT 2@1] / s:SELECT 3@3\n002 n:SELECT 4@2, SELECT 5@2",
    );
    check_refused(
        &[
            ("001_a.sql", "SELECT 1"),
            ("003_c.sql", "SELECT 3\n---- create above / drop below ----\n"),
        ],
        None,
        "003_c.sql:1: tern wants a migration 002 before this one",
    );
}

#[test]
fn node_pg_migrate() {
    check(
        &[
            (
                "1700000000000_b.sql",
                "-- Up Migration\nSELECT 1; SELECT 2;\n-- Down Migration\nSELECT 3;",
            ),
            (
                "20200101000000000_a.sql",
                "  ---- down migration\nSELECT 4;\n-- up migration\nSELECT 5;",
            ),
            ("1700000000001_c.sql", "SELECT 6"),
        ],
        "node-pg-migrate\n20200101000000000 p:SELECT 5@4 / p:SELECT 4@2\n1700000000000 p:[SELECT 1@2;SELECT 2@2] / p:SELECT 3@4\n\
         1700000000001 p:SELECT 6@1",
    );
}

#[test]
fn graphile_migrate() {
    let header = "--! Previous: -\n--! Hash: sha1:1\n\n";
    check(
        &[
            ("current.sql", "SELECT 3"),
            ("committed/000002.sql", &format!("{header}--! no-transaction\nVACUUM;")),
            ("committed/000001-init.sql", &format!("{header}SELECT 1; SELECT 2;")),
        ],
        "graphile-migrate\n000001 s:[SELECT 1@4;SELECT 2@4]\n000002 n:VACUUM@5\ncurrent.sql s:SELECT 3@1",
    );
}

#[test]
fn atlas() {
    check(
        &[
            (
                "20240102.sql",
                "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY i ON t (a);",
            ),
            (
                "20240103_c.sql",
                "-- atlas:delimiter \\n\\n\\n\nDO $$ BEGIN NULL; END $$\n\n\nSELECT 5;\nSELECT 6;\n",
            ),
            ("20240101_a.sql", "SELECT 1; SELECT 2;"),
            ("atlas.sum", "-"),
        ],
        "atlas\n20240101 s:SELECT 1@1, SELECT 2@1\n20240102 n:CREATE INDEX CONCURRENTLY i ON t (a)@3\n\
         20240103 s:DO $$ BEGIN NULL; END $$@2, [SELECT 5@5;SELECT 6@6]",
    );
}

#[test]
fn liquibase() {
    check(
        &[(
            "changes/a.sql",
            "--liquibase formatted sql\n\n--changeset ann:1 context:test\n--comment why\nSELECT 1;\nSELECT 2;\n--rollback SELECT 3;\n\
             -- rollback SELECT\n-- rollback 4;\n-- changeset bob:two runInTransaction:false splitStatements:false\nSELECT 5; SELECT 6;\n\
             --rollback empty\n--changeset c:3 endDelimiter:/\nDO $$ BEGIN\n NULL; END $$\n/\nSELECT 7\n/\n/* liquibase rollback\nSELECT 8;\n*/\n\
             --changeset d:4 dbms:mysql\nSELECT `x`;\n",
        )],
        "liquibase\n1 s:SELECT 1@5, SELECT 2@6 / s:SELECT 3@7, SELECT 4@8\ntwo n:[SELECT 5@11;SELECT 6@11]\n\
         3 s:DO $$ BEGIN NULL; END $$@14, SELECT 7@17 / s:SELECT 8@20",
    );
    check_refused(
        &[("a.sql", "-- liquibase formatted sql\nSELECT 1;")],
        None,
        "a.sql:2: Liquibase wants --changeset author:id before the first statement",
    );
}

#[test]
fn drizzle() {
    let journal = r#"{"version":"7","dialect":"postgresql","entries":[{"idx":1,"when":2,"tag":"0001_b","breakpoints":true},
        {"idx":0,"when":1,"tag":"0000_a","breakpoints":true}]}"#;
    check(
        &[
            ("0000_a.sql", "SELECT 1;--> statement-breakpoint\nSELECT 2;\nSELECT 3;"),
            ("0001_b.sql", "SELECT 4"),
            ("meta/_journal.json", journal),
            ("meta/0000_snapshot.json", "-"),
        ],
        "drizzle\n0000 p:SELECT 1@1, [SELECT 2@2;SELECT 3@3]\n0001 p:SELECT 4@1",
    );
    check_refused(
        &[("0000_a.sql", "SELECT 1"), ("meta/_journal.json", journal)],
        None,
        "meta/_journal.json:1: the journal names 0001_b.sql, which is not there",
    );
    check(
        &[
            ("20240101_a/migration.sql", "SELECT 1"),
            ("20240101_a/snapshot.json", "-"),
        ],
        "drizzle\n20240101 p:SELECT 1@1",
    );
}

#[test]
fn what_a_person_says_overrides() {
    let history = read(
        "dir",
        files(&[("1_a.sql", "SELECT 1; SELECT 2")]),
        Place::Directory,
        Some(Tool::Sqlx),
    );
    assert_eq!(written(&history.expect("reads")), "sqlx\n1 s:[SELECT 1@1;SELECT 2@1]");
    check_refused(
        &[("a.sql", "SELECT 1")],
        Some(Tool::Sqlx),
        "dir: there is no migration of sqlx in it\n--format-of says whose files these are; without it they are recognised by \
         their names and markers",
    );
    check_remarks(&[("1_a.sql", "SELECT 1")], &["also those of sqlx, tern and Atlas"]);
}

#[test]
fn batch_placeholders_are_for_nobody_but_migtime() {
    check(
        &[(
            "V1__a.sql",
            "ALTER TABLE t ADD COLUMN x int;\nUPDATE t SET x = 1 WHERE id BETWEEN <batch_start> AND <batch_end>;",
        )],
        "flyway\n1 n:ALTER TABLE t ADD COLUMN x int@1, UPDATE t SET x = 1 WHERE id BETWEEN <batch_start> AND <batch_end>@2",
    );
}

#[test]
fn what_is_no_history_is_said() {
    check_refused(
        &[("20240101_a.rb", "-")],
        None,
        "20240101_a.rb is a program in Ruby, which is not read as a migration\nrun the tool itself: --exec 'bin/rails db:migrate'",
    );
    check_refused(
        &[("__init__.py", "-"), ("0001_initial.py", "-")],
        None,
        "0001_initial.py is a program in Python, which is not read as a migration\ngenerate their SQL (manage.py sqlmigrate APP \
         NAME, or alembic upgrade --sql), or run the tool itself with --exec",
    );
    check_refused(
        &[("db.changelog-master.yaml", "-")],
        None,
        "db.changelog-master.yaml: of Liquibase only formatted SQL is read\nlet it write the SQL: liquibase update-sql",
    );
    check_refused(
        &[("README.md", "-")],
        None,
        "dir: there is no .sql file in it\nname a file of SQL, or the directory of a tool's migrations",
    );
    check_refused(
        &[("app/a.sql", "SELECT 1")],
        None,
        "dir: no .sql file lies directly in it\nname the directory that holds the migrations, perhaps dir/app",
    );
    check_refused(
        &[("1_a.sql", "-- +goose Up\n"), ("2_b.sql", "-- migrate:up\n")],
        None,
        "1_a.sql looks like goose, 2_b.sql like dbmate\nsay with --format-of which tool runs them",
    );
    check_refused(
        &[("structure.sql", "--\n-- PostgreSQL database dump\n--\n")],
        None,
        "structure.sql:2:1: this is a PostgreSQL database dump, not a migration\ngive the file that changes the schema or the data",
    );
    check_refused(
        &[("1_a.sql", "-- migrate:up\n\\i b.sql\n")],
        None,
        "1_a.sql:2: \\i and \\ir are commands of psql, which dbmate does not know",
    );
    check_remarks(
        &[("1_a.sql", "-- +goose Up\n"), ("2_b.go", "-"), ("seed.sql", "SELECT 1")],
        &["does not run them as migrations: seed.sql", "they are programs: 2_b.go"],
    );
}

#[test]
fn transactions_and_messages_are_numbered_through_a_history() {
    let named = [
        ("0_a.sql", "-- migrate:up\nSELECT 1;\n"),
        ("1_b.sql", "-- migrate:up transaction:false\nSELECT 2; SELECT 3;\n"),
        ("2_c.sql", "-- migrate:up\n-- nothing\n"),
        ("3_d.sql", "-- migrate:up\nSELECT 4; SELECT 5;\n"),
    ];
    let history = read("dir", files(&named), Place::Directory, None).expect("reads");
    let scripts = Scripts {
        tool: history.tool,
        scripts: history.migrations.iter().map(|migration| &migration.up).collect(),
    };
    let statements = scripts
        .statements(&mut |_| panic!("nothing is included"))
        .expect("parses");
    let found: Vec<_> = statements
        .iter()
        .map(|statement| {
            (
                statement.number,
                statement.sending.transaction,
                statement.sending.message,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (1, Some(1), None),
            (2, None, Some(1)),
            (3, None, Some(1)),
            (4, Some(2), Some(2)),
            (5, Some(2), Some(2))
        ]
    );
}
