//! Tools whose files separate the directions by markers.

use super::*;

#[test]
fn goose() {
    check(
        &[
            (
                "00002_b.sql",
                "\u{feff}-- +goose Up\r\nSELECT 1; SELECT 2; -- both\r\n\r\n-- +goose StatementBegin\r\nSELECT \
                 3;\r\nSELECT 4;\r\n\
                 -- +goose StatementEnd\r\n-- +goose Down\r\n-- first\r\nSELECT\r\n5;\r\n",
            ),
            (
                "1_a.sql",
                "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (a);\n\n-- +goose Down\nDROP \
                 INDEX i;\n",
            ),
        ],
        "goose\n1 n:CREATE INDEX CONCURRENTLY i ON t (a)@3 / n:DROP INDEX i@6\n\
         00002 s:[SELECT 1@2;SELECT 2@2], [SELECT 3@5;SELECT 4@6] / s:SELECT 5@10",
    );
    let body = "-- +goose Up\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN\n  RETURN 1;\nEND $$;\n";
    check_refused(
        &[("1_a.sql", body)],
        None,
        "1_a.sql:2:53: dollar-quoted string is never closed\ngoose ends a statement at each line that ends with ;: put \
         its markers StatementBegin and StatementEnd around this one",
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
            "2: goose finds no end of this statement\nend it with ; at the end of a line, or put StatementBegin and \
             StatementEnd around it",
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
                "\n-- +migrate Up notransaction\nVACUUM;\n-- +migrate Down\n-- +migrate StatementBegin\nDO $$ BEGIN\n  \
                 NULL;\nEND $$;\n-- +migrate StatementEnd\n",
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
                "-- what it does\n-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON t (a);\n-- \
                 migrate:down\nSELECT 1; SELECT 2;\n\
                 -- migrate:up\nSELECT 3;\n--migrate:down\n",
            ),
            ("20240101_a.sql", "-- migrate:up\r\nSELECT 0;\r\n"),
            ("schema.sql", "-- PostgreSQL database dump\n"),
        ],
        "dbmate\n20240101 s:SELECT 0@2\n20240102 n:CREATE INDEX CONCURRENTLY i ON t (a)@3 / s:[SELECT 1@5;SELECT \
         2@5]\n20240102 s:SELECT 3@7 / n:",
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
    // dbmate looks for its markers line by line, even inside strings.
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
        "node-pg-migrate\n20200101000000000 p:SELECT 5@4 / p:SELECT 4@2\n1700000000000 p:[SELECT 1@2;SELECT 2@2] / \
         p:SELECT 3@4\n\
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
    check(
        &[(
            "committed/000001.sql",
            "--! Previous: -\nALTER SCHEMA s OWNER TO :DATABASE_OWNER;",
        )],
        "graphile-migrate\n000001 s:ALTER SCHEMA s OWNER TO CURRENT_USER@2",
    );
}

#[test]
fn liquibase() {
    check(
        &[(
            "changes/a.sql",
            "--liquibase formatted sql\n\n--changeset ann:1 context:test\n--comment why\nSELECT 1;\nSELECT \
             2;\n--rollback SELECT 3;\n\
             -- rollback SELECT\n-- rollback 4;\n-- changeset bob:two runInTransaction:false \
             splitStatements:false\nSELECT 5; SELECT 6;\n\
             --rollback empty\n--changeset c:3 endDelimiter:/\nDO $$ BEGIN\n NULL; END $$\n/\nSELECT 7\n/\n/* \
             liquibase rollback\nSELECT 8;\n*/\n\
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
    let function = "CREATE FUNCTION f() RETURNS int AS $$\nBEGIN\n  IF true THEN RETURN 1; END IF;\n  RETURN 2;\n\
                    END\n$$ LANGUAGE plpgsql;\n";
    check_refused(
        &[(
            "a.sql",
            &format!("--liquibase formatted sql\n--changeset a:1\n{function}"),
        )],
        None,
        "a.sql:3:36: dollar-quoted string is never closed\nLiquibase cuts statements at ; and does not know dollar \
         quotes: give the changeset splitStatements:false, or another endDelimiter",
    );
    check(
        &[(
            "a.sql",
            "--liquibase formatted sql\n--changeset a:1\nSELECT 'a;b'; /* ; */ SELECT \";\"; -- ;\nSELECT 3",
        )],
        "liquibase\n1 s:SELECT 'a;b'@3, SELECT \";\"@3, SELECT 3@4",
    );
}
