//! No text from a migration, its names or the server can control a terminal or command a CI service.

use crate::bad_input::{Folder, check_error, run};
use crate::support::{self, Database};

/// Checks that no part of the output would be obeyed: only annotations may begin a line with two colons.
fn check_harmless(said: &str, may_annotate: bool) {
    let is_steering = |character: char| {
        (character.is_control() && character != '\n')
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!said.contains(is_steering), "{said:?}");
    for line in said.lines() {
        let commands = ["::error ", "::warning ", "::notice "];
        let is_ours = may_annotate && commands.iter().any(|command| line.starts_with(command));
        assert!(is_ours || !line.trim_start().starts_with("::"), "{said}");
        assert!(!line.contains("##["), "{said}");
    }
}

#[test]
fn no_excerpt_of_a_file_is_obeyed() {
    let folder = Folder::new();
    for text in [
        "SELECT 1;\n::error::hunter \u{1b}[2J\u{202e}x\n",
        "##[error]x\u{2066}\n",
        "SELECT '\n::add-mask::x' FROM;;; )\u{9b}31m\n",
    ] {
        let migration = folder.file("m.sql", text);
        let output = check_error(&["plan", &migration], 2, &["m.sql:"]);
        check_harmless(&String::from_utf8_lossy(&output.stderr), false);
    }
}

#[test]
fn no_message_of_the_server_is_obeyed() {
    let database = Database::create();
    let folder = Folder::new();
    let (url, out) = (database.url(), folder.path("out"));
    let sql = "DO $$ BEGIN RAISE EXCEPTION E'a\\n::error::b\\x1b[2J\u{202e}' USING HINT = E'c\\n##[error]d'; END $$;\n";
    let migration = folder.file("m.sql", sql);
    let arguments = ["rehearse", &migration, "--staging", &url, "--output", &out];
    let output = check_error(&arguments, 4, &["\\u{1b}"]);
    check_harmless(&String::from_utf8_lossy(&output.stderr), false);
}

#[test]
fn no_name_or_statement_in_a_report_is_obeyed() {
    let folder = Folder::new();
    let sql = "CREATE TABLE \"::error::\u{1b}[2J\u{202e}t\n::error::u\" (id int);\n\
               ALTER TABLE \"##[error]v\u{2066}\n::warning::w\" ALTER COLUMN id TYPE bigint;\n\
               /* x\n::error::y */ DROP TABLE \"::z\u{200f}\";\n";
    let migration = folder.file("m.sql", sql);
    for format in ["terminal", "markdown", "github", "gitlab", "sarif", "junit"] {
        let output = run(&mut support::migtime(&["plan", &migration, "--format", format]));
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(0), "{format}: {said}");
        check_harmless(&said, format == "github");
    }
}
