//! No nesting in a file overflows the program's stack: the file is read, or refused with the position.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Output;

use crate::support;

/// Deeper than any stack allows, and much deeper.
const DEPTHS: [usize; 2] = [50_000, 100_000];

/// A statement nested `depth` levels.
type Nested = fn(usize) -> String;

fn around(before: &str, opening: &str, inside: &str, closing: &str, depth: usize) -> String {
    format!("{before}{}{inside}{}", opening.repeat(depth), closing.repeat(depth))
}

/// Nested constructs without parentheses, or with one only per level.
const CONSTRUCTS: [(&str, Nested); 26] = [
    ("parentheses", |depth| around("SELECT ", "(", "1", ")", depth)),
    ("parentheses that stay open", |depth| {
        around("SELECT ", "(", "", "", depth)
    }),
    ("calls", |depth| around("SELECT ", "f(", "1", ")", depth)),
    ("arrays", |depth| around("SELECT ", "ARRAY[", "1", "]", depth)),
    ("subscripts in subscripts", |depth| {
        around("SELECT a", "[a", "", "]", depth)
    }),
    ("CASE in its condition", |depth| {
        around("SELECT ", "CASE WHEN ", "true", " THEN 1 END", depth)
    }),
    ("CASE in its result", |depth| {
        around("SELECT ", "CASE WHEN true THEN ", "1", " END", depth)
    }),
    ("CASE that stays open", |depth| {
        around("SELECT ", "CASE WHEN a, ", "", "", depth)
    }),
    ("CASE that another level ends", |depth| {
        around("SELECT ", "(CASE ) ", "", "", depth)
    }),
    ("NOT", |depth| around("SELECT ", "NOT ", "true", "", depth)),
    ("signs", |depth| around("SELECT ", "- ", "1", "", depth)),
    ("sums", |depth| around("SELECT 1", " + 1", "", "", depth)),
    ("concatenation", |depth| around("SELECT a", "||a", "", "", depth)),
    ("arrows", |depth| around("SELECT a", "->'b'", "", "", depth)),
    ("casts", |depth| around("SELECT a", "::int", "", "", depth)),
    ("conditions", |depth| {
        around("UPDATE t SET a = 1 WHERE b", " OR b = 1", "", "", depth)
    }),
    ("queries in FROM", |depth| {
        around("SELECT * FROM ", "(SELECT * FROM ", "t", ") x", depth)
    }),
    ("queries in WITH", |depth| {
        around("", "WITH a AS (", "SELECT 1", ") SELECT 1", depth)
    }),
    ("joins", |depth| {
        around("SELECT * FROM t", " JOIN t ON true", "", "", depth)
    }),
    ("joins whose conditions come last", |depth| {
        around("SELECT * FROM t", " JOIN t", "", " ON true", depth)
    }),
    ("unions", |depth| {
        around("SELECT a, b", " UNION SELECT a, b", "", "", depth)
    }),
    ("tests", |depth| around("SELECT a", " IS NULL", "", "", depth)),
    ("statements that explain", |depth| {
        around("", "EXPLAIN ", "SELECT 1", "", depth)
    }),
    ("comments", |depth| around("", "/*", "", "*/", depth) + "SELECT 1"),
    ("bodies of routines", |depth| {
        around(
            "CREATE FUNCTION f() RETURNS int ",
            "BEGIN ATOMIC ",
            "SELECT 1; ",
            "END; ",
            depth,
        )
    }),
    ("conditions of a body", |depth| {
        format!(
            "DO $$ BEGIN {} END $$",
            around("", "IF true THEN ", "NULL;", " END IF;", depth)
        )
    }),
];

fn plan(directory: &Path, text: &str) -> Output {
    let file = directory.join("deep.sql");
    std::fs::write(&file, text).expect("written");
    let mut command = support::migtime(&["plan", "deep.sql"]);
    command.current_dir(directory).output().expect("it runs")
}

/// Checks that the program was not killed by a signal, and that an error has a position.
fn check_ended(what: &str, output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    let start: String = said.chars().take(300).collect();
    assert_eq!(output.status.signal(), None, "{what}: {start}");
    assert!(!said.contains("panicked"), "{what}: {start}");
    match output.status.code() {
        Some(0) => {}
        Some(2) => assert!(said.starts_with("error: deep.sql:"), "{what}: {start}"),
        code => panic!("{what}: {code:?} {start}"),
    }
}

#[test]
fn no_nesting_takes_the_stack_away() {
    let directory = tempfile::tempdir().expect("a directory");
    for (what, nested) in CONSTRUCTS {
        for depth in DEPTHS {
            check_ended(&format!("{depth} {what}"), &plan(directory.path(), &nested(depth)));
        }
    }
}

#[test]
fn what_a_person_writes_is_not_too_deep() {
    let directory = tempfile::tempdir().expect("a directory");
    for (what, nested) in CONSTRUCTS {
        let output = plan(directory.path(), &nested(100));
        check_ended(what, &output);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !said.contains("too many") && !said.contains("levels deep"),
            "{what}: {said}"
        );
    }
    let rows = format!("INSERT INTO t VALUES (1, -1){}", ", (-1, ARRAY[1, 2])".repeat(20_000));
    assert_eq!(plan(directory.path(), &rows).status.code(), Some(0));
}

#[test]
fn the_place_and_the_bound_are_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let output = plan(
        directory.path(),
        &format!("SELECT 1;\nSELECT {}", "ARRAY[".repeat(50_000)),
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.starts_with("error: deep.sql:2:6013: nested more than 1000 levels deep\n"),
        "{said}"
    );
}

#[test]
fn nested_settings_and_results_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    for depth in DEPTHS {
        let deep = format!(
            "{{\"kind\": \"rehearsal\", \"format_version\": 1, \"steps\": {}",
            "[".repeat(depth)
        );
        std::fs::write(directory.path().join("rehearsal.json"), deep).expect("written");
        let scenario = directory.path().join("scenario");
        std::fs::create_dir_all(&scenario).expect("a directory");
        let tables = format!("rows = {}\n[{}]\n", "[".repeat(depth), "a.".repeat(depth));
        std::fs::write(scenario.join("scenario.toml"), tables).expect("written");
        for arguments in [
            &["report", "rehearsal.json"][..],
            &["compare", "rehearsal.json", "rehearsal.json"],
            &["bench", "scenario"],
        ] {
            let mut command = support::migtime(arguments);
            let output = command.current_dir(directory.path()).output().expect("it runs");
            let said = String::from_utf8_lossy(&output.stderr);
            let start: String = said.chars().take(300).collect();
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {start}");
        }
    }
}
