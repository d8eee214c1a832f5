//! Rules for the histories of all tools: how the tool is chosen, what is refused, how transactions are numbered.

use super::*;

#[test]
fn what_a_person_says_overrides() {
    let history = read(
        "dir",
        files(&[("1_a.sql", "SELECT 1; SELECT 2")]),
        NamedAs::Directory,
        Some(Tool::Sqlx),
    );
    assert_eq!(written(&history.expect("reads")), "sqlx\n1 s:[SELECT 1@1;SELECT 2@1]");
    check_refused(
        &[("a.sql", "SELECT 1")],
        Some(Tool::Sqlx),
        "dir: there is no migration of sqlx in it\n--format-of says whose files these are; without it they are \
         recognised by their names and markers",
    );
    check_remarks(&[("1_a.sql", "SELECT 1")], &["also those of sqlx, tern and Atlas"]);
}

#[test]
fn a_file_beside_a_migration_is_none() {
    for (beside, migration, told) in [
        ("1_a/down.sql", "2_b/up.sql", Tool::Diesel),
        ("V1__a.sql.conf", "V1__a.sql", Tool::Flyway),
        ("x/y.sql", "x/1_a.up.sql", Tool::GolangMigrate),
    ] {
        let named = files(&[(beside, ""), (migration, "SELECT 1;")]);
        let error = read(beside, named, NamedAs::File, Some(told)).expect_err(beside);
        assert!(
            error.message().starts_with(beside) && error.message().ends_with("does not run this file"),
            "{error}"
        );
    }
}

#[test]
fn batch_placeholders_are_for_nobody_but_migtime() {
    check(
        &[(
            "V1__a.sql",
            "ALTER TABLE t ADD COLUMN x int;\nUPDATE t SET x = 1 WHERE id BETWEEN <batch_start> AND <batch_end>;",
        )],
        "flyway\n1 n:ALTER TABLE t ADD COLUMN x int@1, UPDATE t SET x = 1 WHERE id BETWEEN <batch_start> AND \
         <batch_end>@2",
    );
}

#[test]
fn what_is_no_history_is_said() {
    check_refused(
        &[("20240101_a.rb", "-")],
        None,
        "20240101_a.rb is a program in Ruby, which is not read as a migration\nrun the tool itself: --exec 'bin/rails \
         db:migrate'",
    );
    check_refused(
        &[("__init__.py", "-"), ("0001_initial.py", "-")],
        None,
        "0001_initial.py is a program in Python, which is not read as a migration\ngenerate their SQL (manage.py \
         sqlmigrate APP NAME, or alembic upgrade --sql), or run the tool itself with --exec",
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
    let history = read("dir", files(&named), NamedAs::Directory, None).expect("reads");
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

#[test]
fn a_stray_file_does_not_change_whose_directory_it_is() {
    let diesel = [("1_a/up.sql", "SELECT 1"), ("1_a/down.sql", "SELECT 2")];
    check(
        &[diesel[0], diesel[1], ("by_hand.sql", "SELECT 3")],
        "diesel\n1 s:SELECT 1@1 / s:SELECT 2@1",
    );
    let flyway = [
        ("V2__b.sql", "SELECT 2"),
        ("V10__c.sql", "SELECT 10"),
        ("helper.sql", "SELECT 3"),
    ];
    check(&flyway, "flyway\n2 s:SELECT 2@1\n10 s:SELECT 10@1");
    check(
        &[
            ("1_a/migration.sql", "SELECT 1"),
            ("2_b/migration.sql", "SELECT 2"),
            ("0001_seed.sql", "SELECT 3"),
        ],
        "prisma\n1 n:SELECT 1@1\n2 n:SELECT 2@1",
    );
    check(
        &[
            ("1_a.up.sql", "SELECT 1"),
            ("1_a.down.sql", "SELECT 2"),
            ("seed.sql", "SELECT 3"),
        ],
        "golang-migrate\n1 n:SELECT 1@1 / n:SELECT 2@1",
    );
    check_remarks(
        &flyway,
        &[
            "also those of refinery",
            "flyway does not run them as migrations: helper.sql",
        ],
    );
    check_refused(
        &[("V1__a.sql", "SELECT 1"), ("0002_b.sql", "SELECT 2")],
        None,
        "dir: as many files are named like V1__a.sql as like 0002_b.sql, so it is not clear whose they are\nsay with \
         --format-of which tool runs them, or move the others elsewhere",
    );
}

#[test]
fn what_is_left_out_is_named() {
    fn check(named: &[(&str, &str)], expected: &[(&str, Option<&str>, bool)]) {
        let history = read("dir", files(named), NamedAs::Directory, None).expect("reads");
        let left = history.left_out.iter();
        let left: Vec<_> = left
            .map(|left| (left.path.as_str(), left.language, left.is_like_a_migration))
            .collect();
        assert_eq!(left, expected);
    }
    check(
        &[
            ("1_a.sql", "-- +goose Up\n"),
            ("2_b.go", "-"),
            ("2_b_test.go", "-"),
            ("embed.go", "-"),
            ("seed.sql", "SELECT 1"),
        ],
        &[("2_b.go", Some("Go"), true), ("seed.sql", None, false)],
    );
    check(
        &[
            ("db/V1__a.sql", "SELECT 1"),
            ("db/V2__b.java", "-"),
            ("db/R__c.kt", "-"),
            ("db/Helper.java", "-"),
        ],
        &[
            ("db/V2__b.java", Some("Java"), true),
            ("db/R__c.kt", Some("Kotlin"), true),
        ],
    );
    check(
        &[
            ("1_a/migration.sql", "SELECT 1"),
            ("1_a/data.ts", "-"),
            ("1_a/types.d.ts", "-"),
        ],
        &[("1_a/data.ts", Some("TypeScript"), true)],
    );
    check(
        &[
            ("1_a.up.sql", ""),
            ("1_a.down.sql", ""),
            ("2_b.down.sql", ""),
            ("README.sql", ""),
        ],
        &[("2_b.down.sql", None, true), ("README.sql", None, false)],
    );
}

#[test]
fn a_dump_does_not_hide_tables_from_the_files_behind_it() {
    let dump = "SELECT pg_catalog.set_config('search_path', '', false);";
    let sent = |tool: Tool, names: [&str; 2]| {
        let named = files(&[(names[0], dump), (names[1], "SELECT 2;")]);
        let history = read("dir", named, NamedAs::Directory, Some(tool)).expect("reads");
        let scripts = Scripts {
            tool,
            scripts: history.migrations.iter().map(|migration| &migration.up).collect(),
        };
        let statements = scripts
            .statements(&mut |_| panic!("nothing is included"))
            .expect("parses");
        statements
            .iter()
            .map(|statement| statement.sql.clone())
            .collect::<Vec<_>>()[1..]
            .join("; ")
    };
    assert_eq!(
        sent(Tool::Flyway, ["V1__a.sql", "V2__b.sql"]),
        "RESET search_path; SELECT 2"
    );
    assert_eq!(
        sent(Tool::PlainSql, ["1_a.sql", "2_b.sql"]),
        "RESET search_path; SELECT 2"
    );
    assert_eq!(sent(Tool::GolangMigrate, ["1_a.up.sql", "2_b.up.sql"]), "SELECT 2");
}
