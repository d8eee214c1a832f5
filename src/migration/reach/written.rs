//! Finds, from the text alone, the relations that a statement writes to and the routines that it calls, including those
//! in bodies and in constants that are executed.

use super::{DEEPEST_BODY, Word, creates_routine, is_only_named, is_string, words};
use crate::migration::lexer::TokenKind;

/// Returns the bare paths of the relations that one or more statements write to, as far as the text shows.
///
/// May return too many: `FOR UPDATE OF t` yields `of`, but no relation has that name.
pub fn written(sql: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    each_text(sql, 0, &mut |words| {
        for at in 0..words.len() {
            targets(words, at, &mut found);
        }
    });
    found
}

/// Returns the bare names of the routines that one or more statements call.
pub fn called(sql: &str) -> Vec<String> {
    let mut found = Vec::new();
    each_text(sql, 0, &mut |words| {
        for (at, pair) in words.windows(2).enumerate() {
            if is_name(&pair[0]) && pair[1].kind == TokenKind::OpenParenthesis && !is_only_named(words, at) {
                found.push(pair[0].name.clone());
            }
        }
    });
    found
}

/// Calls `look` with a text, and with the texts in it that are code.
fn each_text(sql: &str, depth: usize, look: &mut dyn FnMut(&[Word])) {
    if depth > DEEPEST_BODY {
        return;
    }
    let (words, _) = words(sql);
    look(&words);
    for statement in words.split(|word| word.kind == TokenKind::Semicolon) {
        let holds_code = depth > 0
            || statement.first().is_some_and(|word| match word.name.as_str() {
                "do" => true,
                "create" => creates_routine(statement),
                _ => false,
            });
        for word in statement.iter().filter(|word| holds_code && is_string(word)) {
            each_text(&word.content, depth + 1, look);
        }
    }
}

fn targets(words: &[Word], at: usize, found: &mut Vec<Vec<String>>) {
    let is = |at: usize, name: &str| words.get(at).is_some_and(|word| is_keyword(word, name));
    if words[at].kind != TokenKind::Word {
        return;
    }
    let first = match words[at].name.as_str() {
        "update" => at + 1,
        "insert" | "merge" if is(at + 1, "into") => at + 2,
        "delete" if is(at + 1, "from") => at + 2,
        "copy" => at + 1,
        "truncate" => at + 1 + usize::from(is(at + 1, "table")),
        _ => return,
    };
    let (path, mut next) = path(words, first + usize::from(is(first, "only")));
    found.extend(path);
    let takes_several = words[at].name == "truncate";
    loop {
        next += usize::from(words.get(next).is_some_and(|word| word.text == "*"));
        if !takes_several || words.get(next).is_none_or(|word| word.text != ",") {
            return;
        }
        let another = self::path(words, next + 1 + usize::from(is(next + 1, "only")));
        found.extend(another.0);
        next = another.1;
    }
}

/// Returns the name at this position, and where it ends.
fn path(words: &[Word], first: usize) -> (Option<Vec<String>>, usize) {
    let mut path = Vec::new();
    let mut at = first;
    while let Some(word) = words.get(at).filter(|word| is_name(word)) {
        path.push(word.name.clone());
        at += 1;
        if words.get(at).is_none_or(|word| word.text != ".") {
            break;
        }
        at += 1;
    }
    ((!path.is_empty()).then_some(path), at)
}

fn is_name(word: &Word) -> bool {
    word.kind == TokenKind::Word || word.text.starts_with('"')
}

fn is_keyword(word: &Word, name: &str) -> bool {
    word.kind == TokenKind::Word && word.name == name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expected: &[&str]) {
        let found: Vec<String> = written(sql).iter().map(|path| path.join(".")).collect();
        assert_eq!(found, expected, "{sql}");
    }

    #[test]
    fn what_is_written_to_is_named() {
        check("UPDATE ONLY remote.orders SET a = 1", &["remote.orders"]);
        check("insert into \"Remote\".\"Or\"\"ders\" select 1", &["Remote.Or\"ders"]);
        check(
            "WITH gone AS (DELETE FROM a RETURNING *) INSERT INTO b TABLE gone",
            &["a", "b"],
        );
        check("TRUNCATE TABLE a, ONLY s.b *, c CASCADE", &["a", "s.b", "c"]);
        check("MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE", &["a"]);
        check("COPY a (id) FROM STDIN", &["a"]);
        check("DO $$ BEGIN EXECUTE 'UPDATE remote.a SET b = 1'; END $$", &["remote.a"]);
        check(
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM a'",
            &["a"],
        );
    }

    #[test]
    fn what_is_only_read_or_quoted_is_not() {
        check("SELECT a FROM remote.orders", &[]);
        check("INSERT INTO notes VALUES ('update remote.orders')", &["notes"]);
        check("ALTER TABLE a ADD b int", &[]);
    }

    #[test]
    fn what_is_called_is_named() {
        assert_eq!(called("SELECT public.f(a), \"G\" (1) FROM t"), ["f", "G"]);
        assert_eq!(called("DO $$ BEGIN PERFORM f(); END $$"), ["f"]);
        assert!(called("DROP FUNCTION f(int)").is_empty());
    }
}
