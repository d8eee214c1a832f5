//! The command of a statement, `CREATE INDEX`: what it is called in reports, the same however it is written out.

use super::words::Words;

/// What may stand between `CREATE` and the kind of object.
const MODIFIERS: [&str; 13] = [
    "OR REPLACE",
    "UNIQUE",
    "TEMPORARY",
    "TEMP",
    "GLOBAL",
    "LOCAL",
    "UNLOGGED",
    "RECURSIVE",
    "CONSTRAINT",
    "DEFAULT",
    "TRUSTED",
    "PROCEDURAL",
    "EVENT",
];

/// Objects with a name of two words.
const OBJECTS: [&str; 9] = [
    "MATERIALIZED VIEW",
    "FOREIGN TABLE",
    "FOREIGN DATA WRAPPER",
    "ACCESS METHOD",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "USER MAPPING",
];

/// Commands whose second word belongs to them.
const WITH_OBJECT: [&str; 6] = ["CREATE", "ALTER", "DROP", "REINDEX", "REFRESH", "COMMENT ON"];

/// Returns the command of a statement in upper case, e.g. `ALTER TABLE`, `CREATE INDEX`, `UPDATE`.
pub fn command(sql: &str) -> String {
    let mut words = Words::new(sql);
    let Some(verb) = words.accept_any(&WITH_OBJECT) else {
        return first_word(&words);
    };
    words.parenthesis();
    while words.accept_any(&MODIFIERS).is_some() {}
    match words.accept_any(&OBJECTS) {
        Some(object) => format!("{verb} {object}"),
        None => format!("{verb} {}", first_word(&words)).trim_end().to_string(),
    }
}

/// Returns the next word if it is a plain one.
fn first_word(words: &Words) -> String {
    let text = words.text();
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    text[..end].to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expected: &str) {
        assert_eq!(command(sql), expected);
    }

    #[test]
    fn commands_do_not_depend_on_how_they_are_written() {
        check("-- why\ncreate  unique index concurrently i on t (a)", "CREATE INDEX");
        check("CREATE INDEX ON t (a)", "CREATE INDEX");
        check("alter table only \"T\" add column x int", "ALTER TABLE");
        check("CREATE OR REPLACE FUNCTION f() RETURNS int", "CREATE FUNCTION");
        check("REFRESH MATERIALIZED VIEW CONCURRENTLY mv", "REFRESH MATERIALIZED VIEW");
        check("REINDEX (VERBOSE) TABLE t", "REINDEX TABLE");
        check("COMMENT ON COLUMN t.a IS 'x'", "COMMENT ON COLUMN");
        check("/* a */ UPDATE t SET a = 1", "UPDATE");
        check("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", "WITH");
        check("DO $$ BEGIN END $$", "DO");
        check("(SELECT 1)", "");
    }
}
