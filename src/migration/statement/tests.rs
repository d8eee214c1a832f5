//! What statements are read from a text, and what is refused with its place.

use super::*;

fn message(text: &str) -> String {
    parse(text, "m.sql").expect_err("refused").message().to_owned()
}

#[test]
fn statements_carry_their_place() {
    let text = "\u{feff}-- first\r\nSELECT 1;\r\n\r\n  UPDATE t SET a = :batch_end -- x\r\n  WHERE b;";
    let statements = parse(text, "m.sql").expect("parses");
    assert_eq!(statements.len(), 2);
    let second = &statements[1];
    assert_eq!((second.number, second.line), (2, 4));
    assert_eq!(second.sql, "UPDATE t SET a = :batch_end -- x\r\n  WHERE b");
    assert_eq!(second.sql, text[second.byte_range.clone()]);
    assert_eq!(second.placeholders, [(17..27, BatchEdge::End)]);
}

#[test]
fn syntax_errors_name_their_place() {
    let error = parse(
        "SELECT 1;\nUPDATE t SET a = 1\nWHERE id BETWEEN <batch_start> AD <batch_end>;",
        "m.sql",
    )
    .expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(error.message(), "m.sql:3:32: expected AND");
    assert_eq!(
        error.excerpt(),
        Some(concat!(
            " --> m.sql:3:32\n  |\n3 | WHERE id BETWEEN <batch_start> AD <batch_end>;\n",
            "  |                                ^^"
        ))
    );
    assert_eq!(message("SELEC 1"), "m.sql:1:1: expected command, found SELEC");
    assert_eq!(
        message("UPDATE t SET a = ;"),
        "m.sql:1:17: expected an expression, found the end"
    );
    assert_eq!(message("SELECT (1; SELECT 2"), "m.sql:1:10: expected a comma");
    let error = parse("SELECT * FROM t WHERE id > :low", "m.sql").expect_err("refused");
    assert!(error.hint().expect("a hint").starts_with("psql's variables"));
}

#[test]
fn a_piece_that_reads_as_two_statements_is_refused() {
    assert_eq!(
        message("CREATE VIEW v AS SELECT 1\nCREATE VIEW w AS SELECT 2;"),
        "m.sql:2:1: Missing semicolon between statements"
    );
}

#[test]
fn the_statement_after_a_schema_with_elements_is_not_swallowed() {
    let statements = parse("CREATE SCHEMA s CREATE VIEW v AS SELECT 1; DROP TABLE t;", "m.sql").expect("parses");
    assert_eq!(statements.len(), 2);
    assert_eq!(statements[1].sql, "DROP TABLE t");
}

#[test]
fn a_migration_without_statements_is_refused() {
    for text in ["", "\u{feff}", "-- nothing\n/* here */;;\n"] {
        assert_eq!(message(text), "m.sql: there is no statement in it");
    }
}

#[test]
fn directives_reach_their_statement() {
    let text = "-- migtime: no-batch\nDELETE FROM a;\nDELETE /* migtime: batch size=7 */ FROM b;";
    let statements = parse(text, "m.sql").expect("parses");
    assert_eq!(statements[0].directive, Some(Directive::NoBatch));
    assert!(matches!(&statements[1].directive, Some(Directive::Batch(batch)) if batch.size == Some(7)));
    assert_eq!(
        message("SELECT 1;\n-- migtime: no-batch"),
        "m.sql:2:1: this migtime comment stands by no statement"
    );
    assert_eq!(
        message("-- migtime: no-batch\n-- migtime: batch\nSELECT 1"),
        "m.sql:2:1: this statement already has a migtime comment"
    );
    assert_eq!(
        message("-- migtime: batch keye=1\nSELECT 1"),
        "m.sql:1:1: unknown option \"keye\" in a migtime comment"
    );
}

#[test]
fn includes_are_resolved_by_the_caller() {
    let mut include = |wanted: &Include| {
        Ok(Included {
            file: format!("dir/{}", wanted.path),
            text: match wanted.path {
                "loop.sql" => "\\ir loop.sql".to_owned(),
                "bad.sql" => "SELECT 1;\nSELEC;".to_owned(),
                "gone.sql" => return Err(Error::new(ErrorKind::Usage, "cannot read dir/gone.sql")),
                other => format!("-- {} {}\nSELECT '{other}';", wanted.file, wanted.relative),
            },
        })
    };
    let statements = parse_with("SELECT 1;\n\\ir a.sql\nSELECT 2;", "m.sql", &mut include).expect("parses");
    let found: Vec<(u32, &str, usize)> = statements
        .iter()
        .map(|statement| (statement.number, statement.file.as_str(), statement.line))
        .collect();
    assert_eq!(found, [(1, "m.sql", 1), (2, "dir/a.sql", 2), (3, "m.sql", 3)]);
    let mut refused = |text| {
        parse_with(text, "m.sql", &mut include)
            .expect_err("refused")
            .message()
            .to_owned()
    };
    assert_eq!(
        refused("\\i loop.sql"),
        "dir/loop.sql:1:1: dir/loop.sql includes itself"
    );
    assert_eq!(refused("\\i bad.sql"), "dir/bad.sql:2:1: expected command, found SELEC");
    assert_eq!(refused("\n\\i gone.sql"), "m.sql:2: cannot read dir/gone.sql");
}
