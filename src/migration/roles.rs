//! The roles that a script names and does not create itself: on a server of its own they must be there first.
//!
//! Reads tokens, not statements, and also the bodies of `DO` and of functions, because it is no harm if a role is made
//! that nothing needs.

use std::collections::BTreeSet;

use super::lexer::{Lexer, TokenKind};

/// Words that stand for a role and are no names, and names that every server has.
const NO_NAMES: [&str; 8] = [
    "public",
    "current_user",
    "current_role",
    "session_user",
    "user",
    "none",
    "default",
    "postgres",
];

/// Returns the roles that `texts` name: owners, grantees, and whose settings or policies they are.
pub fn roles_in<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut found = Found::default();
    for text in texts {
        found.read(text);
    }
    let Found { mut named, made } = found;
    named.retain(|name| {
        !made.contains(name) && !NO_NAMES.contains(&name.as_str()) && !name.starts_with("pg_") && !name.is_empty()
    });
    named
}

#[derive(Default)]
struct Found {
    named: BTreeSet<String>,
    made: BTreeSet<String>,
}

impl Found {
    /// Reads statements; what is no SQL ends the reading, because whoever runs the text reports it.
    fn read(&mut self, text: &str) {
        let mut lexer = Lexer::new(text);
        let mut words: Vec<String> = Vec::new();
        while let Ok(Some(token)) = lexer.next() {
            let written = &text[token.range];
            match token.kind {
                TokenKind::Space | TokenKind::Comment | TokenKind::MetaCommand => {}
                TokenKind::Semicolon => self.take(&std::mem::take(&mut words)),
                TokenKind::Word => words.push(written.to_ascii_lowercase()),
                TokenKind::Quoted => match unquoted(written) {
                    Some(name) => words.push(format!("\"{name}")),
                    None => {
                        if let Some(body) = body_of(written) {
                            self.read(body);
                        }
                        words.push(String::new());
                    }
                },
                _ => words.push(written.to_owned()),
            }
        }
        self.take(&words);
    }

    fn take(&mut self, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for (place, two) in words.windows(2).enumerate() {
            match two {
                ["create", "role" | "user" | "group"] if words.get(place + 2) != Some(&"mapping") => {
                    self.made.extend(words.get(place + 2).map(|name| name_of(name)));
                }
                ["owner", "to"] | ["for", "role" | "user"] => self.name_all(&words[place + 2..]),
                ["alter" | "set", "role" | "user"] | ["owned", "by"] | ["granted", "by"] => {
                    self.name_all(&words[place + 2..]);
                }
                ["session", "authorization"] => self.name_all(&words[place + 2..]),
                ["authorization", _] => self.name_all(&words[place + 1..]),
                ["on", "role"] if words.first() == Some(&"comment") => self.name_all(&words[place + 2..]),
                ["mapping", "for"] => self.name_all(&words[place + 2..]),
                _ => {}
            }
        }
        self.take_grantees(&words);
    }

    /// Reads `GRANT … TO`, `REVOKE … FROM` and `CREATE POLICY … TO`, wherever in a text they begin.
    fn take_grantees(&mut self, words: &[&str]) {
        let Some(begin) = words
            .iter()
            .position(|word| matches!(*word, "grant" | "revoke" | "policy"))
        else {
            return;
        };
        let preposition = if words[begin] == "revoke" { "from" } else { "to" };
        let mut depth = 0;
        for (place, word) in words.iter().enumerate().skip(begin) {
            match *word {
                "(" => depth += 1,
                ")" => depth -= 1,
                word if word == preposition && depth == 0 => self.name_all(&words[place + 1..]),
                _ => {}
            }
        }
    }

    /// Takes a list of names: `a, b`, or `GROUP a`.
    fn name_all(&mut self, words: &[&str]) {
        let mut words = words.iter().filter(|word| **word != "group");
        while let Some(name) = words.next() {
            if *name == "=" || *name == "(" {
                return;
            }
            self.named.insert(name_of(name));
            if words.next() != Some(&",") {
                return;
            }
        }
    }
}

/// Returns the name that a word means; quoted ones are marked by a quote in front.
fn name_of(word: &str) -> String {
    word.strip_prefix('"').unwrap_or(word).to_owned()
}

/// Returns the name in double quotes.
fn unquoted(written: &str) -> Option<String> {
    let name = written.strip_prefix('"')?.strip_suffix('"')?;
    Some(name.replace("\"\"", "\""))
}

/// Returns what is between dollar quotes.
fn body_of(written: &str) -> Option<&str> {
    let end = 2 + written.strip_prefix('$')?.find('$')?;
    written.get(end..written.len().checked_sub(end)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found = roles_in([text]);
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn owners_and_grantees_are_found() {
        check(
            "ALTER TABLE public.t OWNER TO shop; ALTER TABLE u OWNER TO \"Own\"\"er\"",
            &["Own\"er", "shop"],
        );
        check(
            "GRANT SELECT (a, b), UPDATE ON TABLE t TO app, GROUP ro WITH GRANT OPTION",
            &["app", "ro"],
        );
        check(
            "REVOKE ALL ON SCHEMA public FROM PUBLIC, app; GRANT app TO mia",
            &["app", "mia"],
        );
        check(
            "ALTER DEFAULT PRIVILEGES FOR ROLE a, b IN SCHEMA s GRANT SELECT ON TABLES TO c",
            &["a", "b", "c"],
        );
        check(
            "CREATE SCHEMA s AUTHORIZATION own; SET SESSION AUTHORIZATION boss; SET ROLE x",
            &["boss", "own", "x"],
        );
        check("CREATE POLICY p ON t FOR SELECT TO app USING (a = 1)", &["app"]);
        check(
            "ALTER ROLE app SET search_path TO s; REASSIGN OWNED BY old TO CURRENT_USER",
            &["app", "old"],
        );
        check("CREATE USER MAPPING FOR app SERVER s", &["app"]);
        check(
            "DO $x$ BEGIN GRANT SELECT ON t TO app; EXECUTE $$GRANT a TO b$$; END $x$",
            &["app", "b"],
        );
    }

    #[test]
    fn what_is_made_or_always_there_is_not() {
        check(
            "CREATE ROLE app; GRANT SELECT ON t TO app, postgres, pg_read_all_data, CURRENT_USER",
            &[],
        );
        check(
            "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles) THEN CREATE USER app; END IF; END $$; ALTER TABLE t \
             OWNER TO app",
            &[],
        );
        check(
            "ALTER TABLE t RENAME TO u; INSERT INTO t SELECT 'grant x to y' FROM z",
            &[],
        );
        check("COMMENT ON TABLE t IS 'owner to x'; SELECT 1 AS owner", &[]);
    }
}
