//! Tools that give the order and the rollback by file names.

use super::*;

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
        "V1__m.sql:2: Flyway refuses a file that mixes this statement, which cannot run in a transaction, with others \
         that can\n\
         put it into a file of its own; where flyway.mixed=true is set, read it with --format-of plain-sql",
    );
    check_refused(
        &[("V1__a.sql", "SELECT 1"), ("V1.0__b.sql", "SELECT 1")],
        None,
        "V1.0__b.sql:1: flyway refuses two migrations of version 1.0: the other is V1__a.sql",
    );
    check(
        &[
            ("V1__a.sql", "SELECT 1"),
            ("beforeEachMigrate.sql", "SET search_path = app"),
            ("afterEachMigrate__x.sql", "SELECT 9"),
        ],
        "flyway\n1 s:SET search_path = app@1, SELECT 1@1, SELECT 9@1",
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
    // If a rollback is named, it is what runs.
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
        "sqlx\n20240101 n:CREATE INDEX CONCURRENTLY i ON t (a)@2\n20240102 s:[SELECT 1@1;SELECT 2@1] / s:SELECT \
         3@1\n20240103 s:SELECT 4@3",
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
        "diesel\n2024-01-01-000000 n:SELECT 1@1 / n:SELECT -1@1\n2024-01-02-000000 s:[SELECT 2@1;SELECT 3@1] / \
         s:SELECT -2@1",
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
        "prisma\n20240101 n:SELECT 1@1\n20240102 n:SELECT 2@1, SELECT 3@2",
    );
}

#[test]
fn drizzle() {
    let journal = r#"{"version":"7","dialect":"postgresql","entries":[
        {"idx":1,"when":2,"tag":"0001_b","breakpoints":true},
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
    // A directive counts only if an empty line follows the comments at the head.
    check(
        &[
            ("1_a.sql", "-- atlas:txmode none\nSELECT 1;"),
            ("2_b.sql", "-- atlas:txmode none\r\n\r\nSELECT 2;"),
            ("3_c.sql", "-- why\n-- atlas:txmode none\n\nSELECT 3;"),
            ("atlas.sum", "-"),
        ],
        "atlas\n1 s:SELECT 1@2\n2 s:SELECT 2@3\n3 n:SELECT 3@4",
    );
    // An empty database begins with the last checkpoint.
    check(
        &[
            ("1_a.sql", "SELECT 1;"),
            ("2_all.sql", "-- atlas:checkpoint\n\nSELECT 2;"),
            ("3_c.sql", "SELECT 3;"),
            ("atlas.sum", "-"),
        ],
        "atlas\n2 s:SELECT 2@3\n3 s:SELECT 3@1",
    );
    // Atlas also keeps the sum of directories in other forms.
    check(
        &[
            ("1_a.up.sql", "SELECT 1"),
            ("1_a.down.sql", "SELECT 2"),
            ("atlas.sum", "-"),
        ],
        "golang-migrate\n1 n:SELECT 1@1 / n:SELECT 2@1",
    );
}

#[test]
fn prisma_before_7_4_sends_a_script_whole() {
    let mut history = read(
        "dir",
        files(&[("1_a/migration.sql", "SELECT 1; SELECT 2;")]),
        NamedAs::Directory,
        None,
    )
    .expect("reads");
    for (version, expected) in [
        ("7.4.0", "prisma\n1 n:SELECT 1@1, SELECT 2@1"),
        ("7.3.0", "prisma\n1 n:[SELECT 1@1;SELECT 2@1]"),
    ] {
        history.as_of_version(version);
        assert_eq!(written(&history), expected);
    }
}

#[test]
fn supabase() {
    let file = |path: &str, text: &str| SourceFile {
        name: format!("supabase/migrations/{path}"),
        path: path.to_owned(),
        text: Some(text.into()),
    };
    let named = vec![
        file("2_b.sql", "-- supabase:disable-transaction\nSELECT 2; SELECT 3;"),
        file("1_a.sql", "SELECT 1"),
    ];
    let history = read("dir", named, NamedAs::Directory, None).expect("reads");
    assert_eq!(
        written(&history),
        "supabase\n1 n:SELECT 1@1\n2 n:[SELECT 2@2;SELECT 3@2]"
    );
}

#[test]
fn tools_that_are_not_read_are_named() {
    fn check(named: &[(&str, &str)], expected: &str) {
        let error = read("dir", files(named), NamedAs::Directory, None).expect_err(expected);
        assert!(error.message().contains(expected), "{error}");
        assert!(error.hint().is_some(), "{error}");
    }
    check(
        &[("sqitch.plan", "-"), ("deploy/a.sql", "SELECT 1")],
        "project of Sqitch",
    );
    check(
        &[("deploy/a.sql", ""), ("revert/a.sql", ""), ("verify/a.sql", "")],
        "project of Sqitch",
    );
    check(
        &[("1_a.autocommit.up.sql", "SELECT 1"), ("2_b.up.sql", "SELECT 2")],
        "that of pop (soda)",
    );
    check(
        &[("1_a.mysql.up.sql", "SELECT 1"), ("1_a.postgres.up.sql", "SELECT 2")],
        "that of pop (soda) and popx",
    );
    check(
        &[("1_a.sql", "-- postgres-migrations disable-transaction\nSELECT 1")],
        "of postgres-migrations",
    );
    check(
        &[
            ("0001.a.sql", "-- depends:\nSELECT 1"),
            ("0001.a.rollback.sql", "SELECT 2"),
        ],
        "of yoyo",
    );
    check(&[("01_a.json", "-")], "of pgroll");
    check(&[("1_a.toml", "-")], "of reshape");
}
