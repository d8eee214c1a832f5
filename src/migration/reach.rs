//! Finds what a statement reaches outside its own database: other databases, roles, the server, its files, other
//! servers.
//!
//! A copy of a database can be dropped, but changes outside it remain. If staging shares a server with production, they
//! affect production. Function names count wherever they occur, and bodies of `DO` and of functions are read as well.
//! The effect of a text that is built at run time cannot be known; it counts as [`OutsideKind::DynamicSql`]. Knows no
//! catalog.

use std::collections::BTreeMap;

use super::lexer::TokenKind;

mod known;
mod outside_kind;
mod text;
mod through;
mod written;

pub use outside_kind::OutsideKind;
pub use through::Outlets;
pub use written::{called, written};

use known::{FUNCTION_PREFIXES, FUNCTIONS, HEADS, READ_LANGUAGES, SHARED_CATALOGS, UNTRUSTED_LANGUAGES};
use text::{Word, is_string, words};

/// Returns what one or more statements reach outside their database, each kind with the words that show it.
pub fn reaches(sql: &str) -> BTreeMap<OutsideKind, String> {
    let mut found = BTreeMap::new();
    read(sql, false, 0, &mut found);
    found
}

/// Returns what the body of a catalog routine reaches.
pub fn reaches_in_body(body: &str) -> BTreeMap<OutsideKind, String> {
    let mut found = BTreeMap::new();
    read(body, true, 0, &mut found);
    found
}

/// Depth to which nested bodies are read; anything deeper counts as built at run time.
const DEEPEST_BODY: usize = 8;

/// Most words in a body. Nobody writes longer ones; they are not read, to limit the time.
const LONGEST_BODY: usize = 200_000;

fn read(sql: &str, is_body: bool, depth: usize, found: &mut BTreeMap<OutsideKind, String>) {
    if depth > DEEPEST_BODY {
        found
            .entry(OutsideKind::DynamicSql)
            .or_insert_with(|| "bodies in bodies".to_string());
        return;
    }
    let (words, is_whole) = words(sql);
    if !is_whole {
        note(
            found,
            OutsideKind::DynamicSql,
            "a text that is not understood".to_string(),
        );
    }
    if is_body && words.len() > LONGEST_BODY {
        note(
            found,
            OutsideKind::DynamicSql,
            "a body that is too long to be read".to_string(),
        );
        return;
    }
    let mut end = words.len();
    for at in (0..words.len()).rev() {
        if words[at].kind == TokenKind::Semicolon {
            end = at;
        }
        if starts_statement(&words, at, is_body) {
            statement(&words[at..end], is_body, depth, found);
        }
        function(&words, at, found);
    }
}

/// Returns whether a statement may begin here; in a body, also after keywords of its language.
fn starts_statement(words: &[Word], at: usize, is_body: bool) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| &words[before]) else {
        return true;
    };
    let is_keyword =
        before.kind == TokenKind::Word && matches!(before.name.as_str(), "begin" | "then" | "else" | "loop" | "atomic");
    // A label, `<<name>>`, precedes a block or a loop.
    let ends_label = before.text == ">>" || (before.text == ">" && at > 1 && words[at - 2].text == ">");
    before.kind == TokenKind::Semicolon || (is_body && (is_keyword || ends_label))
}

fn statement(words: &[Word], is_body: bool, depth: usize, found: &mut BTreeMap<OutsideKind, String>) {
    for (head, outside) in HEADS {
        if begins_with(words, head) {
            note(found, *outside, head.to_uppercase());
        }
    }
    match words.first().map(|word| word.name.as_str()) {
        Some("grant" | "revoke") => privileges(words, found),
        Some("comment" | "security") => described(words, found),
        Some("create" | "alter") if opens_foreign_table(words) => {
            note(
                found,
                OutsideKind::Foreign,
                "a foreign table that may be updated".to_string(),
            );
        }
        Some("copy") => copy(words, found),
        Some("update" | "delete" | "insert" | "merge" | "truncate") => shared_catalogs(words, found),
        Some("do") => code(words, depth, found),
        Some("create") if creates_routine(words) => code(words, depth, found),
        Some("execute") if is_body => executed(words, depth, found),
        Some("return" | "for" | "open") if is_body => {
            if let Some(at) = words
                .iter()
                .take_while(|word| word.kind != TokenKind::Word || word.name != "loop")
                .position(|word| word.name == "execute" && word.kind == TokenKind::Word)
            {
                executed(&words[at..], depth, found);
            }
        }
        _ => {}
    }
}

fn begins_with(words: &[Word], head: &str) -> bool {
    let expected = head.split(' ');
    let mut words = words.iter();
    for keyword in expected {
        let is_there = words
            .next()
            .is_some_and(|word| word.kind == TokenKind::Word && word.name == keyword);
        if !is_there {
            return false;
        }
    }
    // `USER` also begins `USER MAPPING`, which is an object of the database.
    !(head.ends_with(" user") && words.next().is_some_and(|word| word.name == "mapping"))
}

/// Judges GRANT and REVOKE: without an object they are about role memberships; databases, tablespaces and parameters
/// belong to the whole server.
fn privileges(words: &[Word], found: &mut BTreeMap<OutsideKind, String>) {
    let keyword = |word: &Word, name: &str| word.kind == TokenKind::Word && word.name == name;
    match words.iter().position(|word| keyword(word, "on")) {
        None => note(found, OutsideKind::Role, "GRANT or REVOKE of a role".to_string()),
        Some(on) => match words.get(on + 1).map(|word| word.name.as_str()) {
            Some("database") => note(
                found,
                OutsideKind::Database,
                "GRANT or REVOKE … ON DATABASE".to_string(),
            ),
            Some("tablespace") => note(
                found,
                OutsideKind::Tablespace,
                "GRANT or REVOKE … ON TABLESPACE".to_string(),
            ),
            Some("parameter") => note(
                found,
                OutsideKind::Setting,
                "GRANT or REVOKE … ON PARAMETER".to_string(),
            ),
            _ => {}
        },
    }
}

fn described(words: &[Word], found: &mut BTreeMap<OutsideKind, String>) {
    let Some(on) = words
        .iter()
        .position(|word| word.kind == TokenKind::Word && word.name == "on")
    else {
        return;
    };
    let outside = match words.get(on + 1).map(|word| word.name.as_str()) {
        Some("database") => OutsideKind::Database,
        Some("role") => OutsideKind::Role,
        Some("tablespace") => OutsideKind::Tablespace,
        Some("subscription") => OutsideKind::Replication,
        _ => return,
    };
    note(
        found,
        outside,
        format!("COMMENT or SECURITY LABEL ON {}", words[on + 1].text.to_uppercase()),
    );
}

fn copy(words: &[Word], found: &mut BTreeMap<OutsideKind, String>) {
    // A query in parentheses has its own FROM, and so may a condition after the source.
    let mut depth = 0_usize;
    let direction = words.iter().position(|word| {
        match word.kind {
            TokenKind::OpenParenthesis => depth += 1,
            TokenKind::CloseParenthesis => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && word.kind == TokenKind::Word && matches!(word.name.as_str(), "from" | "to")
    });
    let Some(last) = direction else {
        return;
    };
    match words.get(last + 1) {
        Some(word) if word.name == "program" => note(found, OutsideKind::Program, "COPY … PROGRAM".to_string()),
        Some(word) if word.kind == TokenKind::Quoted => {
            note(found, OutsideKind::File, "COPY with a file of the server".to_string())
        }
        _ => {}
    }
}

/// Finds writes to catalogs shared by all databases of a server, which a superuser may make.
fn shared_catalogs(words: &[Word], found: &mut BTreeMap<OutsideKind, String>) {
    let target = words.iter().skip(1).find(|word| {
        !matches!(
            word.name.as_str(),
            "into" | "from" | "only" | "table" | "pg_catalog" | "."
        )
    });
    if let Some(target) = target.filter(|target| SHARED_CATALOGS.contains(&target.name.as_str())) {
        note(found, OutsideKind::Database, format!("a change of {}", target.name));
    }
}

/// Returns whether the statement makes a foreign table writable: a table's option overrides its server's, which may
/// have been closed to writes.
fn opens_foreign_table(words: &[Word]) -> bool {
    words.get(1).is_some_and(|word| word.name == "foreign")
        && words
            .iter()
            .any(|word| matches!(word.name.as_str(), "updatable" | "truncatable"))
}

fn creates_routine(words: &[Word]) -> bool {
    words
        .iter()
        .take(4)
        .any(|word| word.kind == TokenKind::Word && matches!(word.name.as_str(), "function" | "procedure"))
}

/// Reads the body of `DO` or of a routine, which is a string, together with its language.
fn code(words: &[Word], depth: usize, found: &mut BTreeMap<OutsideKind, String>) {
    let language = words
        .iter()
        .position(|word| word.kind == TokenKind::Word && word.name == "language")
        .and_then(|at| words.get(at + 1))
        .map_or_else(
            || "plpgsql".to_string(),
            |word| word.name.trim_matches('\'').to_lowercase(),
        );
    if UNTRUSTED_LANGUAGES.contains(&language.as_str()) {
        note(found, OutsideKind::Program, format!("code in the language {language}"));
    } else if !READ_LANGUAGES.contains(&language.as_str()) {
        note(
            found,
            OutsideKind::DynamicSql,
            format!("code in the language {language}"),
        );
    }
    for word in words.iter().filter(|word| is_string(word)) {
        read(&word.content, true, depth + 1, found);
    }
}

/// Judges `EXECUTE`: a constant is read as SQL. Anything else is built at run time; the constants in it are read
/// nevertheless.
fn executed(words: &[Word], depth: usize, found: &mut BTreeMap<OutsideKind, String>) {
    let constant = words.get(1).filter(|word| is_string(word)).is_some();
    let is_whole = words
        .get(2)
        .is_none_or(|word| word.kind == TokenKind::Word && matches!(word.name.as_str(), "into" | "using" | "loop"));
    if !(constant && is_whole) {
        note(
            found,
            OutsideKind::DynamicSql,
            "EXECUTE of a text that is put together".to_string(),
        );
    }
    for word in words.iter().filter(|word| is_string(word)) {
        read(&word.content, true, depth + 1, found);
    }
}

/// A name before a parenthesis is a function, wherever it occurs and with any schema.
fn function(words: &[Word], at: usize, found: &mut BTreeMap<OutsideKind, String>) {
    let word = &words[at];
    let is_name = word.kind == TokenKind::Word || word.text.starts_with('"');
    let is_called = words
        .get(at + 1)
        .is_some_and(|next| next.kind == TokenKind::OpenParenthesis);
    if !is_name || !is_called || is_only_named(words, at) {
        return;
    }
    let by_name = FUNCTIONS
        .iter()
        .find(|(name, _)| *name == word.name)
        .map(|(_, outside)| *outside);
    let by_prefix = || {
        FUNCTION_PREFIXES
            .iter()
            .find(|(prefix, _)| word.name.starts_with(prefix))
    };
    if let Some(outside) = by_name.or_else(|| by_prefix().map(|(_, outside)| *outside)) {
        note(found, outside, format!("{}()", word.name));
    }
}

/// Returns whether a name before a parenthesis is not a call: `DROP FUNCTION f(text)` calls nothing, and a table's name
/// may precede its columns.
fn is_only_named(words: &[Word], at: usize) -> bool {
    let mut first = at;
    while first >= 2 && words[first - 1].text == "." {
        first -= 2;
    }
    let before = first.checked_sub(1).map_or("", |before| words[before].name.as_str());
    matches!(
        before,
        "function" | "procedure" | "routine" | "into" | "table" | "exists" | "references" | "copy"
    )
}

fn note(found: &mut BTreeMap<OutsideKind, String>, outside: OutsideKind, words: String) {
    // A text is read from its end, so the first words that show it are recorded last.
    found.insert(outside, words);
}

#[cfg(test)]
mod tests;
